//! The one place where errors get the form that a caller sees, and where internals are hidden.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest};
use async_graphql::{ErrorExtensionValues, Response, ServerError, Value, async_trait};

use crate::error::{Code, Error};

/// The schema extension that presents every error of a response ([`present`]).
#[derive(Debug, Clone, Copy, Default)]
pub struct PresentErrors;

impl ExtensionFactory for PresentErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for PresentErrors {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        response.errors.iter_mut().for_each(present);
        response
    }
}

/// Gives an error its code, and replaces the message of one that is ours.
///
/// async-graphql turns any error type into a message, so a forgotten `?` on a database error would tell the
/// caller about our tables. Hence the rule: a foreign error that comes out of a resolver is internal.
pub fn present(error: &mut ServerError) {
    if code(error).is_some() {
        return;
    }
    let code = match (error.source::<Error>(), &error.source) {
        (Some(ours), _) => ours.code().as_str(),
        (None, Some(_)) => Code::Internal.as_str(),
        // Without a source the text was written for the caller, by us or by async-graphql.
        (None, None) if error.path.is_empty() => request_error_code(&error.message),
        (None, None) => Code::BadUserInput.as_str(),
    };
    if code == Code::Internal.as_str() {
        log_internal(error);
        error.message = "Internal error. The service's log has the details.".to_owned();
    }
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
}

/// Whether the error says that the request itself was refused, before anything ran.
pub fn is_request_error(error: &ServerError) -> bool {
    // An error of a field has the field's path.
    error.path.is_empty()
        && matches!(code(error), Some(code) if [PARSE_FAILED, VALIDATION_FAILED, Code::BadUserInput.as_str()].contains(&code))
}

const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// The parser's messages start with the place in its own way (` --> 1:2`); all else is validation.
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
