//! The operation as a tree of positions to plan. Knows nothing of subgraphs.

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, Field, FieldRef, Literal, Operation, SelectionSet};
use braid_graphql::schema::{FieldId, Schema, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::Exhausted;

use crate::arena::{Arena, ids};

ids! {
    /// A position of an [`Ask`].
    PositionId
}

/// More ways than this, for one field of a mutation, to depend on variables are refused.
const MAX_PIECES: usize = 64;

/// All positions of an operation.
#[derive(Debug)]
pub(crate) struct Ask<'o> {
    pub(crate) positions: Arena<PositionId, Position<'o>>,
    pub(crate) root: PositionId,
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
pub(crate) fn read<'o>(operation: &'o Operation, schema: &Schema) -> Result<Ask<'o>, Exhausted> {
    let positions = Arena::default();
    // The root is added first.
    let mut ask = Ask { root: positions.next_id(), positions };
    if operation.kind == OperationType::Mutation {
        ask.add_serial_root(operation, schema)?;
        return Ok(ask);
    }
    ask.add(operation.root, &[(&operation.selection_set, Condition::always())], &Condition::always(), schema);
    Ok(ask)
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
        let at = self.positions.push(Position { ty, entries: Vec::new(), needs_typename: None, has_abstract: false });
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
        for merged in merged {
            entries.extend(self.entry(merged, path, schema));
        }
        let mut below = entries.iter().filter_map(|entry| entry.below);
        self.positions[at].has_abstract = definition.is_abstract() || below.any(|at| self.positions[at].has_abstract);
        self.positions[at].entries = entries;
        self.positions[at].needs_typename = needs_typename.filter(|_| definition.is_abstract());
        at
    }

    fn entry(&mut self, merged: Merged<'o>, path: &Condition, schema: &Schema) -> Option<Entry<'o>> {
        let Merged { first, guard, condition, below } = merged;
        let field = first.definition.id()?;
        let path = path.and_all(&condition).unwrap_or_default();
        let is_composite = first.selection_set.is_some();
        let below = is_composite.then(|| self.add(schema.field(field).inner, &below, &path, schema));
        Some(Entry { key: &first.response_key, field, guard, condition, arguments: &first.arguments, below })
    }

    /// A mutation's field runs at the first place where its response key is selected, which can depend on variables. So each place
    /// becomes an entry under what excludes the places before it, with all that later places select below it.
    fn add_serial_root(&mut self, operation: &'o Operation, schema: &Schema) -> Result<(), Exhausted> {
        self.positions.push(Position {
            ty: operation.root,
            entries: Vec::new(),
            needs_typename: None,
            has_abstract: false,
        });
        let fields: Vec<&'o Field> = operation.selection_set.fields.iter().collect();
        let mut entries = Vec::new();
        for (index, field) in fields.iter().enumerate().filter(|(_, field)| field.definition.id().is_some()) {
            let is_same = |other: &&&'o Field| other.response_key == field.response_key;
            let mut pieces = vec![field.condition.clone()];
            for before in fields[..index].iter().filter(is_same) {
                pieces = without(pieces, &before.condition);
                if pieces.len() > MAX_PIECES {
                    return Err(Exhausted);
                }
            }
            for condition in pieces {
                let places = fields[index..].iter().filter(is_same);
                let below = places.filter_map(|place| {
                    condition.and_all(&place.condition)?;
                    Some((place.selection_set.as_ref()?, rest(&place.condition, &condition)))
                });
                let below = below.collect();
                let merged = Merged { first: field, guard: field.guard.clone(), condition, below };
                entries.extend(self.entry(merged, &Condition::always(), schema));
            }
        }
        self.positions[self.root].entries = entries;
        Ok(())
    }
}

/// `pieces`, which exclude one another, each cut into what is left of it where `other` does not hold.
fn without(pieces: Vec<Condition>, other: &Condition) -> Vec<Condition> {
    let mut left = Vec::new();
    for piece in pieces {
        if piece.and_all(other).is_none() {
            left.push(piece);
            continue;
        }
        let mut so_far = Some(piece);
        for literal in other.literals() {
            let not = Literal { variable: literal.variable.clone(), value: !literal.value };
            left.extend(so_far.as_ref().and_then(|piece| piece.and(not)));
            so_far = so_far.and_then(|piece| piece.and(literal.clone()));
        }
    }
    left
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
    let mut wider = Merged { first: field, guard: field.guard.clone(), condition, below };
    if field.selection_set.is_none() {
        return merged.push(wider);
    }
    let is_narrower = |known: &mut Merged<'o>| {
        known.first.response_key == field.response_key
            && known.first.definition == field.definition
            && known.guard == wider.guard
            && wider.condition.is_implied_by(&known.condition)
    };
    let first = merged.iter_mut().position(is_narrower).unwrap_or(merged.len());
    let narrower: Vec<Merged<'o>> = merged.extract_if(.., is_narrower).collect();
    for known in narrower.into_iter().rev() {
        let beyond = rest(&known.condition, &wider.condition);
        let below = known.below.into_iter().filter_map(|(set, under)| Some((set, under.and_all(&beyond)?)));
        wider.below.splice(0..0, below);
        wider.first = known.first;
    }
    merged.insert(first, wider);
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
