//! What can be set about which requests are for a graph, and about its page. Knows no schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which requests are for a graph: those for which all that is set holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchConfig {
    /// The host that they are for, without the port; `*.example.com` is each host under `example.com`.
    pub host: Option<String>,
    /// Their path, instead of `server.path`.
    pub path: Option<String>,
    /// A header that they have.
    pub header: Option<HeaderMatch>,
    /// A claim that their client has.
    pub claim: Option<ClaimMatch>,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderMatch {
    /// Its name.
    pub name: String,
    /// Its value; without it, any value will do.
    #[serde(default)]
    pub value: Option<String>,
}

/// A claim of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimMatch {
    /// The path of the claim, such as `partner` or `realm_access.roles`.
    pub claim: String,
    /// The value that it is, or has among others; without it, any value will do.
    #[serde(default)]
    pub has: Option<String>,
}

/// The page of a graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PageConfig {
    /// Whether there is one, instead of what `server.playground.enabled` says.
    pub enabled: Option<bool>,
    /// Its title, instead of `server.playground.title`.
    pub title: Option<String>,
}

impl MatchConfig {
    /// Says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let Self { host, path, header, claim } = self;
        if host.is_none() && path.is_none() && header.is_none() && claim.is_none() {
            return Err(
                "match: set host, path, header or claim, so that it is known which requests are for it".to_owned()
            );
        }
        if let Some(path) = path.as_ref().filter(|path| !path.starts_with('/') || path.contains(['?', '#'])) {
            return Err(format!("match.path: \"{path}\" must start with / and have no query or fragment"));
        }
        if let Some(host) = host.as_ref().filter(|host| host.is_empty() || host.contains([':', '/', ' '])) {
            return Err(format!("match.host: \"{host}\" is not a host name; write it without scheme, port and path"));
        }
        Ok(())
    }
}
