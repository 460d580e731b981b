//! Whether a representation has the fields of a key or a requirement. Does not know where it came from.

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::executable::{Selection, SelectionSet};
use serde_json::{Map, Value};

/// Which fields of a representation must not be null.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Nulls {
    /// Those of a key: an entity with a null in its key can't be found.
    Refused,
    /// None: a requirement can be null.
    Allowed,
}

/// An error that names the fields of `set` that `object` does not have.
pub(super) fn check(
    schema: &Schema,
    set: &SelectionSet,
    object: &Map<String, Value>,
    nulls: Nulls,
) -> Result<(), String> {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) if field.name == "__typename" => {}
            Selection::Field(field) => {
                let value = object.get(field.name.as_str());
                let value = value.ok_or_else(|| format!("{}.{} is missing", set.ty, field.name))?;
                check_value(schema, field.selection_set.as_ref(), value, nulls)
                    .map_err(|message| format!("{}.{}: {message}", set.ty, field.name))?;
            }
            Selection::InlineFragment(fragment) => {
                let applies = match &fragment.type_condition {
                    None => true,
                    Some(condition) if *condition == set.ty => true,
                    Some(condition) => {
                        let typename = object.get("__typename").and_then(Value::as_str);
                        let typename = typename.ok_or_else(|| format!("{}.__typename is missing", set.ty))?;
                        condition == typename || schema.is_subtype(condition, typename)
                    }
                };
                if applies {
                    check(schema, &fragment.selection_set, object, nulls)?;
                }
            }
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn check_value(schema: &Schema, set: Option<&SelectionSet>, value: &Value, nulls: Nulls) -> Result<(), String> {
    match (value, set) {
        (Value::Null, _) if nulls == Nulls::Refused => Err("is null".to_owned()),
        (Value::Null, _) => Ok(()),
        (Value::Array(items), _) => items.iter().try_for_each(|item| check_value(schema, set, item, nulls)),
        (Value::Object(object), Some(set)) => {
            let is_abstract = !schema.types.get(&set.ty).is_some_and(|ty| ty.is_object());
            if is_abstract && !object.get("__typename").is_some_and(Value::is_string) {
                return Err("an object of an abstract type has no __typename".to_owned());
            }
            check(schema, set, object, nulls)
        }
        (_, Some(_)) => Err("is not an object".to_owned()),
        (_, None) => Ok(()),
    }
}
