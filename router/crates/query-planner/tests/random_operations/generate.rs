//! Random valid operations over a schema, the same for the same seed. Knows nothing of plans.

use std::fmt::Write as _;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::Type;
use braid_graphql::compiler::schema::ExtendedType;

use crate::support::Random;

/// An operation as text.
pub(crate) fn random_operation(schema: &Schema, random: &mut Random, mutation: bool) -> String {
    let definition = &schema.schema_definition;
    let root = if mutation { &definition.mutation } else { &definition.query };
    let root = root.as_ref().unwrap().to_string();
    let mut body = String::new();
    let depth = 3 + random.below(3);
    selections(schema, random, &root, depth, &mut body, true);
    let kind = if mutation { "mutation" } else { "query" };
    let mut variables = Vec::new();
    for name in ["$a", "$b"] {
        if body.contains(name) {
            variables.push(format!("{name}: Boolean = {}", random.chance(50)));
        }
    }
    let variables = if variables.is_empty() { String::new() } else { format!("({})", variables.join(", ")) };
    format!("{kind}{variables} {{{body} }}")
}

fn selections(schema: &Schema, random: &mut Random, ty: &str, depth: usize, out: &mut String, is_root: bool) {
    let mut empty = true;
    let fields: Vec<_> = match &schema.types[ty] {
        ExtendedType::Object(object) => object.fields.values().collect(),
        ExtendedType::Interface(interface) => interface.fields.values().collect(),
        _ => Vec::new(),
    };
    for field in &fields {
        if field.name.starts_with("__") || !random.chance(if is_root { 60 } else { 45 }) {
            continue;
        }
        let inner = field.ty.inner_named_type();
        let composite = matches!(
            schema.types[inner],
            ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_)
        );
        if composite && depth == 0 {
            continue;
        }
        let alias = if random.chance(8) { format!("x{}: ", random.below(1000)) } else { String::new() };
        let _ = write!(out, " {alias}{}", field.name);
        let arguments: Vec<String> = field
            .arguments
            .iter()
            .filter(|argument| argument.is_required())
            .map(|argument| format!("{}: {}", argument.name, value(schema, &argument.ty)))
            .collect();
        if !arguments.is_empty() {
            let _ = write!(out, "({})", arguments.join(", "));
        }
        directive(random, out);
        if composite {
            out.push_str(" {");
            selections(schema, random, inner, depth - 1, out, false);
            out.push_str(" }");
        }
        empty = false;
    }
    let is_abstract = fields.is_empty() || matches!(schema.types[ty], ExtendedType::Interface(_));
    if is_abstract || random.chance(10) {
        for (name, other) in &schema.types {
            let fits = match other {
                ExtendedType::Object(_) => name == ty || schema.is_subtype(ty, name),
                ExtendedType::Interface(_) => name == ty || schema.is_subtype(ty, name) || schema.is_subtype(name, ty),
                _ => false,
            };
            if fits && !is_root && depth > 0 && random.chance(50) {
                let _ = write!(out, " ... on {name}");
                directive(random, out);
                out.push_str(" {");
                selections(schema, random, name, depth - 1, out, false);
                out.push_str(" }");
                empty = false;
            }
        }
    }
    if empty || random.chance(10) {
        out.push_str(" __typename");
    }
}

fn directive(random: &mut Random, out: &mut String) {
    if random.chance(8) {
        let word = ["include", "skip"][random.below(2)];
        let name = ["a", "b"][random.below(2)];
        let _ = write!(out, " @{word}(if: ${name})");
    }
}

fn value(schema: &Schema, ty: &Type) -> String {
    if ty.is_list() {
        return format!("[{}]", value(schema, ty.item_type()));
    }
    let name = ty.inner_named_type();
    match &schema.types[name] {
        ExtendedType::Enum(definition) => definition.values.keys().next().unwrap().to_string(),
        ExtendedType::InputObject(input) => {
            let fields = input.fields.values().filter(|field| field.is_required());
            let fields: Vec<String> =
                fields.map(|field| format!("{}: {}", field.name, value(schema, &field.ty))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        _ => match name.as_str() {
            "Int" => "1".to_owned(),
            "Float" => "1.5".to_owned(),
            "Boolean" => "true".to_owned(),
            _ => "\"1\"".to_owned(),
        },
    }
}
