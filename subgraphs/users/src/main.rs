//! The users service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(&users::INFO, users::sdl, users::serve)
}
