//! Compares default values and directive arguments by meaning, not by text.

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::Value;

/// Equal whatever the order of object fields, and with `1` equal to `1.0`.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, v)| b.iter().any(|(n, w)| n == name && same(v, w)))
        }
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            a == b || matches!((a.to_f64(), b.to_f64()), (Some(a), Some(b)) if a == b)
        }
        // Some servers print enum defaults as strings.
        (Value::Enum(name), Value::String(text)) | (Value::String(text), Value::Enum(name)) => name == text.as_str(),
        _ => a == b,
    }
}

pub(crate) fn same_option(a: Option<&Node<Value>>, b: Option<&Node<Value>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

pub(crate) fn show(value: Option<&Node<Value>>) -> String {
    value.map_or_else(|| "no default".into(), |v| format!("the default {}", v.serialize().no_indent()))
}
