//! What can be set about events from brokers. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_settings::Secret;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events of subscription fields that come from a message broker instead of a subgraph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// The brokers by name.
    pub brokers: IndexMap<String, BrokerConfig>,
    /// The fields by coordinate, such as `Subscription.orderChanged`. They replace what `@event` in the supergraph says of the same
    /// field.
    pub fields: IndexMap<String, EventFieldConfig>,
}

/// A message broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum BrokerConfig {
    /// A NATS server or cluster.
    Nats(NatsConfig),
}

/// NATS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// The servers, such as `nats://127.0.0.1:4222`, or `tls://` for TLS.
    pub urls: Vec<String>,
    /// The JetStream stream that keeps the subjects. With it, events are not lost while the connection is; without it, a subscription
    /// may have a gap.
    #[serde(default)]
    pub stream: Option<String>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// A token, instead of a user.
    #[serde(default)]
    pub token: Option<Secret>,
    /// TLS.
    #[serde(default)]
    pub tls: TlsClientConfig,
}

/// A field whose events come from a broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFieldConfig {
    /// The broker; not needed if there is only one.
    #[serde(default)]
    pub broker: Option<String>,
    /// The subject of the messages: `orders.{args.id}.changed` with an argument of the field, `{claims.sub}` with a claim of the
    /// client. An argument that is a list makes a subject for each item.
    pub subject: String,
    /// What a message has, as a selection of the field's type: `id status`. Without it, the fields of the type's first `@key`. The
    /// router looks up the rest.
    #[serde(default)]
    pub payload: Option<String>,
    /// Which messages count: a member of the message (`order.status` for one further down) and the values that it can have, which can
    /// be `{args.…}` or `{claims.…}`.
    #[serde(default)]
    pub filter: IndexMap<String, Vec<String>>,
}

impl EventsConfig {
    /// The certificates that it refers to.
    pub fn certificates(&self) -> impl Iterator<Item = &str> {
        self.brokers.values().flat_map(|BrokerConfig::Nats(nats)| nats.tls.files())
    }
}
