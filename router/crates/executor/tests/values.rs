//! A service between the executor and the subgraphs that answers entities from memory and asks for the others: what a cache does, with
//! nothing but the values of requests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use braid_executor::request::EntityKey;
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService, execute};
use braid_graphql::names::SchemaNames;
use braid_supergraph::{SubgraphId, Supergraph};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use support::world::{Recorded, Size, World};
use support::{Behaviour, Canned, compile, context, run, supergraph};

/// Subgraph, what is asked, of whom, and with which variables.
type Key = (SubgraphId, u64, Bytes, Vec<(String, Bytes)>);

struct Remembers<S> {
    service: S,
    items: Mutex<HashMap<Key, Value>>,
    /// How many entities were asked for, and how many were not in memory.
    asked: Mutex<(usize, usize)>,
}

impl<S: SubgraphService<Context = (), Meta = ()>> Remembers<S> {
    fn new(service: S) -> Self {
        Self { service, items: Mutex::default(), asked: Mutex::default() }
    }

    /// The key of each representation, by list.
    fn keys(request: &SubgraphRequest) -> Vec<Vec<Key>> {
        let lists = request.values.entities.iter().zip(&request.values.document.entities);
        let keys = lists.map(|(list, document)| {
            let mut variables: Vec<(String, Bytes)> = document
                .selection
                .variables
                .iter()
                .filter_map(|name| Some((name.to_string(), request.variable(name)?)))
                .collect();
            variables.extend(list.contexts.iter().map(|range| (String::new(), request.bytes(range))));
            let key = |range| (request.subgraph, document.selection.hash, request.bytes(range), variables.clone());
            list.representations.iter().map(|representation| key(&representation.range)).collect()
        });
        keys.collect()
    }
}

impl<S: SubgraphService<Context = (), Meta = ()>> SubgraphService for Remembers<S> {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, context: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let keys = Self::keys(&request);
        if keys.is_empty() {
            return self.service.call(request, context).await;
        }
        let is_missing: Vec<Vec<bool>> = {
            let items = self.items.lock().unwrap();
            keys.iter().map(|list| list.iter().map(|key| !items.contains_key(key)).collect()).collect()
        };
        let missing = is_missing.iter().flatten().filter(|missing| **missing).count();
        {
            let mut asked = self.asked.lock().unwrap();
            *asked = (asked.0 + is_missing.iter().map(Vec::len).sum::<usize>(), asked.1 + missing);
        }
        let mut fetched = json!({});
        if missing > 0 {
            let rest = request.keeping(|list, number| is_missing[list][number]);
            let answer = self.service.call(rest, context).await?;
            fetched = serde_json::from_slice(&answer.body).unwrap();
        }
        let mut items = self.items.lock().unwrap();
        let mut data = Map::new();
        for ((document, keys), is_missing) in request.values.document.entities.iter().zip(&keys).zip(&is_missing) {
            let mut more = fetched["data"][&*document.alias].as_array().cloned().unwrap_or_default().into_iter();
            for (key, _) in keys.iter().zip(is_missing).filter(|(_, missing)| **missing) {
                items.insert(key.clone(), more.next().unwrap());
            }
            data.insert(document.alias.to_string(), keys.iter().map(|key| items[key].clone()).collect());
        }
        let body = serde_json::to_vec(&json!({ "data": data })).unwrap().into();
        Ok(SubgraphResponse::new(200, body, ()))
    }
}

fn shop() -> Arc<Supergraph> {
    supergraph(
        &["a", "b"],
        r#"
        type Query @type(graph: A) @type(graph: B) { items: [Item] @field(graph: A) boxes: [Box] @field(graph: A) }
        type Item @type(graph: A, key: "id") @type(graph: B, key: "id") {
          id: ID! w: Int @field(graph: A) @field(graph: B, external: true) h: Int @field(graph: A) @field(graph: B, external: true)
          price(in: String): Int @field(graph: B) cost: Int @field(graph: B, requires: "w h") size: Int @field(graph: B, requires: "h w")
        }
        type Box @type(graph: A, key: "code id") @type(graph: B, key: "code id") { id: ID! code: Int! label: String @field(graph: B) }
        "#,
    )
}

