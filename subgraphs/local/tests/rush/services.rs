//! Two instances of orders and two of inventory, as processes that are killed without notice and started again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use service::Run;

use crate::postgres::Databases;

/// The instances: two of orders, then two of inventory.
pub(crate) struct Services {
    instances: Vec<Instance>,
}

struct Instance {
    address: SocketAddr,
    command: Mutex<Command>,
    child: Mutex<Child>,
}

impl Services {
    pub(crate) async fn start(databases: &Databases, keys: &str, provider: SocketAddr, nats: &str) -> Self {
        let addresses: Vec<SocketAddr> = (0..4).map(|_| free_address()).collect();
        let common = [
            ("JWKS_URL", keys.to_owned()),
            ("INTERNAL_TOKEN", "rush".to_owned()),
            ("EVENTS_URL", nats.to_owned()),
            ("PAYMENT_URL", format!("http://{provider}")),
        ];
        let mut services = Self { instances: Vec::new() };
        // Inventory first: orders needs it.
        for (number, &address) in addresses.iter().enumerate().rev() {
            let role = if number < 2 { "orders" } else { "inventory" };
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["--exact", "services::as_a_service", "--nocapture"])
                .envs(common.clone())
                .env(ROLE, role)
                .env("LISTEN", address.to_string())
                .env("DATABASE_URL", databases.url(role))
                .env("INVENTORY_URL", format!("http://{}/graphql", addresses[2 + number % 2]))
                .stdout(Stdio::null());
            let child = command.spawn().unwrap();
            let instance = Instance { address, command: Mutex::new(command), child: Mutex::new(child) };
            services.instances.insert(0, instance);
            services.until_healthy().await;
        }
        services
    }

    /// Where an instance of orders listens.
    pub(crate) fn orders(&self, number: u64) -> SocketAddr {
        self.instances[usize::from(number % 2 == 1)].address
    }

    /// Kills an instance and starts it again.
    pub(crate) fn kill(&self, number: usize) {
        let instance = &self.instances[number];
        let mut child = instance.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        *child = instance.command.lock().unwrap().spawn().unwrap();
    }

    /// Starts again what has ended by itself, as a supervisor does: a service that is started while the database is away ends with an error.
    pub(crate) fn revive(&self) {
        for instance in &self.instances {
            let mut child = instance.child.lock().unwrap();
            if child.try_wait().unwrap().is_some() {
                *child = instance.command.lock().unwrap().spawn().unwrap();
            }
        }
    }

    /// Waits until nothing is under way any more.
    pub(crate) async fn settle(&self, databases: &Databases) {
        self.until_healthy().await;
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            self.revive();
            let open = databases.number("orders", "SELECT COUNT(*) FROM orders WHERE step <> 'DONE'").await;
            let refunds = databases.number("orders", "SELECT COUNT(*) FROM refunds WHERE status = 'PENDING'").await;
            let events = databases.number("orders", "SELECT COUNT(*) FROM outbox").await;
            if open + refunds + events == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{open} orders, {refunds} refunds and {events} events are left");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn until_healthy(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        for instance in &self.instances {
            let url = format!("http://{}/health", instance.address);
            while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                self.revive();
                assert!(Instant::now() < deadline, "a service does not become healthy");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for instance in &self.instances {
            let mut child = instance.child.lock().unwrap();
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

const ROLE: &str = "RUSH_ROLE";

/// Not a test of its own: this test binary, started again as a service.
#[test]
fn as_a_service() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let env = |name: &str| std::env::var(name).unwrap();
    let configured = |info| {
        let mut config = service::Config::new(info);
        config.database.url = env("DATABASE_URL");
        config.database.connections = 20;
        config.auth.internal_token = Some(env("INTERNAL_TOKEN"));
        config.auth.jwks_url = env("JWKS_URL");
        config.events_url = Some(env("EVENTS_URL"));
        config
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(env("LISTEN")).await?;
        let forever = Box::pin(std::future::pending());
        if role == "orders" {
            let mut config = orders::Config::new();
            config.service = configured(&orders::INFO);
            config.service.sample_data = Some(false);
            config.inventory_url = env("INVENTORY_URL");
            config.reconcile_interval = Duration::from_millis(200);
            config.reconcile_lease = Duration::from_secs(5);
            config.payment_url = Some(env("PAYMENT_URL"));
            config.payment_secret = Some("sk_rush".to_owned());
            orders::serve(config, Run::Serve(listener), forever).await
        } else {
            let mut config = configured(&inventory::INFO);
            config.sample_data = Some(true);
            inventory::serve(config, Run::Serve(listener), forever).await
        }
    });
    served.unwrap();
}
