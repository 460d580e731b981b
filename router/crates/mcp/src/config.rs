//! What can be set about tools for agents. Knows no file and no environment.

use std::path::{Path, PathBuf};

use braid_settings::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tools for agents: an endpoint of the Model Context Protocol (MCP), over Streamable HTTP and without sessions. A call of a tool is a request
/// of its client like any other: it is authenticated, authorized, limited, priced and logged as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
    /// Whether there is an endpoint for agents.
    pub enabled: bool,
    /// The path of the endpoint.
    pub path: String,
    /// The graph that agents see, of those in `graphs`. It must be set if there are any.
    pub graph: Option<String>,
    /// Which mutations agents can run: `none`, `persisted` (those that are tools of their own), or `all` (also with the tool `execute`).
    pub mutations: Mutations,
    /// Operations that are tools of their own.
    pub operations: OperationToolsConfig,
    /// The tools that every graph has. They show agents the schema, even if `exposure.introspection` is off.
    pub tools: GeneralToolsConfig,
    /// The most that an operation of an agent can cost, beside the limits of `demand_control`, which has to be on.
    pub max_cost: Option<u64>,
    /// The maximum number of items that an answer shows of a list; further ones are left out, and the answer says so.
    pub max_items: usize,
    /// The maximum size of an answer. Of a larger one, fewer items are shown.
    pub max_answer_bytes: ByteSize,
    /// The maximum size of a request's body; above it, the response is 413.
    pub max_body_bytes: ByteSize,
    /// Whether anonymous agents are refused with 401. They always are with `authentication.required`.
    pub require_credentials: bool,
    /// The host names of this router. Pages that browsers load from a host can call tools only if it is listed here or in
    /// `server.cors.origins`, is an address, or is `localhost`; programs that are no browsers always can.
    pub hosts: Vec<String>,
    /// What agents are told about the graph as a whole.
    pub instructions: Option<String>,
    /// What OAuth clients are told about this endpoint (RFC 9728).
    pub resource: ResourceConfig,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            path: "/mcp".to_owned(),
            graph: None,
            mutations: Mutations::None,
            operations: OperationToolsConfig::default(),
            tools: GeneralToolsConfig::default(),
            max_cost: None,
            max_items: 100,
            max_answer_bytes: ByteSize(100_000),
            max_body_bytes: ByteSize(256 << 10),
            require_credentials: false,
            hosts: Vec::new(),
            instructions: None,
            resource: ResourceConfig::default(),
        }
    }
}

/// Which mutations agents can run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mutations {
    /// None.
    #[default]
    None,
    /// Those that are tools of their own.
    Persisted,
    /// All.
    All,
}

/// Operations that are tools of their own, under their names. Subscriptions and operations without a name are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperationToolsConfig {
    /// Whether the list of `persisted_operations` is.
    pub listed: bool,
    /// Files with operations, and folders with `.graphql` files, that are tools as well.
    pub files: Vec<PathBuf>,
    /// The names of the operations that are tools; if empty, all. A `*` stands for any text.
    pub only: Vec<String>,
    /// The maximum number of operations that are tools; further ones are left out, with a warning.
    pub max: usize,
}

impl Default for OperationToolsConfig {
    fn default() -> Self {
        Self { listed: true, files: Vec::new(), only: Vec::new(), max: 200 }
    }
}

/// The tools that every graph has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneralToolsConfig {
    /// `search`: finds types and fields by words.
    pub search: bool,
    /// `introspect`: describes a type or field.
    pub introspect: bool,
    /// `execute`: runs any operation. There is none while `persisted_operations.mode` is `safelist` or `ids_only`.
    pub execute: bool,
}

impl Default for GeneralToolsConfig {
    fn default() -> Self {
        Self { search: true, introspect: true, execute: true }
    }
}

/// The metadata of an OAuth 2.1 protected resource, at `/.well-known/oauth-protected-resource` and there followed by `mcp.path`. There is
/// none without an authorization server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceConfig {
    /// The URL under which agents know this endpoint; if it is not set, it follows from the request's host.
    pub url: Option<String>,
    /// The URLs of the authorization servers that issue tokens; if empty, the issuers of `authentication.jwt.providers` that are URLs.
    pub authorization_servers: Vec<String>,
    /// The scopes that agents should ask for.
    pub scopes: Vec<String>,
}

impl McpConfig {
    /// What the types can't say, and what is seen without looking at files. `endpoint` is the path of the GraphQL endpoint.
    pub fn check(&self, endpoint: &str) -> Result<(), String> {
        if !self.path.starts_with('/') || self.path.len() < 2 || self.path.contains(['?', '#']) {
            return Err(format!("path: \"{}\" must start with / and have no query or fragment", self.path));
        }
        if self.enabled && self.path == endpoint {
            return Err(format!("path: \"{}\" is the path of the GraphQL endpoint (server.path)", self.path));
        }
        if self.max_items == 0 {
            return Err("max_items: give at least 1".to_owned());
        }
        if self.max_answer_bytes.0 < 1000 {
            return Err("max_answer_bytes: give at least 1000B, which the errors of an answer need".to_owned());
        }
        let urls = self.resource.url.iter().chain(&self.resource.authorization_servers);
        if let Some(wrong) = { urls }.find(|url| !is_url(url)) {
            return Err(format!("resource: \"{wrong}\" is not a URL that begins with https:// or http://"));
        }
        Ok(())
    }

    /// The files and folders with operations, and what is in the folders now.
    pub fn watched(&self) -> Vec<PathBuf> {
        if !self.enabled {
            return Vec::new();
        }
        let own = self.operations.files.iter().cloned();
        own.chain(crate::files::documents(&self.operations.files).unwrap_or_default()).collect()
    }

    /// Makes paths relative to a folder absolute.
    pub fn resolve_files(&mut self, folder: &Path) {
        self.operations.files.iter_mut().for_each(|file| *file = folder.join(&*file));
    }
}

/// Whether a text is a URL as OAuth has them.
pub(crate) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !text.contains(['"', '\\', ' ', '#']))
}

#[cfg(test)]
mod tests {
    use braid_settings::from_yaml;

    use super::*;

    fn check(yaml: &str, expected: &str) {
        let config: McpConfig = from_yaml(yaml).unwrap();
        let found = config.check("/graphql").err().unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{yaml}: {found}");
    }

    #[test]
    fn what_can_not_work_is_refused() {
        check("{}", "");
        check("path: mcp", "must start with /");
        check("{ enabled: true, path: /graphql }", "is the path of the GraphQL endpoint");
        check("max_items: 0", "at least 1");
        check("max_answer_bytes: 10B", "at least 1000B");
        check("resource: { authorization_servers: [id.example] }", "\"id.example\" is not a URL");
        check("resource: { url: 'https://a\"b' }", "is not a URL");
        check("resource: { url: 'https://api.example/mcp', authorization_servers: ['https://id.example'] }", "");
    }
}
