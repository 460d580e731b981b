//! Tells the router what events make untrue, so that it asks again. Knows no table and no event.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

use super::bus::Event;
use crate::config::CacheConfig;
use crate::error::{Code, Error, Result};
use crate::trace;

/// The router's endpoint for invalidations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Invalidator {
    http: Client,
    url: Url,
    secret: Option<String>,
    untrue: Untrue,
}

/// What an event makes untrue, as the router takes it.
pub type Untrue = fn(&Event) -> Vec<Value>;

/// The router waits for other routers that share what it keeps.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Invalidator {
    /// The configured endpoint; none if there is none.
    pub fn open(config: &CacheConfig, untrue: Untrue) -> anyhow::Result<Option<Self>> {
        let Some(url) = config.invalidation_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let url = Url::parse(url).with_context(|| format!("CACHE_INVALIDATION_URL `{url}` is not a URL"))?;
        let http =
            Client::builder().timeout(TIMEOUT).build().context("could not build the client that calls the router")?;
        Ok(Some(Self { http, url, secret: config.invalidation_secret.clone(), untrue }))
    }

    /// Tells the router what these events make untrue. Returns once no router serves it; an error means that it has to be told again.
    pub(super) async fn tell(&self, events: &[Event]) -> Result<()> {
        let mut items: Vec<Value> = events.iter().flat_map(self.untrue).collect();
        items.dedup();
        if items.is_empty() {
            return Ok(());
        }
        let mut request = self.http.post(self.url.clone()).json(&items);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret);
        }
        let away = |cause: &dyn std::fmt::Display| {
            Error::new(Code::Unavailable, format!("The router's cache can't be told what has changed: {cause}."))
        };
        let response = trace::send("router", request).await.map_err(|error| away(&error))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::BAD_REQUEST => {
                // The router's schema is another one, so that it keeps nothing of this. It would refuse it again.
                let answer = response.text().await.unwrap_or_default();
                tracing::warn!(answer, "The router does not understand what has changed");
                Ok(())
            }
            status => Err(away(&format!("it answered {status}"))),
        }
    }
}
