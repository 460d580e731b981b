//! Takes out of an operation what its client may not see. Knows no request.

use braid_graphql::operation::{Condition, Field, FieldRef, Literal, Operation, SelectionSet};
use braid_graphql::schema::{Schema, TypeId};
use braid_graphql::type_set::TypeSet;

use crate::requirements::{RequirementId, RequirementSet, Requirements};

/// An operation without what its client may not see.
#[derive(Debug)]
pub struct Filtered {
    /// What is left. Refused fields are there as [`FieldRef::Refused`], refused types as [`Operation::refused_types`].
    pub operation: Operation,
    /// The coordinates of the fields that were refused: each once, in the order of the operation. Objects of refused types are not
    /// among them: whether there are any is seen only when they come.
    pub refused: Vec<String>,
}

/// The requirements that decide what is refused of an operation. With equal grants of these, filtering comes to the same.
pub fn relevant(operation: &Operation, schema: &Schema, requirements: &Requirements) -> RequirementSet {
    let mut found = RequirementSet::default();
    collect(&operation.selection_set, schema, requirements, &mut found);
    found
}

/// Takes out of an operation what needs a requirement that is not granted.
pub fn filter(
    operation: &Operation,
    schema: &Schema,
    requirements: &Requirements,
    is_granted: &dyn Fn(RequirementId) -> bool,
) -> Filtered {
    let is_refused = |ty: &TypeId| !requirements.of_type(*ty).iter().all(is_granted);
    let refused_types: TypeSet = requirements.guarded_types.iter().copied().filter(is_refused).collect();
    let mut filter = Filter { schema, requirements, is_granted, refused_types, refused: Vec::new() };
    let selection_set = filter.set(&operation.selection_set);
    let Filter { refused_types, refused, .. } = filter;
    // The selections are large: they are not copied to be replaced.
    let Operation { kind, ref name, ref variables, root, ref defers, streams, .. } = *operation;
    let (name, variables, defers) = (name.clone(), variables.clone(), defers.clone());
    let filtered = Operation { kind, name, variables, root, selection_set, refused_types, defers, streams };
    Filtered { operation: filtered, refused }
}

/// Recursive as deep as operations are, which normalization bounds.
fn collect(set: &SelectionSet, schema: &Schema, requirements: &Requirements, found: &mut RequirementSet) {
    for field in &set.fields {
        let FieldRef::Field(id) = field.definition else { continue };
        let definition = schema.field(id);
        found.extend(requirements.of_field(id));
        if let Some(guarded) = requirements.guarded_fields.get(&definition.name) {
            for ty in guarded.intersection(&field.guard).iter() {
                let own = schema.field_named(ty, &definition.name);
                own.into_iter().for_each(|own| found.extend(requirements.of_field(own)));
            }
        }
        let possible = &schema.ty(definition.inner).possible;
        let guarded = requirements.guarded_types.iter().filter(|ty| possible.contains(**ty));
        guarded.for_each(|ty| found.extend(requirements.of_type(*ty)));
        field.selection_set.iter().for_each(|below| collect(below, schema, requirements, found));
    }
}

struct Filter<'a> {
    schema: &'a Schema,
    requirements: &'a Requirements,
    is_granted: &'a dyn Fn(RequirementId) -> bool,
    refused_types: TypeSet,
    refused: Vec<String>,
}

/// A field, by the number of the selection that it comes from.
type Numbered = (usize, Field);

