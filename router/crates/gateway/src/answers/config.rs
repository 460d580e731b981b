//! What can be set about keeping answers. Knows no file and no environment.

use std::sync::Arc;

use braid_cache_store::Store;
use braid_settings::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients and the caches between are told about keeping answers, and what the router itself keeps of whole answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswersConfig {
    /// Whether answers say for how long, and by whom, they may be kept: `Cache-Control`, `Age`, `Vary`, and an `ETag` for GET. Header rules
    /// can't write these headers then. If not, answers have what header rules make of the subgraphs' headers.
    pub headers: bool,
    /// Whether `Age` is sent, with a `max-age` that counts from when the oldest part was made. Without it, `max-age` is the time that is left:
    /// for CDNs that ignore `Age`. nginx, which does too, is told the time that is left in either case (`X-Accel-Expires`).
    pub age: bool,
    /// A header with the tags of public answers, by which a CDN can be told to throw them out.
    pub surrogate_keys: Option<SurrogateKeysConfig>,
    /// Whether whole answers are kept, for anonymous clients without credentials. It saves what executing costs if all is in the cache.
    pub keep: bool,
    /// The memory for whole answers.
    pub memory: ByteSize,
    /// Larger answers are not kept whole.
    pub max_answer: ByteSize,
}

impl Default for AnswersConfig {
    fn default() -> Self {
        Self {
            headers: true,
            age: true,
            surrogate_keys: None,
            keep: false,
            memory: ByteSize(64 << 20),
            max_answer: ByteSize(1 << 20),
        }
    }
}

/// A header with the tags of public answers. In a tag, all but visible ASCII, and space, comma and `%`, is percent-encoded in UTF-8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SurrogateKeysConfig {
    /// Its name: `surrogate-key`, `cache-tag`, `xkey` or whatever the CDN reads.
    pub header: String,
    /// What is between two tags: `space`, or `comma` as `cache-tag` has it.
    pub separator: KeySeparator,
    /// The most bytes of its value. With more, the answer is `private`: a CDN could not be told to throw it out.
    pub max_bytes: ByteSize,
}

impl Default for SurrogateKeysConfig {
    fn default() -> Self {
        // nginx takes heads of 4 KiB.
        Self { header: "surrogate-key".to_owned(), separator: KeySeparator::Space, max_bytes: ByteSize(2 << 10) }
    }
}

/// What is between two tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySeparator {
    /// A space.
    Space,
    /// A comma.
    Comma,
}

/// The settings, and what they work with.
#[derive(Debug, Clone)]
pub struct AnswersSetup {
    /// The settings.
    pub config: AnswersConfig,
    /// The names of the request headers that subgraphs' answers depend on.
    pub vary: Vec<String>,
    /// Says which answers are not true any more.
    pub store: Arc<Store>,
}
