//! Subgraphs that answer any fetch of a plan from a made-up world in which everything follows from a few numbers.
//! Knows no test case.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is the report")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_graphql::schema::{TypeId, TypeKind};
use braid_graphql::{Name, OperationType, Type};
use braid_query_plan::{Fetch, FetchField, FetchKind, FetchSelection, QueryPlan};
use braid_supergraph::{SubgraphId, Supergraph};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// How large the world is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many entities each type has.
    pub entities: u64,
    /// How many items a root list has, and a list below.
    pub root_items: u64,
    pub items: u64,
    /// One value in this many is null; 0 for none.
    pub nulls: u64,
}

pub struct World {
    pub supergraph: Arc<Supergraph>,
    pub size: Size,
    pub seed: u64,
}

fn mix(parts: &[&dyn std::fmt::Debug]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        format!("{part:?}").hash(&mut hasher);
    }
    hasher.finish()
}

impl World {
    /// The answer to `fetch` when its request has this body.
    pub fn answer(&self, fetch: &Fetch, body: &Value) -> Value {
        let asked = Asked { world: self, subgraph: fetch.subgraph, variables: &body["variables"] };
        match &fetch.kind {
            FetchKind::Root { operation, selections, .. } => {
                let root = self.supergraph.root(*operation).unwrap();
                json!({"data": asked.object(root, 0, selections, true)})
            }
            FetchKind::Entities(lists) => {
                let mut data = Map::new();
                let query = body["query"].as_str().unwrap();
                let single = lists.len() == 1;
                for (at, list) in lists.iter().enumerate() {
                    let alias = if single { "_entities".to_owned() } else { format!("_e{at}") };
                    let variable = if single { "representations".to_owned() } else { format!("representations_{at}") };
                    assert!(query.contains(&format!("_entities(representations:${variable})")), "{query}");
                    let items = body["variables"][&variable].as_array().unwrap();
                    let entity = |representation: &Value| asked.entity(representation, &list.selections);
                    data.insert(alias, items.iter().map(entity).collect());
                }
                json!({"data": data})
            }
        }
    }
}

struct Asked<'a> {
    world: &'a World,
    subgraph: SubgraphId,
    variables: &'a Value,
}

impl Asked<'_> {
    fn entity(&self, representation: &Value, selections: &[FetchSelection]) -> Value {
        let ty = self.world.supergraph.schema.type_named(representation["__typename"].as_str().unwrap()).unwrap();
        // What a faulty subgraph gave as a key leads to no entity.
        let Some(key) = representation["id"].as_str() else { return Value::Null };
        let Ok(seed) = key.trim_start_matches("id").parse() else { return Value::Null };
        if self.world.size.nulls > 0
            && mix(&[&"missing", &self.world.seed, &key]).is_multiple_of(self.world.size.nulls * 4)
        {
            return Value::Null;
        }
        self.object(ty, seed, selections, false)
    }

    fn object(&self, ty: TypeId, seed: u64, selections: &[FetchSelection], root: bool) -> Value {
        let mut object = Map::new();
        self.select(ty, seed, selections, root, &mut object);
        Value::Object(object)
    }

    fn select(&self, ty: TypeId, seed: u64, selections: &[FetchSelection], root: bool, out: &mut Map<String, Value>) {
        let holds = |name: &Name| self.variables[name.as_str()].as_bool().unwrap_or(false);
        for selection in selections {
            match selection {
                FetchSelection::InlineFragment { type_condition, condition, selections } => {
                    let applies = type_condition
                        .is_none_or(|id| id == ty || self.world.supergraph.schema.ty(id).possible.contains(ty));
                    if applies && condition.holds(holds) {
                        self.select(ty, seed, selections, root, out);
                    }
                }
                FetchSelection::Field(field) if field.condition.holds(holds) => {
                    let value = self.field(ty, seed, field, root);
                    match (out.get_mut(field.wire_key.as_str()), value) {
                        (Some(known), value) => merge(known, value),
                        (None, value) => drop(out.insert(field.wire_key.to_string(), value)),
                    }
                }
                FetchSelection::Field(_) => {}
            }
        }
    }

    fn field(&self, ty: TypeId, seed: u64, field: &FetchField, root: bool) -> Value {
        let schema = &self.world.supergraph.schema;
        let name = &schema.ty(ty).name;
        let Some(definition) = field.definition else { return json!(name) };
        let definition = schema.field(schema.field_named(ty, &field.name).unwrap_or(definition));
        if field.name == "id" {
            return json!(format!("id{seed}"));
        }
        let value = mix(&[&self.world.seed, name, &seed, &field.name, &field.arguments]);
        self.value(&definition.ty, value, field, root)
    }

    fn value(&self, ty: &Type, seed: u64, field: &FetchField, root: bool) -> Value {
        let size = self.world.size;
        if !ty.is_non_null() && size.nulls > 0 && seed.is_multiple_of(size.nulls) {
            return Value::Null;
        }
        match ty {
            Type::List(item) | Type::NonNullList(item) => {
                let length = if root { size.root_items } else { 1 + seed % (2 * size.items) };
                (0..length).map(|at| self.value(item, mix(&[&seed, &at]), field, false)).collect()
            }
            Type::Named(name) | Type::NonNullNamed(name) => self.named(name, seed, field),
        }
    }

    fn named(&self, name: &Name, seed: u64, field: &FetchField) -> Value {
        let schema = &self.world.supergraph.schema;
        let id = schema.type_named(name).unwrap();
        match (name.as_str(), &schema.ty(id).kind) {
            ("Int", _) => json!(seed % 10_000),
            ("Float", _) => json!((seed % 10_000) as f64 / 8.0),
            ("Boolean", _) => json!(seed.is_multiple_of(2)),
            (_, TypeKind::Enum { values }) => json!(values[seed as usize % values.len()]),
            (_, TypeKind::Scalar) => json!(format!("{} \"{}\" and some more text", field.name, seed % 1000)),
            _ => {
                let joined = self.world.supergraph.type_in(id, self.subgraph);
                let possible = joined.map_or_else(|| schema.ty(id).possible.clone(), |joined| joined.possible.clone());
                let types: Vec<TypeId> = possible.iter().collect();
                let Some(ty) = types.get(seed as usize % types.len().max(1)) else { return Value::Null };
                let selections = field.selections.as_deref().unwrap_or_default();
                self.object(*ty, seed / 7 % self.world.size.entities, selections, false)
            }
        }
    }
}

