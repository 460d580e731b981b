//! Decisions of the policy server, kept for a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use braid_gateway::PolicyAuthorizer;
use braid_net::{Endpoint, UrlError, chain};
use braid_request_context::identity::Principal;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::config::PolicyServerConfig;

/// An HTTP service that decides policies.
#[derive(Debug)]
pub struct PolicyServer {
    endpoint: Endpoint,
    headers: HeaderMap,
    keep: Duration,
    decisions: Cache<Key, Decision>,
    calls: Semaphore,
    metrics: Arc<Metrics>,
}

/// Why the policy server can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum PolicyServerError {
    /// It can't be reached under its URL.
    #[error("policy_server.url can't be used")]
    Url(#[from] UrlError),
    /// A header can't be sent.
    #[error("policy_server.headers: the header \"{0}\" can't be sent")]
    Header(String),
}

/// A hash of the client and the policy: claims can be large, and are nobody else's business.
type Key = [u8; 32];

#[derive(Debug, Clone, Copy)]
struct Decision {
    is_satisfied: bool,
    until: Instant,
}

/// The largest answer that is read.
const MAX_BYTES: usize = 256 << 10;

#[derive(Serialize)]
struct Question<'a> {
    policies: &'a [&'a str],
    client: Option<&'a Value>,
}

#[derive(Deserialize)]
struct Answer {
    satisfied: Vec<String>,
}

impl PolicyServer {
    /// The policy server as configured; `None` if there is none.
    pub fn new(config: &PolicyServerConfig, metrics: &Arc<Metrics>) -> Result<Option<Self>, PolicyServerError> {
        let Some(url) = &config.url else { return Ok(None) };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &config.headers {
            let pair = (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>());
            let (Ok(parsed), Ok(mut value)) = pair else { return Err(PolicyServerError::Header(name.clone())) };
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        Ok(Some(Self {
            endpoint: Endpoint::new(url, &config.tls, MAX_BYTES, config.timeout.0)?,
            headers,
            keep: config.keep.0,
            decisions: Cache::new(config.max_decisions.max(1)),
            calls: Semaphore::new(config.max_concurrent_calls.clamp(1, Semaphore::MAX_PERMITS)),
            metrics: metrics.clone(),
        }))
    }

    async fn decide(&self, policies: &[String], client: Option<&Arc<Principal>>) -> Vec<usize> {
        let client = client.map(|principal| describe(principal));
        let now = Instant::now();
        let keys: Vec<Key> = policies.iter().map(|policy| key(client.as_ref(), policy)).collect();
        let known: Vec<_> = keys.iter().map(|key| self.decisions.get(key).filter(|known| known.until > now)).collect();
        let mut satisfied: Vec<usize> =
            (0..policies.len()).filter(|at| known[*at].is_some_and(|decision| decision.is_satisfied)).collect();
        let unknown: Vec<usize> = (0..policies.len()).filter(|at| known[*at].is_none()).collect();
        if unknown.is_empty() {
            return satisfied;
        }
        let asked: Vec<&str> = unknown.iter().map(|at| policies[*at].as_str()).collect();
        let answer = match self.ask(&asked, client.as_ref()).await {
            Ok(answer) => answer,
            Err(error) => {
                self.metrics.policy_server_failed();
                tracing::warn!(error, policies = asked.join(", "), "The policy server decided nothing: refused");
                return satisfied;
            }
        };
        let until = Instant::now() + self.keep;
        for at in unknown {
            let is_satisfied = answer.satisfied.contains(&policies[at]);
            self.decisions.insert(keys[at], Decision { is_satisfied, until });
            satisfied.extend(is_satisfied.then_some(at));
        }
        satisfied
    }

    async fn ask(&self, policies: &[&str], client: Option<&Value>) -> Result<Answer, String> {
        let _permit = self.calls.acquire().await.map_err(|error| error.to_string())?;
        let body = serde_json::to_vec(&Question { policies, client }).map_err(|error| error.to_string())?;
        let response = self.endpoint.post(self.headers.clone(), Bytes::from(body)).await;
        let (status, body) = response.map_err(|error| chain(&error))?;
        if status != StatusCode::OK {
            return Err(format!("it answered {status}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("its answer is not {{\"satisfied\": […]}}: {error}"))
    }
}

impl PolicyAuthorizer for PolicyServer {
    fn satisfied<'a>(
        &'a self,
        policies: &'a [String],
        client: Option<&'a Arc<Principal>>,
        deadline: Instant,
    ) -> BoxFuture<'a, Vec<usize>> {
        let decided = tokio::time::timeout_at(deadline.into(), self.decide(policies, client));
        decided.map(Result::unwrap_or_default).boxed()
    }
}

/// The client, as the policy server is told.
fn describe(principal: &Principal) -> Value {
    serde_json::json!({
        "credentials": principal.kind.name(),
        "source": &*principal.source,
        "claims": principal.claims,
    })
}

fn key(client: Option<&Value>, policy: &str) -> Key {
    let mut hash = Context::new(&SHA256);
    // JSON has no byte 0, so nothing else is hashed in the same way.
    hash.update(client.map(Value::to_string).unwrap_or_default().as_bytes());
    hash.update(&[0]);
    hash.update(policy.as_bytes());
    let mut key = Key::default();
    key.copy_from_slice(hash.finish().as_ref());
    key
}
