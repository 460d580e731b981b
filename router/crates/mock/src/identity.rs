//! Which entity an object is: from its key to a number, and from the number to its keys. Knows no request.
//!
//! The number of an entity that was made up here can be read off its key, so that all of its keys lead to the same entity. To be sure, the
//! key is made again and compared. A key that comes from elsewhere gives a number too, by its hash.

use braid_graphql::compiler::Name;
use serde_json::{Map, Value};

use crate::leaf;
use crate::mock::Mock;
use crate::schema::KeyFields;
use crate::seed::Seed;

/// Whether a type has keys.
pub(crate) fn is_entity(mock: &Mock, type_name: &str) -> bool {
    mock.schema.keys.contains_key(type_name)
}

/// How many entities of a type are made up: as many as hints give keys for, or as many as there are by default.
pub(crate) fn population(mock: &Mock, type_name: &str) -> u64 {
    let keys = mock.schema.keys.get(type_name).into_iter().flatten();
    let hints = keys.flat_map(|key| &key.0).filter_map(|(field, _)| mock.hint(type_name, field));
    let given = hints.filter_map(|hint| match hint.range {
        Some([low, high]) => Some((high - low) as u64 + 1),
        None => Some(hint.values.len() as u64).filter(|count| *count > 0),
    });
    given.min().unwrap_or(mock.config.entities).clamp(1, mock.config.entities.max(1000))
}

/// The number of the entity with this key, if a key of the type is among the fields.
pub(crate) fn number(mock: &Mock, type_name: &str, fields: &Map<String, Value>) -> Option<u64> {
    let keys = mock.schema.keys.get(type_name)?;
    keys.iter().find_map(|key| {
        let given = restricted(key, fields)?;
        let made_up =
            candidate(mock, type_name, key, &given).filter(|number| made(mock, type_name, key, *number) == given);
        // Far from the numbers of those that are made up.
        Some(made_up.unwrap_or_else(|| Seed(0).and(&canonical(given)).0 | (1 << 63)))
    })
}

/// The fields of all keys of an entity.
pub(crate) fn keys(mock: &Mock, type_name: &str, number: u64) -> Map<String, Value> {
    let mut fields = Map::new();
    for key in mock.schema.keys.get(type_name).into_iter().flatten() {
        for (field, value) in made(mock, type_name, key, number) {
            fields.entry(field).or_insert(value);
        }
    }
    fields
}

/// The fields of a key; `None` unless all are there.
fn restricted(key: &KeyFields, fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut given = Map::new();
    for (name, below) in &key.0 {
        let value = match fields.get(name.as_str())? {
            Value::Null => return None,
            Value::Object(object) if !below.0.is_empty() => Value::Object(restricted(below, object)?),
            value => value.clone(),
        };
        given.insert(name.to_string(), value);
    }
    Some(given)
}

/// The number that the first field of a key speaks for.
fn candidate(mock: &Mock, type_name: &str, key: &KeyFields, given: &Map<String, Value>) -> Option<u64> {
    let (field, below) = key.0.first()?;
    let value = given.get(field.as_str())?;
    if let Value::Object(object) = value {
        return candidate(mock, &field_type(mock, type_name, field)?, below, object);
    }
    if let Some(hint) = mock.hint(type_name, field) {
        if let Some(at) = hint.values.iter().position(|known| known == value) {
            return Some(at as u64 + 1);
        }
        if let (Some([low, _]), Some(number)) = (hint.range, value.as_f64()) {
            return Some((number - low) as u64 + 1);
        }
    }
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => {
            let digits = text.len() - text.bytes().rev().take_while(u8::is_ascii_digit).count();
            text.get(digits..)?.parse().ok()
        }
        _ => None,
    }
}

/// The fields of a key for an entity with this number.
fn made(mock: &Mock, type_name: &str, key: &KeyFields, number: u64) -> Map<String, Value> {
    let field = |(field, below): &(Name, KeyFields)| {
        let inner = field_type(mock, type_name, field).unwrap_or_default();
        let value = match below.0.is_empty() {
            true => leaf_of_key(mock, type_name, field, &inner, number),
            false => Value::Object(made(mock, &inner, below, number)),
        };
        let is_list = mock.field_type(type_name, field).is_some_and(|ty| ty.is_list());
        (field.to_string(), if is_list { Value::Array(vec![value]) } else { value })
    };
    key.0.iter().map(field).collect()
}

