//! From a request to a WebSocket: whether the client may have one, and which subprotocol it speaks. Knows no message.

use std::net::SocketAddr;
use std::sync::Arc;

use braid_authentication::ClientCertificate;
use braid_gateway::Subgraphs;
use braid_gateway::refusal::Refusal;
use braid_graphql_ws::Subprotocol;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version as HttpVersion};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::session::{self, Client};
use crate::exchange::Exchange;
use crate::rules::SocketOrigin;
use crate::state::Front;
use crate::version::Version;
use crate::{graphql, reply};

/// Whether a request asks for a WebSocket.
pub(crate) fn is_asked<B>(request: &Request<B>) -> bool {
    // Most requests are no GET, and need no further look.
    request.method() == Method::GET
        && (request.headers().contains_key(SEC_WEBSOCKET_KEY) || request.headers().contains_key(SEC_WEBSOCKET_VERSION))
}

/// Answers a request for a WebSocket.
pub(crate) fn respond<S: Subgraphs, B>(
    front: &Arc<Front<S>>,
    version: Arc<Version<S>>,
    mut request: Request<B>,
    peer: Option<SocketAddr>,
) -> Response<Bytes> {
    let can_upgrade = request.extensions().get::<OnUpgrade>().is_some();
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let mut exchange = Exchange::begin(version, &front.observers, head.clone(), peer);
    let response = match check(&exchange.version, &head, can_upgrade) {
        Ok(asked) => {
            let response = accepted(&asked);
            let client = Client { head: of_operations(head, asked.origin), peer, subprotocol: asked.subprotocol };
            let front = front.clone();
            front.streams.clone().sockets.spawn(async move {
                match upgrade.await {
                    Ok(connection) => session::run(front, client, connection).await,
                    Err(error) => tracing::debug!(%error, ?peer, "A connection could not become a WebSocket"),
                }
            });
            response
        }
        Err(refusal) => {
            let mut response = graphql::refuse(&mut exchange, &refusal);
            if response.status() == StatusCode::UPGRADE_REQUIRED {
                let headers = response.headers_mut();
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            }
            response
        }
    };
    exchange.end(response.status(), response.body().len() as u64);
    response
}

/// What a client asks for.
struct Asked {
    accept: HeaderValue,
    /// None if the client offers none that there is: it is told so over the socket, where it looks.
    subprotocol: Option<Subprotocol>,
    origin: SocketOrigin,
}

fn check<S>(version: &Version<S>, head: &Parts, can_upgrade: bool) -> Result<Asked, Refusal> {
    let headers = &head.headers;
    version.check_graph(headers, &head.uri)?;
    if !version.config.streams.websocket.enabled {
        let message = "WebSockets are switched off (server.streams.websocket): subscribe over text/event-stream.";
        return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "WEBSOCKET_NOT_ENABLED", message));
    }
    if head.version != HttpVersion::HTTP_11 {
        return Err(needs_http1());
    }
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let version_is = |value: &HeaderValue| value.as_bytes() == b"13";
    let key = key.filter(|_| {
        has_token(headers, &UPGRADE, "websocket")
            && has_token(headers, &CONNECTION, "upgrade")
            && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(version_is)
    });
    let accept = key.and_then(|key| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok());
    let Some(accept) = accept else {
        let message = "The request for a WebSocket must have a key, the version 13, and `connection: upgrade`.";
        return Err(Refusal::fixed(StatusCode::UPGRADE_REQUIRED, "WEBSOCKET_HANDSHAKE_INVALID", message));
    };
    if !can_upgrade {
        return Err(needs_http1());
    }
    let origin = version.rules.socket_origin(headers);
    if origin == SocketOrigin::Refused {
        let message = "Pages of this origin may not open WebSockets: add it to server.cors.origins.";
        return Err(Refusal::fixed(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", message));
    }
    let offers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    Ok(Asked { accept, subprotocol: offers.into_iter().find_map(Subprotocol::offered), origin })
}

/// Also where a server of somebody else hands requests over without their connection.
fn needs_http1() -> Refusal {
    let message = "A WebSocket begins with a request over HTTP/1.1; over HTTP/2, subscribe with text/event-stream.";
    Refusal::fixed(StatusCode::BAD_REQUEST, "WEBSOCKET_NEEDS_HTTP1", message)
}

fn has_token(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn accepted(asked: &Asked) -> Response<Bytes> {
    let mut response = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, asked.accept.clone());
    if let Some(subprotocol) = asked.subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol.name()));
    }
    response
}

/// The head that each operation has: that of the request, without what was about the connection.
fn of_operations(mut head: Parts, origin: SocketOrigin) -> Parts {
    for name in [
        CONNECTION,
        UPGRADE,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION,
        SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_PROTOCOL,
    ] {
        head.headers.remove(name);
    }
    // Browsers send these whether the page may use them or not. In a request of any other kind they would have left them out.
    if origin == (SocketOrigin::Allowed { with_credentials: false }) {
        for name in [COOKIE, AUTHORIZATION, PROXY_AUTHORIZATION] {
            head.headers.remove(name);
        }
        head.extensions.remove::<Arc<ClientCertificate>>();
    }
    head.headers = copied(&head.headers);
    head.uri = head.uri.to_string().parse().unwrap_or_default();
    head
}

/// Headers share the memory that they were read into, of which most is empty: not for as long as a socket lives.
fn copied(headers: &HeaderMap) -> HeaderMap {
    let all: Bytes = headers.values().flat_map(HeaderValue::as_bytes).copied().collect();
    let mut rest = all;
    let mut copy = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let mut own = HeaderValue::from_maybe_shared(rest.split_to(value.len())).unwrap_or_else(|_| value.clone());
        own.set_sensitive(value.is_sensitive());
        copy.append(name, own);
    }
    // A clone has room for no more than there is.
    copy.clone()
}
