//! Contextual arguments (`@fromContext`): which values an object needs from the objects above it, and which of them those have. Knows
//! nothing of how an object is reached.
//!
//! A value comes from the nearest object above whose type sets the context. So what a position has above it is a set of values: the set
//! of the position above, with those of its own type added, or removed where the type sets the context but the value can't be fetched.

use ahash::AHashMap;
use braid_graphql::field_set::FieldSet;
use braid_supergraph::join_spec::draft::{Draft, DraftContextArgument, DraftType};
use indexmap::IndexSet;
use smallvec::SmallVec;

use crate::merge::features::Features;
use crate::subgraph::spec::Known;

/// A selection from a context, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(u32);

/// A set of values, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Values(u32);

/// The values that contextual arguments take, and the object types that set their contexts.
#[derive(Default)]
pub(super) struct Contexts<'a> {
    values: IndexSet<(&'a str, &'a str), ahash::RandomState>,
    /// What each value selects on the object that sets the context.
    selections: Vec<FieldSet>,
    /// For each object type, the values whose context it sets; empty where there are no contexts at all.
    set_by: Vec<SmallVec<[ValueId; 1]>>,
}

impl<'a> Contexts<'a> {
    /// `objects` are the object types in the order of their numbers.
    pub(super) fn new(draft: &'a Draft, features: &Features, objects: &[&'a DraftType]) -> Self {
        let mut contexts = Contexts::default();
        let Some(directive) = features.name(Known::Context) else { return contexts };
        let fields = draft.types.values().flat_map(|ty| ty.fields.values());
        for argument in fields.flat_map(|field| &field.joins).flat_map(|join| &join.context_arguments) {
            if contexts.values.insert((&argument.context, &argument.selection)) {
                contexts.selections.push(FieldSet::parse(&argument.selection).unwrap_or_default());
            }
        }
        let mut setters: AHashMap<&str, Vec<&str>> = AHashMap::new();
        for ty in draft.types.values() {
            for applied in ty.applied.iter().filter(|applied| applied.name == *directive) {
                let names = applied.args.iter().filter_map(|(_, value)| value.as_str());
                names.for_each(|name| setters.entry(name).or_default().push(&ty.name));
            }
        }
        let sets = |object: &DraftType, context: &str| {
            setters.get(context).into_iter().flatten().any(|setter| {
                *setter == object.name.as_str()
                    || object.implements.contains_key(*setter)
                    || draft.types.get(*setter).is_some_and(|union| union.members.contains_key(&object.name))
            })
        };
        let set_by = objects.iter().map(|object| {
            let numbered = contexts.values.iter().enumerate();
            numbered.filter(|(_, (context, _))| sets(object, context)).map(|(id, _)| ValueId(id as u32)).collect()
        });
        contexts.set_by = set_by.collect();
        contexts
    }

    /// The values whose context an object type sets.
    pub(super) fn set_by(&self, ty: usize) -> &[ValueId] {
        self.set_by.get(ty).map_or(&[], |values| values)
    }

    /// What a value selects on the object that sets the context.
    pub(super) fn selection(&self, value: ValueId) -> &FieldSet {
        &self.selections[value.0 as usize]
    }

    /// The value that a contextual argument takes.
    pub(super) fn value_of(&self, argument: &DraftContextArgument) -> Option<ValueId> {
        let id = self.values.get_index_of(&(argument.context.as_str(), argument.selection.as_str()))?;
        Some(ValueId(id as u32))
    }
}

/// All sets of values that have come up, each kept once with its values in order.
pub(super) struct ValueSets(IndexSet<Box<[ValueId]>, ahash::RandomState>);

impl Values {
    pub(super) const NONE: Values = Values(0);
}

impl ValueSets {
    pub(super) fn new() -> Self {
        ValueSets(IndexSet::from_iter([Box::default()]))
    }

    pub(super) fn get(&self, values: Values) -> &[ValueId] {
        self.0.get_index(values.0 as usize).map_or(&[], |values| values)
    }

    /// A set with a value in it, or without it.
    pub(super) fn with(&mut self, values: Values, value: ValueId, is_in: bool) -> Values {
        let mut changed = self.get(values).to_vec();
        match (changed.binary_search(&value), is_in) {
            (Err(at), true) => changed.insert(at, value),
            (Ok(at), false) => drop(changed.remove(at)),
            _ => return values,
        }
        Values(self.0.insert_full(changed.into_boxed_slice()).0 as u32)
    }

    /// Whether all values of one set are in another.
    pub(super) fn is_within(&self, part: Values, whole: Values) -> bool {
        let whole_values = self.get(whole);
        part == whole || self.get(part).iter().all(|value| whole_values.binary_search(value).is_ok())
    }
}
