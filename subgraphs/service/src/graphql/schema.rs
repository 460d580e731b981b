//! How every subgraph's schema is built and printed: limits, federation, errors. Knows no type of any subgraph.

use async_graphql::{Context, ObjectType, SDLExportOptions, Schema, SchemaBuilder, SubscriptionType};

use crate::config::Limits;
use crate::database::Database;
use crate::error::{Error, Result};

use super::batch::Batches;
use super::extension::AllRequests;

/// A schema builder with what all subgraphs have in common.
pub fn builder<Q, M, S>(query: Q, mutation: M, subscription: S, limits: &Limits) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    Schema::build(query, mutation, subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .limit_depth(limits.depth)
        .limit_complexity(limits.complexity)
        .limit_aliases(limits.aliases)
        .extension(AllRequests { max_complexity: limits.complexity })
}

/// Adds the database, which resolvers get from [`database`], and the loader over it, which they get from
/// [`loader`](super::loader).
pub fn with_database<Q, M, S>(schema: SchemaBuilder<Q, M, S>, database: &Database) -> SchemaBuilder<Q, M, S> {
    schema.data(database.clone()).extension(Batches::new(database.clone()))
}

/// The database of the schema that a resolver belongs to.
pub fn database<'a>(ctx: &Context<'a>) -> Result<&'a Database> {
    resource(ctx)
}

/// Data that was added to the schema for its resolvers. An error if the schema was built only to be printed.
pub fn resource<'a, T: Send + Sync + 'static>(ctx: &Context<'a>) -> Result<&'a T> {
    ctx.data::<T>().map_err(|error| Error::internal(anyhow::anyhow!(error.message)))
}

/// The schema as SDL, in the form that composition reads.
///
/// The text is the same on every run: types are sorted by name, fields are in the order of the code.
pub fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let options =
        SDLExportOptions::new().federation().compose_directive().use_space_ident().prefer_single_line_descriptions();
    let mut sdl = schema.sdl_with_options(options).trim_end().to_owned();
    sdl.push('\n');
    sdl
}
