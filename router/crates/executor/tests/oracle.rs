//! Random worlds, operations and faulty answers: the executor must write what a naive execution over `serde_json::Value` gives.
//!
//! The oracle merges maps by tree keys and projects them by *CollectFields*, with no thought for speed. It shares the plan with the
//! executor and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;

use braid_graphql::names::SchemaNames;
use braid_graphql::operation::{Condition, Field, FieldRef, Operation, SelectionSet};
use braid_graphql::schema::{Schema, TypeId, TypeKind};
use braid_graphql::{Name, Type};
use braid_query_plan::{
    EntityFetch, FetchKind, FetchSelection, Path, QueryPlan, Representation, RepresentationField, TypenameSource,
};
use braid_supergraph::Supergraph;
use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use support::world::{Recorded, Size, World};
use support::{context, supergraph};

/// The runtime type of an object of the oracle's tree; no GraphQL name.
const TYPE: &str = "$type";

struct Oracle<'a> {
    supergraph: &'a Supergraph,
    operation: &'a Operation,
    plan: &'a QueryPlan,
    /// The values of the variables.
    variables: &'a Value,
    tree: Value,
}

impl Oracle<'_> {
    fn schema(&self) -> &Schema {
        &self.supergraph.schema
    }

    /// Takes in the answers in the order they came, and writes the data.
    fn run(&mut self, answers: &[(u32, Value)]) -> Value {
        for (id, answer) in answers {
            let fetch = &self.plan.fetches[*id as usize];
            match &fetch.kind {
                FetchKind::Root { path, selections, .. } => {
                    let data = answer["data"].clone();
                    let targets = self.paths(path);
                    for target in targets {
                        let read = self.read(selections, &data);
                        merge(self.tree.pointer_mut(&target).unwrap(), read);
                    }
                }
                FetchKind::Entities(lists) => {
                    for (at, list) in lists.iter().enumerate() {
                        let alias = if lists.len() == 1 { "_entities".to_owned() } else { format!("_e{at}") };
                        self.entities(list, &answer["data"][alias]);
                    }
                }
            }
        }
        let mut out = Value::Null;
        if let Some(data) = self.object(&[&self.operation.selection_set], Some(self.operation.root), &self.tree) {
            out = data;
        }
        out
    }

    fn holds(&self, condition: &Condition) -> bool {
        condition.holds(|name| self.variables[name.as_str()].as_bool().unwrap())
    }

    fn entities(&mut self, list: &EntityFetch, items: &Value) {
        if !self.holds(&list.condition) {
            return;
        }
        let mut sent: Vec<Value> = Vec::new();
        for target in self.paths(&list.path) {
            let object = self.tree.pointer(&target).unwrap();
            let Some(representation) = self.represent(list, object) else { continue };
            let at = sent.iter().position(|other| *other == representation).unwrap_or_else(|| {
                sent.push(representation);
                sent.len() - 1
            });
            let read = self.read(&list.selections, &items[at]);
            if read.is_object() {
                merge(self.tree.pointer_mut(&target).unwrap(), read);
            }
        }
    }

    fn represent(&self, list: &EntityFetch, object: &Value) -> Option<Value> {
        let ty = type_of(self.schema(), object)?;
        let fits = |representation: &&Representation| representation.guard.contains(ty);
        let representation = list.representations.iter().find(fits)?;
        let mut out = Map::new();
        let name = match &representation.typename {
            TypenameSource::Runtime => self.schema().ty(ty).name.to_string(),
            TypenameSource::Fixed(name) => name.to_string(),
        };
        out.insert("__typename".to_owned(), json!(name));
        for field in &representation.fields {
            let value = object.get(field.key.as_str())?;
            if field.is_key && value.is_null() {
                return None;
            }
            out.insert(field.name.to_string(), self.copy(field, value)?);
        }
        Some(Value::Object(out))
    }

    /// `None` when something is missing, or of another kind.
    fn copy(&self, field: &RepresentationField, value: &Value) -> Option<Value> {
        match (value, &field.fields) {
            (Value::Null, _) => Some(Value::Null),
            (Value::Array(items), Some(_)) => items.iter().map(|item| self.copy(field, item)).collect(),
            (Value::Object(object), Some(fields)) => {
                let copied = |field: &RepresentationField| {
                    let value = object.get(field.key.as_str())?;
                    Some((field.name.to_string(), self.copy(field, value)?))
                };
                fields.iter().map(copied).collect::<Option<_>>().map(Value::Object)
            }
            (_, Some(_)) => None,
            (value, None) => Some(value.clone()),
        }
    }

    /// JSON pointers to the objects at the end of a path.
    fn paths(&self, path: &Path) -> Vec<String> {
        let mut current = vec![String::new()];
        for segment in &path.0 {
            let mut next = Vec::new();
            for pointer in current {
                let below = format!("{pointer}/{}", segment.key);
                self.spread(below, &mut next, &|object| {
                    let ty = type_of(self.schema(), object);
                    segment.guard.as_ref().is_none_or(|guard| ty.is_some_and(|ty| guard.contains(ty)))
                });
            }
            current = next;
        }
        current
    }

    fn spread(&self, pointer: String, into: &mut Vec<String>, follow: &dyn Fn(&Value) -> bool) {
        match self.tree.pointer(&pointer) {
            Some(Value::Array(items)) => {
                (0..items.len()).for_each(|at| self.spread(format!("{pointer}/{at}"), into, follow));
            }
            Some(object @ Value::Object(_)) if follow(object) => into.push(pointer),
            _ => {}
        }
    }

    /// An answer's object under tree keys.
    fn read(&self, selections: &[FetchSelection], answer: &Value) -> Value {
        match answer {
            Value::Array(items) => items.iter().map(|item| self.read(selections, item)).collect(),
            Value::Object(object) => {
                let mut out = Map::new();
                self.read_into(selections, object, &mut out);
                Value::Object(out)
            }
            other => other.clone(),
        }
    }

    fn read_into(&self, selections: &[FetchSelection], object: &Map<String, Value>, out: &mut Map<String, Value>) {
        for selection in selections {
            match selection {
                FetchSelection::InlineFragment { selections, .. } => self.read_into(selections, object, out),
                FetchSelection::Field(field) => {
                    let Some(value) = object.get(field.wire_key.as_str()) else { continue };
                    let mut value = match &field.selections {
                        Some(selections) => self.read(selections, value),
                        None => value.clone(),
                    };
                    match field.definition {
                        None => drop(out.insert(TYPE.to_owned(), value.clone())),
                        Some(id) => {
                            let possible = &self.schema().ty(self.schema().field(id).inner).possible;
                            if let Some(ty) = possible.single() {
                                assume(&mut value, &self.schema().ty(ty).name);
                            }
                        }
                    }
                    match out.get_mut(field.key.as_str()) {
                        Some(known) => merge(known, value),
                        None => drop(out.insert(field.key.to_string(), value)),
                    }
                }
            }
        }
    }

    /// `None` when it is nulled.
    fn object(&self, sets: &[&SelectionSet], ty: Option<TypeId>, object: &Value) -> Option<Value> {
        let ty = ty?;
        let mut grouped: IndexMap<&Name, Vec<&Field>> = IndexMap::new();
        let applies = |field: &&Field| field.guard.contains(ty) && self.holds(&field.condition);
        for field in sets.iter().flat_map(|set| &set.fields).filter(applies) {
            grouped.entry(&field.response_key).or_default().push(field);
        }
        let mut out = Map::new();
        for (key, fields) in grouped {
            let value = match fields[0].definition {
                FieldRef::Typename => json!(self.schema().ty(ty).name.as_str()),
                FieldRef::Field(id) => {
                    let name = &self.schema().field(id).name;
                    let definition = self.schema().field(self.schema().field_named(ty, name).unwrap_or(id));
                    let below: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
                    let value = object.get(key.as_str()).unwrap_or(&Value::Null);
                    self.value(&definition.ty, &below, value)?
                }
                _ => unreachable!("the operations have no introspection"),
            };
            out.insert(key.to_string(), value);
        }
        Some(Value::Object(out))
    }

    fn value(&self, ty: &Type, below: &[&SelectionSet], value: &Value) -> Option<Value> {
        let null = (!ty.is_non_null()).then_some(Value::Null);
        let completed = match (ty, value) {
            (_, Value::Null) => None,
            (Type::List(item) | Type::NonNullList(item), Value::Array(items)) => {
                items.iter().map(|value| self.value(item, below, value)).collect::<Option<Value>>()
            }
            (Type::List(_) | Type::NonNullList(_), _) => None,
            (Type::Named(name) | Type::NonNullNamed(name), value) => self.named(name, below, value),
        };
        completed.or(null)
    }

    fn named(&self, name: &Name, below: &[&SelectionSet], value: &Value) -> Option<Value> {
        let id = self.schema().type_named(name).unwrap();
        let definition = self.schema().ty(id);
        if definition.is_composite() {
            let ty = definition.possible.single().or_else(|| type_of(self.schema(), value));
            let ty = ty.filter(|ty| definition.possible.contains(*ty));
            return if value.is_object() { self.object(below, ty, value) } else { None };
        }
        let fits = match (name.as_str(), &definition.kind) {
            ("Int", _) => value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
            ("Float", _) => value.is_number(),
            ("String", _) => value.is_string(),
            ("Boolean", _) => value.is_boolean(),
            ("ID", _) => {
                return value
                    .as_i64()
                    .map_or_else(|| value.is_string().then(|| value.clone()), |id| Some(json!(id.to_string())));
            }
            (_, TypeKind::Enum { values }) => {
                value.as_str().is_some_and(|value| values.iter().any(|known| known == value))
            }
            _ => true,
        };
        fits.then(|| value.clone())
    }
}

