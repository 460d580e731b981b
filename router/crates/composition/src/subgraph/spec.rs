//! The directives that federation knows, by feature and version. Knows nothing of any subgraph.

use std::sync::LazyLock;

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Definition, DirectiveDefinition, Document};

/// A directive with a meaning to composition, whatever it is called in a subgraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Known {
    Key,
    Requires,
    Provides,
    External,
    Extends,
    Shareable,
    Override,
    Tag,
    Inaccessible,
    ComposeDirective,
    InterfaceObject,
    Authenticated,
    RequiresScopes,
    Policy,
    Context,
    FromContext,
    Cost,
    ListSize,
    CacheTag,
    Link,
    Deprecated,
    SpecifiedBy,
    OneOf,
    Skip,
    Include,
}

impl Known {
    /// Its name in its own specification.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Known::Key => "key",
            Known::Requires => "requires",
            Known::Provides => "provides",
            Known::External => "external",
            Known::Extends => "extends",
            Known::Shareable => "shareable",
            Known::Override => "override",
            Known::Tag => "tag",
            Known::Inaccessible => "inaccessible",
            Known::ComposeDirective => "composeDirective",
            Known::InterfaceObject => "interfaceObject",
            Known::Authenticated => "authenticated",
            Known::RequiresScopes => "requiresScopes",
            Known::Policy => "policy",
            Known::Context => "context",
            Known::FromContext => "fromContext",
            Known::Cost => "cost",
            Known::ListSize => "listSize",
            Known::CacheTag => "cacheTag",
            Known::Link => "link",
            Known::Deprecated => "deprecated",
            Known::SpecifiedBy => "specifiedBy",
            Known::OneOf => "oneOf",
            Known::Skip => "skip",
            Known::Include => "include",
        }
    }

    /// Part of GraphQL itself.
    pub(crate) fn is_built_in(self) -> bool {
        matches!(self, Known::Deprecated | Known::SpecifiedBy | Known::OneOf | Known::Skip | Known::Include)
    }

    /// Its applications go to the supergraph under the directive's own name.
    pub(crate) fn is_composed(self) -> bool {
        COMPOSED.contains(&self)
    }
}

/// Federation directives whose applications are merged into the supergraph.
pub(crate) const COMPOSED: [Known; 8] = [
    Known::Tag,
    Known::Inaccessible,
    Known::Authenticated,
    Known::RequiresScopes,
    Known::Policy,
    Known::Context,
    Known::Cost,
    Known::ListSize,
];

/// The newest published minor version of Federation 2.
pub const NEWEST: u32 = 14;

/// What a specification defines: (directive, first version, SDL). The last entry that is not newer than the linked version counts.
type Table = &'static [(Known, u32, &'static str)];

