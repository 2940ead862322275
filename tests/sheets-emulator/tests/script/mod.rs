//! The project's real script in the emulator: what a person does at the grid leaves as a signed POST, whatever happens
//! on the way.

mod accidents;
mod control;
mod endpoint;
mod knobs;
mod sending;
mod services;
mod stage;
mod telling;
