//! How every subgraph schema is built and printed: limits, federation, errors. Knows no type of any subgraph.

use async_graphql::{ObjectType, SDLExportOptions, Schema, SchemaBuilder, SubscriptionType};

use crate::config::Limits;

use super::PresentErrors;
use super::entities::EntityCost;
use super::omitted::OmittedPageSizes;
use super::text::NoNul;

/// A schema builder with what all subgraphs have in common.
pub fn builder<Q, M, S>(query: Q, mutation: M, subscription: S, limits: &Limits) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    Schema::build(query, mutation, subscription)
        .enable_federation()
        .limit_depth(limits.depth)
        .limit_complexity(limits.complexity)
        .limit_aliases(limits.aliases)
        .extension(PresentErrors)
        .extension(OmittedPageSizes)
        .extension(NoNul)
        .extension(EntityCost::new(limits.complexity))
}

/// The schema as the subgraph SDL that composition reads.
///
/// The text is the same on every run: types by name, fields in the order in which the code has them.
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
