//! The operation as a tree of positions to plan. Knows nothing of subgraphs.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, DeferId, Field, FieldRef, Literal, Operation, SelectionSet};
use braid_graphql::schema::{FieldId, Schema, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::Exhausted;
use smallvec::SmallVec;

use crate::arena::{Arena, ids};
use crate::budget::Spend;

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
    /// Whether anything may be deferred.
    pub(crate) in_parts: bool,
}

/// What is asked of the objects at one place of the response.
#[derive(Debug)]
pub(crate) struct Position<'o> {
    /// The type by which the field above is declared.
    pub(crate) ty: TypeId,
    /// The fields, without those that the router answers itself.
    pub(crate) entries: Vec<Entry<'o>>,
    /// Whether the runtime types of the objects must be known to answer, and under which condition.
    pub(crate) needs_typename: Option<Condition>,
    /// Whether this or a position below has an abstract type.
    pub(crate) has_abstract: bool,
    /// With what the objects are delivered.
    pub(crate) defers: Defers,
}

/// The deferred fragments with which something is delivered, sorted; none if it is delivered at once.
pub(crate) type Defers = SmallVec<[DeferId; 1]>;

/// A field to fetch.
#[derive(Debug)]
pub(crate) struct Entry<'o> {
    pub(crate) key: &'o Name,
    pub(crate) field: FieldId,
    pub(crate) guard: TypeSet,
    pub(crate) condition: Condition,
    pub(crate) arguments: &'o [Node<Argument>],
    pub(crate) below: Option<PositionId>,
    pub(crate) defers: Defers,
    /// Whether it is fetched apart from what is not deferred. Objects that something else selects under the same key are not: lists in two
    /// answers need not have the same items.
    pub(crate) is_apart: bool,
}

/// Reads an operation. Comparing two fields is work like looking one up.
pub(crate) fn read<'o>(operation: &'o Operation, schema: &Schema, spend: Spend<'_>) -> Result<Ask<'o>, Exhausted> {
    let refused_types = &operation.refused_types;
    let mut reader = Reader { schema, refused_types, spend, positions: Arena::default() };
    let root = match operation.kind {
        OperationType::Mutation => reader.add_serial_root(operation)?,
        OperationType::Query | OperationType::Subscription => {
            let always = Condition::always();
            reader.add(operation.root, &[(&operation.selection_set, always.clone())], &always, Defers::new())?
        }
    };
    Ok(Ask { positions: reader.positions, root, in_parts: !operation.defers.is_empty() })
}

struct Reader<'r, 'o> {
    schema: &'r Schema,
    refused_types: &'o TypeSet,
    spend: Spend<'r>,
    positions: Arena<PositionId, Position<'o>>,
}

/// A field with those that merge into it, each with the condition under which its own selections apply.
struct Merged<'o> {
    first: &'o Field,
    guard: TypeSet,
    condition: Condition,
    below: Vec<(&'o SelectionSet, Condition)>,
    defers: Defers,
}

/// The fields of one position, in order.
#[derive(Default)]
struct Fields<'o> {
    /// `None` where a later field took over an earlier one.
    merged: Vec<Option<Merged<'o>>>,
    /// Where the fields of a response key are.
    by_key: AHashMap<&'o Name, SmallVec<[usize; 1]>>,
}

