//! *CoerceResult* for scalars in test data that is not exact (`10` for a Float). Knows no objects.

use serde_json::Value;

/// The value in the form of the scalar with this name. The executor refuses values that do not fit.
pub(super) fn leaf(type_name: &str, value: Value) -> Value {
    match (type_name, &value) {
        ("Float", Value::Number(number)) if !number.is_f64() => number.as_f64().map_or(value, Value::from),
        ("Int", Value::Number(number)) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 2e9 => Value::from(float as i64),
            _ => value,
        },
        ("String", Value::Number(number)) => Value::from(number.to_string()),
        _ => value,
    }
}
