//! `@context` and `@fromContext`: arguments whose values the router takes from objects further up in the query.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Field, InputValue, Kind, Subgraph, TypeDef};
use crate::subgraph::spec::Known;
use braid_graphql::context_selection::ContextSelection;
use braid_graphql::field_set::{FieldSet, Item};

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        for context in ty.all(Known::Context) {
            name(subgraph, ty, context, errors);
        }
        for field in ty.fields.values() {
            for argument in field.args.values() {
                for applied in argument.all(Known::FromContext) {
                    FromContext { subgraph, ty, field, argument, applied, errors }.run();
                }
            }
        }
    }
    on_directives(subgraph, errors);
}

/// The router never calls a directive, so it has nothing to fill in there.
fn on_directives(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for directive in subgraph.schema.directives.values() {
        for argument in directive.args.values() {
            for applied in argument.all(Known::FromContext) {
                let place = format!("@{}({}:)", directive.name, argument.name);
                errors.push(
                    problem(
                        subgraph,
                        Code::CONTEXT_NOT_SET,
                        format!("@fromContext on \"{place}\" has no effect: the router fills in arguments of fields, not of directives."),
                    )
                    .on(place)
                    .at(subgraph.locate(applied.span))
                    .help("remove @fromContext")
                    .fix("remove @fromContext", edits::remove_application(subgraph, applied)),
                );
            }
        }
    }
}

fn name(subgraph: &Subgraph, ty: &TypeDef, context: &Applied, errors: &mut Vec<Diagnostic>) {
    let Some(name) = context.str_arg("name") else { return };
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    if good {
        return;
    }
    let corrected: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let message = match name.contains('_') {
        true => format!(
            "The context name \"{name}\" contains an underscore, which separates subgraph and context in the supergraph."
        ),
        false => format!("The context name \"{name}\" is not a letter followed by letters and digits."),
    };
    let sdl = subgraph.sdl();
    // All uses of the context must follow its new name.
    let mut changes: Vec<_> = context
        .arg("name")
        .and_then(|v| v.location())
        .map(|s| subgraph.edit(s.offset(), s.end_offset(), format!("\"{corrected}\"")))
        .into_iter()
        .collect();
    let usage = format!("${name}");
    changes.extend(sdl.match_indices(&usage).map(|(i, _)| subgraph.edit(i, i + usage.len(), format!("${corrected}"))));
    errors.push(
        problem(subgraph, Code::CONTEXT_NAME_INVALID, message)
            .on(ty.name.as_str())
            .at(subgraph.locate(context.span))
            .help("use letters and digits only")
            .fix(format!("call the context \"{corrected}\""), if corrected.is_empty() { Vec::new() } else { changes }),
    );
}

struct FromContext<'a, 'b> {
    subgraph: &'a Subgraph,
    ty: &'a TypeDef,
    field: &'a Field,
    argument: &'a InputValue,
    applied: &'a Applied,
    errors: &'b mut Vec<Diagnostic>,
}

