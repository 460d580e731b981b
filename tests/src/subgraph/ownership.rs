//! What a subgraph resolves, according to the SDL of all subgraphs of a graph. Knows no request.
//!
//! Uses only the directives, not composition or the supergraph, so that mistakes there are found.

use std::collections::{BTreeMap, BTreeSet};

use braid_graphql::compiler::executable::{FieldSet, Selection, SelectionSet};
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, FieldDefinition};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Schema, ast};

use super::schema;

/// A field, as `(type, field)`.
pub(super) type Coordinate = (String, String);

/// What a router may request from one subgraph.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    /// External fields, and fields that other subgraphs override.
    pub(super) unresolved: BTreeSet<Coordinate>,
    /// Fields that keys, requirements and provisions name.
    used: BTreeSet<Coordinate>,
    /// The resolvable keys of a type.
    pub(super) keys: BTreeMap<String, Vec<SelectionSet>>,
    /// What a field needs in its representation.
    pub(super) requires: BTreeMap<Coordinate, SelectionSet>,
    /// External fields that are provided below a field.
    pub(super) provides: BTreeMap<Coordinate, SelectionSet>,
}

impl Ownership {
    /// Whether a key, requirement or provision names a field, as (type, field).
    pub fn is_used(&self, coordinate: &(String, String)) -> bool {
        self.used.contains(coordinate)
    }

    /// Whether a field, as (type, field), is external or overridden.
    pub fn is_unresolved(&self, coordinate: &(String, String)) -> bool {
        self.unresolved.contains(coordinate)
    }

    /// What fields need in their representations.
    pub fn requires(&self) -> impl Iterator<Item = (&(String, String), &SelectionSet)> {
        self.requires.iter()
    }
}

/// The ownership of each subgraph, given as (name, SDL). `labels` are the active override labels.
pub fn read_all(subgraphs: &[(String, String)], labels: &BTreeSet<String>) -> Vec<Ownership> {
    let sources: Vec<_> = subgraphs.iter().map(|(name, sdl)| schema::source(name, sdl)).collect();
    let mut all: Vec<_> = subgraphs
        .iter()
        .zip(&sources)
        .map(|((name, sdl), source)| {
            read_one(source, &schema::executable(name, sdl), &extension_types(sdl), is_federation_1(source))
        })
        .collect();
    for (at, source) in sources.iter().enumerate() {
        for (coordinate, from, label) in overrides(source) {
            let is_on = label.is_none_or(|label| labels.contains(&label));
            let loser = match (is_on, subgraphs.iter().position(|(name, _)| *name == from)) {
                (_, None) => continue,
                (true, Some(other)) => other,
                (false, Some(_)) => at,
            };
            all[loser].unresolved.insert(coordinate);
        }
    }
    all
}

fn read_one(source: &Schema, schema: &Valid<Schema>, extensions: &BTreeSet<String>, federation_1: bool) -> Ownership {
    let mut ownership = Ownership::default();
    let mut key_fields = BTreeSet::new();
    for (name, ty) in &source.types {
        for (text, resolvable) in keys(ty.directives()) {
            let set = field_set(schema, name, text);
            collect_coordinates(&set, &mut ownership.used);
            // In Federation 1, `@external` on a key field only says that the type is defined in another subgraph.
            if federation_1 || extensions.contains(name.as_str()) {
                collect_coordinates(&set, &mut key_fields);
            }
            if resolvable {
                ownership.keys.entry(name.to_string()).or_default().push(set);
            }
        }
    }
    for (name, ty) in &source.types {
        for field in fields(ty) {
            let coordinate = (name.to_string(), field.name.to_string());
            let external = has(&field.directives, "external") || has(ty.directives(), "external");
            if external && !key_fields.contains(&coordinate) {
                ownership.unresolved.insert(coordinate.clone());
            }
            if let Some(text) = text_argument(&field.directives, "requires", "fields") {
                let set = field_set(schema, name, text);
                collect_coordinates(&set, &mut ownership.used);
                ownership.requires.insert(coordinate.clone(), set);
            }
            if let Some(text) = text_argument(&field.directives, "provides", "fields") {
                let inner = field.ty.inner_named_type();
                let set = field_set(schema, inner, text);
                collect_coordinates(&set, &mut ownership.used);
                ownership.provides.insert(coordinate, set);
            }
        }
    }
    ownership
}

