//! Settings as text: durations and sizes, values from the environment and from files, YAML parsed into typed values. Knows nothing of
//! what is configured: each crate defines the settings that it reads.

pub mod expand;
mod secret;
mod units;
mod yaml;

pub use secret::Secret;
pub use units::{ByteSize, Duration, UnitError};
pub use yaml::{YamlError, from_yaml, is_blank};
