//! The name of the file for a request: what is asked, for people, and a hash of all of it. Knows no folder.

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

/// The longest part of a name that is for people.
const MAX_READABLE: usize = 48;

/// What of a request decides its answer: the document, the operation and the variables, with the members of objects by name.
pub(crate) fn canonical(body: &[u8]) -> Option<Value> {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else { return None };
    let mut canonical = Map::new();
    canonical.insert("query".to_owned(), request.remove("query").filter(Value::is_string)?);
    for name in ["operationName", "variables"] {
        match request.remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(variables)) if variables.is_empty() => {}
            Some(mut value) => {
                value.sort_all_objects();
                canonical.insert(name.to_owned(), value);
            }
        }
    }
    Some(Value::Object(canonical))
}

/// The name of the file for a canonical request.
pub(crate) fn file_name(canonical: &Value) -> String {
    let query = canonical["query"].as_str().unwrap_or_default();
    format!("{}-{:016x}.json", readable(query), xxh3_64(canonical.to_string().as_bytes()))
}

/// The name of the operation, or else the first fields of it: for entities, what is asked of them.
fn readable(query: &str) -> String {
    let mut words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let body = query.find('{').map_or("", |at| &query[at..]);
    let name = match words.next() {
        // Up to the first sign, as in `query Name(` and `mutation Name {`.
        Some("query" | "mutation" | "subscription") => {
            let head = query.split(['(', '{']).next().unwrap_or_default();
            head.split_whitespace().nth(1).map(str::to_owned)
        }
        _ => None,
    };
    let of_body = || {
        // With the sign of variables, which are left out.
        let names = body.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '$'));
        let names = names.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let names = names.filter(|name| !matches!(*name, "on" | "representations"));
        names.take(4).collect::<Vec<_>>().join("-")
    };
    let name = name.filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).unwrap_or_else(of_body);
    let name: String = name.chars().take(MAX_READABLE).collect();
    if name.is_empty() { "request".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(body: &str) -> String {
        file_name(&canonical(body.as_bytes()).unwrap())
    }

    #[test]
    fn equal_questions_have_one_name() {
        let one = name(r#"{"query":"{ a }","variables":{"x":1,"y":{"b":1,"a":2}}}"#);
        assert_eq!(one, name(r#"{"variables":{"y":{"a":2,"b":1},"x":1},"query":"{ a }","extensions":{"trace":7}}"#));
        assert_ne!(one, name(r#"{"query":"{ a }","variables":{"x":2,"y":{"b":1,"a":2}}}"#));
        assert_eq!(name(r#"{"query":"{ a }"}"#), name(r#"{"query":"{ a }","variables":{},"operationName":null}"#));
        assert_eq!(canonical(b"[]"), None);
        assert_eq!(canonical(br#"{"variables":{}}"#), None);
    }

    #[test]
    fn names_tell_what_is_asked() {
        for (query, expected) in [
            ("{ products { sku } }", "products-sku-"),
            ("query Best($n: Int) { products(first: $n) { sku } }", "Best-"),
            ("query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { name } } }", "Product-name-"),
            ("{ }", "request-"),
            ("mutation ../../x { a }", "a-"),
        ] {
            let name = name(&serde_json::json!({ "query": query }).to_string());
            assert!(name.starts_with(expected), "{query}: {name}");
            assert!(!name.contains(['/', '\\']), "{name}");
        }
        assert!(name(&serde_json::json!({ "query": format!("{{ {} }}", "a".repeat(500)) }).to_string()).len() < 100);
    }
}
