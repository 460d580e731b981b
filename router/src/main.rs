//! The `braid` command.

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: braid::MiMalloc = braid::MiMalloc;

fn main() -> std::process::ExitCode {
    braid::cli::main()
}
