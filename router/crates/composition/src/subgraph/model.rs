//! One subgraph's schema as composition works on it: extensions folded in, root types under their standard names,
//! directives resolved through `@link`. Knows nothing of other subgraphs.

use std::sync::Arc;

use braid_graphql::compiler::ast::{DirectiveLocation, Type, Value};
use braid_graphql::compiler::parser::{SourceMap, SourceSpan};
use braid_graphql::compiler::{Name, Node};
use braid_graphql::schema::{NameHasher, NameMap};

use super::link::Links;
use super::spec::{Feature, Known};
use crate::diagnostic::{Edit, Location};
use braid_graphql::field_set::FieldSet;

pub(crate) type Map<T> = NameMap<T>;
pub(crate) type Set = indexmap::IndexSet<Name, NameHasher>;
pub(crate) type Span = Option<SourceSpan>;

/// A subgraph that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Subgraph {
    pub(crate) name: Arc<str>,
    pub(crate) url: Arc<str>,
    pub(crate) file: Arc<str>,
    pub(crate) sources: SourceMap,
    pub(crate) version: FederationVersion,
    pub(crate) links: Links,
    pub(crate) schema: Schema,
    /// The federation directives that the schema uses, each with its name here. Filled in once the schema is final.
    pub(crate) used: Vec<(Known, Name)>,
}

/// The version of Federation that the subgraph says it was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FederationVersion {
    One,
    Two(u32),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) types: Map<TypeDef>,
    pub(crate) directives: Map<DirectiveDef>,
    /// Applied to `schema` itself, without the `@link`s.
    pub(crate) applied: Vec<Applied>,
    pub(crate) description: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    Input,
}

#[derive(Clone, Debug)]
pub(crate) struct TypeDef {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) span: Span,
    /// Whether it has a definition, not only extensions.
    pub(crate) defined: bool,
    /// Whether there is an extension of it.
    pub(crate) extended: bool,
    pub(crate) implements: Map<Span>,
    pub(crate) members: Map<Span>,
    pub(crate) fields: Map<Field>,
    pub(crate) values: Map<EnumValue>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) facts: TypeFacts,
}

/// What a type's keys mean. Filled in once the schema is final.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeFacts {
    pub(crate) keys: Vec<Key>,
    /// Whether the router can come back to the subgraph by a key whose fields it resolves itself.
    pub(crate) local_key: bool,
}

/// A `@key` that can be parsed.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) set: FieldSet,
    /// The fields in one form, however they were written.
    pub(crate) text: String,
    pub(crate) resolvable: bool,
}

/// A field of an object, an interface or an input object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) ty: Type,
    pub(crate) args: Map<InputValue>,
    /// For an input field.
    pub(crate) default: Option<Node<Value>>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) span: Span,
    /// Which definition or extension of the type it is part of; 0 is the definition.
    pub(crate) part: u32,
    pub(crate) facts: FieldFacts,
}

/// What all federation directives of a subgraph mean for one of its fields. Filled in once the schema is final.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FieldFacts {
    /// Marked `@external`, itself or through its type, and really not resolved here.
    pub(crate) external: bool,
    /// External, but resolvable on a path that `@provides` it.
    pub(crate) provided: bool,
    pub(crate) shareable: bool,
    /// A `@key`, `@requires`, `@provides`, context or interface of the subgraph needs it.
    pub(crate) used: bool,
}

impl FieldFacts {
    /// Never resolvable in this subgraph.
    pub(crate) fn fully_external(self) -> bool {
        self.external && !self.provided
    }
}

#[derive(Clone, Debug)]
pub(crate) struct InputValue {
    pub(crate) name: Name,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) ty: Type,
    pub(crate) default: Option<Node<Value>>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct EnumValue {
    pub(crate) name: Name,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct DirectiveDef {
    pub(crate) name: Name,
    pub(crate) known: Option<Known>,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) args: Map<InputValue>,
    pub(crate) repeatable: bool,
    pub(crate) locations: Vec<DirectiveLocation>,
    pub(crate) span: Span,
}

/// A directive application.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) name: Name,
    pub(crate) known: Option<Known>,
    pub(crate) args: Vec<(Name, Node<Value>)>,
    pub(crate) span: Span,
    pub(crate) part: u32,
}

impl Applied {
    pub(crate) fn arg(&self, name: &str) -> Option<&Node<Value>> {
        self.args.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    pub(crate) fn str_arg(&self, name: &str) -> Option<&str> {
        self.arg(name).and_then(|value| value.as_str())
    }

    pub(crate) fn bool_arg(&self, name: &str) -> Option<bool> {
        self.arg(name).and_then(|value| value.to_bool())
    }
}

/// Elements that directives can be applied to.
pub(crate) trait Directives {
    fn applied(&self) -> &[Applied];

    fn all(&self, known: Known) -> impl Iterator<Item = &Applied> {
        self.applied().iter().filter(move |a| a.known == Some(known))
    }

    fn get(&self, known: Known) -> Option<&Applied> {
        self.all(known).next()
    }

    fn has(&self, known: Known) -> bool {
        self.get(known).is_some()
    }
}

macro_rules! directives {
    ($($ty:ty),+) => {
        $(impl Directives for $ty {
            fn applied(&self) -> &[Applied] {
                &self.applied
            }
        })+
    };
}
directives!(TypeDef, Field, InputValue, EnumValue, Schema);

impl TypeDef {
    pub(crate) fn new(name: Name, kind: Kind, span: Span) -> Self {
        TypeDef {
            name,
            kind,
            description: None,
            span,
            defined: false,
            extended: false,
            implements: Map::default(),
            members: Map::default(),
            fields: Map::default(),
            values: Map::default(),
            applied: Vec::new(),
            facts: TypeFacts::default(),
        }
    }

