//! Whether a literal is a value of a type. Custom scalars take anything.

use braid_graphql::compiler::ast::{Type, Value};

use crate::subgraph::model::{Kind, Schema};

pub(super) fn fits(schema: &Schema, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => false,
        (_, Value::Null) => true,
        (Type::List(item) | Type::NonNullList(item), Value::List(items)) => items.iter().all(|v| fits(schema, item, v)),
        // A single value is coerced to a list of one.
        (Type::List(item) | Type::NonNullList(item), single) => fits(schema, item, single),
        (Type::Named(name) | Type::NonNullNamed(name), value) => fits_named(schema, name, value),
    }
}

fn fits_named(schema: &Schema, name: &str, value: &Value) -> bool {
    match name {
        "Int" => matches!(value, Value::Int(_)) && value.to_i32().is_some(),
        "Float" => matches!(value, Value::Int(_) | Value::Float(_)),
        "String" => matches!(value, Value::String(_)),
        "Boolean" => matches!(value, Value::Boolean(_)),
        "ID" => matches!(value, Value::String(_) | Value::Int(_)),
        _ => match schema.types.get(name) {
            Some(ty) if ty.kind == Kind::Enum => match value {
                Value::Enum(value) => ty.values.contains_key(value),
                // Some servers print enum defaults as strings.
                Value::String(text) => ty.values.contains_key(text.as_str()),
                _ => false,
            },
            Some(ty) if ty.kind == Kind::Input => match value {
                Value::Object(given) => {
                    given.iter().all(|(field, value)| ty.fields.get(field).is_some_and(|f| fits(schema, &f.ty, value)))
                        && ty
                            .fields
                            .values()
                            .all(|f| !f.is_required() || given.iter().any(|(field, _)| *field == f.name))
                }
                _ => false,
            },
            _ => true,
        },
    }
}
