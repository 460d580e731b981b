//! `@override`: which subgraph's field another one has taken over.

use std::collections::BTreeMap;

use braid_graphql::compiler::Name;

use super::merger::Merger;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Field, Kind};
use crate::subgraph::spec::Known;
use braid_graphql::suggest::did_you_mean;

/// The effect of `@override` on one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    /// Overridden, but still used in its subgraph.
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

    /// Whether its subgraph never resolves the field any more.
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
                    format!("[{here}] @override on \"{coordinate}\" has no effect: a field of an interface is resolved by the implementing types."),
                    "put @override on the field of each implementing type",
                )
                .fix("remove @override from the interface's field", remove),
            );
            return;
        }
        if parent.is_some_and(|t| t.is_interface_object()) {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    format!("[{here}] @override on \"{coordinate}\" can't work: \"{name}\" is an @interfaceObject, whose fields belong to many types, but @override takes over the field of one type."),
                    "remove @override here, and remove the field where it was before",
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
                format!("[{here}] @override on \"{coordinate}\" has no effect: there is no subgraph \"{from}\".{near}"),
                "correct the subgraph's name, or remove @override if the subgraph is gone",
            ));
            return;
        };
        if source == index {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_FROM_SELF_ERROR,
                    format!("[{here}] @override on \"{coordinate}\" names its own subgraph as the one to take the field from."),
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
                    format!("[{here}] \"{coordinate}\" is taken over from subgraph \"{from}\", which also has @override on it. It would be unclear which subgraph resolves the field."),
                    "keep @override only in the subgraph that should resolve the field",
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
                        format!("[{here}] @override can't take \"{coordinate}\" over from subgraph \"{from}\": there the field is on an @interfaceObject, where it belongs to all implementations."),
                        "remove @override here, and remove the field from the @interfaceObject",
                    )
                    .fix("remove @override", remove),
                );
                return;
            }
            self.hints.push(diagnostic(
                Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
                format!("[{here}] @override on \"{coordinate}\" is no longer needed: subgraph \"{from}\" no longer has the field."),
                "remove @override",
            ));
            return;
        };
        let collision = self.override_collision(index, f, source, from_field);
        if let Some((directive, where_)) = collision {
            self.errors.push(
                diagnostic(
                    Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    match directive {
                        "external" => format!("[{here}] \"{coordinate}\" has both @override, which makes this subgraph resolve the field, and @external, which leaves it to another."),
                        _ => format!("[{here}] @override can't take \"{coordinate}\" over while the field has @{directive} in subgraph \"{where_}\": that directive would be lost."),
                    },
                    &match directive {
                        "external" => "remove @external if this subgraph resolves the field, or else @override".to_owned(),
                        _ => format!("remove @{directive} in subgraph \"{where_}\" first"),
                    },
                )
                .fix("remove @override", remove),
            );
            return;
        }
        if from_field.facts.external {
            self.hints.push(diagnostic(
                Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
                format!("[{here}] @override on \"{coordinate}\" is no longer needed: the field is @external in subgraph \"{from}\", which no longer resolves it."),
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
                    "The router no longer asks subgraph \"{from}\" for \"{coordinate}\": \"{here}\" has taken the field over. A key, @requires, @provides or an interface of \"{from}\" still refers to it."
                ),
                false => format!(
                    "The router no longer asks subgraph \"{from}\" for \"{coordinate}\": \"{here}\" has taken the field over."
                ),
            };
            let help = match from_field.facts.used {
                true => format!(
                    "mark the field @external in \"{from}\", or remove it there together with what refers to it"
                ),
                false => format!("remove the field from \"{from}\""),
            };
            self.hints.push(diagnostic(Code::OVERRIDDEN_FIELD_CAN_BE_REMOVED, message, &help));
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
                    format!("[{here}] @override on \"{coordinate}\" has the label \"{label}\", which is neither a name (a letter, then letters, digits and any of _ - : . /) nor a share of the requests such as percent(12.5)."),
                    "write a name, or percent(x) with x from 0 to 100 and at most 8 decimals",
                )
                .fix("use a percentage as the label", edit),
            );
            return;
        }
        result.labels.insert(index, label.to_string());
        result.labels.insert(source, label.to_string());
        self.hints.push(diagnostic(
            Code::OVERRIDE_MIGRATION_IN_PROGRESS,
            format!("[{here}] \"{coordinate}\" is being moved from subgraph \"{from}\" to this one: the label \"{label}\" decides per request which of them resolves it."),
            "when this subgraph gets all requests, remove the label, then the field in the other subgraph",
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
