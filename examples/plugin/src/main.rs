//! The `braid` command with the plugin: `plugin-example serve --config router.yaml` takes all that `braid serve` takes.

use std::process::ExitCode;

use braid::MiMalloc;
use braid::plugin::Plugins;
use plugin_example::Tenants;

// Requests take about a tenth more with the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    braid::cli::main_with(Plugins::default().with(Tenants(vec!["acme".to_owned()])))
}
