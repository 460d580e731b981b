//! The shop in this process, on free ports and with databases of its own.

use std::net::SocketAddr;
use std::path::Path;

use local::{Federation, Ports, Storage};
use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The shop while it runs.
pub(crate) struct Running {
    pub(crate) federation: Federation,
    pub(crate) data: TempDir,
    pub(crate) http: reqwest::Client,
}

impl Running {
    pub(crate) async fn start() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let ports = Ports { router: free, users: free, orders: free, inventory: free };
        let data = tempfile::tempdir().unwrap();
        let federation = local::start(ports, &Storage { data: data.path().to_owned() }).await.unwrap();
        Self { federation, data, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.federation.ports.router)
    }

    pub(crate) async fn ask(&self, token: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = self.http.post(self.url()).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn sign_in(&self, username: &str) -> String {
        let query = "mutation($u: String!, $p: String!) { login(username: $u, password: $p) { token } }";
        let variables = json!({ "u": username, "p": service::sample::PASSWORD });
        let (_, answer) = self.ask(None, json!({ "query": query, "variables": variables })).await;
        answer["data"]["login"]["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Changes a database behind the back of its service, which tells nobody.
    pub(crate) async fn change(&self, service: &str, sql: &str) {
        let database = Database::connect(format!("sqlite://{}", file(self.data.path(), service))).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
    }

    pub(crate) async fn rows(&self, service: &str, sql: &str) -> Vec<QueryResult> {
        let database = Database::connect(format!("sqlite://{}", file(self.data.path(), service))).await.unwrap();
        let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        database.close().await.unwrap();
        rows
    }
}

fn file(data: &Path, service: &str) -> String {
    data.join(format!("{service}.db")).display().to_string()
}
