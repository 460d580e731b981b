//! A cost as an expression over the variables of an operation. What does not depend on them is computed when it is built.
//! Knows no schema.

use std::ops::{Add, Mul};

use braid_graphql::Name;
use braid_graphql::variables::Variables;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::input::GivenInput;
use crate::model::CostModel;

/// A cost, or a number of items.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Constant(u64),
    Sum(Vec<Expression>),
    Product(Box<(Expression, Expression)>),
    Greatest(Vec<Expression>),
    Slice(Box<Slice>),
    Input(Box<GivenInput>),
    When(Box<(Condition, Expression)>),
}

/// The numbers of Boolean variables, and the values that they must have.
pub(crate) type Condition = Vec<(usize, bool)>;

/// The size of a list, as its slicing arguments say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slice {
    /// What is given.
    pub(crate) given: Vec<SliceValue>,
    /// The size if nothing is given: a default of the arguments, or what is assumed; `None` if the schema says neither.
    pub(crate) otherwise: Option<u64>,
    /// The size if nothing at all is known.
    pub(crate) default: u64,
    /// The field, if exactly one of its slicing arguments must be given.
    pub(crate) requires_one: Option<String>,
}

/// The value of a slicing argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SliceValue {
    Literal(u64),
    /// A variable, the path to the size in its value, and the size by the variable's default.
    Variable {
        number: usize,
        path: Vec<Name>,
        default: Option<u64>,
    },
}

/// What an expression is evaluated with.
pub(crate) struct Evaluation<'a> {
    pub(crate) variables: &'a Variables,
    pub(crate) model: &'a CostModel,
    /// A field with none or several of the slicing arguments of which it must have one.
    pub(crate) unsliced: Option<&'a str>,
}

impl Expression {
    pub(crate) const ZERO: Self = Self::Constant(0);
    pub(crate) const ONE: Self = Self::Constant(1);

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The greatest of some.
    pub(crate) fn greatest(of: impl IntoIterator<Item = Self>) -> Self {
        let (mut constant, mut others) = (None, Vec::new());
        for expression in of {
            match expression {
                Self::Constant(value) => constant = constant.max(Some(value)),
                Self::Greatest(more) => others.extend(more),
                other if others.contains(&other) => {}
                other => others.push(other),
            }
        }
        others.extend(constant.filter(|value| *value > 0 || others.is_empty()).map(Self::Constant));
        match others.len() {
            0 => Self::ZERO,
            1 => others.swap_remove(0),
            _ => Self::Greatest(others),
        }
    }

    /// This, where a condition holds.
    pub(crate) fn when(self, condition: Condition) -> Self {
        match condition.is_empty() || self.is_zero() {
            true => self,
            false => Self::When(Box::new((condition, self))),
        }
    }

    /// The value for the variables of one request. Recursive as deep as operations are, which normalization bounds.
    pub(crate) fn evaluate<'a>(&'a self, evaluation: &mut Evaluation<'a>) -> u64 {
        match self {
            Self::Constant(value) => *value,
            Self::Sum(terms) => terms.iter().fold(0, |sum: u64, term| sum.saturating_add(term.evaluate(evaluation))),
            Self::Product(factors) => {
                let first = factors.0.evaluate(evaluation);
                first.saturating_mul(factors.1.evaluate(evaluation))
            }
            Self::Greatest(of) => of.iter().fold(0, |most, one| most.max(one.evaluate(evaluation))),
            Self::Slice(slice) => slice.evaluate(evaluation),
            Self::Input(input) => input.cost(evaluation.model, evaluation.variables),
            Self::When(conditional) => {
                let (condition, cost) = &**conditional;
                let variables = evaluation.variables;
                match condition.iter().all(|(number, value)| variables.boolean(*number) == Some(*value)) {
                    true => cost.evaluate(evaluation),
                    false => 0,
                }
            }
        }
    }

    /// How many nodes it has.
    pub(crate) fn size(&self) -> usize {
        1 + match self {
            Self::Constant(_) => 0,
            Self::Sum(of) | Self::Greatest(of) => of.iter().map(Self::size).sum(),
            Self::Product(factors) => factors.0.size() + factors.1.size(),
            Self::Slice(slice) => slice.given.len(),
            Self::Input(_) => 1,
            Self::When(conditional) => conditional.1.size(),
        }
    }
}

