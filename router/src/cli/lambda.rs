//! `braid lambda`: the router as a function of AWS Lambda.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use braid_lambda::{Function, InvokeMode, MapRequest, Request, SourceAddress};
use braid_net::chain;
use braid_plugin::Plugins;
use braid_server::Peer;
use braid_telemetry::metrics::Metrics;
use clap::Args;

use super::serve::{failure, run_server, stop_signal};
use super::terminal::Failure;
use crate::assemble;
use crate::bucket_files::BucketFiles;
use crate::invalidation;
use crate::reload::{Blueprint, keep_current};

/// Serve as a function of AWS Lambda.
#[derive(Debug, Args)]
pub(super) struct Lambda {
    /// A composed supergraph: a file, or s3://BUCKET/KEY. By default, supergraph.graphql among what was deployed, unless the configuration
    /// says where the schema is
    #[arg(long, value_name = "FILE", env = "SUPERGRAPH_PATH")]
    supergraph: Option<PathBuf>,
    /// The router's configuration: a file, or s3://BUCKET/KEY. By default, router.yaml among what was deployed, if there is one
    #[arg(long, value_name = "FILE", env = "BRAID_CONFIG")]
    config: Option<PathBuf>,
    /// How responses are sent: as the function's URL or its REST API says
    #[arg(long, value_name = "MODE", env = "BRAID_INVOKE_MODE", value_enum, default_value_t)]
    invoke_mode: InvokeMode,
}

impl Lambda {
    pub(super) fn run(self, plugins: Plugins) -> Result<(), Failure> {
        run_server(self.serve(plugins))
    }

    async fn serve(self, plugins: Plugins) -> Result<(), Failure> {
        let began = Instant::now();
        let mode = self.invoke_mode;
        let mut files = BucketFiles::new().map_err(|error| Failure::Other(format!("no temporary folder: {error}")))?;
        let blueprint = self.blueprint(&mut files, plugins).await?;
        let metrics = Arc::new(Metrics::default());
        let (version, origins) = blueprint.first(&metrics).await.map_err(failure)?;
        let front =
            assemble::front(&origins.config, version, metrics).map_err(|error| Failure::Other(chain(&error)))?;
        let front = Arc::new(front);
        let ways = invalidation::ways(&front);
        invalidation::follow(&ways, &origins.config).await.map_err(|error| Failure::Other(chain(&error)))?;
        let copying = tokio::spawn(files.keep_current(origins.config.reload.poll.0));
        let reloading = tokio::spawn(keep_current(front.clone(), ways.clone(), blueprint, origins));
        tracing::info!(init_ms = began.elapsed().as_millis(), "Ready for invocations");
        let flushed = front.clone();
        let function = Function {
            service: MapRequest::new(front.service(), with_address as fn(Request) -> Request),
            mode,
            scheduled: None,
            after: Arc::new(move || {
                let front = flushed.clone();
                Box::pin(async move { front.flush().await })
            }),
        };
        let done = braid_lambda::run(function, stop_signal()).await;
        reloading.abort();
        copying.abort();
        ways.shut_down().await;
        tracing::info!("Stopped");
        done.map_err(|error| Failure::Other(chain(&error)))
    }

    /// What was deployed, and what the arguments say.
    async fn blueprint(self, files: &mut BucketFiles, plugins: Plugins) -> Result<Blueprint, Failure> {
        let deployed = |name: &str| Some(braid_lambda::task_root().join(name)).filter(|file| file.is_file());
        let mut local = async |location: Option<PathBuf>| match location {
            Some(location) => {
                files.local(&location).await.map(Some).map_err(|error| Failure::Unreadable(chain(&error)))
            }
            None => Ok(None),
        };
        let config_file = local(self.config.or_else(|| deployed("router.yaml"))).await?;
        let supergraph = local(self.supergraph).await?;
        let mut blueprint = Blueprint { config_file, supergraph, plugins, ..Blueprint::default() };
        let names_none = |config: braid_config::Config| config.schema == Default::default();
        if blueprint.supergraph.is_none() && blueprint.config().is_ok_and(names_none) {
            blueprint.supergraph = deployed("supergraph.graphql");
        }
        Ok(blueprint)
    }
}

/// Tells the router where a request is from.
fn with_address(mut request: Request) -> Request {
    if let Some(SourceAddress(address)) = request.extensions().get().copied() {
        request.extensions_mut().insert(Peer(SocketAddr::new(address, 0)));
    }
    request
}
