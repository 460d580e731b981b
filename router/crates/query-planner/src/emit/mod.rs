//! Writes scheduled visits as the nodes of a plan. Chooses nothing; knows what a subgraph's schema lets one write.

mod lookup;
mod select;
mod told;
mod variables;
mod wire;

use std::collections::BTreeSet;

use braid_graphql::OperationType;
use braid_graphql::operation::{Condition, Operation};
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::Exhausted;
use braid_query_plan::{
    EntityFetch, Fetch, FetchId, FetchKind, Path, PathSegment, QueryPlan, Representation, TypenameSource,
};

use crate::choose::Solver;
use crate::draft::{AtomId, AtomKind, Draft, ObjectsId};
use crate::schedule::Batch;
use lookup::{Lookup, lookups};
pub(crate) use select::{Absent, EmitError};
use select::{Emitter, Within, fragment};
use told::ask_mixed_types;
use variables::used_variables;
use wire::WireKeys;

/// The plan of these batches.
pub(crate) fn emit<'a>(
    solver: &mut Solver<'a, '_>,
    draft: &Draft<'a>,
    batches: &[Batch],
    operation: &Operation,
) -> Result<QueryPlan, EmitError> {
    let mut plan = QueryPlan::empty(operation.kind);
    let mut fetch_of = draft.atoms.map(|_, _| None);
    for (index, batch) in batches.iter().enumerate() {
        let id = FetchId(index as u32);
        let graph = solver.graph;
        let mut emitter = Emitter { solver, graph, draft, subgraph: batch.subgraph, wire: WireKeys::default() };
        let (condition, kind) = emitter.batch(batch)?;
        // Batches come after what they wait for, so all of that has its fetch already.
        let inputs = batch.atoms.iter().flat_map(|atom| &draft.atoms[*atom].after);
        let mut after: Vec<FetchId> = inputs.filter_map(|before| fetch_of[*before]).collect();
        solver.reach.spend(1 + after.len() as u64 / 16)?;
        after.sort_unstable();
        after.dedup();
        batch.atoms.iter().for_each(|atom| fetch_of[*atom] = Some(id));
        let variables = used_variables(&kind, operation);
        let served: BTreeSet<_> = batch.atoms.iter().flat_map(|atom| &draft.atoms[*atom].serves).copied().collect();
        let (subgraph, serves) = (batch.subgraph, served.into_iter().collect());
        plan.fetches.push(Fetch { id, subgraph, after, condition, variables, serves, streams: Vec::new(), kind });
    }
    Ok(plan)
}

impl Emitter<'_, '_, '_> {
    fn batch(&mut self, batch: &Batch) -> Result<(Condition, FetchKind), EmitError> {
        let first = batch.atoms[0];
        let (condition, mut kind) = match self.draft.atoms[first].kind {
            AtomKind::Root(operation) => self.root_fetch(first, operation)?,
            AtomKind::Entity | AtomKind::Required(_) => self.entity_fetches(batch)?,
        };
        if self.wire.mixes_types() {
            let ask = |selections: &mut Vec<_>| ask_mixed_types(self.graph, self.subgraph, selections);
            match &mut kind {
                FetchKind::Root { selections, .. } => ask(selections),
                FetchKind::Entities(entities) => entities.iter_mut().for_each(|fetch| ask(&mut fetch.selections)),
            }
        }
        Ok((condition, kind))
    }

    fn root_fetch(&mut self, atom: AtomId, operation: OperationType) -> Result<(Condition, FetchKind), EmitError> {
        let visit = self.draft.atoms[atom].visit;
        let objects = self.draft.visits[visit].objects;
        let condition = self.under(objects, self.draft.condition(visit));
        let root = self.draft.objects[objects].ty;
        let within = Within { on: Some(root), types: &TypeSet::one(root), scope: self.wire.scope() };
        let selections = self.selections(&[visit], within, &condition)?;
        Ok((condition, FetchKind::Root { operation, path: self.path(objects)?, selections }))
    }

    fn entity_fetches(&mut self, batch: &Batch) -> Result<(Condition, FetchKind), EmitError> {
        let lookups = lookups(self.draft, batch, &mut |units| self.solver.reach.spend(units))?;
        let mut entities = lookups.iter().map(|lookup| self.entity_fetch(lookup)).collect::<Result<Vec<_>, _>>()?;
        let condition = in_common(entities.iter().map(|fetch| fetch.condition.clone()));
        for fetch in &mut entities {
            fetch.condition = fetch.condition.beyond(&condition);
        }
        Ok((condition, FetchKind::Entities(entities)))
    }

    fn entity_fetch(&mut self, lookup: &Lookup) -> Result<EntityFetch, EmitError> {
        let visits = lookup.visits(self.draft);
        let condition = in_common(visits.iter().map(|visit| self.draft.condition(*visit)));
        let condition = self.under(lookup.objects, condition);
        let scope = self.wire.scope();
        let by_interface = self.entered_by_interface(&lookup.representations);
        let on = by_interface.or_else(|| lookup.guard.single());
        let selections = match on {
            Some(ty) => {
                let (_, possible) = self.graph.returned(ty, self.subgraph);
                let tells_types = by_interface.is_some() && !self.is_interface_object(ty);
                let types = if tells_types { possible } else { lookup.guard.clone() };
                let within = Within { on: Some(ty), types: &types, scope };
                let selections = self.selections(&visits, within, &condition)?;
                vec![fragment(ty, selections)]
            }
            None => self.selections(&visits, Within { on: None, types: &lookup.guard, scope }, &condition)?,
        };
        Ok(EntityFetch {
            path: self.path(lookup.objects)?,
            representations: lookup.representations.clone(),
            condition,
            contexts: self.draft.atoms[lookup.atoms[0]].contexts.clone(),
            selections,
        })
    }

    /// A condition together with that of the objects.
    fn under(&self, objects: ObjectsId, condition: Condition) -> Condition {
        // The two do not contradict each other: what their condition excludes is not asked of them.
        self.draft.objects[objects].condition.and_all(&condition).unwrap_or(condition)
    }

    /// The interface that all representations name.
    fn entered_by_interface(&self, representations: &[Representation]) -> Option<TypeId> {
        let schema = &self.graph.supergraph().schema;
        let mut on = None;
        for representation in representations {
            let TypenameSource::Fixed(name) = &representation.typename else { return None };
            let ty = schema.type_named(name).filter(|ty| schema.ty(*ty).is_interface())?;
            if on.is_some_and(|on| on != ty) {
                return None;
            }
            on = Some(ty);
        }
        on
    }

    /// Recursive as deep as the operation.
    fn path(&mut self, objects: ObjectsId) -> Result<Path, Exhausted> {
        let Some(parent) = &self.draft.objects[objects].parent else { return Ok(Path::default()) };
        let mut path = self.path(parent.objects)?;
        let above = self.draft.objects[parent.objects].types(self.graph);
        self.solver.reach.spend(1 + above.len() as u64 / 16)?;
        if let Some(last) = path.0.last_mut()
            && !parent.types.is_empty()
            && !parent.types.is_superset(&above)
        {
            last.guard = Some(parent.types.clone());
        }
        path.0.push(PathSegment { key: parent.key.clone(), guard: None, items: None });
        Ok(path)
    }
}

/// What all these conditions say.
fn in_common(mut conditions: impl Iterator<Item = Condition>) -> Condition {
    let first = conditions.next().unwrap_or_default();
    conditions.fold(first, |all, condition| all.common(&condition))
}
