//! What can be set about where answers are kept. Knows no file and no environment.

use braid_settings::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where answers are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The memory for entries of the cache.
    pub memory: ByteSize,
    /// Larger entries are not kept.
    pub max_entry: ByteSize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { memory: ByteSize(128 << 20), max_entry: ByteSize(1 << 20) }
    }
}
