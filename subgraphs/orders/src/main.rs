//! The orders service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(&orders::PROGRAM, orders::serve)
}
