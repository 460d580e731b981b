//! What a request's client may see: which requirements of the supergraph it meets. Knows no operation and no token.

use std::sync::Arc;

use ahash::AHashMap;
use braid_authorization::config::{AuthorizationConfig, ErrorPlace, Mode, PolicyGrant};
use braid_authorization::{ReadError, Requirement, RequirementId, RequirementSet, Requirements};
use braid_executor::RefusalPlace;
use braid_request_context::identity::{ClaimPath, Principal};
use braid_supergraph::Supergraph;
use serde_json::Value;

use crate::policies::{DecidedPolicies, PolicyAuthorizer};

/// Why permissions can't be enforced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// A requirement of the supergraph can't be understood.
    #[error("the supergraph has a requirement that can't be understood: {0}")]
    Requirement(#[from] ReadError),
    /// A claim is not named as it should be.
    #[error("{option}: {problem}")]
    Claim {
        /// The option.
        option: String,
        /// What is wrong.
        problem: String,
    },
}

/// The requirements of a supergraph, and how clients meet them.
#[derive(Debug)]
pub(crate) struct PermissionRules {
    pub(crate) requirements: Requirements,
    pub(crate) rejects: bool,
    pub(crate) dry_run: bool,
    pub(crate) refusal_place: RefusalPlace,
    scopes: Vec<ClaimPath>,
    policies: Option<ClaimPath>,
    grants: AHashMap<String, (ClaimPath, Option<String>)>,
    /// Decides the policies that nothing else does.
    pub(crate) authorizer: Option<Arc<dyn PolicyAuthorizer>>,
}

/// What the client of one request may see.
pub(crate) struct Permissions<'a> {
    rules: &'a PermissionRules,
    principal: Option<&'a Arc<Principal>>,
    decided: &'a DecidedPolicies,
}

impl PermissionRules {
    /// The rules for a supergraph.
    pub(crate) fn new(
        config: &AuthorizationConfig,
        authorizer: Option<Arc<dyn PolicyAuthorizer>>,
        supergraph: &Supergraph,
    ) -> Result<Self, PermissionError> {
        let requirements = match config.enabled {
            true => Requirements::read(supergraph)?,
            false => Requirements::default(),
        };
        let grant = |(policy, grant): (&String, &PolicyGrant)| {
            let claim = claim_path(&format!("policies.grants.{policy}.claim"), &grant.claim)?;
            Ok((policy.clone(), (claim, grant.has.clone())))
        };
        let scopes = config.scope_claims.iter().map(|claim| claim_path("scope_claims", claim));
        let policies = config.policies.claim.as_ref().map(|claim| claim_path("policies.claim", claim));
        Ok(Self {
            requirements,
            rejects: config.mode == Mode::Reject,
            dry_run: config.dry_run,
            refusal_place: match config.errors {
                ErrorPlace::Errors => RefusalPlace::Errors,
                ErrorPlace::Extensions => RefusalPlace::Extensions,
                ErrorPlace::Nowhere => RefusalPlace::Nowhere,
            },
            scopes: scopes.collect::<Result<_, _>>()?,
            policies: policies.transpose()?,
            grants: config.policies.grants.iter().map(grant).collect::<Result<_, PermissionError>>()?,
            authorizer,
        })
    }
}

fn claim_path(option: &str, text: &str) -> Result<ClaimPath, PermissionError> {
    text.parse::<ClaimPath>().map_err(|problem| PermissionError::Claim {
        option: format!("authorization.{option}"),
        problem: problem.to_string(),
    })
}

impl<'a> Permissions<'a> {
    pub(crate) fn new(
        rules: &'a PermissionRules,
        principal: Option<&'a Arc<Principal>>,
        decided: &'a DecidedPolicies,
    ) -> Self {
        Self { rules, principal, decided }
    }

    /// What was decided of policies.
    pub(crate) fn decided(&self) -> &'a DecidedPolicies {
        self.decided
    }

    /// The policies of these requirements that are still to be decided by somebody else. All of them are asked about at once, even if a
    /// part would do.
    #[inline]
    pub(crate) fn undecided(&self, requirements: &RequirementSet) -> Vec<String> {
        if self.rules.authorizer.is_none() { Vec::new() } else { self.find_undecided(requirements) }
    }

    fn find_undecided(&self, requirements: &RequirementSet) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for id in requirements.iter().filter(|id| !self.grants(*id)) {
            let Some(Requirement::Policies(alternatives)) = self.rules.requirements.get(id) else { continue };
            for policy in alternatives.0.iter().flatten() {
                let is_known = self.is_claimed(policy) || self.decided.get(policy).is_some();
                if !is_known && !found.contains(policy) {
                    found.push(policy.clone());
                }
            }
        }
        found
    }

    /// Who asks, unless it is somebody anonymous.
    pub(crate) fn principal(&self) -> Option<&'a Arc<Principal>> {
        self.principal
    }

    /// Whether the client meets a requirement.
    pub(crate) fn grants(&self, id: RequirementId) -> bool {
        match self.rules.requirements.get(id) {
            None => false,
            Some(Requirement::Authenticated) => self.principal.is_some(),
            Some(Requirement::Scopes(alternatives)) => alternatives.are_met(|scope| self.has_scope(scope)),
            Some(Requirement::Policies(alternatives)) => alternatives.are_met(|policy| self.satisfies(policy)),
        }
    }

    fn has_scope(&self, scope: &str) -> bool {
        let Some(principal) = self.principal else { return false };
        self.rules.scopes.iter().any(|claim| principal.scopes(claim).any(|known| known == scope))
    }

    fn satisfies(&self, policy: &str) -> bool {
        self.is_claimed(policy) || self.decided.get(policy) == Some(true)
    }

    /// Whether claims or the configuration say that the client satisfies a policy.
    fn is_claimed(&self, policy: &str) -> bool {
        let Some(principal) = self.principal else { return false };
        let claimed = self.rules.policies.as_ref();
        claimed.is_some_and(|claim| principal.scopes(claim).any(|known| known == policy))
            || self.rules.grants.get(policy).is_some_and(|(claim, has)| has_claim(principal, claim, has.as_deref()))
    }
}

/// Whether a claim is there, with a value or with one that `wanted` is, or is one of.
pub fn has_claim(principal: &Principal, claim: &ClaimPath, wanted: Option<&str>) -> bool {
    let is = |value: &Value, wanted: &str| match value {
        Value::String(text) => text == wanted,
        Value::Bool(value) => wanted == if *value { "true" } else { "false" },
        Value::Number(value) => value.to_string() == wanted,
        _ => false,
    };
    match (principal.claim(claim), wanted) {
        (None | Some(Value::Null), _) => false,
        (Some(_), None) => true,
        (Some(Value::Array(values)), Some(wanted)) => values.iter().any(|value| is(value, wanted)),
        (Some(value), Some(wanted)) => is(value, wanted),
    }
}
