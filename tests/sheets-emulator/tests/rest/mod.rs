//! Google's interface over HTTP: batches, labels, values, doors, accidents.

mod accidents;
mod batches;
mod blocks;
mod doors;
mod knobs;
mod labels;
mod model;
mod stage;
mod typing;
mod undo;
mod values;
