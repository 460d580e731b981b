//! A router under load: a process on core 1, whose CPU and memory are read from the system. Knows no graph.

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

/// A router that listens; it ends with this value.
pub(super) struct Running {
    /// What it is called in the report.
    pub(super) name: String,
    /// Where it listens.
    pub(super) port: u16,
    process: Child,
}

impl Setup {
    /// Ours: as it is by default but for the access log, which peers do not write, and the bounds on what runs at once, at which
    /// requests are turned away instead of measured. `shares` says whether equal requests to a subgraph that are under way are
    /// sent once.
    pub(super) fn braid(name: &str, program: &Path, supergraph: &Path, folder: &Path, shares: bool) -> Self {
        let program = std::fs::canonicalize(program).unwrap_or_else(|error| {
            panic!("{}: {error}; build it first: cargo build --release --package braid", program.display())
        });
        let config = folder.join(format!("shares-{shares}.yaml"));
        let text = format!(
            "telemetry: {{ access_log: {{ enabled: false }} }}\n\
             server: {{ max_concurrent_requests: {MOST} }}\n\
             traffic: {{ all: {{ deduplicate: {shares}, max_concurrent_requests: {MOST} }} }}\n"
        );
        std::fs::write(&config, text).unwrap();
        let command = format!(
            "{} serve --supergraph {{supergraph}} --config {} --listen 127.0.0.1:{{port}}",
            program.display(),
            config.display()
        );
        Self::other(name, &command, supergraph)
    }

    /// No router, but a server that only gives what is in `answer` when it starts.
    pub(super) fn bare(name: &str, answer: &Path) -> Self {
        let program = std::env::current_exe().expect("the tool runs");
        let command = format!("{} --answer {} --port {{port}}", program.display(), answer.display());
        Self::other(name, &command, answer)
    }

    /// Any other.
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
    /// Sends the request once and compares the answer.
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

    /// The CPU time that it took so far, user's and system's.
    pub(super) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the router runs");
        // The name of the process, in parentheses, may have spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_secs(ticks) / TICKS_PER_SECOND
    }

    /// The most memory that it held so far, in MiB.
    pub(super) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("the router runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux says so");
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

/// Requests at once.
const MOST: usize = 100_000;

/// Of all Linux systems that matter.
const TICKS_PER_SECOND: u32 = 100;

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
