//! The databases of the rush: on a PostgreSQL of its own that may be restarted, or on the configured one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, QueryResult, Statement};
use service::testing::TEST_DATABASE_URL;
use tempfile::TempDir;

pub(crate) struct Databases {
    server: String,
    run: String,
    own: Option<Cluster>,
    restarts: AtomicUsize,
}

/// A server of the test's own.
struct Cluster {
    bin: PathBuf,
    folder: TempDir,
}

impl Databases {
    /// None if there is no PostgreSQL.
    pub(crate) async fn create() -> Option<Self> {
        let run = uuid::Uuid::new_v4().simple().to_string();
        let own = std::env::var_os("POSTGRES_BIN").map(|bin| Cluster::start(bin.into()));
        let server = match &own {
            Some((_, url)) => url.clone(),
            None => match std::env::var(TEST_DATABASE_URL) {
                Ok(url) => url,
                Err(_) => {
                    assert!(std::env::var_os("CI").is_none(), "CI must set {TEST_DATABASE_URL}");
                    println!("skipped: {TEST_DATABASE_URL} is not set");
                    return None;
                }
            },
        };
        let databases = Self { server, run, own: own.map(|(cluster, _)| cluster), restarts: AtomicUsize::new(0) };
        let admin = connect(&databases.server).await;
        for name in ["orders", "inventory"] {
            admin.execute_unprepared(&format!("CREATE DATABASE {}", databases.name(name))).await.unwrap();
        }
        admin.close().await.unwrap();
        Some(databases)
    }

    fn name(&self, service: &str) -> String {
        format!("rush_{service}_{}", self.run)
    }

    /// The URL of a service's database.
    pub(crate) fn url(&self, service: &str) -> String {
        let mut url = reqwest::Url::parse(&self.server).unwrap();
        url.set_path(&self.name(service));
        url.into()
    }

    /// What a query of a service's database returns.
    pub(crate) async fn rows(&self, service: &str, sql: &str) -> Vec<QueryResult> {
        let database = connect(&self.url(service)).await;
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let rows = database.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        database.close().await.unwrap();
        rows
    }

    /// The only number that a query returns.
    pub(crate) async fn number(&self, service: &str, sql: &str) -> i64 {
        self.rows(service, sql).await[0].try_get_by_index(0).unwrap()
    }

    /// Restarts the server without a warning to its clients, if it is the test's own.
    pub(crate) fn restart(&self) {
        if let Some(cluster) = &self.own {
            cluster.control(&["restart", "-m", "immediate"]);
            self.restarts.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn restarts(&self) -> usize {
        self.restarts.load(Ordering::SeqCst)
    }

    pub(crate) async fn drop_all(self) {
        let admin = connect(&self.server).await;
        for name in ["orders", "inventory"] {
            let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name(name));
            admin.execute_unprepared(&drop).await.unwrap();
        }
        admin.close().await.unwrap();
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(Duration::from_secs(30)).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

impl Cluster {
    fn start(bin: PathBuf) -> (Self, String) {
        let folder = tempfile::Builder::new().prefix("rush").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { bin, folder };
        // PostgreSQL does not run as root.
        if cluster.is_root() {
            let owned = Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "-U", "postgres", "--auth", "trust", "--no-sync"]);
        let settings =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200");
        cluster.run("pg_ctl", &["-D", &data, "-l", &format!("{data}.log"), "-w", "-o", &settings, "start"]);
        (cluster, format!("postgres://postgres@127.0.0.1:{port}/postgres"))
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn control(&self, arguments: &[&str]) {
        let data = self.data();
        self.run("pg_ctl", &[&["-D", &data, "-l", &format!("{data}.log"), "-w"], arguments].concat());
    }

    fn is_root(&self) -> bool {
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if self.is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        let done = command.args(arguments).stdout(std::process::Stdio::null()).current_dir("/").status().unwrap();
        assert!(done.success(), "{}: {done}", program.display());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
    }
}
