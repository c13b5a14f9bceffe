//! Layer 4: the command line. The window is the product; each command is the same engine without it.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments (the program's name first).
pub fn run(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
