//! Subscriptions over a WebSocket, in either of the two protocols. Knows no schema.

use std::net::IpAddr;
use std::time::Duration;

use async_graphql::Data;
use async_graphql::http::{ALL_WEBSOCKET_PROTOCOLS, WebSocket as GraphQLSocket, WebSocketProtocols, WsMessage};
use async_graphql::runtime::Timer;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};

use super::exchange::Exchange;
use crate::auth::{self, Authenticator};
use crate::error::Error;
use crate::trace::Current;

/// A client that says nothing for so long, not even that it is there, is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The largest message of a client.
const MAX_MESSAGE: usize = 1 << 20;

/// Answers the request for a WebSocket. Who calls is known by the headers, as for any request, or by what the client sends first.
pub(super) fn upgrade(
    exchange: Exchange,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.protocols(ALL_WEBSOCKET_PROTOCOLS).max_message_size(MAX_MESSAGE);
    let chosen = upgrade.selected_protocol().and_then(|name| name.to_str().ok()?.parse::<WebSocketProtocols>().ok());
    let Some(protocol) = chosen else {
        let message = "Offer the subprotocol graphql-transport-ws or graphql-ws.";
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    // The socket outlives the request that asked for it, and its operations belong to it.
    let current = Current::of_task();
    upgrade.on_upgrade(move |socket| current.within(serve(exchange, headers, peer, socket, protocol)))
}

async fn serve(
    exchange: Exchange,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    socket: WebSocket,
    protocol: WebSocketProtocols,
) {
    let Exchange { schema, authenticator, stop } = exchange;
    let (mut to_client, from_client) = socket.split();
    let texts = from_client
        .take_while(|message| std::future::ready(!matches!(message, Err(_) | Ok(Message::Close(_)))))
        .filter_map(|message| {
            std::future::ready(message.ok().filter(|message| matches!(message, Message::Text(_) | Message::Binary(_))))
        })
        .map(Message::into_data);
    let init = move |payload| async move { session(&authenticator, headers, peer, &payload).await };
    let mut messages =
        GraphQLSocket::new(schema, texts, protocol).on_connection_init(init).keepalive_timeout(Clock, SILENCE);
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = stop.cancelled() => Some(WsMessage::Close(1001, "the service stops".to_owned())),
        };
        let Some(message) = message else { return };
        let (message, is_last) = match message {
            WsMessage::Text(text) => (Message::Text(text.into()), false),
            WsMessage::Close(code, reason) => (Message::Close(Some(CloseFrame { code, reason: reason.into() })), true),
        };
        if to_client.send(message).await.is_err() || is_last {
            return;
        }
    }
}

/// Who calls, for all operations of the socket.
async fn session(
    authenticator: &Authenticator,
    mut headers: HeaderMap,
    peer: Option<IpAddr>,
    payload: &serde_json::Value,
) -> async_graphql::Result<Data> {
    let given = ["Authorization", "authorization"].iter().find_map(|name| payload.get(name)?.as_str());
    if let Some(value) = given.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(header::AUTHORIZATION, value);
    }
    let viewer =
        authenticator.authenticate(&headers).await.map_err(|error: Error| async_graphql::Error::from(error))?;
    let mut data = Data::default();
    data.insert(viewer);
    if let Some(address) = auth::address(&headers, peer) {
        data.insert(address);
    }
    Ok(data)
}

struct Clock;

impl Timer for Clock {
    fn delay(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }
}
