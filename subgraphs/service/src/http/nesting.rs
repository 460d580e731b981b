//! How deep a GraphQL text nests, told before it is parsed. Knows nothing of grammar beyond brackets, strings, comments.
//!
//! async-graphql's parser descends by recursion and counts levels only afterwards: a body of brackets would take the
//! process down with its stack.

/// Whether the text has more levels of brackets than any query that we answer.
pub(super) fn is_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => at = after_comment(bytes, at),
            b'"' => at = after_string(bytes, at),
            _ => {}
        }
        if depth > MOST_LEVELS {
            return true;
        }
        at += 1;
    }
    false
}

/// Far more than the depth limit lets through, with room for arguments.
const MOST_LEVELS: usize = 200;

/// The last byte of the comment that begins here.
fn after_comment(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count() - 1
}

/// The last byte of the string that begins here. One without an end is taken for its first quote alone: what follows
/// is counted, since a parser may see brackets there.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start + 1..).unwrap_or_default();
    let end = match rest {
        [b'"', b'"', block @ ..] => block_end(block).map(|end| end + 2),
        _ => line_end(rest),
    };
    end.map_or(start, |end| start + 1 + end)
}

/// The place of the last quote of a block string's end.
fn block_end(block: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at + 2 < block.len() {
        if block[at..].starts_with(br#"\""""#) {
            at += 4;
        } else if block[at..].starts_with(br#"""""#) {
            return Some(at + 2);
        } else {
            at += 1;
        }
    }
    None
}

/// The place of the quote that ends a string of one line.
fn line_end(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match rest.get(at)? {
            b'"' => return Some(at),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: impl AsRef<str>, expected: bool) {
        assert_eq!(is_too_deep(text.as_ref()), expected);
    }

    #[test]
    fn brackets_count_where_they_are_brackets() {
        let deep = "{a".repeat(201);
        check("{a".repeat(200), false);
        check(&deep, true);
        check("[".repeat(300), true);
        check("{ a(b: \"".to_owned() + &deep + "\") }", false);
        check("{ a(b: \"\\\"".to_owned() + &deep + "\") }", false);
        check("{ a(b: \"\"\" \\\"\"\" \" ".to_owned() + &deep + "\"\"\") }", false);
        check("#".to_owned() + &deep, false);
        check("# \"\n".to_owned() + &deep, true);
        check("\"a\n".to_owned() + &deep, true);
        check("\"\"\"x\"".to_owned() + &deep, true);
        check("\"\"".to_owned() + &deep, true);
        check("\"\\".to_owned(), false);
        check("#", false);
        check("{}[]()".repeat(1000), false);
    }
}
