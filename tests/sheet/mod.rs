//! The Google edge against the local Google, and the endpoint against raw requests.

mod batches;
mod calls;
mod crowd;
mod desk;
mod endpoint;
mod fate;
mod fuzz;
mod parts;
mod reads;
mod security;
mod setup;