fn type_of(schema: &Schema, object: &Value) -> Option<TypeId> {
    schema.type_named(object.get(TYPE)?.as_str()?)
}

fn assume(value: &mut Value, name: &Name) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| assume(item, name)),
        Value::Object(object) => drop(object.insert(TYPE.to_owned(), json!(name.as_str()))),
        _ => {}
    }
}

fn merge(target: &mut Value, source: Value) {
    match (target, source) {
        (_, Value::Null) => {}
        (target @ Value::Null, source) => *target = source,
        (Value::Object(target), Value::Object(source)) => {
            for (key, value) in source {
                match target.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => drop(target.insert(key, value)),
                }
            }
        }
        (Value::Array(target), Value::Array(source)) => {
            target.iter_mut().zip(source).for_each(|(target, source)| merge(target, source));
        }
        _ => {}
    }
}

const TYPES: &str = r#"
    enum Mood @type(graph: A) @type(graph: B) @type(graph: C) { GOOD @enumValue(graph: A) @enumValue(graph: B) @enumValue(graph: C) BAD @enumValue(graph: A) @enumValue(graph: B) @enumValue(graph: C) }
    interface Node @type(graph: A) @type(graph: B) { id: ID! label: String }
    union Item @type(graph: A) @type(graph: C) @unionMember(graph: A, member: "Book") @unionMember(graph: A, member: "Film") @unionMember(graph: C, member: "Book") @unionMember(graph: C, member: "Film") = Book | Film
    type Query @type(graph: A) @type(graph: B) @type(graph: C) {
      books: [Book!] @field(graph: A) films: [Film] @field(graph: B) items: [Item] @field(graph: A) node: Node @field(graph: A) nodes: [Node!]! @field(graph: B)
      both: Pair @field(graph: A) @field(graph: B) pairs: [Pair] @field(graph: A) @field(graph: B) must: Book! @field(graph: C)
    }
    type Pair @type(graph: A) @type(graph: B) { left: String @field(graph: A) right: Int @field(graph: B) inner: Pair @field(graph: A) @field(graph: B) book: Book @field(graph: A) }
    type Book implements Node @type(graph: A, key: "id") @type(graph: B, key: "id") @type(graph: C, key: "id") @implements(graph: A, interface: "Node") @implements(graph: B, interface: "Node") {
      id: ID! label: String @field(graph: A) @field(graph: B) title: String! @field(graph: A) pages: Int @field(graph: A) mood: Mood @field(graph: B) rating: Float @field(graph: C) words: [String!] @field(graph: C)
      next: Book @field(graph: C) films: [Film!] @field(graph: B) related: [Item] @field(graph: C) flag: Boolean! @field(graph: C)
    }
    type Film implements Node @type(graph: A, key: "id") @type(graph: B, key: "id") @type(graph: C, key: "id") @implements(graph: A, interface: "Node") @implements(graph: B, interface: "Node") {
      id: ID! label: String @field(graph: A) @field(graph: B) name: String @field(graph: B) minutes: Int! @field(graph: C) book: Book @field(graph: A) cast: [[String]!] @field(graph: B) size: Size @field(graph: C)
    }
    type Size @type(graph: C) { w: Int! h: Int }
