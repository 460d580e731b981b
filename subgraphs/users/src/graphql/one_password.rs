//! One password per request: whoever guesses passwords sends as many requests as guesses, which a router can count.
//! Knows no password.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::{Context, Request, ServerResult, async_trait};
use service::{Error, Result};

use super::loaders::no_resource;

/// The schema extension that counts a request's passwords.
pub(super) struct OnePassword;

/// Takes the request's only password; an error for the second.
pub(super) fn take_password(ctx: &Context<'_>) -> Result<()> {
    let taken = ctx.data::<Taken>().map_err(no_resource)?;
    if taken.0.swap(true, Ordering::Relaxed) {
        return Err(Error::bad_input("A request may have one password. Send each `login` and `register` by itself."));
    }
    Ok(())
}

/// Whether the request's password was seen.
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