impl<'o> Reader<'_, 'o> {
    fn push(&mut self, ty: TypeId) -> PositionId {
        let defers = Defers::new();
        self.positions.push(Position { ty, entries: Vec::new(), needs_typename: None, has_abstract: false, defers })
    }

    fn add(
        &mut self,
        ty: TypeId,
        sets: &[(&'o SelectionSet, Condition)],
        path: &Condition,
        defers: Defers,
    ) -> Result<PositionId, Exhausted> {
        let definition = self.schema.ty(ty);
        let at = self.push(ty);
        self.positions[at].defers = defers;
        // Objects of types that the client may not see must be recognised, whatever is asked of them.
        let mut needs_typename = (!self.refused_types.is_disjoint(&definition.possible)).then(Condition::always);
        let mut fields = Fields::default();
        for (set, under) in sets {
            for field in &set.fields {
                (self.spend)(1 + work_of(&field.condition) + work_of(under) + work_of(path))?;
                // Contradicting conditions: never selected. What holds for the object anyway needs no mention.
                let Some(condition) = field.condition.and_all(under) else { continue };
                if path.and_all(&condition).is_none() {
                    continue;
                }
                let condition = condition.beyond(path);
                if matches!(field.definition, FieldRef::Typename) || !field.guard.is_superset(&definition.possible) {
                    needs_typename = Some(match needs_typename {
                        Some(known) => known.common(&condition),
                        None => condition.clone(),
                    });
                }
                if field.definition.id().is_some() {
                    self.merge(&mut fields, field, condition)?;
                }
            }
        }
        let mut entries = Vec::with_capacity(fields.merged.len());
        for merged in fields.merged.into_iter().flatten() {
            entries.extend(self.entry(merged, path)?);
        }
        self.keep_together(&mut entries);
        let mut below = entries.iter().filter_map(|entry| entry.below);
        self.positions[at].has_abstract = definition.is_abstract() || below.any(|at| self.positions[at].has_abstract);
        self.positions[at].entries = entries;
        self.positions[at].needs_typename = needs_typename.filter(|_| definition.is_abstract());
        Ok(at)
    }

    fn entry(&mut self, merged: Merged<'o>, path: &Condition) -> Result<Option<Entry<'o>>, Exhausted> {
        let Merged { first, guard, condition, below, defers } = merged;
        let Some(field) = first.definition.id() else { return Ok(None) };
        // What contradicts the path was left out.
        let path = path.and_all(&condition).unwrap_or_default();
        let below = match first.selection_set {
            Some(_) => Some(self.add(self.schema.field(field).inner, &below, &path, defers.clone())?),
            None => None,
        };
        let (key, arguments, is_apart) = (&first.response_key, &first.arguments, !defers.is_empty());
        Ok(Some(Entry { key, field, guard, condition, arguments, below, defers, is_apart }))
    }

    /// Composites under one key that are delivered with different parts are fetched together all the same. A leaf is not deferred for
    /// some types where it is not for more.
    fn keep_together(&self, entries: &mut Vec<Entry<'_>>) {
        if entries.iter().all(|entry| !entry.is_apart) {
            return;
        }
        let is_same = |one: &Entry<'_>, other: &Entry<'_>| {
            one.key == other.key && one.defers != other.defers && !one.guard.is_disjoint(&other.guard)
        };
        for at in 0..entries.len() {
            if entries[at].below.is_some() && entries.iter().any(|other| is_same(&entries[at], other)) {
                entries[at].is_apart = false;
            }
        }
        let name = |entry: &Entry<'_>| &self.schema.field(entry.field).name;
        let is_covered = |entry: &Entry<'_>| {
            entry.below.is_none()
                && entry.is_apart
                && entries.iter().any(|other| {
                    is_same(entry, other)
                        && other.defers.is_empty()
                        && name(entry) == name(other)
                        && entry.arguments == other.arguments
                        && other.guard.is_superset(&entry.guard)
                })
        };
        let covered: Vec<bool> = entries.iter().map(is_covered).collect();
        let mut covered = covered.into_iter();
        entries.retain(|_| !covered.next().unwrap_or(false));
    }

    /// The same field under a narrower condition, or for fewer types, is part of the wider one; what is asked below it keeps the
    /// condition.
    fn merge(&mut self, fields: &mut Fields<'o>, field: &'o Field, condition: Condition) -> Result<(), Exhausted> {
        let Fields { merged, by_key } = fields;
        let same_key = by_key.entry(&field.response_key).or_default();
        let comparing = 1 + work_of(&condition) + field.arguments.len() as u64;
        (self.spend)(1 + comparing * same_key.len() as u64 / 4)?;
        match field.selection_set.is_some() {
            true => merge_composite(merged, same_key, field, condition),
            false => merge_leaf(merged, same_key, field, condition, self.schema),
        }
        Ok(())
    }

    /// A mutation's field runs where its response key is selected first, which can depend on variables. So each selection of the key
    /// becomes an entry under what excludes those before it, with all that later ones select below it.
    fn add_serial_root(&mut self, operation: &'o Operation) -> Result<PositionId, Exhausted> {
        let root = self.push(operation.root);
        let mut by_key: AHashMap<&Name, Vec<&'o Field>> = AHashMap::new();
        for field in &operation.selection_set.fields {
            by_key.entry(&field.response_key).or_default().push(field);
        }
        let mut passed: AHashMap<&Name, usize> = AHashMap::new();
        let mut entries = Vec::new();
        for field in operation.selection_set.fields.iter().filter(|field| field.definition.id().is_some()) {
            let same_key = &by_key[&field.response_key];
            let index = passed.entry(&field.response_key).or_default();
            let (before, from_here) = same_key.split_at(*index);
            *index += 1;
            let mut pieces = vec![field.condition.clone()];
            for before in before {
                (self.spend)(pieces.len() as u64 * (1 + work_of(&before.condition)))?;
                pieces = without(pieces, &before.condition);
                if pieces.len() > MAX_PIECES {
                    return Err(Exhausted);
                }
            }
            for condition in pieces {
                (self.spend)(from_here.len() as u64 * (1 + work_of(&condition)))?;
                let below = from_here.iter().filter_map(|same| {
                    condition.and_all(&same.condition)?;
                    Some((same.selection_set.as_ref()?, same.condition.beyond(&condition)))
                });
                let below = below.collect();
                let defers = Defers::new();
                let merged = Merged { first: field, guard: field.guard.clone(), condition, below, defers };
                entries.extend(self.entry(merged, &Condition::always())?);
            }
        }
        self.positions[root].entries = entries;
        Ok(root)
    }
}

/// Comparing two literals takes a fraction of looking up a field.
fn work_of(condition: &Condition) -> u64 {
    condition.literals().len() as u64 / 8
}

fn merge_leaf<'o>(
    merged: &mut Vec<Option<Merged<'o>>>,
    same_key: &mut SmallVec<[usize; 1]>,
    field: &'o Field,
    condition: Condition,
    schema: &Schema,
) {
    let name = |field: &Field| field.definition.id().map(|id| &schema.field(id).name);
    for at in same_key.iter() {
        let Some(known) = &mut merged[*at] else { continue };
        if name(known.first) != name(field) || known.first.arguments != field.arguments {
            continue;
        }
        // What is not deferred for some types is not deferred for their sake for others.
        let is_later = |one: &Defers, other: &Defers| !one.is_empty() && other.is_empty();
        let own = deferred_with(field);
        if known.guard.is_superset(&field.guard)
            && known.condition.is_implied_by(&condition)
            && (known.guard == field.guard || !is_later(&known.defers, &own))
        {
            known.defers = earliest(&known.defers, &own);
            return;
        }
        if field.guard.is_superset(&known.guard)
            && condition.is_implied_by(&known.condition)
            && (known.guard == field.guard || !is_later(&own, &known.defers))
        {
            (known.first, known.guard, known.condition) = (field, field.guard.clone(), condition);
            known.defers = earliest(&known.defers, &own);
            return;
        }
    }
    same_key.push(merged.len());
    let (guard, defers) = (field.guard.clone(), deferred_with(field));
    merged.push(Some(Merged { first: field, guard, condition, below: Vec::new(), defers }));
}

