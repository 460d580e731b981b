//! Keeps answers small: lists are cut, and the answer says which. Knows no operation.

use serde_json::{Map, Value, json};

/// How large answers may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most items of a list.
    pub(crate) max_items: usize,
    /// The most bytes of an answer.
    pub(crate) max_bytes: usize,
}

/// An answer within bounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounded {
    pub(crate) value: Value,
    /// The same as JSON.
    pub(crate) text: String,
}

/// The most lists that an answer names as cut, and the most errors that it has.
const MAX_NAMED: usize = 20;
const MAX_ERRORS: usize = 20;

impl Bounds {
    /// An answer of a subgraph as it is shown, or nothing if even one item of each list is too much.
    pub(crate) fn apply(self, text: &str) -> Option<Bounded> {
        let whole: Value = serde_json::from_str(text).ok()?;
        let mut most = self.max_items;
        loop {
            let mut cuts = Cuts { most, lists: Vec::new(), count: 0 };
            let mut value = whole.clone();
            if let Some(data) = value.get_mut("data") {
                cuts.cut(data, &mut String::from("data"));
            }
            let errors = value.get_mut("errors").and_then(Value::as_array_mut);
            let has_more_errors = errors.is_some_and(|errors| {
                let has_more = errors.len() > MAX_ERRORS;
                errors.truncate(MAX_ERRORS);
                has_more
            });
            let is_cut = cuts.count > 0 || has_more_errors;
            if let Value::Object(members) = &mut value {
                cuts.note(members);
            }
            // What is shown as it came keeps its numbers digit by digit.
            let text = if is_cut { value.to_string() } else { text.to_owned() };
            if text.len() <= self.max_bytes {
                return Some(Bounded { value, text });
            }
            if most == 1 {
                return None;
            }
            most /= 2;
        }
    }
}

struct Cuts {
    most: usize,
    lists: Vec<Value>,
    count: usize,
}

impl Cuts {
    fn cut(&mut self, value: &mut Value, path: &mut String) {
        let length = path.len();
        match value {
            Value::Array(items) => {
                if items.len() > self.most {
                    self.count += 1;
                    if self.lists.len() < MAX_NAMED {
                        self.lists.push(json!({ "path": path.as_str(), "items": items.len(), "shown": self.most }));
                    }
                    items.truncate(self.most);
                }
                for (at, item) in items.iter_mut().enumerate() {
                    path.push_str(&format!(".{at}"));
                    self.cut(item, path);
                    path.truncate(length);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    path.push('.');
                    path.push_str(name);
                    self.cut(member, path);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn note(self, members: &mut Map<String, Value>) {
        if self.count > 0 {
            members.insert("truncated".to_owned(), Value::Array(self.lists));
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn check(max_items: usize, max_bytes: usize, text: &str, expected: Option<&str>) {
        let bounded = Bounds { max_items, max_bytes }.apply(text);
        assert_eq!(bounded.as_ref().map(|bounded| bounded.text.as_str()), expected, "{text}");
        if let Some(Bounded { value, text }) = bounded {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn lists_are_cut_and_named() {
        check(3, 1000, r#"{"data":{"a":[1,2,3]}}"#, Some(r#"{"data":{"a":[1,2,3]}}"#));
        check(
            2,
            1000,
            r#"{"data":{"a":[{"b":[1,2,3]},2,3]}}"#,
            Some(
                r#"{"data":{"a":[{"b":[1,2]},2]},"truncated":[{"path":"data.a","items":3,"shown":2},{"path":"data.a.0.b","items":3,"shown":2}]}"#,
            ),
        );
        check(1, 1000, r#"{"data":{"a":12345678901234567890.10}}"#, Some(r#"{"data":{"a":12345678901234567890.10}}"#));
    }

    #[test]
    fn large_answers_show_fewer_items() {
        let items = vec![json!("x".repeat(100)); 64];
        let text = json!({ "data": { "a": items } }).to_string();
        let bounded = Bounds { max_items: 64, max_bytes: 2000 }.apply(&text).unwrap();
        assert_eq!(bounded.value["data"]["a"].as_array().unwrap().len(), 16);
        assert_eq!(bounded.value["truncated"][0]["items"], 64);
        check(64, 100, &text, None);
    }

    #[test]
    fn errors_are_few() {
        let errors = vec![json!({ "message": "no" }); 50];
        let text = json!({ "data": null, "errors": errors }).to_string();
        let bounded = Bounds { max_items: 1, max_bytes: 10_000 }.apply(&text).unwrap();
        assert_eq!(bounded.value["errors"].as_array().unwrap().len(), MAX_ERRORS);
    }
}
