//! The operation as a tree of positions to plan. Knows nothing of subgraphs.

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, Field, FieldRef, Operation, SelectionSet};
use braid_graphql::schema::{FieldId, Schema, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node};

/// A position of an [`Ask`].
pub(crate) type PositionId = usize;

/// All positions of an operation; a child comes after its parent, the root is first.
#[derive(Debug)]
pub(crate) struct Ask<'o> {
    pub(crate) positions: Vec<Position<'o>>,
}

/// What is asked of the objects at one place of the response.
#[derive(Debug)]
pub(crate) struct Position<'o> {
    /// The type by which the field above is declared.
    pub(crate) ty: TypeId,
    /// The fields, without those that the router answers by itself.
    pub(crate) entries: Vec<Entry<'o>>,
    /// Whether the runtime types of the objects must be known to answer, and under which condition.
    pub(crate) needs_typename: Option<Condition>,
    /// Whether this or a position below has an abstract type.
    pub(crate) has_abstract: bool,
}

/// A field to be had.
#[derive(Debug)]
pub(crate) struct Entry<'o> {
    pub(crate) key: &'o Name,
    pub(crate) field: FieldId,
    pub(crate) guard: TypeSet,
    pub(crate) condition: Condition,
    pub(crate) arguments: &'o [Node<Argument>],
    pub(crate) below: Option<PositionId>,
}

/// Reads an operation.
pub(crate) fn read<'o>(operation: &'o Operation, schema: &Schema) -> Ask<'o> {
    let mut ask = Ask { positions: Vec::new() };
    ask.add(operation.root, &[(&operation.selection_set, Condition::always())], &Condition::always(), schema);
    ask
}

/// A field with those that merge into it, each with the condition under which its own selections apply.
struct Merged<'o> {
    first: &'o Field,
    guard: TypeSet,
    condition: Condition,
    below: Vec<(&'o SelectionSet, Condition)>,
}

impl<'o> Ask<'o> {
    fn add(
        &mut self,
        ty: TypeId,
        sets: &[(&'o SelectionSet, Condition)],
        path: &Condition,
        schema: &Schema,
    ) -> PositionId {
        let definition = schema.ty(ty);
        let at = self.positions.len();
        self.positions.push(Position { ty, entries: Vec::new(), needs_typename: None, has_abstract: false });
        let mut needs_typename: Option<Condition> = None;
        let mut merged: Vec<Merged<'o>> = Vec::new();
        for (set, under) in sets {
            for field in &set.fields {
                // Contradicting conditions: never selected. What holds for the object anyway needs no mention.
                let Some(condition) = field.condition.and_all(under) else { continue };
                if path.and_all(&condition).is_none() {
                    continue;
                }
                let condition = rest(&condition, path);
                if matches!(field.definition, FieldRef::Typename) || !field.guard.is_superset(&definition.possible) {
                    needs_typename = Some(match needs_typename {
                        Some(known) => common(&known, &condition),
                        None => condition.clone(),
                    });
                }
                if field.definition.id().is_some() {
                    merge(&mut merged, field, condition, schema);
                }
            }
        }
        let mut entries = Vec::with_capacity(merged.len());
        for Merged { first, guard, condition, below } in merged {
            let Some(field) = first.definition.id() else { continue };
            let path = path.and_all(&condition).unwrap_or_default();
            let below =
                first.selection_set.is_some().then(|| self.add(schema.field(field).inner, &below, &path, schema));
            entries.push(Entry {
                key: &first.response_key,
                field,
                guard,
                condition,
                arguments: &first.arguments,
                below,
            });
        }
        let mut below = entries.iter().filter_map(|entry| entry.below);
        self.positions[at].has_abstract = definition.is_abstract() || below.any(|at| self.positions[at].has_abstract);
        self.positions[at].entries = entries;
        self.positions[at].needs_typename = needs_typename.filter(|_| definition.is_abstract());
        at
    }
}

/// The same field under a narrower condition, or for fewer types, is part of the wider one; what is asked below it keeps the
/// condition.
fn merge<'o>(merged: &mut Vec<Merged<'o>>, field: &'o Field, condition: Condition, schema: &Schema) {
    let name = |field: &Field| field.definition.id().map(|id| &schema.field(id).name);
    for known in merged.iter_mut() {
        if known.first.response_key != field.response_key {
            continue;
        }
        let Some(set) = &field.selection_set else {
            let same = name(known.first) == name(field) && known.first.arguments == field.arguments;
            if same && known.guard.is_superset(&field.guard) && known.condition.is_implied_by(&condition) {
                return;
            }
            if same && field.guard.is_superset(&known.guard) && condition.is_implied_by(&known.condition) {
                (known.first, known.guard, known.condition) = (field, field.guard.clone(), condition);
                return;
            }
            continue;
        };
        let same = known.first.definition == field.definition && known.guard == field.guard;
        if same && known.condition.is_implied_by(&condition) {
            known.below.push((set, rest(&condition, &known.condition)));
            return;
        }
    }
    let below = field.selection_set.iter().map(|set| (set, Condition::always())).collect();
    merged.push(Merged { first: field, guard: field.guard.clone(), condition, below });
}

/// What `condition` says beyond `given`.
pub(crate) fn rest(condition: &Condition, given: &Condition) -> Condition {
    let beyond = condition.literals().iter().filter(|literal| !given.literals().contains(literal));
    beyond.fold(Condition::always(), |rest, literal| rest.and(literal.clone()).unwrap_or_default())
}

/// What two conditions have in common.
pub(crate) fn common(a: &Condition, b: &Condition) -> Condition {
    let shared = a.literals().iter().filter(|literal| b.literals().contains(literal));
    shared.fold(Condition::always(), |common, literal| common.and(literal.clone()).unwrap_or_default())
}
