//! Field sets in a form in which equal ones are equal texts. Knows no schema.

/// The field set with single spaces and the fields of each selection in order: `b{d c} a` and `a b { c d }` are one.
pub(super) fn normal(text: &str) -> String {
    let tokens = tokens(text);
    let mut at = 0;
    let normal = selection(&tokens, &mut at, 0);
    // What is nested beyond all reason, or not a field set at all, is compared as it was written.
    if at == tokens.len() { normal } else { tokens.join(" ") }
}

const MAX_DEPTH: usize = 64;

fn selection(tokens: &[&str], at: &mut usize, depth: usize) -> String {
    let mut items: Vec<String> = Vec::new();
    while let Some(token) = tokens.get(*at) {
        match *token {
            "}" => break,
            "{" => {
                if depth == MAX_DEPTH {
                    break;
                }
                *at += 1;
                let inner = selection(tokens, at, depth + 1);
                if tokens.get(*at) != Some(&"}") {
                    break;
                }
                *at += 1;
                if let Some(last) = items.last_mut() {
                    last.push_str(&format!(" {{ {inner} }}"));
                }
            }
            // The type condition belongs to its fragment, arguments to their field.
            "on" => {
                *at += 1;
                if let (Some(last), Some(ty)) = (items.last_mut(), tokens.get(*at)) {
                    last.push_str(&format!(" on {ty}"));
                    *at += 1;
                }
            }
            token if token.starts_with('(') => {
                *at += 1;
                if let Some(last) = items.last_mut() {
                    last.push_str(token);
                }
            }
            token => {
                *at += 1;
                items.push(token.to_owned());
            }
        }
    }
    items.sort();
    items.join(" ")
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some(first) = rest.chars().next() else { return tokens };
        let end = match first {
            '{' | '}' => 1,
            '(' => rest.find(')').map_or(rest.len(), |at| at + 1),
            '.' => rest.find(|c: char| c != '.').unwrap_or(rest.len()),
            _ => rest
                .char_indices()
                .find(|(at, c)| *at > 0 && (c.is_whitespace() || matches!(c, '{' | '}' | '(' | ',' | '.')))
                .map_or(rest.len(), |(at, _)| at),
        };
        tokens.push(&rest[..end]);
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_field_sets_are_equal_texts() {
        assert_eq!(normal("b{d c} a"), normal("a  b { c, d }"));
        assert_eq!(normal("a(x: 1) b"), "a(x: 1) b");
        assert_eq!(normal("... on B { x } a"), normal("a ...on B{x}"));
        assert_ne!(normal("a { b }"), normal("a b"));
        let deep = "a {".repeat(10_000);
        assert!(normal(&deep).starts_with("a {"));
    }
}
