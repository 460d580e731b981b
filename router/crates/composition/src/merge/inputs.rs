//! Input objects (the intersection of fields) and what arguments and input fields have in common.

use braid_graphql::compiler::ast::{Type, Value};
use braid_graphql::compiler::{Name, Node};
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{DraftField, DraftJoinField};

use super::merger::{Merger, Sources, by_name, with_room};
use super::typing::{Common, common};
use super::values::{same, show};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, Location};
use crate::subgraph::model::{Directives as _, Field, Span, TypeDef};
use crate::subgraph::spec::Known;

impl<'a> Merger<'a> {
    pub(super) fn merge_input(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> NameMap<DraftField> {
        let fields = by_name(sources.iter().map(|(i, t)| (*i, &t.fields)));
        let mut merged = with_room(fields.len());
        for (field, having) in fields {
            if let Some(made) = self.merge_input_field(name, field, sources, &having) {
                merged.insert(field.clone(), made);
            }
        }
        if merged.is_empty() {
            let edit = self.copy_field_everywhere(sources);
            let error = Diagnostic::new(
                Code::EMPTY_MERGED_INPUT_TYPE,
                format!(
                    "Input \"{name}\" would be left without fields. A subgraph refuses an input with a field that it does not know, so the supergraph has only the fields that every subgraph with \"{name}\" has, and there are none."
                ),
            );
            self.errors.push(
                error
                    .on(name.as_str())
                    .at(self.type_locations(sources))
                    .help(format!("define at least one field of \"{name}\" in every subgraph that has the input"))
                    .fix("add a field to the subgraphs that lack it", edit),
            );
        }
        if sources.iter().any(|(_, ty)| ty.has(Known::OneOf)) {
            self.choices(name, sources, &merged);
        }
        merged
    }

    /// A field that is one choice among several in one subgraph can't be required in another.
    fn choices(&mut self, name: &Name, sources: &Sources<'a, TypeDef>, merged: &NameMap<DraftField>) {
        let (choosing, others): (Vec<_>, Vec<_>) = sources.iter().partition(|(_, ty)| ty.has(Known::OneOf));
        for field in merged.values().filter(|field| field.ty.is_non_null()) {
            let demanding = others.iter().filter_map(|(i, ty)| Some((*i, ty.fields.get(&field.name)?)));
            let demanding: Vec<_> = demanding.filter(|(_, f)| f.ty.is_non_null()).collect();
            // A required field of a @oneOf input is an error of its own subgraph, and already reported.
            if demanding.is_empty() {
                continue;
            }
            let coordinate = format!("{name}.{}", field.name);
            let error = Diagnostic::new(
                Code::INVALID_GRAPHQL,
                format!(
                    "Clients must set exactly one field of input \"{name}\" in {} (@oneOf), but must always set \"{coordinate}\" in {}, where it is non-null. No value satisfies both.",
                    self.names(choosing.iter().map(|(i, _)| *i)),
                    self.names(demanding.iter().map(|(i, _)| *i))
                ),
            );
            let at = demanding.iter().filter_map(|(i, f)| self.locate(*i, f.span));
            let help = format!("make \"{coordinate}\" nullable in all subgraphs, or remove @oneOf");
            self.errors.push(error.on(coordinate.as_str()).at(at.collect::<Vec<_>>()).help(help));
        }
    }

    fn copy_field_everywhere(&self, sources: &Sources<'a, TypeDef>) -> Vec<Edit> {
        let Some(field) = sources.first().and_then(|(_, t)| t.fields.values().next()) else {
            return Vec::new();
        };
        let text = format!("{}: {}\n  ", field.name, field.ty);
        sources
            .iter()
            .filter(|(_, t)| !t.fields.contains_key(&field.name))
            .filter_map(|(i, t)| {
                let at = t.fields.values().next()?.span?.offset();
                Some(self.subgraphs[*i].edit(at, at, text.clone()))
            })
            .collect()
    }

    fn merge_input_field(
        &mut self,
        name: &Name,
        field: &Name,
        sources: &Sources<'a, TypeDef>,
        having: &[(usize, &Field)],
    ) -> Option<DraftField> {
        if let ([_], [alone]) = (sources.as_slice(), having) {
            return Some(self.input_field_alone(name, *alone));
        }
        let coordinate = format!("{name}.{field}");
        let texts: Vec<_> = having.iter().map(|(i, f)| (*i, f.description.as_ref())).collect();
        let description = self.merge_description(&coordinate, &texts);
        let directives: Vec<_> = having.iter().map(|(i, f)| (*i, f.applied.as_slice(), f.span)).collect();
        let applied = self.merge_applied(&coordinate, &directives);
        let types: Vec<(usize, &Type, Span)> = having.iter().map(|(i, f)| (*i, &f.ty, f.span)).collect();
        let (ty, equal) = self.merge_type_reference(&coordinate, &types, true, Code::FIELD_TYPE_MISMATCH);
        let defaults: Vec<_> = having.iter().map(|(i, f)| (*i, f.default.as_ref(), f.span)).collect();
        let default = self.merge_default(&coordinate, "Input field", Code::INPUT_FIELD_DEFAULT_MISMATCH, &defaults);
        self.note_enum_use(&ty, true, || coordinate.clone());
        let hidden = self.features.is_inaccessible(&applied);
        if having.len() < sources.len() && !hidden {
            self.missing_input_field(name, field, sources, having);
            return None;
        }
        // Joins are written only where the subgraphs differ.
        let joins = match equal && having.len() == sources.len() {
            true => Vec::new(),
            false => having
                .iter()
                .map(|(i, f)| DraftJoinField {
                    graph: Some(*i),
                    ty: (!equal).then(|| f.ty.to_string()),
                    ..DraftJoinField::default()
                })
                .collect(),
        };
        Some(DraftField { name: field.clone(), description, args: Vec::new(), ty, default, joins, applied })
    }

    fn missing_input_field(
        &mut self,
        name: &Name,
        field: &Name,
        sources: &Sources<'a, TypeDef>,
        having: &[(usize, &Field)],
    ) {
        let coordinate = format!("{name}.{field}");
        let graphs: Vec<usize> = having.iter().map(|(i, _)| *i).collect();
        let span = |ty: &TypeDef| ty.fields.get(field).and_then(|f| f.span);
        let required: Vec<usize> = having.iter().filter(|(_, f)| f.is_required()).map(|(i, _)| *i).collect();
        if required.is_empty() {
            let hint = self.inconsistent(
                Code::INCONSISTENT_INPUT_OBJECT_FIELD,
                format!("The supergraph does not have the input field \"{coordinate}\": some subgraphs would refuse an input that has it"),
                &coordinate,
                &graphs,
                sources,
                span,
            );
            self.hints.push(hint.help("add the field in the other subgraphs, or remove it"));
            return;
        }
        let lacking: Vec<usize> = sources.iter().map(|(i, _)| *i).filter(|i| !graphs.contains(i)).collect();
        let at: Vec<Location> = having.iter().filter_map(|(i, f)| self.locate(*i, f.span)).collect();
        let text = having.first().map(|(_, f)| format!("{field}: {}\n  ", f.ty)).unwrap_or_default();
        let edits: Vec<Edit> = sources
            .iter()
            .filter(|(i, _)| lacking.contains(i))
            .filter_map(|(i, t)| {
                let at = t.fields.values().next()?.span?.offset();
                Some(self.subgraphs[*i].edit(at, at, text.clone()))
            })
            .collect();
        let error = Diagnostic::new(
            Code::REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH,
            format!(
                "The input field \"{coordinate}\" is required in {}, but {} has no such field: an input that is valid in one is refused by the other.",
                self.names(required),
                self.names(lacking)
            ),
        );
        self.errors.push(
            error
                .on(coordinate.as_str())
                .at(at)
                .help("add the field in the other subgraphs, or make it nullable or give it a default")
                .fix(format!("add \"{coordinate}\" where it is missing"), edits),
        );
    }

    /// The common type of an element, and whether all types are equal. Reports if there is none.
    pub(super) fn merge_type_reference(
        &mut self,
        coordinate: &str,
        types: &[(usize, &Type, Span)],
        input: bool,
        code: Code,
    ) -> (Type, bool) {
        let first = types.first().map(|(_, ty, _)| (*ty).clone());
        let first = first.unwrap_or_else(|| Type::Named(Name::new_unchecked("String")));
        match common(&self.draft, types.iter().map(|(_, ty, _)| *ty), input) {
            Common::Equal(ty) => (ty, true),
            Common::Compatible(ty) => {
                let said = self.by_text(types.iter().map(|(i, t, _)| (*i, format!("\"{t}\""))));
                let (code, noun) = match input && code == Code::FIELD_ARGUMENT_TYPE_MISMATCH {
                    true => (Code::INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE, "argument"),
                    false => (Code::INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE, "field"),
                };
                let at: Vec<Location> = types.iter().filter_map(|(i, _, span)| self.locate(*i, *span)).collect();
                self.hints.push(
                    Diagnostic::new(
                        code,
                        format!("Subgraphs give the {noun} \"{coordinate}\" different types: {said}. Clients see \"{ty}\", which fits all of them."),
                    )
                    .on(coordinate)
                    .at(at)
                    .help(format!("write \"{ty}\" in all subgraphs to say what clients get")),
                );
                (ty, false)
            }
            Common::None => {
                let said = self.by_text(types.iter().map(|(i, t, _)| (*i, format!("\"{t}\""))));
                let noun = if code == Code::FIELD_ARGUMENT_TYPE_MISMATCH { "argument" } else { "field" };
                let at: Vec<Location> = types.iter().filter_map(|(i, _, span)| self.locate(*i, *span)).collect();
                let edits: Vec<Edit> = types
                    .iter()
                    .skip(1)
                    .filter(|(_, ty, _)| **ty != first)
                    .filter_map(|(i, ty, span)| {
                        crate::validate::edits::replace_type(&self.subgraphs[*i], *span, ty, &first)
                    })
                    .collect();
                self.errors.push(
                    Diagnostic::new(
                        code,
                        format!("Subgraphs disagree on the type of the {noun} \"{coordinate}\": {said}. No type fits all of them."),
                    )
                    .on(coordinate)
                    .at(at)
                    .help("use the same type in all subgraphs")
                    .fix(format!("use type \"{first}\" everywhere"), edits),
                );
                (first, false)
            }
        }
    }

    /// A default survives if all have it, and the same one.
    pub(super) fn merge_default(
        &mut self,
        coordinate: &str,
        noun: &str,
        code: Code,
        defaults: &[(usize, Option<&Node<Value>>, Span)],
    ) -> Option<Node<Value>> {
        let given: Vec<(usize, &Node<Value>)> = defaults.iter().filter_map(|(i, d, _)| Some((*i, (*d)?))).collect();
        let (_, first) = *given.first()?;
        let equal = given.iter().all(|(_, d)| same(first, d));
        if equal && given.len() == defaults.len() {
            return Some(first.clone());
        }
        let said = self.by_text(defaults.iter().map(|(i, d, _)| (*i, show(*d))));
        let at: Vec<Location> = defaults.iter().filter_map(|(i, _, span)| self.locate(*i, *span)).collect();
        if equal {
            self.hints.push(
                Diagnostic::new(
                    Code::INCONSISTENT_DEFAULT_VALUE_PRESENCE,
                    format!("{noun} \"{coordinate}\" has {said}. Clients get no default, since a default must hold in every subgraph."),
                )
                .on(coordinate)
                .at(at)
                .help("give it the default in all subgraphs, or in none"),
            );
            return None;
        }
        let text = first.serialize().no_indent().to_string();
        let edits: Vec<Edit> = given
            .iter()
            .filter(|(_, d)| !same(first, d))
            .filter_map(|(i, d)| {
                let span = d.location()?;
                Some(self.subgraphs[*i].edit(span.offset(), span.end_offset(), text.clone()))
            })
            .collect();
        self.errors.push(
            Diagnostic::new(
                code,
                format!("{noun} \"{coordinate}\" has {said}. One query may go to any of them, so the default must be the same."),
            )
            .on(coordinate)
            .at(at)
            .help("use the same default in all subgraphs")
            .fix(format!("use {text} everywhere"), edits),
        );
        Some(first.clone())
    }
}
