//! Descriptions as HTML. They are Markdown of anybody who can write a schema: HTML in them becomes text, pictures become links, and
//! links that do anything but open a page lose their address.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};

/// Longer descriptions are cut: a page is read by people.
const LONGEST: usize = 64 * 1024;

/// A description as HTML. `address` finds the page that a name in code marks refers to, such as `Product.name`.
pub(crate) fn markdown(text: &str, address: impl Fn(&str) -> Option<String>) -> Markup {
    let text = cut(text);
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut events = Vec::new();
    // The links and pictures around the text, each with whether it became a link.
    let mut links: Vec<bool> = Vec::new();
    for event in parser {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            // The page has an outline of its own.
            Event::Start(Tag::Heading { .. }) => {
                events.extend([Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]);
            }
            Event::End(TagEnd::Heading(_)) => {
                events.extend([Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)]);
            }
            // A picture would be loaded from elsewhere. Its text is the link's.
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let opens = is_safe(&dest_url) && !links.contains(&true);
                if opens {
                    events.push(link(dest_url));
                }
                links.push(opens);
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if links.pop() == Some(true) {
                    events.push(Event::End(TagEnd::Link));
                }
            }
            Event::Code(code) => match address(&code).filter(|_| !links.contains(&true)) {
                Some(address) => {
                    events.extend([link(CowStr::from(address)), Event::Code(code), Event::End(TagEnd::Link)]);
                }
                None => events.push(Event::Code(code)),
            },
            other => events.push(other),
        }
    }
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events.into_iter());
    PreEscaped(out)
}

/// The first sentence or line of a description, as text without marks, for lists and the search.
pub(crate) fn summary(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut out = String::new();
    let mut begun = false;
    for event in Parser::new(cut(text)) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&text);
                begun = true;
            }
            Event::SoftBreak => out.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::HtmlBlock)
            | Event::HardBreak
                if begun =>
            {
                break;
            }
            _ => {}
        }
        if out.len() > 4 * LONGEST {
            break;
        }
    }
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = out.find(". ").map_or(out.as_str(), |end| &out[..=end]);
    shortened(sentence, LONGEST)
}

/// A text of at most so many characters, with an ellipsis if it was longer.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

fn link<'t>(dest_url: CowStr<'t>) -> Event<'t> {
    Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title: CowStr::from(""), id: CowStr::from("") })
}

/// Whether an address only opens a page or a mail.
fn is_safe(address: &str) -> bool {
    // Browsers drop tabs and line breaks inside an address, and read a backslash as a slash.
    let odd = |c: char| c.is_control() || c == '\\' || (c.is_whitespace() && c != ' ');
    let scheme_end = address.find(['/', '?', '#', ':']).filter(|at| address[*at..].starts_with(':'));
    let allowed = match scheme_end.map(|end| address[..end].to_ascii_lowercase()) {
        Some(scheme) => matches!(scheme.as_str(), "http" | "https" | "mailto"),
        // Two slashes name another host by the scheme of the page, which may be file:.
        None => !address.starts_with("//"),
    };
    allowed && !address.contains(odd) && !address.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn html(text: &str) -> String {
        markdown(text, |code| (code == "Product").then(|| "types/Product.html".to_owned())).into_string()
    }

    #[test]
    fn html_is_text() {
        assert_eq!(html("a <b onclick=x>b</b>"), "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n");
        assert_eq!(
            html("<script>alert(1)</script>\n\nb"),
            "<p>&lt;script&gt;alert(1)&lt;/script&gt;\n</p>\n<p>b</p>\n"
        );
        assert_eq!(html("<!-- x -->"), "<p>&lt;!-- x --&gt;</p>\n");
        assert_eq!(
            html("```\"><img src=x>\n</code><script>\n```"),
            "<pre><code class=\"language-&quot;&gt;&lt;img\">&lt;/code&gt;&lt;script&gt;\n</code></pre>\n"
        );
    }

    #[test]
    fn links_only_open_pages_and_mails() {
        let address = |text: &str| {
            let html = html(&format!("[x](<{text}>)"));
            html.strip_prefix("<p><a href=\"").and_then(|rest| rest.split_once('"')).map(|(href, _)| href.to_owned())
        };
        for kept in [
            "https://a.example/b?c=d#e",
            "HTTP://a.example",
            "mailto:a@b.example",
            "guide.html",
            "../a/b.html",
            "#top",
            "a?b=c:d",
        ] {
            assert_eq!(address(kept).as_deref(), Some(kept));
        }
        for refused in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "//evil.example/x",
            "\\\\\\\\evil.example",
            "/\\\\evil.example",
            "blob:x",
            "javascript&colon;alert(1)",
            "&#106;avascript:alert(1)",
            "\u{1}javascript:alert(1)",
        ] {
            assert_eq!(address(refused), None, "{refused}");
        }
    }

    #[test]
    fn pictures_are_links_and_headings_paragraphs() {
        assert_eq!(
            html("![a *b*](https://a.example/b.png)"),
            "<p><a href=\"https://a.example/b.png\">a <em>b</em></a></p>\n"
        );
        assert_eq!(
            html("[![a](https://a.example/b.png)](https://c.example)"),
            "<p><a href=\"https://c.example\">a</a></p>\n"
        );
        assert_eq!(html("# A\nb"), "<p><strong>A</strong></p>\n<p>b</p>\n");
    }

    #[test]
    fn names_in_code_marks_are_links() {
        assert_eq!(html("a `Product`"), "<p>a <a href=\"types/Product.html\"><code>Product</code></a></p>\n");
        assert_eq!(html("a `Other`"), "<p>a <code>Other</code></p>\n");
        assert_eq!(html("[`Product`](#a)"), "<p><a href=\"#a\"><code>Product</code></a></p>\n");
    }

    #[test]
    fn summaries_are_the_first_sentence_without_marks() {
        assert_eq!(summary("The `id` of *it*. More."), "The id of it.");
        assert_eq!(summary("# Title\n\nText"), "Title");
        assert_eq!(summary("One\ntwo <b>"), "One two <b>");
        assert_eq!(summary(&"ä".repeat(500)).chars().count(), 160);
        assert_eq!(summary(""), "");
    }
}
