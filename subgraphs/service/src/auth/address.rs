//! From which address a request comes, where that is known. Knows no limit.
//!
//! The router is believed about it: it forwards `x-forwarded-for`, to which the proxy in front of it appends the address that it saw. Whoever
//! reaches a service directly has the address of the connection, whatever the request says.

use std::net::IpAddr;

use async_graphql::Context;
use axum::http::HeaderMap;

/// The address of the client, as part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The address of the client, from a resolver's context; none if it is not known.
pub fn client_address(ctx: &Context<'_>) -> Option<IpAddr> {
    ctx.data_opt::<ClientAddress>().map(|address| address.0)
}

/// The address that the last proxy saw.
pub(super) fn forwarded(headers: &HeaderMap) -> Option<ClientAddress> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok().map(ClientAddress)
}
