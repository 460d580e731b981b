//! Enums: all values if clients only receive them, the common values if they only send them, equal values if both.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::DraftValue;

use super::enum_uses::EnumUses;
use super::merger::{Merger, Sources, by_name};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{EnumValue, TypeDef};

impl<'a> Merger<'a> {
    /// Notes that an element has an enum's type.
    pub(super) fn note_enum_use(&mut self, ty: &Type, input: bool, coordinate: impl FnOnce() -> String) {
        let Some(uses) = self.enum_uses.get_mut(ty.inner_named_type()) else { return };
        let slot = if input { &mut uses.input } else { &mut uses.output };
        slot.get_or_insert_with(coordinate);
    }

    pub(super) fn merge_enum(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> NameMap<DraftValue> {
        let uses = self.enum_uses.get(name).cloned().unwrap_or_default();
        if uses.input.is_none() && uses.output.is_none() {
            let hint = Diagnostic::new(
                Code::UNUSED_ENUM_TYPE,
                format!(
                    "No field and no argument has the type of enum \"{name}\". The supergraph gets it with the values of all subgraphs."
                ),
            );
            self.hints.push(
                hint.on(name.as_str()).at(self.type_locations(sources)).help("remove the enum if nothing needs it"),
            );
        }
        let mut merged = NameMap::default();
        for (value, having) in by_name(sources.iter().map(|(i, t)| (*i, &t.values))) {
            if let Some(made) = self.merge_value(name, value, sources, &having, &uses) {
                merged.insert(value.clone(), made);
            }
        }
        if merged.is_empty() {
            let error = Diagnostic::new(
                Code::EMPTY_MERGED_ENUM_TYPE,
                format!(
                    "Enum \"{name}\" would be left without values. Clients send it as input, so the supergraph has only the values that every subgraph with \"{name}\" knows, and there are none."
                ),
            );
            let edit = self.add_missing_value(sources, None);
            self.errors.push(
                error
                    .on(name.as_str())
                    .at(self.type_locations(sources))
                    .help(format!("define at least one value of \"{name}\" in every subgraph that has the enum"))
                    .fix("add the value to the other subgraphs", edit),
            );
        }
        merged
    }

    /// Adds a value, or else the first known one, to the enum of every subgraph that lacks it.
    fn add_missing_value(&self, sources: &Sources<'a, TypeDef>, value: Option<&Name>) -> Vec<crate::diagnostic::Edit> {
        let Some(value) = value.or_else(|| sources.iter().find_map(|(_, t)| t.values.keys().next())) else {
            return Vec::new();
        };
        sources
            .iter()
            .filter(|(_, ty)| !ty.values.contains_key(value))
            .filter_map(|(i, ty)| {
                let end = ty.values.values().last()?.span?.offset();
                Some(self.subgraphs[*i].edit(end, end, format!("{value} ")))
            })
            .collect()
    }

    fn merge_value(
        &mut self,
        name: &Name,
        value: &Name,
        sources: &Sources<'a, TypeDef>,
        having: &[(usize, &EnumValue)],
        uses: &EnumUses,
    ) -> Option<DraftValue> {
        let coordinate = format!("{name}.{value}");
        let texts: Vec<_> = having.iter().map(|(i, v)| (*i, v.description.as_ref())).collect();
        let description = self.merge_description(&coordinate, &texts);
        let directives: Vec<_> = having.iter().map(|(i, v)| (*i, v.applied.as_slice(), v.span)).collect();
        let applied = self.merge_applied(&coordinate, &directives);
        let graphs: Vec<usize> = having.iter().map(|(i, _)| *i).collect();
        let hidden = self.features.is_inaccessible(&applied);
        if graphs.len() < sources.len() && !hidden {
            let span = |ty: &TypeDef| ty.values.get(value).and_then(|v| v.span);
            match (&uses.input, &uses.output) {
                (Some(input), Some(output)) => {
                    let error = self.inconsistent(
                        Code::ENUM_VALUE_MISMATCH,
                        format!("Clients both send enum \"{name}\" (\"{input}\") and receive it (\"{output}\"), so its values must be the same everywhere, but \"{value}\" is not"),
                        &coordinate,
                        &graphs,
                        sources,
                        span,
                    );
                    let edit = self.add_missing_value(sources, Some(value));
                    self.errors.push(
                        error
                            .help(format!(
                                "add \"{value}\" to \"{name}\" in the other subgraphs, or mark it @inaccessible"
                            ))
                            .fix(format!("add \"{value}\" where it is missing"), edit),
                    );
                }
                (Some(_), None) => {
                    let hint = self.inconsistent(
                        Code::INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM,
                        format!("The supergraph does not have \"{coordinate}\": clients send this enum as input, and some subgraphs would refuse the value"),
                        &coordinate,
                        &graphs,
                        sources,
                        span,
                    );
                    self.hints.push(hint.help("add the value in the other subgraphs, or remove it"));
                    return None;
                }
                _ => {
                    let hint = self.inconsistent(
                        Code::INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM,
                        format!("Only some subgraphs know \"{coordinate}\". The supergraph has it, since clients only receive this enum"),
                        &coordinate,
                        &graphs,
                        sources,
                        span,
                    );
                    self.hints.push(hint);
                }
            }
        }
        Some(DraftValue { name: value.clone(), description, graphs, applied })
    }
}
