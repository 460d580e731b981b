//! One password or code per request: guessing them takes as many requests as guesses, and a router can count requests.
//! Knows no password.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::{Context, Request, ServerResult, async_trait};
use service::graphql::resource;
use service::{Error, Result};

/// The schema extension that counts the passwords of a request.
pub(super) struct OnePassword;

/// Counts a password or code; an error for the second one of the request.
pub(super) fn take_password(ctx: &Context<'_>) -> Result<()> {
    let taken = resource::<Taken>(ctx)?;
    if taken.0.swap(true, Ordering::Relaxed) {
        return Err(Error::bad_input(
            "A request may have only one mutation with a password or a code. Send each of them in a request of its own.",
        ));
    }
    Ok(())
}

/// Whether the request's password was used.
struct Taken(AtomicBool);

impl ExtensionFactory for OnePassword {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for OnePassword {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        next.run(ctx, request.data(Taken(AtomicBool::new(false)))).await
    }
}