/// What two selections of one key gave, together.
fn merge(known: &mut Value, more: Value) {
    match (known, more) {
        (Value::Object(known), Value::Object(more)) => {
            for (key, value) in more {
                match known.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => drop(known.insert(key, value)),
                }
            }
        }
        (Value::Array(known), Value::Array(more)) => known.iter_mut().zip(more).for_each(|(a, b)| merge(a, b)),
        _ => {}
    }
}

/// Finds the fetch that a request belongs to by the text that it would send.
pub fn fetch_of<'a>(
    plan: &'a QueryPlan,
    supergraph: &Supergraph,
    request: &SubgraphRequest,
    body: &Value,
) -> &'a Fetch {
    let query = body["query"].as_str().unwrap();
    let sends = |fetch: &&Fetch| {
        let parts = braid_query_plan::request::all_parts(fetch);
        let text = braid_query_plan::request::request_text(fetch, &supergraph.schema, None, &parts);
        fetch.subgraph == request.subgraph && text.query == query
    };
    plan.fetches.iter().find(sends).unwrap()
}

type Change = Box<dyn Fn(u32, &mut Value) + Send + Sync>;
type ChangeBytes = Box<dyn Fn(u32, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// Answers from a world, once for each request; then from memory.
pub struct Recorded {
    pub world: World,
    pub plan: QueryPlan,
    pub known: Mutex<HashMap<(SubgraphId, Bytes), Bytes>>,
    /// What is done with an answer before it is sent: gets the number of the fetch.
    pub change: Change,
    /// What is done with an answer's bytes: gets the number of the fetch.
    pub change_bytes: ChangeBytes,
    /// Answers by the number of the fetch.
    pub sent: Mutex<Vec<(u32, Value)>>,
}

impl Recorded {
    pub fn new(world: World, plan: QueryPlan) -> Self {
        Self {
            world,
            plan,
            known: Mutex::default(),
            change: Box::new(|_, _| {}),
            change_bytes: Box::new(|_, bytes| bytes),
            sent: Mutex::default(),
        }
    }
}

impl SubgraphService for Recorded {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, _: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        assert_ne!(request.kind, OperationType::Subscription);
        let key = (request.subgraph, request.body.clone());
        let known = self.known.lock().unwrap().get(&key).cloned();
        let body = match known {
            Some(body) => body,
            None => {
                let asked: Value = serde_json::from_slice(&request.body).unwrap();
                let fetch = fetch_of(&self.plan, &self.world.supergraph, &request, &asked);
                let mut answer = self.world.answer(fetch, &asked);
                (self.change)(fetch.id.0, &mut answer);
                let body = (self.change_bytes)(fetch.id.0, serde_json::to_vec(&answer).unwrap());
                let body = Bytes::from(body);
                self.sent.lock().unwrap().push((fetch.id.0, answer));
                self.known.lock().unwrap().insert(key, body.clone());
                body
            }
        };
        Ok(SubgraphResponse::new(200, body, ()))
    }
}
