//! The command line: subcommands, their output and exit codes. Each subcommand is in the file of its name.

mod cache;
mod check;
mod compose;
mod config;
mod dev;
mod diff;
mod docs;
mod health;
mod init;
mod known;
#[cfg(feature = "lambda")]
mod lambda;
mod lint;
mod mcp;
mod migrate;
mod operations;
mod plan;
mod reporting;
mod serve;
mod terminal;
mod usage;
mod variant;
mod versions;

use std::ffi::OsString;
use std::process::ExitCode;

use braid_plugin::Plugins;
use clap::{Parser, Subcommand};

use terminal::{Failure, complain};

/// The Braid router: composes, checks and serves a federated GraphQL API
#[derive(Debug, Parser)]
#[command(name = "braid", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a supergraph
    Serve(serve::Serve),
    /// Serve as a function of AWS Lambda; also what is done there without a command
    #[cfg(feature = "lambda")]
    Lambda(lambda::Lambda),
    /// Serve while you develop: compose from files and running subgraphs, watch them, and answer for those that are not there
    Dev(dev::Dev),
    /// Start a project: a subgraph, supergraph.yaml, router.yaml and a CI file
    Init(init::Init),
    /// Ask a router whether it takes requests
    Health(health::Health),
    /// Compose subgraphs into a supergraph
    Compose(compose::Compose),
    /// Show the query plan of an operation
    Plan(plan::Plan),
    /// Check a new version of a graph for breaking changes
    Check(check::Check),
    /// Compare two schemas
    Diff(diff::Diff),
    /// Check schemas against conventions
    Lint(lint::Lint),
    /// Write a static site that documents a graph
    Docs(docs::Docs),
    /// Extract, compare and publish lists of persisted operations
    #[command(subcommand)]
    Operations(operations::OperationsCommand),
    /// Summarise usage logs
    Usage(usage::UsageCommand),
    /// Tell running routers what is not true any more
    #[command(subcommand)]
    Cache(cache::CacheCommand),
    /// Connect a program that starts MCP servers, over standard input and output, to a router
    Mcp(mcp::Bridge),
    /// Turn the configuration of another router into router.yaml
    Migrate(migrate::Migrate),
    /// Check or describe the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// The arguments of this process.
fn arguments() -> Vec<OsString> {
    #[cfg(feature = "lambda")]
    return braid_lambda::arguments();
    #[cfg(not(feature = "lambda"))]
    std::env::args_os().collect()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_with(Plugins::default())
}

/// The same, where `serve` and `dev` serve with plugins: all that a router with plugins of one's own needs as its `main`.
pub fn main_with(plugins: Plugins) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli,
        Err(error) => {
            // clap returns help and version as errors too, and prints them to standard output.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 3 } else { 0 });
        }
    };
    let done = match cli.command {
        Command::Serve(command) => command.run(plugins),
        #[cfg(feature = "lambda")]
        Command::Lambda(command) => command.run(plugins),
        Command::Dev(command) => command.run(plugins),
        Command::Init(command) => command.run(),
        Command::Health(command) => command.run(),
        Command::Compose(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Docs(command) => command.run(),
        Command::Operations(command) => command.run(),
        Command::Usage(command) => command.run(),
        Command::Cache(command) => command.run(),
        Command::Mcp(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Config(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Failure::Usage(message) | Failure::Unreadable(message) | Failure::Other(message) = &failure {
                complain(&format!("braid: {message}\n"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
