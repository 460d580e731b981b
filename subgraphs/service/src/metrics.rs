//! What a service counts, in the text format of Prometheus at `/metrics`. Knows no metric.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Metric, Registry};

use crate::error::Result;

/// The upper bounds of histograms of durations, in seconds.
pub const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The metrics of one service. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    measurements: Arc<Mutex<Vec<Measurement>>>,
}

type Measurement = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl Metrics {
    /// No metrics yet; the names of all will start with the service's name.
    pub fn new(service: &str) -> Self {
        Self { registry: Arc::new(Mutex::new(Registry::with_prefix(service))), measurements: Arc::default() }
    }

    /// Adds a metric: a counter, a gauge or a family of them from `prometheus_client`. The text format adds `_total` to the names of counters.
    pub fn add(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// Does this each time before the metrics are shown, such as to read from the database what a gauge shows. If it fails, the log says
    /// `what` could not be measured, and what was measured before is shown.
    pub fn measure<F>(&self, what: &'static str, measurement: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let measurement = move || -> BoxFuture<'static, ()> {
            let measured = measurement();
            Box::pin(async move {
                if let Err(error) = measured.await {
                    tracing::warn!(%error, what, "A metric can't be measured");
                }
            })
        };
        self.measurements.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(measurement));
    }

    /// All metrics as text.
    pub(crate) async fn text(&self) -> Result<String, fmt::Error> {
        let measurements = self.measurements.lock().unwrap_or_else(PoisonError::into_inner).clone();
        futures_util::future::join_all(measurements.iter().map(|measure| measure())).await;
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
