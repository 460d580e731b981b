//! mocks.yaml: what generated answers should look like. Reads no file and knows no schema.

use std::path::PathBuf;

use braid_settings::Duration;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// The most items that a list can be told to have.
pub const MAX_LENGTH: usize = 1000;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MocksConfig {
    /// Another number gives other values.
    pub seed: u64,
    /// How many items lists have.
    pub length: Length,
    /// How many entities of a type there are.
    pub entities: u64,
    /// How long an answer takes.
    pub delay: Duration,
    /// The time between the events of a subscription.
    pub interval: Duration,
    /// Values of custom scalars, by the name of the scalar.
    pub scalars: IndexMap<String, Hint>,
    /// What fields have, by their coordinates (`Product.name`).
    pub fields: IndexMap<String, Hint>,
    /// What holds for one subgraph alone.
    pub subgraphs: IndexMap<String, SubgraphMocks>,
}

impl Default for MocksConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            length: Length::Exact(3),
            entities: 20,
            delay: Duration::seconds(0),
            interval: Duration::seconds(1),
            scalars: IndexMap::new(),
            fields: IndexMap::new(),
            subgraphs: IndexMap::new(),
        }
    }
}

/// What holds for the mock of one subgraph.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphMocks {
    /// A file with its schema, for a subgraph that can't be asked for it.
    pub schema: Option<PathBuf>,
    /// How long an answer takes, instead of the general delay.
    pub delay: Option<Duration>,
    /// What fields have, before the general hints.
    pub fields: IndexMap<String, Hint>,
}

/// What a field or scalar has.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hint {
    /// Always this value. For an object: the fields that it has; others are generated.
    pub value: Option<Value>,
    /// One of these values; for a field of a key, each entity has another one.
    pub values: Vec<Value>,
    /// A number from the first to the second.
    pub range: Option<[f64; 2]>,
    /// How many items the list has.
    pub length: Option<Length>,
    /// The share of null, from 0 to 1, where the type can be null.
    pub nulls: f64,
    /// The field fails.
    pub error: Option<ErrorHint>,
    /// How long the answer takes at least if it has the field.
    pub delay: Option<Duration>,
    /// The time between events, for a field of a subscription.
    pub interval: Option<Duration>,
}

/// How many items a list has: a number, or from the first to the second.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Length {
    /// Always as many.
    Exact(usize),
    /// From the first to the second.
    Between([usize; 2]),
}

/// How a field fails: a message, or more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "ErrorYaml")]
pub struct ErrorHint {
    /// The message.
    pub message: String,
    /// The code in `extensions`.
    pub code: String,
    /// The share of objects whose field fails, from 0 to 1.
    pub rate: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorYaml {
    Message(String),
    #[serde(rename_all = "snake_case")]
    Whole {
        message: String,
        code: Option<String>,
        rate: Option<f64>,
    },
}

impl From<ErrorYaml> for ErrorHint {
    fn from(yaml: ErrorYaml) -> Self {
        let (message, code, rate) = match yaml {
            ErrorYaml::Message(message) => (message, None, None),
            ErrorYaml::Whole { message, code, rate } => (message, code, rate),
        };
        Self { message, code: code.unwrap_or_else(|| "MOCK_ERROR".to_owned()), rate: rate.unwrap_or(1.0) }
    }
}

impl MocksConfig {
    /// Checks what the types can't express; the error names the setting.
    pub fn check(&self) -> Result<(), String> {
        check_length(self.length).map_err(|problem| format!("length: {problem}"))?;
        if self.entities == 0 {
            return Err("entities: there must be at least 1".to_owned());
        }
        let all = self.fields.iter().map(|(name, hint)| (format!("fields.{name}"), name, hint));
        let of_subgraphs = self.subgraphs.iter().flat_map(|(subgraph, mocks)| {
            mocks.fields.iter().map(move |(name, hint)| (format!("subgraphs.{subgraph}.fields.{name}"), name, hint))
        });
        for (setting, coordinate, hint) in all.chain(of_subgraphs) {
            if !is_coordinate(coordinate) {
                return Err(format!("{setting}: write the coordinate of a field, such as Product.name"));
            }
            hint.check().map_err(|problem| format!("{setting}.{problem}"))?;
        }
        for (name, hint) in &self.scalars {
            hint.check().map_err(|problem| format!("scalars.{name}.{problem}"))?;
            if hint.length.is_some() || hint.error.is_some() || hint.interval.is_some() || hint.nulls > 0.0 {
                return Err(format!("scalars.{name}: a scalar can have value, values or range"));
            }
        }
        Ok(())
    }
}

impl Hint {
    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.nulls) {
            return Err(format!("nulls: {} is not a share from 0 to 1", self.nulls));
        }
        if let Some(error) = &self.error
            && !(0.0..=1.0).contains(&error.rate)
        {
            return Err(format!("error.rate: {} is not a share from 0 to 1", error.rate));
        }
        if let Some([low, high]) = self.range
            && !(low <= high && low.is_finite() && high.is_finite())
        {
            return Err(format!("range: {low} is not below {high}; write the lower number first"));
        }
        let given = [self.value.is_some(), !self.values.is_empty(), self.range.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err("value, values and range: set one of them".to_owned());
        }
        if self.interval.is_some_and(|interval| interval.0.is_zero()) {
            return Err("interval: it must be longer than 0s".to_owned());
        }
        self.length.map_or(Ok(()), check_length).map_err(|problem| format!("length: {problem}"))
    }
}

