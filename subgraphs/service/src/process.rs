//! A service as a process: command line, signals, exit status. Knows no GraphQL.

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::config::{Config, ServiceInfo, default_database, default_listen};
use crate::http::{Shutdown, bind};
use crate::telemetry;

/// The `main` of a service: without a command it serves, `schema` prints its SDL.
///
/// `C` is [`Config`], or a service's own configuration that contains one.
pub fn main<C, F>(info: &ServiceInfo, sdl: fn() -> String, serve: fn(C, TcpListener, Shutdown) -> F) -> ExitCode
where
    C: Args + AsRef<Config>,
    F: Future<Output = anyhow::Result<()>>,
{
    let line = CommandLine::<C>::read(info);
    let done = match line.command {
        Some(Verb::Schema) => print(&sdl()),
        None => run(line.config, serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may be off; whoever started the process must see why it exited.
            let _ = writeln!(std::io::stderr(), "{}: {error:#}", info.name);
            ExitCode::FAILURE
        }
    }
}

/// Completes when the process is asked to stop, by Ctrl-C or SIGTERM.
pub fn stop_signal() -> Shutdown {
    Box::pin(async {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                },
                Err(_) => drop(interrupt.await),
            }
        }
        #[cfg(not(unix))]
        drop(interrupt.await);
    })
}

#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine<C: Args> {
    #[command(flatten)]
    config: C,
    #[command(subcommand)]
    command: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the federated schema and stop
    Schema,
}

impl<C: Args> CommandLine<C> {
    fn read(info: &ServiceInfo) -> Self {
        let mut command = command::<C>(info);
        let matches = command.get_matches_mut();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }
}

fn command<C: Args>(info: &ServiceInfo) -> Command {
    CommandLine::<C>::command()
        .name(info.name)
        .about(info.about)
        .mut_arg("listen", |arg| arg.default_value(default_listen(info).to_string()))
        .mut_arg("database_url", |arg| arg.default_value(default_database(info)))
}

fn run<C, F>(config: C, serve: fn(C, TcpListener, Shutdown) -> F) -> anyhow::Result<()>
where
    C: AsRef<Config>,
    F: Future<Output = anyhow::Result<()>>,
{
    telemetry::init(config.as_ref().log);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
    runtime.block_on(async {
        let listener = bind(config.as_ref().listen, "--listen or LISTEN").await?;
        serve(config, listener, stop_signal()).await
    })
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
