//! A payment provider for tests, in the form of the large ones: payment intents, refunds, idempotency keys. Keeps its books, so that tests
//! can count the money. Knows no order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// The secret that callers must have.
pub(crate) const SECRET: &str = "sk_test_of_the_tests";
/// The payment method that is declined.
pub(crate) const DECLINED: &str = "pm_card_declined";
/// The payment method whose authorization has expired by the time it is captured.
pub(crate) const EXPIRES: &str = "pm_card_expires";
/// The payment method to which nothing can be paid back.
pub(crate) const CLOSED: &str = "pm_card_closed";

/// The provider.
#[derive(Default)]
pub(crate) struct Payments(Mutex<Books>);

#[derive(Default)]
struct Books {
    intents: BTreeMap<String, Intent>,
    /// The answer of each key, with what was asked.
    answers: HashMap<String, (String, StatusCode, Value)>,
}

/// A payment.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) order: String,
    pub(crate) method: String,
    pub(crate) status: &'static str,
    pub(crate) amount: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
}

/// A call to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentCall {
    Authorize,
    Capture,
    Void,
    Refund,
}

impl PaymentCall {
    /// The call to this path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.strip_prefix("/v1/")?.split('/').collect::<Vec<_>>().as_slice() {
            ["payment_intents"] => Some(Self::Authorize),
            ["payment_intents", _, "capture"] => Some(Self::Capture),
            ["payment_intents", _, "cancel"] => Some(Self::Void),
            ["refunds"] => Some(Self::Refund),
            _ => None,
        }
    }
}

impl Payments {
    /// All payments, by id.
    pub(crate) fn intents(&self) -> BTreeMap<String, Intent> {
        self.lock().intents.clone()
    }

    /// The answer to a call: of a key that was used before, the same again.
    pub(crate) fn answer(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> (StatusCode, String) {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header("authorization") != format!("Bearer {SECRET}") {
            return failure(StatusCode::UNAUTHORIZED, "invalid_request_error", "", "No such key.").into_text();
        }
        let key = header("idempotency-key").to_owned();
        assert!(!key.is_empty(), "a call without a key");
        assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let asked = format!("{path} {form:?}");
        let mut books = self.lock();
        if let Some((before, status, answer)) = books.answers.get(&key) {
            assert_eq!(*before, asked, "the same key for something else");
            return (*status, answer.to_string());
        }
        let (status, answer) = books.call(path, &form);
        books.answers.insert(key, (asked, status, answer.clone()));
        (status, answer.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn call(&mut self, path: &str, form: &BTreeMap<String, String>) -> (StatusCode, Value) {
        let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match segments.as_slice() {
            ["payment_intents"] => self.authorize(form),
            ["payment_intents", id, "capture"] => self.capture(id, number(form, "amount_to_capture")),
            ["payment_intents", id, "cancel"] => self.void(id),
            ["refunds"] => self.refund(&form["payment_intent"], number(form, "amount")),
            _ => failure(StatusCode::NOT_FOUND, "invalid_request_error", "", "No such endpoint."),
        }
    }

    fn authorize(&mut self, form: &BTreeMap<String, String>) -> (StatusCode, Value) {
        assert_eq!((form["capture_method"].as_str(), form["confirm"].as_str()), ("manual", "true"));
        assert_eq!(form["currency"], "eur");
        let method = form["payment_method"].clone();
        if method == DECLINED {
            return failure(StatusCode::PAYMENT_REQUIRED, "card_error", "card_declined", "Your card was declined.");
        }
        let id = format!("pi_{}", self.intents.len() + 1);
        let (order, amount) = (form["metadata[order]"].clone(), number(form, "amount"));
        let intent = Intent { order, method, status: "requires_capture", amount, captured: 0, refunded: 0 };
        self.intents.insert(id.clone(), intent);
        (StatusCode::OK, json!({ "id": id, "status": "requires_capture" }))
    }

    fn capture(&mut self, id: &str, amount: i64) -> (StatusCode, Value) {
        let Some(intent) = self.intents.get_mut(id) else { return no_such() };
        if intent.method == EXPIRES && intent.status == "requires_capture" {
            intent.status = "canceled";
        }
        if intent.status != "requires_capture" {
            return unexpected(intent.status);
        }
        assert_eq!(amount, intent.amount);
        (intent.status, intent.captured) = ("succeeded", amount);
        (StatusCode::OK, json!({ "id": id, "status": "succeeded" }))
    }

    fn void(&mut self, id: &str) -> (StatusCode, Value) {
        let Some(intent) = self.intents.get_mut(id) else { return no_such() };
        if intent.status != "requires_capture" {
            return unexpected(intent.status);
        }
        intent.status = "canceled";
        (StatusCode::OK, json!({ "id": id, "status": "canceled" }))
    }

    fn refund(&mut self, id: &str, amount: i64) -> (StatusCode, Value) {
        let refunds = self.answers.len();
        let Some(intent) = self.intents.get_mut(id) else { return no_such() };
        if intent.method == CLOSED {
            return (StatusCode::OK, json!({ "id": format!("re_{refunds}"), "status": "failed" }));
        }
        if intent.refunded + amount > intent.captured {
            let message = "It is refunded already.";
            return failure(StatusCode::BAD_REQUEST, "invalid_request_error", "charge_already_refunded", message);
        }
        intent.refunded += amount;
        (StatusCode::OK, json!({ "id": format!("re_{refunds}"), "status": "succeeded" }))
    }
}

fn number(form: &BTreeMap<String, String>, field: &str) -> i64 {
    form[field].parse().unwrap()
}

fn no_such() -> (StatusCode, Value) {
    failure(StatusCode::NOT_FOUND, "invalid_request_error", "resource_missing", "No such payment.")
}

fn unexpected(status: &str) -> (StatusCode, Value) {
    let (code, message) = ("payment_intent_unexpected_state", format!("It is {status}."));
    let (http, mut body) = failure(StatusCode::BAD_REQUEST, "invalid_request_error", code, &message);
    body["error"]["payment_intent"] = json!({ "id": "pi", "status": status });
    (http, body)
}

fn failure(status: StatusCode, kind: &str, code: &str, message: &str) -> (StatusCode, Value) {
    (status, json!({ "error": { "type": kind, "code": code, "message": message } }))
}

trait IntoText {
    fn into_text(self) -> (StatusCode, String);
}

impl IntoText for (StatusCode, Value) {
    fn into_text(self) -> (StatusCode, String) {
        (self.0, self.1.to_string())
    }
}