    pub(crate) fn is_composite(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Interface | Kind::Union)
    }

    pub(crate) fn is_interface_object(&self) -> bool {
        self.kind == Kind::Object && self.has(Known::InterfaceObject)
    }

    /// Federation 1's sense of an extension: another subgraph must have the definition.
    pub(crate) fn is_extension(&self) -> bool {
        (self.extended && !self.defined) || self.has(Known::Extends)
    }
}

impl Kind {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Kind::Scalar => "a scalar",
            Kind::Object => "an object type",
            Kind::Interface => "an interface",
            Kind::Union => "a union",
            Kind::Enum => "an enum",
            Kind::Input => "an input object",
        }
    }
}

impl InputValue {
    pub(crate) fn is_required(&self) -> bool {
        self.ty.is_non_null() && self.default.is_none()
    }
}

impl Field {
    /// For an input field: whether it must be given.
    pub(crate) fn is_required(&self) -> bool {
        self.ty.is_non_null() && self.default.is_none()
    }
}

pub(crate) const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];
pub(crate) const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

pub(crate) fn is_root(name: &str) -> bool {
    ROOTS.contains(&name)
}

impl Schema {
    /// The object types that a value of this composite type can have here.
    pub(crate) fn runtime_types<'a>(&'a self, ty: &'a TypeDef) -> Vec<&'a TypeDef> {
        match ty.kind {
            Kind::Object => vec![ty],
            Kind::Union => ty.members.keys().filter_map(|m| self.types.get(m)).collect(),
            Kind::Interface => {
                self.types.values().filter(|t| t.kind == Kind::Object && t.implements.contains_key(&ty.name)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Subgraph {
    /// The location of a span in this subgraph's SDL.
    pub(crate) fn locate(&self, span: Span) -> Option<Location> {
        locate(&self.name, &self.file, &self.sources, span)
    }

    /// The SDL as received.
    pub(crate) fn sdl(&self) -> &str {
        self.sources.values().next().map(|s| s.source_text()).unwrap_or_default()
    }

    /// An edit that replaces a byte range of this subgraph's SDL.
    pub(crate) fn edit(&self, start: usize, end: usize, text: impl Into<String>) -> Edit {
        Edit { subgraph: self.name.to_string(), start, end, text: text.into() }
    }

    /// What the link to federation calls a directive, with its `@`; in Federation 1, its own name.
    pub(crate) fn federation_name(&self, known: Known) -> Option<String> {
        let element = format!("@{}", known.name());
        match self.links.of(Feature::Federation) {
            Some(link) => link.name_in_schema(&element),
            None => Some(element),
        }
    }

    /// The name that a federation directive has here, with its `@`.
    pub(crate) fn at_name(&self, known: Known) -> String {
        self.links.name_of(known).unwrap_or_else(|| format!("@{}", known.name()))
    }
}

/// In longer lines columns are bytes: a schema in one line is written by a program, and counting would be quadratic.
const LONGEST_COUNTED: usize = 10_000;

pub(crate) fn locate(subgraph: &str, file: &str, sources: &SourceMap, span: Span) -> Option<Location> {
    let span = span?;
    let range = span.line_column_range(sources)?;
    let sdl = sources.get(&span.file_id())?.source_text();
    // The parser counts columns in bytes.
    let column = |bytes: usize, end: usize| match bytes {
        1..LONGEST_COUNTED => {
            sdl.get(end.saturating_sub(bytes - 1)..end).map_or(bytes, |line| line.chars().count() + 1)
        }
        _ => bytes,
    };
    Some(Location {
        subgraph: subgraph.to_string(),
        file: file.to_string(),
        line: range.start.line,
        column: column(range.start.column, span.offset()),
        end_line: range.end.line,
        end_column: column(range.end.column, span.end_offset()),
        offset: span.offset(),
        end_offset: span.end_offset(),
    })
}

impl Subgraph {
    /// Removes what federation itself added: it is no part of the graph.
    pub(crate) fn drop_internals(&mut self, internal_types: &[Name]) {
        for name in internal_types {
            self.schema.types.shift_remove(name);
        }
        // Every subgraph has a query root, if only for `_service`, and queries can lead back to it.
        let name = Name::new_static_unchecked("Query");
        let query = self.schema.types.entry(name.clone()).or_insert_with(|| {
            let mut query = TypeDef::new(name, Kind::Object, None);
            query.defined = true;
            query
        });
        query.fields.retain(|name, _| name != "_entities" && name != "_service");
        self.schema.name_enum_values();
    }
}

impl Schema {
    /// Turns enum defaults that a server printed as strings into enum values.
    fn name_enum_values(&mut self) {
        let enums: ahash::AHashSet<Name> =
            self.types.values().filter(|t| t.kind == Kind::Enum).map(|t| t.name.clone()).collect();
        let named = |ty: &Type, default: &mut Option<Node<Value>>| {
            if let Some(value) = default
                && enums.contains(ty.inner_named_type())
                && let Value::String(text) = &**value
                && let Ok(name) = Name::new(text)
            {
                *default = Some(value.same_location(Value::Enum(name)));
            }
        };
        for field in self.types.values_mut().flat_map(|t| t.fields.values_mut()) {
            named(&field.ty, &mut field.default);
            for argument in field.args.values_mut() {
                named(&argument.ty, &mut argument.default);
            }
        }
    }
}
