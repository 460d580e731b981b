//! The path at which subgraphs send the events of subscriptions (`traffic.….subscriptions.callback`). Knows no protocol.

use std::sync::Arc;

use braid_server::Route;
use braid_transport::Callbacks;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Method, Response};

/// The calls of subgraphs as a route of the router.
#[derive(Debug)]
pub(crate) struct CallbackRoute(pub(crate) Arc<Callbacks>);

impl Route for CallbackRoute {
    fn method(&self, path: &str) -> Option<Method> {
        self.0.is_path(path).then_some(Method::POST)
    }

    fn max_body_bytes(&self) -> usize {
        self.0.max_bytes()
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        self.0.refuse_early(head.uri.path())
    }

    fn answer(self: Arc<Self>, head: Parts, body: Bytes) -> BoxFuture<'static, Response<Bytes>> {
        Box::pin(std::future::ready(self.0.take(head.uri.path(), &body)))
    }
}
