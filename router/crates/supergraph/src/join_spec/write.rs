//! The writing half of the join specification: a merged schema with its joins, printed as supergraph SDL (v0.3 to v0.5).
//! Knows nothing of how subgraphs are merged.

use std::fmt::Write;
use std::sync::Arc;

use braid_graphql::compiler::ast::{Type, Value};
use braid_graphql::compiler::{Name, Node};

use super::draft::{Draft, DraftApplied, DraftDirective, DraftField, DraftInput, DraftJoinField, DraftKind, DraftType};

impl DraftApplied {
    /// `@join__directive`: a directive of some subgraphs that is not merged under its own name.
    pub fn of_graphs(draft: &Draft, graphs: &[usize], name: &str, args: Vec<(Name, Node<Value>)>) -> Self {
        let values = graphs.iter().map(|i| Node::new(Value::Enum(Name::new_unchecked(draft.graph(*i))))).collect();
        DraftApplied {
            name: Name::new_unchecked("join__directive"),
            args: vec![
                (Name::new_unchecked("graphs"), Node::new(Value::List(values))),
                (Name::new_unchecked("name"), Node::new(Value::String(name.to_string()))),
                (Name::new_unchecked("args"), Node::new(Value::Object(args))),
            ],
        }
    }
}

/// About as many bytes as a type takes.
const USUAL_TYPE: usize = 256;

const ROOTS: [(&str, &str); 3] = [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];

