//! Google's interface over HTTP: batches, labels, values, doors, accidents.

mod accidents;
mod batches;
mod capacity;
mod doors;
mod labels;
mod stage;
mod values;
