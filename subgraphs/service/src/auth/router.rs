//! What the router vouches for: the user whose token it has verified. Knows no token.
//!
//! These headers count only beside the router's secret. Without it, anybody could have written them.

use axum::http::{HeaderMap, HeaderValue};

use crate::error::Result;

use super::unauthenticated;
use super::viewer::{User, Viewer};

/// The header with which the router identifies itself.
pub const ROUTER_TOKEN_HEADER: &str = "x-router-token";

/// The header with the id of the user; missing for anonymous requests.
pub const USER_ID_HEADER: &str = "x-user-id";

/// The header with the user's roles, separated by commas.
pub const USER_ROLES_HEADER: &str = "x-user-roles";

/// Who is calling, as the router says.
pub(super) fn viewer(headers: &HeaderMap) -> Result<Viewer> {
    let Some(id) = one(headers, USER_ID_HEADER)? else {
        return Ok(Viewer::Anonymous);
    };
    let roles = one(headers, USER_ROLES_HEADER)?.unwrap_or_default();
    let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect();
    Ok(Viewer::User(User { id: id.to_owned(), roles }))
}

/// The value of a header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(unauthenticated(&format!("send `{name}` once, as text"))),
    }
}
