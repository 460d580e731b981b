//! Values in a form in which equal ones are equal texts. Knows no types.

use braid_graphql::Value;

/// The value with the fields of objects in order of their names: `{y: 2, x: 1}` and `{x: 1, y: 2}` are one.
pub(super) fn print(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| print(item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", print(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
        leaf => leaf.to_string(),
    }
}
