//! The data of a world: a function of (type, id, field, arguments, what is required). Knows nothing of how the world is split.
//!
//! An object carries its identity as `@id`: `Type-n` for an entity, `Type@hash` for another object. Fields that keys are made of are
//! bijections of the identity, so that any key leads back to it: `id`, `sku`, and `code` of an `org`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use braid_graphql::compiler::ast::{self, Type};
use braid_graphql::compiler::executable::{Selection, SelectionSet};
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Schema};
use serde_json::{Map, Value, json};

use super::random::{hash, mix};
use crate::subgraph::{FieldRequest, Ownership, Resolver};

const IDENTITY: &str = "@id";
/// How many entities each type has.
const ENTITIES: u64 = 4;

/// The data of one world.
pub(super) struct Data {
    monolith: Valid<Schema>,
    requires: BTreeMap<(String, String), SelectionSet>,
    /// Fields that some subgraph promises never to be null.
    types: BTreeMap<(String, String), Type>,
    /// Fields that interface objects give: their value is a function of the interface.
    given_to_interface: BTreeSet<(String, String)>,
    mutations: AtomicU64,
    changes: Mutex<Changes>,
}

/// How the data differs from that of the seed alone.
#[derive(Default)]
struct Changes {
    /// How often the data of each object type has changed.
    versions: BTreeMap<String, u64>,
    /// The names of fields whose values depend on who looks.
    private: BTreeSet<String>,
    viewer: u64,
}

impl Data {
    /// The data of the world whose unsplit schema is `monolith`.
    pub(super) fn new(monolith: Valid<Schema>, subgraphs: &[(Schema, Ownership)]) -> Self {
        let mut requires = BTreeMap::new();
        let mut types = BTreeMap::new();
        let mut given_to_interface = BTreeSet::new();
        for (source, ownership) in subgraphs {
            requires.extend(ownership.requires().map(|(coordinate, set)| (coordinate.clone(), set.clone())));
            for (name, ty) in &source.types {
                let ExtendedType::Object(object) = ty else { continue };
                for field in object.fields.values() {
                    let coordinate = (name.to_string(), field.name.to_string());
                    if monolith.get_interface(name).is_some() {
                        given_to_interface.insert(coordinate.clone());
                    }
                    let known = types.entry(coordinate).or_insert_with(|| field.ty.clone());
                    *known = strictest(known, &field.ty);
                }
            }
        }
        Self { monolith, requires, types, given_to_interface, mutations: AtomicU64::new(0), changes: Mutex::default() }
    }

    /// Forgets the mutations that were made.
    pub(super) fn reset(&self) {
        self.mutations.store(0, Ordering::SeqCst);
    }

    /// Changes the data of an object type, but for keys.
    pub(super) fn change(&self, ty: &str) {
        *self.changes.lock().unwrap().versions.entry(ty.to_owned()).or_default() += 1;
    }

    /// Makes the values of these fields depend on who looks.
    pub(super) fn make_private(&self, fields: BTreeSet<String>) {
        self.changes.lock().unwrap().private = fields;
    }

    /// Who looks from now on.
    pub(super) fn look_as(&self, viewer: u64) {
        self.changes.lock().unwrap().viewer = viewer;
    }

    /// What a value depends on beside the seed; nothing as long as nothing was changed.
    fn changed(&self, ty: &str, field: &str) -> String {
        let changes = self.changes.lock().unwrap();
        let version = changes.versions.get(ty).map(|version| format!(" version {version}")).unwrap_or_default();
        match changes.private.contains(field) {
            true => format!("{version} for {}", changes.viewer),
            false => version,
        }
    }

    fn value(
        &self,
        object_type: &str,
        id: &str,
        field: &str,
        arguments: &Map<String, Value>,
        required: &Value,
    ) -> Value {
        match (object_type, field) {
            (_, "id") => return json!(id),
            (_, "sku") => return json!(format!("sku:{id}")),
            (_, "org") => return json!({ "__typename": "Org", IDENTITY: format!("Org@{id}") }),
            ("Org", "code") => return json!(format!("code:{}", id.trim_start_matches("Org@"))),
            _ => {}
        }
        let (owner, ty) = self.definition(object_type, field);
        let mut arguments = Value::Object(arguments.clone());
        arguments.sort_all_objects();
        let call = if object_type == "Mutation" { self.mutations.fetch_add(1, Ordering::SeqCst) } else { 0 };
        let changed = self.changed(object_type, field);
        self.generate(&ty, hash(&format!("{owner} {id} {field} {arguments} {required} {call}{changed}")))
    }

