//! Redis servers of a test's own, a proxy that can stop, and entries.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use braid_cache_store::config::{RedisConfig, StoreConfig};
use braid_cache_store::{Entry, Found, Group, Key, KeyRef, Lifetime, Position, Store, now};
use braid_net::config::TlsClientConfig;
use braid_telemetry::metrics::Metrics;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::copy;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A server that ends with the test.
pub struct Server {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
    /// What `redis-cli` needs beside the port.
    login: Vec<String>,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// `None` if there is no Redis on this machine.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::start_at(free_port(), settings)
    }

    pub fn start_at(port: u16, settings: &[&str]) -> Option<Self> {
        Self::run(port, &["--port", &port.to_string()], settings, Vec::new())
    }

    /// A server that speaks TLS only, asks for a certificate, and has the password `p@ss` and a user `shop` with the same.
    pub fn start_tls(authority: &Authority, settings: &[&str]) -> Option<Self> {
        let port = free_port();
        let address = ["--port", "0", "--tls-port", &port.to_string()].map(str::to_owned);
        let own = authority.settings().into_iter().map(|(name, value)| [format!("--{name}"), value]);
        let address: Vec<String> = address.into_iter().chain(own.flatten()).collect();
        let address: Vec<&str> = address.iter().map(String::as_str).collect();
        let login =
            ["--requirepass", "p@ss", "--masterauth", "p@ss", "--user", "shop", "on", ">p@ss", "~*", "&*", "+@all"];
        Self::run(port, &address, &[&login, settings].concat(), authority.login())
    }

    fn run(port: u16, address: &[&str], settings: &[&str], login: Vec<String>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new("redis-server")
            .args(address)
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
            .args(["--repl-diskless-sync-delay", "0", "--dir"])
            .arg(folder.path())
            .args(settings)
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            println!("SKIPPED: redis-server is not installed");
            return None;
        };
        let server = Self { child, port, folder, login };
        server.wait();
        Some(server)
    }

    /// Waits until it answers.
    pub fn wait(&self) {
        until("redis-server answers", || self.cli(&["PING"]).contains("PONG"));
    }

    /// A sentinel that watches the master of this name.
    pub fn sentinel(master: &Self, name: &str) -> Self {
        Self::sentinel_with(master, name, None)
    }

    /// With TLS for both, if there is an authority. Its password is `other`.
    pub fn sentinel_with(master: &Self, name: &str, authority: Option<&Authority>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, master) = (free_port(), master.port);
        let file = folder.path().join("sentinel.conf");
        let address = match authority {
            None => format!("port {port}\n"),
            Some(authority) => {
                let own: Vec<_> =
                    authority.settings().iter().map(|(name, value)| format!("{name} {value}\n")).collect();
                format!("port 0\ntls-port {port}\nrequirepass other\n{}", own.concat())
            }
        };
        let login = if authority.is_some() { format!("sentinel auth-pass {name} p@ss\n") } else { String::new() };
        let text = format!(
            "{address}bind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {master} 1\n{login}\
             sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 3000\n"
        );
        std::fs::write(&file, text).unwrap();
        let child = Command::new("redis-server").arg(&file).arg("--sentinel").stdout(Stdio::null()).spawn().unwrap();
        let mut login = authority.map(Authority::login).unwrap_or_default();
        if let Some(password) = login.last_mut() {
            *password = "other".to_owned();
        }
        let sentinel = Self { child, port, folder, login };
        sentinel.wait();
        sentinel
    }

    pub fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port])
            .args(&self.login)
            .args(arguments)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// How many clients are connected, without the one that asks.
    pub fn clients(&self) -> usize {
        self.cli(&["CLIENT", "LIST"]).lines().filter(|line| line.contains("addr=")).count() - 1
    }

    pub fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once.
    pub fn kill(mut self) -> u16 {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.folder.path();
    }
}

