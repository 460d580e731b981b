//! Durations and sizes as they are written in configuration. Knows nothing of what they limit.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A duration: `250ms`, `10s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub std::time::Duration);

/// A number of bytes: `2000000`, `64KB`, `2MB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

/// Why a value is not a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A text that is not a duration.
    #[error("\"{0}\" is not a duration; write a number with ms, s, m or h, such as 10s")]
    Duration(String),
    /// A duration without a unit.
    #[error("{0} has no unit; write {0}s or {0}ms")]
    NoUnit(u64),
    /// A text that is not a size, or too large for this machine.
    #[error("\"{0}\" is not a size; write a number with B, KB, MB, GB, KiB, MiB or GiB, such as 2MB")]
    Size(String),
    /// A negative number.
    #[error("{0} is negative")]
    Negative(i64),
}

impl Duration {
    /// A number of seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// A number of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }
}

const TIME_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
const SIZE_UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The value of `12.5MB` in the smallest unit, unless it overflows.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(*factor),
        Err(_) => {
            let product = number.parse::<f64>().ok()? * *factor as f64;
            (product.is_finite() && product < 9e15).then_some(product as u64)
        }
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        quantity(text, &TIME_UNITS).map(Self::millis).ok_or_else(|| UnitError::Duration(text.to_owned()))
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        quantity(text, &SIZE_UNITS)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| UnitError::Size(text.to_owned()))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis() as u64;
        let exact = |(_, size): &&(&str, u64)| millis.is_multiple_of(*size) && millis >= *size;
        let (unit, size) = TIME_UNITS.iter().rev().find(exact).unwrap_or(&TIME_UNITS[0]);
        write!(f, "{}{unit}", millis / size)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as u64;
        let exact = |(_, size): &&(&str, u64)| bytes.is_multiple_of(*size) && bytes >= *size && *size > 1;
        // Decimal units before binary ones, the largest that divides the number.
        let (unit, size) = SIZE_UNITS[..5]
            .iter()
            .rev()
            .find(exact)
            .unwrap_or(SIZE_UNITS[5..].iter().rev().find(exact).unwrap_or(&SIZE_UNITS[1]));
        write!(f, "{}{unit}", bytes / size)
    }
}

macro_rules! as_text {
    ($name:ident, $format:literal, $what:literal, $example:literal, $number:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read;
                impl Visitor<'_> for Read {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_u64<E: Error>(self, number: u64) -> Result<$name, E> {
                        let read: fn(u64) -> Result<$name, UnitError> = $number;
                        read(number).map_err(E::custom)
                    }

                    fn visit_i64<E: Error>(self, number: i64) -> Result<$name, E> {
                        let number = u64::try_from(number).map_err(|_| E::custom(UnitError::Negative(number)))?;
                        self.visit_u64(number)
                    }
                }
                deserializer.deserialize_any(Read)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "integer"], "format": $format, "description": $what, "examples": [$example] })
            }
        }
    };
}

as_text!(Duration, "duration", "a duration such as 250ms, 10s, 5m, 1h", "10s", |number| match number {
    0 => Ok(Duration::millis(0)),
    other => Err(UnitError::NoUnit(other)),
});
as_text!(ByteSize, "size", "a size such as 64KB, 2MB, 1GiB, or a number of bytes", "2MB", |number| {
    usize::try_from(number).map(ByteSize).map_err(|_| UnitError::Size(number.to_string()))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, shown) in [("250ms", "250ms"), ("10s", "10s"), ("90s", "90s"), ("1.5m", "90s"), ("2h", "2h")] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), shown);
        }
        assert_eq!("10".parse::<Duration>(), Err(UnitError::Duration("10".to_owned())));
        assert!("99999999999999999h".parse::<Duration>().is_err());
    }

    #[test]
    fn sizes() {
        for (text, bytes, shown) in
            [("2MB", 2_000_000, "2MB"), ("64KiB", 65_536, "64KiB"), ("123", 123, "123B"), ("1.5kb", 1500, "1500B")]
        {
            let size = text.parse::<ByteSize>().unwrap();
            assert_eq!((size.0, size.to_string()), (bytes, shown.to_owned()));
        }
        assert!("2 parsecs".parse::<ByteSize>().is_err());
    }
}
