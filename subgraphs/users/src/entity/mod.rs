//! The tables of this service, one file each. They know no GraphQL.

pub(crate) mod signing_key;
pub(crate) mod user;
