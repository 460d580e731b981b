//! `@inaccessible`: what remains visible must still be a schema.

use braid_graphql::compiler::ast::{Type, Value};
use braid_graphql::directives::is_executable;
use braid_supergraph::join_spec::draft::{DraftApplied, DraftField, DraftInput, DraftKind, DraftType};

use super::context::Context;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Directives;
use crate::subgraph::spec::Known;

pub(super) fn check(context: &Context<'_>, errors: &mut Vec<Diagnostic>) {
    if context.features.name(Known::Inaccessible).is_none() {
        return;
    }
    let mut rules = Rules { context, errors };
    for ty in context.draft.types.values().filter(|t| !t.internal) {
        if rules.hidden(&ty.applied) {
            if ty.name == "Query" {
                rules.error(
                    Code::QUERY_ROOT_TYPE_INACCESSIBLE,
                    ("Query", None, None),
                    "The type \"Query\" is @inaccessible, so clients could not send any query.".into(),
                    "remove @inaccessible from the query root in all subgraphs, and hide individual fields instead",
                );
            }
        } else {
            rules.visible(ty);
        }
    }
    for directive in context.draft.directives.values().filter(|d| !d.internal) {
        rules.directive(directive);
    }
    rules.type_system_directives();
}

struct Rules<'a, 'b> {
    context: &'a Context<'a>,
    errors: &'b mut Vec<Diagnostic>,
}

type Element<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn coordinate((ty, field, argument): Element<'_>) -> String {
    match (field, argument) {
        (None, _) => ty.to_string(),
        (Some(field), None) => format!("{ty}.{field}"),
        (Some(field), Some(argument)) => format!("{ty}.{field}({argument}:)"),
    }
}

