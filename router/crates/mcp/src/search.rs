//! The tool `search`: from words to the fields that they are about, and a part of the schema in which they can be read. Knows no client.

use std::fmt::Write;

use braid_graphql::compiler::schema::ExtendedType;

use crate::index::{Index, Place};
use crate::partial::Partial;
use crate::sdl::{self, Detail};
use crate::view::{View, fields};
use crate::ways::Ways;
use crate::words::summary;

/// A part of the schema that is larger than this shows fewer of the places that were found.
const MAX_BYTES: usize = 10_000;
/// How many fields of a type that was found are shown.
const FIELDS: usize = 30;
/// The most places that can be asked for, and how many are found if nothing is said.
pub(crate) const MOST: usize = 20;
pub(crate) const USUAL: usize = 6;

/// What a search needs of a schema.
#[derive(Debug, Default)]
pub(crate) struct Searchable {
    index: Index,
    ways: Ways,
}

impl Searchable {
    pub(crate) fn new(view: View<'_>) -> Self {
        let ways = Ways::new(view);
        Self { index: Index::new(view, &ways), ways }
    }

    /// What was found, as text.
    pub(crate) fn search(&self, view: View<'_>, question: &str, most: usize) -> String {
        let found = self.index.find(question, most.clamp(1, MOST));
        if found.is_empty() {
            let roots = view.roots().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
            return format!("Nothing was found. Use other words, or introspect the root type ({roots}).");
        }
        let mut out = String::from("# Found, best first:\n");
        for place in &found {
            let _ = writeln!(out, "# - {}", self.line(view, place));
        }
        let mut shown = String::new();
        for most in [FIELDS, FIELDS / 4, 1] {
            shown = sdl::write(&self.part(view, &found[..1], most), Detail::Brief);
            if shown.len() <= MAX_BYTES {
                break;
            }
        }
        for count in 2..=found.len() {
            let more = sdl::write(&self.part(view, &found[..count], FIELDS), Detail::Brief);
            if more.len() > MAX_BYTES {
                let _ = writeln!(out, "# Of the last {}, introspect what you need.", found.len() - count + 1);
                break;
            }
            shown = more;
        }
        let _ = write!(out, "\n{}", shown.trim_end());
        out
    }

    /// A place, what it is, how to get there, and what it needs.
    fn line(&self, view: View<'_>, place: &Place) -> String {
        let Place { ty, field } = place;
        let mut line = match field {
            Some(field) => format!("{ty}.{field}"),
            None => ty.to_string(),
        };
        let definition = view.ty(ty);
        let about = match field {
            Some(name) => definition
                .and_then(|ty| fields(ty).find(|(field, _)| field.as_str() == &**name))
                .and_then(|(_, field)| field.description.as_deref()),
            None => definition.and_then(ExtendedType::description).map(|text| &**text),
        };
        if let Some(about) = about {
            let _ = write!(line, ": {}", summary(about, 100));
        }
        if let Some(way) = self.ways.to(ty).filter(|way| !way.is_empty()) {
            let way = way.iter().map(|(parent, field)| format!("{parent}.{field}"));
            let _ = write!(line, " (by {})", way.collect::<Vec<_>>().join(" → "));
        }
        if let Some(needs) = field.as_deref().and_then(|field| view.field_needs(ty, field)) {
            let _ = write!(line, " [{needs}]");
        }
        line
    }

    /// The part of the schema with these places and the ways to them. Of a type that was found, at most so many fields.
    fn part<'a>(&self, view: View<'a>, places: &[&Place], most: usize) -> Partial<'a> {
        let mut partial = Partial::new(view);
        for Place { ty, field } in places {
            for (parent, field) in self.ways.to(ty).unwrap_or_default() {
                partial.add_field(parent, field);
            }
            match field {
                Some(field) => partial.add_field(ty, field),
                None => _ = partial.add_type(ty, most),
            }
        }
        partial.close();
        partial
    }
}