fn check_length(length: Length) -> Result<(), String> {
    let (low, high) = match length {
        Length::Exact(length) => (length, length),
        Length::Between([low, high]) => (low, high),
    };
    match low <= high && high <= MAX_LENGTH {
        true => Ok(()),
        false => Err(format!("write a number up to {MAX_LENGTH}, or two with the lower one first")),
    }
}

fn is_coordinate(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    text.split_once('.').is_some_and(|(type_name, field)| is_name(type_name) && is_name(field))
}

#[cfg(test)]
mod tests {
    use braid_settings::from_yaml;

    use super::*;

    #[test]
    fn everything_can_be_said() {
        let yaml = "
seed: 7
length: [1, 4]
delay: 20ms
scalars: { Money: { value: 1.00 EUR } }
fields:
  Product.sku: { values: [LAMP, MUG] }
  Review.stars: { range: [1, 5], nulls: 0.25 }
  Query.latest: { length: 5, delay: 100ms, error: { message: down, rate: 0.5 } }
  Review.text: { error: no text today }
subgraphs:
  reviews: { schema: reviews.graphql, delay: 1s }
";
        let config: MocksConfig = from_yaml(yaml).unwrap();
        config.check().unwrap();
        assert_eq!(config.length, Length::Between([1, 4]));
        assert_eq!(config.fields["Review.text"].error.as_ref().unwrap().code, "MOCK_ERROR");
        assert_eq!(config.fields["Query.latest"].error.as_ref().unwrap().rate, 0.5);
        assert_eq!(config.subgraphs["reviews"].delay, Some(Duration::seconds(1)));
    }

    #[test]
    fn mistakes_are_named() {
        for (yaml, expected) in [
            ("fields: { Product: { value: 1 } }", "fields.Product: write the coordinate"),
            ("fields: { A.b: { nulls: 2 } }", "fields.A.b.nulls: 2 is not a share"),
            ("fields: { A.b: { range: [5, 1] } }", "fields.A.b.range: 5 is not below 1"),
            ("fields: { A.b: { value: 1, values: [2] } }", "set one of them"),
            ("fields: { A.b: { length: 5000 } }", "up to 1000"),
            ("fields: { A.b: { interval: 0s } }", "longer than 0s"),
            (
                "subgraphs: { a: { fields: { A.b: { error: { message: m, rate: -1 } } } } }",
                "subgraphs.a.fields.A.b.error.rate",
            ),
            ("scalars: { Money: { length: 2 } }", "scalars.Money: a scalar can have"),
            ("entities: 0", "at least 1"),
        ] {
            let config: MocksConfig = from_yaml(yaml).unwrap();
            let problem = config.check().unwrap_err();
            assert!(problem.contains(expected), "{yaml}: {problem}");
        }
        let unknown = from_yaml::<MocksConfig>("fields: { A.b: { vales: [1] } }").unwrap_err().to_string();
        assert!(unknown.contains("values"), "{unknown}");
    }
}
