//! The tests, one binary.

mod simulation;