impl<'a> FromContext<'a, '_> {
    fn push(&mut self, code: Code, message: String, help: &str) {
        let coordinate = format!("{}.{}({}:)", self.ty.name, self.field.name, self.argument.name);
        self.errors.push(
            problem(self.subgraph, code, message)
                .on(coordinate)
                .at(self.subgraph.locate(self.applied.span))
                .help(help)
                .fix("remove @fromContext", edits::remove_application(self.subgraph, self.applied)),
        );
    }

    fn run(mut self) {
        let place = format!("{}.{}({}:)", self.ty.name, self.field.name, self.argument.name);
        if self.ty.kind == Kind::Interface {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!("@fromContext on \"{place}\" has no effect: a field of an interface is resolved by the implementing types."),
                "put @fromContext on the argument of each implementing type, and leave it off the interface",
            );
            return;
        }
        let implemented = self.ty.implements.keys().find(|interface| {
            self.subgraph.schema.types.get(*interface).is_some_and(|t| t.fields.contains_key(&self.field.name))
        });
        if let Some(interface) = implemented {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!(
                    "\"{place}\" is filled in by the router (@fromContext), but the field can also be reached through the interface \"{interface}\", where the router does not know that."
                ),
                "remove the field from the interface, or remove @fromContext",
            );
            return;
        }
        if self.argument.default.is_some() {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!("The default of \"{place}\" would never be used: @fromContext always fills the argument in."),
                "remove the default",
            );
            return;
        }
        let resolvable = self.ty.all(Known::Key).any(|k| k.bool_arg("resolvable") != Some(false));
        if !resolvable {
            self.push(
                Code::CONTEXT_NO_RESOLVABLE_KEY,
                format!(
                    "To fill in \"{place}\" the router first fetches the value and then returns to the object by its key, but \"{}\" has no @key that it could use.",
                    self.ty.name
                ),
                "give the type a @key (without `resolvable: false`)",
            );
        }
        let text = self.applied.str_arg("field").unwrap_or_default();
        let Some(value) = ContextSelection::parse(text) else {
            self.push(
                Code::NO_CONTEXT_IN_SELECTION,
                format!(
                    "@fromContext on \"{place}\" does not say which context to take the value from: \"{}\".",
                    crate::diagnostic::excerpt(text.trim())
                ),
                "start with a dollar sign and the context's name, for example \"$user { id }\"",
            );
            return;
        };
        let context = value.context;
        let setters: Vec<&'a TypeDef> = self
            .subgraph
            .schema
            .types
            .values()
            .filter(|t| t.all(Known::Context).any(|c| c.str_arg("name") == Some(context)))
            .collect();
        if setters.is_empty() {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!("\"{place}\" takes its value from the context \"{context}\", but no type of this subgraph sets that context."),
                &format!("mark the type that holds it with @context(name: \"{context}\")"),
            );
            return;
        }
        if let Err(message) = self.selection(value, &setters) {
            self.push(
                Code::CONTEXT_INVALID_SELECTION,
                format!("\"{place}\" can't take its value from the context \"{context}\": {message}."),
                "select exactly one field, and let the argument be nullable and of the same type",
            );
        }
    }

    fn selection(&self, value: ContextSelection<'_>, setters: &[&'a TypeDef]) -> Result<(), String> {
        if value.selection.trim().is_empty() {
            return Err("no field is selected".into());
        }
        let set = value.fields().map_err(|error| format!("the selection can't be read: {error}"))?;
        if !set.items.iter().all(|item| matches!(item, Item::Fragment { .. })) {
            return setters.iter().try_for_each(|setter| self.value(setter, &set));
        }
        let conditions = self.conditions(&set)?;
        let mut used = vec![false; conditions.len()];
        for setter in setters {
            let possible = self.subgraph.schema.runtime_types(setter);
            let mut matched = false;
            for (used, (condition, selection)) in used.iter_mut().zip(&conditions) {
                if possible.iter().any(|ty| ty.name == condition.name) {
                    (*used, matched) = (true, true);
                    self.value(condition, selection)?;
                }
            }
            if !matched {
                return Err(format!("no type condition applies to \"{}\", which sets the context too", setter.name));
            }
        }
        match used.iter().all(|used| *used) {
            true => Ok(()),
            false => Err("a type condition applies to no type that sets the context".into()),
        }
    }

    /// The object types of the type conditions, each with what is selected there.
    fn conditions<'s>(&self, set: &'s FieldSet) -> Result<Vec<(&'a TypeDef, &'s FieldSet)>, String> {
        let mut conditions: Vec<(&'a TypeDef, &'s FieldSet)> = Vec::with_capacity(set.items.len());
        for item in &set.items {
            let Item::Fragment { condition, directives, selection } = item else { continue };
            if !directives.is_empty() {
                return Err("directives can't be used".into());
            }
            let Some(condition) = condition else { return Err("a fragment has no type condition".into()) };
            let Some(ty) = self.subgraph.schema.types.get(condition).filter(|ty| ty.kind == Kind::Object) else {
                return Err(format!("\"{condition}\" is not an object type, so it can't be a type condition"));
            };
            if conditions.iter().any(|(other, _)| other.name == ty.name) {
                return Err(format!("there are two type conditions on \"{condition}\""));
            }
            conditions.push((ty, selection));
        }
        Ok(conditions)
    }

    /// The selection must end in one leaf that the argument can take. An object on the way may be missing, and so may the value.
    fn value(&self, ty: &TypeDef, set: &FieldSet) -> Result<(), String> {
        let value = self.leaf(ty, set)?;
        match value == self.argument.ty {
            true => Ok(()),
            false => Err(format!(
                "the value has the type \"{value}\" (it may be missing), but the argument has \"{}\"",
                self.argument.ty
            )),
        }
    }

    /// The type of the value that one field at each level leads to, always nullable.
    fn leaf(&self, ty: &TypeDef, set: &FieldSet) -> Result<Type, String> {
        let [item] = set.items.as_slice() else { return Err("more than one field is selected".into()) };
        let Item::Field { name, alias, directives, selection, .. } = item else {
            return Err("type conditions are allowed only at the start".into());
        };
        if alias.is_some() {
            return Err("aliases can't be used".into());
        }
        if !directives.is_empty() {
            return Err("directives can't be used".into());
        }
        if ty.is_interface_object() {
            return Err(format!("\"{}\" is an interface object", ty.name));
        }
        if name == "__typename" && selection.is_empty() {
            return Ok(Type::Named(Name::new_static_unchecked("String")));
        }
        let Some(field) = ty.fields.get(name) else {
            return Err(format!("type \"{}\" has no field \"{name}\"", ty.name));
        };
        let target = self.subgraph.schema.types.get(field.ty.inner_named_type());
        match (target.filter(|t| t.is_composite()), selection.is_empty()) {
            (Some(target), false) => Ok(in_lists_of(&field.ty, self.leaf(target, selection)?)),
            (Some(_), true) => Err("the selection ends at an object, not at a value".into()),
            (None, false) => Err(format!("\"{name}\" has no fields")),
            (None, true) => Ok(in_lists_of(&field.ty, Type::Named(field.ty.inner_named_type().clone()))),
        }
    }
}

/// A type in as many lists as another one.
fn in_lists_of(lists: &Type, inner: Type) -> Type {
    match lists {
        Type::Named(_) | Type::NonNullNamed(_) => inner,
        Type::List(item) | Type::NonNullList(item) => Type::List(Box::new(in_lists_of(item, inner))),
    }
}
