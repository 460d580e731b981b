//! The metrics of the fields that clients ask for. Knows no other metric.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// How often each field was asked for, by client and version.
#[derive(Debug, Default)]
pub struct SchemaUsageMetrics {
    family: Family<FieldUse, Counter>,
    /// How many label sets there are. A label set uses memory for as long as the process runs.
    series: Mutex<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldUse {
    field: String,
    client: String,
    version: String,
}

/// The label of all that there is no room for.
const OTHER: &str = "(other)";

impl SchemaUsageMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Requests that asked for a field, by client and version";
        registry.register("schema_usage", help, self.family.clone());
    }

    /// Counts so many requests for a field. There are at most `max` label sets, and one for the rest.
    pub fn add(&self, [field, client, version]: [&str; 3], requests: u64, max: usize) {
        let [field, client, version] = [field, client, version].map(str::to_owned);
        let labels = FieldUse { field, client, version };
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = self.family.get(&labels) {
            counter.inc_by(requests);
            return;
        }
        if *series < max {
            *series += 1;
            self.family.get_or_create(&labels).inc_by(requests);
        } else {
            let [field, client, version] = [OTHER; 3].map(str::to_owned);
            self.family.get_or_create(&FieldUse { field, client, version }).inc_by(requests);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_series_is_limited() {
        let mut registry = Registry::default();
        let metrics = SchemaUsageMetrics::default();
        metrics.register(&mut registry);
        for client in ["a", "b", "c", "d", "a"] {
            metrics.add(["Query.me", client, "1"], 2, 2);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains(r#"schema_usage_total{field="Query.me",client="a",version="1"} 4"#), "{text}");
        assert!(text.contains(r#"schema_usage_total{field="(other)",client="(other)",version="(other)"} 4"#), "{text}");
        assert_eq!(text.matches("\nschema_usage_total{").count(), 3, "{text}");
    }
}