/// Runs `text` over `service`.
fn answer<S: SubgraphService<Context = (), Meta = ()>>(
    supergraph: &Arc<Supergraph>,
    service: &S,
    text: &str,
    variables: &str,
) -> String {
    let operation = compile(supergraph, text);
    let raw = RawValue::from_string(variables.to_owned()).unwrap();
    let variables = operation.coerce_variables(Some(&raw), SchemaNames::Shown).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(execute(&operation, &variables, service, &context()));
    String::from_utf8_lossy(&response.bytes).into_owned()
}

#[test]
fn what_is_known_is_not_asked_and_answers_are_put_together() {
    let supergraph = shop();
    let items = |ids: &[u32]| {
        let items: Vec<_> = ids.iter().map(|id| format!("{{\"id\":\"{id}\"}}")).collect();
        Behaviour::from(&*format!("{{\"data\":{{\"items\":[{}]}}}}", items.join(",")))
    };
    let prices = |ids: &[u32]| {
        let items: Vec<_> = ids.iter().map(|id| format!("{{\"price\":{id}}}")).collect();
        Behaviour::from(&*format!("{{\"data\":{{\"_entities\":[{}]}}}}", items.join(",")))
    };
    let canned = Canned::new(
        &supergraph,
        &[
            ("a", items(&[2, 3])),
            ("b", prices(&[2, 3])),
            // In between, in another order, and at the ends.
            ("a", items(&[1, 3, 4, 2, 5])),
            ("b", prices(&[1, 4, 5])),
            ("a", items(&[5, 1, 6])),
            ("b", prices(&[6])),
            ("a", items(&[4, 2])),
            // Another value of a variable is another answer.
            ("a", items(&[2])),
            ("b", prices(&[200])),
        ],
    );
    let service = Remembers::new(canned);
    let text = "query($in: String) { items { price(in: $in) } }";
    let ask = |variables: &str| answer(&supergraph, &service, text, variables);
    assert_eq!(ask("{}"), r#"{"data":{"items":[{"price":2},{"price":3}]}}"#);
    assert_eq!(ask("{}"), r#"{"data":{"items":[{"price":1},{"price":3},{"price":4},{"price":2},{"price":5}]}}"#);
    assert_eq!(ask("{}"), r#"{"data":{"items":[{"price":5},{"price":1},{"price":6}]}}"#);
    assert_eq!(ask("{}"), r#"{"data":{"items":[{"price":4},{"price":2}]}}"#);
    assert_eq!(ask(r#"{"in":"EUR"}"#), r#"{"data":{"items":[{"price":200}]}}"#);
    let sent: Vec<String> = service.service.requests.lock().unwrap().iter().map(|(_, body)| body.clone()).collect();
    assert!(sent[3].ends_with(
        r#""variables":{"representations":[{"__typename":"Item","id":"1"},{"__typename":"Item","id":"4"},{"__typename":"Item","id":"5"}]}}"#
    ));
    assert!(sent[8].ends_with(r#""variables":{"representations":[{"__typename":"Item","id":"2"}],"in":"EUR"}}"#));
}

#[test]
fn equal_entities_have_equal_bytes_whatever_the_operation() {
    let supergraph = shop();
    let representation = |text: &str| {
        let a = r#"{"data":{"items":[{"w":1,"h":2,"id":"1"}],"boxes":[{"id":"7","code":3}]}}"#;
        let b = r#"{"data":{"_entities":[{"cost":1,"size":1,"label":"x"}]}}"#;
        let service = Canned::new(&supergraph, &[("a", a.into()), ("b", b.into())]);
        run(&compile(&supergraph, text), "{}", &service, &context());
        let sent = service.requests.lock().unwrap()[1].1.clone();
        sent[sent.find("\"variables\"").unwrap()..].to_owned()
    };
    let item = r#""variables":{"representations":[{"__typename":"Item","id":"1","h":2,"w":1}]}}"#;
    for text in
        ["{ items { cost } }", "{ items { size } }", "{ items { size w cost } }", "{ items { h x: cost id size } }"]
    {
        assert_eq!(representation(text), item, "{text}");
    }
    assert_eq!(
        representation("{ boxes { label } }"),
        r#""variables":{"representations":[{"__typename":"Box","code":3,"id":"7"}]}}"#
    );
}

/// Keeps the last request.
#[derive(Default)]
struct Last(Mutex<Vec<SubgraphRequest>>);

impl SubgraphService for Last {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, _: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let body = match request.values.entities.is_empty() {
            true => {
                r#"{"data":{"items":[{"id":"1","w":1,"h":1},{"id":"2","w":1,"h":1}],"boxes":[{"id":"7","code":3}]}}"#
            }
            false => r#"{"data":{"_e0":[{},{}],"_e1":[{}]}}"#,
        };
        self.0.lock().unwrap().push(request);
        Ok(SubgraphResponse::new(200, Bytes::from(body), ()))
    }
}

#[test]
fn requests_say_what_they_ask() {
    let supergraph = shop();
    let service = Last::default();
    answer(&supergraph, &service, "query($in: String) { items { price(in: $in) } boxes { label } }", r#"{"in":"x"}"#);
    let requests = service.0.into_inner().unwrap();
    let [root, entities] = &requests[..] else { panic!("{requests:?}") };
    let key = |name: &str| braid_graphql::Name::new(name).unwrap();
    let fields = root.values.document.root_fields.iter();
    assert_eq!(
        fields.map(|field| (&*field.key, &*field.name)).collect::<Vec<_>>(),
        [("items", "items"), ("boxes", "boxes")]
    );
    let document = &entities.values.document;
    let parsed: Value = serde_json::from_slice(&entities.body).unwrap();
    assert_eq!(*document.query, *parsed["query"].as_str().unwrap());
    let [items, boxes] = &document.entities[..] else { panic!("{document:?}") };
    assert_eq!((&*items.alias, &*boxes.alias), ("_e0", "_e1"));
    assert_eq!((&*items.selection.text, &*boxes.selection.text), ("{...on Item{price(in:$in)}}", "{...on Box{label}}"));
    assert_eq!(boxes.selection.keys, [EntityKey { typename: key("Box"), fields: vec![key("code"), key("id")] }]);
    assert_eq!((&items.selection.variables[..], &boxes.selection.variables[..]), (&[key("in")][..], &[][..]));
    assert_eq!(entities.variable("in").unwrap(), "\"x\"");
    assert_eq!(
        entities.bytes(&entities.values.entities[1].representations[0].range),
        r#"{"__typename":"Box","code":3,"id":"7"}"#
    );

    // Rewritten, all ranges are of the new body.
    let kept = entities.keeping(|list, number| (list, number) == (0, 1));
    assert!(kept.body.ends_with(
        br#""variables":{"representations_0":[{"__typename":"Item","id":"2"}],"representations_1":[],"in":"x"}}"#
    ));
    assert_eq!(kept.bytes(&kept.values.entities[0].representations[0].range), r#"{"__typename":"Item","id":"2"}"#);
    assert_eq!(kept.values.entities[0].representations[0].hash, entities.values.entities[0].representations[1].hash);
    assert_eq!(kept.variable("in").unwrap(), "\"x\"");

    // What is asked of boxes is the same in another request, under another alias.
    let service = Last::default();
    answer(&supergraph, &service, "{ boxes { label } }", "{}");
    let alone = service.0.into_inner().unwrap().pop().unwrap();
    assert_eq!(&*alone.values.document.entities[0].alias, "_entities");
    assert_eq!(alone.values.document.entities[0].selection.hash, boxes.selection.hash);
    assert_eq!(alone.values.entities[0].representations[0].hash, entities.values.entities[1].representations[0].hash);
}

/// Random operations answer alike with and without memory, and a second time nothing is asked for.
#[test]
fn a_memory_changes_no_answer() {
    let supergraph = shop();
    let texts = [
        "{ items { price cost } boxes { label } }",
        "{ items { cost price } }",
        "{ boxes { label } items { size cost w } }",
        "{ items { a: price b: cost price } }",
    ];
    for seed in 0..20 {
        let size = Size { entities: 6, root_items: 5, items: 2, nulls: 9 };
        let over = |text: &str| {
            let world = World { supergraph: supergraph.clone(), size, seed };
            Recorded::new(world, compile(&supergraph, text).plan().unwrap().clone())
        };
        for text in texts {
            let plain = answer(&supergraph, &over(text), text, "{}");
            let remembers = Remembers::new(over(text));
            assert_eq!(answer(&supergraph, &remembers, text, "{}"), plain, "{text}");
            let (asked, missing) = *remembers.asked.lock().unwrap();
            assert_eq!(answer(&supergraph, &remembers, text, "{}"), plain, "{text}");
            assert_eq!(*remembers.asked.lock().unwrap(), (2 * asked, missing));
        }
    }
}