impl Draft {
    /// Supergraph SDL.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(4096 + self.types.len() * USUAL_TYPE);
        self.schema(&mut out);
        self.join_definitions(&mut out);
        for directive in self.directives.values() {
            directive_definition(&mut out, directive);
        }
        for ty in self.types.values() {
            self.ty(&mut out, ty);
        }
        out
    }

    fn schema(&self, out: &mut String) {
        description(out, self.description.as_ref(), "");
        out.push_str("schema\n  @link(url: \"https://specs.apollo.dev/link/v1.0\")\n");
        let _ = writeln!(out, "  @link(url: \"https://specs.apollo.dev/join/v0.{}\", for: EXECUTION)", self.join_minor);
        for link in &self.links {
            let _ = write!(out, "  @link(url: {}", quoted(&link.url));
            if let Some(alias) = &link.alias {
                let _ = write!(out, ", as: {}", quoted(alias));
            }
            if !link.imports.is_empty() {
                let imports: Vec<String> = link
                    .imports
                    .iter()
                    .map(|(name, alias)| match alias {
                        Some(alias) => format!("{{ name: {}, as: {} }}", quoted(name), quoted(alias)),
                        None => quoted(name),
                    })
                    .collect();
                let _ = write!(out, ", import: [{}]", imports.join(", "));
            }
            if let Some(purpose) = &link.purpose {
                let _ = write!(out, ", for: {purpose}");
            }
            out.push_str(")\n");
        }
        for applied in &self.applied {
            let _ = writeln!(out, "  {}", application(applied));
        }
        out.push_str("{\n");
        for (operation, name) in ROOTS {
            if self.types.contains_key(name) {
                let _ = writeln!(out, "  {operation}: {name}");
            }
        }
        out.push_str("}\n");
    }

    fn join_definitions(&self, out: &mut String) {
        out.push_str("\ndirective @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA\n");
        if self.join_minor >= 4 {
            out.push_str("\ndirective @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION\n");
        }
        out.push_str("\ndirective @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE\n");
        let label = if self.join_minor >= 4 { ", overrideLabel: String" } else { "" };
        let context = if self.join_minor >= 5 { ", contextArguments: [join__ContextArgument!]" } else { "" };
        let _ = writeln!(
            out,
            "\ndirective @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean{label}{context}) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION"
        );
        out.push_str("\ndirective @join__graph(name: String!, url: String!) on ENUM_VALUE\n");
        out.push_str(
            "\ndirective @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE\n",
        );
        out.push_str("\ndirective @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR\n");
        out.push_str("\ndirective @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION\n");
        if self.join_minor >= 5 {
            out.push_str("\ninput join__ContextArgument {\n  name: String!\n  type: String!\n  context: String!\n  selection: join__FieldValue!\n}\n");
        }
        if self.join_minor >= 4 {
            out.push_str("\nscalar join__DirectiveArguments\n");
        }
        out.push_str("\nscalar join__FieldSet\n");
        if self.join_minor >= 5 {
            out.push_str("\nscalar join__FieldValue\n");
        }
        out.push_str("\nenum join__Graph {\n");
        for graph in &self.graphs {
            let _ = writeln!(
                out,
                "  {} @join__graph(name: {}, url: {})",
                graph.value,
                quoted(&graph.name),
                quoted(&graph.url)
            );
        }
        out.push_str("}\n\nscalar link__Import\n\nenum link__Purpose {\n");
        out.push_str("  \"\"\"\n  `SECURITY` features provide metadata necessary to securely resolve fields.\n  \"\"\"\n  SECURITY\n\n");
        out.push_str("  \"\"\"\n  `EXECUTION` features provide metadata necessary for operation execution.\n  \"\"\"\n  EXECUTION\n}\n");
    }

    fn graph(&self, index: usize) -> &str {
        self.graphs.get(index).map_or("", |graph| &graph.value)
    }

    fn ty(&self, out: &mut String, ty: &DraftType) {
        out.push('\n');
        description(out, ty.description.as_ref(), "");
        let keyword = match ty.kind {
            DraftKind::Scalar => "scalar",
            DraftKind::Object => "type",
            DraftKind::Interface => "interface",
            DraftKind::Union => "union",
            DraftKind::Enum => "enum",
            DraftKind::Input => "input",
        };
        push(out, [keyword, " ", &ty.name]);
        if !ty.implements.is_empty() {
            let names: Vec<&str> = ty.implements.keys().map(Name::as_str).collect();
            push(out, [" implements ", &names.join(" & ")]);
        }
        out.push('\n');
        for join in &ty.joins {
            push(out, ["  @join__type(graph: ", self.graph(join.graph)]);
            if let Some(key) = &join.key {
                out.push_str(", key: ");
                quote(out, key);
            }
            if join.extension {
                out.push_str(", extension: true");
            }
            if !join.resolvable {
                out.push_str(", resolvable: false");
            }
            if join.interface_object {
                out.push_str(", isInterfaceObject: true");
            }
            out.push_str(")\n");
        }
        for (interface, graphs) in &ty.implements {
            for graph in graphs {
                let _ = writeln!(out, "  @join__implements(graph: {}, interface: \"{interface}\")", self.graph(*graph));
            }
        }
        for (member, graphs) in &ty.members {
            for graph in graphs {
                let _ = writeln!(out, "  @join__unionMember(graph: {}, member: \"{member}\")", self.graph(*graph));
            }
        }
        for applied in &ty.applied {
            let _ = writeln!(out, "  {}", application(applied));
        }
        self.body(out, ty);
    }

    fn body(&self, out: &mut String, ty: &DraftType) {
        match ty.kind {
            DraftKind::Scalar => {}
            DraftKind::Union => {
                let names: Vec<&str> = ty.members.keys().map(Name::as_str).collect();
                let _ = writeln!(out, "  = {}", names.join(" | "));
            }
            DraftKind::Enum => {
                out.push_str("{\n");
                for value in ty.values.values() {
                    description(out, value.description.as_ref(), "  ");
                    push(out, ["  ", &value.name]);
                    for graph in &value.graphs {
                        push(out, [" @join__enumValue(graph: ", self.graph(*graph), ")"]);
                    }
                    for applied in &value.applied {
                        let _ = write!(out, " {}", application(applied));
                    }
                    out.push('\n');
                }
                out.push_str("}\n");
            }
            DraftKind::Object | DraftKind::Interface | DraftKind::Input => {
                out.push_str("{\n");
                for field in ty.fields.values() {
                    self.field(out, field);
                }
                out.push_str("}\n");
            }
        }
    }

    fn field(&self, out: &mut String, field: &DraftField) {
        description(out, field.description.as_ref(), "  ");
        push(out, ["  ", &field.name]);
        arguments(out, &field.args, "  ");
        out.push_str(": ");
        type_reference(out, &field.ty);
        if let Some(default) = &field.default {
            let _ = write!(out, " = {}", value(default));
        }
        for join in &field.joins {
            self.join_field(out, join);
        }
        for applied in &field.applied {
            let _ = write!(out, " {}", application(applied));
        }
        out.push('\n');
    }

    fn join_field(&self, out: &mut String, join: &DraftJoinField) {
        out.push_str(" @join__field");
        let start = out.len();
        let next = |out: &mut String, name| push(out, [if out.len() == start { "(" } else { ", " }, name, ": "]);
        if let Some(graph) = join.graph {
            next(out, "graph");
            out.push_str(self.graph(graph));
        }
        for (name, text) in [("requires", &join.requires), ("provides", &join.provides), ("type", &join.ty)] {
            if let Some(text) = text {
                next(out, name);
                quote(out, text);
            }
        }
        if join.external {
            next(out, "external");
            out.push_str("true");
        }
        if let Some(from) = &join.override_from {
            next(out, "override");
            quote(out, from);
        }
        if join.used_overridden {
            next(out, "usedOverridden");
            out.push_str("true");
        }
        if let Some(label) = &join.override_label {
            next(out, "overrideLabel");
            quote(out, label);
        }
        if !join.context_arguments.is_empty() {
            let entries: Vec<String> = join
                .context_arguments
                .iter()
                .map(|a| {
                    format!(
                        "{{context: {}, name: {}, type: {}, selection: {}}}",
                        quoted(&a.context),
                        quoted(&a.name),
                        quoted(&a.ty),
                        quoted(&a.selection)
                    )
                })
                .collect();
            next(out, "contextArguments");
            push(out, ["[", &entries.join(", "), "]"]);
        }
        if out.len() > start {
            out.push(')');
        }
    }
}

