//! A hook of the router: takes requests of listed tenants only, tells subgraphs which tenant asks, and hides from clients what went wrong
//! inside. The same as the example in TypeScript.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

wit_bindgen::generate!({ world: "tenant", path: "wit", generate_all });

use braid::hooks::log::{self, Level};
use braid::hooks::types::Refusal;
use braid::hooks::{graphql_response, headers, request};
use exports::braid::hooks::{on_executed, on_request, on_subgraph_request, start};

struct Tenants;

/// What router.yaml has as `config`.
#[derive(Deserialize)]
struct Config {
    tenants: Vec<String>,
}

/// Set once for each instance.
static CONFIG: OnceLock<Config> = OnceLock::new();

impl start::Guest for Tenants {
    fn start(config: String) -> Result<(), String> {
        let config = serde_json::from_str(&config).map_err(|error| format!("config: {error}"))?;
        CONFIG.get_or_init(|| config);
        Ok(())
    }
}

impl on_request::Guest for Tenants {
    fn handle() -> Result<(), Refusal> {
        let tenant = headers::get("x-tenant").unwrap_or_default();
        if !CONFIG.get().is_some_and(|config| config.tenants.contains(&tenant)) {
            return Err(refusal(403, "UNKNOWN_TENANT", "Send x-tenant with the name of a tenant."));
        }
        // For later stages of this request.
        request::set_entry("tenant", Some(&Value::from(tenant).to_string())).map_err(failed)
    }
}

impl on_subgraph_request::Guest for Tenants {
    fn handle() -> Result<(), Refusal> {
        let tenant: Option<String> = request::entry("tenant").and_then(|json| serde_json::from_str(&json).ok());
        tenant.map_or(Ok(()), |tenant| headers::set("x-org", &tenant)).map_err(failed)
    }
}

impl on_executed::Guest for Tenants {
    fn handle() -> Result<(), Refusal> {
        let mut errors = graphql_response::errors();
        for error in &mut errors {
            // What has a code of its own is meant for clients.
            if matches!(error.code.as_deref(), None | Some("DOWNSTREAM_SERVICE_ERROR")) {
                log::write(Level::Warn, &error.message);
                error.message = "Something went wrong.".to_owned();
            }
        }
        graphql_response::set_errors(&errors).map_err(failed)
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Refusal {
    Refusal { status, code: code.to_owned(), message: message.to_owned(), headers: Vec::new(), body: None }
}

/// What the router does not take is a defect of the hook.
fn failed(problem: String) -> Refusal {
    refusal(500, "TENANT_HOOK_FAILED", &problem)
}

export!(Tenants);
