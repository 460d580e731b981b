//! The router as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use tempfile::TempDir;

use crate::subgraph::SDL;

pub(crate) struct Router {
    pub(crate) address: SocketAddr,
    process: Child,
    folder: TempDir,
    subgraph: SocketAddr,
}

const CONFIG: &str = "
telemetry: { access_log: { enabled: false } }
server: { max_connections: 60000 }
subscriptions: { reload_spread: 500ms }
traffic: { all: { subscriptions: { protocol: websocket, max: 60000, reconnect: { min_delay: 50ms, max_delay: 500ms, max_per_second: 1000 } } } }
";

impl Router {
    pub(crate) fn start(program: &Path, subgraph: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("router.yaml"), CONFIG).unwrap();
        write_supergraph(folder.path(), subgraph, 0);
        let program = std::fs::canonicalize(program).expect("build the router first: cargo build --release -p braid");
        let mut process = Command::new(program)
            .args(["serve", "--config", "router.yaml", "--supergraph", "supergraph.graphql", "--listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split("http://").nth(1)?.split(['/', ' ', '"']).next()?.parse().ok());
        let address = address.expect("the router says where it listens");
        std::thread::spawn(move || {
            lines
                .filter(|line| line.contains("WARN") || line.contains("ERROR"))
                .take(20)
                .for_each(|line| eprintln!("{line}"))
        });
        Self { address, process, folder, subgraph }
    }

    /// What the process has in memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    /// Waits until so many streams to clients are open, which the protocol does not tell them.
    pub(crate) async fn until_open(&self, count: usize) {
        let url = format!("http://{}/metrics", self.address);
        for _ in 0..1_000 {
            let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
            let open = metrics.lines().filter(|line| line.starts_with("braid_streams_active{"));
            let open: usize = open.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum();
            if open == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not all streams are open");
    }

    /// Gives it another schema, and waits until all subscriptions have had the time to move to it.
    pub(crate) async fn reload(&self, number: usize) {
        write_supergraph(self.folder.path(), self.subgraph, number + 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The schema with a field that other versions don't have.
fn write_supergraph(folder: &Path, subgraph: SocketAddr, version: usize) {
    let sdl = SDL.replace("VERSION", &format!("version{version}"));
    let events = SubgraphSdl { name: "events".to_owned(), url: format!("http://{subgraph}/graphql"), sdl, file: None };
    let supergraph = compose(&[events]).result.unwrap().supergraph_sdl;
    std::fs::write(folder.join("next.graphql"), supergraph).unwrap();
    std::fs::rename(folder.join("next.graphql"), folder.join("supergraph.graphql")).unwrap();
}
