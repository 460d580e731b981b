//! What can be set about what clients see and how a schema in change is rolled out. Knows no file and no environment.

use braid_expressions::Expression;
use braid_graphql::names::SchemaNames;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients can see of the router's internals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExposureConfig {
    /// Whether introspection queries are answered. If not, errors also name nothing of the schema that the client did not send.
    pub introspection: bool,
    /// Whether clients see the messages of subgraphs' errors; they see the codes in any case.
    pub subgraph_errors: bool,
    /// The subgraphs whose error messages clients see even if `subgraph_errors` is off.
    pub subgraph_errors_of: Vec<String>,
    /// Whether a request with the header `braid-expose` gets in `extensions.braid` what the header names: `plan` (the plan as text), `explain`
    /// (the plan with the reasons and costs of each fetch), `timings` and `cache`. With `dry-run` the operation is checked and planned, and no
    /// subgraph is asked.
    pub plan: bool,
    /// Whether `braid-expose: exchanges` is answered too, with what was sent to subgraphs and what came. That can be more than the client may
    /// see, so it is for development.
    pub exchanges: bool,
}

impl ExposureConfig {
    /// Whether errors may name what the schema has: it is no secret where it may be introspected.
    pub fn names(&self) -> SchemaNames {
        if self.introspection { SchemaNames::Shown } else { SchemaNames::Hidden }
    }
}

impl Default for ExposureConfig {
    fn default() -> Self {
        Self {
            introspection: true,
            subgraph_errors: false,
            subgraph_errors_of: Vec::new(),
            plan: false,
            exchanges: false,
        }
    }
}

/// Which labels of `@override(label:)` are on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OverrideLabelsConfig {
    /// The header whose value decides which requests belong to a share, so that a user stays on one side. Requests without it, and all
    /// requests where this is not set, are drawn at random.
    pub percent_by: Option<String>,
    /// By label: `always`, `never`, `{ percent: 25 }`, or `{ header: { name: x-beta, value: "yes" } }` for requests with this header
    /// (without `value`, whatever its value), or `{ expression: "claims.beta == true" }`. A label `percent(x)` that is not listed is on for that share of requests; other labels are off.
    pub labels: IndexMap<String, LabelRule>,
}

/// When an override label is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum LabelRule {
    /// For all requests.
    Always,
    /// For none.
    Never,
    /// For a share of requests, from 0 to 100.
    Percent(f64),
    /// For requests for which an expression (CEL) over `headers`, `claims` and `client_ip` is true.
    Expression(Expression),
    /// For requests with a header.
    Header {
        /// The header.
        name: String,
        /// The value that it must have; without it any value will do.
        #[serde(default)]
        value: Option<String>,
    },
}

/// What anonymous clients may ask for where all others must say who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnonymousConfig {
    /// Whether they may read the schema, where introspection is on at all.
    pub introspection: bool,
    /// The root fields that they may ask for, such as `Query.health`.
    pub fields: Vec<String>,
}

/// Answers in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncrementalConfig {
    /// Whether operations can use `@defer` and `@stream`. Clients that accept no parts (`multipart/mixed` with `incrementalSpec=v0.2` or
    /// `deferSpec=20220824`, server-sent events, WebSockets) are answered in one piece.
    pub enabled: bool,
}

impl Default for IncrementalConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}
