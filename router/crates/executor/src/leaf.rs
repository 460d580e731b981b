//! *CompleteValue* for leaves: whether a raw JSON value is what its type says, and how it is written
//! (<https://spec.graphql.org/draft/#sec-Scalars.Built-in-Scalars>). Knows nothing of positions.

use crate::compile::projection::{LeafKind, OutEnum};

/// How a leaf is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leaf<'a> {
    /// As it was received.
    Raw(&'a [u8]),
    /// In quotes: an integer where an ID is due, which is serialized as a string.
    Quoted(&'a [u8]),
    /// It is not of the type.
    Invalid,
}

/// Whether a value is written as it is if it begins with this byte. If not, [`complete`] says what becomes of it.
#[inline]
pub(crate) fn is_raw(kind: LeafKind, first: u8) -> bool {
    match kind {
        LeafKind::Any => true,
        LeafKind::String | LeafKind::Id => first == b'"',
        LeafKind::Boolean => matches!(first, b't' | b'f'),
        LeafKind::Float => is_number(first),
        LeafKind::Int | LeafKind::Enum(_) => false,
    }
}

/// Completes `raw`, which is valid JSON other than null.
#[inline]
pub(crate) fn complete<'a>(kind: LeafKind, enums: &[OutEnum], raw: &'a [u8]) -> Leaf<'a> {
    let first = raw.first().copied().unwrap_or_default();
    match kind {
        _ if is_raw(kind, first) => Leaf::Raw(raw),
        LeafKind::Id if is_integer(raw) => Leaf::Quoted(raw),
        LeafKind::Int => int(raw),
        LeafKind::Enum(at) if enums[at as usize].has(raw) => Leaf::Raw(raw),
        _ => Leaf::Invalid,
    }
}

impl OutEnum {
    fn has(&self, raw: &[u8]) -> bool {
        self.values.binary_search_by(|value| (**value).cmp(raw)).is_ok()
    }
}

#[inline]
fn is_number(first: u8) -> bool {
    first == b'-' || first.is_ascii_digit()
}

#[inline]
fn is_integer(raw: &[u8]) -> bool {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// A whole number of 32 bits. `1.0` is one, and is written as `1`.
#[inline]
fn int(raw: &[u8]) -> Leaf<'_> {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    if (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        return Leaf::Raw(raw);
    }
    let whole = match raw.iter().position(|byte| *byte == b'.') {
        Some(point) if raw[point + 1..].iter().all(|byte| *byte == b'0') => &raw[..point],
        _ => raw,
    };
    let in_range = std::str::from_utf8(whole).is_ok_and(|text| text.parse::<i32>().is_ok());
    if is_integer(whole) && in_range { Leaf::Raw(whole) } else { Leaf::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: LeafKind, raw: &str, expected: Option<&str>) {
        let enums = [OutEnum {
            ty: braid_graphql::schema::TypeId::new(0),
            values: vec![b"\"BLUE\"".as_slice().into(), b"\"RED\"".as_slice().into()],
        }];
        let written = match complete(kind, &enums, raw.as_bytes()) {
            Leaf::Raw(raw) => Some(String::from_utf8(raw.to_vec()).unwrap()),
            Leaf::Quoted(raw) => Some(format!("\"{}\"", String::from_utf8_lossy(raw))),
            Leaf::Invalid => None,
        };
        assert_eq!(written.as_deref(), expected, "{kind:?} {raw}");
    }

    #[test]
    fn leaves_are_what_their_type_says() {
        for (raw, expected) in [
            ("1", Some("1")),
            ("-2147483648", Some("-2147483648")),
            ("2147483647", Some("2147483647")),
            ("2147483648", None),
            ("99999999999", None),
            ("1.0", Some("1")),
            ("1.5", None),
            ("1e3", None),
            ("\"1\"", None),
            ("true", None),
            ("[1]", None),
            ("{}", None),
        ] {
            check(LeafKind::Int, raw, expected);
        }
        check(LeafKind::Float, "1e400", Some("1e400"));
        check(LeafKind::Float, "\"1\"", None);
        check(LeafKind::String, "\"\\u00e9\"", Some("\"\\u00e9\""));
        check(LeafKind::String, "1", None);
        check(LeafKind::Boolean, "false", Some("false"));
        check(LeafKind::Boolean, "0", None);
        check(LeafKind::Id, "\"a\"", Some("\"a\""));
        check(LeafKind::Id, "12345678901234567890", Some("\"12345678901234567890\""));
        check(LeafKind::Id, "1.5", None);
        check(LeafKind::Id, "true", None);
        check(LeafKind::Enum(0), "\"RED\"", Some("\"RED\""));
        check(LeafKind::Enum(0), "\"GREEN\"", None);
        check(LeafKind::Enum(0), "1", None);
        check(LeafKind::Any, "{\"a\": [1]}", Some("{\"a\": [1]}"));
    }
}
