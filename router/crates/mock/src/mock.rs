//! A mock: from a GraphQL request to its answer, and how long it takes. Knows no transport.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use braid_graphql::compiler::ExecutableDocument;
use braid_graphql::compiler::ast::Type;
use braid_graphql::compiler::executable::Selection;
use braid_graphql::compiler::resolvers::Execution;
use braid_graphql::compiler::response::JsonMap;
use braid_graphql::suggest::did_you_mean;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{Hint, MocksConfig};
use crate::object::Object;
use crate::schema::{MockError, MockSchema};
use crate::seed::Seed;

/// The most items that the lists of an answer have together.
const MAX_ITEMS: usize = 20_000;
/// What the executor writes before the message of a field.
const PREFIX: &str = "resolver error: ";

/// Answers in place of a subgraph.
#[derive(Debug)]
pub struct Mock {
    name: String,
    pub(crate) sdl: String,
    pub(crate) schema: MockSchema,
    pub(crate) config: Arc<MocksConfig>,
}

/// What a mock answers.
#[derive(Debug, Clone, PartialEq)]
pub struct MockAnswer {
    /// A GraphQL response.
    pub body: Vec<u8>,
    /// How long hints let it take.
    pub delay: Duration,
}

/// What one request uses up.
#[derive(Debug)]
pub(crate) struct Run<'m> {
    pub(crate) mock: &'m Mock,
    items: Cell<usize>,
    delay: Cell<Duration>,
    /// The codes of errors, by their messages.
    codes: RefCell<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    operation_name: Option<String>,
}

impl Mock {
    /// A mock of the subgraph with this name and schema.
    pub fn new(name: &str, sdl: &str, config: Arc<MocksConfig>) -> Result<Self, MockError> {
        let schema = MockSchema::read(sdl).map_err(|problem| MockError { subgraph: name.to_owned(), problem })?;
        Ok(Self { name: name.to_owned(), sdl: sdl.to_owned(), schema, config })
    }

    /// The answer to a GraphQL request. `event` is the number of the event that a subscription asks for; 0 for other operations.
    pub fn answer(&self, body: &[u8], event: u64) -> MockAnswer {
        let general = self.config.subgraphs.get(&self.name).and_then(|mocks| mocks.delay).unwrap_or(self.config.delay);
        let run =
            Run { mock: self, items: Cell::new(MAX_ITEMS), delay: Cell::new(general.0), codes: RefCell::default() };
        let response = match self.execute(&run, body, event) {
            Ok(response) => response,
            Err((code, message)) => {
                let message = format!("the mock of \"{}\" can't answer this: {message}", self.name);
                json!({ "errors": [{ "message": message, "extensions": { "code": code } }] })
            }
        };
        MockAnswer { body: response.to_string().into_bytes(), delay: run.delay.get() }
    }

    /// The time between the events of the subscription in this request.
    pub fn interval(&self, body: &[u8]) -> Duration {
        let of_field = || {
            let request: Request = serde_json::from_slice(body).ok()?;
            let document =
                ExecutableDocument::parse_and_validate(&self.schema.schema, request.query, "request.graphql").ok()?;
            let operation = document.operations.get(request.operation_name.as_deref()).ok()?;
            let fields = operation.selection_set.selections.iter().filter_map(Selection::as_field);
            fields.filter_map(|field| self.hint(operation.object_type(), &field.name)?.interval).min()
        };
        of_field().unwrap_or(self.config.interval).0
    }

    /// The fields of hints that this schema does not have though it has the type, as messages.
    pub fn unknown_fields(&self) -> Vec<String> {
        let own = self.config.subgraphs.get(&self.name).map(|mocks| &mocks.fields);
        let coordinates = own.into_iter().flat_map(|fields| fields.keys()).chain(self.config.fields.keys());
        let unknown = |coordinate: &String| {
            let (type_name, field) = coordinate.split_once('.')?;
            let ty = self.schema.schema.types.get(type_name)?;
            let fields: Vec<&str> = match (ty.as_object(), ty.as_interface()) {
                (Some(object), _) => object.fields.keys().map(|name| name.as_str()).collect(),
                (None, Some(interface)) => interface.fields.keys().map(|name| name.as_str()).collect(),
                (None, None) => Vec::new(),
            };
            let advice = did_you_mean(field, fields.iter().copied());
            (!fields.contains(&field))
                .then(|| format!("{type_name} has no field \"{field}\" in {}.{advice}", self.name))
        };
        coordinates.filter_map(unknown).collect()
    }

