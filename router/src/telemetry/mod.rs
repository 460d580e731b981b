//! What operators see: log lines, metrics, traces. Knows no GraphQL.

pub mod access_log;
pub mod config;
pub mod metrics;
pub mod otlp;
pub mod trace;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends log lines to stderr; `RUST_LOG` chooses which. A second call changes nothing: a process has one subscriber.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
