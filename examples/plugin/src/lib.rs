//! A plugin: requests name a tenant, and subgraphs are told which.

use braid::plugin::{Plugin, Refused, RequestStage, Stage, StatusCode, SubgraphRequestStage};

/// Takes requests of known tenants only.
pub struct Tenants(pub Vec<String>);

/// The tenant of a request: a slot in its context.
#[derive(Clone)]
struct Tenant(String);

impl Plugin for Tenants {
    fn stages(&self) -> &[Stage] {
        &[Stage::Request, Stage::SubgraphRequest]
    }

    async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
        let named = stage.context.headers.get("x-tenant").and_then(|value| value.to_str().ok());
        let Some(tenant) = self.0.iter().find(|known| Some(known.as_str()) == named) else {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "UNKNOWN_TENANT",
                "Send x-tenant with the name of a tenant.",
            ));
        };
        stage.context.extensions.insert(Tenant(tenant.clone()));
        Ok(())
    }

    async fn subgraph_request(&self, stage: &mut SubgraphRequestStage<'_>) -> Result<(), Refused> {
        if let Some(Tenant(tenant)) = stage.context.extensions.get() {
            stage.extensions.insert("tenant".to_owned(), tenant.as_str().into());
        }
        Ok(())
    }
}