fn directive_definition(out: &mut String, directive: &DraftDirective) {
    out.push('\n');
    description(out, directive.description.as_ref(), "");
    let _ = write!(out, "directive @{}", directive.name);
    arguments(out, &directive.args, "");
    let repeatable = if directive.repeatable { " repeatable" } else { "" };
    let locations: Vec<&str> = directive.locations.iter().map(|location| location.name()).collect();
    let _ = writeln!(out, "{repeatable} on {}", locations.join(" | "));
}

fn arguments(out: &mut String, args: &[DraftInput], indent: &str) {
    if args.is_empty() {
        return;
    }
    let tall = args.iter().any(|a| a.description.is_some());
    out.push('(');
    for (i, argument) in args.iter().enumerate() {
        if tall {
            out.push('\n');
            description(out, argument.description.as_ref(), &format!("{indent}  "));
            let _ = write!(out, "{indent}  ");
        } else if i > 0 {
            out.push_str(", ");
        }
        push(out, [&argument.name, ": "]);
        type_reference(out, &argument.ty);
        if let Some(default) = &argument.default {
            let _ = write!(out, " = {}", value(default));
        }
        for applied in &argument.applied {
            let _ = write!(out, " {}", application(applied));
        }
    }
    if tall {
        let _ = write!(out, "\n{indent}");
    }
    out.push(')');
}

fn application(applied: &DraftApplied) -> String {
    let mut out = format!("@{}", applied.name);
    if !applied.args.is_empty() {
        let args: Vec<String> = applied.args.iter().map(|(name, v)| format!("{name}: {}", value(v))).collect();
        let _ = write!(out, "({})", args.join(", "));
    }
    out
}

fn value(value: &Node<Value>) -> String {
    value.serialize().no_indent().to_string()
}

fn push<const N: usize>(out: &mut String, texts: [&str; N]) {
    texts.into_iter().for_each(|text| out.push_str(text));
}

fn type_reference(out: &mut String, ty: &Type) {
    match ty {
        Type::Named(name) => out.push_str(name),
        Type::NonNullNamed(name) => push(out, [name, "!"]),
        Type::List(item) | Type::NonNullList(item) => {
            out.push('[');
            type_reference(out, item);
            out.push_str(if ty.is_non_null() { "]!" } else { "]" });
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(&mut out, text);
    out
}

/// Writes a GraphQL string literal.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn description(out: &mut String, text: Option<&Arc<str>>, indent: &str) {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return };
    // A block string would change text with control characters, or with white space at its ends.
    let fragile = text.chars().any(|c| c.is_control() && c != '\n')
        || text.trim() != &**text
        || text.lines().skip(1).any(|line| line.starts_with([' ', '\t']));
    if fragile {
        let _ = writeln!(out, "{indent}{}", quoted(text));
        return;
    }
    let _ = writeln!(out, "{indent}\"\"\"");
    for line in text.lines() {
        let escaped = line.replace("\"\"\"", "\\\"\"\"");
        match escaped.is_empty() {
            true => out.push('\n'),
            false => {
                let _ = writeln!(out, "{indent}{escaped}");
            }
        }
    }
    let _ = writeln!(out, "{indent}\"\"\"");
}