const FEDERATION: Table = &[
    (Known::Key, 0, "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"),
    (Known::Requires, 0, "directive @requires(fields: FieldSet!) on FIELD_DEFINITION"),
    (Known::Provides, 0, "directive @provides(fields: FieldSet!) on FIELD_DEFINITION"),
    (Known::External, 0, "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"),
    (
        Known::Tag,
        0,
        "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    ),
    (
        Known::Tag,
        3,
        "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION | SCHEMA",
    ),
    (Known::Extends, 0, "directive @extends on OBJECT | INTERFACE"),
    (Known::Shareable, 0, "directive @shareable on OBJECT | FIELD_DEFINITION"),
    (Known::Shareable, 2, "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
    (
        Known::Inaccessible,
        0,
        "directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    ),
    (Known::Override, 0, "directive @override(from: String!) on FIELD_DEFINITION"),
    (Known::Override, 7, "directive @override(from: String!, label: String) on FIELD_DEFINITION"),
    (Known::ComposeDirective, 1, "directive @composeDirective(name: String) repeatable on SCHEMA"),
    (Known::InterfaceObject, 3, "directive @interfaceObject on OBJECT"),
    (Known::Authenticated, 5, "directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"),
    (
        Known::RequiresScopes,
        5,
        "directive @requiresScopes(scopes: [[Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    (
        Known::Policy,
        6,
        "directive @policy(policies: [[Policy!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    ),
    (Known::Context, 8, "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"),
    (Known::FromContext, 8, "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"),
    (
        Known::Cost,
        9,
        "directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
    ),
    (
        Known::ListSize,
        9,
        "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    ),
    (Known::CacheTag, 12, "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"),
];

const FEDERATION_1: Table = &[
    (Known::Key, 0, "directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"),
    (Known::Requires, 0, "directive @requires(fields: _FieldSet!) on FIELD_DEFINITION"),
    (Known::Provides, 0, "directive @provides(fields: _FieldSet!) on FIELD_DEFINITION"),
    (Known::External, 0, "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"),
    (
        Known::Tag,
        0,
        "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    ),
    (Known::Extends, 0, "directive @extends on OBJECT | INTERFACE"),
];

const LINK: Table = &[(
    Known::Link,
    0,
    "directive @link(url: String, as: String, for: Purpose, import: [Import]) repeatable on SCHEMA",
)];

const BUILT_IN: Table = &[
    (Known::Skip, 0, "directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT"),
    (Known::Include, 0, "directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT"),
    (
        Known::Deprecated,
        0,
        "directive @deprecated(reason: String = \"No longer supported\") on FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION",
    ),
    (Known::SpecifiedBy, 0, "directive @specifiedBy(url: String!) on SCALAR"),
    (Known::OneOf, 0, "directive @oneOf on INPUT_OBJECT"),
];

/// A specification that subgraphs link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Feature {
    Link,
    Federation,
    /// One of federation's directives under its own specification.
    Own(Known),
}

pub(crate) const HOST: &str = "https://specs.apollo.dev/";

impl Feature {
    /// The feature of a `@link`'s identity, that is its URL without the version.
    pub(crate) fn find(identity: &str) -> Option<Feature> {
        let name = identity.strip_prefix(HOST)?;
        Some(match name {
            "link" => Feature::Link,
            "federation" => Feature::Federation,
            "tag" => Feature::Own(Known::Tag),
            "inaccessible" => Feature::Own(Known::Inaccessible),
            "authenticated" => Feature::Own(Known::Authenticated),
            "requiresScopes" => Feature::Own(Known::RequiresScopes),
            "policy" => Feature::Own(Known::Policy),
            "cost" => Feature::Own(Known::Cost),
            "context" => Feature::Own(Known::Context),
            _ => return None,
        })
    }

    /// The first version of Federation 2 that has it.
    pub(crate) fn since(self) -> u32 {
        match self {
            Feature::Link | Feature::Federation => 0,
            Feature::Own(Known::Authenticated | Known::RequiresScopes) => 5,
            Feature::Own(Known::Policy) => 6,
            Feature::Own(Known::Context) => 8,
            Feature::Own(Known::Cost) => 9,
            Feature::Own(_) => 0,
        }
    }

    fn rows(self, minor: u32) -> Vec<(Known, &'static str)> {
        let (table, limit): (Table, u32) = match self {
            Feature::Link => (LINK, 0),
            Feature::Federation => (FEDERATION, minor),
            // A tag specification of its own has the schema location from v0.3.
            Feature::Own(Known::Tag) => (FEDERATION, minor),
            Feature::Own(_) => (FEDERATION, NEWEST),
        };
        let wanted = |known: Known| match self {
            Feature::Own(Known::Cost) => matches!(known, Known::Cost | Known::ListSize),
            Feature::Own(Known::Context) => matches!(known, Known::Context | Known::FromContext),
            Feature::Own(own) => known == own,
            _ => true,
        };
        let mut rows: Vec<(Known, &'static str)> = Vec::new();
        for (known, since, sdl) in table.iter().copied() {
            if since > limit || !wanted(known) {
                continue;
            }
            match rows.iter_mut().find(|(k, _)| *k == known) {
                Some(row) => row.1 = sdl,
                None => rows.push((known, sdl)),
            }
        }
        rows
    }

    /// The directives of this feature in a version, with their definitions.
    pub(crate) fn directives(self, minor: u32) -> Vec<(Known, Node<DirectiveDefinition>)> {
        self.rows(minor).into_iter().filter_map(|(k, sdl)| Some((k, definition(sdl)?))).collect()
    }

    /// The types of this feature in a version, by their own names.
    pub(crate) fn types(self, minor: u32) -> Vec<&'static str> {
        match self {
            Feature::Link => vec!["Import", "Purpose"],
            Feature::Federation => [("FieldSet", 0), ("Scope", 5), ("Policy", 6), ("ContextFieldValue", 8)]
                .into_iter()
                .filter(|(_, since)| *since <= minor)
                .map(|(name, _)| name)
                .collect(),
            Feature::Own(Known::RequiresScopes) => vec!["Scope"],
            Feature::Own(Known::Policy) => vec!["Policy"],
            Feature::Own(Known::Context) => vec!["ContextFieldValue"],
            Feature::Own(_) => Vec::new(),
        }
    }
}

/// Federation 1's directives; a schema that links nothing has them under these names.
pub(crate) fn federation_1() -> impl Iterator<Item = (Known, Node<DirectiveDefinition>)> {
    FEDERATION_1.iter().filter_map(|(known, _, sdl)| Some((*known, definition(sdl)?)))
}

/// GraphQL's own directives.
pub(crate) fn built_in() -> impl Iterator<Item = (Known, Node<DirectiveDefinition>)> {
    BUILT_IN.iter().filter_map(|(known, _, sdl)| Some((*known, definition(sdl)?)))
}

/// Each definition is parsed once per process.
fn definition(sdl: &'static str) -> Option<Node<DirectiveDefinition>> {
    static PARSED: LazyLock<ahash::HashMap<&'static str, Node<DirectiveDefinition>>> = LazyLock::new(|| {
        [FEDERATION, FEDERATION_1, LINK, BUILT_IN]
            .into_iter()
            .flatten()
            .filter_map(|(_, _, sdl)| {
                let document = match Document::parse(*sdl, "spec.graphql") {
                    Ok(document) => document,
                    Err(partial) => partial.partial,
                };
                match document.definitions.into_iter().next()? {
                    Definition::DirectiveDefinition(d) => Some((*sdl, d)),
                    _ => None,
                }
            })
            .collect()
    });
    PARSED.get(sdl).cloned()
}
