//! The inventory service as a process.

fn main() -> std::process::ExitCode {
    service::main_with(&inventory::PROGRAM, inventory::serve, inventory::command)
}
