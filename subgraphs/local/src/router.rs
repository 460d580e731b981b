//! The router in front of the services: the configuration that docker-compose.yml has too, with the addresses and the secret of this
//! process. Knows no service.

use std::net::SocketAddr;
use std::sync::Arc;

use braid::assemble::{self, Front};
use braid::config::Config;
use braid::problems::Problems;
use braid::schema_tools::with_schema_tools;
use braid_composition::{Composer, SubgraphSdl};
use braid_server::config::ExampleQuery;
use braid_settings::expand::Values;
use braid_telemetry::config::OtlpConfig;
use braid_telemetry::metrics::Metrics;

use crate::examples::{self, Example};
use crate::federation::Storage;

/// What the configuration takes from the environment where the router is a process of its own.
pub(crate) struct Surroundings {
    /// The keys that verify the tokens of users.
    pub(crate) jwks_url: String,
    /// The secret by which services know the router.
    pub(crate) router_token: String,
    /// The secret by which the router knows services that tell it what has changed.
    pub(crate) cache_secret: String,
}

/// The router over these subgraphs. It is set up for development.
pub(crate) async fn front(
    listen: SocketAddr,
    surroundings: &Surroundings,
    storage: &Storage,
    traces: &OtlpConfig,
    subgraphs: Vec<SubgraphSdl>,
) -> anyhow::Result<(Front, Config)> {
    let (composed, _, subgraphs) = braid::source::compose_subgraphs(subgraphs, &mut Composer::default()).await?;
    let mut config = Config::parse(include_str!("../../../schema/docker/router.yaml"), surroundings)?;
    config.server.listen = listen;
    config.telemetry.trace.otlp = OtlpConfig { service_name: "braid".to_owned(), ..traces.clone() };
    config.for_development();
    config.mcp.operations.files.extend(storage.operations.clone());
    config.server.playground.queries = examples::ALL.map(example).to_vec();
    let metrics = Arc::new(Metrics::default());
    let version = assemble::version(&config, &composed.supergraph_sdl, None, &metrics, None)?;
    let version = with_schema_tools(version, &config, subgraphs, Problems::default());
    Ok((assemble::front(&config, version, metrics)?, config))
}

fn example(example: Example) -> ExampleQuery {
    ExampleQuery {
        title: example.title.to_owned(),
        collection: example.collection.to_owned(),
        query: example.query.to_owned(),
        variables: example.variables.to_owned(),
        headers: String::new(),
    }
}

impl Values for Surroundings {
    fn env(&self, name: &str) -> Option<String> {
        match name {
            "JWKS_URL" => Some(self.jwks_url.clone()),
            "CACHE_INVALIDATION_SECRET" => Some(self.cache_secret.clone()),
            "ROUTER_TOKEN" => Some(self.router_token.clone()),
            _ => None,
        }
    }

    fn file(&self, _: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}
