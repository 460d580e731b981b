//! Values of requests as the interpreter has them, and back. Knows no expression.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as CelValue;
use cel::objects::Key;
use http::HeaderMap;
use serde_json::{Map, Number, Value};

/// Headers by name. Values that are no text are left out.
pub(crate) fn headers(headers: Option<&HeaderMap>) -> CelValue {
    let mut all: HashMap<String, String> = HashMap::new();
    for (name, value) in headers.into_iter().flatten() {
        let Ok(value) = value.to_str() else { continue };
        let text = all.entry(name.as_str().to_owned()).or_default();
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(value);
    }
    all.into()
}

/// Claims by name.
pub(crate) fn claims(claims: Option<&Map<String, Value>>) -> CelValue {
    map(claims.into_iter().flatten())
}

fn map<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> CelValue {
    members.map(|(name, value)| (name.clone(), from_json(value))).collect::<HashMap<String, CelValue>>().into()
}

/// A number is an integer if it is one.
fn from_json(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => CelValue::Int(number),
            (None, Some(number)) => CelValue::UInt(number),
            (None, None) => CelValue::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(list) => CelValue::List(Arc::new(list.iter().map(from_json).collect())),
        Value::Object(members) => map(members.iter()),
    }
}

/// A value as JSON; `None` if JSON has no such value.
pub(crate) fn to_json(value: &CelValue) -> Option<Value> {
    Some(match value {
        CelValue::Null => Value::Null,
        CelValue::Bool(value) => (*value).into(),
        CelValue::Int(number) => (*number).into(),
        CelValue::UInt(number) => (*number).into(),
        CelValue::Float(number) => Value::Number(Number::from_f64(*number)?),
        CelValue::String(text) => text.as_str().into(),
        CelValue::List(list) => list.iter().map(to_json).collect::<Option<_>>()?,
        CelValue::Map(map) => {
            let member = |(key, value): (&Key, &CelValue)| match key {
                Key::String(name) => Some((name.to_string(), to_json(value)?)),
                _ => None,
            };
            let mut members: Vec<_> = map.map.iter().map(member).collect::<Option<_>>()?;
            // The interpreter has them in an order of chance.
            members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        _ => return None,
    })
}
