//! Which fields get their events from a broker: what the configuration and the supergraph say. Knows no subscription.

use braid_graphql::OperationType;
use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::ExtendedType;
use braid_supergraph::{EventField, EventFieldError, Supergraph};
use indexmap::IndexMap;

use crate::config::{BrokerConfig, EventFieldConfig, EventsConfig};
use crate::template::TemplateError;

/// The fields whose events come from brokers.
#[derive(Debug, Default)]
pub struct Events {
    pub(crate) brokers: IndexMap<String, BrokerConfig>,
    pub(crate) fields: Vec<Declared>,
}

/// A field, and what is said of it.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) coordinate: String,
    pub(crate) field: EventField,
    pub(crate) config: EventFieldConfig,
    pub(crate) broker: String,
}

/// Why the events of a field can't come from a broker.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The supergraph does not let it.
    #[error("events: {coordinate}: {source}")]
    Field {
        /// The field.
        coordinate: String,
        /// Why.
        source: EventFieldError,
    },
    /// The broker is not configured.
    #[error("events: {coordinate}: {problem}; configure it in events.brokers")]
    Broker {
        /// The field.
        coordinate: String,
        /// What is wrong.
        problem: String,
    },
    /// A template can't be read.
    #[error("events: {coordinate}: {source}")]
    Template {
        /// The field.
        coordinate: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A template names arguments that the field does not have.
    #[error("events: {coordinate} has no argument \"{argument}\"")]
    Argument {
        /// The field.
        coordinate: String,
        /// The argument.
        argument: String,
    },
    /// The directive can't be understood.
    #[error("{coordinate}: @{directive} needs `subject`, a string; `filter` is a list of {{ path, values }}")]
    Directive {
        /// The field.
        coordinate: String,
        /// The directive, as it is named here.
        directive: String,
    },
}

impl Events {
    /// Reads which fields get their events from brokers, and has them do so.
    pub fn declare(supergraph: &mut Supergraph, config: &EventsConfig) -> Result<Self, EventsError> {
        let mut declared = by_directive(supergraph)?;
        for (coordinate, field) in &config.fields {
            declared.insert(coordinate.clone(), field.clone());
        }
        let root = supergraph.root(OperationType::Subscription).map(|root| supergraph.schema.ty(root).name.to_string());
        let mut fields = Vec::with_capacity(declared.len());
        for (coordinate, field_config) in declared {
            let unknown = || EventsError::Field {
                coordinate: coordinate.clone(),
                source: EventFieldError::NoField(coordinate.clone()),
            };
            let (parent, name) = coordinate.split_once('.').ok_or_else(unknown)?;
            if root.as_deref() != Some(parent) {
                return Err(unknown());
            }
            let broker = broker(config, &field_config)
                .map_err(|problem| EventsError::Broker { coordinate: coordinate.clone(), problem })?;
            let field = supergraph
                .take_events(name, field_config.payload.as_deref())
                .map_err(|source| EventsError::Field { coordinate: coordinate.clone(), source })?;
            fields.push(Declared { coordinate, field, config: field_config, broker });
        }
        Ok(Self { brokers: config.brokers.clone(), fields })
    }
}

/// The name of the broker of a field.
fn broker(config: &EventsConfig, field: &EventFieldConfig) -> Result<String, String> {
    match &field.broker {
        Some(name) if config.brokers.contains_key(name) => Ok(name.clone()),
        Some(name) => Err(format!("the broker \"{name}\" is unknown")),
        None => match config.brokers.keys().collect::<Vec<_>>().as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err("there is no broker".to_owned()),
            _ => Err("there are several brokers, so `broker` must name one".to_owned()),
        },
    }
}

/// What `@event` in the supergraph says, by coordinate.
fn by_directive(supergraph: &Supergraph) -> Result<IndexMap<String, EventFieldConfig>, EventsError> {
    let mut declared = IndexMap::new();
    let (Some(name), Some(root)) =
        (supergraph.directive_of("event", "event"), supergraph.root(OperationType::Subscription))
    else {
        return Ok(declared);
    };
    let root = &supergraph.schema.ty(root).name;
    let Some(ExtendedType::Object(subscription)) = supergraph.source.types.get(root) else { return Ok(declared) };
    for (field, definition) in &subscription.fields {
        let Some(directive) = definition.directives.get(&name) else { continue };
        let coordinate = format!("{root}.{field}");
        let config = read(directive)
            .ok_or_else(|| EventsError::Directive { coordinate: coordinate.clone(), directive: name.clone() })?;
        declared.insert(coordinate, config);
    }
    Ok(declared)
}

/// `@event(subject:, broker:, payload:, filter:)`
fn read(directive: &Directive) -> Option<EventFieldConfig> {
    let text =
        |name: &str| directive.specified_argument_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    let filter = match directive.specified_argument_by_name("filter") {
        None => IndexMap::new(),
        Some(list) => list.as_list()?.iter().map(criterion).collect::<Option<_>>()?,
    };
    Some(EventFieldConfig { broker: text("broker"), subject: text("subject")?, payload: text("payload"), filter })
}

fn criterion(value: &Node<Value>) -> Option<(String, Vec<String>)> {
    let fields = value.as_object()?;
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value);
    let values = field("values")?.as_list()?.iter().map(|value| value.as_str().map(str::to_owned));
    Some((field("path")?.as_str()?.to_owned(), values.collect::<Option<_>>()?))
}
