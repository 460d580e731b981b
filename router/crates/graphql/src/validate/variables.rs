//! The rules for variables and for which fragments an operation reaches: *Variable Uniqueness*, *Variables Are Input Types*, *All Variable Uses
//! Defined*, *All Variables Used*, *All Variable Usages Are Allowed*, *Fragments Must Be Used*, *Fragment Spreads Must Not Form Cycles*.

use std::ops::Range;

use apollo_compiler::ast::Type;
use apollo_compiler::schema::ExtendedType;

use super::values::fits_plain;
use super::{MOST, Proof, Proven, Unproven, are_unique, require};
use crate::syntax::{OperationDefinition, Value, VariableDefinition};
use crate::view::ApiView;

/// What is expected where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    pub(super) ty: &'s Type,
    /// Whether it is the one field of a `@oneOf` input object, which is not null.
    pub(super) is_one_of: bool,
    pub(super) has_default: bool,
}

/// A variable where it is used; within a custom scalar, nothing is expected.
pub(super) struct Usage<'d, 's> {
    pub(super) name: &'d str,
    pub(super) place: Option<Place<'s>>,
}

/// What each definition uses: the operations first, then the fragments.
#[derive(Default)]
pub(super) struct Usages<'d, 's> {
    variables: Vec<Usage<'d, 's>>,
    /// Fragments, by their numbers.
    spreads: Vec<usize>,
    /// For each definition, where its own begin.
    starts: Vec<(usize, usize)>,
}

impl<'d, 's> Usages<'d, 's> {
    /// What is added from here on is of the next definition.
    pub(super) fn begin(&mut self) {
        self.starts.push((self.variables.len(), self.spreads.len()));
    }

    pub(super) fn add(&mut self, usage: Usage<'d, 's>) {
        self.variables.push(usage);
    }

    pub(super) fn spread(&mut self, fragment: usize) {
        self.spreads.push(fragment);
    }

    fn of(&self, definition: usize) -> (Range<usize>, Range<usize>) {
        let all = (self.variables.len(), self.spreads.len());
        let (start, end) = (self.starts[definition], self.starts.get(definition + 1).copied().unwrap_or(all));
        (start.0..end.0, start.1..end.1)
    }
}

/// How far a walk over the fragments has come with one of them.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    None,
    Begun,
    Done,
}

impl<'d, 's> Proof<'d, 's> {
    pub(super) fn variables(&mut self) -> Proven {
        let document = self.document;
        let mut is_used = vec![false; document.fragments.len()];
        for (at, operation) in document.operations.iter().enumerate() {
            self.definitions_of_variables(operation)?;
            let mut used = vec![false; operation.variables.len()];
            let mut visits = vec![Visit::None; document.fragments.len()];
            self.reach(at, operation, &mut used, &mut visits)?;
            require(used.into_iter().all(|used| used))?;
            is_used.iter_mut().zip(visits).for_each(|(is_used, visit)| *is_used |= visit == Visit::Done);
        }
        require(is_used.into_iter().all(|used| used))
    }

    fn definitions_of_variables(&mut self, operation: &'d OperationDefinition<'d>) -> Proven {
        let variables = &operation.variables;
        require(variables.len() <= MOST && are_unique(variables.iter().map(|variable| variable.name)))?;
        for variable in variables {
            self.is_open |= !variable.directives.is_empty();
            let ty = self.api.ty(variable.ty.inner_named_type()).ok_or(Unproven::Unknown)?;
            let is_input = matches!(ty, ExtendedType::Scalar(_) | ExtendedType::Enum(_) | ExtendedType::InputObject(_));
            require(is_input)?;
            if let Some(default) = &variable.default {
                require(is_plain_default(self.api, &variable.ty, ty, default.value))?;
            }
        }
        Ok(())
    }

    /// Checks what a definition uses, and each fragment that it reaches once.
    fn reach(
        &self,
        definition: usize,
        operation: &'d OperationDefinition<'d>,
        used: &mut [bool],
        visits: &mut [Visit],
    ) -> Proven {
        let (variables, spreads) = self.usages.of(definition);
        for usage in &self.usages.variables[variables] {
            let at =
                operation.variables.iter().position(|variable| variable.name == usage.name).ok_or(Unproven::Unknown)?;
            used[at] = true;
            let Some(place) = usage.place else { continue };
            let variable = &operation.variables[at];
            if has_null_default(variable) && place.ty.is_non_null() && !place.has_default {
                let (name, ty) = (variable.name, place.ty);
                return Err(Unproven::Broken(format!(
                    "Variable \"${name}\" is null by default where \"{ty}\" is expected."
                )));
            }
            require(is_allowed(variable, place))?;
        }
        for fragment in &self.usages.spreads[spreads] {
            match visits[*fragment] {
                Visit::Begun => return Err(Unproven::Unknown),
                Visit::Done => continue,
                Visit::None => visits[*fragment] = Visit::Begun,
            }
            self.reach(self.document.operations.len() + fragment, operation, used, visits)?;
            visits[*fragment] = Visit::Done;
        }
        Ok(())
    }
}

fn has_null_default(variable: &VariableDefinition<'_>) -> bool {
    variable.default.is_some_and(|default| matches!(default.value, Value::Null))
}

/// Whether a default is null, or of a built-in scalar or an enum, and fits. Others are not judged.
fn is_plain_default(api: ApiView<'_>, ty: &Type, named: &ExtendedType, value: Value<'_>) -> bool {
    match value {
        Value::Null => !ty.is_non_null(),
        value => !ty.is_list() && fits_plain(api, named, value) == Some(true),
    }
}

/// *IsVariableUsageAllowed* (<https://spec.graphql.org/September2025/#IsVariableUsageAllowed()>).
fn is_allowed(variable: &VariableDefinition<'_>, place: Place<'_>) -> bool {
    if place.is_one_of && !variable.ty.is_non_null() {
        return false;
    }
    let default_helps = place.has_default || variable.default.is_some() && !has_null_default(variable);
    if place.ty.is_non_null() && !variable.ty.is_non_null() && default_helps {
        return fits(&variable.ty, place.ty, true);
    }
    fits(&variable.ty, place.ty, false)
}

/// *AreTypesCompatible*, with a place that may be null all the same.
fn fits(variable: &Type, place: &Type, may_be_null: bool) -> bool {
    if place.is_non_null() && !variable.is_non_null() && !may_be_null {
        return false;
    }
    match (variable, place) {
        (Type::Named(variable) | Type::NonNullNamed(variable), Type::Named(place) | Type::NonNullNamed(place)) => {
            variable == place
        }
        (Type::List(variable) | Type::NonNullList(variable), Type::List(place) | Type::NonNullList(place)) => {
            fits(variable, place, false)
        }
        _ => false,
    }
}
