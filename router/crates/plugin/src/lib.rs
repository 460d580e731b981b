//! Where programs in Rust take part in the router's requests: a trait with a method for each stage. Knows neither a protocol nor the plan
//! of an operation.
//!
//! ```text
//! request ─▶ operation ─▶ execution ─▶ subgraph_request ─▶ subgraph
//!                                                             │
//! response ◀──────────── executed ◀──── subgraph_response ◀───┘
//! ```
//!
//! On the way in, plugins are asked in the order in which they were added; on the way out, in the opposite one. A plugin names the stages
//! that it takes part in, and is not asked at others. Where no plugin takes part in a stage, the stage is one look at an empty list.
//!
//! ```
//! use braid_plugin::{Plugin, Plugins, Refused, RequestStage, Stage, StatusCode};
//!
//! /// Takes requests of known tenants only.
//! struct Tenants(Vec<String>);
//!
//! impl Plugin for Tenants {
//!     fn stages(&self) -> &[Stage] {
//!         &[Stage::Request]
//!     }
//!
//!     async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
//!         let tenant = stage.context.headers.get("x-tenant").and_then(|value| value.to_str().ok());
//!         match tenant {
//!             Some(tenant) if self.0.iter().any(|known| known == tenant) => Ok(()),
//!             _ => Err(Refused::new(StatusCode::FORBIDDEN, "UNKNOWN_TENANT", "Send x-tenant with the name of a tenant.")),
//!         }
//!     }
//! }
//!
//! let plugins = Plugins::default().with(Tenants(vec!["acme".to_owned()]));
//! assert!(plugins.take_part_in(Stage::Request) && !plugins.take_part_in(Stage::Execution));
//! ```
//!
//! What a plugin wants to know at a later stage of the same request it puts into the context's `extensions`, which have a slot for each
//! type. From the first request to a subgraph on, the context can't be changed any more; for what changes after that, put an `Arc` of
//! something with a lock into the slot.

mod entries;
pub mod given;
mod json;
mod plugin;
mod plugins;
mod refused;
mod stages;
mod subgraphs;

pub use entries::Entries;
pub use http::StatusCode;
pub use json::{ClientOperation, GraphQLResponse, JsonObject};
pub use plugin::Plugin;
pub use plugins::Plugins;
pub use refused::Refused;
pub use stages::{
    ExecutedStage, ExecutionStage, OperationStage, RequestStage, ResponseStage, Stage, SubgraphRequestStage,
    SubgraphResponseStage,
};
pub use subgraphs::{WithRequestStage, WithResponseStage};
