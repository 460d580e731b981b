//! Adds the definitions of federation's directives and types to a schema, and compares written ones with their specification.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::{self, Type, Value};

use super::model::{
    Applied, BUILT_IN_SCALARS, DirectiveDef, FederationVersion, InputValue, Kind, Map, Subgraph, TypeDef,
};
use super::spec::{self, Known};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit};

/// Adds or checks all definitions that the schema's links imply and resolves every directive application.
/// Returns the names of the types that came with them.
pub(crate) fn install(subgraph: &mut Subgraph) -> Result<Vec<Name>, Vec<Diagnostic>> {
    let expected = expected_directives(subgraph);
    let (mut internal, mut errors) = install_types(subgraph);
    for definition in expected {
        match subgraph.schema.directives.get(&definition.name) {
            Some(written) => {
                errors.extend(check_directive(subgraph, written, &definition));
                let known = definition.known;
                if let Some(written) = subgraph.schema.directives.get_mut(&definition.name) {
                    written.known = known;
                }
            }
            None => {
                subgraph.schema.directives.insert(definition.name.clone(), definition);
            }
        }
    }
    resolve_applications(subgraph);
    // In Federation 2, `_FieldSet` is a name like any other.
    let one = subgraph.version == FederationVersion::One;
    let service = SERVICE_TYPES.iter().filter(|(name, _)| one || *name != "_FieldSet");
    internal.extend(service.map(|(name, _)| Name::new_unchecked(name)));
    match errors.is_empty() {
        true => Ok(internal),
        false => Err(errors),
    }
}

/// What a subgraph server adds to its schema so that the router can talk to it.
const SERVICE_TYPES: [(&str, Kind); 4] =
    [("_Any", Kind::Scalar), ("_Service", Kind::Object), ("_Entity", Kind::Union), ("_FieldSet", Kind::Scalar)];

fn expected_directives(subgraph: &Subgraph) -> Vec<DirectiveDef> {
    let mut definitions: Vec<DirectiveDef> = Vec::new();
    for (known, definition) in spec::built_in() {
        definitions.push(from_spec(&definition, known.name(), known, &|name| name.to_string()));
    }
    if subgraph.version == FederationVersion::One {
        for (known, definition) in spec::federation_1() {
            definitions.push(from_spec(&definition, known.name(), known, &|name| name.to_string()));
        }
    }
    for link in &subgraph.links.list {
        let Some(feature) = link.feature else { continue };
        let types = feature.types(link.version.minor);
        let rename = |name: &str| match types.contains(&name) {
            true => link.name_in_schema(name).unwrap_or_else(|| name.to_string()),
            false => name.to_string(),
        };
        for (known, definition) in feature.directives(link.version.minor) {
            let Some(name) = link.name_in_schema(&format!("@{}", known.name())) else { continue };
            let name = name.trim_start_matches('@');
            // A feature's own link replaces what federation has under the same name.
            definitions.retain(|d| d.name != name);
            definitions.push(from_spec(&definition, name, known, &rename));
        }
    }
    definitions
}

fn install_types(subgraph: &mut Subgraph) -> (Vec<Name>, Vec<Diagnostic>) {
    let mut errors = Vec::new();
    let mut expected: Vec<(String, Kind)> = Vec::new();
    for link in &subgraph.links.list {
        let Some(feature) = link.feature else { continue };
        for name in feature.types(link.version.minor) {
            let kind = if name == "Purpose" { Kind::Enum } else { Kind::Scalar };
            if let Some(name) = link.name_in_schema(name) {
                expected.push((name, kind));
            }
        }
    }
    let internal = expected.iter().map(|(name, _)| Name::new_unchecked(name)).collect();
    let always = SERVICE_TYPES.iter().map(|(name, kind)| (name.to_string(), *kind));
    for (name, kind) in expected.into_iter().chain(always) {
        match subgraph.schema.types.get(name.as_str()) {
            Some(ty) if ty.kind != kind => errors.push(
                Diagnostic::new(
                    Code::TYPE_DEFINITION_INVALID,
                    format!(
                        "[{}] The name \"{name}\" is federation's, for {}, but the schema defines {} of that name.",
                        subgraph.name,
                        kind.noun(),
                        ty.kind.noun()
                    ),
                )
                .on(name.as_str())
                .at(subgraph.locate(ty.span))
                .help(format!("rename your type; a definition of federation's \"{name}\" is not needed")),
            ),
            Some(_) => {}
            // The service types are known without a definition in Federation 1 only.
            None if subgraph.version == FederationVersion::One || name != "_FieldSet" => {
                let name = Name::new_unchecked(&name);
                let mut ty = TypeDef::new(name.clone(), kind, None);
                ty.defined = true;
                subgraph.schema.types.insert(name, ty);
            }
            None => {}
        }
    }
    (internal, errors)
}

fn resolve_applications(subgraph: &mut Subgraph) {
    let known: Map<Known> =
        subgraph.schema.directives.values().filter_map(|d| Some((d.name.clone(), d.known?))).collect();
    let resolve = |applied: &mut Vec<Applied>| {
        for application in applied {
            application.known = known.get(&application.name).copied();
        }
    };
    let schema = &mut subgraph.schema;
    resolve(&mut schema.applied);
    for ty in schema.types.values_mut() {
        resolve(&mut ty.applied);
        for value in ty.values.values_mut() {
            resolve(&mut value.applied);
        }
        for field in ty.fields.values_mut() {
            resolve(&mut field.applied);
            for argument in field.args.values_mut() {
                resolve(&mut argument.applied);
            }
        }
    }
    for directive in schema.directives.values_mut() {
        for argument in directive.args.values_mut() {
            resolve(&mut argument.applied);
        }
    }
}

