//! Statuses and headers that code in other languages gives as numbers and texts. Knows no stage.

use http::{HeaderName, HeaderValue, StatusCode};

/// A status that a client can be sent; `None` if it is not from 200 to 599.
pub fn status(code: u16) -> Option<StatusCode> {
    StatusCode::from_u16(code).ok().filter(|status| (200..600).contains(&status.as_u16()))
}

/// The name of a header. The error says what is wrong with it.
pub fn header_name(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("\"{name}\" is not a header name"))
}

/// A value of the header with this name. The error says what is wrong with it.
pub fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    value.parse().map_err(|_| format!("the header \"{name}\" has a value that can't be sent"))
}
