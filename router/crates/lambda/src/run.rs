//! The life of a function: from its first wait for an event to the signal to end. Knows no event.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Response;
use lambda_http::lambda_runtime::{LambdaInvocation, Runtime};
use lambda_http::tower::Layer;
use lambda_http::{Error, Request, Service, service_fn};

use crate::environment;
use crate::invoke::Function;

/// Why a process can't be a function, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// It was not started by AWS Lambda.
    #[error("{0}")]
    Environment(String),
    /// The runtime API can't be used.
    #[error("the runtime API of AWS Lambda failed")]
    Runtime(#[source] Error),
}

/// How long what is left to do may take between two invocations: the next event waits for it, and the time is paid for.
const AFTER_INVOCATION: Duration = Duration::from_secs(1);
/// How long it may take at the end: AWS Lambda kills a function 500 ms after it was told to end.
const AT_END: Duration = Duration::from_millis(400);

/// Answers events until `stop` completes.
pub async fn run<S, B>(function: Function<S>, stop: impl Future<Output = ()>) -> Result<(), FunctionError>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Error> + Send + Debug,
{
    if let Some(problem) = environment::problem() {
        return Err(FunctionError::Environment(problem));
    }
    receive_signals().await;
    let after = function.after.clone();
    let done = tokio::select! {
        done = answer(function) => done.map_err(FunctionError::Runtime),
        () = stop => Ok(()),
    };
    let _ = tokio::time::timeout(AT_END, after()).await;
    done
}

/// Answers events. Not an `async fn`: of one, the compiler does not see that it can be sent between threads.
fn answer<S, B>(function: Function<S>) -> BoxFuture<'static, Result<(), Error>>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Error> + Send + Debug,
{
    let finish = {
        let after = function.after.clone();
        Finish(move || {
            let after = after();
            Box::pin(async move {
                if tokio::time::timeout(AFTER_INVOCATION, after).await.is_err() {
                    tracing::warn!(
                        "Traces and logs of an invocation can't be sent in time; they go on with the next one"
                    );
                }
            }) as BoxFuture<'static, ()>
        })
    };
    let handler = service_fn(move |event| {
        let function = function.clone();
        async move { function.invoke(event).await }
    });
    Box::pin(Runtime::new(handler).layer(finish).run())
}

/// Registers this process as an extension that wants no events: AWS Lambda sends SIGTERM to functions with an extension only.
async fn receive_signals() {
    let extension = lambda_extension::Extension::new().with_events(&[]).with_extension_name("braid");
    match extension.register().await {
        Ok(extension) => {
            tokio::spawn(async move {
                if let Err(error) = extension.run().await {
                    tracing::debug!(error, "The extension has ended");
                }
            });
        }
        Err(error) => {
            tracing::warn!(error, "The function can't register as an extension, so it is not told when it is to end");
        }
    }
}

/// Does what is left to do after each invocation.
#[derive(Clone)]
struct Finish<F>(F);

impl<F: Clone, S> Layer<S> for Finish<F> {
    type Service = Finished<F, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Finished { finish: self.0.clone(), inner }
    }
}

/// A runtime whose invocations end with what is left to do.
struct Finished<F, S> {
    finish: F,
    inner: S,
}

impl<F, S> Service<LambdaInvocation> for Finished<F, S>
where
    F: Fn() -> BoxFuture<'static, ()>,
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = BoxFuture<'static, Result<(), Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let answered = self.inner.call(invocation);
        let finish = (self.finish)();
        Box::pin(async move {
            let done = answered.await;
            finish.await;
            done
        })
    }
}
