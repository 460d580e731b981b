//! A schema of any type, in the form that the HTTP server runs. Knows no HTTP.
//!
//! The type is erased so that the code that serves a schema is compiled once, in this crate, and not again in each service.

use std::fmt;
use std::sync::Arc;

use async_graphql::{Executor, Request, Response};
use futures_util::future::BoxFuture;

/// A schema that is ready to run requests. Cheap to clone.
#[derive(Clone)]
pub struct Executable(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>);

impl Executable {
    /// Erases the type of a schema.
    pub fn new<E: Executor>(schema: E) -> Self {
        Self(Arc::new(move |request| {
            let schema = schema.clone();
            Box::pin(async move { schema.execute(request).await })
        }))
    }

    /// Runs a request.
    pub fn execute(&self, request: Request) -> BoxFuture<'static, Response> {
        (self.0)(request)
    }
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executable")
    }
}
