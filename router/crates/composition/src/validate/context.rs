//! `@context` and `@fromContext`: arguments whose values the router takes from objects further up in the query.

use braid_graphql::compiler::ast::Type;

use super::{edits, problem};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{Applied, Directives, Field, InputValue, Kind, Subgraph, TypeDef};
use crate::subgraph::spec::Known;

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
            "The context name \"{name}\" contains an underscore, which separates subgraph and context in the supergraph"
        ),
        false => format!("The context name \"{name}\" is not a letter followed by letters and digits"),
    };
    let sdl = subgraph.sdl();
    // Whoever uses the context must follow its new name.
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
                format!("@fromContext on \"{place}\" fills nothing in: a field of an interface is resolved by the implementing types"),
                "put @fromContext on the argument of each implementing type, and leave it off the interface",
            );
            return;
        }
        let implemented = self.ty.implements.keys().any(|i| {
            self.subgraph.schema.types.get(i).is_some_and(|t| {
                t.fields.get(&self.field.name).is_some_and(|f| f.args.contains_key(&self.argument.name))
            })
        });
        if implemented {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!("\"{place}\" is filled in by the router (@fromContext), but an interface offers the same argument to clients"),
                "remove the argument from the interface's field",
            );
            return;
        }
        if self.argument.default.is_some() {
            self.push(
                Code::CONTEXT_NOT_SET,
                format!("The default of \"{place}\" would never be used: @fromContext always fills the argument in"),
                "remove the default",
            );
            return;
        }
        let resolvable = self.ty.all(Known::Key).any(|k| k.bool_arg("resolvable") != Some(false));
        if !resolvable {
            self.push(
                Code::CONTEXT_NO_RESOLVABLE_KEY,
                format!(
                    "To fill in \"{place}\" the router first fetches the value and then returns to the object by its key, but \"{}\" has no @key that it could use",
                    self.ty.name
                ),
                "give the type a @key (without `resolvable: false`)",
            );
        }
        let text = self.applied.str_arg("field").unwrap_or_default().trim().to_string();
        let Some((context, selection)) = split(&text) else {
            self.push(
                Code::NO_CONTEXT_IN_SELECTION,
                format!(
                    "@fromContext on \"{place}\" does not say which context to take the value from: \"{}\"",
                    crate::diagnostic::excerpt(&text)
                ),
                "start with a dollar sign and the context's name, for example \"$user { id }\"",
            );
            return;
        };
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
                format!("\"{place}\" takes its value from the context \"{context}\", but no type of this subgraph sets that context"),
                &format!("mark the type that holds it with @context(name: \"{context}\")"),
            );
            return;
        }
        if let Err(message) = self.selection(context, selection, &setters) {
            self.push(
                Code::CONTEXT_INVALID_SELECTION,
                format!("\"{place}\" can't take its value from the context \"{context}\": {message}"),
                "select exactly one field, of the same type as the argument",
            );
        }
    }

    fn selection(&self, _context: &str, selection: &str, setters: &[&'a TypeDef]) -> Result<(), String> {
        let trimmed = selection.trim();
        if trimmed.is_empty() {
            return Err("no field is selected".into());
        }
        let set = FieldSet::parse(trimmed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(trimmed))?;
        let fragments = set.items.iter().all(|i| matches!(i, Item::Fragment { .. }));
        if !fragments {
            for setter in setters {
                self.leaf(setter, &set)?;
            }
            return Ok(());
        }
        let mut used = vec![false; set.items.len()];
        for setter in setters {
            let mut matched = false;
            for (i, item) in set.items.iter().enumerate() {
                let Item::Fragment { condition, selection, .. } = item else { continue };
                let fits = condition.as_ref().is_none_or(|c| self.overlaps(setter, c));
                if fits {
                    used[i] = true;
                    matched = true;
                    let on = condition.as_ref().and_then(|c| self.subgraph.schema.types.get(c)).unwrap_or(setter);
                    self.leaf(on, selection)?;
                }
            }
            if !matched {
                return Err(format!("no type condition applies to \"{}\", which sets the context too", setter.name));
            }
        }
        match used.iter().all(|u| *u) {
            true => Ok(()),
            false => Err("a type condition applies to no type that sets the context".into()),
        }
    }

    fn overlaps(&self, setter: &TypeDef, condition: &str) -> bool {
        let Some(other) = self.subgraph.schema.types.get(condition) else { return false };
        let a = self.subgraph.schema.runtime_types(setter);
        let b = self.subgraph.schema.runtime_types(other);
        setter.name == condition || a.iter().any(|t| b.iter().any(|u| t.name == u.name))
    }

    /// One field at each level, ending in a leaf that the argument can take.
    fn leaf(&self, ty: &TypeDef, set: &FieldSet) -> Result<(), String> {
        let [item] = set.items.as_slice() else { return Err("more than one field is selected".into()) };
        match item {
            Item::Fragment { .. } => Err("type conditions can only stand at the start".into()),
            Item::Field { name, alias, directives, selection, .. } => {
                if alias.is_some() {
                    return Err("aliases can't be used".into());
                }
                if !directives.is_empty() {
                    return Err("directives can't be used".into());
                }
                if ty.is_interface_object() {
                    return Err(format!("\"{}\" is an interface object", ty.name));
                }
                let Some(field) = ty.fields.get(name) else {
                    return Err(format!("type \"{}\" has no field \"{name}\"", ty.name));
                };
                let target = self.subgraph.schema.types.get(field.ty.inner_named_type());
                match (target.filter(|t| t.is_composite()), selection.is_empty()) {
                    (Some(target), false) => self.leaf(target, selection),
                    (Some(_), true) => Err("the selection ends at an object, not at a value".into()),
                    (None, false) => Err(format!("\"{name}\" has no fields")),
                    (None, true) => match assignable(&field.ty, &self.argument.ty) {
                        true => Ok(()),
                        false => Err(format!(
                            "the type of the selection is \"{}\", but the argument's is \"{}\"",
                            field.ty, self.argument.ty
                        )),
                    },
                }
            }
        }
    }
}

/// `$name selection` → (name, selection).
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('$')?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// A nullable value may go to a non-null argument: without the value, the field is null.
fn assignable(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Named(a) | Type::NonNullNamed(a), Type::Named(b) | Type::NonNullNamed(b)) => a == b,
        (Type::List(a) | Type::NonNullList(a), Type::List(b) | Type::NonNullList(b)) => assignable(a, b),
        _ => false,
    }
}
