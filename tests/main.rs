//! The tests, one binary.
fn main() {}
