//! The command line: verbs, what they print, and how they exit. What a verb does is in the file of its name.

mod check;
mod compose;
mod config;
mod diff;
mod excerpt;
mod lint;
mod operations;
mod plan;
mod reporting;
mod serve;
mod variant;
mod versions;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::source::paths;

/// The Braid router: composes, plans, executes and serves a federated graph.
#[derive(Debug, Parser)]
#[command(name = "braid", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve a supergraph
    Serve(serve::Serve),
    /// Compose subgraphs into a supergraph
    Compose(compose::Compose),
    /// Show how an operation is answered
    Plan(plan::Plan),
    /// Check a graph against another version of it
    Check(check::Check),
    /// Compare two schemas
    Diff(diff::Diff),
    /// Check schemas for conventions
    Lint(lint::Lint),
    /// Inspect the configuration
    #[command(subcommand)]
    Config(config::ConfigVerb),
}

/// How a verb ended without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It ran, and the input is not valid: subgraphs that do not compose, an invalid operation. The reasons have been printed.
    Negative,
    /// The command line or the configuration is wrong.
    Usage(String),
    /// Some input can't be read.
    Unreadable(String),
    /// A check ran and did not pass. Its report has been printed; this is its exit code.
    Checked(u8),
    /// Anything else.
    Other(String),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Checked(code) => *code,
            Self::Other(_) => 1,
            Self::Negative => 2,
            Self::Usage(_) => 3,
            Self::Unreadable(_) => 4,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap prints them to the right stream.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 3 } else { 0 });
        }
    };
    let done = match cli.verb {
        Verb::Serve(verb) => verb.run(),
        Verb::Compose(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::Check(verb) => verb.run(),
        Verb::Diff(verb) => verb.run(),
        Verb::Lint(verb) => verb.run(),
        Verb::Config(verb) => verb.run(),
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

/// Prints a verb's output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // The reader has closed the pipe, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::Other(format!("the output can't be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Prints messages that are not a verb's output.
pub(crate) fn complain(text: &str) {
    // If standard error is closed, there is nowhere to say so.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A small runtime for verbs that wait for files and subgraphs.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Other(format!("the runtime can't be started: {error}")))?.block_on(future)
}

/// The text of a file; `-` is standard input.
pub(crate) fn read_file(path: &std::path::Path) -> Result<String, Failure> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    text.map_err(|error| Failure::Unreadable(format!("{} can't be read: {error}", path.display())))
}
