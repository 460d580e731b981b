//! Header rules of all peers. They are lists of steps, whose order matters.

use serde_json::{Map, Value, json};

use crate::migrate::{Kind, Migration};
use crate::source::Node;

/// Rules of the form `- propagate: { named: … }`, as Apollo and Hive have them.
pub(crate) fn nested(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    for (index, rule) in node.items().iter().enumerate() {
        migration.within(&index.to_string(), rule.place, |migration| {
            for (key, step) in rule.entries() {
                migration.within(&key.name, key.place, |migration| {
                    one(migration, &key.name, step, ours, names);
                });
            }
        });
    }
}

/// Rules of the form `- op: propagate`, as Cosmo has them.
pub(crate) fn flat(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    for (index, rule) in node.items().iter().enumerate() {
        migration.within(&index.to_string(), rule.place, |migration| {
            let op = rule.get("op").and_then(Node::text).unwrap_or_default().to_owned();
            one(migration, &op, rule, ours, names);
        });
    }
}

fn one(migration: &mut Migration, step: &str, node: &Node, ours: &str, names: &[String]) {
    let is_response = ours.ends_with("response");
    match step {
        "propagate" => propagate(migration, node, ours, names, is_response),
        "insert" | "set" => insert(migration, node, ours, names, is_response),
        "remove" => {
            migration.only(node, &["named", "matching"]);
            for name in node.get("named").map(Node::one_or_many).unwrap_or_default() {
                if let Some(name) = name.text() {
                    migration.push(ours, names, json!({ "remove": { "name": name } }));
                }
            }
            if node.get("matching").is_some() {
                migration.note(Kind::NoEqual, "headers are removed by name only; write a rule for each name");
            }
        }
        other => migration.note(Kind::Unknown, &format!("\"{other}\" is not a known step")),
    }
}

fn propagate(migration: &mut Migration, node: &Node, ours: &str, names: &[String], is_response: bool) {
    migration.only(node, &["op", "named", "matching", "rename", "default", "algorithm", "exclude", "negate_match"]);
    for key in ["exclude", "negate_match"] {
        if node.get(key).is_some_and(|value| !value.is(false)) {
            let message = format!("{key} has no equal, so the rule is left out; name the headers that are to pass");
            return migration.note(Kind::NoEqual, &message);
        }
    }
    let text = |key: &str| node.get(key).and_then(Node::text);
    for name in node.get("named").map(Node::one_or_many).unwrap_or_default() {
        let Some(name) = name.text() else { continue };
        let mut rule = Map::from_iter([("name".to_owned(), json!(name))]);
        if is_response {
            let merge = text("algorithm").and_then(merge);
            rule.extend(merge.map(|merge| ("merge".to_owned(), json!(merge))));
            if text("rename").is_some() || text("default").is_some() {
                migration.note(Kind::NoEqual, "response headers are passed without `rename` and `default`");
            }
        } else {
            for key in ["rename", "default"] {
                rule.extend(text(key).map(|value| (key.to_owned(), json!(value))));
            }
        }
        migration.push(ours, names, json!({ "propagate": rule }));
    }
    for pattern in node.get("matching").map(Node::one_or_many).unwrap_or_default() {
        let prefix = pattern.text().and_then(prefix);
        match prefix {
            Some(prefix) if !is_response && text("rename").is_none() && text("default").is_none() => {
                migration.push(ours, names, json!({ "propagate": { "prefix": prefix } }));
            }
            _ => migration.note(
                Kind::NoEqual,
                "headers are chosen by name, or by what their names begin with; write such rules for this pattern",
            ),
        }
    }
}

fn insert(migration: &mut Migration, node: &Node, ours: &str, names: &[String], is_response: bool) {
    migration.only(
        node,
        &[
            "op",
            "name",
            "value",
            "expression",
            "algorithm",
            "from_context",
            "path",
            "default",
            "value_from",
            "from_file",
        ],
    );
    let Some(name) = node.get("name").and_then(Node::text) else {
        return migration.note(Kind::Unknown, "the step names no header");
    };
    let file = node.at("from_file.path").and_then(Node::text);
    let value = match (node.get("value").map(Node::value), file) {
        (Some(Value::String(text)), _) => Some(text),
        (Some(Value::Null) | None, Some(path)) => Some(format!("${{file.{path}}}")),
        (Some(Value::Null) | None, None) => None,
        (Some(other), _) => Some(other.to_string()),
    };
    match value {
        Some(value) => migration.push(ours, names, json!({ "insert": { "name": name, "value": value } })),
        None if is_response => migration.note(Kind::NoEqual, "response headers are set to fixed values only"),
        None => migration.note(
            Kind::NoEqual,
            "the value is computed; `insert` with `from` takes values from the request, see docs/configuration.md#headers",
        ),
    }
}

fn merge(algorithm: &str) -> Option<&'static str> {
    match algorithm {
        "first" | "first_write" => Some("first"),
        "last" | "last_write" => Some("last"),
        "append" => Some("append"),
        _ => None,
    }
}

/// What the names begin with that a pattern takes, if it says nothing else.
fn prefix(pattern: &str) -> Option<&str> {
    let pattern = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let pattern = pattern.strip_prefix('^').or(pattern.starts_with(".*").then_some(pattern))?;
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let prefix = pattern.strip_suffix(".*").or_else(|| pattern.strip_suffix(".+"))?;
    // Nothing but a name's own characters: a dot, for one, would stand for any.
    prefix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn patterns_are_prefixes_or_nothing() {
        assert_eq!(prefix("^x-shop-.*"), Some("x-shop-"));
        assert_eq!(prefix("(?i)^X-Custom-.*$"), Some("X-Custom-"));
        assert_eq!(prefix(".*"), Some(""));
        for other in ["x-.*", "^x.*y.*", "^(a|b).*", "^x-a$", "^x.y.*"] {
            assert_eq!(prefix(other), None, "{other}");
        }
    }
}
