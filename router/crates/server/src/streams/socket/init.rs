//! How a client begins on a socket: who it is, and the headers that it gives. Knows no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use braid_authentication::ClientCertificate;
use braid_gateway::refusal::Refusal;
use braid_gateway::{EXPOSE, Subgraphs};
use braid_request_context::Identity;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::version::Version;

/// Finds out who begins with this payload, and takes the headers over that it may give.
pub(super) async fn begin<S: Subgraphs>(
    version: &Version<S>,
    head: &mut Parts,
    peer: Option<SocketAddr>,
    payload: Option<&Bytes>,
) -> Result<Identity, Refusal> {
    let payload = payload.map(|payload| serde_json::from_slice::<Map<String, Value>>(payload)).transpose();
    let payload = payload.map_err(|_| invalid("The payload of connection_init is not a JSON object."))?;
    let payload = payload.unwrap_or_default();
    take_headers(version, head, &payload)?;
    let Some(authenticator) = &version.authenticator else { return Ok(Identity::Anonymous) };
    let deadline = Instant::now() + version.config.request_timeout.0;
    let certificate = head.extensions.get::<Arc<ClientCertificate>>().map(|certificate| &**certificate);
    match authenticator.authenticate_socket(&head.headers, &payload, certificate, deadline).await {
        Ok(identity) => Ok(identity),
        Err(error) => {
            count(version, head, peer).await?;
            Err(Refusal::fixed(error.status(), error.code(), error.to_string()))
        }
    }
}

/// Credentials that are refused count as a request, so that nobody guesses them fast.
async fn count<S: Subgraphs>(version: &Version<S>, head: &Parts, peer: Option<SocketAddr>) -> Result<(), Refusal> {
    let mut context = version.context(head.clone(), peer);
    // What is for no graph counts too.
    let _ = version.choose_graph(&mut context);
    let Some(limits) = version.limits_of(&context) else { return Ok(()) };
    Ok(limits.begin().check_head(&context, 1).await?)
}

/// The headers that the configuration lets clients give, from the payload or from its `headers`. Browsers have no other way to ask to see how events
/// are made, where that may be seen.
fn take_headers<S>(version: &Version<S>, head: &mut Parts, payload: &Map<String, Value>) -> Result<(), Refusal> {
    let nested = payload.get("headers").and_then(Value::as_object);
    let expose = version.gateway.exposure.plan.then_some(EXPOSE);
    for name in version.init_headers.iter().chain(&expose) {
        let mut members = payload.iter().chain(nested.into_iter().flatten());
        let Some((_, value)) = members.find(|(key, value)| key.eq_ignore_ascii_case(name.as_str()) && !value.is_null())
        else {
            continue;
        };
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        let Some(value) = value else {
            return Err(invalid(&format!("\"{name}\" in the payload of connection_init is no value of a header.")));
        };
        head.headers.insert(name, value);
    }
    Ok(())
}

fn invalid(message: &str) -> Refusal {
    Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", message)
}
