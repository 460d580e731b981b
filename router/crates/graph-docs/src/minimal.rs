//! A small operation for each root field: what it requires and the least that says something. Knows no page.

use std::collections::VecDeque;

use ahash::AHashMap;
use braid_graphql::schema::TypeId;
use braid_graphql::{OperationType, Type};
use serde_json::{Map, Value, json};

use crate::view::{Field, Input, Kind, View};

/// How many plain fields of an object are selected, and how many members of a union.
const LEAVES: usize = 4;
const MEMBERS: usize = 3;
/// How deep selections and variables are.
const DEPTH: usize = 5;

/// An operation with the variables that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MinimalOperation {
    pub(crate) text: String,
    /// As JSON; empty where there are none.
    pub(crate) variables: String,
}

/// Writes minimal operations for one graph.
pub(crate) struct Minimal<'a> {
    view: &'a View<'a>,
    /// How many levels there are to the nearest plain field, for types that reach one.
    depths: AHashMap<TypeId, usize>,
}

impl<'a> Minimal<'a> {
    pub(crate) fn new(view: &'a View<'a>) -> Self {
        // From the leaves up: a type is as deep as its least deep field, and one.
        let mut above: AHashMap<TypeId, Vec<TypeId>> = AHashMap::new();
        let mut depths: AHashMap<TypeId, usize> = AHashMap::new();
        let mut queue = VecDeque::new();
        for id in &view.types {
            let fields: Vec<_> = view.fields(*id).into_iter().filter(|field| is_plain(view, *field)).collect();
            if view.kind(*id) == Kind::Union || fields.iter().any(|field| is_leaf(view, *field)) {
                depths.insert(*id, 1);
                queue.push_back(*id);
                continue;
            }
            for field in fields {
                above.entry(view.supergraph.schema.field(field.id).inner).or_default().push(*id);
            }
        }
        while let Some(id) = queue.pop_front() {
            let depth = depths.get(&id).copied().unwrap_or_default() + 1;
            for parent in above.remove(&id).unwrap_or_default() {
                depths.entry(parent).or_insert_with(|| {
                    queue.push_back(parent);
                    depth
                });
            }
        }
        Self { view, depths }
    }

    pub(crate) fn operation(&self, kind: OperationType, field: Field<'a>) -> MinimalOperation {
        let required: Vec<Input<'a>> =
            self.view.arguments(field).into_iter().filter(|argument| argument.definition.is_required()).collect();
        let mut variables = Map::new();
        let (mut declared, mut passed) = (Vec::new(), Vec::new());
        for argument in required {
            let name = argument.definition.name.as_str();
            declared.push(format!("${name}: {}", argument.definition.ty));
            passed.push(format!("{name}: ${name}"));
            variables.insert(name.to_owned(), self.value(&argument.definition.ty, 0));
        }
        let in_brackets =
            |list: &[String]| if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
        let name = &field.definition.name;
        let mut text = format!("{} {}{} {{\n", kind.name(), capital(name), in_brackets(&declared));
        text.push_str(&format!("  {name}{}", in_brackets(&passed)));
        let inner = self.view.supergraph.schema.field(field.id).inner;
        if self.view.supergraph.schema.ty(inner).is_composite() {
            text.push_str(" {\n");
            self.select(inner, 2, &mut text);
            text.push_str("  }");
        }
        text.push_str("\n}");
        let variables = if variables.is_empty() { String::new() } else { format!("{:#}", Value::Object(variables)) };
        MinimalOperation { text, variables }
    }

    fn select(&self, id: TypeId, level: usize, out: &mut String) {
        let indent = "  ".repeat(level);
        let fields: Vec<Field<'a>> =
            self.view.fields(id).into_iter().filter(|field| is_plain(self.view, *field)).collect();
        if self.view.kind(id) == Kind::Union {
            return self.members(id, level, out);
        }
        let composite = |field: &&Field<'a>| !is_leaf(self.view, **field);
        let items = fields.iter().find(|field| matches!(field.definition.name.as_str(), "nodes" | "edges" | "node"));
        if let Some(items) = items.filter(composite).filter(|_| level <= DEPTH) {
            return self.nested(*items, level, out);
        }
        let leaves: Vec<_> = fields.iter().filter(|field| is_leaf(self.view, **field)).take(LEAVES).collect();
        if !leaves.is_empty() {
            leaves.iter().for_each(|field| out.push_str(&format!("{indent}{}\n", field.definition.name)));
            return;
        }
        let mut nested: Vec<_> =
            fields.iter().filter(composite).filter_map(|field| Some((self.depth(*field)?, *field))).collect();
        nested.sort_by_key(|(depth, _)| *depth);
        nested.truncate(2);
        if nested.is_empty() || level > DEPTH {
            out.push_str(&format!("{indent}__typename\n"));
            return;
        }
        nested.into_iter().for_each(|(_, field)| self.nested(field, level, out));
    }

