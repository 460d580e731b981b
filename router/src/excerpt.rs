//! Formats a composition diagnostic for people: what is wrong, the line of the schema with the text underlined, and what to do.
//! Reads no file.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet};
use braid_composition::{Diagnostic, Level, Location, SubgraphSdl};

/// The maximum number of locations that are shown per diagnostic.
const MAX_LOCATIONS: usize = 6;
/// The maximum number of bytes of a line that are shown before and after the text: a minified schema is one line of megabytes.
const CONTEXT: usize = 60;

/// A diagnostic with excerpts of the schemas, followed by an empty line.
pub(crate) fn with_excerpts(diagnostic: &Diagnostic, subgraphs: &[SubgraphSdl], renderer: &Renderer) -> String {
    let (title, name) = match diagnostic.level {
        Level::Error => (Title::ERROR, "error"),
        Level::Warn => (Title::WARNING, "warning"),
        Level::Info => (Title::NOTE, "note"),
        Level::Debug => (Title::INFO, "debug"),
    };
    let title = title.with_name(name).primary_title(diagnostic.message.as_str());
    let mut group = Group::with_title(title.id(diagnostic.code.as_str()));
    for at in diagnostic.locations.iter().take(MAX_LOCATIONS) {
        let subgraph = subgraphs.iter().find(|subgraph| subgraph.name == at.subgraph);
        let origin = || Origin::path(at.file.as_str()).line(at.line).char_column(at.column);
        group = match subgraph.and_then(|subgraph| excerpt(&subgraph.sdl, at)) {
            Some((excerpt, true)) => group.element(excerpt.path(at.file.as_str())),
            // The renderer would count the column from the start of the excerpt.
            Some((excerpt, false)) => group.element(origin()).element(excerpt),
            None => group.element(origin()),
        };
    }
    if let Some(more) = diagnostic.locations.len().checked_sub(MAX_LOCATIONS).filter(|more| *more > 0) {
        group = group.element(Title::NOTE.message(format!("and {more} more locations")));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Title::HELP.message(help.as_str()));
    }
    format!("{}\n\n", renderer.render(&[group]))
}

/// The line of a location, or the part of it around the text, and whether it starts at the start of the line.
fn excerpt(sdl: &str, at: &Location) -> Option<(Snippet<'static, Annotation<'static>>, bool)> {
    let (before, after) = (sdl.get(..at.offset)?, sdl.get(at.offset..)?);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line_end = at.offset + after.find('\n').unwrap_or(after.len());
    let end = at.end_offset.clamp(at.offset, line_end).min(at.offset + 2 * CONTEXT);
    let start = sdl.ceil_char_boundary(line_start.max(at.offset.saturating_sub(CONTEXT)));
    let end = sdl.ceil_char_boundary(end);
    let stop = sdl.floor_char_boundary(line_end.min(end + CONTEXT));
    let cut = if start > line_start { "…" } else { "" };
    let more = if stop < line_end { "…" } else { "" };
    let shift = |offset: usize| offset - start + cut.len();
    let text = format!("{cut}{}{more}", sdl.get(start..stop)?);
    let underlined = AnnotationKind::Primary.span(shift(at.offset)..shift(end));
    Some((Snippet::source(text).line_start(at.line).annotation(underlined), cut.is_empty()))
}

#[cfg(test)]
mod tests {
    use braid_composition::compose;

    use super::*;

    fn shown(sdl: &str) -> String {
        let subgraph = SubgraphSdl {
            name: "products".into(),
            sdl: sdl.into(),
            file: Some("products.graphql".into()),
            ..Default::default()
        };
        let subgraphs = [subgraph];
        let errors = compose(&subgraphs).result.unwrap_err();
        with_excerpts(&errors[0], &subgraphs, &Renderer::plain())
    }

    #[test]
    fn the_text_is_underlined() {
        let expected = "\
error[INVALID_GRAPHQL]: [products] Syntax error at \"Money\": a colon is missing between \"price\" and its type.
 --> products.graphql:2:9
  |
2 |   price Money # of today
  |         ^^^^^
  |
  = help: write price: Money

";
        assert_eq!(shown("type Query {\n  price Money # of today\n}"), expected);
    }

    #[test]
    fn the_end_of_the_text_and_multibyte_characters_can_be_shown() {
        let open = shown("type Query { \"für alle\" größe: Int");
        assert!(open.contains("products.graphql:1:"), "{open}");
        let end = shown("\"„“\" type Query { a: Int");
        assert!(end.contains("{ a: Int\n") && end.contains("^"), "{end}");
    }

    #[test]
    fn a_line_of_megabytes_is_cut() {
        let fields = "  ünique: Int".repeat(100_000);
        let cut = shown(&format!("type Query {{ a: Missing b: Int {fields} }}"));
        assert!(cut.len() < 2_000, "{} bytes", cut.len());
        let before: String = (0..100).map(|i| format!("\"ü\" f{i}: Int ")).collect();
        let late = shown(&format!("type Query {{ {before} a: Missing }}"));
        assert!(late.contains(&format!("products.graphql:1:{}\n", 18 + before.chars().count())), "{late}");
        assert!(late.contains("f99: Int  a: Missing }\n") && late.contains("^^^^^^^\n"), "{late}");
    }

    #[test]
    fn the_number_of_locations_is_limited() {
        let many =
            shown(&format!("type Query {{ {} }}", (0..20).map(|i| format!("a{i}: Missing\n")).collect::<String>()));
        assert_eq!(many.matches("-->").count() + many.matches(":::").count(), MAX_LOCATIONS, "{many}");
        assert!(many.contains("= note: and 14 more locations"), "{many}");
    }
}
