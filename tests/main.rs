//! The tests, one binary.

mod sheet;
