//! What becomes of an answer beside being sent: who is told that it may be kept, who shares it, and where it is kept. Knows no HTTP connection.
//!
//! ```text
//! compiled operation + variables + what subgraphs see ─▶ same (key) ─▶ kept ─miss─▶ in flight ─▶ execute
//!                                                                                                 │ cacheability of each response
//!                                                      Cache-Control, Age, Vary, tags ◀─ told ◀───┘
//! ```

mod config;
mod keeping;
mod kept;
mod reuse;
mod same;
mod surrogate;
mod told;

pub use config::{AnswersConfig, AnswersSetup, KeySeparator, SurrogateKeysConfig};
pub(crate) use keeping::{Keeping, is_whole_query};
pub(crate) use reuse::{Reuse, Wants};
pub(crate) use same::SameKey;
pub use told::AnswersError;
pub(crate) use told::Told;
