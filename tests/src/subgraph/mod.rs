//! A federated subgraph made of SDL and a [`Resolver`]. Stricter than real ones: it refuses every request that the federation
//! directives forbid, so that wrong plans are found. Knows no router and no transport.
//!
//! It uses the executor of `apollo-compiler`, which shares no code with the router's.

mod coerce;
mod http;
mod object;
mod ownership;
mod refuse;
mod representation;
mod rules;
mod schema;

use std::sync::Mutex;

use braid_graphql::compiler::resolvers::Execution;
use braid_graphql::compiler::response::JsonMap;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value, json};

pub use http::{Served, serve};
pub use ownership::{Ownership, read_all};
pub use rules::{RuleFile, Rules};
pub use schema::source;

use object::Object;

/// Where the values of a subgraph come from. Objects are JSON objects; one of an abstract type has a `__typename`.
pub trait Resolver: Send + Sync {
    /// The value of a field.
    fn field(&self, field: FieldRequest<'_>) -> Result<Value, String>;

    /// The entity of a representation; null if there is none.
    fn entity(&self, typename: &str, representation: &Map<String, Value>) -> Result<Value, String>;
}

/// One field of one object.
pub struct FieldRequest<'a> {
    /// The name of the object type in this subgraph.
    pub type_name: &'a str,
    /// The field.
    pub field: &'a str,
    /// The object that has the field.
    pub object: &'a Map<String, Value>,
    /// The fields of the field's `@requires`, from the representation.
    pub required: Option<&'a Map<String, Value>>,
    /// The coerced arguments.
    pub arguments: &'a Map<String, Value>,
}

/// A subgraph.
pub struct Subgraph {
    name: String,
    sdl: String,
    schema: Valid<Schema>,
    ownership: Ownership,
    resolver: Box<dyn Resolver>,
    log: Mutex<Vec<Request>>,
}

/// A request that a subgraph received.
#[derive(Debug, Clone)]
pub struct Request {
    /// The document.
    pub query: String,
    /// The variables.
    pub variables: Map<String, Value>,
}

impl Subgraph {
    /// A subgraph with this SDL, whose fields are resolved by `resolver` as far as `ownership` allows.
    pub fn new(name: &str, sdl: &str, ownership: Ownership, resolver: Box<dyn Resolver>) -> Self {
        Self {
            name: name.to_owned(),
            sdl: sdl.to_owned(),
            schema: schema::executable(name, sdl),
            ownership,
            resolver,
            log: Mutex::default(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema as it was written.
    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    /// The schema that requests are validated against.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// The GraphQL response to a GraphQL request.
    pub fn execute(&self, request: Request) -> Value {
        self.log.lock().unwrap().push(request.clone());
        match self.try_execute(&request) {
            Ok(response) => response,
            Err(message) => {
                let message = format!("subgraph \"{}\" refuses: {message}\n{}", self.name, request.query);
                json!({ "errors": [{ "message": message, "extensions": { "code": "REFUSED" } }] })
            }
        }
    }

    /// The requests since the last call.
    pub fn take_log(&self) -> Vec<Request> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn try_execute(&self, request: &Request) -> Result<Value, String> {
        let document = ExecutableDocument::parse_and_validate(&self.schema, request.query.as_str(), "request.graphql")
            .map_err(|failure| failure.errors.to_string())?;
        refuse::refuse_unowned(&document, &self.schema, &self.ownership)?;
        refuse::refuse_unused_variables(&document, &request.variables)?;
        let variables: JsonMap =
            request.variables.iter().map(|(name, value)| (name.as_str().into(), value.clone().into())).collect();
        let operation = document.operations.get(None).map_err(|error| error.message().to_string())?;
        let root = Object::root(self, operation.object_type());
        let response = Execution::new(&self.schema, &document)
            .raw_variable_values(&variables)
            .execute_sync(&root)
            .map_err(|error| error.message().to_string())?;
        Ok(serde_json::to_value(&response).unwrap())
    }
}