fn overrides(source: &Schema) -> Vec<(Coordinate, String, Option<String>)> {
    let mut found = Vec::new();
    for (name, ty) in &source.types {
        for field in fields(ty) {
            if let Some(from) = text_argument(&field.directives, "override", "from") {
                let label = text_argument(&field.directives, "override", "label").map(str::to_owned);
                found.push(((name.to_string(), field.name.to_string()), from.to_owned(), label));
            }
        }
    }
    found
}

fn collect_coordinates(set: &SelectionSet, into: &mut BTreeSet<Coordinate>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                into.insert((set.ty.to_string(), field.name.to_string()));
                field.selection_set.iter().for_each(|set| collect_coordinates(set, into));
            }
            Selection::InlineFragment(fragment) => collect_coordinates(&fragment.selection_set, into),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Types that the SDL only extends.
fn extension_types(sdl: &str) -> BTreeSet<String> {
    let document = ast::Document::parse(sdl, "subgraph.graphql").unwrap_or_else(|failure| panic!("{}", failure.errors));
    let mut extended = BTreeSet::new();
    for definition in &document.definitions {
        match definition {
            ast::Definition::ObjectTypeExtension(object) => extended.insert(object.name.to_string()),
            ast::Definition::InterfaceTypeExtension(interface) => extended.insert(interface.name.to_string()),
            ast::Definition::ObjectTypeDefinition(object) if object.directives.has("extends") => {
                extended.insert(object.name.to_string())
            }
            _ => false,
        };
    }
    for definition in &document.definitions {
        if let ast::Definition::ObjectTypeDefinition(object) = definition
            && !object.directives.has("extends")
        {
            extended.remove(object.name.as_str());
        }
    }
    extended
}

fn is_federation_1(source: &Schema) -> bool {
    let links = source.schema_definition.directives.get_all("link");
    let mut urls = links.filter_map(|link| link.specified_argument_by_name("url")?.as_str());
    !urls.any(|url| url.starts_with("https://specs.apollo.dev/federation/v2"))
}

fn keys(directives: &DirectiveList) -> impl Iterator<Item = (&str, bool)> {
    named(directives, "key").filter_map(|key| {
        let resolvable = key.specified_argument_by_name("resolvable").and_then(|value| value.to_bool());
        Some((key.specified_argument_by_name("fields")?.as_str()?, resolvable.unwrap_or(true)))
    })
}

fn named<'a>(directives: &'a DirectiveList, name: &'a str) -> impl Iterator<Item = &'a ast::Directive> {
    let matches = move |directive: &&'a ast::Directive| {
        directive.name.strip_prefix("federation__").unwrap_or(&directive.name) == name
    };
    directives.iter().map(|directive| &**directive).filter(matches)
}

fn has(directives: &DirectiveList, name: &str) -> bool {
    named(directives, name).next().is_some()
}

fn text_argument<'a>(directives: &'a DirectiveList, directive: &'a str, argument: &str) -> Option<&'a str> {
    named(directives, directive).next()?.specified_argument_by_name(argument)?.as_str()
}

fn fields(ty: &ExtendedType) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match ty {
        ExtendedType::Object(object) => Some(&object.fields),
        ExtendedType::Interface(interface) => Some(&interface.fields),
        _ => None,
    };
    fields.into_iter().flat_map(|fields| fields.values()).map(|field| &**field)
}

fn field_set(schema: &Valid<Schema>, ty: &Name, text: &str) -> SelectionSet {
    let set = FieldSet::parse_and_validate(schema, ty.clone(), text, "field_set.graphql");
    let set = set.unwrap_or_else(|failure| panic!("field set \"{text}\" on {ty}: {}", failure.errors));
    set.selection_set.clone()
}
