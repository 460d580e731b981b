//! Fields of objects and interfaces: types, arguments, externals, joins.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;
use braid_supergraph::join_spec::draft::{DraftContextArgument, DraftField, DraftInput, DraftJoinField};

use super::merger::{Merger, Sources, by_name};
use super::overrides::Overrides;
use super::typing::is_strict_subtype;
use super::values::{same_option, show};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Location};
use crate::subgraph::model::{Directives, Field, InputValue, Map, Span, TypeDef};
use crate::subgraph::spec::Known;
use braid_graphql::context_selection::ContextSelection;

impl<'a> Merger<'a> {
    pub(super) fn merge_field(
        &mut self,
        name: &Name,
        field: &Name,
        parents: &Sources<'a, TypeDef>,
        having: &[(usize, &'a Field)],
        overrides: &Overrides,
    ) -> Option<DraftField> {
        if let [alone] = having
            && !alone.1.facts.external
        {
            let joins = self.join_fields(parents, having, overrides, true);
            return Some(self.field_alone(name, *alone, joins));
        }
        let coordinate = format!("{name}.{field}");
        let real = self.without_external(&coordinate, having);
        if real.is_empty() {
            return self.field_of_externals(name, field, parents, having, overrides);
        }
        let texts: Vec<_> = real.iter().map(|(i, f)| (*i, f.description.as_ref())).collect();
        let description = self.merge_description(&coordinate, &texts);
        let directives: Vec<_> = real.iter().map(|(i, f)| (*i, f.applied.as_slice(), f.span)).collect();
        let applied = self.merge_applied(&coordinate, &directives);
        let arguments: Vec<_> = real.iter().map(|(i, f)| (*i, &f.args)).collect();
        let args = self.merge_arguments(&coordinate, &arguments);
        let types: Vec<(usize, &Type, Span)> = real.iter().map(|(i, f)| (*i, &f.ty, f.span)).collect();
        let (ty, mut equal) = self.merge_type_reference(&coordinate, &types, false, Code::FIELD_TYPE_MISMATCH);
        self.note_enum_use(&ty, false, || coordinate.clone());
        if real.len() < having.len() {
            equal = self.check_externals(&coordinate, having, &ty, &args) && equal;
        }
        let joins = self.join_fields(parents, having, overrides, equal);
        Some(DraftField { name: field.clone(), description, args, ty, default: None, joins, applied })
    }

    fn without_external(&mut self, coordinate: &str, having: &[(usize, &'a Field)]) -> Vec<(usize, &'a Field)> {
        let mut real = Vec::with_capacity(having.len());
        for (index, field) in having {
            if !field.facts.external {
                real.push((*index, *field));
                continue;
            }
            for applied in field.applied.iter().filter(|a| is_merged(a)) {
                let edit = crate::validate::edits::remove_application(&self.subgraphs[*index], applied);
                self.errors.push(
                    Diagnostic::new(
                        Code::MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL,
                        format!(
                            "[{}] @{} on \"{coordinate}\" would be lost: the field is @external here, and the supergraph takes a field's directives from the subgraphs that resolve it.",
                            self.name(*index),
                            applied.name
                        ),
                    )
                    .on(coordinate)
                    .at(self.locate(*index, applied.span))
                    .help(format!("put @{} on the field in the subgraph that resolves it", applied.name))
                    .fix(format!("remove @{} from the external field", applied.name), edit),
                );
            }
        }
        real
    }

    /// A field that is external in all subgraphs that have it: an interface object may resolve it, and completes it later.
    fn field_of_externals(
        &mut self,
        name: &Name,
        field: &Name,
        parents: &Sources<'a, TypeDef>,
        having: &[(usize, &'a Field)],
        overrides: &Overrides,
    ) -> Option<DraftField> {
        let coordinate = format!("{name}.{field}");
        if self.abstracted(name, field).iter().all(|(_, f)| f.facts.external) {
            self.only_external(&coordinate, having);
            return None;
        }
        let types: Vec<(usize, &Type, Span)> = having.iter().map(|(i, f)| (*i, &f.ty, f.span)).collect();
        let (ty, equal) = self.merge_type_reference(&coordinate, &types, false, Code::FIELD_TYPE_MISMATCH);
        let joins = self.join_fields(parents, having, overrides, equal);
        let (description, args, applied) = (None, Vec::new(), Vec::new());
        Some(DraftField { name: field.clone(), description, args, ty, default: None, joins, applied })
    }

    fn only_external(&mut self, coordinate: &str, having: &[(usize, &'a Field)]) {
        let at: Vec<Location> = having.iter().filter_map(|(i, f)| self.locate(*i, f.span)).collect();
        let edit = having.first().and_then(|(i, f)| {
            crate::validate::edits::remove_application(&self.subgraphs[*i], f.get(Known::External)?)
        });
        let message = format!(
            "No subgraph resolves \"{coordinate}\": every subgraph that has the field marks it @external ({}).",
            self.names(having.iter().map(|(i, _)| *i))
        );
        self.errors.push(
            Diagnostic::new(Code::EXTERNAL_MISSING_ON_BASE, message)
                .on(coordinate)
                .at(at)
                .help("remove @external in the subgraph that resolves the field")
                .fix("remove @external", edit),
        );
    }

    /// The intersection of arguments, without those that the router fills in.
    pub(super) fn merge_arguments(&mut self, owner: &str, sources: &[(usize, &'a Map<InputValue>)]) -> Vec<DraftInput> {
        let mut merged = Vec::new();
        for (name, having) in by_name(sources.iter().copied()) {
            let coordinate = format!("{owner}({name}:)");
            if having.iter().any(|(_, a)| a.has(Known::FromContext)) {
                self.contextual_argument(&coordinate, &having);
                continue;
            }
            if having.len() < sources.len() {
                self.missing_argument(&coordinate, name, sources, &having);
                continue;
            }
            merged.push(self.merge_argument(&coordinate, name, &having));
        }
        merged
    }

    fn merge_argument(&mut self, coordinate: &str, name: &Name, having: &[(usize, &InputValue)]) -> DraftInput {
        let texts: Vec<_> = having.iter().map(|(i, a)| (*i, a.description.as_ref())).collect();
        let description = self.merge_description(coordinate, &texts);
        let directives: Vec<_> = having.iter().map(|(i, a)| (*i, a.applied.as_slice(), a.span)).collect();
        let applied = self.merge_applied(coordinate, &directives);
        let types: Vec<(usize, &Type, Span)> = having.iter().map(|(i, a)| (*i, &a.ty, a.span)).collect();
        let (ty, _) = self.merge_type_reference(coordinate, &types, true, Code::FIELD_ARGUMENT_TYPE_MISMATCH);
        let defaults: Vec<_> = having.iter().map(|(i, a)| (*i, a.default.as_ref(), a.span)).collect();
        let default = self.merge_default(coordinate, "Argument", Code::FIELD_ARGUMENT_DEFAULT_MISMATCH, &defaults);
        self.note_enum_use(&ty, true, || coordinate.to_string());
        DraftInput { name: name.clone(), description, ty, default, applied }
    }

    fn contextual_argument(&mut self, coordinate: &str, having: &[(usize, &InputValue)]) {
        for (index, argument) in having.iter().filter(|(_, a)| !a.has(Known::FromContext)) {
            if argument.is_required() {
                let edit = crate::validate::edits::replace_type(
                    &self.subgraphs[*index],
                    argument.span,
                    &argument.ty,
                    &argument.ty.clone().nullable(),
                );
                self.errors.push(
                    Diagnostic::new(
                        Code::CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
                        format!("\"{coordinate}\" would never get a value in {}: the argument is required there, but clients don't see it, since another subgraph takes it from a context (@fromContext).", self.names([*index])),
                    )
                    .on(coordinate)
                    .at(self.locate(*index, argument.span))
                    .help("make the argument nullable, give it a default, or use @fromContext there too")
                    .fix("make the argument nullable", edit),
                );
            } else {
                self.hints.push(
                    Diagnostic::new(
                        Code::HINT_CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
                        format!("Clients can no longer set \"{coordinate}\", although it is an ordinary argument in {}: in another subgraph the router fills it in (@fromContext).", self.names([*index])),
                    )
                    .on(coordinate)
                    .at(self.locate(*index, argument.span))
                    .help("use @fromContext in all subgraphs, or in none"),
                );
            }
        }
    }

    fn missing_argument(
        &mut self,
        coordinate: &str,
        name: &Name,
        sources: &[(usize, &'a Map<InputValue>)],
        having: &[(usize, &InputValue)],
    ) {
        let lacking: Vec<usize> =
            sources.iter().map(|(i, _)| *i).filter(|i| having.iter().all(|(h, _)| h != i)).collect();
        let at: Vec<Location> = having.iter().filter_map(|(i, a)| self.locate(*i, a.span)).collect();
        let required: Vec<usize> = having.iter().filter(|(_, a)| a.is_required()).map(|(i, _)| *i).collect();
        if required.is_empty() {
            self.hints.push(
                Diagnostic::new(
                    Code::INCONSISTENT_ARGUMENT_PRESENCE,
                    format!("The supergraph does not have the argument \"{coordinate}\": the router may ask any of the subgraphs for the field, but the argument is defined in {} and not in {}.", self.names(having.iter().map(|(i, _)| *i)), self.names(lacking)),
                )
                .on(coordinate)
                .at(at)
                .help(format!("add \"{name}\" in the other subgraphs, or remove it")),
            );
            return;
        }
        let edits: Vec<_> = having
            .iter()
            .filter(|(_, a)| a.is_required())
            .filter_map(|(i, a)| {
                crate::validate::edits::replace_type(&self.subgraphs[*i], a.span, &a.ty, &a.ty.clone().nullable())
            })
            .collect();
        self.errors.push(
            Diagnostic::new(
                Code::REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH,
                format!("\"{coordinate}\" is required in {}, but {} has no such argument, and the router may ask any of them.", self.names(required), self.names(lacking)),
            )
            .on(coordinate)
            .at(at)
            .help(format!("add \"{name}\" in the other subgraphs, or make it optional"))
            .fix("make the argument nullable", edits),
        );
    }

    /// External fields don't affect the merged field, but they must match it. Returns whether all their types equal its type.
    fn check_externals(
        &mut self,
        coordinate: &str,
        having: &[(usize, &'a Field)],
        ty: &Type,
        args: &[DraftInput],
    ) -> bool {
        let mut all_equal = true;
        for (index, field) in having.iter().filter(|(_, f)| f.facts.external) {
            if field.ty != *ty {
                all_equal = false;
                // A narrower object or interface matches. Another nullability does not: one side would not expect what the other returns.
                let same_nullability = named(ty, ty.inner_named_type()) == named(&field.ty, ty.inner_named_type());
                if !same_nullability || !is_strict_subtype(&self.draft, ty, &field.ty) {
                    let edit = crate::validate::edits::replace_type(&self.subgraphs[*index], field.span, &field.ty, ty);
                    self.errors.push(
                        Diagnostic::new(
                            Code::EXTERNAL_TYPE_MISMATCH,
                            format!("\"{coordinate}\" is @external in {1}, so it must be declared as it is where it is resolved. Its type there is \"{ty}\", but here it is \"{0}\".", field.ty, self.names([*index])),
                        )
                        .on(coordinate)
                        .at(self.locate(*index, field.span))
                        .help(format!("write the @external field with type \"{ty}\""))
                        .fix(format!("use type \"{ty}\""), edit),
                    );
                }
            }
            for argument in args {
                self.check_external_argument(coordinate, *index, field, argument);
            }
        }
        all_equal
    }

    fn check_external_argument(&mut self, coordinate: &str, index: usize, field: &Field, argument: &DraftInput) {
        let element = format!("{coordinate}({}:)", argument.name);
        let at = self.locate(index, field.span);
        let subgraph = &self.subgraphs[index];
        let Some(own) = field.args.get(&argument.name) else {
            let edit =
                crate::validate::edits::add_argument(subgraph, field, &format!("{}: {}", argument.name, argument.ty));
            self.errors.push(
                Diagnostic::new(
                    Code::EXTERNAL_ARGUMENT_MISSING,
                    format!("\"{coordinate}\" is @external in {}, so it must be declared as it is where it is resolved, but its argument \"{}\" is missing.", self.names([index]), argument.name),
                )
                .on(element.as_str())
                .at(at)
                .help(format!("add the argument \"{}: {}\" to the @external field", argument.name, argument.ty))
                .fix("add the argument", edit),
            );
            return;
        };
        if own.ty != argument.ty && !is_strict_subtype(&self.draft, &own.ty, &argument.ty) {
            let edit = crate::validate::edits::replace_type(subgraph, own.span, &own.ty, &argument.ty);
            self.errors.push(
                Diagnostic::new(
                    Code::EXTERNAL_ARGUMENT_TYPE_MISMATCH,
                    format!("\"{coordinate}\" is @external in {2}, so it must be declared as it is where it is resolved. Its argument \"{3}\" has the type \"{0}\" there, but \"{1}\" here.", argument.ty, own.ty, self.names([index]), argument.name),
                )
                .on(element.as_str())
                .at(subgraph.locate(own.span))
                .help(format!("write the argument with type \"{}\"", argument.ty))
                .fix(format!("use type \"{}\"", argument.ty), edit),
            );
        }
        if !same_option(own.default.as_ref(), argument.default.as_ref()) {
            let edit =
                own.default.as_ref().and_then(|d| d.location()).zip(argument.default.as_ref()).map(|(span, d)| {
                    subgraph.edit(span.offset(), span.end_offset(), d.serialize().no_indent().to_string())
                });
            self.errors.push(
                Diagnostic::new(
                    Code::EXTERNAL_ARGUMENT_DEFAULT_MISMATCH,
                    format!("\"{coordinate}\" is @external in {2}, so it must be declared as it is where it is resolved. Its argument \"{3}\" has {0} there, but {1} here.", show(argument.default.as_ref()), show(own.default.as_ref()), self.names([index]), argument.name),
                )
                .on(element.as_str())
                .at(subgraph.locate(own.span))
                .help("give the argument of the @external field the same default")
                .fix("use the same default", edit),
            );
        }
    }

    fn join_fields(
        &self,
        parents: &Sources<'a, TypeDef>,
        having: &[(usize, &'a Field)],
        overrides: &Overrides,
        equal: bool,
    ) -> Vec<DraftJoinField> {
        let plain = equal
            && overrides.used.is_empty()
            && overrides.labels.is_empty()
            && having.len() == parents.len()
            && having.iter().all(|(i, f)| {
                !overrides.unused.contains(i)
                    && !f.facts.external
                    && !f.has(Known::Requires)
                    && !f.has(Known::Provides)
                    && !f.args.values().any(|a| a.has(Known::FromContext))
            });
        if plain {
            return Vec::new();
        }
        having
            .iter()
            .filter(|(i, _)| !overrides.is_gone(*i))
            .map(|(i, f)| DraftJoinField {
                graph: Some(*i),
                requires: fields_text(f, Known::Requires),
                provides: fields_text(f, Known::Provides),
                ty: (!equal).then(|| f.ty.to_string()),
                external: f.facts.external,
                override_from: f.get(Known::Override).and_then(|o| o.str_arg("from")).map(str::to_string),
                used_overridden: overrides.used.contains(i),
                override_label: overrides.labels.get(i).cloned(),
                context_arguments: self.context_arguments(*i, f),
            })
            .collect()
    }

    fn context_arguments(&self, index: usize, field: &Field) -> Vec<DraftContextArgument> {
        field
            .args
            .values()
            .filter_map(|argument| {
                let text = argument.get(Known::FromContext)?.str_arg("field")?;
                let ContextSelection { context, selection } = ContextSelection::parse(text)?;
                Some(DraftContextArgument {
                    context: format!("{}__{context}", self.draft_graph_name(index)),
                    name: argument.name.to_string(),
                    ty: argument.ty.to_string(),
                    selection: selection.to_string(),
                })
            })
            .collect()
    }
}

fn fields_text(field: &Field, known: Known) -> Option<String> {
    field.get(known).and_then(|a| a.str_arg("fields")).map(str::to_string)
}

fn is_merged(applied: &crate::subgraph::model::Applied) -> bool {
    applied.known.is_some_and(Known::is_composed)
}

/// The type with another name inside its wrappers.
fn named(ty: &Type, name: &Name) -> Type {
    match ty {
        Type::Named(_) => Type::Named(name.clone()),
        Type::NonNullNamed(_) => Type::NonNullNamed(name.clone()),
        Type::List(item) => Type::List(Box::new(named(item, name))),
        Type::NonNullList(item) => Type::NonNullList(Box::new(named(item, name))),
    }
}
