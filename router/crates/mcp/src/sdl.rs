//! A part of a schema as text. Knows not what it is for.

use std::fmt::Write;

use braid_graphql::compiler::ast::{Directive, InputValueDefinition};
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::{Name, Node, OperationType};

use crate::partial::Partial;
use crate::view::fields;
use crate::words::{shortened, summary};

/// How much of descriptions is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The first sentence of each.
    Brief,
    /// More, but no novel.
    Full,
}

const BRIEF: usize = 120;
const FULL: usize = 600;

/// Writes a part that is closed ([`Partial::close`]). What is required is in comments, and so is how much is left out.
pub(crate) fn write(partial: &Partial<'_>, detail: Detail) -> String {
    let mut out = Writer { partial, detail, out: String::new() };
    out.roots();
    for name in partial.types.keys() {
        if let Some(ty) = partial.view.ty(name) {
            out.ty(ty);
        }
    }
    out.out
}

struct Writer<'a> {
    partial: &'a Partial<'a>,
    detail: Detail,
    out: String,
}

impl Writer<'_> {
    /// Which types are the roots, where their names don't say it.
    fn roots(&mut self) {
        let default = |kind| match kind {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let roots: Vec<_> =
            self.partial.view.roots().filter(|(_, name)| self.partial.types.contains_key(name.as_str())).collect();
        if roots.iter().any(|(kind, name)| name.as_str() != default(*kind)) {
            let roots = roots.iter().map(|(kind, name)| format!("{}: {name}", kind.name()));
            let _ = writeln!(self.out, "schema {{ {} }}\n", roots.collect::<Vec<_>>().join(" "));
        }
    }

    fn ty(&mut self, ty: &ExtendedType) {
        let shown =
            |name: &Name| self.partial.types.get(ty.name().as_str()).is_some_and(|parts| parts.contains(name.as_str()));
        if let Some(needs) = self.partial.view.type_needs(ty.name()) {
            let _ = writeln!(self.out, "# {needs}");
        }
        self.description(ty.description(), "");
        match ty {
            ExtendedType::Scalar(scalar) => {
                let url = scalar.directives.get("specifiedBy").map(|directive| format!(" {directive}"));
                let _ = writeln!(self.out, "scalar {}{}\n", scalar.name, url.unwrap_or_default());
            }
            ExtendedType::Object(object) => {
                let _ = write!(self.out, "type {}", object.name);
                self.interfaces(object.implements_interfaces.iter());
                self.fields(ty);
            }
            ExtendedType::Interface(interface) => {
                let _ = write!(self.out, "interface {}", interface.name);
                self.interfaces(interface.implements_interfaces.iter());
                self.fields(ty);
            }
            ExtendedType::Union(union) => {
                let members: Vec<_> = union.members.iter().map(|member| &**member).filter(|name| shown(name)).collect();
                let names = members.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" | ");
                let more = left_out(union.members.len() - members.len()).map(|more| format!(" # {more}"));
                let _ = writeln!(self.out, "union {} = {names}{}\n", union.name, more.unwrap_or_default());
            }
            ExtendedType::Enum(values) => {
                let all: Vec<_> = values.values.iter().filter(|(name, _)| shown(name)).collect();
                let _ = writeln!(self.out, "enum {} {{", values.name);
                for (name, value) in &all {
                    self.description(value.description.as_ref(), "  ");
                    let _ = writeln!(self.out, "  {name}{}", deprecated(value.directives.get("deprecated")));
                }
                self.end(values.values.len() - all.len());
            }
            ExtendedType::InputObject(input) => {
                let one_of = if input.is_one_of() { " @oneOf" } else { "" };
                let _ = writeln!(self.out, "input {}{one_of} {{", input.name);
                let all: Vec<_> = input.fields.iter().filter(|(name, _)| shown(name)).collect();
                for (_, field) in &all {
                    self.description(field.description.as_ref(), "  ");
                    let _ = writeln!(self.out, "  {}", value(field));
                }
                self.end(input.fields.len() - all.len());
            }
        }
    }

    /// Those interfaces that are shown.
    fn interfaces<'n>(&mut self, names: impl Iterator<Item = &'n Node<Name>>) {
        let names: Vec<&str> =
            names.map(|name| name.as_str()).filter(|name| self.partial.types.contains_key(name)).collect();
        if !names.is_empty() {
            let _ = write!(self.out, " implements {}", names.join(" & "));
        }
    }

    fn fields(&mut self, ty: &ExtendedType) {
        self.out.push_str(" {\n");
        let parts = self.partial.types.get(ty.name().as_str());
        let all: Vec<_> =
            fields(ty).filter(|(name, _)| parts.is_some_and(|parts| parts.contains(name.as_str()))).collect();
        for (name, field) in &all {
            self.description(field.description.as_ref(), "  ");
            let _ = write!(self.out, "  {name}");
            if !field.arguments.is_empty() {
                let arguments = field.arguments.iter().map(|argument| value(argument)).collect::<Vec<_>>().join(", ");
                let _ = write!(self.out, "({arguments})");
            }
            let _ = write!(self.out, ": {}{}", field.ty, deprecated(field.directives.get("deprecated")));
            if let Some(needs) = self.partial.view.field_needs(ty.name(), name) {
                let _ = write!(self.out, " # {needs}");
            }
            self.out.push('\n');
        }
        self.end(fields(ty).count() - all.len());
    }

    fn end(&mut self, hidden: usize) {
        if let Some(more) = left_out(hidden) {
            let _ = writeln!(self.out, "  # {more}");
        }
        self.out.push_str("}\n\n");
    }

    fn description(&mut self, description: Option<&Node<str>>, indent: &str) {
        let Some(description) = description else { return };
        let text = match self.detail {
            Detail::Brief => summary(description, BRIEF),
            Detail::Full => shortened(&description.split_whitespace().collect::<Vec<_>>().join(" "), FULL),
        };
        if !text.is_empty() {
            let _ = writeln!(self.out, "{indent}{}", quoted(&text));
        }
    }
}

/// How many parts of a type are left out.
fn left_out(count: usize) -> Option<String> {
    (count > 0).then(|| format!("{count} more: introspect it"))
}

fn value(value: &InputValueDefinition) -> String {
    let default = value.default_value.as_ref().map(|default| format!(" = {}", default.serialize().no_indent()));
    let default = default.unwrap_or_default();
    format!("{}: {}{default}{}", value.name, value.ty, deprecated(value.directives.get("deprecated")))
}

fn deprecated(directive: Option<&Node<Directive>>) -> String {
    let Some(directive) = directive else { return String::new() };
    let reason = directive.specified_argument_by_name("reason").and_then(|reason| reason.as_str());
    reason.map_or(" @deprecated".to_owned(), |reason| {
        format!(" @deprecated(reason: {})", quoted(&shortened(reason, BRIEF)))
    })
}

/// A text as a GraphQL string in one line. JSON's escapes are GraphQL's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
