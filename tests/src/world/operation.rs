//! Random operations over a schema: fragments, conditions, arguments, aliases, variables. Knows nothing of subgraphs.

use std::fmt::Write;
use std::path::Path;

use braid_graphql::compiler::ast::{Definition, Document, Selection, Type};
use braid_graphql::compiler::schema::{ExtendedType, FieldDefinition};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{ExecutableDocument, Name, Node, Schema};
use serde_json::{Map, Value, json};

use super::data::constant;
use super::generate::literal;
use super::random::Random;

/// An operation and its variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The document.
    pub text: String,
    /// The variables' values.
    pub variables: Map<String, Value>,
}

impl Operation {
    /// Reads `operation.graphql` and, when there are any, `variables.json` of a folder.
    pub fn read(folder: &Path) -> Self {
        let variables = std::fs::read_to_string(folder.join("variables.json"));
        Self {
            text: std::fs::read_to_string(folder.join("operation.graphql")).unwrap(),
            variables: variables.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default(),
        }
    }

    /// Writes what [`Operation::read`] reads.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("operation.graphql"), &self.text).unwrap();
        if !self.variables.is_empty() {
            let text = serde_json::to_string_pretty(&self.variables).unwrap();
            std::fs::write(folder.join("variables.json"), text).unwrap();
        }
    }
}

/// A valid operation. Fields that clash when aliases are drawn at random are the reason for several attempts.
pub fn operation(schema: &Valid<Schema>, random: &mut Random) -> Operation {
    for attempt in 0..50 {
        let operation = Writer::new(schema, random.clone(), attempt < 40).write();
        random.draw();
        if ExecutableDocument::parse_and_validate(schema, &operation.text, "operation.graphql").is_ok() {
            return operation;
        }
    }
    Operation { text: "{ __typename }".to_owned(), variables: Map::new() }
}

struct Writer<'a> {
    schema: &'a Valid<Schema>,
    random: Random,
    aliases: bool,
    /// Definitions and values.
    variables: Vec<(String, String, Option<Value>)>,
    fragments: Vec<String>,
    fields: usize,
}

const MAX_FIELDS: usize = 40;
const MAX_DEPTH: usize = 5;

impl<'a> Writer<'a> {
    fn new(schema: &'a Valid<Schema>, random: Random, aliases: bool) -> Self {
        Self { schema, random, aliases, variables: Vec::new(), fragments: Vec::new(), fields: 0 }
    }

    fn write(mut self) -> Operation {
        let has_mutations = self.schema.schema_definition.mutation.is_some();
        let is_mutation = has_mutations && self.random.chance(25);
        let (keyword, root) = if is_mutation { ("mutation", "Mutation") } else { ("query", "Query") };
        let root = self.schema.types.get_key_value(root).unwrap().0.clone();
        let selections = self.selections(&root, 0);
        let definitions: Vec<_> = self.variables.iter().map(|(name, ty, _)| format!("${name}: {ty}")).collect();
        let definitions = if definitions.is_empty() { String::new() } else { format!("({})", definitions.join(", ")) };
        let mut text = format!("{keyword} Q{definitions} {selections}");
        for fragment in &self.fragments {
            write!(text, "\n{fragment}").unwrap();
        }
        let values = self.variables.into_iter().filter_map(|(name, _, value)| Some((name, value?)));
        Operation { text, variables: values.collect() }
    }

    fn selections(&mut self, parent: &Name, depth: usize) -> String {
        let mut parts = Vec::new();
        for _ in 0..self.random.between(1, if depth == 0 { 3 } else { 4 }) {
            parts.push(self.selection(parent, depth));
        }
        let indent = "  ".repeat(depth + 1);
        format!("{{\n{indent}{}\n{}}}", parts.join(&format!("\n{indent}")), "  ".repeat(depth))
    }

    fn selection(&mut self, parent: &Name, depth: usize) -> String {
        let is_abstract = self.schema.get_object(parent).is_none();
        let fragment = if is_abstract { 45 } else { 15 };
        if depth < MAX_DEPTH && self.fields < MAX_FIELDS && depth > 0 && self.random.chance(fragment) {
            if is_abstract
                && self.random.chance(25)
                && let Some(both) = self.same_name(parent, depth)
            {
                return both;
            }
            return self.fragment(parent, depth);
        }
        let fields: Vec<Node<FieldDefinition>> = match &self.schema.types[parent] {
            ExtendedType::Object(object) => object.fields.values().cloned().collect(),
            ExtendedType::Interface(interface) => interface.fields.values().cloned().collect(),
            _ => Vec::new(),
        };
        let wants_leaf = depth >= MAX_DEPTH || self.fields >= MAX_FIELDS;
        let fits =
            |field: &&Node<FieldDefinition>| !wants_leaf || self.schema.types[field.ty.inner_named_type()].is_leaf();
        let fields: Vec<_> = fields.iter().filter(fits).collect();
        if fields.is_empty() || self.random.chance(8) {
            let alias = if self.aliases && self.random.chance(25) { "kind: " } else { "" };
            let conditions = self.conditions();
            return format!("{alias}__typename{conditions}");
        }
        let field = Node::clone(*self.random.pick(&fields));
        self.field(&field, depth)
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) -> String {
        self.fields += 1;
        let mut out = String::new();
        let is_leaf = self.schema.types[field.ty.inner_named_type()].is_leaf();
        let arguments = self.arguments(field);
        if self.aliases && self.random.chance(20) {
            // A small pool, so that members of an interface meet under one key.
            let alias = if is_leaf { "v" } else { "o" };
            write!(out, "{alias}{}: ", self.random.below(4)).unwrap();
        }
        write!(out, "{}{arguments}{}", field.name, self.conditions()).unwrap();
        if !is_leaf {
            write!(out, " {}", self.selections(field.ty.inner_named_type(), depth + 1)).unwrap();
        }
        out
    }

