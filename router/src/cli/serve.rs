//! `braid serve`: runs the router until Ctrl-C or SIGTERM.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use braid_net::chain;
use braid_plugin::Plugins;
use braid_telemetry::metrics::Metrics;
use clap::Args;

use super::compose::{Format, show};
use super::terminal::{Failure, complain};
use crate::assemble::{self, Version, VersionError};
use crate::invalidation;
use crate::load_error::LoadError;
use crate::reload::{Blueprint, Origins, keep_current};
use crate::source::SourceError;
use crate::stand_ins::StandInError;
use braid_config::ConfigError;

/// Serve a supergraph.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// A composed supergraph
    #[arg(long, value_name = "FILE", env = "SUPERGRAPH_PATH", conflicts_with = "subgraphs")]
    supergraph: Option<PathBuf>,
    /// A supergraph.yaml that lists the subgraphs to compose
    #[arg(long, value_name = "FILE")]
    subgraphs: Option<PathBuf>,
    /// The router's configuration, router.yaml
    #[arg(long, value_name = "FILE", env = "BRAID_CONFIG")]
    config: Option<PathBuf>,
    /// The address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", env = "BRAID_LISTEN")]
    listen: Option<SocketAddr>,
    /// For development: allow introspection, serve the page with its tools for schemas, and show clients subgraph errors, plans, timings and
    /// what is sent to subgraphs
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) fn run(self, plugins: Plugins) -> Result<(), Failure> {
        let blueprint = Blueprint {
            config_file: self.config,
            supergraph: self.supergraph,
            subgraphs: self.subgraphs,
            listen: self.listen,
            development: self.dev,
            plugins,
            ..Blueprint::default()
        };
        run_server(async {
            let metrics = Arc::new(Metrics::default());
            let first = blueprint.first(&metrics).await.map_err(failure)?;
            serve(blueprint, metrics, first).await
        })
    }
}

/// Runs a command that serves.
pub(super) fn run_server(serving: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    braid_telemetry::init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(format!("the runtime can't be started: {error}")))?;
    let done = runtime.block_on(serving);
    // Without waiting for blocking threads.
    runtime.shutdown_background();
    done
}

/// Serves a first version and those that follow it, until Ctrl-C or SIGTERM.
pub(super) async fn serve(
    blueprint: Blueprint,
    metrics: Arc<Metrics>,
    (version, origins): (Version, Origins),
) -> Result<(), Failure> {
    let config = origins.config.clone();
    let listener = braid_server::bind(config.server.listen).await.map_err(|error| Failure::Other(chain(&error)))?;
    let address = listener.local_addr().map_err(|error| Failure::Other(error.to_string()))?;
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let front = assemble::front(&config, version, metrics).map_err(|error| Failure::Other(chain(&error)))?;
    let front = Arc::new(front);
    let ways = invalidation::ways(&front);
    invalidation::follow(&ways, &config).await.map_err(|error| Failure::Other(chain(&error)))?;
    tracing::info!("Serving {scheme}://{address}{}", config.server.path);
    if config.server.playground.enabled {
        tracing::info!("Open {scheme}://{address}/ in a browser to try queries");
    }
    let reloading = tokio::spawn(keep_current(front.clone(), ways.clone(), blueprint, origins));
    assemble::serve(listener, front, Box::pin(stop_signal())).await;
    reloading.abort();
    ways.shut_down().await;
    tracing::info!("Stopped");
    Ok(())
}

/// The exit code and message for a version that can't be loaded.
pub(super) fn failure(error: LoadError) -> Failure {
    match &error {
        LoadError::Source(SourceError::DoesNotCompose { errors, hints, subgraphs }) => {
            complain(&show(Format::Text, errors, hints, subgraphs));
            Failure::Negative
        }
        LoadError::Source(SourceError::Unreadable { .. } | SourceError::Introspection { .. })
        | LoadError::Config(ConfigError::Unreadable { .. })
        | LoadError::StandIns(StandInError::Unreadable { .. }) => Failure::Unreadable(chain(&error)),
        LoadError::Source(SourceError::Panicked(_)) | LoadError::Version(VersionError::Panicked(_)) => {
            Failure::Other(chain(&error))
        }
        LoadError::Source(SourceError::Invalid { .. })
        | LoadError::Config(ConfigError::Invalid { .. })
        | LoadError::NoSource
        | LoadError::StandIns(_)
        | LoadError::Operations(_)
        | LoadError::PopularOperations(_)
        | LoadError::Version(_)
        | LoadError::Exporter(_) => Failure::Usage(chain(&error)),
    }
}

/// Completes on Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
