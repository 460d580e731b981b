//! The inventory service as a process.

fn main() -> std::process::ExitCode {
    service::main(&inventory::INFO, inventory::sdl, inventory::serve)
}
