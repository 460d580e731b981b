//! Operations as HTML, with a class for each kind of token, and links from fields and types to their places. Knows no schema.

use maud::{Markup, PreEscaped, Render};

/// A GraphQL document as HTML. `address` finds the place of the name that starts at an offset.
pub(crate) fn graphql(text: &str, address: impl Fn(usize) -> Option<String>) -> Markup {
    let mut out = String::with_capacity(text.len() * 3);
    let mut at = 0;
    let mut before = "";
    while let Some(token) = next(text, at) {
        let end = at + token.len();
        let class = class(token, before);
        match address(at) {
            Some(address) => {
                out.push_str("<a href=\"");
                address.render_to(&mut out);
                out.push_str("\">");
                token.render_to(&mut out);
                out.push_str("</a>");
            }
            None => match class {
                Some(class) => {
                    out.push_str("<span class=\"");
                    out.push_str(class);
                    out.push_str("\">");
                    token.render_to(&mut out);
                    out.push_str("</span>");
                }
                None => token.render_to(&mut out),
            },
        }
        if !token.trim().is_empty() && !token.starts_with('#') {
            before = token;
        }
        at = end;
    }
    PreEscaped(out)
}

/// Comment, string, number, variable, directive, keyword.
fn class(token: &str, before: &str) -> Option<&'static str> {
    match token.as_bytes().first()? {
        b'#' => Some("c"),
        b'"' => Some("s"),
        b'0'..=b'9' | b'-' => Some("n"),
        b'$' => Some("v"),
        b'@' => Some("d"),
        _ => match token {
            "query" | "mutation" | "subscription" | "fragment" if before.is_empty() || before == "}" => Some("k"),
            // A type condition; a field can have this name, too.
            "on" if before == "..." => Some("k"),
            "true" | "false" | "null" if before == ":" || before == "[" || before == "=" => Some("n"),
            _ => None,
        },
    }
}

/// The token at a place. All tokens of a document together are its text.
fn next(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let first = rest.chars().next()?;
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let while_ = |from: usize, takes: &dyn Fn(char) -> bool| {
        rest[from..].find(|c: char| !takes(c)).map_or(rest.len(), |end| from + end)
    };
    let end = match first {
        '#' => while_(1, &|c| c != '\n'),
        '"' if rest.starts_with("\"\"\"") => rest[3..].find("\"\"\"").map_or(rest.len(), |end| end + 6),
        '"' => string_end(rest),
        '$' | '@' => while_(1, &name),
        '.' if rest.starts_with("...") => 3,
        c if name(c) => while_(1, &|c| name(c) || (first.is_ascii_digit() && matches!(c, '.' | '+' | '-'))),
        c if c.is_whitespace() => while_(c.len_utf8(), &char::is_whitespace),
        c => c.len_utf8(),
    };
    rest.get(..end)
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return index + 1,
            '\n' => return index,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn tokens_have_classes_and_names_have_links() {
        let text = "query Q($a: Int = -1) {\n  on(x: \"<b>\\\"\", y: true) @skip(if: $a) # c\n  ...on T { query }\n}";
        let field = text.find("on(x").unwrap_or_default();
        let html = graphql(text, |at| (at == field).then(|| "a.html#\"on".to_owned())).into_string();
        assert_eq!(
            html,
            "<span class=\"k\">query</span> Q(<span class=\"v\">$a</span>: Int = <span class=\"n\">-</span>\
             <span class=\"n\">1</span>) {\n  <a href=\"a.html#&quot;on\">on</a>(x: <span class=\"s\">&quot;&lt;b&gt;\\&quot;&quot;</span>, \
             y: <span class=\"n\">true</span>) <span class=\"d\">@skip</span>(if: <span class=\"v\">$a</span>) \
             <span class=\"c\"># c</span>\n  ...<span class=\"k\">on</span> T { query }\n}"
        );
    }

    #[test]
    fn any_text_is_kept() {
        for text in ["", "\"", "\"\"\"a", "\"a\nb", "ä€$", "1.5e-3", "..", "\\\"<>&"] {
            let html = graphql(text, |_| None).into_string();
            let mut plain = String::new();
            let mut inside = false;
            for c in html.chars() {
                match c {
                    '<' => inside = true,
                    '>' => inside = false,
                    c if !inside => plain.push(c),
                    _ => {}
                }
            }
            let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            assert_eq!(plain, text);
        }
    }
}
