//! What can be set about the ways in which a router is told what is not true any more. Knows no file and no environment.

use std::net::SocketAddr;

use braid_events::config::EventsConfig;
use braid_net::config::TlsServerConfig;
use braid_settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::nats::broker;
use crate::rule::Rule;

/// How a router is told that something it keeps is not true any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InvalidationConfig {
    /// The address at which invalidations are taken over HTTP, such as `127.0.0.1:4100`. Clients should not reach it. If it is not set, none
    /// are.
    pub listen: Option<SocketAddr>,
    /// The path at which they are taken.
    pub path: String,
    /// What senders give in the header `authorization`, as it is or after `Bearer`. Needed if `listen` is not an address of this machine
    /// alone.
    pub secret: Option<Secret>,
    /// TLS.
    pub tls: Option<TlsServerConfig>,
    /// Invalidations that come from a message broker.
    pub nats: Option<NatsInvalidationConfig>,
}

impl Default for InvalidationConfig {
    fn default() -> Self {
        Self { listen: None, path: "/invalidation".to_owned(), secret: None, tls: None, nats: None }
    }
}

/// Invalidations that come from NATS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NatsInvalidationConfig {
    /// The name of the broker in `events.brokers`; not needed if there is only one. If the broker has a `stream`, nothing is lost while
    /// the router is not connected.
    pub broker: Option<String>,
    /// Subjects whose messages are what could be sent over HTTP: a list of invalidations, or one.
    pub subjects: Vec<String>,
    /// Subjects whose messages say something else, such as that an order has changed, and what is not true any more then.
    pub events: Vec<EventInvalidationConfig>,
    /// What is done when messages may have been lost, because the connection was and the broker has no `stream`.
    pub on_gap: OnGap,
}

/// What the messages of a subject make untrue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventInvalidationConfig {
    /// The subject. `{id}` stands for any one part between dots: `orders.{id}.changed`.
    pub subject: String,
    /// Invalidations as they are sent over HTTP. In their texts, `{id}` is that part of the subject, and `{message.order.id}` a member of the
    /// message.
    pub invalidates: Vec<Item>,
}

/// What is done when messages may have been lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnGap {
    /// Everything is invalidated.
    #[default]
    Invalidate,
    /// Nothing: what the messages were about may be served for as long as its lifetime says.
    Keep,
}

impl InvalidationConfig {
    /// Says what is wrong, if anything is.
    pub fn check(&self, brokers: &EventsConfig) -> Result<(), String> {
        if !self.path.starts_with('/') || self.path.contains(['?', '#']) {
            return Err(format!("path: \"{}\" must start with / and have no query or fragment", self.path));
        }
        let secret = self.secret.as_ref().map(|secret| secret.0.as_str());
        if secret.is_some_and(|secret| secret.trim() != secret || secret.is_empty()) {
            return Err("secret: it is empty, or has spaces around it".to_owned());
        }
        if secret.is_some_and(|secret| !secret.bytes().all(|byte| (0x20..0x7f).contains(&byte))) {
            return Err("secret: it can't be sent in a header; use visible ASCII characters".to_owned());
        }
        if let Some(address) = self.listen.filter(|address| secret.is_none() && !address.ip().is_loopback()) {
            return Err(format!(
                "listen: anybody who reaches {address} could invalidate; set secret, or listen on 127.0.0.1"
            ));
        }
        self.nats.as_ref().map_or(Ok(()), |nats| nats.check(brokers))
    }

    /// The files that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.tls.iter().flat_map(TlsServerConfig::files)
    }

    /// The same, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let tls = self.tls.iter_mut();
        tls.flat_map(|tls| [&mut tls.certificate, &mut tls.key].into_iter().chain(&mut tls.client_authorities))
    }
}

impl NatsInvalidationConfig {
    fn check(&self, brokers: &EventsConfig) -> Result<(), String> {
        if self.subjects.is_empty() && self.events.is_empty() {
            return Err("nats: it has neither subjects nor events".to_owned());
        }
        if let Some(subject) = self.subjects.iter().find(|subject| !is_subject(subject)) {
            return Err(format!("nats.subjects: \"{subject}\" is not a subject"));
        }
        let check = |event: &EventInvalidationConfig| Rule::new(event).map(drop);
        self.events.iter().try_for_each(check).map_err(|error| format!("nats.events: {error}"))?;
        broker(self, brokers).map(drop).map_err(|error| format!("nats: {error}"))
    }
}

/// Whether a text can be subscribed to.
pub(crate) fn is_subject(subject: &str) -> bool {
    subject.split('.').all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}