"#;

/// A random selection set on a type, as text.
fn selection(supergraph: &Supergraph, ty: TypeId, depth: u32, next: &mut impl FnMut(usize) -> usize) -> String {
    let schema = &supergraph.schema;
    let definition = schema.ty(ty);
    let mut out = String::from("{ ");
    let fields: Vec<_> = definition.fields().into_iter().flat_map(|fields| fields.values().copied()).collect();
    for _ in 0..1 + next(4) {
        let choice = next(fields.len() + 2);
        if choice == fields.len() {
            out.push_str("__typename ");
        } else if choice > fields.len() {
            let possible: Vec<_> = definition.possible.iter().collect();
            let on = possible[next(possible.len())];
            if depth > 0 {
                let directive = directive(next);
                let below = selection(supergraph, on, depth - 1, next);
                out.push_str(&format!("... on {} {directive}{below} ", schema.ty(on).name));
            }
        } else {
            let field = schema.field(fields[choice]);
            let composite = schema.ty(field.inner).is_composite();
            if composite && depth == 0 {
                continue;
            }
            // Few aliases, so that keys meet.
            let alias =
                if next(5) == 0 { format!("x{}_{}: ", field.name, field.parent.index()) } else { String::new() };
            out.push_str(&format!("{alias}{} {}", field.name, directive(next)));
            if composite {
                out.push_str(&selection(supergraph, field.inner, depth - 1, next));
                out.push(' ');
            }
        }
    }
    out.push_str("__typename }");
    out
}

