//! From the tree to a request: which objects a fetch looks up, and the bytes that it sends. Knows nothing of answers.

use crate::body::{Body, Prepared};
use crate::compile::fetch::{CompiledEntities, CompiledKind, Step};
use crate::compile::request::{CompiledRequest, Requests, request_of_groups};
use crate::groups::Groups;
use crate::prepare_context::{PrepareContext, PrepareError};
use crate::receivers::{Asked, Lookups, Receivers};
use crate::represent::Source;
use crate::request::EntityList;
use crate::tree::Tree;
use crate::walk;

/// Makes the request of a fetch; `None` when there is nothing to ask.
pub(crate) fn prepare(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    index: usize,
) -> Result<Option<Prepared>, PrepareError> {
    let fetch = &context.operation.program.fetches[index];
    match (&fetch.kind, &fetch.requests) {
        (CompiledKind::Root { path, .. }, Requests::One(request)) => Ok(prepare_root(context, tree, path, request)),
        (CompiledKind::Entities(entities), Requests::One(request)) => prepare_all(context, tree, entities, request),
        (CompiledKind::Entities(entities), Requests::ByGroups { fetch, selections, known }) => {
            let Some(groups) = Groups::collect(context, tree, entities)? else { return Ok(None) };
            let schema = &context.operation.supergraph.schema;
            let variables = &context.operation.program.variables;
            let request = request_of_groups(fetch, schema, variables, selections, known, &groups.counts())?;
            Ok(Some(groups.prepare(context, tree, &request)))
        }
        // Only entities take values from contexts.
        (CompiledKind::Root { .. }, Requests::ByGroups { .. }) => Err(PrepareError::Inconsistent),
    }
}

fn prepare_root(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    path: &[Step],
    request: &CompiledRequest,
) -> Option<Prepared> {
    let objects = walk::targets(tree, context.root, path, context.variables);
    if objects.is_empty() {
        return None;
    }
    let body = Body::new(request, 256);
    Some(body.end(request, context.variables, Receivers::Root(objects), tree.copies()))
}

/// Without context values, the text is the one that was precomputed, and representations are written in place. A list whose condition
/// does not hold is sent empty, so that a fetch has one text and not one for each choice of the variables.
fn prepare_all(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    entities: &[CompiledEntities],
    request: &CompiledRequest,
) -> Result<Option<Prepared>, PrepareError> {
    let schema = &context.operation.supergraph.schema;
    let mut body = Body::new(request, 512);
    let mut lookups = Vec::with_capacity(request.parts.len());
    for part in &request.parts {
        let entities = &entities[part.part.entities];
        let objects = match entities.condition.holds(context.variables) {
            true => walk::targets(tree, context.root, &entities.path, context.variables),
            false => Vec::new(),
        };
        body.variable(&part.representations);
        body.out.push(b'[');
        let mut asked = Asked::with_capacity(objects.len());
        for object in objects {
            let source = Source { tree, schema, variables: context.variables };
            asked.add(source, entities, object, &mut body.out);
            if body.out.len() > context.max_body {
                return Err(PrepareError::TooLarge);
            }
        }
        body.out.push(b']');
        lookups.push(Lookups::new(part, asked.objects, asked.unique.len()));
        let representations = asked.unique.into_written();
        body.entities.push(EntityList { representations, contexts: Vec::new() });
    }
    if lookups.iter().all(|list| list.count == 0) {
        return Ok(None);
    }
    Ok(Some(body.end(request, context.variables, Receivers::Entities(lookups), tree.copies())))
}
