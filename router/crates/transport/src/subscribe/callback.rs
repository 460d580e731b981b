//! Apollo's HTTP callback protocol 1.0: the router sends a subscription with an address and a secret, and the subgraph sends its events there.
//! Here is what subgraphs are told, and what is made of their calls. Knows no server and no reconnection.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use braid_executor::SubgraphError;
use bytes::Bytes;
use http::{Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::queue::{End, Queue};
use crate::secret::secret;

/// The subscriptions whose events subgraphs send to the router: those of all versions.
#[derive(Debug, Default)]
pub struct Callbacks {
    /// As many as there are subscriptions, which are limited.
    open: Mutex<AHashMap<String, Arc<Expected>>>,
    /// The paths under which subgraphs call.
    paths: Mutex<BTreeSet<String>>,
    max_bytes: AtomicUsize,
}

/// A subscription, as long as the subgraph may call.
#[derive(Debug)]
struct Expected {
    verifier: String,
    queue: Arc<Queue>,
    /// Whether the subgraph has called.
    is_checked: AtomicBool,
}

/// A subscription that subgraphs may call for until this is dropped.
pub(crate) struct Call {
    callbacks: Arc<Callbacks>,
    id: String,
    expected: Arc<Expected>,
}

impl Callbacks {
    /// Subgraphs call at this URL, with events of at most so many bytes.
    pub(crate) fn listen(&self, public_url: &str, max_event: usize) {
        self.max_bytes.fetch_max(max_event.saturating_add(4 << 10), Ordering::Relaxed);
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).insert(path(public_url));
    }

    /// A call for the events that are put in `queue`.
    pub(crate) fn expect(self: &Arc<Self>, queue: Arc<Queue>) -> Result<Call, SubgraphError> {
        let (id, verifier) = (secret()?, secret()?);
        let expected = Arc::new(Expected { verifier, queue, is_checked: AtomicBool::new(false) });
        self.lock().insert(id.clone(), expected.clone());
        Ok(Call { callbacks: self.clone(), id, expected })
    }

    /// Whether subgraphs call at this path.
    pub fn is_path(&self, path: &str) -> bool {
        let base = path.rsplit_once('/').map_or(path, |(base, _)| base);
        let paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        !paths.is_empty() && (paths.contains(base) || paths.contains(path))
    }

    /// The answer to a call at this path, if it does not depend on the body.
    pub fn refuse_early(&self, path: &str) -> Option<Response<Bytes>> {
        let id = path.rsplit('/').next().unwrap_or_default();
        (!self.lock().contains_key(id)).then(unknown)
    }

    /// The most bytes that the body of a call may have.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes.load(Ordering::Relaxed)
    }

    /// Takes a call at this path, and answers it.
    pub fn take(&self, path: &str, body: &Bytes) -> Response<Bytes> {
        /// The body of a call.
        #[derive(Deserialize)]
        struct Called<'a> {
            kind: &'a str,
            action: &'a str,
            id: &'a str,
            verifier: &'a str,
            #[serde(borrow)]
            payload: Option<&'a RawValue>,
            #[serde(borrow)]
            errors: Option<&'a RawValue>,
        }

        let Ok(called) = serde_json::from_slice::<Called<'_>>(body) else {
            return refused(StatusCode::BAD_REQUEST, "The body is no call of the callback protocol 1.0.");
        };
        if path.rsplit('/').next() != Some(called.id) {
            return refused(StatusCode::BAD_REQUEST, "The id in the body is not the one in the URL.");
        }
        let Some(expected) = self.lock().get(called.id).cloned() else { return unknown() };
        if verify_slices_are_equal(expected.verifier.as_bytes(), called.verifier.as_bytes()).is_err() {
            return refused(StatusCode::UNAUTHORIZED, "The verifier is not the one of the subscription.");
        }
        expected.queue.hear();
        match (called.kind, called.action) {
            ("subscription", "check") => {
                expected.is_checked.store(true, Ordering::Relaxed);
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response.headers_mut().insert("subscription-protocol", http::HeaderValue::from_static("callback/1.0"));
                response
            }
            ("subscription", "next") => {
                let Some(payload) = called.payload.filter(|payload| payload.get().starts_with('{')) else {
                    return refused(StatusCode::BAD_REQUEST, "The payload is no GraphQL response.");
                };
                match expected.queue.push_checked(body.slice_ref(payload.get().as_bytes())) {
                    true => empty(StatusCode::NO_CONTENT),
                    false => self.forget(called.id, StatusCode::NOT_FOUND),
                }
            }
            ("subscription", "complete") => {
                match called.errors.filter(|errors| errors.get().starts_with('[') && errors.get() != "[]") {
                    Some(errors) => expected.queue.refuse(errors.get().as_bytes()),
                    None => expected.queue.end(End::Completed),
                }
                self.forget(called.id, StatusCode::ACCEPTED)
            }
            _ => refused(StatusCode::BAD_REQUEST, "The protocol has the actions check, next and complete."),
        }
    }

    fn forget(&self, id: &str, status: StatusCode) -> Response<Bytes> {
        self.lock().remove(id);
        empty(status)
    }

    fn lock(&self) -> MutexGuard<'_, AHashMap<String, Arc<Expected>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// What the subgraph is told.
    pub(crate) fn extension(&self, public_url: &str, heartbeat: std::time::Duration) -> Value {
        json!({
            "callbackUrl": format!("{}/{}", public_url.trim_end_matches('/'), self.id),
            "subscriptionId": self.id,
            "verifier": self.expected.verifier,
            "heartbeatIntervalMs": heartbeat.as_millis() as u64,
        })
    }

    /// Whether the subgraph has shown that it can call.
    pub(crate) fn is_checked(&self) -> bool {
        self.expected.is_checked.load(Ordering::Relaxed)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.callbacks.lock().remove(&self.id);
    }
}