impl<'a> Rules<'a, '_> {
    fn hidden(&self, applied: &[DraftApplied]) -> bool {
        self.context.features.is_inaccessible(applied)
    }

    fn hidden_type(&self, name: &str) -> bool {
        self.context.draft.types.get(name).is_some_and(|t| self.hidden(&t.applied))
    }

    fn error(&mut self, code: Code, element: Element<'_>, message: String, help: &str) {
        let edits = self.uncover(element);
        self.errors.push(
            Diagnostic::new(code, message)
                .on(coordinate(element))
                .at(self.context.locations(element.0, element.1, element.2))
                .help(help)
                .fix("remove @inaccessible here", edits),
        );
    }

    /// Removes `@inaccessible` from an element in all subgraphs.
    fn uncover(&self, (ty, field, argument): Element<'_>) -> Vec<crate::diagnostic::Edit> {
        let mut edits = Vec::new();
        for subgraph in self.context.subgraphs {
            let Some(ty) = subgraph.schema.types.get(ty) else { continue };
            let applied = match (field, argument) {
                (None, _) => ty.applied(),
                (Some(f), Some(a)) => match ty.fields.get(f).and_then(|f| f.args.get(a)) {
                    Some(argument) => argument.applied(),
                    None => continue,
                },
                (Some(f), None) => match (ty.fields.get(f), ty.values.get(f)) {
                    (Some(field), _) => field.applied(),
                    (_, Some(value)) => value.applied(),
                    _ => continue,
                },
            };
            let found = applied.iter().filter(|a| a.known == Some(Known::Inaccessible));
            edits.extend(found.filter_map(|a| crate::validate::edits::remove_application(subgraph, a)));
        }
        edits
    }

    fn only_hidden(&mut self, ty: &DraftType, what: &str) {
        self.error(
            Code::ONLY_INACCESSIBLE_CHILDREN,
            (&ty.name, None, None),
            format!("Clients see the type \"{}\", but each of its {what} is hidden from them (@inaccessible), and GraphQL does not allow empty types.", ty.name),
            "mark the type itself @inaccessible, or leave something of it visible",
        );
    }

    fn visible(&mut self, ty: &'a DraftType) {
        match ty.kind {
            DraftKind::Object | DraftKind::Interface => {
                if ty.fields.values().all(|f| self.hidden(&f.applied)) {
                    self.only_hidden(ty, "fields");
                }
                for field in ty.fields.values() {
                    self.field(ty, field);
                }
            }
            DraftKind::Input => {
                if ty.fields.values().all(|f| self.hidden(&f.applied)) {
                    self.only_hidden(ty, "fields");
                }
                for field in ty.fields.values() {
                    self.input_field(ty, field);
                }
            }
            DraftKind::Enum => {
                if ty.values.values().all(|v| self.hidden(&v.applied)) {
                    self.only_hidden(ty, "values");
                }
            }
            DraftKind::Union => {
                if ty.members.keys().all(|m| self.hidden_type(m)) {
                    self.only_hidden(ty, "members");
                }
            }
            DraftKind::Scalar => {}
        }
    }

    fn interfaces_of(&self, ty: &'a DraftType) -> Vec<&'a DraftType> {
        ty.implements
            .keys()
            .filter_map(|i| self.context.draft.types.get(i))
            .filter(|i| !self.hidden(&i.applied))
            .collect()
    }

    fn field(&mut self, ty: &'a DraftType, field: &'a DraftField) {
        let element = (ty.name.as_str(), Some(field.name.as_str()), None);
        if self.hidden(&field.applied) {
            for interface in self.interfaces_of(ty) {
                let visible = interface.fields.get(&field.name).is_some_and(|f| !self.hidden(&f.applied));
                if visible {
                    self.error(
                        Code::IMPLEMENTED_BY_INACCESSIBLE,
                        element,
                        format!("\"{}\" is hidden from clients (@inaccessible), yet they may select the field through the interface, where \"{}.{}\" is visible.", coordinate(element), interface.name, field.name),
                        "mark the interface's field @inaccessible too, or remove it here",
                    );
                }
            }
            return;
        }
        self.referenced(element, &field.ty);
        for argument in &field.args {
            self.argument(ty, field, argument);
        }
    }

    fn referenced(&mut self, element: Element<'_>, ty: &Type) {
        let name = ty.inner_named_type();
        if self.hidden_type(name) {
            let edits = self.uncover((name, None, None));
            self.errors.push(
                Diagnostic::new(
                    Code::REFERENCED_INACCESSIBLE,
                    format!(
                        "\"{}\" is visible to clients, but its type \"{name}\" is hidden from them (@inaccessible).",
                        coordinate(element)
                    ),
                )
                .on(coordinate(element))
                .at(self.context.locations(element.0, element.1, element.2))
                .help(format!("mark \"{}\" @inaccessible too, or remove it from \"{name}\"", coordinate(element)))
                .fix(format!("remove @inaccessible from \"{name}\""), edits),
            );
        }
    }

    fn argument(&mut self, ty: &'a DraftType, field: &'a DraftField, argument: &'a DraftInput) {
        let element = (ty.name.as_str(), Some(field.name.as_str()), Some(argument.name.as_str()));
        let same = |f: &'a DraftField| f.args.iter().find(|a| a.name == argument.name);
        if self.hidden(&argument.applied) {
            if is_required(&argument.ty, argument.default.is_some()) {
                self.error(
                    Code::REQUIRED_INACCESSIBLE,
                    element,
                    format!(
                        "The argument \"{}\" is hidden from clients (@inaccessible), but the field can't be asked for without it.",
                        coordinate(element)
                    ),
                    "make the argument optional, or remove @inaccessible",
                );
            }
            for interface in self.interfaces_of(ty) {
                let visible = interface.fields.get(&field.name).filter(|f| !self.hidden(&f.applied)).and_then(same);
                if visible.is_some_and(|a| !self.hidden(&a.applied)) {
                    self.error(
                        Code::IMPLEMENTED_BY_INACCESSIBLE,
                        element,
                        format!("The argument \"{}\" is hidden from clients (@inaccessible), yet they may give it through the interface, where \"{}.{}({}:)\" is visible.", coordinate(element), interface.name, field.name, argument.name),
                        "mark the interface's argument @inaccessible too, or remove it here",
                    );
                }
            }
            return;
        }
        // Clients that ask through the interface can't give what the interface hides.
        if is_required(&argument.ty, argument.default.is_some()) {
            for interface in self.interfaces_of(ty) {
                let hidden = interface.fields.get(&field.name).and_then(same).is_some_and(|a| self.hidden(&a.applied));
                let field_shown = interface.fields.get(&field.name).is_some_and(|f| !self.hidden(&f.applied));
                if hidden && field_shown {
                    self.error(
                        Code::REQUIRED_INACCESSIBLE,
                        (&interface.name, Some(&field.name), Some(&argument.name)),
                        format!("The argument \"{}.{}({}:)\" is hidden from clients (@inaccessible), so those who ask through the interface can't give it, but the implementation requires it: \"{}\".", interface.name, field.name, argument.name, coordinate(element)),
                        "make the argument of the implementation optional, or remove @inaccessible from the interface's",
                    );
                }
            }
        }
        self.referenced(element, &argument.ty);
        if let Some(default) = &argument.default {
            self.default(element, &argument.ty, default);
        }
    }

    fn input_field(&mut self, ty: &'a DraftType, field: &'a DraftField) {
        let element = (ty.name.as_str(), Some(field.name.as_str()), None);
        if self.hidden(&field.applied) {
            if is_required(&field.ty, field.default.is_some()) {
                self.error(
                    Code::REQUIRED_INACCESSIBLE,
                    element,
                    format!(
                        "The input field \"{}\" is hidden from clients (@inaccessible), but the input is not valid without it.",
                        coordinate(element)
                    ),
                    "make the field optional, or remove @inaccessible",
                );
            }
            return;
        }
        self.referenced(element, &field.ty);
        if let Some(default) = &field.default {
            self.default(element, &field.ty, default);
        }
    }

    fn default(&mut self, element: Element<'_>, ty: &Type, default: &Value) {
        let Some(used) = self.hidden_in(ty, default) else { return };
        self.errors.push(
            Diagnostic::new(
                Code::DEFAULT_VALUE_USES_INACCESSIBLE,
                format!("Clients see the default of \"{}\", and in it \"{used}\", which is hidden from them (@inaccessible).", coordinate(element)),
            )
            .on(coordinate(element))
            .at(self.context.locations(element.0, element.1, element.2))
            .help(format!("choose another default, or remove @inaccessible from \"{used}\""))
            .fix(format!("remove @inaccessible from \"{used}\""), {
                let (ty, field) = used.split_once('.').unwrap_or((&used, ""));
                self.uncover((ty, Some(field), None))
            }),
        );
    }

    /// The first hidden enum value or input field that a literal uses.
    fn hidden_in(&self, ty: &Type, value: &Value) -> Option<String> {
        let named = self.context.draft.types.get(ty.inner_named_type())?;
        match value {
            Value::List(items) => items.iter().find_map(|v| self.hidden_in(ty.item_type(), v)),
            Value::Enum(name) => {
                let found = named.values.get(name)?;
                self.hidden(&found.applied).then(|| format!("{}.{name}", named.name))
            }
            Value::Object(fields) => fields.iter().find_map(|(name, v)| {
                let field = named.fields.get(name)?;
                match self.hidden(&field.applied) {
                    true => Some(format!("{}.{name}", named.name)),
                    false => self.hidden_in(&field.ty, v),
                }
            }),
            _ => None,
        }
    }

    /// Clients don't see directives of the type system: there is nothing to hide.
    fn type_system_directives(&mut self) {
        for subgraph in self.context.subgraphs {
            for directive in subgraph.schema.directives.values() {
                let composed = self
                    .context
                    .draft
                    .directives
                    .get(&directive.name)
                    .is_some_and(|d| d.locations.iter().any(|l| !is_executable(*l)));
                for argument in directive.args.values().filter(|_| composed) {
                    let Some(applied) = argument.get(Known::Inaccessible) else { continue };
                    let element = format!("@{}({}:)", directive.name, argument.name);
                    self.errors.push(
                        Diagnostic::new(
                            Code::DISALLOWED_INACCESSIBLE,
                            format!("@inaccessible on \"{element}\" hides nothing: the directive is used in schemas only, which clients don't see."),
                        )
                        .on(element)
                        .at(subgraph.locate(argument.span))
                        .help("remove @inaccessible")
                        .fix("remove @inaccessible", crate::validate::edits::remove_application(subgraph, applied)),
                    );
                }
            }
        }
    }

    fn directive(&mut self, directive: &braid_supergraph::join_spec::draft::DraftDirective) {
        for argument in &directive.args {
            if self.hidden(&argument.applied) && is_required(&argument.ty, argument.default.is_some()) {
                self.errors.push(
                    Diagnostic::new(
                        Code::REQUIRED_INACCESSIBLE,
                        format!(
                            "The argument \"@{}({}:)\" is hidden from clients (@inaccessible), but the directive can't be used without it.",
                            directive.name, argument.name
                        ),
                    )
                    .on(format!("@{}({}:)", directive.name, argument.name))
                    .help("make the argument optional, or remove @inaccessible"),
                );
            } else if !self.hidden(&argument.applied) && self.hidden_type(argument.ty.inner_named_type()) {
                self.errors.push(
                    Diagnostic::new(
                        Code::REFERENCED_INACCESSIBLE,
                        format!("\"@{1}({2}:)\" is visible to clients, but its type \"{0}\" is hidden from them (@inaccessible).", argument.ty.inner_named_type(), directive.name, argument.name),
                    )
                    .on(format!("@{}({}:)", directive.name, argument.name))
                    .help("mark the argument @inaccessible too, or remove it from the type"),
                );
            }
        }
    }
}

fn is_required(ty: &Type, has_default: bool) -> bool {
    ty.is_non_null() && !has_default
}
