//! The events of one field: which subjects, which messages count, and what they become. Knows no particular broker.

use std::sync::Arc;

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphEvent, SubgraphEvents, SubgraphRequest};
use braid_graphql::error::GraphQLError;
use braid_request_context::identity::Identity;
use braid_supergraph::{EventField, Supergraph};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::once;
use serde_json::{Value, json};

use crate::broker::{Broker, Message};
use crate::config::EventFieldConfig;
use crate::document::Subscribing;
use crate::template::{Given, Template, TemplateError, ValueError, text};

/// Where the events of a field come from.
#[derive(Debug)]
pub(crate) struct Source {
    field: EventField,
    supergraph: Arc<Supergraph>,
    config: EventFieldConfig,
    subject: Template,
    filter: Vec<Criterion>,
    broker: Arc<dyn Broker>,
}

/// A member of messages, and the values that it can have.
#[derive(Debug)]
struct Criterion {
    path: Vec<String>,
    values: Vec<Template>,
}

/// A criterion for one subscription.
struct Wanted {
    path: Vec<String>,
    values: Vec<String>,
}

/// A message is not what the configuration says of it.
const MALFORMED: &str = "EVENT_MALFORMED";

impl Source {
    pub(crate) fn new(
        field: EventField,
        supergraph: &Arc<Supergraph>,
        config: &EventFieldConfig,
        broker: Arc<dyn Broker>,
    ) -> Result<Self, TemplateError> {
        let criterion = |(path, values): (&String, &Vec<String>)| {
            let values = values.iter().map(|value| Template::parse(value)).collect::<Result<_, _>>()?;
            Ok(Criterion { path: path.split('.').map(str::to_owned).collect(), values })
        };
        Ok(Self {
            field,
            supergraph: supergraph.clone(),
            subject: Template::parse(&config.subject)?,
            filter: config.filter.iter().map(criterion).collect::<Result<_, _>>()?,
            config: config.clone(),
            broker,
        })
    }

    /// The arguments that its templates name and the field does not have.
    pub(crate) fn unknown_arguments(&self) -> Vec<String> {
        let known = &self.supergraph.schema.field(self.field.field).arguments;
        let named = self.templates().flat_map(Template::arguments);
        named.filter(|name| known.get(*name).is_none()).map(str::to_owned).collect()
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.subject).chain(self.filter.iter().flat_map(|criterion| &criterion.values))
    }

    /// Whether `other` gives the same events.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.config == other.config && Arc::ptr_eq(&self.broker, &other.broker)
    }

    /// What of a client decides which events it gets.
    pub(crate) fn seen_of(&self, identity: &Identity) -> Vec<u8> {
        let mut seen = Vec::new();
        self.templates().for_each(|template| template.seen_of(identity, &mut seen));
        seen
    }

    /// Subscribes. What the client asks for in vain is an answer, not a failure of the broker.
    pub(crate) async fn subscribe(
        self: Arc<Self>,
        request: &SubgraphRequest,
        identity: &Identity,
    ) -> Result<SubgraphEvents, SubgraphError> {
        let subscribing = Subscribing::read(request).map_err(|error| failure(error.to_string()))?;
        let arguments = subscribing.arguments(&self.supergraph.schema, self.field.field);
        let given = Given { arguments: &arguments, identity };
        let (subjects, wanted) = match (self.subjects(given), self.wanted(given)) {
            (Ok(subjects), Ok(wanted)) => (subjects, wanted),
            (Err(error), _) | (_, Err(error)) => return Ok(refusal(&error)),
        };
        let messages = self.broker.subscribe(subjects).await.map_err(|error| failure(error.to_string()))?;
        let events = messages.filter_map(move |message| {
            std::future::ready(match message {
                Message::Gap => Some(SubgraphEvent::Gap),
                Message::Payload { payload, .. } => {
                    self.event(&subscribing, &wanted, &payload).map(SubgraphEvent::Next)
                }
            })
        });
        Ok(Box::pin(events))
    }

    fn subjects(&self, given: Given<'_>) -> Result<Vec<String>, ValueError> {
        self.subject.values(given, &|value| self.broker.refuses(value))
    }

    fn wanted(&self, given: Given<'_>) -> Result<Vec<Wanted>, ValueError> {
        let wanted = |criterion: &Criterion| {
            let mut values = Vec::new();
            for value in &criterion.values {
                values.extend(value.values(given, &|_| None)?);
            }
            Ok(Wanted { path: criterion.path.clone(), values })
        };
        self.filter.iter().map(wanted).collect()
    }

    /// The response that a message makes; none if it does not count.
    fn event(&self, subscribing: &Subscribing, wanted: &[Wanted], payload: &Bytes) -> Option<Bytes> {
        let message = match serde_json::from_slice::<Value>(payload) {
            Ok(message @ (Value::Object(_) | Value::Array(_) | Value::Null)) => message,
            _ => {
                let message = "A message about this subscription can't be read: it is not a JSON object.";
                tracing::warn!(
                    subject = self.config.subject,
                    bytes = payload.len(),
                    "A message of a broker is not a JSON object"
                );
                return Some(errors(MALFORMED, message));
            }
        };
        if !wanted.iter().all(|wanted| wanted.holds_for(&message)) {
            return None;
        }
        let data = subscribing.response(&message, &self.supergraph.schema, self.field.field);
        Some(json!({ "data": data }).to_string().into())
    }
}

impl Wanted {
    fn holds_for(&self, message: &Value) -> bool {
        let value = self.path.iter().try_fold(message, |value, name| value.get(name));
        value.and_then(text).is_some_and(|value| self.values.contains(&value))
    }
}

fn failure(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: true }
}

fn refusal(error: &ValueError) -> SubgraphEvents {
    Box::pin(once(std::future::ready(SubgraphEvent::Next(errors("BAD_USER_INPUT", &error.to_string())))))
}

fn errors(code: &str, message: &str) -> Bytes {
    braid_executor::refuse(&[GraphQLError::new(code, message)])
}
