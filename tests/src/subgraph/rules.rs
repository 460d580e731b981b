//! Resolvers as data: tables, and a jq expression for each field or entity that is not just a property. Knows no schema.
//!
//! A rule file, in YAML:
//!
//! ```yaml
//! data:                                  # $data
//!   products: [{ id: p1, price: 699.99 }]
//! resolvers:
//!   a:                                   # the subgraph
//!     Query.product: $data.products[0] | {id, price}
//!     Product: first($data.products[] | select(.id == $ref.id)) | {id, price}
//!   b:
//!     Product.isExpensive: .price > 500
//! ```
//!
//! The input of a field's rule is the object that has the field; `$args` are its arguments. The input of an entity's rule is the
//! representation, which is also `$ref`. No output means null, and `error("…")` is an error. A field without a rule is a property of
//! its object; an entity without a rule is its representation.
//!
//! A rule under `{ update: … }` changes the state that all subgraphs of the file share. Its input is the state (initially `state`
//! of the file), its output `{ state, value }`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FieldRequest, Resolver};

/// A rule file, as described above.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// `$data` in all rules.
    #[serde(default)]
    pub data: Value,
    /// The initial state, which `update` rules change.
    #[serde(default)]
    pub state: Value,
    /// The rules by subgraph and by `Type.field` or `Type`.
    pub resolvers: BTreeMap<String, BTreeMap<String, Rule>>,
}

/// A jq expression.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Rule {
    /// A rule that changes nothing.
    Read(String),
    /// A rule that changes the state.
    Update {
        /// From the state to `{ state, value }`.
        update: String,
    },
}

const VARIABLES: [&str; 4] = ["$data", "$ref", "$args", "$state"];

/// The rules of one subgraph.
pub struct Rules {
    rules: BTreeMap<String, Rule>,
    data: Arc<Value>,
    state: Arc<Mutex<Value>>,
}

impl RuleFile {
    /// Parses a rule file.
    pub fn read(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("rule file: {error}"))
    }

    /// The rules of the subgraphs with these names, which share one state.
    pub fn rules(&self, subgraphs: &[&str]) -> Vec<Rules> {
        for name in self.resolvers.keys() {
            assert!(
                subgraphs.contains(&name.as_str()),
                "the rule file names a subgraph \"{name}\", which is not there"
            );
        }
        let data = Arc::new(self.data.clone());
        let state = Arc::new(Mutex::new(self.state.clone()));
        let rules = |name: &&str| Rules {
            rules: self.resolvers.get(*name).cloned().unwrap_or_default(),
            data: Arc::clone(&data),
            state: Arc::clone(&state),
        };
        subgraphs.iter().map(rules).collect()
    }

    /// The names of all rules, as (subgraph, `Type` or `Type.field`). Compiles each, and fails if one does not compile.
    pub fn compile(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        for (subgraph, rules) in &self.resolvers {
            for (name, rule) in rules {
                compiled(match rule {
                    Rule::Read(code) => code,
                    Rule::Update { update } => update,
                });
                names.push((subgraph.clone(), name.clone()));
            }
        }
        names
    }
}

impl Rules {
    fn apply(&self, rule: &Rule, input: &Value, reference: &Value, arguments: &Value) -> Result<Value, String> {
        let mut state = self.state.lock().unwrap();
        let variables = [&self.data, reference, arguments, &state];
        match rule {
            Rule::Read(code) => run(code, input, variables),
            Rule::Update { update } => {
                let out = run(update, &state, variables)?;
                *state = out["state"].clone();
                Ok(out["value"].clone())
            }
        }
    }
}

impl Resolver for Rules {
    fn field(&self, field: FieldRequest<'_>) -> Result<Value, String> {
        match self.rules.get(&format!("{}.{}", field.type_name, field.field)) {
            Some(rule) => {
                let object = Value::Object(field.object.clone());
                let arguments = Value::Object(field.arguments.clone());
                self.apply(rule, &object, &Value::Null, &arguments)
            }
            None => Ok(field.object.get(field.field).cloned().unwrap_or_default()),
        }
    }

