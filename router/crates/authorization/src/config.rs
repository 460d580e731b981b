//! What can be set about authorization. Knows no file and no environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How `@authenticated`, `@requiresScopes` and `@policy` in the supergraph are enforced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationConfig {
    /// Whether the directives are enforced. If this is off, every client can read every field, whatever the supergraph says.
    pub enabled: bool,
    /// What happens to an operation that asks for something its client may not see.
    pub mode: Mode,
    /// Where the response says what was refused, in mode `filter`.
    pub errors: ErrorPlace,
    /// Refuse nothing; only count and log what would be refused.
    pub dry_run: bool,
    /// The claims with a client's scopes: a string with spaces between them, or a list. Scopes of all these claims count.
    pub scope_claims: Vec<String>,
    /// Who satisfies which policies.
    pub policies: PoliciesConfig,
}

/// What happens to an operation that asks for something its client may not see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is answered without that: null in its place, with an error.
    #[default]
    Filter,
    /// It is refused as a whole: 401 for a client that has not said who it is, else 403.
    Reject,
}

/// Where the response says what was refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorPlace {
    /// In `errors`.
    #[default]
    Errors,
    /// In `extensions.authorizationErrors`.
    Extensions,
    /// Nowhere.
    Nowhere,
}

/// Who satisfies which policies (`@policy`). A policy that nothing here grants is not satisfied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoliciesConfig {
    /// The claim with the policies that a client satisfies: a string with spaces between them, or a list.
    pub claim: Option<String>,
    /// By policy: the claim that grants it.
    pub grants: IndexMap<String, PolicyGrant>,
}

/// A claim that grants a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyGrant {
    /// The claim: `role`, or `realm_access.roles` for a member of an object.
    pub claim: String,
    /// The value that it must have, or that its list must contain. Without it, any value will do.
    #[serde(default)]
    pub has: Option<String>,
}

impl Default for AuthorizationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            mode: Mode::default(),
            errors: ErrorPlace::default(),
            dry_run: false,
            scope_claims: vec!["scope".to_owned(), "scp".to_owned()],
            policies: PoliciesConfig::default(),
        }
    }
}

impl Default for PoliciesConfig {
    fn default() -> Self {
        Self { claim: Some("policies".to_owned()), grants: IndexMap::new() }
    }
}
