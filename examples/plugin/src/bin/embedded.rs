//! A router inside of an axum application, beside its own routes: `embedded router.yaml 127.0.0.1:4000`.
//!
//! It follows changes of its files as `braid serve` does. What concerns sockets (`server.listen`, `server.tls`, limits of connections) is
//! the application's business.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use axum::routing::get;
use braid::plugin::Plugins;
use braid::reload::{Blueprint, keep_current};
use braid::{Metrics, assemble, invalidation};
use braid_server::Peer;
use plugin_example::Tenants;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [_, config, listen] = &std::env::args().collect::<Vec<_>>()[..] else {
        anyhow::bail!("usage: embedded ROUTER_YAML ADDRESS");
    };
    let plugins = Plugins::default().with(Tenants(vec!["acme".to_owned()]));
    let app = app(Blueprint { config_file: Some(config.into()), plugins, ..Blueprint::default() }).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("could not listen on {listen}"))?;
    // Where it is known to whoever started it.
    std::io::Write::write_all(&mut std::io::stdout(), format!("{}\n", listener.local_addr()?).as_bytes())?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// The application: a route of its own, and the router for all others.
async fn app(blueprint: Blueprint) -> anyhow::Result<Router> {
    let metrics = Arc::new(Metrics::default());
    let (version, origins) = blueprint.first(&metrics).await?;
    let front = Arc::new(assemble::front(&origins.config, version, metrics)?);
    tokio::spawn(keep_current(front.clone(), invalidation::ways(&front), blueprint, origins));
    let router = Router::new().fallback_service(front.service()).layer(map_request(with_peer));
    Ok(Router::new().route("/about", get(async || "a shop")).fallback_service(router))
}

/// Tells the router where a request is from, for log and rate limits.
async fn with_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer(peer));
    request
}
