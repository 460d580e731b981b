//! The path at which subgraphs send the events of subscriptions (`traffic.….subscriptions.callback`). Knows no protocol.

use std::sync::Arc;

use braid_server::Route;
use braid_transport::Callbacks;
use bytes::Bytes;
use http::Response;

/// The calls of subgraphs as a route of the router.
#[derive(Debug)]
pub(crate) struct CallbackRoute(pub(crate) Arc<Callbacks>);

impl Route for CallbackRoute {
    fn is_path(&self, path: &str) -> bool {
        self.0.is_path(path)
    }

    fn max_body_bytes(&self) -> usize {
        self.0.max_bytes()
    }

    fn refuse(&self, path: &str) -> Option<Response<Bytes>> {
        self.0.refuse_early(path)
    }

    fn answer(&self, path: &str, body: &Bytes) -> Response<Bytes> {
        self.0.take(path, body)
    }
}
