//! What visits ask, written as selections that the subgraph's schema allows. Knows nothing of fetches.

use ahash::AHashMap;
use braid_graphql::Name;
use braid_graphql::compiler::name;
use braid_graphql::operation::Condition;
use braid_graphql::schema::{FieldId, TypeId, TypeKind};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{Exhausted, QueryGraph};
use braid_query_plan::{FetchField, FetchSelection};
use braid_supergraph::SubgraphId;
use smallvec::SmallVec;

use super::wire::{ScopeId, WireKey, WireKeys};
use crate::choose::Solver;
use crate::draft::{AskedField, Draft, VisitId};

/// Writes one batch.
pub(super) struct Emitter<'e, 'a, 'o> {
    pub(super) solver: &'e mut Solver<'a, 'o>,
    pub(super) graph: &'a QueryGraph,
    pub(super) draft: &'e Draft<'a>,
    pub(super) subgraph: SubgraphId,
    pub(super) wire: WireKeys,
}

/// Why visits are not written.
#[derive(Debug)]
pub(crate) enum EmitError {
    /// It took more work than is allowed.
    Exhausted,
    /// A field is not there where it was chosen.
    Absent(Absent),
}

impl From<Exhausted> for EmitError {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// A subgraph was chosen for a field that its type there does not have.
#[derive(Debug)]
pub(crate) struct Absent {
    pub(crate) on: TypeId,
    pub(crate) name: Name,
    pub(crate) subgraph: SubgraphId,
}

/// What is written, in the selection set of which type.
#[derive(Clone, Copy)]
pub(super) struct Within<'t> {
    /// The type that the selection set is on; `None` for `_entities`.
    pub(super) on: Option<TypeId>,
    /// The runtime types that objects can have here.
    pub(super) types: &'t TypeSet,
    pub(super) scope: ScopeId,
}

/// A field as it is written on a type; `definition` is `None` for `__typename`.
struct Target {
    on: TypeId,
    definition: Option<FieldId>,
}