/// The path of a URL, without a slash at its end.
fn path(url: &str) -> String {
    let uri = url.parse::<Uri>().unwrap_or_default();
    uri.path().trim_end_matches('/').to_owned()
}

fn unknown() -> Response<Bytes> {
    refused(StatusCode::NOT_FOUND, "There is no such subscription, or it has ended.")
}

fn refused(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(json!({ "errors": [{ "message": message }] }).to_string().into());
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscribe::limits::Limits;
    use crate::subscribe::queue::Item;

    fn call(callbacks: &Callbacks, id: &str, verifier: &str, rest: &str) -> (u16, String) {
        let body = format!(r#"{{"kind":"subscription","id":"{id}","verifier":"{verifier}",{rest}}}"#);
        let response = callbacks.take(&format!("/callback/{id}"), &body.into());
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn only_who_knows_the_verifier_is_heard() {
        let callbacks = Arc::new(Callbacks::default());
        callbacks.listen("http://router:4000/callback/", 40);
        let limits = Limits { events: 5, bytes: 500, message: 40, ..Limits::default() };
        let queue = Arc::new(Queue::new(limits));
        let expected = callbacks.expect(queue.clone()).unwrap();
        let told = expected.extension("http://router:4000/callback/", std::time::Duration::from_secs(5));
        let (id, verifier) = (told["subscriptionId"].as_str().unwrap(), told["verifier"].as_str().unwrap());
        assert_eq!(told["callbackUrl"], format!("http://router:4000/callback/{id}"));
        assert!(callbacks.is_path(&format!("/callback/{id}")) && !callbacks.is_path("/graphql"));
        assert!(callbacks.refuse_early("/callback/x").is_some());

        assert_eq!(call(&callbacks, "x", verifier, r#""action":"check""#).0, 404);
        assert_eq!(call(&callbacks, id, "x", r#""action":"check""#).0, 401);
        assert_eq!(call(&callbacks, id, id, r#""action":"next","payload":{}"#).0, 401);
        assert!(!expected.is_checked());
        assert_eq!(call(&callbacks, id, verifier, r#""action":"check""#), (204, String::new()));
        assert!(expected.is_checked());
        assert_eq!(call(&callbacks, id, verifier, r#""action":"next","payload":{"data":{}}"#).0, 204);
        for bad in [r#""action":"next""#, r#""action":"next","payload":[]"#, r#""action":"dance""#, r#""action":1"#] {
            assert_eq!(call(&callbacks, id, verifier, bad).0, 400, "{bad}");
        }
        let other = callbacks.take(
            "/callback/y",
            &format!(r#"{{"kind":"subscription","id":"{id}","verifier":"{verifier}","action":"check"}}"#).into(),
        );
        assert_eq!(other.status(), 400);
        assert_eq!(call(&callbacks, id, verifier, r#""action":"complete","errors":[{"message":"a"}]"#).0, 202);
        assert_eq!(queue.next().await, Item::Next(Bytes::from_static(br#"{"data":{}}"#)));
        assert_eq!(queue.next().await, Item::Next(Bytes::from_static(br#"{"errors":[{"message":"a"}]}"#)));
        assert_eq!(queue.next().await, Item::End(End::Completed));
        assert_eq!(call(&callbacks, id, verifier, r#""action":"next","payload":{}"#).0, 404, "it is over");
        assert!(callbacks.lock().is_empty());
    }

    #[tokio::test]
    async fn one_that_is_too_large_ends_it() {
        let callbacks = Arc::new(Callbacks::default());
        let queue = Arc::new(Queue::new(Limits { events: 5, bytes: 500, message: 40, ..Limits::default() }));
        let expected = callbacks.expect(queue.clone()).unwrap();
        let payload = format!(r#""action":"next","payload":{{"data":"{}"}}"#, "x".repeat(40));
        assert_eq!(call(&callbacks, &expected.id, &expected.expected.verifier, &payload).0, 404);
        assert!(matches!(queue.next().await, Item::End(End::Failed(error)) if error.kind.code().contains("LARGE")));
        drop(expected);
        assert!(callbacks.lock().is_empty());
    }
}
