//! Logs what composition found and what a new version changes. Decides nothing.

use braid_composition::{Diagnostic, Location};
use braid_schema_checks::change::ChangeKind;
use braid_schema_checks::diff::diff;
use braid_supergraph::Supergraph;

/// The maximum number of errors that are logged per failure.
const MAX_ERRORS: usize = 20;
/// The maximum number of names or locations that are logged in a list.
const MAX_NAMES: usize = 10;

/// Logs the errors of subgraphs that do not compose, with locations and help.
pub(crate) fn errors(errors: &[Diagnostic]) {
    for error in errors.iter().take(MAX_ERRORS) {
        let (code, at, help) = (error.code.as_str(), shown(&error.locations), error.help.as_deref());
        tracing::error!(code, at, help, problem = error.message, "The subgraphs do not compose");
    }
    if let Some(more) = errors.len().checked_sub(MAX_ERRORS).filter(|more| *more > 0) {
        tracing::error!(more, "There are more errors; `braid compose` shows them all");
    }
}

/// Logs what composes but may be a mistake.
pub(crate) fn hints(hints: &[Diagnostic]) {
    for hint in hints {
        let (code, at, help) = (hint.code.as_str(), shown(&hint.locations), hint.help.as_deref());
        tracing::debug!(code, at, help, problem = hint.message, "Composition has a hint");
    }
}

fn shown(locations: &[Location]) -> Option<String> {
    let shown = locations.iter().take(MAX_NAMES).map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
    let shown: Vec<String> = shown.collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// What a new version of a graph adds and removes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    subgraphs: Option<String>,
    types: Option<String>,
    fields: Option<String>,
    /// The number of other changes that clients can notice.
    others: Option<usize>,
    /// The number of compiled operations that the changes do not touch.
    operations_kept: usize,
}

impl Changes {
    /// Compares two versions.
    pub(crate) fn between(old: &Supergraph, new: &Supergraph) -> Self {
        let mut subgraphs = Names::default();
        for subgraph in new.subgraphs.iter().filter(|s| old.subgraph_named(&s.name).is_none()) {
            subgraphs.add('+', &subgraph.name);
        }
        for subgraph in old.subgraphs.iter().filter(|s| new.subgraph_named(&s.name).is_none()) {
            subgraphs.add('-', &subgraph.name);
        }
        let (mut types, mut fields, mut others) = (Names::default(), Names::default(), 0);
        for change in diff(&old.api_schema, &new.api_schema) {
            match change.kind {
                ChangeKind::TypeAdded => types.add('+', &change.coordinate),
                ChangeKind::TypeRemoved => types.add('-', &change.coordinate),
                ChangeKind::FieldAdded => fields.add('+', &change.coordinate),
                ChangeKind::FieldRemoved => fields.add('-', &change.coordinate),
                _ => others += 1,
            }
        }
        Self {
            subgraphs: subgraphs.text(),
            types: types.text(),
            fields: fields.text(),
            others: (others > 0).then_some(others),
            operations_kept: 0,
        }
    }

    /// The same, where so many compiled operations are kept.
    pub(crate) fn with_kept_operations(self, operations_kept: usize) -> Self {
        Self { operations_kept, ..self }
    }

    /// Logs that the new version is in use.
    pub(crate) fn log(&self) {
        let Self { subgraphs, types, fields, others, operations_kept } = self;
        let (subgraphs, types, fields) = (subgraphs.as_deref(), types.as_deref(), fields.as_deref());
        tracing::info!(
            subgraphs,
            types,
            fields,
            others = *others,
            operations_kept,
            "A new version of schema, configuration or certificates is in use"
        );
    }
}

/// A list of names, each with a sign.
#[derive(Default)]
struct Names {
    shown: Vec<String>,
    more: usize,
}

impl Names {
    fn add(&mut self, sign: char, name: &str) {
        match self.shown.len() < MAX_NAMES {
            true => self.shown.push(format!("{sign}{name}")),
            false => self.more += 1,
        }
    }

    fn text(self) -> Option<String> {
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        (!self.shown.is_empty()).then(|| format!("{}{more}", self.shown.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use braid_composition::{SubgraphSdl, compose};

    use super::*;

    fn supergraph(subgraphs: &[(&str, &str)]) -> Supergraph {
        let subgraphs: Vec<SubgraphSdl> = subgraphs
            .iter()
            .map(|(name, sdl)| SubgraphSdl {
                name: (*name).into(),
                url: "http://x".into(),
                sdl: (*sdl).into(),
                file: None,
            })
            .collect();
        Supergraph::read(&compose(&subgraphs).result.unwrap().supergraph_sdl).unwrap()
    }

    #[test]
    fn changes_are_what_a_version_adds_and_removes() {
        let old =
            supergraph(&[("a", "type Query { a: A x: Int } type A { old: Int }"), ("b", "type Query { b: Int }")]);
        let new = supergraph(&[
            ("a", "type Query { a: A x: String } type A { new: B } type B { b: Int }"),
            ("c", "type Query { b: Int }"),
        ]);
        let changes = Changes::between(&old, &new);
        assert_eq!(changes.subgraphs.as_deref(), Some("+c -b"));
        assert_eq!(changes.types.as_deref(), Some("+B"));
        assert_eq!(changes.fields.as_deref(), Some("-A.old +A.new"));
        assert_eq!(changes.others, Some(1));
        assert_eq!(Changes::between(&old, &old), Changes::default());
    }

    #[test]
    fn names_are_bounded() {
        let fields = (0..30).map(|i| format!("f{i}: Int ")).collect::<String>();
        let changes = Changes::between(
            &supergraph(&[("a", "type Query { a: Int }")]),
            &supergraph(&[("a", &format!("type Query {{ a: Int {fields} }}"))]),
        );
        assert!(changes.fields.unwrap().ends_with("+Query.f9 and 20 more"));
    }
}
