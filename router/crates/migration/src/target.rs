//! The router.yaml that is being made: a tree, and its text. Knows neither peers nor what a key means.

use serde_json::{Map, Value};

/// A router.yaml.
#[derive(Debug, Default)]
pub(crate) struct Target {
    root: Map<String, Value>,
}

impl Target {
    /// Sets a value. A name in a path can be in brackets where it has dots: `traffic.subgraphs.[a.b].url`.
    pub(crate) fn set(&mut self, path: &[String], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut at = &mut self.root;
        for name in parents {
            let entry = at.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            let Value::Object(inner) = entry else { return };
            at = inner;
        }
        at.insert(last.clone(), value);
    }

    /// Adds to a list.
    pub(crate) fn push(&mut self, path: &[String], value: Value) {
        let mut list = match self.get(path) {
            Some(Value::Array(list)) => list.clone(),
            _ => Vec::new(),
        };
        list.push(value);
        self.set(path, Value::Array(list));
    }

    pub(crate) fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.root.get(first)?, |value, name| value.get(name))
    }

    /// A section, to be changed.
    pub(crate) fn section(&mut self, name: &str) -> Option<&mut Value> {
        self.root.get_mut(name)
    }

    /// As YAML, in the order of router.yaml's reference.
    pub(crate) fn yaml(&self) -> String {
        /// The sections, in the order in which the reference has them.
        const ORDER: [&str; 19] = [
            "schema",
            "server",
            "authentication",
            "rate_limits",
            "traffic",
            "cache",
            "headers",
            "limits",
            "exposure",
            "override_labels",
            "authorization",
            "policy_server",
            "demand_control",
            "persisted_operations",
            "subscriptions",
            "incremental",
            "events",
            "telemetry",
            "reload",
        ];
        let mut sections: Vec<_> = self.root.iter().collect();
        sections.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
        let sorted: Map<String, Value> =
            sections.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut out = String::new();
        write_map(&sorted, 0, &mut out);
        out
    }
}

fn write_map(map: &Map<String, Value>, level: usize, out: &mut String) {
    for (index, (name, value)) in map.iter().enumerate() {
        // The first key of a map in a list stands behind the dash.
        if index > 0 || !out.ends_with("- ") {
            out.push_str(&"  ".repeat(level));
        }
        out.push_str(&scalar(name));
        out.push(':');
        write_value(value, level + 1, out);
    }
}

fn write_value(value: &Value, level: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write_map(map, level, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                out.push_str(&"  ".repeat(level));
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => write_map(map, level + 1, out),
                    other => out.push_str(&format!("{}\n", inline(other))),
                }
            }
        }
        other => out.push_str(&format!(" {}\n", inline(other))),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text as YAML reads it back: plain where it can be nothing else, and else as in JSON, which YAML reads the same. What is replaced
/// before YAML is read (`${env.PORT}`) stays plain, so that it can be a number.
fn scalar(text: &str) -> String {
    let replaced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    if replaced.is_some_and(|inner| !inner.contains(['{', '}', '#', ':', '"', '\n']) || is_with_default(inner)) {
        return text.to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/') && text.chars().all(plain);
    let lower = text.to_ascii_lowercase();
    let other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&lower.as_str());
    let unit = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'B'])
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    if (word && !other) || unit { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// `env.NAME:-default` with a default that is a word.
fn is_with_default(inner: &str) -> bool {
    inner.split_once(":-").is_some_and(|(name, default)| {
        !name.contains(':') && default.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_is_written_as_yaml_that_means_the_same() {
        let value = json!({
            "traffic": { "subgraphs": { "a.b": { "url": "http://a:1/", "timeout": "10s" } } },
            "server": { "listen": "0.0.0.0:4000", "path": "/graphql", "get": false, "tls": null },
            "headers": { "all": { "request": [{ "propagate": { "name": "x", "default": "no" } }, { "remove": { "name": "y: z" } }] } },
            "limits": { "max_depth": "${env.DEPTH:-7}", "max_tokens": "${env.A}${env.B}" },
            "lists": [[1], [], {}, "a\n\"b", "1.5", "1s"],
        });
        let mut target = Target::default();
        for (name, section) in value.as_object().into_iter().flatten() {
            target.set(std::slice::from_ref(name), section.clone());
        }
        let yaml = target.yaml();
        let read: Value = braid_settings::from_yaml(&yaml).unwrap_or_default();
        assert_eq!(read, value, "{yaml}");
        assert!(yaml.contains("\n  max_depth: ${env.DEPTH:-7}\n"), "{yaml}");
        assert!(yaml.contains("\n      timeout: 10s\n"), "{yaml}");
        assert!(yaml.find("server") < yaml.find("traffic") && yaml.find("traffic") < yaml.find("headers"), "{yaml}");
    }
}