    /// Whose function the field is, and its strictest type.
    fn definition(&self, object_type: &str, field: &str) -> (String, Type) {
        let coordinate = |owner: &str| (owner.to_owned(), field.to_owned());
        let interfaces = self.monolith.get_object(object_type).map(|object| &object.implements_interfaces);
        let given = interfaces.into_iter().flatten().find(|name| self.given_to_interface.contains(&coordinate(name)));
        let owner = match given {
            // A field that an implementation has too, beside the interface object's, is the implementation's own.
            Some(interface) if !self.types.contains_key(&coordinate(object_type)) => interface.to_string(),
            _ => object_type.to_owned(),
        };
        let ty = self.types.get(&coordinate(&owner)).cloned();
        let ty = ty.unwrap_or_else(|| self.monolith.type_field(object_type, field).unwrap().ty.clone());
        (owner, ty)
    }

    fn generate(&self, ty: &Type, seed: u64) -> Value {
        if !ty.is_non_null() && mix(seed ^ 1).is_multiple_of(7) {
            return Value::Null;
        }
        match ty {
            Type::List(inner) | Type::NonNullList(inner) => {
                let length = mix(seed ^ 2) % 4;
                (0..length).map(|at| self.generate(inner, mix(seed ^ (at + 3)))).collect()
            }
            Type::Named(name) | Type::NonNullNamed(name) => self.named(name, mix(seed ^ 99)),
        }
    }

    fn named(&self, name: &Name, seed: u64) -> Value {
        match name.as_str() {
            "Int" => return json!(seed % 1000),
            "Float" => return json!((seed % 1000) as f64 + 0.5),
            "Boolean" => return json!(seed.is_multiple_of(2)),
            "String" => return json!(format!("s{:x} \"é\"", seed % 0xffff)),
            "ID" => return json!(format!("i{:x}", seed % 0xffff)),
            _ => {}
        }
        match &self.monolith.types[name] {
            ExtendedType::Enum(definition) => {
                let values: Vec<_> = definition.values.keys().collect();
                json!(values[seed as usize % values.len()])
            }
            ExtendedType::Interface(_) | ExtendedType::Union(_) => {
                let mut members: Vec<_> =
                    self.monolith.types.keys().filter(|ty| self.monolith.is_subtype(name, ty)).collect();
                members.retain(|ty| self.monolith.get_object(ty).is_some());
                members.sort();
                self.object(members[seed as usize % members.len()], mix(seed))
            }
            _ => self.object(name, seed),
        }
    }

    fn object(&self, name: &Name, seed: u64) -> Value {
        let is_entity = self.monolith.type_field(name, "id").is_ok();
        let id = match name.as_str() {
            "Query" => String::new(),
            _ if is_entity => format!("{name}-{}", seed % ENTITIES),
            _ => format!("{name}@{:x}", seed % 0xffff_ffff),
        };
        json!({ "__typename": name, IDENTITY: id })
    }

    /// What a requirement names, of an object of the monolith.
    fn collect(&self, set: &SelectionSet, object: &Map<String, Value>) -> Value {
        let type_name = object["__typename"].as_str().unwrap();
        let id = object[IDENTITY].as_str().unwrap();
        let mut found = Map::new();
        for field in self.applying(set, type_name) {
            let coerced = |argument: &ast::Argument| match constant(&argument.value) {
                // Of input objects there is one, with one default.
                Value::Object(mut filter) => {
                    filter.entry("a").or_insert_with(|| json!(3));
                    Value::Object(filter)
                }
                other => other,
            };
            let arguments: Map<_, _> =
                field.arguments.iter().map(|argument| (argument.name.to_string(), coerced(argument))).collect();
            let value = self.field_of(type_name, id, &field.name, &arguments, None);
            let value = match &field.selection_set {
                Some(set) => self.descend(set, value, &|set, object| self.collect(set, object)),
                None => value,
            };
            found.insert(field.name.to_string(), value);
        }
        Value::Object(found)
    }

    /// The same, of a representation.
    fn extract(&self, set: &SelectionSet, object: &Map<String, Value>) -> Value {
        let type_name = object.get("__typename").and_then(Value::as_str).unwrap_or(&set.ty);
        let mut found = Map::new();
        for field in self.applying(set, type_name) {
            let value = object.get(field.name.as_str()).cloned().unwrap_or_default();
            let value = match &field.selection_set {
                Some(set) => self.descend(set, value, &|set, object| self.extract(set, object)),
                None => value,
            };
            found.insert(field.name.to_string(), value);
        }
        Value::Object(found)
    }

