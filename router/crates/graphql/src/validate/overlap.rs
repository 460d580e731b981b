//! *Field Selection Merging* (<https://spec.graphql.org/September2025/#sec-Field-Selection-Merging>): fields of one response key are the same field
//! with the same arguments. Where they may differ because no object is of both their types, nothing is proven.

use apollo_compiler::ast::{OperationType, Type};

use super::{Proof, Proven, Selected, Unproven, is_composite, require};
use crate::syntax::{Argument, Document, Field, Many, ObjectField, Selection, SelectionSet, Value, unescaped};

/// At most so many fields are compared, those of a fragment once for each way to it.
const MAX_FIELDS: usize = 20_000;

/// One field of a set whose fragments are written out.
#[derive(Clone, Copy)]
struct Merging<'d, 's> {
    field: &'d Field<'d>,
    selected: Selected<'s>,
}

/// The fields of the sets that are being merged, innermost last.
struct Scratch<'d, 's> {
    fields: Vec<Merging<'d, 's>>,
    sets: Vec<SelectionSet<'d>>,
    left: usize,
}

impl<'d, 's> Proof<'d, 's> {
    pub(super) fn fields_merge(&self) -> Proven {
        let mut scratch = Scratch { fields: Vec::new(), sets: Vec::new(), left: MAX_FIELDS };
        for operation in &self.document.operations {
            scratch.sets.push(operation.selection_set);
            self.merge(0, &mut scratch)?;
            if operation.kind == OperationType::Subscription {
                self.has_one_root_field(operation.selection_set, &mut scratch)?;
            }
        }
        Ok(())
    }

    /// *Single Root Field*.
    fn has_one_root_field(&self, root: SelectionSet<'d>, scratch: &mut Scratch<'d, 's>) -> Proven {
        self.collect(root, scratch)?;
        let fields = std::mem::take(&mut scratch.fields);
        let (one, others) = fields.split_first().ok_or(Unproven::Unknown)?;
        require(!one.field.name.starts_with("__"))?;
        require(others.iter().all(|other| other.field.response_key() == one.field.response_key()))?;
        // Whether a root field is selected can't depend on variables.
        require(!self.document.has_directive(&["skip", "include"]))
    }

    /// Merges the sets from `start` on, and takes them.
    fn merge(&self, start: usize, scratch: &mut Scratch<'d, 's>) -> Proven {
        let first = scratch.fields.len();
        for at in start..scratch.sets.len() {
            self.collect(scratch.sets[at], scratch)?;
        }
        scratch.sets.truncate(start);
        scratch.fields[first..].sort_by_key(|merging| merging.field.response_key());
        let mut at = first;
        while let Some(one) = scratch.fields.get(at).copied() {
            let key = one.field.response_key();
            while let Some(other) = scratch.fields.get(at).copied().filter(|other| other.field.response_key() == key) {
                self.are_alike(&one, &other)?;
                scratch.sets.extend(other.field.selection_set);
                at += 1;
            }
            if scratch.sets.len() > start {
                self.merge(start, scratch)?;
            }
        }
        scratch.fields.truncate(first);
        Ok(())
    }

    fn collect(&self, set: SelectionSet<'d>, scratch: &mut Scratch<'d, 's>) -> Proven {
        let document: &'d Document<'d> = self.document;
        for (at, selection) in document[set].iter().enumerate() {
            require(scratch.left > 0)?;
            scratch.left -= 1;
            match selection {
                Selection::Field(field) => {
                    let selected = self.selected[set.first() + at];
                    scratch.fields.extend(selected.map(|selected| Merging { field, selected }));
                }
                Selection::InlineFragment(fragment) => self.collect(fragment.selection_set, scratch)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragment(spread.name) {
                        self.collect(fragment.selection_set, scratch)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn are_alike(&self, one: &Merging<'d, 's>, other: &Merging<'d, 's>) -> Proven {
        if std::ptr::eq(one.field, other.field) {
            return Ok(());
        }
        require(one.field.name == other.field.name)?;
        let is_one_type = std::ptr::eq(one.selected.parent, other.selected.parent);
        if !self.are_same(one.field.arguments, other.field.arguments) {
            let key = one.field.response_key();
            let message =
                || format!("Fields \"{key}\" conflict because they have different arguments. Use different aliases.");
            return Err(if is_one_type { Unproven::Broken(message()) } else { Unproven::Unknown });
        }
        require(is_one_type || self.have_same_shape(&one.selected.definition.ty, &other.selected.definition.ty))
    }

    fn are_same(&self, one: Many<Argument<'d>>, other: Many<Argument<'d>>) -> bool {
        let document = self.document;
        let is_there = |argument: &Argument<'d>| {
            let mut others = document[other].iter();
            others.any(|other| other.name == argument.name && self.is_equal(other.value.value, argument.value.value))
        };
        one.len() == other.len() && document[one].iter().all(is_there)
    }

    /// Whether two values are the same.
    fn is_equal(&self, one: Value<'d>, other: Value<'d>) -> bool {
        let document = self.document;
        match (one, other) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(one), Value::Boolean(other)) => one == other,
            (Value::Int(one), Value::Int(other))
            | (Value::Float(one), Value::Float(other))
            | (Value::Enum(one), Value::Enum(other))
            | (Value::Variable(one), Value::Variable(other)) => one == other,
            (Value::String(one), Value::String(other)) => one == other || unescaped(one) == unescaped(other),
            (Value::List(one), Value::List(other)) => {
                let mut pairs = document[one].iter().zip(&document[other]);
                one.len() == other.len() && pairs.all(|(one, other)| self.is_equal(*one, *other))
            }
            (Value::Object(one), Value::Object(other)) => {
                let is_there = |field: &ObjectField<'d>| {
                    let mut others = document[other].iter();
                    others.any(|other| other.name == field.name && self.is_equal(other.value, field.value))
                };
                one.len() == other.len() && document[one].iter().all(is_there)
            }
            _ => false,
        }
    }

    /// *SameResponseShape*, of the types alone.
    fn have_same_shape(&self, one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::List(one), Type::List(other)) | (Type::NonNullList(one), Type::NonNullList(other)) => {
                self.have_same_shape(one, other)
            }
            (Type::Named(one), Type::Named(other)) | (Type::NonNullNamed(one), Type::NonNullNamed(other)) => {
                let is_composite = |name| self.api.ty(name).is_some_and(is_composite);
                one == other || is_composite(one) && is_composite(other)
            }
            _ => false,
        }
    }
}
