//! One operation in one world: compares the gateway's response with the monolith's.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::panic::AssertUnwindSafe;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use serde_json::{Map, Value};

use braid_executor::PartsFormat;

use crate::gateway::{Answer, Gateway, InParts};
use crate::parts::Merged;
use crate::put_off::whole;
use crate::subgraph::Request;
use crate::world::{Operation, Random, Running, World, operation};

/// A running world with its gateway.
pub struct Trial {
    running: Running,
    gateway: Gateway,
    runtime: tokio::runtime::Runtime,
}

/// What is wrong with the response to an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The kind of failure; shrinking keeps it.
    pub kind: &'static str,
    /// Details for people.
    pub detail: String,
    /// The plan as text, and the requests that were made.
    pub plan: String,
}

impl Trial {
    /// Starts a world with the supergraph that composition makes of it.
    pub fn new(world: &World) -> Result<Self, String> {
        Self::with_supergraph(world, &world.compose()?)
    }

    /// Starts a world with a given supergraph.
    pub fn with_supergraph(world: &World, supergraph: &str) -> Result<Self, String> {
        Self::start(world.run(), supergraph)
    }

    /// Starts a world in which nobody may see these fields, by type and name; the supergraph says so too.
    pub fn refusing(world: &World, supergraph: &str, refused: BTreeSet<(String, String)>) -> Result<Self, String> {
        Self::start(world.run_refusing(refused), supergraph)
    }

    fn start(running: Running, supergraph: &str) -> Result<Self, String> {
        let gateway = Gateway::new(supergraph, running.subgraphs.clone())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        Ok(Self { running, gateway, runtime })
    }

    /// The schema that operations are written for.
    pub fn api_schema(&self) -> &Valid<Schema> {
        &self.gateway.supergraph().api_schema
    }

    /// A random operation for the world.
    pub fn operation(&self, seed: u64) -> Operation {
        operation(self.api_schema(), &mut Random::new(seed))
    }

    /// The monolith's response; an error if it has errors, because then the operation tests nothing.
    pub fn expected(&self, operation: &Operation) -> Result<String, String> {
        self.running.reset();
        let request = Request { query: operation.text.clone(), variables: operation.variables.clone() };
        let response = self.running.monolith.execute(request);
        match response.get("errors") {
            None => Ok(response["data"].to_string()),
            Some(errors) => Err(errors.to_string()),
        }
    }

    /// The difference between the gateway's response and the monolith's.
    pub fn run(&self, operation: &Operation) -> Option<Difference> {
        let expected = match self.expected(operation) {
            Ok(expected) => expected,
            Err(message) => return Some(Difference { kind: "oracle", detail: message, plan: String::new() }),
        };
        let answer = self.answer(&operation.text, &operation.variables);
        let found = |kind, detail, plan| Some(Difference { kind, detail, plan });
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(message) => return found("panic", message, String::new()),
        };
        for (subgraph, request) in &answer.requests {
            let variables = Value::Object(request.variables.clone());
            write!(answer.plan, "\n{subgraph} <- {} {variables}", request.query).unwrap();
        }
        if let Some(fault) = answer.plan_faults.first() {
            return found("plan", fault.clone(), answer.plan);
        }
        if let Some(error) = answer.errors.first() {
            let message = error["message"].as_str().or(error.as_str()).unwrap_or_default().to_owned();
            let kind = match () {
                () if message.contains(" refuses: ") || message.contains("resolver error") => "refused",
                () if message.contains("wait for one another") => "circular",
                () if !answer.is_planned => "no plan",
                () => "error",
            };
            return found(kind, format!("{message}\nexpected {expected}"), answer.plan);
        }
        if answer.data != expected {
            let kind = match serde_json::from_str::<Value>(&answer.data).unwrap()
                == serde_json::from_str::<Value>(&expected).unwrap()
            {
                true => "order",
                false => "data",
            };
            return found(kind, format!("found    {}\nexpected {expected}", answer.data), answer.plan);
        }
        None
    }

    /// The difference between an answer in parts, put together, and the monolith's response to the same without `@defer` and `@stream`.
    pub fn run_in_parts(&self, operation: &Operation) -> Option<Difference> {
        let found = |kind, detail, plan| Some(Difference { kind, detail, plan });
        let whole = Operation { text: whole(&operation.text), ..operation.clone() };
        let Ok(expected) = self.expected(&whole) else { return None };
        for format in [PartsFormat::Pending, PartsFormat::Path] {
            let parts = match self.in_parts(operation, format) {
                Ok(parts) => parts,
                Err(message) => return found("panic", message, String::new()),
            };
            let parts = match parts {
                Ok(parts) => parts,
                // What has no plan without parts either says nothing about parts.
                Err(_) if self.gateway.plan(&whole.text).is_err() => return None,
                Err(message) => return found("no plan", message, String::new()),
            };
            let shown = format!("{}\n{}", parts.plan, parts.messages.join("\n"));
            if let Some(fault) = parts.faults.first() {
                return found("plan", fault.clone(), shown);
            }
            let mut merged = Merged::default();
            for message in &parts.messages {
                let taken = match format {
                    PartsFormat::Pending => merged.pending(message),
                    PartsFormat::Path => merged.path(message),
                };
                if let Err(message) = taken {
                    return found("protocol", message, shown);
                }
            }
            if !merged.has_ended() {
                return found("protocol", "the last message does not say so".to_owned(), shown);
            }
            if let Some(error) = merged.errors.first() {
                return found("error", format!("{error}\nexpected {expected}"), shown);
            }
            if merged.data != serde_json::from_str::<Value>(&expected).unwrap() {
                return found("data", format!("found    {}\nexpected {expected}", merged.data), shown);
            }
        }
        None
    }

    /// The gateway's answer in parts, or why it has none; an error if it panics.
    pub fn in_parts(&self, operation: &Operation, format: PartsFormat) -> Result<Result<InParts, String>, String> {
        self.running.reset();
        let run = || self.runtime.block_on(self.gateway.run_in_parts(&operation.text, &operation.variables, format));
        std::panic::catch_unwind(AssertUnwindSafe(run)).map_err(said)
    }

    /// The schema that is not split, as text.
    pub fn monolith(&self) -> &str {
        self.running.monolith.sdl()
    }

    /// What the monolith answers where fields are refused, and what the gateway does.
    pub fn both(&self, operation: &Operation) -> Result<(Value, Answer), String> {
        self.running.reset();
        let request = Request { query: operation.text.clone(), variables: operation.variables.clone() };
        Ok((self.running.monolith.execute(request), self.answer(&operation.text, &operation.variables)?))
    }

    fn answer(&self, text: &str, variables: &Map<String, Value>) -> Result<Answer, String> {
        let run = || self.runtime.block_on(self.gateway.run(text, variables));
        std::panic::catch_unwind(AssertUnwindSafe(run)).map_err(said)
    }
}

/// What a panic said.
fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}