    fn descend(
        &self,
        set: &SelectionSet,
        value: Value,
        read: &impl Fn(&SelectionSet, &Map<String, Value>) -> Value,
    ) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.descend(set, item, read)).collect(),
            Value::Object(object) => read(set, &object),
            other => other,
        }
    }

    fn applying<'s>(
        &self,
        set: &'s SelectionSet,
        type_name: &str,
    ) -> Vec<&'s braid_graphql::compiler::executable::Field> {
        let mut found = Vec::new();
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if field.name == "__typename" => {}
                Selection::Field(field) => found.push(&**field),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref();
                    if condition.is_none_or(|name| name == type_name || self.monolith.is_subtype(name, type_name)) {
                        found.extend(self.applying(&fragment.selection_set, type_name));
                    }
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        found
    }

    fn field_of(
        &self,
        type_name: &str,
        id: &str,
        field: &str,
        arguments: &Map<String, Value>,
        representation: Option<&Map<String, Value>>,
    ) -> Value {
        let set = self.requires.get(&(type_name.to_owned(), field.to_owned())).or_else(|| {
            let (owner, _) = self.owner_for_requires(type_name, field)?;
            self.requires.get(&(owner, field.to_owned()))
        });
        let required = match (set, representation) {
            (None, _) => Value::Null,
            (Some(set), Some(representation)) => self.extract(set, representation),
            (Some(set), None) => {
                let object = json!({ "__typename": type_name, IDENTITY: id });
                self.collect(set, object.as_object().unwrap())
            }
        };
        self.value(type_name, id, field, arguments, &required)
    }

    fn owner_for_requires(&self, type_name: &str, field: &str) -> Option<(String, Type)> {
        self.monolith.type_field(type_name, field).is_ok().then(|| self.definition(type_name, field))
    }
}

/// What subgraphs and the monolith resolve with.
pub(super) struct DataResolver(pub(super) std::sync::Arc<Data>);

impl Resolver for DataResolver {
    fn field(&self, request: FieldRequest<'_>) -> Result<Value, String> {
        let id = request.object.get(IDENTITY).and_then(Value::as_str).unwrap_or_default();
        let concrete = self.0.concrete(request.type_name, id);
        Ok(self.0.field_of(&concrete, id, request.field, request.arguments, request.required))
    }

    fn entity(&self, typename: &str, representation: &Map<String, Value>) -> Result<Value, String> {
        let id = identity(representation)?;
        let concrete = self.0.concrete(typename, &id);
        if self.0.monolith.get_interface(typename).is_none() && concrete != typename {
            return Err(format!("{id} is not a {typename}"));
        }
        Ok(json!({ "__typename": concrete, IDENTITY: id }))
    }
}

impl Data {
    /// The object type of an entity that is known as an interface object.
    fn concrete(&self, type_name: &str, id: &str) -> String {
        let interface = self.monolith.get_interface(type_name).is_some();
        let entity = id.split_once('-').map(|(concrete, _)| concrete);
        match entity {
            Some(concrete) if interface || self.monolith.get_object(concrete).is_some() => concrete.to_owned(),
            _ => type_name.to_owned(),
        }
    }
}

/// The identity that a representation's keys lead to; an error when they lead to several.
fn identity(representation: &Map<String, Value>) -> Result<String, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = representation.get("id").and_then(text);
    let sku = representation.get("sku").and_then(text).and_then(|sku| sku.strip_prefix("sku:").map(str::to_owned));
    let code = representation.get("org").and_then(|org| org.get("code")).and_then(text);
    let code = code.and_then(|code| code.strip_prefix("code:").map(str::to_owned));
    let found: BTreeSet<_> = [id, sku, code].into_iter().flatten().collect();
    match found.len() {
        1 => Ok(found.into_iter().next().unwrap_or_default()),
        _ => Err(format!("a representation leads to {} entities: {representation:?}", found.len())),
    }
}

/// A literal as JSON.
pub(super) fn constant(value: &ast::Value) -> Value {
    match value {
        ast::Value::Int(int) => json!(int.try_to_i32().unwrap()),
        ast::Value::String(text) => json!(text),
        ast::Value::Boolean(flag) => json!(flag),
        ast::Value::Enum(name) => json!(name),
        ast::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.to_string(), constant(value)));
            Value::Object(fields.collect())
        }
        ast::Value::List(items) => items.iter().map(|item| constant(item)).collect(),
        _ => Value::Null,
    }
}

/// The type that is non-null wherever one of the two is.
fn strictest(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::List(x), Type::List(y)) => Type::List(Box::new(strictest(x, y))),
        (Type::List(x) | Type::NonNullList(x), Type::List(y) | Type::NonNullList(y)) => {
            Type::NonNullList(Box::new(strictest(x, y)))
        }
        (Type::Named(name), Type::NonNullNamed(_)) => Type::NonNullNamed(name.clone()),
        _ => a.clone(),
    }
}