fn merge_composite<'o>(
    merged: &mut Vec<Option<Merged<'o>>>,
    same_key: &mut SmallVec<[usize; 1]>,
    field: &'o Field,
    condition: Condition,
) {
    let is_same = |known: &Merged<'_>| known.first.definition == field.definition && known.guard == field.guard;
    for at in same_key.iter() {
        let Some(known) = merged[*at].as_mut().filter(|known| is_same(known)) else { continue };
        if known.condition.is_implied_by(&condition) {
            let beyond = condition.beyond(&known.condition);
            known.defers = earliest(&known.defers, &deferred_with(field));
            known.below.extend(field.selection_set.iter().map(|set| (set, beyond.clone())));
            return;
        }
    }
    let (guard, defers) = (field.guard.clone(), deferred_with(field));
    let mut wider = Merged { first: field, guard, condition, below: Vec::new(), defers };
    // It stands where the first of those that it takes over stood.
    let mut first = None;
    for at in same_key.iter() {
        let is_narrower = |known: &mut Merged<'_>| is_same(known) && wider.condition.is_implied_by(&known.condition);
        let Some(known) = merged[*at].take_if(is_narrower) else { continue };
        let beyond = known.condition.beyond(&wider.condition);
        let below = known.below.into_iter().filter_map(|(set, under)| Some((set, under.and_all(&beyond)?)));
        wider.below.extend(below);
        wider.defers = earliest(&wider.defers, &known.defers);
        if first.is_none() {
            (first, wider.first) = (Some(*at), known.first);
        }
    }
    wider.below.extend(field.selection_set.iter().map(|set| (set, Condition::always())));
    match first {
        Some(at) => merged[at] = Some(wider),
        None => {
            same_key.push(merged.len());
            merged.push(Some(wider));
        }
    }
    same_key.retain(|at| merged[*at].is_some());
}

