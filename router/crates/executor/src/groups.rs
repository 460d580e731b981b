//! Requests for entities that depend on values of objects above them (`@fromContext`): entities with equal values travel in one list.
//! Knows nothing of answers.

use ahash::AHashMap;

use crate::body::{Body, Prepared};
use crate::compile::fetch::CompiledEntities;
use crate::compile::operation::CompiledOperation;
use crate::compile::request::{CompiledRequest, groups_in_text};
use crate::prepare_context::{PrepareContext, PrepareError};
use crate::receivers::{Asked, Lookups, Receivers};
use crate::represent::Source;
use crate::request::{EntityList, Representation};
use crate::tree::Tree;
use crate::walk;

/// The groups of each list of a fetch; none is empty.
#[derive(Debug)]
pub(crate) struct Groups {
    lists: Vec<Vec<Group>>,
    bytes: usize,
}

/// Entities with equal context values.
#[derive(Debug, Default)]
struct Group {
    values: Vec<Vec<u8>>,
    /// The representations with commas between them.
    representations: Vec<u8>,
    asked: Asked,
}

impl Groups {
    /// The groups of what is to be looked up; `None` when that is nothing.
    pub(crate) fn collect(
        context: &PrepareContext<'_>,
        tree: &mut Tree,
        lists: &[CompiledEntities],
    ) -> Result<Option<Self>, PrepareError> {
        let mut groups = Self { lists: Vec::with_capacity(lists.len()), bytes: 0 };
        for entities in lists {
            let list = match entities.condition.holds(context.variables) {
                true => groups.of_list(context, tree, entities)?,
                false => Vec::new(),
            };
            groups.lists.push(list);
        }
        Ok(groups.lists.iter().any(|list| !list.is_empty()).then_some(groups))
    }

    fn of_list(
        &mut self,
        context: &PrepareContext<'_>,
        tree: &mut Tree,
        entities: &CompiledEntities,
    ) -> Result<Vec<Group>, PrepareError> {
        let CompiledOperation { supergraph, .. } = context.operation;
        let targets = match entities.contexts.is_empty() {
            // Objects that are shared stay so: fetches that are in flight write to them.
            true => walk::targets(tree, context.root, &entities.path, context.variables)
                .into_iter()
                .map(|object| (object, Vec::new()))
                .collect(),
            false => {
                let max_tree = tree.size() + context.max_body;
                walk::targets_in_context(
                    tree,
                    context.root,
                    &entities.path,
                    &entities.contexts,
                    context.variables,
                    max_tree,
                )
                .ok_or(PrepareError::TooLarge)?
            }
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut by_values: AHashMap<Vec<Vec<u8>>, usize> = AHashMap::new();
        for (object, values) in targets {
            let at = match by_values.get(&values) {
                Some(known) => *known,
                None => {
                    self.bytes += entities.selection_bytes + values.iter().map(Vec::len).sum::<usize>();
                    by_values.insert(values.clone(), groups.len());
                    groups.push(Group { values, ..Group::default() });
                    groups.len() - 1
                }
            };
            let Group { representations, asked, .. } = &mut groups[at];
            let before = representations.len();
            let source = Source { tree, schema: &supergraph.schema, variables: context.variables };
            asked.add(source, entities, object, representations);
            self.bytes += representations.len() - before;
            if self.bytes > context.max_body {
                return Err(PrepareError::TooLarge);
            }
        }
        groups.retain(|group| group.asked.unique.len() > 0);
        Ok(groups)
    }

    /// How many groups of each list the text has.
    pub(crate) fn counts(&self) -> Vec<u32> {
        self.lists.iter().map(|list| groups_in_text(list.len() as u32)).collect()
    }

    /// Writes the request, whose text has [`Groups::counts`].
    pub(crate) fn prepare(mut self, context: &PrepareContext<'_>, tree: &Tree, request: &CompiledRequest) -> Prepared {
        let mut body = Body::new(request, self.bytes + 256);
        let mut lookups = Vec::with_capacity(request.parts.len());
        for part in &request.parts {
            let list = &mut self.lists[part.part.entities];
            body.variable(&part.representations);
            body.out.push(b'[');
            let start = body.out.len();
            let mut asked = Asked::default();
            // The text can have more groups than there are: those are empty, with the values of another.
            if let Some(group) = list.get_mut(part.part.group) {
                body.out.extend_from_slice(&group.representations);
                asked = std::mem::take(&mut group.asked);
            }
            body.out.push(b']');
            let mut contexts = Vec::new();
            if let Some(group) = list.get(part.part.group).or(list.first()) {
                for (name, value) in part.contexts.iter().zip(&group.values) {
                    body.variable(name);
                    contexts.push(body.out.len()..body.out.len() + value.len());
                    body.out.extend_from_slice(value);
                }
            }
            lookups.push(Lookups::new(part, asked.objects, asked.unique.len()));
            let mut representations = asked.unique.into_written();
            for Representation { range, .. } in &mut representations {
                *range = range.start + start..range.end + start;
            }
            body.entities.push(EntityList { representations, contexts });
        }
        body.end(request, context.variables, Receivers::Entities(lookups), tree.copies())
    }
}
