//! A service as a process: command line, signals, exit status. Knows no GraphQL.

use std::ffi::OsString;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;

use crate::config::{Config, ServiceInfo, default_database, default_listen};
use crate::database::{Database, MigrateCommand, Migrations};
use crate::http::{Run, Shutdown, bind};
use crate::{probe, secret_files, telemetry};

/// What a service is, as a program.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its name, and where it listens.
    pub info: ServiceInfo,
    /// Its federated schema.
    pub sdl: fn() -> String,
    /// What its database has to go through.
    pub migrations: Migrations,
}

/// The `main` of a service: without a command it serves, `schema` prints its SDL, `health` asks the one that runs, `migrate` changes its
/// database, `reconcile` does once what it does beside requests.
///
/// `C` is [`Config`], or a service's own configuration that contains one.
pub fn main<C, F>(program: &Program, serve: fn(C, Run, Shutdown) -> F) -> ExitCode
where
    C: Args + AsRef<Config>,
    F: Future<Output = anyhow::Result<()>>,
{
    main_with(program, serve, |_, command: NoCommand| match command {})
}

/// The `main` of a service that has commands `V` of its own. A command gives the text that it prints.
pub fn main_with<C, V, F>(
    program: &Program,
    serve: fn(C, Run, Shutdown) -> F,
    command: fn(C, V) -> Printing,
) -> ExitCode
where
    C: Args + AsRef<Config>,
    V: Subcommand,
    F: Future<Output = anyhow::Result<()>>,
{
    let (info, migrations) = (&program.info, program.migrations);
    let line = CommandLine::<C, V>::read(info);
    let done = match line.command {
        Some(Verb::Schema) => print(&(program.sdl)()),
        Some(Verb::Health) => runtime().and_then(|runtime| runtime.block_on(probe::probe(line.config.as_ref().listen))),
        Some(Verb::Migrate(verb)) => run_command(line.config.as_ref(), migrate(line.config.as_ref(), migrations, verb)),
        Some(Verb::Reconcile) => run(line.config, serve, async |_| Ok(Run::Reconcile)),
        #[cfg(feature = "lambda")]
        Some(Verb::Lambda { invoke_mode }) => run(line.config, serve, async |_| Ok(Run::Function(invoke_mode))),
        Some(Verb::Own(own)) => {
            let config = line.config.as_ref().clone();
            run_command(&config, command(line.config, own))
        }
        None => run(line.config, serve, listen),
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

/// A command of a service: completes with the text that it prints.
pub type Printing = BoxFuture<'static, anyhow::Result<String>>;

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
struct CommandLine<C: Args, V: Subcommand> {
    #[command(flatten)]
    config: C,
    #[command(subcommand)]
    command: Option<Verb<V>>,
}

#[derive(Debug, Subcommand)]
enum Verb<V: Subcommand> {
    /// Print the federated schema and stop
    Schema,
    /// Ask the service that listens on LISTEN how it is, and stop; fails unless it is well
    Health,
    /// Change the database as this version needs it, or look how far it is
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Do once what the service does beside requests: finish what is due, print how much that was, and stop
    Reconcile,
    /// Serve as a function of AWS Lambda; also what is done there without a command
    #[cfg(feature = "lambda")]
    Lambda {
        /// How responses are sent: as what calls the function takes them
        #[arg(long, value_name = "MODE", env = "INVOKE_MODE", value_enum, default_value_t)]
        invoke_mode: braid_lambda::InvokeMode,
    },
    #[command(flatten)]
    Own(V),
}

/// The commands of a service that has none of its own.
#[derive(Debug, Subcommand)]
enum NoCommand {}

impl<C: Args, V: Subcommand> CommandLine<C, V> {
    fn read(info: &ServiceInfo) -> Self {
        let mut command = match secret_files::read(command::<C, V>(info), |name| std::env::var_os(name)) {
            Ok(command) => command,
            Err(problem) => command::<C, V>(info).error(ErrorKind::Io, problem).exit(),
        };
        let matches = command.try_get_matches_from_mut(arguments()).unwrap_or_else(|error| error.exit());
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }
}

/// The arguments of this process.
fn arguments() -> Vec<OsString> {
    #[cfg(feature = "lambda")]
    return braid_lambda::arguments();
    #[cfg(not(feature = "lambda"))]
    std::env::args_os().collect()
}

fn command<C: Args, V: Subcommand>(info: &ServiceInfo) -> Command {
    CommandLine::<C, V>::command()
        .name(info.name)
        .about(info.about)
        .mut_arg("listen", |arg| arg.default_value(default_listen(info).to_string()))
        .mut_arg("database_url", |arg| arg.default_value(default_database(info)))
}

fn run<C, F>(
    config: C,
    serve: fn(C, Run, Shutdown) -> F,
    how: impl AsyncFnOnce(&Config) -> anyhow::Result<Run>,
) -> anyhow::Result<()>
where
    C: AsRef<Config>,
    F: Future<Output = anyhow::Result<()>>,
{
    telemetry::init(config.as_ref().log);
    runtime()?.block_on(async {
        let how = how(config.as_ref()).await?;
        serve(config, how, stop_signal()).await
    })
}

async fn listen(config: &Config) -> anyhow::Result<Run> {
    Ok(Run::Serve(bind(config.listen, "--listen or LISTEN").await?))
}

fn run_command(config: &Config, command: Printing) -> anyhow::Result<()> {
    telemetry::init(config.log);
    print(&runtime()?.block_on(command)?)
}

fn migrate(config: &Config, migrations: Migrations, verb: MigrateCommand) -> Printing {
    let config = config.database.clone();
    Box::pin(async move {
        let database = Database::connect(&config).await?;
        let done = database.run_migrations(migrations, verb).await;
        database.close().await?;
        done
    })
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")
}

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
