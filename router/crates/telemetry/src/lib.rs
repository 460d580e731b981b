//! What operators see: logs, metrics, traces. Knows no GraphQL.

pub mod access_log;
pub mod codes;
mod collector;
pub mod config;
mod drops;
pub mod environment;
pub mod line;
pub mod metrics;
pub mod otlp;
pub mod trace;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use collector::CollectorError;

/// Sends log lines to standard error, in colour only if that is a terminal. `RUST_LOG` filters them. A second call does nothing: a
/// process has one subscriber.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(has_colors());
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Colours are not for files, and not wanted if `NO_COLOR` is set (<https://no-color.org>).
fn has_colors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
