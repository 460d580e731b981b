//! Directive applications: known directives, at locations they are defined for, with the arguments that they take.

use std::collections::BTreeMap;

use braid_graphql::compiler::ast::DirectiveLocation;

use super::values::fits;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, excerpt, suggestion};
use crate::subgraph::facts::each_applied;
use crate::subgraph::link::{Link, introduced};
use crate::subgraph::model::{Applied, DirectiveDef, FederationVersion, Kind, Subgraph};
use crate::subgraph::spec::{Feature, Known, NEWEST};
use braid_graphql::suggest::did_you_mean;

/// The oldest Federation 2 version that we advise: before it, keys on interfaces, which Federation 1 allowed, are errors.
const KEYS_ON_INTERFACES: u32 = 3;

pub(super) fn check(subgraph: &Subgraph) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut on = |element: &str, applied: &[Applied], location| {
        element_check(subgraph, element, applied, location, &mut errors);
    };
    use DirectiveLocation as L;
    let schema = &subgraph.schema;
    on("schema", &schema.applied, L::Schema);
    for ty in schema.types.values() {
        let (own, part) = match ty.kind {
            Kind::Scalar => (L::Scalar, None),
            Kind::Object => (L::Object, Some(L::FieldDefinition)),
            Kind::Interface => (L::Interface, Some(L::FieldDefinition)),
            Kind::Union => (L::Union, None),
            Kind::Enum => (L::Enum, None),
            Kind::Input => (L::InputObject, Some(L::InputFieldDefinition)),
        };
        on(&ty.name, &ty.applied, own);
        for value in ty.values.values() {
            on(&format!("{}.{}", ty.name, value.name), &value.applied, L::EnumValue);
        }
        for field in ty.fields.values() {
            let coordinate = format!("{}.{}", ty.name, field.name);
            if let Some(location) = part {
                on(&coordinate, &field.applied, location);
            }
            for argument in field.args.values().filter(|a| !a.applied.is_empty()) {
                on(&format!("{coordinate}({}:)", argument.name), &argument.applied, L::ArgumentDefinition);
            }
        }
    }
    for directive in schema.directives.values() {
        for argument in directive.args.values() {
            let coordinate = format!("@{}({}:)", directive.name, argument.name);
            on(&coordinate, &argument.applied, L::ArgumentDefinition);
        }
    }
    errors
}

fn element_check(
    subgraph: &Subgraph,
    element: &str,
    applied: &[Applied],
    location: DirectiveLocation,
    errors: &mut Vec<Diagnostic>,
) {
    for (position, application) in applied.iter().enumerate() {
        let error = |message: String| {
            super::problem(subgraph, Code::INVALID_GRAPHQL, message).on(element).at(subgraph.locate(application.span))
        };
        let Some(definition) = subgraph.schema.directives.get(&application.name) else {
            errors.push(unknown(subgraph, element, application, errors));
            continue;
        };
        if !definition.locations.contains(&location) {
            let places: Vec<&str> = definition.locations.iter().map(|l| l.name()).collect();
            errors.push(
                error(format!(
                    "@{} can't be used on \"{element}\": its definition does not list the location {}.",
                    application.name,
                    location.name()
                ))
                .help(format!("use it where it is meant to be used: {}", places.join(", ")))
                .fix("remove it", super::edits::remove_application(subgraph, application)),
            );
        }
        let same_part = |other: &&Applied| other.name == application.name && other.part == application.part;
        // @shareable has its own, clearer rule.
        let repeated = applied.iter().take(position).any(|o| o.name == application.name)
            && (applied.iter().take(position).filter(same_part).count() > 0
                || definition.known != Some(Known::Shareable));
        if repeated && !definition.repeatable {
            errors.push(
                error(format!("\"{element}\" has @{} twice, but the directive is not repeatable.", application.name))
                    .help("remove one of the two")
                    .fix("remove the second", super::edits::remove_application(subgraph, application)),
            );
        }
        arguments(subgraph, element, application, definition, errors);
    }
}

fn arguments(
    subgraph: &Subgraph,
    element: &str,
    application: &Applied,
    definition: &DirectiveDef,
    errors: &mut Vec<Diagnostic>,
) {
    let mut push = |message: String, help: String| {
        let error = super::problem(subgraph, Code::INVALID_GRAPHQL, message).on(element);
        errors.push(error.at(subgraph.locate(application.span)).help(help));
    };
    let name = &application.name;
    for (argument, value) in &application.args {
        let Some(input) = definition.args.get(argument) else {
            push(
                format!(
                    "@{name} on \"{element}\" has the argument \"{argument}\", which the directive does not take.{}",
                    did_you_mean(argument, definition.args.keys().map(|n| n.as_str()))
                ),
                match definition.known {
                    Some(_) => {
                        "correct or remove the argument, or link a version of the specification that has it".into()
                    }
                    None => format!("correct or remove the argument, or add it to the definition of @{name}"),
                },
            );
            continue;
        };
        // Written field sets of any literal kind have codes of their own.
        let is_fields =
            argument == "fields" && matches!(definition.known, Some(Known::Key | Known::Requires | Known::Provides));
        if is_fields && !value.is_null() {
            continue;
        }
        if !fits(&subgraph.schema, &input.ty, value) {
            push(
                format!(
                    "@{name} on \"{element}\" has {} for the argument \"{argument}\", which is not a value of its type \"{}\".",
                    excerpt(&value.serialize().no_indent().to_string()),
                    input.ty
                ),
                format!("write a value of type {}", input.ty),
            );
        }
    }
    for input in definition.args.values().filter(|i| i.is_required()) {
        if application.arg(&input.name).is_none() {
            push(
                format!("@{name} on \"{element}\" lacks its required argument \"{}\".", input.name),
                format!("write @{name}({}: …) with a value of type {}", input.name, input.ty),
            );
        }
    }
}

