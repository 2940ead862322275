//! The sheetbridge daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    sheetbridge::cli::main()
}
