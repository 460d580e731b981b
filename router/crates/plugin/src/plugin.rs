//! The trait. Knows no list of plugins.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::refused::Refused;
use crate::stages::{
    ExecutedStage, ExecutionStage, OperationStage, RequestStage, ResponseStage, Stage, SubgraphRequestStage,
    SubgraphResponseStage,
};

/// Takes part in requests. Methods are written as `async fn`; those of other stages than [`Plugin::stages`] names are never called.
///
/// A method that returns an error ends the request with it. Where that is no sensible thing to do, its documentation says what happens.
/// The future is dropped when the client goes away. Its time is the client's: what waits for others needs a timeout.
pub trait Plugin: Send + Sync + 'static {
    /// The stages in which it takes part. Asked once, when it is added.
    fn stages(&self) -> &[Stage];

    /// A client's request has come.
    fn request(&self, _stage: &mut RequestStage<'_>) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// What a client asks has been read.
    fn operation(&self, _stage: &mut OperationStage<'_>) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// The operation is about to be run.
    fn execution(&self, _stage: &mut ExecutionStage<'_>) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// A request is about to be made to a subgraph. An error is the subgraph's response instead: the rest of the operation goes on.
    fn subgraph_request(
        &self,
        _stage: &mut SubgraphRequestStage<'_>,
    ) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// A subgraph has answered. An error is its response instead: the rest of the operation goes on.
    fn subgraph_response(
        &self,
        _stage: &mut SubgraphResponseStage<'_>,
    ) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// The operation was run.
    fn executed(&self, _stage: &mut ExecutedStage<'_>) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }

    /// The response is about to be sent.
    fn response(&self, _stage: &mut ResponseStage<'_>) -> impl Future<Output = Result<(), Refused>> + Send {
        std::future::ready(Ok(()))
    }
}

type Done<'a> = BoxFuture<'a, Result<(), Refused>>;

/// A plugin whose type is not known.
pub(crate) trait AnyPlugin: Send + Sync {
    fn request<'a>(&'a self, stage: &'a mut RequestStage<'_>) -> Done<'a>;
    fn operation<'a>(&'a self, stage: &'a mut OperationStage<'_>) -> Done<'a>;
    fn execution<'a>(&'a self, stage: &'a mut ExecutionStage<'_>) -> Done<'a>;
    fn subgraph_request<'a>(&'a self, stage: &'a mut SubgraphRequestStage<'_>) -> Done<'a>;
    fn subgraph_response<'a>(&'a self, stage: &'a mut SubgraphResponseStage<'_>) -> Done<'a>;
    fn executed<'a>(&'a self, stage: &'a mut ExecutedStage<'_>) -> Done<'a>;
    fn response<'a>(&'a self, stage: &'a mut ResponseStage<'_>) -> Done<'a>;
}

impl<P: Plugin> AnyPlugin for P {
    fn request<'a>(&'a self, stage: &'a mut RequestStage<'_>) -> Done<'a> {
        P::request(self, stage).boxed()
    }

    fn operation<'a>(&'a self, stage: &'a mut OperationStage<'_>) -> Done<'a> {
        P::operation(self, stage).boxed()
    }

    fn execution<'a>(&'a self, stage: &'a mut ExecutionStage<'_>) -> Done<'a> {
        P::execution(self, stage).boxed()
    }

    fn subgraph_request<'a>(&'a self, stage: &'a mut SubgraphRequestStage<'_>) -> Done<'a> {
        P::subgraph_request(self, stage).boxed()
    }

    fn subgraph_response<'a>(&'a self, stage: &'a mut SubgraphResponseStage<'_>) -> Done<'a> {
        P::subgraph_response(self, stage).boxed()
    }

    fn executed<'a>(&'a self, stage: &'a mut ExecutedStage<'_>) -> Done<'a> {
        P::executed(self, stage).boxed()
    }

    fn response<'a>(&'a self, stage: &'a mut ResponseStage<'_>) -> Done<'a> {
        P::response(self, stage).boxed()
    }
}
