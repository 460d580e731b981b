//! Policies that hooks decide, before anybody else is asked. Knows no component.

use std::sync::Arc;
use std::time::Instant;

use braid_gateway::PolicyAuthorizer;
use braid_request_context::identity::Principal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::runtime::hook::Hook;

/// Hooks that decide policies, in order, and who decides those that no hook grants.
pub(crate) struct HookPolicies {
    pub(crate) hooks: Vec<Hook>,
    pub(crate) next: Option<Arc<dyn PolicyAuthorizer>>,
}

impl std::fmt::Debug for HookPolicies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookPolicies").field("hooks", &self.hooks.len()).field("next", &self.next).finish()
    }
}

impl PolicyAuthorizer for HookPolicies {
    fn satisfied<'a>(
        &'a self,
        policies: &'a [String],
        client: Option<&'a Arc<Principal>>,
        deadline: Instant,
    ) -> BoxFuture<'a, Vec<usize>> {
        async move {
            let claims = client.and_then(|client| serde_json::to_string(&client.claims).ok());
            let mut satisfied = Vec::new();
            let mut open: Vec<usize> = (0..policies.len()).collect();
            for hook in &self.hooks {
                if open.is_empty() {
                    break;
                }
                let asked = open.iter().map(|at| policies[*at].clone()).collect();
                let granted = hook.decide(claims.clone(), asked);
                open.retain(|at| {
                    let is_granted = granted.contains(&policies[*at]);
                    satisfied.extend(is_granted.then_some(*at));
                    !is_granted
                });
            }
            if let (Some(next), false) = (&self.next, open.is_empty()) {
                let asked: Vec<String> = open.iter().map(|at| policies[*at].clone()).collect();
                let granted = next.satisfied(&asked, client, deadline).await;
                satisfied.extend(granted.into_iter().filter_map(|at| open.get(at)));
            }
            satisfied
        }
        .boxed()
    }
}
