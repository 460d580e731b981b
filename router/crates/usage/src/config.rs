//! The configuration of the usage log. Knows no file.

use std::path::PathBuf;

use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is recorded of the operations that clients send. Requests never wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UsageConfig {
    /// The log that is written: a JSON line for each operation and client that was seen in an interval. Without it, there is no log.
    pub file: Option<PathBuf>,
    /// How often lines are written; they are also written when the router stops.
    pub interval: Duration,
    /// The size at which a new file is begun. The full one is renamed to `FILE.1`, that to `FILE.2`, and so on.
    pub max_size: ByteSize,
    /// How many full files are kept.
    pub keep: usize,
    /// Whether lines have the texts of operations, without the strings and numbers in them. If not, they have names or hashes.
    pub texts: bool,
    /// The maximum memory for what is counted. Requests for which there is no room are counted as unrecorded, which a check notices.
    pub max_memory: ByteSize,
    /// How many clients are told apart for each operation; requests of further ones are counted as those of `(other)`.
    pub max_clients: usize,
    /// Metrics of the fields that are used.
    pub metrics: SchemaUsageConfig,
}

/// `braid_schema_usage_total`: how often each field was asked for, by client and version. At most 10 seconds old.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaUsageConfig {
    /// Whether there are such metrics.
    pub enabled: bool,
    /// How many combinations of field, client and version there are at most; what goes beyond is counted under `(other)`.
    pub max_series: usize,
}

impl Default for UsageConfig {
    fn default() -> Self {
        Self {
            file: None,
            interval: Duration::seconds(600),
            max_size: ByteSize(100_000_000),
            keep: 5,
            texts: true,
            max_memory: ByteSize(64_000_000),
            max_clients: 100,
            metrics: SchemaUsageConfig::default(),
        }
    }
}

impl Default for SchemaUsageConfig {
    fn default() -> Self {
        Self { enabled: false, max_series: 10_000 }
    }
}

impl UsageConfig {
    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.file.is_some() || self.metrics.enabled
    }

    /// Checks what the types can't express.
    pub fn check(&self) -> Result<(), String> {
        if self.interval.0.is_zero() {
            return Err("interval: must be longer than 0s".to_owned());
        }
        if self.max_size.0 < 10_000 {
            return Err("max_size: must be at least 10KB".to_owned());
        }
        if self.keep > 1000 {
            return Err("keep: at most 1000 files".to_owned());
        }
        Ok(())
    }
}
