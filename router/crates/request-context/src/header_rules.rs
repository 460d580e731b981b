//! Header rules as `router.yaml` has them. How they apply is in `headers`.

use braid_expressions::Expression;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Header rules: first those for all subgraphs, then the subgraph's own, from top to bottom; later rules override earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadersConfig {
    /// Rules for all subgraphs.
    pub all: HeaderRules,
    /// Further rules, by name of the subgraph.
    pub subgraphs: IndexMap<String, HeaderRules>,
}

/// Rules for the two directions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderRules {
    /// From the client to subgraphs.
    pub request: Vec<RequestRule>,
    /// From subgraphs to the client.
    pub response: Vec<ResponseRule>,
}

/// One rule for requests to subgraphs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum RequestRule {
    /// Passes a header of the client's request to the subgraph.
    Propagate(Propagate),
    /// Sets a header to a value, to a claim of whoever asks, to the address of the client, or to what an expression says.
    Insert {
        /// The name of the header.
        name: String,
        /// Its value; give this, `from` or `expression`.
        #[serde(default)]
        value: Option<String>,
        /// What its value is: a claim, as in `claims.sub` or `claims.realm_access.roles`, with the items of lists joined by commas; or
        /// `client_ip`, the address of the client (see `server.client_ip`). Where the router does not know it, the header is removed. What
        /// clients send in this header is ignored by all rules.
        #[serde(default)]
        from: Option<String>,
        /// An expression (CEL) over `headers`, `claims` and `client_ip`, as in `has(claims.tier) ? claims.tier : "free"`. Where it has no
        /// value, the header is removed. The rest is as with `from`.
        #[serde(default)]
        expression: Option<Expression>,
    },
    /// Removes a header that an earlier rule set.
    Remove {
        /// The name of the header.
        name: String,
    },
    /// Renames a header that an earlier rule set.
    Rename {
        /// The name of the header.
        from: String,
        /// Its new name.
        to: String,
    },
}

/// Passes headers on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Propagate {
    /// The name of the header; give this or `prefix`.
    pub name: Option<String>,
    /// Passes all headers whose name starts with this.
    pub prefix: Option<String>,
    /// The header's name towards the subgraph.
    pub rename: Option<String>,
    /// The value if the client sends none.
    pub default: Option<String>,
}

/// One rule for answers to the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ResponseRule {
    /// Passes a header of subgraphs' responses to the client.
    Propagate {
        /// The name of the header. Of several `cache-control` headers the strictest is used, whatever `merge` is.
        name: String,
        /// What to do if several subgraphs send it.
        #[serde(default)]
        merge: Merge,
    },
    /// Sets a header.
    Insert {
        /// The name of the header.
        name: String,
        /// Its value.
        value: String,
    },
    /// Removes a header that an earlier rule set.
    Remove {
        /// The name of the header.
        name: String,
    },
}

/// What to do with a header that several subgraphs send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// The first response's.
    First,
    /// The last response's.
    #[default]
    Last,
    /// All of them.
    Append,
}
