//! What input values cost that clients give as variables. Knows no field.

use std::borrow::Cow;

use braid_graphql::Type;
use braid_graphql::variables::Variables;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::CostModel;

/// A variable that stands for an input object, or for lists of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GivenInput {
    pub(crate) number: usize,
    pub(crate) ty: Type,
    /// What it costs by the variable's default.
    pub(crate) default: u64,
}

impl GivenInput {
    pub(crate) fn cost(&self, model: &CostModel, variables: &Variables) -> u64 {
        let Some(raw) = variables.raw(self.number) else { return self.default };
        let value = InputValue { model, ty: &self.ty };
        // The value is valid JSON: it was checked against its type.
        value.deserialize(&mut serde_json::Deserializer::from_str(raw)).unwrap_or_default()
    }
}

/// Adds up what a value costs while it is read.
#[derive(Clone, Copy)]
struct InputValue<'a> {
    model: &'a CostModel,
    ty: &'a Type,
}

impl<'de> DeserializeSeed<'de> for InputValue<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        match self.model.inputs.contains_key(self.ty.inner_named_type()) {
            true => deserializer.deserialize_any(self),
            false => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| 0),
        }
    }
}

impl<'de> Visitor<'de> for InputValue<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_bool<E>(self, _: bool) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_str<E>(self, _: &str) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut cost = 0_u64;
        while let Some(item) = items.next_element_seed(self)? {
            cost = cost.saturating_add(item);
        }
        Ok(cost)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let fields = self.model.inputs.get(self.ty.inner_named_type()).map(|input| &input.fields);
        let mut cost = 1_u64;
        while let Some(key) = members.next_key::<Cow<'_, str>>()? {
            match fields.and_then(|fields| fields.get(&*key)) {
                Some((weight, ty)) => {
                    let below = members.next_value_seed(InputValue { model: self.model, ty })?;
                    cost = cost.saturating_add(*weight).saturating_add(below);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(cost)
    }
}
