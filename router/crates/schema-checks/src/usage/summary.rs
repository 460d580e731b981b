//! What usage logs say of a schema: what nobody uses, and who uses what. Knows no file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ahash::AHashMap;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::parse::parse_typed;
use braid_graphql::schema::fields_of;
use braid_usage::record::UsageRecord;
use serde::Serialize;

use crate::operations::{LIMITS, SchemaUse};

/// What usage logs say of a schema.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// What the logs cover.
    pub logs: Logs,
    /// Fields of the schema that no operation in the logs uses.
    pub unused: Vec<String>,
    /// Deprecated fields of the schema that are used, the most used first.
    pub deprecated: Vec<DeprecatedField>,
    /// What each client uses, the most active first.
    pub clients: Vec<ClientUse>,
    /// Fields in the logs that the schema does not have.
    pub unknown: Vec<String>,
}

/// What logs cover.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Logs {
    /// When counting began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How many different operations there are.
    pub operations: usize,
    /// How many requests there are.
    pub requests: u64,
    /// How many of them were answered with errors.
    pub errors: u64,
    /// How many more requests there were, of which the operation is not known.
    pub unrecorded: u64,
}

/// A deprecated field that is used.
#[derive(Debug, PartialEq, Serialize)]
pub struct DeprecatedField {
    /// Its coordinate.
    pub field: String,
    /// Why it is deprecated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many requests ask for it.
    pub requests: u64,
    /// Who sends them, the most active first.
    pub clients: Vec<FieldClient>,
}

/// A client that uses a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldClient {
    /// Its name, `(unnamed)` if it does not say it.
    pub client: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many requests it sent.
    pub requests: u64,
    /// When it sent the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// What a client uses, in all of its versions.
#[derive(Debug, PartialEq, Serialize)]
pub struct ClientUse {
    /// Its name, `(unnamed)` if it does not say it.
    pub client: String,
    /// Its versions.
    pub versions: Vec<String>,
    /// How many requests it sent.
    pub requests: u64,
    /// How many of them were answered with errors.
    pub errors: u64,
    /// The fields that it asks for, the most used first.
    pub fields: Vec<FieldUse>,
}

/// How often a field is asked for.
#[derive(Debug, PartialEq, Serialize)]
pub struct FieldUse {
    /// Its coordinate.
    pub field: String,
    /// How many requests ask for it.
    pub requests: u64,
}

/// The name of clients that do not say it.
const UNNAMED: &str = "(unnamed)";

#[derive(Default)]
struct Client {
    versions: BTreeSet<String>,
    requests: u64,
    errors: u64,
    fields: BTreeMap<String, u64>,
}

/// What is known of the requests of one version of a client for a field.
#[derive(Default)]
struct Used {
    requests: u64,
    last_seen: Option<String>,
}

/// By the name and the version of clients.
type Users = BTreeMap<(String, Option<String>), Used>;

/// What is gathered of records.
#[derive(Default)]
struct Gathered {
    logs: Logs,
    clients: BTreeMap<String, Client>,
    /// By field.
    users: BTreeMap<String, Users>,
}

/// What records say of an API schema.
pub fn summarise(records: &[UsageRecord], schema: &Valid<Schema>) -> Summary {
    let lookup = SchemaUse::new(schema);
    let mut gathered = Gathered::default();
    let mut operations: AHashMap<(&str, Option<&str>), Vec<String>> = AHashMap::new();
    for record in records {
        if record.unrecorded > 0 {
            add(&mut gathered.logs.unrecorded, record.unrecorded);
            continue;
        }
        let key = (record.operation.as_str(), record.name.as_deref());
        gathered.add(record, operations.entry(key).or_insert_with(|| fields_used(record, schema, &lookup)));
    }
    let Gathered { mut logs, clients, users } = gathered;
    logs.operations = operations.len();
    let is_used = |field: &str| users.contains_key(field);
    let is_unused = |field: &str| !is_used(field) && !lookup.is_used_through_interface(field, &is_used);
    let all = all_fields(schema);
    let unused = all.iter().filter(|(field, _)| is_unused(field)).map(|(field, _)| field.clone()).collect();
    let deprecated = |(field, reason): &(String, Option<Option<String>>)| {
        Some(DeprecatedField::new(field, reason.as_ref()?.clone(), users.get(field)?))
    };
    let mut deprecated: Vec<_> = all.iter().filter_map(deprecated).collect();
    deprecated.sort_by_key(|field| Reverse(field.requests));
    let mut clients: Vec<_> = clients.into_iter().map(|(name, client)| ClientUse::new(name, client)).collect();
    clients.sort_by_key(|client| Reverse(client.requests));
    let known = |field: &String| field.split_once('.').is_some_and(|(ty, field)| schema.type_field(ty, field).is_ok());
    let unknown = users.keys().filter(|field| !known(field)).cloned().collect();
    Summary { logs, unused, deprecated, clients, unknown }
}

