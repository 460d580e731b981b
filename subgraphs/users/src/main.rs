//! The users service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main_with(&users::PROGRAM, users::serve, users::command)
}