/// A certificate authority, and a certificate for this machine.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        // OpenSSL takes a certificate for self-signed if it has the name of its issuer.
        params.distinguished_name.push(DnType::CommonName, "own");
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let this = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(this.file("ca.pem"), issuer.pem()).unwrap();
        std::fs::write(this.file("own.pem"), certificate.pem()).unwrap();
        std::fs::write(this.file("own.key"), key.serialize_pem()).unwrap();
        this
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Of a server.
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("tls-cert-file", self.file("own.pem")),
            ("tls-key-file", self.file("own.key")),
            ("tls-ca-cert-file", self.file("ca.pem")),
            ("tls-auth-clients", "yes".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ]
    }

    /// Of `redis-cli`; the password is last.
    fn login(&self) -> Vec<String> {
        let (ca, own, key) = (self.file("ca.pem"), self.file("own.pem"), self.file("own.key"));
        ["--tls", "--cacert", &ca, "--cert", &own, "--key", &key, "-a", "p@ss"].map(str::to_owned).into()
    }

    /// Of a router.
    pub fn client(&self) -> TlsClientConfig {
        TlsClientConfig {
            authorities: Some(self.file("ca.pem")),
            certificate: Some(self.file("own.pem")),
            key: Some(self.file("own.key")),
        }
    }
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn config(url: &str) -> StoreConfig {
    let mut redis = RedisConfig::at(url);
    // The machine that tests run on is busy.
    redis.timeout.0 = Duration::from_millis(200);
    StoreConfig { redis: Some(redis), ..StoreConfig::default() }
}

pub fn store(config: &StoreConfig) -> (Arc<Store>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    (Store::new(config, &metrics, None).unwrap(), metrics)
}

/// A store that follows its group.
pub async fn joined(config: &StoreConfig) -> Arc<Store> {
    let (store, _) = store(config);
    eventually("the store joins its group", async || store.may_serve()).await;
    store
}

pub fn key(item: impl AsRef<[u8]>) -> Key {
    Key { group: Group([7; 16]), item: item.as_ref().into() }
}

pub fn entry(value: impl AsRef<[u8]>, position: Position) -> Arc<Entry> {
    let now = now();
    let end = now + 60_000;
    let lifetime = Lifetime { since: now, fresh_until: end, revalidate_until: end, on_error_until: end };
    Arc::new(Entry {
        value: value.as_ref().into(),
        lifetime,
        position,
        given_tags: [].into(),
        own_tags: OnceLock::new(),
    })
}

/// What Redis has for one key.
pub async fn get(store: &Store, item: &[u8], claim: bool) -> Option<Found> {
    let found = store.shared().unwrap().get(&[KeyRef { group: Group([7; 16]), item }], claim).await?;
    found.into_iter().next()
}

/// Puts an entry and waits until Redis has it.
pub async fn put(store: &Store, item: &[u8], entry: &Arc<Entry>) {
    eventually("Redis has the entry", async || {
        store.shared().unwrap().put(vec![(key(item), entry.clone())]);
        matches!(get(store, item, false).await, Some(Found::Entry(found)) if found.value == entry.value)
    })
    .await;
}

/// Between clients and a server; while it is frozen, nothing passes and connections stay open.
pub struct Proxy {
    pub port: u16,
    is_frozen: watch::Sender<bool>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (is_frozen, frozen) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await;
                let Ok(server) = server else { continue };
                let (client_read, client_write) = client.into_split();
                let (server_read, server_write) = server.into_split();
                tokio::spawn(forward(client_read, server_write, frozen.clone()));
                tokio::spawn(forward(server_read, client_write, frozen.clone()));
            }
        });
        Self { port: own, is_frozen }
    }

    pub fn freeze(&self, is_frozen: bool) {
        self.is_frozen.send_replace(is_frozen);
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut frozen: watch::Receiver<bool>,
) {
    loop {
        if frozen.wait_for(|is_frozen| !is_frozen).await.is_err() {
            return;
        }
        let is_over = tokio::select! {
            _ = copy(&mut from, &mut to) => true,
            changed = frozen.changed() => changed.is_err(),
        };
        if is_over {
            return;
        }
    }
}
