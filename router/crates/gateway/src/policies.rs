//! Policies (`@policy`) that neither claims nor the configuration decide: somebody else does, for one request at a time. Knows no
//! operation and no HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use braid_request_context::identity::Principal;
use futures_util::future::BoxFuture;

/// Decides policies.
pub trait PolicyAuthorizer: fmt::Debug + Send + Sync + 'static {
    /// Which of some policies a client satisfies, as their places among them. What can't be decided in time is not satisfied.
    fn satisfied<'a>(
        &'a self,
        policies: &'a [String],
        client: Option<&'a Arc<Principal>>,
        deadline: Instant,
    ) -> BoxFuture<'a, Vec<usize>>;
}

/// What was decided for one request so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct DecidedPolicies(Vec<(String, bool)>);

impl DecidedPolicies {
    /// Whether the client satisfies a policy; `None` if that was not decided.
    pub(crate) fn get(&self, policy: &str) -> Option<bool> {
        self.0.iter().find(|(known, _)| known == policy).map(|(_, is_satisfied)| *is_satisfied)
    }

    /// Takes policies as not satisfied.
    pub(crate) fn refuse(&mut self, policies: Vec<String>) {
        self.0.extend(policies.into_iter().map(|policy| (policy, false)));
    }

    /// Has policies decided, in one call.
    pub(crate) async fn decide(
        &mut self,
        authorizer: &dyn PolicyAuthorizer,
        policies: Vec<String>,
        client: Option<&Arc<Principal>>,
        deadline: Instant,
    ) {
        let satisfied = authorizer.satisfied(&policies, client, deadline).await;
        let decided = policies.into_iter().enumerate().map(|(at, policy)| (policy, satisfied.contains(&at)));
        self.0.extend(decided);
    }
}
