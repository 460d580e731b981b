//! From a GraphQL request to the bytes of its response, over any [`Subgraphs`]. Knows no HTTP connection, no file and no transport.
//!
//! ```text
//! answer (the main street)  ──▶ documents (by id or as sent) ──▶ operation_cache ──▶ compile
//!                          └──▶ executor ──▶ subgraphs
//! ```

mod accepts;
mod anonymous;
mod answer;
pub mod answers;
mod body;
pub mod compile;
pub mod config;
mod costs;
mod decisions;
mod documents;
mod exposed;
pub mod extend;
mod find;
mod gateway;
pub mod graphs;
pub mod incremental;
mod labels;
pub mod limits;
mod listed;
pub mod operation_cache;
mod permissions;
mod policies;
mod popular;
mod ready;
pub mod refusal;
pub mod request;
mod sharded;
pub mod subscriptions;
mod take_over;

pub use accepts::Accepts;
pub use anonymous::AnonymousError;
pub use answer::{Answer, Executed, Made, answer, forbid_caching};
pub use body::Body;
pub use costs::{CostError, OperationCost};
pub use documents::{DocumentError, Documents};
pub use exposed::{EXPOSE, Exposed, Exposes};
pub use gateway::{Gateway, GatewayConfig, GatewayError, Subgraphs};
pub use incremental::Incremental;
pub use labels::LabelError;
pub use listed::InvalidOperation;
pub use permissions::{PermissionError, has_claim};
pub use policies::PolicyAuthorizer;
pub use popular::UsedOperation;
pub use ready::{Ready, ready};
pub use subscriptions::{Subscription, Subscriptions};
