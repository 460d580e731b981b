//! `@override`: which subgraph's field another one has taken over.

use std::collections::BTreeMap;

use braid_graphql::compiler::Name;

use super::Merger;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::subgraph::model::{Applied, Directives, Field, Kind};
use crate::subgraph::spec::Known;

/// What overriding does to one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    /// Overridden, but still needed in its subgraph.
    pub(super) used: Vec<usize>,
    pub(super) unused: Vec<usize>,
    pub(super) labels: BTreeMap<usize, String>,
    /// `from` arguments that name no subgraph.
    pub(super) unknown: Vec<(usize, String)>,
}

impl Overrides {
    pub(super) fn is_overridden(&self, index: usize) -> bool {
        self.used.contains(&index) || self.unused.contains(&index)
    }

    /// Gone from its subgraph for good.
    pub(super) fn is_gone(&self, index: usize) -> bool {
        self.unused.contains(&index) && !self.labels.contains_key(&index)
    }
}

impl<'a> Merger<'a> {
    pub(super) fn merge_override(&mut self, name: &Name, field: &Name, having: &[(usize, &'a Field)]) -> Overrides {
        let mut result = Overrides::default();
        let overriding: Vec<(usize, &'a Field, &'a Applied)> =
            having.iter().filter_map(|(i, f)| Some((*i, *f, f.get(Known::Override)?))).collect();
        for (index, f, applied) in &overriding {
            self.one_override(name, field, having, (*index, f, applied), &overriding, &mut result);
        }
        result
    }

    fn one_override(
        &mut self,
        name: &Name,
        field: &Name,
        having: &[(usize, &'a Field)],
        (index, f, applied): (usize, &'a Field, &'a Applied),
        overriding: &[(usize, &'a Field, &'a Applied)],
        result: &mut Overrides,
    ) {
        let coordinate = format!("{name}.{field}");
        let subgraph = &self.subgraphs[index];
        let place = subgraph.locate(applied.span);
        let here = subgraph.name.clone();
        let diagnostic = |code, message: String, help: &str| {
            Diagnostic::new(code, message).on(coordinate.as_str()).at(place.clone()).help(help)
        };
        let remove = crate::validate::edits::remove_application(subgraph, applied);
        let parent = self.type_in(index, name);
        if parent.is_some_and(|t| t.kind == Kind::Interface) {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_ON_INTERFACE,
                    format!("@override cannot be used on field \"{coordinate}\" on subgraph \"{here}\": @override is not supported on interface type fields."),
                    "override the field on each implementing object type instead",
                )
                .fix("remove @override from the interface's field", remove),
            );
            return;
        }
        if parent.is_some_and(|t| t.is_interface_object()) {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    format!("@override is not yet supported on fields of @interfaceObject types: cannot be used on field \"{coordinate}\" on subgraph \"{here}\"."),
                    "remove @override",
                )
                .fix("remove @override", remove),
            );
            return;
        }
        let from = applied.str_arg("from").unwrap_or_default();
        let Some(source) = self.subgraphs.iter().position(|s| &*s.name == from) else {
            result.unknown.push((index, from.to_string()));
            let near = did_you_mean(from, self.subgraphs.iter().map(|s| &*s.name));
            self.hints.push(diagnostic(
                Code::FROM_SUBGRAPH_DOES_NOT_EXIST,
                format!(
                    "Source subgraph \"{from}\" for field \"{coordinate}\" on subgraph \"{here}\" does not exist.{near}"
                ),
                "correct the subgraph's name, or remove @override if the subgraph is gone",
            ));
            return;
        };
        if source == index {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_FROM_SELF_ERROR,
                    format!(
                        "Source and destination subgraphs \"{from}\" are the same for overridden field \"{coordinate}\""
                    ),
                    "name the subgraph that the field is taken over from",
                )
                .fix("remove @override", remove),
            );
            return;
        }
        if overriding.iter().any(|(i, ..)| *i == source) {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_SOURCE_HAS_OVERRIDE,
                    format!("Field \"{coordinate}\" on subgraph \"{here}\" is also marked with directive @override in subgraph \"{from}\". Only one @override directive is allowed per field."),
                    "keep one of the two @override directives",
                )
                .fix("remove this @override", remove),
            );
            return;
        }
        let Some((_, from_field)) = having.iter().find(|(i, _)| *i == source) else {
            if self.abstracted(name, field).iter().any(|(i, _)| *i == source) {
                self.errors.push(
                    diagnostic(
                        Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                        format!("Invalid @override on field \"{coordinate}\" of subgraph \"{here}\": source subgraph \"{from}\" does not have field \"{coordinate}\" but abstracts it with @interfaceObject, and overriding that is not supported."),
                        "remove @override, and the field of the interface object instead",
                    )
                    .fix("remove @override", remove),
                );
                return;
            }
            self.hints.push(diagnostic(
                Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
                format!("Field \"{coordinate}\" on subgraph \"{here}\" no longer exists in the from subgraph. The @override directive can be removed."),
                "remove @override",
            ));
            return;
        };
        let collision = self.override_collision(index, f, source, from_field);
        if let Some((directive, where_)) = collision {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    format!("@override cannot be used on field \"{coordinate}\" on subgraph \"{here}\" since \"{coordinate}\" on \"{where_}\" is marked with directive \"@{directive}\""),
                    "remove one of the two directives",
                )
                .fix("remove @override", remove),
            );
            return;
        }
        if from_field.facts.external {
            self.hints.push(diagnostic(
                Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
                format!("Field \"{coordinate}\" on subgraph \"{here}\" is not resolved anymore by the from subgraph (it is marked \"@external\" in \"{from}\"). The @override directive can be removed."),
                "remove @override",
            ));
            return;
        }
        let label = applied.str_arg("label").filter(|l| !l.is_empty());
        if from_field.facts.used {
            result.used.push(source);
        } else {
            result.unused.push(source);
        }
        let Some(label) = label else {
            let message = match from_field.facts.used {
                true => format!(
                    "Field \"{coordinate}\" on subgraph \"{from}\" is overridden. It is still used in some federation directive(s) (@key, @requires, and/or @provides) and/or to satisfy interface constraint(s), but consider marking it @external explicitly or removing it along with its references."
                ),
                false => format!("Field \"{coordinate}\" on subgraph \"{from}\" is overridden. Consider removing it."),
            };
            self.hints.push(diagnostic(Code::OVERRIDDEN_FIELD_CAN_BE_REMOVED, message, "remove the overridden field"));
            return;
        };
        if !valid_label(label) {
            let edit = applied
                .arg("label")
                .and_then(|v| v.location())
                .map(|span| self.subgraphs[index].edit(span.offset(), span.end_offset(), "\"percent(50)\""));
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_LABEL_INVALID,
                    format!("Invalid @override label \"{label}\" on field \"{coordinate}\" on subgraph \"{here}\": labels must start with a letter and after that may contain alphanumerics, underscores, minuses, colons, periods, or slashes. Alternatively, labels may be of the form \"percent(x)\" where x is a float between 0-100 inclusive."),
                    "use a word as a label, or percent(50)",
                )
                .fix("use a percentage as the label", edit),
            );
            return;
        }
        result.labels.insert(index, label.to_string());
        result.labels.insert(source, label.to_string());
        self.hints.push(diagnostic(
            Code::OVERRIDE_MIGRATION_IN_PROGRESS,
            format!("Field \"{coordinate}\" is currently being migrated with progressive @override. Once the migration is complete, remove the field from subgraph \"{from}\"."),
            "remove the label, then the old field, when the migration is done",
        ));
    }

    fn override_collision(
        &self,
        index: usize,
        field: &Field,
        source: usize,
        from: &Field,
    ) -> Option<(&'static str, &'a str)> {
        for known in [Known::Requires, Known::Provides] {
            if from.has(known) {
                return Some((known.name(), self.name(source)));
            }
        }
        field.facts.external.then(|| ("external", self.name(index)))
    }
}

fn valid_label(label: &str) -> bool {
    let word = label.starts_with(|c: char| c.is_ascii_alphabetic())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || "_-:./".contains(c));
    word || label.strip_prefix("percent(").and_then(|l| l.strip_suffix(')')).is_some_and(valid_percent)
}

fn valid_percent(text: &str) -> bool {
    if text == "100" {
        return true;
    }
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let digits = |s: &str, max: usize| !s.is_empty() && s.len() <= max && s.chars().all(|c| c.is_ascii_digit());
    digits(whole, 2) && fraction.is_none_or(|f| digits(f, 8))
}
