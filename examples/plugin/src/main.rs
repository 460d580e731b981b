//! The `braid` command with the plugin: `plugin-example serve --config router.yaml` takes all that `braid serve` takes.

use std::process::ExitCode;

use braid::plugin::Plugins;
use plugin_example::Tenants;

fn main() -> ExitCode {
    braid::cli::main_with(Plugins::default().with(Tenants(vec!["acme".to_owned()])))
}
