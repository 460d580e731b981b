//! The graph under load: four subgraphs, their data as a function of type and id, and the operations. Knows no router.

use std::path::{Path, PathBuf};

use braid_composition::{SubgraphSdl, compose};
use braid_supergraph::Supergraph;
use braid_tests::subgraph::{FieldRequest, Ownership, Request, Resolver, Subgraph, read_all};
use serde_json::{Map, Value, json};

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("graph/", $name, ".graphql")))
    };
}

const SUBGRAPHS: [(&str, &str); 4] = [file!("people"), file!("books"), file!("reviews"), file!("stock")];
const TEXTS: [(&str, &str); 5] = [
    file!("light"),
    file!("two-stages"),
    file!("join"),
    file!("heavy"),
    ("heavy-new", include_str!("graph/heavy.graphql")),
];

/// The names of the operations. `heavy-new` is `heavy` with a name that no request had before, so no router has compiled it.
pub(super) const OPERATIONS: [&str; 5] = [TEXTS[0].0, TEXTS[1].0, TEXTS[2].0, TEXTS[3].0, TEXTS[4].0];

const PEOPLE: u64 = 20;
const BOOKS: u64 = 40;
const CATALOG: u64 = 100;
const REVIEWS_EACH: u64 = 2;

/// The four subgraphs.
pub(super) fn subgraphs() -> Vec<Subgraph> {
    let sources = SUBGRAPHS.map(|(name, sdl)| (name.to_owned(), sdl.to_owned()));
    let ownership = read_all(&sources, &Default::default());
    sources
        .iter()
        .zip(ownership)
        .map(|((name, sdl), ownership)| Subgraph::new(name, sdl, ownership, Box::new(Data)))
        .collect()
}

/// Writes the supergraph of the subgraphs on `port`, where the path is the name of the subgraph.
pub(super) fn write_supergraph(folder: &Path, port: u16) -> PathBuf {
    let path = folder.join("supergraph.graphql");
    std::fs::write(&path, composed(port).supergraph_sdl).unwrap();
    path
}

/// Writes the request of an operation.
pub(super) fn write_request(folder: &Path, operation: &str) -> PathBuf {
    let path = folder.join(format!("{operation}.json"));
    let text = match operation {
        "heavy-new" => text(operation).replacen("Heavy", "Heavy__NEW__", 1),
        _ => text(operation).to_owned(),
    };
    let request = json!({ "query": text, "variables": variables(operation) });
    std::fs::write(&path, request.to_string()).unwrap();
    path
}

/// The response of the unsplit graph.
pub(super) fn expected(operation: &str) -> Value {
    let api_schema = Supergraph::read(&composed(0).supergraph_sdl).expect("what is composed reads back").api_schema;
    let whole = Subgraph::new("whole", &api_schema.to_string(), Ownership::default(), Box::new(Data));
    whole.execute(Request { query: text(operation).to_owned(), variables: variables(operation) })
}

fn composed(port: u16) -> braid_composition::Composed {
    let inputs = SUBGRAPHS.map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        url: format!("http://127.0.0.1:{port}/{name}"),
        sdl: sdl.to_owned(),
        file: None,
    });
    compose(&inputs).result.expect("the graph composes")
}

fn text(operation: &str) -> &'static str {
    TEXTS.iter().find(|(name, _)| *name == operation).expect("the operation is one of ours").1
}

fn variables(operation: &str) -> Map<String, Value> {
    match operation {
        "two-stages" => Map::from_iter([("first".to_owned(), json!(5))]),
        _ => Map::new(),
    }
}

struct Data;

impl Resolver for Data {
    fn field(&self, field: FieldRequest<'_>) -> Result<Value, String> {
        let id = id(field.object);
        let list = |count: u64, first: u64, of: u64| (0..count).map(|at| json!({ "id": (first + at) % of })).collect();
        Ok(match (field.type_name, field.field) {
            ("Query", "people") => list(PEOPLE, 0, PEOPLE),
            ("Query", "books") => list(field.arguments["first"].as_u64().unwrap_or(0), 0, BOOKS),
            ("Query", "catalog") => list(CATALOG, 0, CATALOG),
            (_, "id") => json!(id.to_string()),
            ("Person", "reviews") => list(REVIEWS_EACH, id * 3, PEOPLE * REVIEWS_EACH),
            ("Book", "reviews") => list(REVIEWS_EACH, id * 5, PEOPLE * REVIEWS_EACH),
            ("Review", "book") => json!({ "id": id * 7 % BOOKS }),
            ("Review", "by") => json!({ "id": id * 11 % PEOPLE }),
            (_, "price" | "weight") => json!(100 + id * 37 % 900),
            (_, "left") => json!(id % 7),
            (_, "postage") => json!((id * 31 % 100) as f64 / 4.0 + 0.5),
            (_, "summary" | "text") => json!(format!("{} {id}: ", field.type_name).repeat(15)),
            (type_name, field) => json!(format!("{field} of {type_name} {id}")),
        })
    }

    fn entity(&self, _: &str, representation: &Map<String, Value>) -> Result<Value, String> {
        Ok(json!({ "id": id(representation) }))
    }
}

/// An id is a number here and a string in a representation.
fn id(object: &Map<String, Value>) -> u64 {
    match object.get("id") {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(number) => number.as_u64().unwrap_or(0),
        None => 0,
    }
}