fn check_directive(subgraph: &Subgraph, written: &DirectiveDef, spec: &DirectiveDef) -> Vec<Diagnostic> {
    let mut wrong: Vec<String> = Vec::new();
    for expected in spec.args.values() {
        let Some(actual) = written.args.get(&expected.name) else {
            if expected.is_required() {
                wrong.push(format!("it lacks the required argument \"{}\"", expected.name));
            }
            continue;
        };
        // An optional argument may be written as a required one.
        let mut actual_type = actual.ty.clone();
        if actual_type.is_non_null() && !expected.ty.is_non_null() {
            actual_type = actual_type.nullable();
        }
        if !fits(subgraph, &expected.ty, &actual_type) {
            wrong.push(format!(
                "its argument \"{}\" is of type \"{}\" there, but \"{}\" here",
                expected.name, expected.ty, actual.ty
            ));
        } else if !actual.ty.is_non_null() && expected.default != actual.default {
            let show = |value: Option<&Value>| value.map_or("null".to_string(), |v| v.to_string());
            wrong.push(format!(
                "its argument \"{}\" has the default {} there, but {} here",
                expected.name,
                show(expected.default.as_deref()),
                show(actual.default.as_deref())
            ));
        }
    }
    for extra in written.args.keys().filter(|name| !spec.args.contains_key(*name)) {
        wrong.push(format!("it has no argument \"{extra}\" there"));
    }
    if written.repeatable && !spec.repeatable {
        wrong.push("it is not repeatable there".to_owned());
    }
    if written.locations.iter().any(|location| !spec.locations.contains(location)) {
        wrong.push(format!("it may be used on {} there, and on {} here", locations(spec), locations(written)));
    }
    wrong
        .into_iter()
        .map(|problem| {
            Diagnostic::new(
                Code::DIRECTIVE_DEFINITION_INVALID,
                format!(
                    "[{}] The schema defines @{} differently from its specification: {problem}.",
                    subgraph.name, spec.name
                ),
            )
            .on(format!("@{}", spec.name))
            .at(subgraph.locate(written.span))
            .help("remove the definition; the directive is known without it")
            .fix(format!("remove the definition of @{}", spec.name), definition_range(subgraph, written))
        })
        .collect()
}

/// The whole text of a directive definition, from its description's end to its last location.
fn definition_range(subgraph: &Subgraph, written: &DirectiveDef) -> Option<Edit> {
    let name = written.span?;
    let sdl = subgraph.sdl();
    let start = sdl.get(..name.offset())?.rfind("directive")?;
    let rest = sdl.get(name.end_offset()..)?;
    let document = braid_graphql::compiler::ast::Document::parse(
        format!("{}{}", sdl.get(start..name.end_offset())?, rest),
        "definition",
    );
    let document = match document {
        Ok(document) => document,
        Err(partial) => partial.partial,
    };
    let end = document.definitions.first()?.location()?.end_offset() + start;
    Some(subgraph.edit(start, end, ""))
}

/// A custom scalar of the specification may be written as a built-in one.
fn fits(subgraph: &Subgraph, expected: &Type, actual: &Type) -> bool {
    if expected == actual {
        return true;
    }
    match (expected, actual) {
        (Type::List(e), Type::List(a)) | (Type::NonNullList(e), Type::NonNullList(a)) => fits(subgraph, e, a),
        (Type::Named(e), Type::Named(a)) | (Type::NonNullNamed(e), Type::NonNullNamed(a)) => {
            !BUILT_IN_SCALARS.contains(&e.as_str())
                && subgraph.schema.types.get(e).is_none_or(|ty| ty.kind == Kind::Scalar)
                && BUILT_IN_SCALARS.contains(&a.as_str())
        }
        // A field set may be written as the list that Federation 1 took.
        (Type::NonNullNamed(e) | Type::Named(e), Type::List(_) | Type::NonNullList(_)) => {
            !BUILT_IN_SCALARS.contains(&e.as_str())
                && BUILT_IN_SCALARS.contains(&actual.inner_named_type().as_str())
                && expected.is_non_null() == actual.is_non_null()
        }
        _ => false,
    }
}

fn locations(definition: &DirectiveDef) -> String {
    let names: Vec<&str> = definition.locations.iter().map(|l| l.name()).collect();
    names.join(", ")
}

/// A definition from a specification, under the names of a schema.
fn from_spec(
    definition: &ast::DirectiveDefinition,
    name: &str,
    known: Known,
    rename: &dyn Fn(&str) -> String,
) -> DirectiveDef {
    let args = definition
        .arguments
        .iter()
        .map(|argument| {
            let input = InputValue {
                name: argument.name.clone(),
                description: None,
                ty: map_names(&argument.ty, rename),
                default: argument.default_value.clone(),
                applied: Vec::new(),
                span: None,
            };
            (input.name.clone(), input)
        })
        .collect();
    DirectiveDef {
        name: Name::new_unchecked(name),
        known: Some(known),
        description: None,
        args,
        repeatable: definition.repeatable,
        locations: definition.locations.iter().copied().collect(),
        span: None,
    }
}

fn map_names(ty: &Type, rename: &dyn Fn(&str) -> String) -> Type {
    match ty {
        Type::Named(name) => Type::Named(Name::new_unchecked(&rename(name))),
        Type::NonNullNamed(name) => Type::NonNullNamed(Name::new_unchecked(&rename(name))),
        Type::List(inner) => Type::List(Box::new(map_names(inner, rename))),
        Type::NonNullList(inner) => Type::NonNullList(Box::new(map_names(inner, rename))),
    }
}
