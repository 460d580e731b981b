//! Indents JSON without reading it: numbers and strings stay as they were written. Knows no value.

/// The text of valid JSON with a line for each member and item. What is not valid stays readable, but is not made valid.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut characters = json.chars().filter(|c| !c.is_control() || *c == ' ').peekable();
    while let Some(c) = characters.next() {
        if in_string {
            out.push(c);
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            ' ' => {}
            '"' => {
                in_string = true;
                out.push(c);
            }
            '{' | '[' => {
                while characters.next_if_eq(&' ').is_some() {}
                out.push(c);
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

/// Nesting that is deeper than anybody reads is not indented further.
fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth.min(40)).for_each(|_| out.push_str("  "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_were_written() {
        let json = r#"{"a":1.50,"b":[1e400,"x, {\"y\": [1]} \\"],"c":{},"d":[ ],"e":"\u00e9"}"#;
        let expected = "{\n  \"a\": 1.50,\n  \"b\": [\n    1e400,\n    \"x, {\\\"y\\\": [1]} \\\\\"\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": \"\\u00e9\"\n}";
        assert_eq!(pretty(json), expected);
        assert_eq!(pretty(&pretty(json)), expected, "twice is as once");
        assert_eq!(pretty("]}"), "\n]\n}");
    }
}
