//! The orders service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(&orders::INFO, orders::sdl, orders::serve)
}
