//! The rules for values: *Values of Correct Type*, *Input Object Field Names*, *Input Object Field Uniqueness*, *Input Object Required Fields*, and
//! *OneOf*. Notes where variables are used.

use apollo_compiler::ast::{InputValueDefinition, Type};
use apollo_compiler::schema::{ExtendedType, InputObjectType};

use super::variables::{Place, Usage};
use super::{MOST, Proof, Proven, Unproven, are_unique, require};
use crate::syntax::{Many, ObjectField, Value};
use crate::view::ApiView;

impl<'d, 's> Proof<'d, 's> {
    /// A value for an argument or an input field.
    pub(super) fn input(&mut self, known: &'s InputValueDefinition, value: Value<'d>) -> Proven {
        let place = Place { ty: &known.ty, is_one_of: false, has_default: known.default_value.is_some() };
        self.value(place, value)
    }

    pub(super) fn value(&mut self, place: Place<'s>, value: Value<'d>) -> Proven {
        match value {
            Value::Variable(name) => {
                self.usages.add(Usage { name, place: Some(place) });
                Ok(())
            }
            Value::Null => require(!place.ty.is_non_null() && !place.is_one_of),
            Value::List(items) if place.ty.is_list() => {
                let item = Place { ty: place.ty.item_type(), is_one_of: false, has_default: false };
                let document = self.document;
                document[items].iter().try_for_each(|value| self.value(item, *value))
            }
            // One value where a list is due is a list of it.
            _ => self.named(place.ty, value),
        }
    }

    fn named(&mut self, ty: &'s Type, value: Value<'d>) -> Proven {
        let named = self.api.ty(ty.inner_named_type()).ok_or(Unproven::Unknown)?;
        if let Some(fits) = fits_plain(self.api, named, value) {
            return require(fits);
        }
        match named {
            ExtendedType::Scalar(_) => self.custom(value),
            ExtendedType::InputObject(input) => match value {
                Value::Object(fields) => self.object(input, fields),
                _ => Err(Unproven::Unknown),
            },
            _ => Err(Unproven::Unknown),
        }
    }

    fn object(&mut self, input: &'s InputObjectType, given: Many<ObjectField<'d>>) -> Proven {
        let document = self.document;
        let given = &document[given];
        require(given.len() <= MOST && are_unique(given.iter().map(|field| field.name)))?;
        let is_one_of = input.is_one_of();
        require(!is_one_of || given.len() == 1)?;
        for field in given {
            let known = self.api.input_field(input, field.name).ok_or(Unproven::Unknown)?;
            let place = Place { ty: &known.ty, is_one_of, has_default: known.default_value.is_some() };
            self.value(place, field.value)?;
        }
        for known in self.api.input_fields(input) {
            let is_given = || given.iter().any(|field| *field.name == *known.name);
            require(!known.is_required() || is_given())?;
        }
        Ok(())
    }

    /// A custom scalar takes any value, but its variables must be defined.
    fn custom(&mut self, value: Value<'d>) -> Proven {
        let document = self.document;
        match value {
            Value::Variable(name) => self.usages.add(Usage { name, place: None }),
            Value::List(items) => document[items].iter().try_for_each(|value| self.custom(*value))?,
            Value::Object(fields) => {
                let fields = &document[fields];
                require(fields.len() <= MOST && are_unique(fields.iter().map(|field| field.name)))?;
                fields.iter().try_for_each(|field| self.custom(field.value))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a value is one of a built-in scalar or an enum; `None` for other types.
pub(super) fn fits_plain(api: ApiView<'_>, named: &ExtendedType, value: Value<'_>) -> Option<bool> {
    match named {
        ExtendedType::Enum(definition) => Some(matches!(value, Value::Enum(name) if api.has_value(definition, name))),
        ExtendedType::Scalar(scalar) => match scalar.name.as_str() {
            "Int" => Some(matches!(value, Value::Int(text) if text.parse::<i32>().is_ok())),
            "Float" => {
                let is_finite = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
                Some(matches!(value, Value::Int(text) | Value::Float(text) if is_finite(text)))
            }
            "String" => Some(matches!(value, Value::String(_))),
            "Boolean" => Some(matches!(value, Value::Boolean(_))),
            "ID" => Some(matches!(value, Value::String(_) | Value::Int(_))),
            _ => None,
        },
        _ => None,
    }
}