impl Gathered {
    fn add(&mut self, record: &UsageRecord, fields: &[String]) {
        let Self { logs, clients, users } = self;
        // All times are RFC 3339 in UTC, where the order of the texts is the order of the times.
        logs.since = [logs.since.take(), record.since.clone()].into_iter().flatten().min();
        logs.until = logs.until.take().max(record.last_seen.clone());
        let name = record.client().filter(|name| !name.is_empty()).unwrap_or(UNNAMED).to_owned();
        let version = record.client_version().map(str::to_owned);
        let client = clients.entry(name.clone()).or_default();
        client.versions.extend(version.clone());
        [&mut logs.requests, &mut client.requests].into_iter().for_each(|sum| add(sum, record.count));
        [&mut logs.errors, &mut client.errors].into_iter().for_each(|sum| add(sum, record.errors));
        for field in fields {
            add(client.fields.entry(field.clone()).or_default(), record.count);
            let used = users.entry(field.clone()).or_default().entry((name.clone(), version.clone())).or_default();
            add(&mut used.requests, record.count);
            used.last_seen = used.last_seen.take().max(record.last_seen.clone());
        }
    }
}

impl DeprecatedField {
    fn new(field: &str, reason: Option<String>, users: &Users) -> Self {
        let client = |((client, version), used): (&(String, Option<String>), &Used)| FieldClient {
            client: client.clone(),
            version: version.clone(),
            requests: used.requests,
            last_seen: used.last_seen.clone(),
        };
        let mut clients: Vec<_> = users.iter().map(client).collect();
        clients.sort_by_key(|client| Reverse(client.requests));
        let requests = clients.iter().fold(0_u64, |sum, client| sum.saturating_add(client.requests));
        Self { field: field.to_owned(), reason, requests, clients }
    }
}

impl ClientUse {
    fn new(name: String, client: Client) -> Self {
        let Client { versions, requests, errors, fields } = client;
        let mut fields: Vec<_> = fields.into_iter().map(|(field, requests)| FieldUse { field, requests }).collect();
        fields.sort_by_key(|field| Reverse(field.requests));
        Self { client: name, versions: versions.into_iter().collect(), requests, errors, fields }
    }
}

/// A log can say anything.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// The fields of object and interface types that an operation uses: those that the record says, else those that its text has.
fn fields_used(record: &UsageRecord, schema: &Valid<Schema>, lookup: &SchemaUse<'_>) -> Vec<String> {
    let is_field = |coordinate: &String| {
        coordinate.split_once('.').is_some_and(|(ty, field)| {
            let is_input = matches!(schema.types.get(ty), Some(ExtendedType::Enum(_) | ExtendedType::InputObject(_)));
            !is_input && !field.contains('(')
        })
    };
    if record.fields.is_empty() && record.has_text() {
        let Ok(document) = parse_typed(schema, &record.operation, LIMITS) else { return Vec::new() };
        return lookup.of(&document).into_iter().filter(is_field).collect();
    }
    record.fields.iter().filter(|field| is_field(field)).cloned().collect()
}

/// All fields of object and interface types, and of deprecated ones the reason, if it is given.
fn all_fields(schema: &Schema) -> Vec<(String, Option<Option<String>>)> {
    let types = schema.types.iter().filter(|(_, ty)| !ty.is_built_in());
    let fields = types.flat_map(|(name, ty)| {
        fields_of(ty).into_iter().flat_map(move |fields| fields.values().map(move |field| (name, field)))
    });
    fields
        .map(|(name, field)| {
            let deprecated = field.directives.get("deprecated");
            let reason = deprecated.map(|it| {
                it.specified_argument_by_name("reason").and_then(|reason| reason.as_str()).map(str::to_owned)
            });
            (format!("{name}.{}", field.name), reason)
        })
        .collect()
}
