//! Subgraphs that compute each response once and then return it from memory. All are on one port; the path selects one. Knows no
//! router.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use braid_tests::subgraph::{Request, Subgraph};
use serde_json::Value;

/// The subgraphs, which are served as long as the program runs.
pub(super) struct Canned {
    /// Where they listen.
    pub(super) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    subgraphs: Vec<Subgraph>,
    answers: Mutex<HashMap<(String, Bytes), Bytes>>,
    requests: AtomicUsize,
}

impl Canned {
    /// The number of requests so far.
    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

/// Serves the subgraphs on a thread of their own.
pub(super) fn serve(subgraphs: Vec<Subgraph>) -> Canned {
    let shared = Arc::new(Shared { subgraphs, answers: Mutex::default(), requests: AtomicUsize::new(0) });
    let app = Router::new().route("/{name}", post(answer)).layer(DefaultBodyLimit::disable());
    let app = app.with_state(shared.clone());
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || run(listener, app));
    Canned { port, shared }
}

/// Serves on this thread for as long as the program runs.
pub(super) fn run(listener: std::net::TcpListener, app: Router) {
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, app).await.unwrap();
    });
}

async fn answer(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: Bytes) -> impl IntoResponse {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let mut answers = shared.answers.lock().unwrap();
    let answer = answers.entry((name, body)).or_insert_with_key(|(name, body)| shared.compute(name, body)).clone();
    ([(CONTENT_TYPE, "application/json")], answer)
}

impl Shared {
    fn compute(&self, name: &str, body: &[u8]) -> Bytes {
        let subgraph = self.subgraphs.iter().find(|subgraph| subgraph.name() == name).expect("the path is a subgraph");
        let body: Value = serde_json::from_slice(body).expect("a request is JSON");
        let request = Request {
            query: body["query"].as_str().unwrap_or_default().to_owned(),
            variables: body["variables"].as_object().cloned().unwrap_or_default(),
        };
        Bytes::from(subgraph.execute(request).to_string())
    }
}
