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
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// The coordinates that it uses: `Type.field`, `Type.field(argument:)`, `Input.field`, `Enum.VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The number of requests.
    #[serde(default = "one")]
    pub count: u64,
    /// The time of the last request, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
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