    fn nested(&self, field: Field<'a>, level: usize, out: &mut String) {
        let indent = "  ".repeat(level);
        out.push_str(&format!("{indent}{} {{\n", field.definition.name));
        self.select(self.view.supergraph.schema.field(field.id).inner, level + 1, out);
        out.push_str(&format!("{indent}}}\n"));
    }

    /// The members of a union that have plain fields. Fields of one name must have one type in all of them.
    fn members(&self, id: TypeId, level: usize, out: &mut String) {
        let indent = "  ".repeat(level);
        out.push_str(&format!("{indent}__typename\n"));
        let mut types: AHashMap<&str, &Type> = AHashMap::new();
        let members = self.view.possible(id).into_iter().filter(|member| !self.view.is_hidden(*member));
        for member in members.take(MEMBERS) {
            let fits = |field: &Field<'a>| {
                let (name, ty) = (field.definition.name.as_str(), &field.definition.ty);
                is_plain(self.view, *field)
                    && is_leaf(self.view, *field)
                    && types.get(name).is_none_or(|known| *known == ty)
            };
            let fields: Vec<_> = self.view.fields(member).into_iter().filter(fits).take(LEAVES).collect();
            if fields.is_empty() {
                continue;
            }
            out.push_str(&format!("{indent}... on {} {{\n", self.view.name(member)));
            for field in fields {
                types.insert(field.definition.name.as_str(), &field.definition.ty);
                out.push_str(&format!("{indent}  {}\n", field.definition.name));
            }
            out.push_str(&format!("{indent}}}\n"));
        }
    }

    fn depth(&self, field: Field<'a>) -> Option<usize> {
        self.depths.get(&self.view.supergraph.schema.field(field.id).inner).copied()
    }

    /// A value that a type takes.
    fn value(&self, ty: &Type, level: usize) -> Value {
        if ty.is_list() {
            return match level < DEPTH {
                true => Value::Array(vec![self.value(ty.item_type(), level + 1)]),
                false => Value::Array(Vec::new()),
            };
        }
        let name = ty.inner_named_type();
        let Some(id) = self.view.supergraph.schema.type_named(name) else { return Value::Null };
        match self.view.kind(id) {
            Kind::Enum => {
                let values = self.view.enum_values(id);
                let first = values.iter().find(|value| !value.hidden);
                first.map_or(Value::Null, |value| json!(value.definition.value.as_str()))
            }
            Kind::Input => self.input(id, level),
            _ => match name.as_str() {
                "Int" => json!(1),
                "Float" => json!(1.5),
                "Boolean" => json!(true),
                "ID" => json!("1"),
                "String" => json!("…"),
                other => json!(format!("<{other}>")),
            },
        }
    }

    fn input(&self, id: TypeId, level: usize) -> Value {
        let fields = self.view.input_fields(id);
        let one_of = matches!(
            self.view.supergraph.schema.ty(id).kind,
            braid_graphql::schema::TypeKind::InputObject { one_of: true, .. }
        );
        let is_leaf = |field: &&Input<'a>| {
            let inner = self.view.supergraph.schema.type_named(field.definition.ty.inner_named_type());
            inner.is_some_and(|inner| self.view.kind(inner) != Kind::Input)
        };
        let chosen: Vec<_> = match one_of {
            true => fields.iter().find(is_leaf).or(fields.first()).into_iter().collect(),
            false => fields.iter().filter(|field| field.definition.is_required()).collect(),
        };
        // Input types that require each other without an end can't be: the schema would be invalid.
        let value = |field: &&Input<'a>| {
            (field.definition.name.to_string(), self.value(&field.definition.ty, level + usize::from(one_of)))
        };
        match level > 4 * DEPTH {
            true => Value::Object(Map::new()),
            false => Value::Object(chosen.iter().map(value).collect()),
        }
    }
}

/// Whether a field can be asked without arguments, and should be.
fn is_plain(view: &View<'_>, field: Field<'_>) -> bool {
    let needs = view.arguments(field).iter().any(|argument| argument.definition.is_required());
    let old = field.definition.directives.get("deprecated").is_some();
    !needs && !old && !field.hidden
}

fn is_leaf(view: &View<'_>, field: Field<'_>) -> bool {
    !view.supergraph.schema.ty(view.supergraph.schema.field(field.id).inner).is_composite()
}

fn capital(name: &str) -> String {
    let mut characters = name.trim_start_matches('_').chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}