    fn execute(&self, run: &Run<'_>, body: &[u8], event: u64) -> Result<Value, (&'static str, String)> {
        let invalid = |message: String| ("GRAPHQL_VALIDATION_FAILED", message);
        let request: Request =
            serde_json::from_slice(body).map_err(|error| ("INVALID_GRAPHQL_REQUEST", error.to_string()))?;
        let document = ExecutableDocument::parse_and_validate(&self.schema.schema, request.query, "request.graphql")
            .map_err(|failure| invalid(failure.errors.to_string()))?;
        let operation = document
            .operations
            .get(request.operation_name.as_deref())
            .map_err(|error| invalid(error.message().to_string()))?;
        let variables: JsonMap = request
            .variables
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let root = Object::root(run, operation.object_type().clone(), Seed(self.config.seed).number(event));
        let response = Execution::new(&self.schema.schema, &document)
            .operation(operation)
            .raw_variable_values(&variables)
            .enable_schema_introspection(true)
            .execute_sync(&root)
            .map_err(|error| ("BAD_USER_INPUT", error.message().to_string()))?;
        let mut response = serde_json::to_value(response).map_err(|error| invalid(error.to_string()))?;
        run.code_errors(&mut response);
        Ok(response)
    }

    /// The hint for a field: of this subgraph, or of all; of the type, or of an interface that it implements.
    pub(crate) fn hint(&self, type_name: &str, field: &str) -> Option<&Hint> {
        let own = self.config.subgraphs.get(&self.name).map(|mocks| &mocks.fields);
        if self.config.fields.is_empty() && own.is_none_or(|fields| fields.is_empty()) {
            return None;
        }
        let find = |type_name: &str| {
            let coordinate = format!("{type_name}.{field}");
            own.and_then(|fields| fields.get(&coordinate)).or_else(|| self.config.fields.get(&coordinate))
        };
        let interfaces = || {
            let object = self.schema.schema.get_object(type_name)?;
            object.implements_interfaces.iter().find_map(|interface| find(interface))
        };
        find(type_name).or_else(interfaces)
    }

    /// The type of a field of an object or interface.
    pub(crate) fn field_type(&self, type_name: &str, field: &str) -> Option<&Type> {
        let ty = self.schema.schema.types.get(type_name)?;
        let fields = ty.as_object().map(|object| &object.fields);
        let fields = fields.or_else(|| ty.as_interface().map(|interface| &interface.fields))?;
        Some(&fields.get(field)?.ty)
    }

    /// The names of an enum's values; none for other types.
    pub(crate) fn enum_values(&self, type_name: &str) -> Vec<String> {
        let definition = self.schema.schema.types.get(type_name).and_then(|ty| ty.as_enum());
        definition.into_iter().flat_map(|definition| definition.values.keys()).map(|name| name.to_string()).collect()
    }
}

impl Run<'_> {
    /// As many items as there may still be.
    pub(crate) fn take_items(&self, wanted: usize) -> usize {
        let taken = wanted.min(self.items.get());
        self.items.set(self.items.get() - taken);
        taken
    }

    /// The answer takes at least as long.
    pub(crate) fn delay(&self, time: Duration) {
        self.delay.set(self.delay.get().max(time));
    }

    /// Errors with this message have this code.
    pub(crate) fn code(&self, message: &str, code: &str) {
        self.codes.borrow_mut().insert(message.to_owned(), code.to_owned());
    }

    fn code_errors(&self, response: &mut Value) {
        let codes = self.codes.borrow();
        for error in response.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(message) = error["message"].as_str() else { continue };
            let message = message.strip_prefix(PREFIX).unwrap_or(message).to_owned();
            let code = codes.get(&message).map_or("MOCK_ERROR", String::as_str);
            error["extensions"] = json!({ "code": code });
            error["message"] = message.into();
        }
    }
}
