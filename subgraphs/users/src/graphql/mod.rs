//! The schema of this subgraph. Knows no HTTP.

mod errors;
mod inputs;
mod loaders;
pub(crate) mod mutation;
mod one_password;
mod payloads;
pub(crate) mod query;
mod second_factor;
mod user;

use std::time::Duration;

use async_graphql::{EmptySubscription, MergedObject, Schema, SchemaBuilder};
use service::Database;
use service::config::Limits;

use self::errors::UserError;
use self::one_password::OnePassword;
use self::user::Node;

use crate::mail::SendsMail;
use crate::token::Issuer;

use mutation::AccountMutation;
use query::Query;
use second_factor::SecondFactorMutation;

/// The mutation root.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub(crate) struct Mutation(AccountMutation, SecondFactorMutation);

/// What the resolvers need beside the database.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) issuer: Issuer,
    pub(crate) session_life: Duration,
    pub(crate) sends_mail: SendsMail,
    pub(crate) totp_issuer: String,
}

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    service::graphql::builder(Query, Mutation::default(), EmptySubscription, limits)
        .register_output_type::<Node>()
        .register_output_type::<UserError>()
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<Query, Mutation, EmptySubscription>,
    database: &Database,
    resources: Resources,
) -> Schema<Query, Mutation, EmptySubscription> {
    service::graphql::with_database(schema, database).extension(OnePassword).data(resources).finish()
}
