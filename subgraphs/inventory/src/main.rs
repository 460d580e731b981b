//! The inventory service as a process.

fn main() -> std::process::ExitCode {
    service::main_with(&inventory::INFO, inventory::sdl, inventory::serve, inventory::command)
}
