//! Three new databases on the configured server. Knows no table.

use std::time::Duration;

use reqwest::Url;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use service::testing::TEST_DATABASE_URL;

pub(crate) const SERVICES: [&str; 3] = ["users", "orders", "inventory"];

pub(crate) struct Databases {
    server: Url,
    name: String,
}

impl Databases {
    /// None if there is no PostgreSQL.
    pub(crate) async fn create() -> Option<Self> {
        let Ok(server) = std::env::var(TEST_DATABASE_URL) else {
            assert!(std::env::var_os("CI").is_none(), "CI must set {TEST_DATABASE_URL}");
            println!("skipped: {TEST_DATABASE_URL} is not set");
            return None;
        };
        let mut server: Url = server.parse().unwrap();
        if !server.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode")) {
            server.query_pairs_mut().append_pair("sslmode", "disable");
        }
        let databases = Self { server, name: format!("braid_scale_{}", uuid::Uuid::new_v4().simple()) };
        for service in SERVICES {
            databases.on_server(&format!("CREATE DATABASE {}_{service}", databases.name)).await;
        }
        Some(databases)
    }

    /// What the names of all three begin with, as a URL.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url
    }

    /// A connection to a service's database.
    pub(crate) async fn of(&self, service: &str) -> DatabaseConnection {
        let mut url = self.server.clone();
        url.set_path(&format!("{}_{service}", self.name));
        connect(url.as_str()).await
    }

    pub(crate) async fn drop_all(self) {
        for service in SERVICES {
            self.on_server(&format!("DROP DATABASE {}_{service} WITH (FORCE)", self.name)).await;
        }
    }

    async fn on_server(&self, sql: &str) {
        let server = connect(self.server.as_str()).await;
        server.execute_unprepared(sql).await.unwrap();
        server.close().await.unwrap();
    }
}

pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(Duration::from_secs(30)).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}