const VARIABLES: [&str; 3] = ["a", "b", "c"];

fn directive(next: &mut impl FnMut(usize) -> usize) -> String {
    match next(5) {
        0 => format!("@include(if: ${}) ", VARIABLES[next(3)]),
        1 => format!("@skip(if: ${}) ", VARIABLES[next(3)]),
        _ => String::new(),
    }
}

/// A random operation as text, with values for its variables.
fn operation(supergraph: &Supergraph, next: &mut impl FnMut(usize) -> usize) -> (String, Value) {
    let text = selection(supergraph, supergraph.schema.query.unwrap(), 4, next);
    let used: Vec<&str> = VARIABLES.into_iter().filter(|name| text.contains(&format!("${name})"))).collect();
    let values = used.iter().map(|name| ((*name).to_owned(), json!(next(2) == 0))).collect();
    let defined: Vec<String> = used.iter().map(|name| format!("${name}: Boolean!")).collect();
    (if defined.is_empty() { text } else { format!("query({}) {text}", defined.join(", ")) }, values)
}

/// Makes some values null, absent, of another kind, or shuffles keys.
fn disturb(value: &mut Value, next: &mut impl FnMut(usize) -> usize, keep: bool) {
    if !keep && next(25) == 0 {
        *value = [Value::Null, json!(7), json!("text"), json!([]), json!({}), json!([null, 1]), json!(true)][next(7)]
            .clone();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| disturb(item, next, false)),
        Value::Object(object) => {
            let mut entries: Vec<_> = std::mem::take(object).into_iter().collect();
            for at in 0..entries.len() {
                let other = next(entries.len());
                entries.swap(at, other);
            }
            for (key, mut value) in entries {
                // Without types and keys, nothing would be left to test.
                let fixed = key == "__typename" || key == "id";
                if !fixed {
                    disturb(&mut value, next, false);
                }
                if fixed || next(25) > 0 {
                    object.insert(key, value);
                }
            }
        }
        _ => {}
    }
}

fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    }
}