fn leaf_of_key(mock: &Mock, type_name: &str, field: &str, inner: &str, number: u64) -> Value {
    let seed = Seed(mock.config.seed).and(type_name).number(number).and(field);
    if let Some(hint) = mock.hint(type_name, field)
        && let Some(value) = leaf::hinted(hint, inner, seed, Some(number))
    {
        return leaf::coerced(inner, value);
    }
    if let Some(hint) = mock.config.scalars.get(inner)
        && let Some(value) = leaf::hinted(hint, inner, seed, Some(number))
    {
        return value;
    }
    match (inner, field) {
        _ if !mock.enum_values(inner).is_empty() => seed.pick(&mock.enum_values(inner)).cloned().into(),
        ("Int", _) => (number % (1 << 31)).into(),
        ("ID", "id") => format!("{}-{number}", kebab(type_name)).into(),
        ("ID" | "String", _) => format!("{}-{number}", kebab(field)).into(),
        (scalar, _) if scalar.to_lowercase().contains("uuid") => {
            // The digits of the number, read as those of a hexadecimal one.
            format!("00000000-0000-4000-8000-{:012}", number % 1_000_000_000_000).into()
        }
        (scalar, _) => leaf::scalar(scalar, field, seed),
    }
}

fn field_type(mock: &Mock, type_name: &str, field: &str) -> Option<String> {
    Some(mock.field_type(type_name, field)?.inner_named_type().to_string())
}

/// `OrderLine` is `order-line`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

/// An object as a text that does not depend on the order of members.
pub(crate) fn canonical(object: Map<String, Value>) -> String {
    let mut value = Value::Object(object);
    value.sort_all_objects();
    value.to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::config::MocksConfig;

    const SDL: &str = r#"
        type Query { a: Product }
        type Product @key(fields: "id") @key(fields: "sku shop { code }") { id: ID! sku: String! shop: Shop! name: String }
        type Shop { code: Int! }
    "#;

    fn mock(yaml: &str) -> Mock {
        Mock::new("products", SDL, Arc::new(braid_settings::from_yaml::<MocksConfig>(yaml).unwrap())).unwrap()
    }

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn each_key_leads_to_the_same_entity() {
        let mock = mock("seed: 0");
        let keys = keys(&mock, "Product", 7);
        assert_eq!(Value::Object(keys.clone()), json!({ "id": "product-7", "sku": "sku-7", "shop": { "code": 7 } }));
        for key in [json!({ "id": "product-7" }), json!({ "sku": "sku-7", "shop": { "code": 7 } })] {
            assert_eq!(number(&mock, "Product", &fields(key)), Some(7));
        }
    }

    #[test]
    fn keys_from_elsewhere_are_different_entities() {
        let mock = mock("seed: 0");
        let of = |key: Value| number(&mock, "Product", &fields(key)).unwrap();
        // A number in a key that is not ours means nothing.
        assert_ne!(of(json!({ "id": "A-7" })), of(json!({ "id": "B-7" })));
        assert_ne!(of(json!({ "id": "A-7" })), 7);
        let (one, other) =
            (json!({ "sku": "sku-7", "shop": { "code": 8 } }), json!({ "shop": { "code": 8 }, "sku": "sku-7" }));
        assert_eq!(of(one), of(other), "the order of fields does not matter");
        assert_eq!(number(&mock, "Product", &fields(json!({ "sku": "x" }))), None, "the key is not whole");
        assert_eq!(number(&mock, "Product", &fields(json!({ "id": null }))), None);
        assert_eq!(number(&mock, "Shop", &fields(json!({ "code": 1 }))), None, "no entity");
    }

    #[test]
    fn hints_for_keys_say_which_entities_there_are() {
        let mock = mock("fields: { Product.id: { values: [LAMP, MUG] } }");
        assert_eq!(population(&mock, "Product"), 2);
        assert_eq!(keys(&mock, "Product", 2)["id"], "MUG");
        assert_eq!(number(&mock, "Product", &fields(json!({ "id": "MUG" }))), Some(2));
        assert!(number(&mock, "Product", &fields(json!({ "id": "DESK" }))).unwrap() > 1 << 62);
    }
}