    fn fragment(&mut self, parent: &Name, depth: usize) -> String {
        let condition = self.type_condition(parent);
        let conditions = self.conditions();
        if self.random.chance(30) {
            let name = format!("F{}", self.fragments.len());
            self.fragments.push(String::new());
            let at = self.fragments.len() - 1;
            let selections = self.selections(&condition, depth + 1);
            self.fragments[at] = format!("fragment {name} on {condition} {selections}");
            return format!("...{name}{conditions}");
        }
        let on =
            if condition == *parent && self.random.chance(50) { String::new() } else { format!(" on {condition}") };
        format!("...{on}{conditions} {}", self.selections(&condition, depth + 1))
    }

    /// A field of one name that several object types have, each with a type of its own, asked of each of them.
    fn same_name(&mut self, parent: &Name, depth: usize) -> Option<String> {
        let objects = self.schema.types.iter().filter_map(|(name, ty)| Some((name, ty.as_object()?)));
        let here: Vec<_> = objects.filter(|(name, _)| self.schema.is_subtype(parent, name)).collect();
        let having = |field: &str| here.iter().filter(|(_, object)| object.fields.contains_key(field)).count();
        let shared = here.iter().flat_map(|(_, object)| object.fields.keys());
        let mut shared: Vec<&Name> = shared.filter(|field| *field != "id" && having(field) > 1).collect();
        shared.sort();
        if shared.is_empty() {
            return None;
        }
        let field = (*self.random.pick(&shared)).clone();
        let having: Vec<(Name, Node<FieldDefinition>)> = here
            .iter()
            .filter_map(|(name, object)| Some(((*name).clone(), Node::clone(object.fields.get(&field)?))))
            .collect();
        let parts: Vec<String> = having
            .into_iter()
            .map(|(name, field)| format!("... on {name} {{ {} }}", self.field(&field, depth + 1)))
            .collect();
        Some(parts.join(" "))
    }

    /// A type whose objects can occur where `parent` is.
    fn type_condition(&mut self, parent: &Name) -> Name {
        let possible = |name: &Name| -> Vec<&Name> {
            let objects = self.schema.types.iter().filter(|(_, ty)| ty.is_object()).map(|(object, _)| object);
            objects.filter(|object| *object == name || self.schema.is_subtype(name, object)).collect()
        };
        let here = possible(parent);
        let types = self
            .schema
            .types
            .iter()
            .filter(|(name, ty)| !ty.is_leaf() && !ty.is_input_object() && !name.starts_with("__"));
        let fitting = types.filter(|(name, _)| possible(name).iter().any(|object| here.contains(object)));
        let fitting: Vec<Name> = fitting.map(|(name, _)| name.clone()).collect();
        self.random.pick(&fitting).clone()
    }

    fn conditions(&mut self) -> String {
        let mut out = String::new();
        for directive in ["include", "skip"] {
            if self.random.chance(7) {
                let value = match self.random.below(4) {
                    0 => self.random.chance(60).to_string(),
                    _ => format!("${}", self.flag()),
                };
                write!(out, " @{directive}(if: {value})").unwrap();
            }
        }
        out
    }

    fn flag(&mut self) -> String {
        let name = format!("b{}", self.random.below(3));
        if !self.variables.iter().any(|(known, ..)| *known == name) {
            let value = self.random.chance(50);
            let (ty, value) = match self.random.below(3) {
                0 => (format!("Boolean = {value}"), None),
                1 => (format!("Boolean! = {value}"), Some(json!(!value))),
                _ => ("Boolean!".to_owned(), Some(json!(value))),
            };
            self.variables.push((name.clone(), ty, value));
        }
        name
    }

    fn arguments(&mut self, field: &FieldDefinition) -> String {
        let mut parts = Vec::new();
        for argument in &field.arguments {
            let ty = argument.ty.to_string();
            if !argument.is_required() && self.random.chance(30) {
                continue;
            }
            let value = match self.random.below(10) {
                0..=3 => format!("${}", self.variable(&argument.ty)),
                4 if !argument.ty.is_non_null() && ty != "Boolean" => "null".to_owned(),
                _ => literal(&ty, &mut self.random),
            };
            parts.push(format!("{}: {value}", argument.name));
        }
        if self.random.chance(50) {
            parts.reverse();
        }
        if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
    }

    fn variable(&mut self, ty: &Type) -> String {
        let text = ty.to_string();
        let suffix: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("v{}{}{}", suffix, if ty.is_non_null() { "R" } else { "" }, self.random.below(2));
        if !self.variables.iter().any(|(known, ..)| *known == name) {
            let value = json_of(&literal(&text, &mut self.random));
            let (ty, value) = match self.random.below(4) {
                0 if !ty.is_non_null() => (text, None),
                1 if !ty.is_non_null() => (text, Some(Value::Null)),
                2 => (format!("{text} = {}", literal(&text, &mut self.random)), None),
                _ => (text, Some(value)),
            };
            self.variables.push((name.clone(), ty, value));
        }
        name
    }
}

fn json_of(literal: &str) -> Value {
    let document = Document::parse(format!("{{ f(x: {literal}) }}"), "literal.graphql").unwrap();
    let Some(Definition::OperationDefinition(operation)) = document.definitions.first() else { return Value::Null };
    match operation.selection_set.first() {
        Some(Selection::Field(field)) => constant(&field.arguments[0].value),
        _ => Value::Null,
    }
}
