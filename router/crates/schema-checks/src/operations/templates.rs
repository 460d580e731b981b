//! Finds documents in the code of programs: templates that `gql` or `graphql` tags, or the comment `/* GraphQL */`. Knows no language
//! beyond that, and does not read what it finds.

/// A template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// The line that its text begins on.
    pub(super) line: usize,
    /// Its text. What the program puts between definitions is left out: those are fragments, which are found by their names.
    pub(super) text: String,
    /// Whether the program puts something into a definition, so that the text is known only when it runs.
    pub(super) is_assembled: bool,
}

const TAGS: [&str; 2] = ["gql", "graphql"];

/// The templates in a file.
pub(super) fn templates(code: &str) -> Vec<Template> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find('`').map(|offset| from + offset) {
        from = at + 1;
        if !is_tagged(&code[..at]) {
            continue;
        }
        let (template, end) = read(code, from);
        if !template.text.trim().is_empty() || template.is_assembled {
            found.push(template);
        }
        from = end;
    }
    found
}

/// Whether a template that follows `before` is tagged.
fn is_tagged(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let is_comment = line.trim_start().starts_with('*') || (line.contains("//") && !line.contains("://"));
    if is_comment {
        return false;
    }
    let before = before.trim_end();
    let (before, is_marked) = match before.strip_suffix("*/") {
        Some(comment) => match comment.rsplit_once("/*") {
            Some((before, comment)) => (before.trim_end(), comment.trim() == "GraphQL"),
            None => return false,
        },
        None => (before, false),
    };
    let before = before.strip_suffix('(').unwrap_or(before).trim_end();
    let before = match before.strip_suffix('>') {
        Some(types) => types.rsplit_once('<').map_or(before, |(before, _)| before.trim_end()),
        None => before,
    };
    let is_tag = TAGS.iter().any(|tag| {
        let rest = before.strip_suffix(tag);
        // As in `gql` with backticks around it, or a name that only ends so.
        rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || "_$`'\"-/".contains(c)))
    });
    is_marked || is_tag
}

/// The template whose text begins at a byte, and where the code goes on after it.
fn read(code: &str, start: usize) -> (Template, usize) {
    let (mut text, mut depth, mut is_assembled) = (String::new(), 0_i64, false);
    let mut chars = code[start..].char_indices().peekable();
    let mut end = code.len();
    while let Some((offset, c)) = chars.next() {
        match c {
            '`' => {
                end = start + offset + 1;
                break;
            }
            '\\' => match chars.next() {
                Some((_, escaped @ ('`' | '$' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => {}
            },
            '$' if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                let after = skip_expression(code, start + offset + 2);
                is_assembled |= depth > 0;
                // Lines stay what they are.
                text.push(' ');
                text.extend(code[start + offset..after].chars().filter(|c| *c == '\n'));
                while chars.next_if(|(offset, _)| start + offset < after).is_some() {}
            }
            _ => {
                depth += i64::from(c == '{' || c == '(') - i64::from(c == '}' || c == ')');
                text.push(c);
            }
        }
    }
    let line = code[..start].matches('\n').count() + 1;
    (Template { line, text, is_assembled }, end)
}

/// Where the code goes on after an expression in a template, which begins at a byte. It may have templates itself.
fn skip_expression(code: &str, start: usize) -> usize {
    let (mut depth, mut quote, mut escaped) = (1, None, false);
    for (offset, c) in code[start..].char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
        if depth == 0 {
            return start + offset + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, expected: &[(usize, &str, bool)]) {
        let found: Vec<_> = templates(code)
            .into_iter()
            .map(|template| (template.line, template.text.trim().to_owned(), template.is_assembled))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(line, text, is_assembled)| (*line, (*text).to_owned(), *is_assembled)).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn tags_of_the_field_are_found() {
        check("const a = gql`{ a }`", &[(1, "{ a }", false)]);
        check("\nconst a = graphql(`\n  query A { a }\n`);", &[(2, "query A { a }", false)]);
        check("const a = graphql(/* GraphQL */ `{ a }`)", &[(1, "{ a }", false)]);
        check("const a = /* GraphQL */ `{ a }`", &[(1, "{ a }", false)]);
        check(
            "useQuery(gql<Data, Variables>`{ a }`); x(Apollo.gql`{ b }`)",
            &[(1, "{ a }", false), (1, "{ b }", false)],
        );
        check("<p>don't</p><script>const a = gql`{ a(x: \"\\`\") }`</script>", &[(1, "{ a(x: \"`\") }", false)]);
    }

    #[test]
    fn what_is_no_tag_is_left_alone() {
        for code in [
            "const a = `{ a }`",
            "const a = notgql`{ a }`",
            "// use gql`{ a }`",
            "/**\n * gql`{ a }`\n */",
            "const text = 'the `gql` tag' + `gql`",
            "gql``",
            "gql`${all}`",
            "const a = css/* GraphQL? */`a`",
        ] {
            check(code, &[]);
        }
    }

    #[test]
    fn fragments_between_definitions_are_left_out() {
        let code = "gql`\n  query A { a { ...F } }\n  ${F}\n  ${\n  x ? `${G}` : '}'}\n`; gql`fragment G on T { g }`";
        let found = templates(code);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].line, found[0].text.matches('\n').count(), found[0].is_assembled), (1, 5, false));
        assert_eq!((found[1].line, found[1].text.as_str()), (6, "fragment G on T { g }"));
        for code in ["gql`{ a { ${fields} } }`", "gql`{ a(x: ${x}) }`", "gql`query A { ...${name} }`"] {
            assert!(templates(code)[0].is_assembled, "{code}");
        }
    }

    #[test]
    fn code_that_breaks_off_ends() {
        for code in ["gql`{ a", "gql`{ a ${", "gql`${`", "gql`\\", "`", "gql`${ '", "/* GraphQL */`é"] {
            templates(code);
        }
        let nested = "gql`${".repeat(10_000);
        templates(&nested);
    }
}
