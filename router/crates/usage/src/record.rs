//! The usage log: what a router writes of the operations that clients send, and a check reads. A stable format, version 1.

use serde::{Deserialize, Serialize};

/// One line of a usage log, as JSON. Lines may repeat an operation; their counts are added up. Readers ignore unknown keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The text of the operation with its fragments; or, from a router that does not log texts, its name or hash.
    pub operation: String,
    /// The operation's name, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The graph that it is for, of a router that serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// The coordinates that it uses: `Type.field`, `Type.field(argument:)`, `Input.field`, `Enum.VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The number of requests.
    #[serde(default = "one")]
    pub count: u64,
    /// How many of them were answered with errors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errors: u64,
    /// From when on these requests were counted, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The time of the last request, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// How many requests of unknown operations the log lacks. Such a line says nothing of an operation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
}

/// A client, by its name or by name and version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Client {
    /// Only its name.
    Name(String),
    /// Its name and version.
    Versioned {
        /// The name.
        name: String,
        /// The version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
}

impl UsageRecord {
    /// The name of the client.
    pub fn client(&self) -> Option<&str> {
        match self.client.as_ref()? {
            Client::Name(name) | Client::Versioned { name, .. } => Some(name),
        }
    }

    /// The version of the client.
    pub fn client_version(&self) -> Option<&str> {
        match self.client.as_ref()? {
            Client::Name(_) => None,
            Client::Versioned { version, .. } => version.as_deref(),
        }
    }

    /// Whether it has the operation's text.
    pub fn has_text(&self) -> bool {
        self.operation.contains('{')
    }

    /// The client's name in reports.
    pub fn client_name(&self) -> Option<String> {
        match self.client.as_ref()? {
            Client::Name(name) | Client::Versioned { name, version: None } => Some(name.clone()),
            Client::Versioned { name, version: Some(version) } => Some(format!("{name}@{version}")),
        }
    }
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