impl Add for Expression {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (mut constant, mut terms) = (0_u64, Vec::new());
        for expression in [self, other] {
            let of = match expression {
                Self::Sum(of) => of,
                one => vec![one],
            };
            for term in of {
                match term {
                    Self::Constant(value) => constant = constant.saturating_add(value),
                    term => terms.push(term),
                }
            }
        }
        match (terms.len(), constant) {
            (0, _) => Self::Constant(constant),
            (1, 0) => terms.swap_remove(0),
            (_, 0) => Self::Sum(terms),
            _ => {
                terms.push(Self::Constant(constant));
                Self::Sum(terms)
            }
        }
    }
}

impl Mul for Expression {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => Self::Constant(a.saturating_mul(b)),
            (Self::Constant(0), _) | (_, Self::Constant(0)) => Self::ZERO,
            (Self::Constant(1), one) | (one, Self::Constant(1)) => one,
            both => Self::Product(Box::new(both)),
        }
    }
}

impl Slice {
    fn evaluate<'a>(&'a self, evaluation: &mut Evaluation<'a>) -> u64 {
        let (mut size, mut count) = (None, 0);
        for value in &self.given {
            let (given, is_given) = match value {
                SliceValue::Literal(size) => (Some(*size), true),
                SliceValue::Variable { number, path, default } => match evaluation.variables.raw(*number) {
                    Some(raw) => (size_in(raw, path), true),
                    None => (*default, default.is_some()),
                },
            };
            // A null is as good as nothing.
            count += usize::from(is_given && given.is_some());
            size = size.max(given);
        }
        let must_have_one = count > 1 || (count == 0 && self.otherwise.is_none());
        if let (Some(field), true) = (&self.requires_one, must_have_one) {
            evaluation.unsliced.get_or_insert(field);
        }
        size.or(self.otherwise).unwrap_or(self.default)
    }
}

/// The size that a value says: a number that is not negative, or the length of a list. The value is at a path in JSON.
fn size_in(json: &str, path: &[Name]) -> Option<u64> {
    if let ([], Ok(size)) = (path, json.parse::<i64>()) {
        return u64::try_from(size).ok();
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    SizeAt(path).deserialize(&mut deserializer).ok().flatten()
}

/// Reads the size at a path.
struct SizeAt<'a>(&'a [Name]);

impl<'de> DeserializeSeed<'de> for SizeAt<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SizeAt<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then_some(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).ok().filter(|_| self.0.is_empty()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut length = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            length += 1;
        }
        Ok(self.0.is_empty().then_some(length))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            match self.0.split_first() {
                Some((first, rest)) if *first == *key => found = members.next_value_seed(SizeAt(rest))?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_folded() {
        let constant = Expression::Constant;
        let input = || Expression::When(Box::new((vec![(0, true)], constant(4))));
        assert_eq!(constant(2) * constant(3) + constant(1), constant(7));
        assert_eq!(constant(u64::MAX) * constant(2), constant(u64::MAX));
        assert_eq!(input() * Expression::ZERO, Expression::ZERO);
        assert_eq!(input() * Expression::ONE, input());
        assert_eq!(
            (constant(1) + input()) + (constant(2) + input()),
            Expression::Sum(vec![input(), input(), constant(3)])
        );
        assert_eq!(Expression::greatest([constant(1), constant(3)]), constant(3));
        assert_eq!(Expression::greatest([input(), constant(0), input()]), input());
        assert_eq!(Expression::greatest([]), Expression::ZERO);
    }

    #[test]
    fn sizes_are_found_in_values() {
        let path = |text: &str| -> Vec<Name> {
            text.split('.').filter(|name| !name.is_empty()).map(|name| Name::new(name).unwrap()).collect()
        };
        for (json, at, expected) in [
            ("5", "", Some(5)),
            ("-1", "", None),
            ("null", "", None),
            ("5.5", "", None),
            ("[1,2]", "", Some(2)),
            (r#"{"page":{"first":7,"x":[]}}"#, "page.first", Some(7)),
            (r#"{"page":{"first":null}}"#, "page.first", None),
            (r#"{"page":[{"first":1}]}"#, "page.first", None),
            (r#"{"page":3}"#, "page.first", None),
            (r#"{"a":1}"#, "", None),
        ] {
            assert_eq!(size_in(json, &path(at)), expected, "{json} {at}");
        }
    }
}
