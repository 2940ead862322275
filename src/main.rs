//! The sheetbridge daemon.
fn main() {}