/// A directive that the schema does not know: what it may be, and how to make it known.
fn unknown(subgraph: &Subgraph, element: &str, application: &Applied, before: &[Diagnostic]) -> Diagnostic {
    let name = &application.name;
    let error = |why: String| {
        super::problem(subgraph, Code::INVALID_GRAPHQL, format_args!("@{name} on \"{element}\" {why}"))
            .on(element)
            .at(subgraph.locate(application.span))
    };
    match (subgraph.version, introduced(name)) {
        (FederationVersion::One, Some(_)) => {
            let line = federation_link(subgraph);
            let text = format!("{line}\n\n");
            error(
                "is a directive of federation, but the schema does not link federation, so it is unknown here.".into(),
            )
            .help(format!("add this line: {line}"))
            .fix("link federation", [subgraph.edit(0, 0, text)])
        }
        (FederationVersion::Two(minor), Some(since)) if since > minor => {
            error(format!("came with federation v2.{since}, but the schema links v2.{minor}, so it is unknown here."))
                .help(format!("link federation v2.{since} or newer and import \"@{name}\" from it"))
                .fix(format!("link federation v2.{since} and import \"@{name}\""), newer_link(subgraph, name, since))
        }
        (FederationVersion::Two(_), Some(_)) => {
            let link = subgraph.links.of(Feature::Federation);
            let full = link.and_then(|l| l.name_in_schema(&format!("@{name}")));
            let or = full.map(|full| format!(", or write {full}")).unwrap_or_default();
            error("is a directive of federation that the schema does not import, so it is unknown here.".into())
                .help(format!("add \"@{name}\" to the `import` list of the @link to federation{or}"))
                .fix(format!("import \"@{name}\""), link.and_then(|link| import_edit(subgraph, link, name)))
        }
        (version, None) => {
            let minor = match version {
                FederationVersion::Two(minor) => minor,
                FederationVersion::One => NEWEST,
            };
            let federation = Feature::Federation.directives(minor);
            let known = subgraph.schema.directives.keys().map(|n| n.as_str()).filter(|n| !n.contains("__"));
            let near = suggestion(before, name, known.chain(federation.iter().map(|(known, _)| known.name())));
            error(format!("is not a directive that this schema knows.{near}"))
                .help(format!("correct the name, define `directive @{name} on …`, or remove it"))
                .fix(format!("remove @{name}"), super::edits::remove_application(subgraph, application))
        }
    }
}

/// The line that links federation with all its directives that the schema uses.
fn federation_link(subgraph: &Subgraph) -> String {
    let mut used: BTreeMap<String, u32> = BTreeMap::new();
    each_applied(&subgraph.schema, |applied| {
        if let Some(since) = introduced(&applied.name) {
            used.insert(format!("\"@{}\"", applied.name), since);
        }
    });
    let minor = used.values().copied().fold(KEYS_ON_INTERFACES, u32::max);
    let imports: Vec<String> = used.into_keys().collect();
    format!(
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.{minor}\", import: [{}])",
        imports.join(", ")
    )
}

/// Adds a directive to the import list of a link.
fn import_edit(subgraph: &Subgraph, link: &Link, name: &str) -> Option<Edit> {
    let span = link.span?;
    let text = subgraph.sdl().get(span.offset()..span.end_offset())?;
    let (at, insert) = match text.find("import") {
        Some(i) => {
            let bracket = i + text.get(i..)?.find('[')? + 1;
            (bracket, format!("\"@{name}\", "))
        }
        None => (text.rfind(')')?, format!(", import: [\"@{name}\"]")),
    };
    let at = span.offset() + at;
    Some(subgraph.edit(at, at, insert))
}

/// Links a newer version of federation and imports a directive from it.
fn newer_link(subgraph: &Subgraph, name: &str, minor: u32) -> Vec<Edit> {
    let edits = || {
        let link = subgraph.links.of(Feature::Federation)?;
        let span = link.span?;
        let text = subgraph.sdl().get(span.offset()..span.end_offset())?;
        let start = span.offset() + text.find(&link.url)?;
        let url = subgraph.edit(start, start + link.url.len(), format!("{}/v2.{minor}", link.identity));
        Some(vec![url, import_edit(subgraph, link, name)?])
    };
    edits().unwrap_or_default()
}
