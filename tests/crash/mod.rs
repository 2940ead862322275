//! Daemons that are killed at the worst moments, and people who act just between the daemon's look and its hand
//! (`docs/guarantees.md`, promises 1, 4 and 5).
//!
//! [`steps`] kills at each named step of a call, [`moments`] at random ones of a busy [`day`], [`storm`] in the bridge's storm;
//! [`between`] lets a person sort, insert, delete and type between the read and the write, with the answer heard, lost or late,
//! and [`policies`] judges what was typed. [`picture`] is what must stand in the end, [`ledger`] where a value is found that
//! lost, [`hold`] how a call or a transaction is kept waiting. [`heir`] is what another daemon finds that took the lease, and
//! [`asked`] what a run asks of the next one.

mod asked;
mod between;
mod day;
mod heir;
mod hold;
mod ledger;
mod moments;
mod picture;
mod policies;
mod steps;
mod storm;
