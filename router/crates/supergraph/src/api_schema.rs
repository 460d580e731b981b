//! The API schema: what clients see of a supergraph. Knows nothing of subgraphs.

use ahash::AHashSet;
use braid_graphql::compiler::ast::Directive;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, Schema};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Node};
use braid_graphql::directives::is_executable;

use crate::features::Features;
use crate::supergraph::SupergraphError;

/// The supergraph without the elements of linked features, without what is `@inaccessible`, and without applied directives
/// other than those that introspection shows.
pub fn api_schema(source: &Schema) -> Result<Valid<Schema>, SupergraphError> {
    let features = Features::read(source);
    let hidden = Hidden { directive: features.directive_named("inaccessible") };
    let mut api = source.clone();
    api.types.retain(|name, ty| !features.owns(name) && !hidden.has(ty.directives()));
    let types: AHashSet<Name> = api.types.keys().cloned().collect();
    let known = |name: &Name| types.contains(name);
    for ty in api.types.values_mut() {
        prune(ty, &hidden, &known);
    }
    // GraphQL's own directives are what they are, even where a composer wrote them out for older readers.
    for (name, definition) in Schema::new().directive_definitions {
        if let Some(written) = api.directive_definitions.get_mut(&name) {
            *written = definition;
        }
    }
    // Executable directives belong to the API; those of linked features do not.
    api.directive_definitions.retain(|name, definition| {
        !features.owns_directive(name)
            && (definition.is_built_in() || definition.locations.iter().any(|location| is_executable(*location)))
    });
    for definition in api.directive_definitions.values_mut() {
        if !definition.is_built_in() {
            let definition = definition.make_mut();
            definition.locations.retain(|location| is_executable(*location));
            definition.arguments.retain(|argument| !hidden.has(&argument.directives));
            definition.arguments.iter_mut().for_each(|argument| keep_shown(&mut argument.make_mut().directives));
        }
    }
    let definition = api.schema_definition.make_mut();
    definition.directives = DirectiveList::default();
    for root in [&mut definition.query, &mut definition.mutation, &mut definition.subscription] {
        if root.as_ref().is_some_and(|name| !known(name)) {
            *root = None;
        }
    }
    valid(api)
}

/// Graphs that run elsewhere break the newest rules, which are about `@deprecated`: nothing that is executed depends on them.
fn valid(api: Schema) -> Result<Valid<Schema>, SupergraphError> {
    api.validate().or_else(|failure| {
        let is_harmless = |name| matches!(name, "DeprecatedImplementationField" | "DeprecatedRequiredInputValue");
        match failure.errors.iter().all(|found| found.error.unstable_error_name().is_some_and(is_harmless)) {
            true => Ok(Valid::assume_valid(failure.partial)),
            false => Err(SupergraphError::InvalidGraphQL(failure.errors.to_string())),
        }
    })
}

struct Hidden {
    directive: Option<String>,
}

impl Hidden {
    fn has(&self, directives: &DirectiveList) -> bool {
        self.directive.as_deref().is_some_and(|name| directives.has(name))
    }
}

fn prune(ty: &mut ExtendedType, hidden: &Hidden, known: &impl Fn(&Name) -> bool) {
    match ty {
        ExtendedType::Scalar(scalar) => keep_shown(&mut scalar.make_mut().directives),
        ExtendedType::Object(object) if !object.is_built_in() => {
            let object = object.make_mut();
            object.implements_interfaces.retain(|name| known(name));
            prune_fields(&mut object.fields, hidden);
            keep_shown(&mut object.directives);
        }
        ExtendedType::Interface(interface) => {
            let interface = interface.make_mut();
            interface.implements_interfaces.retain(|name| known(name));
            prune_fields(&mut interface.fields, hidden);
            keep_shown(&mut interface.directives);
        }
        ExtendedType::Union(union) => {
            let union = union.make_mut();
            union.members.retain(|name| known(name));
            keep_shown(&mut union.directives);
        }
        ExtendedType::Enum(definition) if !definition.is_built_in() => {
            let definition = definition.make_mut();
            definition.values.retain(|_, value| !hidden.has(&value.directives));
            for value in definition.values.values_mut().filter(|value| !is_shown(&value.directives)) {
                keep_shown(&mut value.make_mut().directives);
            }
            keep_shown(&mut definition.directives);
        }
        ExtendedType::InputObject(input) => {
            let input = input.make_mut();
            input.fields.retain(|_, field| !hidden.has(&field.directives));
            for field in input.fields.values_mut().filter(|field| !is_shown(&field.directives)) {
                keep_shown(&mut field.make_mut().directives);
            }
            keep_shown(&mut input.directives);
        }
        ExtendedType::Object(_) | ExtendedType::Enum(_) => {}
    }
}

type Fields =
    braid_graphql::compiler::collections::IndexMap<Name, Node<braid_graphql::compiler::schema::FieldDefinition>>;

/// Fields without directives, as most are, stay shared with the supergraph.
fn prune_fields(fields: &mut Fields, hidden: &Hidden) {
    fields.retain(|_, field| !hidden.has(&field.directives));
    for field in fields.values_mut() {
        if is_shown(&field.directives) && field.arguments.iter().all(|argument| is_shown(&argument.directives)) {
            continue;
        }
        let field = field.make_mut();
        field.arguments.retain(|argument| !hidden.has(&argument.directives));
        field.arguments.iter_mut().for_each(|argument| keep_shown(&mut argument.make_mut().directives));
        keep_shown(&mut field.directives);
    }
}

const SHOWN: [&str; 3] = ["deprecated", "specifiedBy", "oneOf"];

/// Whether introspection shows all of the directives.
fn is_shown(directives: &[Node<Directive>]) -> bool {
    directives.iter().all(|directive| SHOWN.contains(&directive.name.as_str()))
}

fn keep_shown(directives: &mut DirectiveList) {
    directives.retain(|directive| SHOWN.contains(&directive.name.as_str()));
}
