//! Products, their categories, and searching them. Knows no stock and no GraphQL.

pub(crate) mod categories;
pub(crate) mod products;
mod rules;
pub(crate) mod search;
