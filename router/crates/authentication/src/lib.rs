//! Who asks: from a request's head to an identity, by signed tokens, API keys and client certificates. Knows no GraphQL, no HTTP response and no rule
//! about what somebody may do.
//!
//! ```text
//! headers → credentials → [verified tokens] ─────────────────────────────────────────▶ Identity
//!                               │ miss                                                    ▲
//!                               └▶ read → issuer → claims → key (known, or fetched) → signature
//! ```
//!
//! Everything that is not clear refuses the request. A token chooses among what the configuration allows and decides nothing itself: not
//! the algorithm, not where its key is.

mod algorithm;
mod api_keys;
mod authenticator;
mod certificates;
mod claims;
pub mod config;
mod credentials;
mod error;
mod key;
mod key_set;
mod provider;
mod remote_keys;
mod strict_json;
mod token;
mod verified;

pub use algorithm::Algorithm;
pub use authenticator::Authenticator;
pub use certificates::ClientCertificate;
pub use error::AuthenticationError;
