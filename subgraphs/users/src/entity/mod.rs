//! The tables of this service, one file each. They know no GraphQL.

pub(crate) mod device;
pub(crate) mod mail_job;
pub(crate) mod mail_token;
pub(crate) mod registration;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;
pub(crate) mod user_role;
