//! `cargo run --release`: starts the shop, prints its URLs and queries to try, and stops it on Ctrl-C.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use local::{Federation, Ports, Storage, examples};
use reqwest::Url;

/// The whole shop on this machine: users, orders and inventory on embedded SQLite, and the router in front of them.
#[derive(Debug, Parser)]
#[command(version)]
struct Local {
    /// Port of the router; 0 takes a free one
    #[arg(long, env = "ROUTER_PORT", value_name = "PORT", default_value_t = 4000)]
    port: u16,
    /// Port of the users service
    #[arg(long, env = "USERS_PORT", value_name = "PORT", default_value_t = users::INFO.port)]
    users_port: u16,
    /// Port of the orders service
    #[arg(long, env = "ORDERS_PORT", value_name = "PORT", default_value_t = orders::INFO.port)]
    orders_port: u16,
    /// Port of the inventory service
    #[arg(long, env = "INVENTORY_PORT", value_name = "PORT", default_value_t = inventory::INFO.port)]
    inventory_port: u16,
    /// Folder of the databases
    #[arg(long, env = "DATA", value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
    /// The databases on PostgreSQL instead, which must exist: with postgres://user:password@host/shop they are shop_users, shop_orders and
    /// shop_inventory
    #[arg(long, env = "POSTGRES_URL", value_name = "URL", hide_env_values = true, value_parser = postgres)]
    postgres: Option<Url>,
    /// Folder with operations that are tools for agents (MCP); if it is missing, only search, introspect and execute are
    #[arg(long, env = "OPERATIONS", value_name = "FOLDER", default_value = "schema/operations")]
    operations: PathBuf,
}

fn main() -> ExitCode {
    let started = Instant::now();
    let local = Local::parse();
    service::telemetry::init(service::LogFormat::Text);
    match local.run(started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may be off; whoever started the process must see why it exited.
            let _ = writeln!(std::io::stderr(), "Braid has stopped: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Local {
    fn run(self, started: Instant) -> anyhow::Result<()> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
        runtime.block_on(async {
            // Created first, so that a signal during the start stops everything cleanly.
            let stop = service::process::stop_signal();
            let operations = Some(self.operations.clone()).filter(|folder| folder.is_dir());
            let traces = service::config::traces_of_process();
            for reason in &traces.ignored {
                tracing::warn!(reason, "A variable of OpenTelemetry is ignored");
            }
            let storage = Storage { data: self.data.clone(), postgres: self.postgres.clone(), operations };
            let federation = local::start(self.ports(), &storage, &traces.otlp).await?;
            // Nobody has to read this, so an error does not matter.
            let _ = std::io::stdout().write_all(welcome(&federation, started, &self.place()).as_bytes());
            federation.run_until(stop).await
        })
    }

    /// Where the data is, for people.
    fn place(&self) -> String {
        match &self.postgres {
            Some(url) => {
                let name = url.path().trim_start_matches('/');
                format!(
                    "The data is on PostgreSQL, in {name}_users, {name}_orders and {name}_inventory. No mail is sent."
                )
            }
            None => format!(
                "The data is in the folder {}, and so are the mails that the shop sends (users.mail). Delete it to start over.",
                self.data.display()
            ),
        }
    }

    fn ports(&self) -> Ports {
        let at = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Ports {
            router: at(self.port),
            users: at(self.users_port),
            orders: at(self.orders_port),
            inventory: at(self.inventory_port),
        }
    }
}

fn postgres(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; give it as postgres://user:password@host/shop"))?;
    let is_complete = matches!(url.scheme(), "postgres" | "postgresql") && url.path().len() > 1;
    if is_complete { Ok(url) } else { Err("give it as postgres://user:password@host/shop".to_owned()) }
}

fn welcome(federation: &Federation, started: Instant, place: &str) -> String {
    let Ports { router, users, orders, inventory } = federation.ports;
    let seconds = started.elapsed().as_secs_f32();
    let password = service::sample::PASSWORD;
    let examples = examples::ALL.map(|example| format!("{}:\n\n{}\n", example.title, indented(example.query)));
    format!(
        "Braid is up after {seconds:.1} s. Open http://{router}/ in a browser.\n\n\
         \x20 router     http://{router}/graphql, and http://{router}/mcp for agents\n\
         \x20 users      http://{users}/graphql\n\
         \x20 orders     http://{orders}/graphql\n\
         \x20 inventory  http://{inventory}/graphql\n\n\
         Sample accounts: `grace` (a customer) and `ada` (an administrator), password `{password}`.\n\
         {place} Ctrl-C stops everything.\n\n{}",
        examples.concat()
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
