//! A subgraph over HTTP, on a free port. Knows no GraphQL.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value};

use super::{Request, Subgraph};

/// A subgraph that is served until this is dropped.
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    /// The URL for requests.
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a subgraph.
pub async fn serve(subgraph: Arc<Subgraph>) -> std::io::Result<Served> {
    let answer = move |Json(mut body): Json<Map<String, Value>>| async move {
        let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
        let variables = match body.get_mut("variables").map(Value::take) {
            Some(Value::Object(variables)) => variables,
            _ => Map::new(),
        };
        Json(subgraph.execute(Request { query, variables }))
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/graphql", post(answer));
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Ok(Served { address, task })
}