impl Emitter<'_, '_, '_> {
    /// What visits ask, as the selections of a type; without the part of conditions that holds here.
    pub(super) fn selections(
        &mut self,
        visits: &[VisitId],
        within: Within<'_>,
        holds: &Condition,
    ) -> Result<Vec<FetchSelection>, EmitError> {
        let mut direct = Vec::new();
        let mut fragments: Vec<(TypeId, Vec<FetchSelection>)> = Vec::new();
        let mut asks: Vec<&AskedField> = visits.iter().flat_map(|visit| &self.draft.visits[*visit].asks).collect();
        // Readers of the answer learn the type before the fields.
        asks.sort_by_key(|asked| asked.field.is_some());
        let mut by_key: AHashMap<&Name, SmallVec<[usize; 2]>> = AHashMap::with_capacity(asks.len());
        asks.iter().enumerate().for_each(|(index, asked)| by_key.entry(&asked.key).or_default().push(index));
        for (index, asked) in asks.iter().enumerate() {
            let same_key = &by_key[&asked.key];
            self.solver.reach.spend(1 + (same_key.len() + fragments.len()) as u64 / 8)?;
            if is_covered(&asks, same_key, index) {
                continue;
            }
            for Target { on, definition } in self.targets(asked, within)? {
                let field = match definition {
                    Some(id) => self.field(asked, id, within.scope, holds)?,
                    None => FetchField { condition: asked.condition.beyond(holds), ..typename() },
                };
                if Some(on) == within.on {
                    direct.push(FetchSelection::Field(field));
                } else {
                    match fragments.iter_mut().find(|(ty, _)| *ty == on) {
                        Some((_, fields)) => fields.push(FetchSelection::Field(field)),
                        None => fragments.push((on, vec![FetchSelection::Field(field)])),
                    }
                }
            }
        }
        direct.extend(fragments.into_iter().map(|(ty, selections)| fragment(ty, selections)));
        if direct.is_empty() {
            // Of objects that others complete only their presence is asked.
            direct.push(FetchSelection::Field(typename()));
        }
        Ok(direct)
    }

    /// The types on which a field is written: the selection set's own type, an interface that has just the runtime types that are
    /// meant, or each of these.
    fn targets(&mut self, asked: &AskedField, within: Within<'_>) -> Result<Vec<Target>, EmitError> {
        if let Some(on) = within.on {
            let is_some = self.is_interface_object(on) && !asked.guard.is_disjoint(within.types);
            if (is_some || asked.guard.is_superset(within.types))
                && let Some(target) = self.target(on, asked)
            {
                return Ok(vec![target]);
            }
        }
        // Nothing is asked of types that cannot be met here.
        let guard = asked.guard.intersection(within.types);
        self.solver.reach.spend(guard.len() as u64 / 8)?;
        if guard.len() > 1
            && let Some(target) = self.common_interface(asked, &guard, within)
        {
            return Ok(vec![target]);
        }
        let absent = |on| EmitError::Absent(Absent { on, name: asked.name.clone(), subgraph: self.subgraph });
        guard.iter().map(|ty| self.target(ty, asked).ok_or_else(|| absent(ty))).collect()
    }

    /// An interface of the subgraph that has the field and, of the types that can be met, just those of the guard.
    fn common_interface(&self, asked: &AskedField, guard: &TypeSet, within: Within<'_>) -> Option<Target> {
        let supergraph = self.graph.supergraph();
        let schema = &supergraph.schema;
        let mut interfaces: Vec<TypeId> = schema.ty(guard.iter().next()?).implements().to_vec();
        interfaces.sort_by(|a, b| schema.ty(*a).name.cmp(&schema.ty(*b).name));
        let is_resolved = |ty: TypeId| {
            let field = schema.field_named(ty, &asked.name);
            let join = field.and_then(|field| supergraph.field_in(field, self.subgraph));
            asked.field.is_none() || join.is_some_and(|join| self.solver.reach.is_resolvable(join))
        };
        let fits = |interface: &TypeId| {
            supergraph.type_in(*interface, self.subgraph).is_some_and(|joined| {
                !joined.interface_object
                    && joined.possible.intersection(within.types) == *guard
                    // Nor is anything asked of types that cannot be met here.
                    && joined.possible.difference(within.types).iter().all(is_resolved)
            })
        };
        interfaces.into_iter().filter(fits).find_map(|interface| self.target(interface, asked))
    }

    pub(super) fn is_interface_object(&self, ty: TypeId) -> bool {
        self.graph.supergraph().type_in(ty, self.subgraph).is_some_and(|joined| joined.interface_object)
    }

    /// The field on a type, if the subgraph's type has it.
    fn target(&self, on: TypeId, asked: &AskedField) -> Option<Target> {
        let supergraph = self.graph.supergraph();
        if asked.field.is_none() {
            return Some(Target { on, definition: None });
        }
        if matches!(supergraph.schema.ty(on).kind, TypeKind::Union) {
            return None;
        }
        let field = supergraph.schema.field_named(on, &asked.name)?;
        supergraph.field_in(field, self.subgraph).map(|_| Target { on, definition: Some(field) })
    }

    fn field(
        &mut self,
        asked: &AskedField,
        id: FieldId,
        scope: ScopeId,
        holds: &Condition,
    ) -> Result<FetchField, EmitError> {
        let supergraph = self.graph.supergraph();
        let field = supergraph.schema.field(id);
        let join = supergraph.field_in(id, self.subgraph);
        let ty = join.map_or(&field.ty, |join| &join.ty);
        let inner = join.map_or(field.inner, |join| self.graph.type_in_subgraph(join, id));
        let types = supergraph.schema.ty(inner).is_composite().then(|| self.graph.returned(inner, self.subgraph).1);
        let WireKey { key: wire_key, below, work } = self.wire.key_for(asked, scope, ty, types.as_ref());
        self.solver.reach.spend(work)?;
        let selections = match (asked.below, &types) {
            (Some(visit), Some(types)) => {
                let within = Within { on: Some(inner), types, scope: below };
                Some(self.selections(&[visit], within, &Condition::always())?)
            }
            _ => None,
        };
        Ok(FetchField {
            wire_key,
            key: asked.key.clone(),
            name: asked.name.clone(),
            definition: Some(id),
            arguments: asked.arguments.clone(),
            condition: asked.condition.beyond(holds),
            selections,
        })
    }
}

/// Whether another selection under the same key already asks the same for at least the same types and conditions.
fn is_covered(asks: &[&AskedField], same_key: &[usize], index: usize) -> bool {
    let asked = asks[index];
    asked.below.is_none()
        && same_key.iter().any(|other_index| {
            let other = asks[*other_index];
            *other_index != index
                && other.name == asked.name
                && other.arguments == asked.arguments
                && other.guard.is_superset(&asked.guard)
                && other.condition.is_implied_by(&asked.condition)
                && (*other_index < index || other.guard != asked.guard || other.condition != asked.condition)
        })
}

pub(super) fn fragment(ty: TypeId, selections: Vec<FetchSelection>) -> FetchSelection {
    FetchSelection::InlineFragment { type_condition: Some(ty), condition: Condition::always(), selections }
}

pub(super) fn typename() -> FetchField {
    FetchField {
        wire_key: name!("__typename"),
        key: name!("__typename"),
        name: name!("__typename"),
        definition: None,
        arguments: Vec::new(),
        condition: Condition::always(),
        selections: None,
    }
}
