//! The SDL files of one version, and where each schema coordinate is in them. Knows nothing of federation: extensions
//! and the same type in several files are several locations of one coordinate.

use ahash::AHashMap;
use braid_graphql::compiler::ast::{
    Definition, DirectiveList, Document, EnumValueDefinition, FieldDefinition, InputValueDefinition,
};
use braid_graphql::compiler::parser::{Parser, SourceSpan};
use braid_graphql::{Name, Node};

use crate::location::{Location, Side};
use crate::problem::Problem;

/// One SDL file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The subgraph whose SDL it is.
    pub subgraph: Option<String>,
    /// Its path, as people know it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The SDL files of one version, parsed.
#[derive(Debug)]
pub struct Sources {
    side: Side,
    files: Vec<ParsedFile>,
    places: AHashMap<String, Vec<Place>>,
}

/// A file with its syntax tree.
#[derive(Debug)]
pub(crate) struct ParsedFile {
    pub(crate) subgraph: Option<String>,
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) document: Document,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    file: u32,
    span: SourceSpan,
}

/// How deep SDL may nest, and how many tokens a file may have: far beyond what people write, within what a machine holds.
const MAX_RECURSION: usize = 200;
const MAX_TOKENS: usize = 20_000_000;

impl Sources {
    /// Parses the files. What does not parse is a problem; what parsed before it is kept.
    pub fn read(side: Side, files: Vec<SourceFile>) -> (Self, Vec<Problem>) {
        let mut sources = Self { side, files: Vec::new(), places: AHashMap::new() };
        let mut problems = Vec::new();
        for SourceFile { subgraph, file, text } in files {
            let mut parser = Parser::new().recursion_limit(MAX_RECURSION).token_limit(MAX_TOKENS);
            let document = match parser.parse_ast(text.as_str(), &file) {
                Ok(document) => document,
                Err(failure) => {
                    problems.extend(failure.errors.iter().take(20).map(|error| {
                        let json = error.unstable_to_json_compat();
                        let at = json.locations.first().map(|at| (at.line, at.column)).unwrap_or((1, 1));
                        Problem::at("SDL_SYNTAX", format!("not valid GraphQL: {}", json.message), &file, at)
                    }));
                    failure.partial
                }
            };
            sources.files.push(ParsedFile { subgraph, file, text, document });
        }
        for index in 0..sources.files.len() {
            sources.index(index);
        }
        (sources, problems)
    }

    /// All locations of a coordinate.
    pub fn locate(&self, coordinate: &str) -> Vec<Location> {
        let places = self.places.get(coordinate).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.location(place.file as usize, place.span)).collect()
    }

    pub(crate) fn files(&self) -> &[ParsedFile] {
        &self.files
    }

    pub(crate) fn location(&self, file: usize, span: SourceSpan) -> Option<Location> {
        let file = &self.files[file];
        let range = span.line_column_range(&file.document.sources)?;
        Some(Location {
            side: self.side,
            subgraph: file.subgraph.clone(),
            file: file.file.clone(),
            line: range.start.line,
            column: range.start.column,
            end_line: range.end.line,
            end_column: range.end.column,
        })
    }

    fn index(&mut self, file: usize) {
        let mut index = Index { file: file as u32, places: &mut self.places };
        for definition in &self.files[file].document.definitions {
            index.definition(definition);
        }
    }
}

/// The coordinate of what contains the element: `A.b(c:)` → `A.b` → `A`.
pub(crate) fn parent(coordinate: &str) -> Option<&str> {
    if let Some((parent, _)) = coordinate.split_once('(') {
        return Some(parent);
    }
    coordinate.rsplit_once('.').map(|(parent, _)| parent)
}

struct Index<'a> {
    file: u32,
    places: &'a mut AHashMap<String, Vec<Place>>,
}

impl Index<'_> {
    fn add(&mut self, coordinate: String, span: Option<SourceSpan>) {
        let Some(span) = span else { return };
        self.places.entry(coordinate).or_default().push(Place { file: self.file, span });
    }

    fn definition(&mut self, definition: &Definition) {
        match definition {
            Definition::SchemaDefinition(_) | Definition::SchemaExtension(_) => {
                self.add("schema".to_owned(), definition.location());
            }
            Definition::DirectiveDefinition(directive) => {
                let coordinate = format!("@{}", directive.name);
                self.arguments(&coordinate, &directive.arguments);
                self.add(coordinate, directive.name.location());
            }
            _ => self.type_definition(definition),
        }
    }

    fn type_definition(&mut self, definition: &Definition) {
        let Some(name) = definition.name() else { return };
        match definition {
            Definition::ObjectTypeDefinition(ty) => self.fields(name, &ty.fields),
            Definition::ObjectTypeExtension(ty) => self.fields(name, &ty.fields),
            Definition::InterfaceTypeDefinition(ty) => self.fields(name, &ty.fields),
            Definition::InterfaceTypeExtension(ty) => self.fields(name, &ty.fields),
            Definition::UnionTypeDefinition(ty) => self.members(name, &ty.members),
            Definition::UnionTypeExtension(ty) => self.members(name, &ty.members),
            Definition::EnumTypeDefinition(ty) => self.values(name, &ty.values),
            Definition::EnumTypeExtension(ty) => self.values(name, &ty.values),
            Definition::InputObjectTypeDefinition(ty) => self.input_fields(name, &ty.fields),
            Definition::InputObjectTypeExtension(ty) => self.input_fields(name, &ty.fields),
            Definition::ScalarTypeDefinition(_) | Definition::ScalarTypeExtension(_) => {}
            _ => return,
        }
        self.add(name.to_string(), name.location());
        self.directives(name, definition.directives());
    }

    fn fields(&mut self, parent: &Name, fields: &[Node<FieldDefinition>]) {
        for field in fields {
            let coordinate = format!("{parent}.{}", field.name);
            self.arguments(&coordinate, &field.arguments);
            self.directives(&coordinate, &field.directives);
            self.add(coordinate, field.name.location());
        }
    }

    fn arguments(&mut self, parent: &str, arguments: &[Node<InputValueDefinition>]) {
        for argument in arguments {
            let coordinate = format!("{parent}({}:)", argument.name);
            self.directives(&coordinate, &argument.directives);
            self.add(coordinate, argument.name.location());
        }
    }

    fn input_fields(&mut self, parent: &Name, fields: &[Node<InputValueDefinition>]) {
        for field in fields {
            let coordinate = format!("{parent}.{}", field.name);
            self.directives(&coordinate, &field.directives);
            self.add(coordinate, field.name.location());
        }
    }

    fn values(&mut self, parent: &Name, values: &[Node<EnumValueDefinition>]) {
        for value in values {
            let coordinate = format!("{parent}.{}", value.value);
            self.directives(&coordinate, &value.directives);
            self.add(coordinate, value.value.location());
        }
    }

    /// Members have no coordinate in the specification; these are only for finding locations.
    fn members(&mut self, parent: &Name, members: &[Name]) {
        for member in members {
            self.add(format!("{parent}.{member}"), member.location());
        }
    }

    /// Applications of a directive to an element, under `element@directive`.
    fn directives(&mut self, element: &str, directives: &DirectiveList) {
        for directive in directives.iter() {
            self.add(format!("{element}@{}", directive.name), directive.name.location());
        }
    }
}
