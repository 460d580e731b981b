//! A schema of any type, in the form that the HTTP server runs. Knows no HTTP.
//!
//! The type is erased so that the code that serves a schema is compiled once, in this crate, and not again in each service.

use std::fmt;
use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

/// A schema that is ready to run requests. Cheap to clone.
#[derive(Clone)]
pub struct Executable(Arc<dyn Runs>);

/// What is done with a schema, whatever its type.
trait Runs: Send + Sync {
    fn execute(&self, request: Request) -> BoxFuture<'static, Response>;
    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, Response>;
}

impl<E: Executor> Runs for E {
    fn execute(&self, request: Request) -> BoxFuture<'static, Response> {
        let schema = self.clone();
        Box::pin(async move { Executor::execute(&schema, request).await })
    }

    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        Executor::execute_stream(self, request, session)
    }
}

impl Executable {
    /// Erases the type of a schema.
    pub fn new<E: Executor>(schema: E) -> Self {
        Self(Arc::new(schema))
    }
}

impl Executor for Executable {
    async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }

    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        self.0.execute_stream(request, session)
    }
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executable")
    }
}
