//! The tables of this service, one file each. They know no GraphQL.

pub(crate) mod device;
pub(crate) mod login_challenge;
pub(crate) mod mail_job;
pub(crate) mod mail_token;
pub(crate) mod recovery_code;
pub(crate) mod registration;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod totp_factor;
pub(crate) mod user;
pub(crate) mod user_role;
