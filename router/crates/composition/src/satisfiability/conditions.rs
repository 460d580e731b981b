//! Whether the field sets of keys and `@requires` can be fetched. Knows neither where they come from nor what follows.
//!
//! A condition relies only on fields that are resolved whatever the override labels are. A router decides labels for the fields that a
//! client asks for, and the planners of the field decide none for a condition: to them a field that is being moved between two
//! subgraphs is in neither of them within a condition.

use smallvec::{SmallVec, smallvec};

use super::model::{ObjectField, source_in};
use super::reach::{Reach, State, States};
use braid_graphql::field_set::{FieldSet, Item};

/// States by the object type that is met there.
type Below = SmallVec<[(usize, States); 1]>;

impl<'m, 'a> Reach<'m, 'a> {
    /// Whether everything that a field set selects can be fetched from some states, all of one type.
    pub(super) fn is_given(&mut self, states: &[State], set: &FieldSet) -> bool {
        let Some(State { ty, .. }) = states.first().copied() else { return true };
        if states.iter().any(|state| self.is_alone(ty, state.subgraph, set)) {
            return true;
        }
        let all = self.spread(states);
        self.is_given_among(ty, &all, set)
    }

    /// Looks at every field even if one is missing, so that all questions it depends on are asked at once.
    fn is_given_among(&mut self, ty: usize, states: &[State], set: &FieldSet) -> bool {
        let mut all = true;
        for item in &set.items {
            all &= match item {
                Item::Fragment { condition: Some(condition), .. } if !self.model.applies(ty, condition) => true,
                Item::Fragment { selection, .. } => self.is_given_among(ty, states, selection),
                Item::Field { name, .. } if name == "__typename" => true,
                Item::Field { name, selection, .. } => {
                    let model = self.model;
                    match model.types[ty].merged.fields.get_index_of(name) {
                        Some(at) => {
                            let from = self.givers(states, at, &model.types[ty].fields[at]);
                            !from.is_empty() && (selection.is_empty() || self.is_given_below(&from, at, selection))
                        }
                        None => false,
                    }
                }
            };
        }
        all
    }

    /// The states, out of some in order, that resolve a field in a way that a condition can rely on.
    fn givers(&mut self, states: &[State], at: usize, field: &ObjectField<'a>) -> States {
        let mut found = States::new();
        let mut rest = states;
        for source in &field.sources {
            rest = &rest[rest.partition_point(|state| state.subgraph < source.subgraph)..];
            let here = rest.partition_point(|state| state.subgraph == source.subgraph);
            found.extend(rest[..here].iter().copied().filter(|state| self.gives(*state, at, source)));
        }
        found
    }

    /// Whether a selection can be fetched below a field that all of some states of one type resolve: there is a subgraph that can be
    /// asked for the field such that the selection can be fetched whatever it returns.
    pub(super) fn is_given_below(&mut self, from: &[State], field: usize, selection: &FieldSet) -> bool {
        let model = self.model;
        let below = self.below(from, field);
        let mut given: SmallVec<[(usize, bool); 1]> = SmallVec::new();
        for (ty, states) in &below {
            given.push((*ty, self.is_given(states, selection)));
        }
        if given.iter().all(|(_, is_given)| *is_given) {
            return true;
        }
        given.sort_unstable();
        from.iter().any(|state| {
            let source = source_in(&model.types[state.ty].fields[field].sources, state.subgraph);
            let returned = source.map(|source| model.returned(source));
            returned.is_some_and(|returned| {
                model
                    .types_of(&returned)
                    .iter()
                    .all(|ty| given.binary_search_by_key(ty, |(ty, _)| *ty).is_ok_and(|at| given[at].1))
            })
        })
    }

    /// The states below a field.
    fn below(&mut self, from: &[State], field: usize) -> Below {
        let model = self.model;
        let mut below = Below::new();
        let mut places: ahash::AHashMap<usize, usize> = ahash::AHashMap::new();
        for state in from {
            let Some(source) = source_in(&model.types[state.ty].fields[field].sources, state.subgraph) else {
                continue;
            };
            let provided = self.provided.below(model, state.provided, state.ty, &source.field.name, source.provides);
            let returned = model.returned(source);
            let types = model.types_of(&returned);
            self.budget.spend(types.len());
            for ty in types {
                let next = State { ty: *ty, provided, ..*state };
                let place = *places.entry(*ty).or_insert(below.len());
                match below.get_mut(place) {
                    Some((_, states)) => states.push(next),
                    None => below.push((*ty, smallvec![next])),
                }
            }
        }
        below
    }

    /// Whether some subgraph resolves a selection below a field of its own without any other subgraph.
    pub(super) fn is_given_alone(&mut self, from: &[State], field: usize, selection: &FieldSet) -> bool {
        from.iter().any(|state| self.is_alone_below(state.ty, state.subgraph, field, selection))
    }

    fn is_alone_below(&mut self, ty: usize, subgraph: usize, field: usize, selection: &FieldSet) -> bool {
        let model = self.model;
        let Some(source) = source_in(&model.types[ty].fields[field].sources, subgraph) else { return false };
        let returned = model.returned(source);
        model.types_of(&returned).iter().all(|ty| self.is_alone(*ty, subgraph, selection))
    }

    /// Whether a subgraph resolves a field set for an object type alone, through fields without any federation directive.
    fn is_alone(&mut self, ty: usize, subgraph: usize, set: &FieldSet) -> bool {
        let key = (ty, subgraph, std::ptr::from_ref(set));
        if let Some(known) = self.alone.get(&key) {
            return *known;
        }
        self.budget.spend(set.items.len());
        let model = self.model;
        let is_alone = set.items.iter().all(|item| match item {
            Item::Fragment { condition: Some(condition), .. } if !model.applies(ty, condition) => true,
            Item::Fragment { selection, .. } => self.is_alone(ty, subgraph, selection),
            Item::Field { name, .. } if name == "__typename" => true,
            Item::Field { name, selection, .. } => {
                let at = model.types[ty].merged.fields.get_index_of(name);
                let source = at.and_then(|at| source_in(&model.types[ty].fields[at].sources, subgraph));
                match (at, source) {
                    (Some(at), Some(source)) if source.is_plain() => {
                        selection.is_empty() || self.is_alone_below(ty, subgraph, at, selection)
                    }
                    _ => false,
                }
            }
        });
        self.alone.insert(key, is_alone);
        is_alone
    }
}