    fn entity(&self, typename: &str, representation: &Map<String, Value>) -> Result<Value, String> {
        let representation = Value::Object(representation.clone());
        match self.rules.get(typename) {
            Some(rule) => self.apply(rule, &representation, &representation, &Value::Null),
            None => Ok(representation),
        }
    }
}

/// The first output of a jq program; null if it has none.
fn run(code: &str, input: &Value, variables: [&Value; VARIABLES.len()]) -> Result<Value, String> {
    let filter = compiled(code);
    let values = Vars::new(variables.map(to_jq));
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, values);
    let output = filter.id.run((context, to_jq(input))).map(unwrap_valr).next();
    match output {
        None => Ok(Value::Null),
        Some(Ok(value)) => serde_json::from_str(&value.to_string()).map_err(|error| error.to_string()),
        Some(Err(error)) => Err(error.into_val().to_string().trim_matches('"').to_owned()),
    }
}

type Filter = jaq_core::compile::Filter<jaq_core::Native<data::JustLut<Val>>>;

/// Cached, because compiling is slow. Per thread, because filters can't be sent between threads.
fn compiled(code: &str) -> Rc<Filter> {
    thread_local! {
        static CACHE: RefCell<BTreeMap<String, Rc<Filter>>> = RefCell::default();
    }
    let known = CACHE.with_borrow(|cache| cache.get(code).cloned());
    known.unwrap_or_else(|| {
        let filter = Rc::new(compile(code));
        CACHE.with_borrow_mut(|cache| cache.insert(code.to_owned(), Rc::clone(&filter)));
        filter
    })
}

fn compile(code: &str) -> Filter {
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code, path: () });
    let modules = modules.unwrap_or_else(|errors| panic!("rule {code}: {errors:?}"));
    let compiler = Compiler::default().with_funs(functions).with_global_vars(VARIABLES);
    compiler.compile(modules).unwrap_or_else(|errors| panic!("rule {code}: {errors:?}"))
}

fn to_jq(value: &Value) -> Val {
    read::parse_single(value.to_string().as_bytes()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = "
        data: { products: [{ id: p1, price: 10 }, { id: p2, price: 10.5 }] }
        state: 0
        resolvers:
          a:
            Query.product: $data.products[] | select(.id == $args.id)
            Query.add: { update: '. + $args.by | {state: ., value: .}' }
            Product: if $ref.id == null then error(\"no id\") else {id} end
    ";

    fn field(rules: &Rules, type_name: &str, field: &str, object: Value, arguments: Value) -> Result<Value, String> {
        let (object, arguments) = (object.as_object().unwrap(), arguments.as_object().unwrap());
        rules.field(FieldRequest { type_name, field, object, required: None, arguments })
    }

    #[test]
    fn rules_read_and_update() {
        let rules = &RuleFile::read(FILE).rules(&["a"])[0];
        let product = field(rules, "Query", "product", json!({}), json!({"id": "p2"}));
        assert_eq!(product, Ok(json!({"id": "p2", "price": 10.5})));
        assert_eq!(field(rules, "Query", "product", json!({}), json!({"id": "p9"})), Ok(Value::Null));
        assert_eq!(field(rules, "Product", "price", json!({"price": 1}), json!({})), Ok(json!(1)));
        assert_eq!(field(rules, "Query", "add", json!({}), json!({"by": 2})), Ok(json!(2)));
        assert_eq!(field(rules, "Query", "add", json!({}), json!({"by": 3})), Ok(json!(5)));
        assert_eq!(rules.entity("Product", json!({"id": "x", "more": 1}).as_object().unwrap()), Ok(json!({"id": "x"})));
        assert_eq!(rules.entity("Product", &Map::new()), Err("no id".to_owned()));
    }
}
