//! A service as a function of AWS Lambda. Knows no event.
//!
//! A function stands still between its invocations, at any point. So nothing that writes runs in the background, where it would hold locks
//! for as long: what is due is done when a schedule invokes the function. Only what is read anew, such as keys, goes on beside requests.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use braid_lambda::{Function, InvokeMode, Scheduled, SourceAddress};
use braid_telemetry::otlp::Exporter;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Life, Shutdown, Subgraph, reconcile, routes};
use crate::config::Config;
use crate::trace::Current;
use crate::worker::Worker;

/// Answers invocations until told to stop.
pub(super) async fn run(
    mode: InvokeMode,
    subgraph: Subgraph,
    config: Config,
    exporter: Option<Exporter>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let in_background = subgraph.work.iter().filter(|work| !work.has_turns());
    let (workers, _ends): (Vec<Worker>, Vec<_>) =
        in_background.map(|work| work.begin(stop.clone(), Current::new(exporter.clone()))).unzip();
    let life = Life { leaving: CancellationToken::new(), stop: stop.clone(), workers, exporter: exporter.clone() };
    let function = Function {
        service: routes(subgraph.clone(), &config, life).layer(map_request(with_address)),
        mode,
        scheduled: Some(scheduled(&subgraph, exporter.clone())),
        after: Arc::new(move || {
            let exporter = exporter.clone();
            Box::pin(async move {
                if let Some(exporter) = exporter {
                    exporter.flush().await;
                }
            })
        }),
    };
    tracing::info!(service = subgraph.info.name, "Ready for invocations");
    let done = braid_lambda::run(function, shutdown).await;
    stop.cancel();
    subgraph.database.close().await.context("could not close the database")?;
    tracing::info!(service = subgraph.info.name, "Stopped");
    Ok(done?)
}

/// Tells the service where a request is from.
async fn with_address(mut request: Request) -> Request {
    if let Some(SourceAddress(address)) = request.extensions().get().copied() {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
    }
    request
}

/// Does what is due when a schedule invokes the function. The invocation returns how much that was.
fn scheduled(subgraph: &Subgraph, exporter: Option<Exporter>) -> Scheduled {
    let work = subgraph.work.clone();
    Arc::new(move |time| {
        let (work, current) = (work.clone(), Current::new(exporter.clone()));
        Box::pin(current.within(async move {
            match reconcile::all_due(&work, time).await {
                Ok(done) => Ok(done.into_iter().map(|(name, done)| (name.to_owned(), done)).collect::<Value>()),
                Err(error) => {
                    let message = format!("{error:#}");
                    tracing::error!(error = message, "What is due could not be done");
                    Err(message)
                }
            }
        }))
    })
}
