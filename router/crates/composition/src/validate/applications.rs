//! Directive applications: known directives, in their places, with the arguments that they take.

use braid_graphql::compiler::ast::DirectiveLocation;

use super::values::fits;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit};
use crate::subgraph::model::{Applied, DirectiveDef, FederationVersion, Kind, Subgraph};
use crate::subgraph::spec::{Feature, Known};

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
            errors.push(unknown(subgraph, application, error(unknown_message(subgraph, &application.name))));
            continue;
        };
        if !definition.locations.contains(&location) {
            let places: Vec<&str> = definition.locations.iter().map(|l| l.name()).collect();
            errors.push(
                error(format!("Directive \"@{}\" may not be used on {}.", application.name, location.name()))
                    .help(format!("@{} can stand on {}", application.name, places.join(", ")))
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
                error(format!("The directive \"@{}\" can only be used once at this location.", application.name))
                    .help("remove one of them")
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
                format!("Unknown argument \"{argument}\" on directive \"@{name}\"."),
                "remove the argument, or link a version that has it".into(),
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
                    "Invalid value for \"@{name}({argument}:)\" of type \"{}\" in application of \"@{name}\" to \"{element}\".",
                    input.ty
                ),
                format!("give a value of type {}", input.ty),
            );
        }
    }
    for input in definition.args.values().filter(|i| i.is_required()) {
        if application.arg(&input.name).is_none() {
            push(
                format!(
                    "Directive \"@{name}\" argument \"{}\" of type \"{}\" is required, but it was not provided.",
                    input.name, input.ty
                ),
                format!("add {}: to @{name}", input.name),
            );
        }
    }
}

fn unknown_message(subgraph: &Subgraph, name: &str) -> String {
    let since = crate::subgraph::link::introduced(name);
    match (subgraph.version, since) {
        (FederationVersion::One, Some(_)) => format!(
            "Unknown directive \"@{name}\". If you meant the \"@{name}\" federation 2 directive, note that this schema is a federation 1 schema. To be a federation 2 schema, it needs to @link to the federation specification v2."
        ),
        (FederationVersion::Two(minor), Some(since)) if since > minor => format!(
            "Unknown directive \"@{name}\". It exists from federation v2.{since} on, but this schema links v2.{minor}."
        ),
        (FederationVersion::Two(_), Some(_)) => {
            let full = match subgraph.links.of(Feature::Federation).and_then(|l| l.name_in_schema(&format!("@{name}")))
            {
                Some(full) => format!("use \"{full}\" or "),
                None => String::new(),
            };
            format!(
                "Unknown directive \"@{name}\". If you meant the \"@{name}\" federation directive, you should {full}add \"@{name}\" to the `import` argument of the @link to the federation specification."
            )
        }
        _ => {
            let near = crate::diagnostic::did_you_mean(name, subgraph.schema.directives.keys().map(|n| n.as_str()));
            format!("Unknown directive \"@{name}\".{near}")
        }
    }
}

fn unknown(subgraph: &Subgraph, application: &Applied, error: Diagnostic) -> Diagnostic {
    let name = &application.name;
    let importable = crate::subgraph::link::introduced(name).is_some();
    match importable.then(|| import_edit(subgraph, name)).flatten() {
        Some(edit) => error.fix(format!("import \"@{name}\" from the federation specification"), [edit]),
        None => error
            .help(format!("define @{name}, import it, or remove it"))
            .fix(format!("remove @{name}"), super::edits::remove_application(subgraph, application)),
    }
}

/// Adds a directive to the import list of the federation link, or links federation.
fn import_edit(subgraph: &Subgraph, name: &str) -> Option<Edit> {
    let since = crate::subgraph::link::introduced(name)?;
    let link = subgraph.links.of(Feature::Federation)?;
    if since > link.version.minor {
        return None;
    }
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