fn deferred_with(field: &Field) -> Defers {
    field.defer.into_iter().collect()
}

/// With what two selections of one field are delivered.
fn earliest(one: &Defers, other: &Defers) -> Defers {
    if one.is_empty() || other.is_empty() {
        return Defers::new();
    }
    let mut all: Defers = one.iter().chain(other).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
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

#[cfg(test)]
mod tests {
    use super::*;
    use braid_graphql::compiler::Schema as SourceSchema;
    use braid_graphql::normalize::{NormalizeLimits, normalize};
    use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};

    /// The work of reading an operation; `None` if it is more than `budget`.
    fn work(text: &str, budget: u64) -> Option<u64> {
        let source = SourceSchema::parse_and_validate(
            "type Query { f(x: Int): Int q: Query } type Mutation { f: Int q: Query }",
            "schema.graphql",
        );
        let source = source.unwrap();
        let schema = Schema::new(&source).unwrap();
        let limits = ParseLimits { max_tokens: 1_000_000, ..ParseLimits::default() };
        let document = parse_operation(&source, &schema, text, limits).unwrap();
        let operation = choose_operation(&document, None).unwrap();
        let operation = normalize(&document, operation, &schema, NormalizeLimits::default()).unwrap();
        let mut spent = 0;
        let mut spend = |units| {
            spent += units;
            if spent > budget { Err(Exhausted) } else { Ok(()) }
        };
        let read = read(&operation, &schema, &mut spend);
        read.is_ok().then_some(spent)
    }

    /// `selection` under each pair of `count` variables.
    fn pairs(kind: &str, count: usize, selection: &str) -> String {
        let variables: String = (0..count).map(|at| format!("$v{at}: Boolean! ")).collect();
        let pair = |at: usize| {
            let (one, other) = (at / count, at % count);
            let under = format!("@include(if: $v{one}) @skip(if: $v{other})");
            selection.replace("@", &under)
        };
        let selections: String = (0..count * count).filter(|at| at / count != at % count).map(pair).collect();
        format!("{kind}({variables}) {{ {selections} }}")
    }

    #[test]
    fn merging_fields_is_work() {
        // Each field is compared with all before it.
        let few = work(&pairs("query", 10, "f @ "), u64::MAX).unwrap();
        let many = work(&pairs("query", 40, "f @ "), u64::MAX).unwrap();
        assert!(few < 3_000 && many > 50_000, "{few} {many}");
        for selection in ["f @ ", "q @ { f } ", "q { f @ } ", "q { q @ { f } } "] {
            assert_eq!(work(&pairs("query", 40, selection), 10_000), None, "{selection}");
        }
        assert_eq!(work(&pairs("mutation", 40, "f @ "), 10_000), None);
        // Different keys have nothing to do with each other.
        let aliases: String = (0..4_000).map(|at| format!("a{at}: f ")).collect();
        assert!(work(&format!("{{ {aliases} }}"), 10_000).is_some());
    }
}
