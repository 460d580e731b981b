//! Values in router.yaml that depend on the request: expressions of the Common Expression Language (<https://cel.dev>), compiled when the file
//! is read. Knows no option that takes one.
//!
//! ```
//! use braid_expressions::{Expression, Inputs};
//!
//! let tier = Expression::new("has(claims.tier) ? claims.tier : 'free'").unwrap();
//! assert_eq!(tier.value(&Inputs::default()), Some("free".into()));
//! ```

mod check;
mod expression;
mod value;

pub use expression::{Expression, ExpressionError, Inputs};
