//! A service as a child process that can be killed without notice and started again. Knows no GraphQL.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use service::Run;

/// A service that may be running.
pub(crate) struct Process {
    command: Box<dyn Fn(SocketAddr) -> Command + Send + Sync>,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// A service that is started by the command, given where to listen.
    pub(crate) fn new(command: impl Fn(SocketAddr) -> Command + Send + Sync + 'static) -> Self {
        Self { command: Box::new(command), running: Mutex::new(None) }
    }

    /// Where it listens, if it runs.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.running.lock().unwrap().as_ref().map(|running| running.address)
    }

    /// Ends it at once, as a crash does: no signal that it could handle.
    pub(crate) fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        }
    }

    /// Starts it unless it runs, and waits until it is healthy.
    pub(crate) async fn ensure(&self) {
        let address = {
            let mut running = self.running.lock().unwrap();
            if let Some(running) = &mut *running {
                assert!(running.child.try_wait().unwrap().is_none(), "a service ended by itself");
                return;
            }
            let address = free_address();
            // Its warnings are of faults that we made; RUST_LOG shows them.
            let mut command = (self.command)(address);
            if std::env::var_os("RUST_LOG").is_none() {
                command.env("RUST_LOG", "off");
            }
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
            *running = Some(Running { child, address });
            address
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let url = format!("http://{address}/health");
        // Killed again meanwhile, it is for whoever starts it next to wait.
        while self.address() == Some(address)
            && !reqwest::get(&url).await.is_ok_and(|response| response.status().is_success())
        {
            assert!(Instant::now() < deadline, "a service does not become healthy");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// Not a test of its own: this test binary, started again as the inventory service. Cargo builds another package's
/// library for us, but not its binary.
#[test]
fn inventory_process() {
    let Ok(listen) = std::env::var(INVENTORY_LISTEN) else { return };
    let mut config = service::Config::new(&inventory::INFO);
    config.database.url = std::env::var("DATABASE_URL").unwrap();
    config.auth.internal_token = std::env::var("INTERNAL_TOKEN").ok();
    config.sample_data = Some(true);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(listen).await?;
            inventory::serve(config, Run::Serve(listener), Box::pin(std::future::pending())).await
        })
        .unwrap();
}

/// The command of the inventory service.
pub(crate) fn inventory(listen: SocketAddr, database: &str, internal_token: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "process::inventory_process", "--nocapture"]);
    command.env(INVENTORY_LISTEN, listen.to_string());
    command.env("DATABASE_URL", database).env("INTERNAL_TOKEN", internal_token);
    command
}

const INVENTORY_LISTEN: &str = "TEST_INVENTORY_LISTEN";