fn case(supergraph: &Arc<Supergraph>, seed: u64, faulty: bool) -> Result<(), TestCaseError> {
    let mut next = numbers(seed);
    let (text, values) = operation(supergraph, &mut next);
    let Some((operation, compiled)) = support::try_compile(supergraph, &text) else { return Ok(()) };
    let size = Size { entities: 4, root_items: 3, items: 2, nulls: 9 };
    let world = World { supergraph: Arc::clone(supergraph), size, seed };
    let mut service = Recorded::new(world, compiled.plan().unwrap().clone());
    if faulty {
        service.change = Box::new(move |fetch, answer| {
            let mut next = numbers(seed ^ (u64::from(fetch) << 32) ^ 0x9e37_79b9);
            let Some(data) = answer.get_mut("data").and_then(Value::as_object_mut) else { return };
            for value in data.values_mut() {
                match value {
                    // A list of entities keeps its length and its kinds.
                    Value::Array(items) if fetch > 0 => {
                        items
                            .iter_mut()
                            .filter(|item| item.is_object())
                            .for_each(|item| disturb(item, &mut next, true));
                    }
                    value => disturb(value, &mut next, false),
                }
            }
        });
    }
    let raw = RawValue::from_string(values.to_string()).unwrap();
    let variables = compiled.coerce_variables(Some(&raw), SchemaNames::Shown).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(braid_executor::execute(&compiled, &variables, &service, &context()));
    let answer: Value = serde_json::from_slice(&response.bytes).unwrap();
    let sent = service.sent.into_inner().unwrap();
    let mut oracle = Oracle {
        supergraph,
        operation: &operation,
        plan: compiled.plan().unwrap(),
        variables: &values,
        tree: json!({ TYPE: "Query" }),
    };
    let answer_to = |fetch: usize| sent.iter().find(|(id, _)| *id as usize == fetch).cloned();
    let order: Option<Vec<_>> = response.fetches.iter().map(|report| answer_to(report.fetch)).collect();
    // Two fetches sent the same request, so the answers cannot be told apart.
    let Some(order) = order else { return Ok(()) };
    let expected = oracle.run(&order);
    let shown = |value: &Value| serde_json::to_string(value).unwrap();
    prop_assert_eq!(shown(&answer["data"]), shown(&expected), "{}\n{:#?}", text, order);
    prop_assert!(faulty || answer.get("errors").is_none() || shown(&expected).contains("null"));
    Ok(())
}

#[test]
fn the_executor_agrees_with_a_naive_execution() {
    let supergraph = supergraph(&["a", "b", "c"], TYPES);
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&(any::<u64>(), any::<bool>()), |(seed, faulty)| case(&supergraph, seed, faulty)).unwrap();
}

/// Changes, removes and repeats some bytes.
fn damage(mut bytes: Vec<u8>, next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    for _ in 0..1 + next(4) {
        let at = next(bytes.len());
        let end = (at + 1 + next(12)).min(bytes.len());
        match next(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.extend_from_within(at..end),
            3 => bytes
                .splice(at..end, b"{}[]:,\"\\nulte1-.".iter().copied().cycle().skip(next(16)).take(3))
                .for_each(drop),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = next(256) as u8),
        }
    }
    bytes
}

#[test]
fn whatever_bytes_come_the_answer_is_json() {
    let supergraph = supergraph(&["a", "b", "c"], TYPES);
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let check = |seed: u64| {
        let mut next = numbers(seed);
        let (text, values) = operation(&supergraph, &mut next);
        let Some((_, compiled)) = support::try_compile(&supergraph, &text) else { return Ok(()) };
        let size = Size { entities: 4, root_items: 3, items: 2, nulls: 9 };
        let world = World { supergraph: Arc::clone(&supergraph), size, seed };
        let mut service = Recorded::new(world, compiled.plan().unwrap().clone());
        service.change_bytes = Box::new(move |fetch, bytes| {
            let mut next = numbers(seed ^ (u64::from(fetch) << 32) ^ 0x51ed_270b);
            if next(3) == 0 { bytes } else { damage(bytes, &mut next) }
        });
        let raw = RawValue::from_string(values.to_string()).unwrap();
        let variables = compiled.coerce_variables(Some(&raw), SchemaNames::Shown).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(braid_executor::execute(&compiled, &variables, &service, &context()));
        let answer: Result<Map<String, Value>, _> = serde_json::from_slice(&response.bytes);
        prop_assert!(answer.is_ok_and(|answer| answer.contains_key("data")), "{}", text);
        Ok(())
    };
    runner.run(&any::<u64>(), check).unwrap();
}
