//! Whether JSON that came back is what was sent. Services in JavaScript write numbers in their own way, and cut off what a double does not hold:
//! what they did not mean to change stays as it was. Knows no message.

use serde_json::Value;
use serde_json::value::RawValue;

/// Whether both are the same, but for how they are written and for the precision of numbers.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| is_same(value, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (one, other) => one == other,
    }
}

/// The same for texts; those that can't be read are compared as they are.
pub(crate) fn is_same_text(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).zip(read(other)).is_some_and(|(one, other)| is_same(&one, &other))
}

/// What was there before, unless what came back is something else.
pub(crate) fn unless_changed(back: Option<Box<RawValue>>, before: Option<&RawValue>) -> Option<Box<RawValue>> {
    match (back, before) {
        (Some(back), Some(before)) if is_same_text(back.get(), before.get()) => Some(before.to_owned()),
        (back, _) => back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_javascript_does_is_no_change() {
        for (one, other, expected) in [
            (r#"{"a":1.0,"b":[9007199254740993]}"#, r#"{ "b": [9007199254740992], "a": 1 }"#, true),
            (r#"{"a":"\u00e9"}"#, r#"{"a":"é"}"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, false),
            (r#"{"a":[1]}"#, r#"{"a":[1,1]}"#, false),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            ("1e400", "1e400", true),
            ("1e400", "null", false),
        ] {
            assert_eq!(is_same_text(one, other), expected, "{one} {other}");
        }
    }
}
