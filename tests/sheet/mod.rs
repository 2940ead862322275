//! The Google edge against the local Google, and the endpoint against raw requests.

mod batches;
mod calls;
mod crowd;
mod desk;
mod endpoint;
mod fate;
mod fuzz;
mod reads;
mod security;
mod setup;
