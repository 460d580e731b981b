//! The inventory service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(&inventory::INFO, inventory::sdl, inventory::serve)
}
