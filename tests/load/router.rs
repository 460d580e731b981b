//! A router under load: a process on core 1, with its CPU time and memory from the system. Knows no graph.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How a router is started.
pub(super) struct Setup {
    name: String,
    command: String,
    supergraph: String,
}

/// A running router; dropping it stops the process.
pub(super) struct Running {
    /// The name in the report.
    pub(super) name: String,
    /// Where it listens.
    pub(super) port: u16,
    process: Child,
}

impl Setup {
    /// Our router, with its default settings except two: no access log, because other routers write none, and no limits on
    /// concurrency, at which requests would be refused instead of measured. `more` is what else it is configured with.
    pub(super) fn braid(name: &str, program: &Path, supergraph: &Path, folder: &Path, more: &str) -> Self {
        let program = std::fs::canonicalize(program).unwrap_or_else(|error| {
            panic!("{}: {error}; build it first: cargo build --release --package braid", program.display())
        });
        let config = folder.join(format!("{name}.yaml").replace([' ', ','], "-"));
        let shares = !name.contains(NOTHING_SHARED);
        let text = format!(
            "telemetry: {{ access_log: {{ enabled: false }} }}\n\
             server: {{ max_concurrent_requests: {MOST} }}\n\
             traffic: {{ all: {{ deduplicate: {shares}, max_concurrent_requests: {MOST} }} }}\n{more}"
        );
        std::fs::write(&config, text).unwrap();
        let command = format!(
            "{} serve --supergraph {{supergraph}} --config {} --listen 127.0.0.1:{{port}}",
            program.display(),
            config.display()
        );
        Self::other(name, &command, supergraph)
    }

    /// Not a router, but a server that always returns the content of the file `answer`.
    pub(super) fn bare(name: &str, answer: &Path) -> Self {
        let program = std::env::current_exe().expect("the tool runs");
        let command = format!("{} --answer {} --port {{port}}", program.display(), answer.display());
        Self::other(name, &command, answer)
    }

    /// Any other router.
    pub(super) fn other(name: &str, command: &str, supergraph: &Path) -> Self {
        Self { name: name.to_owned(), command: command.to_owned(), supergraph: supergraph.display().to_string() }
    }

    /// Starts it and waits until it listens.
    pub(super) fn start(&self) -> Running {
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port is free").port();
        let command = self.command.replace("{supergraph}", &self.supergraph).replace("{port}", &port.to_string());
        let process = Command::new("taskset")
            .args(["-c", "1", "bash", "-c", &format!("exec {command}")])
            .env("SUPERGRAPH", &self.supergraph)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a router can be started");
        let mut running = Running { name: self.name.clone(), port, process };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = running.process.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended at once: {command}", self.name);
            assert!(begun.elapsed() < Duration::from_secs(60), "{} does not listen: {command}", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }
}

impl Running {
    /// Sends the request once and compares the response.
    pub(super) fn verify(&self, body: &Path, expected: &Value) {
        let answer = self.post(std::fs::read(body).unwrap());
        assert!(answer == *expected, "{} answers {answer:.2000} instead of {expected:.2000}", self.name);
    }

    fn post(&self, body: Vec<u8>) -> Value {
        let request = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{}/graphql", self.port))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async { request.send().await?.json().await });
        answer.unwrap_or_else(|error| panic!("{} does not answer JSON: {error}", self.name))
    }

    /// The CPU time so far, user and system.
    pub(super) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the router runs");
        // The name of the process, in parentheses, may have spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_secs(ticks) / TICKS_PER_SECOND
    }

    /// The peak of its memory, in MiB.
    pub(super) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("the router runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux says so");
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

/// In the name of a setup that sends equal concurrent requests to a subgraph one by one.
pub(super) const NOTHING_SHARED: &str = "nothing shared";

/// A limit on concurrency that is never reached.
const MOST: usize = 100_000;

/// The same on all relevant Linux systems.
const TICKS_PER_SECOND: u32 = 100;

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