impl Filter<'_> {
    /// Recursive as deep as operations are, which normalization bounds.
    fn set(&mut self, set: &SelectionSet) -> SelectionSet {
        let mut fields = Vec::with_capacity(set.fields.len());
        for (number, field) in set.fields.iter().enumerate() {
            self.field(number, field, &mut fields);
        }
        SelectionSet { fields: settle(fields) }
    }

    /// Adds the field as far as it may be seen, and as far as it is refused.
    fn field(&mut self, number: usize, field: &Field, into: &mut Vec<Numbered>) {
        let guard = field.guard.difference(&self.refused_types);
        // An interface without objects has fields all the same.
        if guard.is_empty() && !field.guard.is_empty() {
            return;
        }
        let FieldRef::Field(id) = field.definition else {
            return into.push((number, Field { guard, ..field.clone() }));
        };
        let definition = self.schema.field(id);
        let is_refused = !self.grants(self.requirements.of_field(id)) || self.leads_only_to_refused(definition.inner);
        let refused = if is_refused { guard.clone() } else { self.refused_in(&guard, &definition.name) };
        let seen = guard.difference(&refused);
        if !seen.is_empty() || (guard.is_empty() && !is_refused) {
            let selection_set = field.selection_set.as_ref().map(|below| self.set(below));
            into.push((number, Field { guard: seen, selection_set, ..field.clone() }));
        }
        if !refused.is_empty() || is_refused {
            let coordinate = self.schema.coordinate(id);
            if !self.refused.contains(&coordinate) {
                self.refused.push(coordinate);
            }
            let (definition, selection_set) = (FieldRef::Refused(id), None);
            into.push((number, Field { guard: refused, definition, selection_set, ..field.clone() }));
        }
    }

    fn grants(&self, needed: &RequirementSet) -> bool {
        needed.iter().all(self.is_granted)
    }

    /// Whether all objects that a field of this type can give are refused.
    fn leads_only_to_refused(&self, ty: TypeId) -> bool {
        let possible = &self.schema.ty(ty).possible;
        !self.refused_types.is_empty() && !possible.is_empty() && self.refused_types.is_superset(possible)
    }

    /// The types of `guard` whose own field of this name is refused.
    fn refused_in(&self, guard: &TypeSet, name: &str) -> TypeSet {
        let Some(guarded) = self.requirements.guarded_fields.get(name) else { return TypeSet::empty() };
        let is_refused = |ty: &TypeId| {
            let own = self.schema.field_named(*ty, name);
            own.is_some_and(|own| !self.grants(self.requirements.of_field(own)))
        };
        guarded.intersection(guard).iter().filter(is_refused).collect()
    }
}

/// So many conditions at most are made of one refused selection.
const MAX_CASES: usize = 64;

/// Where selections merge of which some are refused (through an interface, say, and not through the object), those that may be seen
/// decide what is seen, and where the first of all is, is where the key goes.
fn settle(fields: Vec<Numbered>) -> Vec<Field> {
    let is_refused = |field: &Field| matches!(field.definition, FieldRef::Refused(_));
    let merges = |refused: &Field, seen: &Field| {
        refused.response_key == seen.response_key && !refused.guard.is_disjoint(&seen.guard)
    };
    let is_mixed = |refused: &Field| fields.iter().any(|(_, seen)| !is_refused(seen) && merges(refused, seen));
    if !fields.iter().any(|(_, field)| is_refused(field) && is_mixed(field)) {
        return fields.into_iter().map(|(_, field)| field).collect();
    }
    let mut settled: Vec<Numbered> = Vec::with_capacity(fields.len());
    for (number, field) in &fields {
        if !is_refused(field) {
            push(&mut settled, *number, field.clone());
            continue;
        }
        let mut cases = vec![(field.guard.clone(), field.condition.clone())];
        for (of, seen) in fields.iter().filter(|(_, seen)| !is_refused(seen) && merges(field, seen)) {
            if let Some(condition) = field.condition.and_all(&seen.condition) {
                let guard = field.guard.intersection(&seen.guard);
                push(&mut settled, *of, Field { guard, condition, ..seen.clone() });
            }
            let split: Vec<_> = cases.iter().flat_map(|(guard, condition)| without(guard, condition, seen)).collect();
            if split.len() > MAX_CASES {
                // Then it is refused also where a part might be seen.
                break;
            }
            cases = split;
        }
        for (guard, condition) in cases {
            push(&mut settled, *number, Field { guard, condition, ..field.clone() });
        }
    }
    settled.into_iter().map(|(_, field)| field).collect()
}

/// Adds a field, unless the same selection is there already for the same types under the same condition.
fn push(settled: &mut Vec<Numbered>, number: usize, field: Field) {
    let is_there = settled.iter().any(|(known, there)| {
        *known == number
            && there.definition == field.definition
            && there.guard == field.guard
            && there.condition == field.condition
    });
    if !is_there {
        settled.push((number, field));
    }
}

/// The cases of a refused selection in which `seen` is not selected; no two of them hold at once.
fn without(guard: &TypeSet, condition: &Condition, seen: &Field) -> Vec<(TypeSet, Condition)> {
    let (outside, common) = (guard.difference(&seen.guard), guard.intersection(&seen.guard));
    let mut cases = Vec::new();
    if !outside.is_empty() {
        cases.push((outside, condition.clone()));
    }
    if !common.is_empty() {
        let mut before = Some(condition.clone());
        for Literal { variable, value } in seen.condition.literals() {
            let Some(so_far) = before else { break };
            let not = Literal { variable: variable.clone(), value: !value };
            cases.extend(so_far.and(not).map(|condition| (common.clone(), condition)));
            before = so_far.and(Literal { variable: variable.clone(), value: *value });
        }
    }
    cases
}
