//! The only place where errors get the form that callers see, and where internal causes are hidden.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::error::{Code, Error};
use crate::trace;

/// Sets the code of an error, and replaces the message of an internal one, which gets the id of its request.
///
/// async-graphql makes a message of any error type, so one `?` on a database error would show our tables to the caller.
/// Hence the rule: an error of a resolver that is not our own type is internal.
pub(super) fn present(error: &mut ServerError) {
    if error_code(error).is_some() {
        return;
    }
    let code = match (error.source::<Error>(), &error.source) {
        (Some(ours), _) => ours.code().as_str(),
        (None, Some(_)) => Code::Internal.as_str(),
        // Without a source, the message was written for the caller, by us or by async-graphql.
        (None, None) if error.path.is_empty() => request_error_code(&error.message),
        (None, None) => Code::BadUserInput.as_str(),
    };
    if code == Code::Internal.as_str() {
        log_internal(error);
        error.message = "Internal error. The details are in the service's log.".to_owned();
    }
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code);
    if code == Code::Internal.as_str()
        && let Some(id) = trace::request_id()
    {
        // The lines of the log that say why have it too.
        extensions.set("requestId", id);
    }
}

/// Whether the request was refused before anything ran.
pub(crate) fn is_request_error(error: &ServerError) -> bool {
    // The error of a field has a path.
    error.path.is_empty()
        && matches!(error_code(error), Some(code) if [PARSE_FAILED, VALIDATION_FAILED, Code::BadUserInput.as_str()].contains(&code))
}

const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

/// The code of an error that callers see.
pub(crate) fn error_code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Messages of the parser start with the position, such as ` --> 1:2`; all others are of validation.
fn request_error_code(message: &str) -> &'static str {
    if message.trim_start().starts_with("-->") { PARSE_FAILED } else { VALIDATION_FAILED }
}

fn log_internal(error: &ServerError) {
    let path = serde_json::to_string(&error.path).unwrap_or_default();
    match error.source::<Error>() {
        Some(Error::Internal(cause)) => tracing::error!(path, cause = format!("{cause:#}"), "A resolver failed"),
        _ => tracing::error!(path, cause = error.message, "A resolver failed"),
    }
}
