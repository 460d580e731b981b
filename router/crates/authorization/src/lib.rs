//! Authorization: what a supergraph requires of those who ask for a type or field (`@authenticated`, `@requiresScopes`, `@policy`), and an
//! operation without what its client may not see. Knows no token, no request and no plan.
//!
//! ```text
//! Supergraph ──read──▶ Requirements
//! Operation + Requirements ──relevant──▶ the requirements that decide what is refused of it
//! Operation + Requirements + those granted ──filter──▶ the operation that is planned
//! ```
//!
//! # The rules
//!
//! They are about what is returned, not about how it is asked for, so that no fragment, alias or interface leads around them:
//!
//! - A field of a runtime type needs what its definition there requires, what the definition requires on which it was looked up (an
//!   interface's, say), and what the type of its values requires. It also needs what its `@requires` needs.
//! - An object whose runtime type is refused is null, wherever it is returned and whatever is selected of it.
//! - What is refused is never asked of a subgraph. In the response it is null with an error; where null may not be, the null propagates
//!   (<https://spec.graphql.org/draft/#sec-Handling-Execution-Errors>).
//! - When several selections merge into one field, those that are refused are left out. The field is refused when none is left.

pub mod config;
mod filter;
mod read;
mod requirements;

pub use filter::{Filtered, filter, relevant};
pub use read::ReadError;
pub use requirements::{Alternatives, Requirement, RequirementId, RequirementSet, Requirements};
