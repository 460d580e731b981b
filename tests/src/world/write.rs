//! Writes a model as the SDL of each subgraph and of the unsplit schema. Knows nothing of chance or data.

use std::fmt::Write;

use super::model::{FieldModel, Kind, Model, TypeModel, inner, subgraph_name};

const LINK: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@shareable", "@external", "@requires", "@provides", "@override", "@inaccessible", "@interfaceObject", "@context", "@fromContext"])
"#;

/// The SDL of a subgraph.
pub(super) fn subgraph(model: &Model, at: usize) -> String {
    let mut out = LINK.to_owned();
    for (name, ty) in &model.types {
        let Some(presence) = ty.present.get(&at) else { continue };
        let mut directives = String::new();
        for (fields, resolvable) in &presence.keys {
            let resolvable = if *resolvable { "" } else { ", resolvable: false" };
            write!(directives, " @key(fields: \"{fields}\"{resolvable})").unwrap();
        }
        if presence.interface_object {
            directives.push_str(" @interfaceObject");
        }
        if let Some(context) = &presence.context {
            write!(directives, " @context(name: \"{context}\")").unwrap();
        }
        match ty.kind {
            Kind::Interface if !presence.interface_object => {
                let fields = interface_fields(model, ty, at);
                write_type(&mut out, "interface", name, &[], &directives, &fields);
            }
            Kind::Interface | Kind::Root | Kind::Entity | Kind::Value => {
                let fields: Vec<_> = ty
                    .fields
                    .iter()
                    .filter(|field| field.at.contains_key(&at))
                    .map(|field| field_in(field, at))
                    .collect();
                if !fields.is_empty() {
                    write_type(&mut out, "type", name, &interfaces(model, name, Some(at)), &directives, &fields);
                }
            }
            Kind::Union => writeln!(out, "union {name} = {}", ty.members.join(" | ")).unwrap(),
            Kind::Enum => writeln!(out, "enum {name} {{ {} }}", ty.members.join(" ")).unwrap(),
            Kind::Input => writeln!(out, "input {name} {{ {} }}", ty.members.join(" ")).unwrap(),
        }
    }
    out
}

/// The SDL of the schema that is not split.
pub(super) fn monolith(model: &Model) -> String {
    let mut out = String::new();
    for (name, ty) in &model.types {
        let fields = |ty: &TypeModel| ty.fields.iter().map(|field| signature(field, &field.ty)).collect::<Vec<_>>();
        match ty.kind {
            Kind::Union => writeln!(out, "union {name} = {}", ty.members.join(" | ")).unwrap(),
            Kind::Enum => writeln!(out, "enum {name} {{ {} }}", ty.members.join(" ")).unwrap(),
            Kind::Input => writeln!(out, "input {name} {{ {} }}", ty.members.join(" ")).unwrap(),
            Kind::Interface => write_type(&mut out, "interface", name, &[], "", &fields(ty)),
            _ => {
                let implemented = interfaces(model, name, None);
                let mut all = fields(ty);
                // What interface objects give to the implementations.
                for interface in &implemented {
                    let given = &model.ty(interface).fields;
                    all.extend(
                        given
                            .iter()
                            .filter(|field| ty.field(&field.name).is_none())
                            .map(|field| signature(field, &field.ty)),
                    );
                }
                write_type(&mut out, "type", name, &implemented, "", &all);
            }
        }
    }
    out
}

/// The interfaces that a type implements, in one subgraph or anywhere.
fn interfaces(model: &Model, name: &str, at: Option<usize>) -> Vec<String> {
    let implemented = model.types.iter().filter(|(_, ty)| {
        let is_here = at.is_none_or(|at| ty.present.get(&at).is_some_and(|presence| !presence.interface_object));
        ty.kind == Kind::Interface && is_here && ty.members.iter().any(|member| member == name)
    });
    implemented.map(|(name, _)| name.clone()).collect()
}

/// The fields that an interface has in a subgraph: those that all implementations resolve there.
fn interface_fields(model: &Model, ty: &TypeModel, at: usize) -> Vec<String> {
    let everywhere = |field: &&FieldModel| {
        ty.members
            .iter()
            .all(|member| model.ty(member).field(&field.name).is_some_and(|field| field.is_resolved_at(at)))
    };
    ty.fields.iter().filter(everywhere).map(|field| signature(field, &field.ty)).collect()
}

fn field_in(field: &FieldModel, at: usize) -> String {
    let placement = &field.at[&at];
    let mut out = signature(field, placement.ty.as_ref().unwrap_or(&field.ty));
    let mut say = |text: String| write!(out, " {text}").unwrap();
    if placement.shareable && !placement.external {
        say("@shareable".to_owned());
    }
    if placement.external {
        say("@external".to_owned());
    }
    if field.inaccessible && !placement.external {
        say("@inaccessible".to_owned());
    }
    if let Some(fields) = &placement.requires {
        say(format!("@requires(fields: {fields:?})"));
    }
    if let Some(fields) = &placement.provides {
        say(format!("@provides(fields: {fields:?})"));
    }
    if let Some((from, label)) = &placement.overrides {
        let label = label.as_ref().map(|label| format!(", label: {label:?}")).unwrap_or_default();
        say(format!("@override(from: \"{}\"{label})", subgraph_name(*from)));
    }
    out
}

fn signature(field: &FieldModel, ty: &str) -> String {
    let arguments: Vec<_> = field
        .arguments
        .iter()
        .map(|argument| {
            let default = argument.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
            format!("{}: {}{default}", argument.name, argument.ty)
        })
        .collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    format!("{}{arguments}: {ty}", field.name)
}

fn write_type(out: &mut String, keyword: &str, name: &str, implements: &[String], directives: &str, fields: &[String]) {
    let implements =
        if implements.is_empty() { String::new() } else { format!(" implements {}", implements.join(" & ")) };
    writeln!(out, "{keyword} {name}{implements}{directives} {{").unwrap();
    for field in fields {
        writeln!(out, "  {field}").unwrap();
    }
    writeln!(out, "}}").unwrap();
}

/// Whether a field of this type has no selections below it.
pub(super) fn is_leaf(model: &Model, ty: &str) -> bool {
    model.types.get(inner(ty)).is_none_or(|ty| !ty.is_composite())
}
