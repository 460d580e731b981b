//! A payment provider that remembers what it has taken and paid back, by idempotency key. Loses an answer now and then.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// What the provider knows of a payment.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) status: &'static str,
    pub(crate) amount: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
}

#[derive(Debug, Default)]
struct Book {
    intents: HashMap<String, Intent>,
    /// Answers by idempotency key, refusals included.
    answers: HashMap<String, (StatusCode, Value)>,
    calls: usize,
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Provider {
    /// All payments by their ids.
    pub(crate) fn intents(&self) -> HashMap<String, Intent> {
        self.book.lock().unwrap().intents.clone()
    }
}

pub(crate) async fn serve() -> Provider {
    let book = Arc::<Mutex<Book>>::default();
    let routes = Router::new()
        .route("/v1/payment_intents", post(authorize))
        .route("/v1/payment_intents/{id}/{verb}", post(change))
        .route("/v1/refunds", post(refund))
        .with_state(Arc::clone(&book));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Provider { address, book }
}

type Shared = State<Arc<Mutex<Book>>>;

/// The fields of a form.
fn fields(body: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://provider/?{body}")).unwrap();
    url.query_pairs().into_owned().collect()
}

async fn authorize(State(book): Shared, headers: HeaderMap, body: String) -> Response {
    let form = fields(&body);
    answer(&book, &headers, |book| {
        let id = format!("pi_{}", book.intents.len());
        let amount = form["amount"].parse().unwrap();
        book.intents.insert(id.clone(), Intent { status: "requires_capture", amount, captured: 0, refunded: 0 });
        (StatusCode::OK, json!({ "id": id, "status": "requires_capture" }))
    })
}

async fn change(
    State(book): Shared,
    Path((id, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form = fields(&body);
    answer(&book, &headers, |book| {
        let intent = book.intents.get_mut(&id).expect("the payment exists");
        // A cancellation may come after a capture whose answer was lost.
        if intent.status != "requires_capture" {
            let error = json!({
                "type": "invalid_request_error", "code": "payment_intent_unexpected_state", "message": "It is too late.",
                "payment_intent": { "status": intent.status },
            });
            return (StatusCode::BAD_REQUEST, json!({ "error": error }));
        }
        if verb == "capture" {
            intent.captured = form["amount_to_capture"].parse().unwrap();
            assert_eq!(intent.captured, intent.amount);
            intent.status = "succeeded";
        } else {
            assert_eq!(verb, "cancel");
            intent.status = "canceled";
        }
        (StatusCode::OK, json!({ "id": id, "status": intent.status }))
    })
}

async fn refund(State(book): Shared, headers: HeaderMap, body: String) -> Response {
    let form = fields(&body);
    answer(&book, &headers, |book| {
        let intent = book.intents.get_mut(&form["payment_intent"]).expect("the payment exists");
        intent.refunded += form["amount"].parse::<i64>().unwrap();
        assert!(intent.refunded <= intent.captured, "more is paid back than was taken");
        (StatusCode::OK, json!({ "id": format!("re_{}", book.answers.len()), "status": "succeeded" }))
    })
}

/// Does a call once for each key. Every 13th answer is lost after the call was done.
fn answer(book: &Mutex<Book>, headers: &HeaderMap, call: impl FnOnce(&mut Book) -> (StatusCode, Value)) -> Response {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let mut book = book.lock().unwrap();
    book.calls += 1;
    let is_lost = book.calls.is_multiple_of(13);
    let known = book.answers.get(&key).cloned();
    let (status, answer) = match known {
        Some(known) => known,
        None => {
            let made = call(&mut book);
            book.answers.insert(key, made.clone());
            made
        }
    };
    if is_lost { StatusCode::INTERNAL_SERVER_ERROR.into_response() } else { (status, Json(answer)).into_response() }
}
