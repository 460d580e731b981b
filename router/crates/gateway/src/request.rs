//! A GraphQL request as it comes: from the JSON of a POST, or from the parameters of a GET. Knows no schema and no connection.
//!
//! Nothing is copied: the text of the query stays as it was written in the JSON, escapes included, and that is what the
//! operation cache is keyed by.

use std::borrow::Cow;
use std::fmt;

use braid_graphql::error::GraphQLError;
use http::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// One request.
#[derive(Debug, Clone)]
pub struct GraphQLRequest<'a> {
    /// The document, as a JSON string with its quotes.
    pub query: Cow<'a, str>,
    /// Which operation of it to run, as a JSON string with its quotes.
    pub operation_name: Option<Cow<'a, str>>,
    /// The values of variables: an object.
    pub variables: Option<Cow<'a, RawValue>>,
    /// What else came along: an object.
    pub extensions: Option<Cow<'a, RawValue>>,
}

/// Why a request could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not a GraphQL request: what is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It has the hash of a query instead of a query (automatic persisted queries): the client sends the query once it is told.
    #[error("PersistedQueryNotSupported")]
    HashOnly,
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Invalid(message) => Self::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", message),
            Unreadable::HashOnly => GraphQLError::new("PERSISTED_QUERY_NOT_SUPPORTED", error.to_string()).into(),
        }
    }
}

impl<'a> GraphQLRequest<'a> {
    /// Reads the JSON object of a POST.
    pub fn from_json(json: &'a [u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice::<Members>(json).map_err(|error| unreadable(json, &error))?.request()
    }

    /// Reads the JSON array of a batch.
    pub fn batch_from_json(json: &'a [u8]) -> Result<Vec<Self>, Unreadable> {
        let members: Vec<Members<'a>> = serde_json::from_slice(json).map_err(|error| unreadable(json, &error))?;
        members.into_iter().map(Members::request).collect()
    }

    /// Reads the query string of a GET.
    pub fn from_query_string(query_string: &str) -> Result<GraphQLRequest<'static>, Unreadable> {
        let mut parameters: [Option<String>; 4] = [const { None }; 4];
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            if let Some(at) = PARAMETERS.iter().position(|known| *known == name)
                && parameters[at].replace(value.into_owned()).is_some()
            {
                return Err(Unreadable::Invalid(format!("The parameter \"{name}\" is given twice.")));
            }
        }
        let [query, operation_name, variables, extensions] = parameters;
        let extensions = object_parameter("extensions", extensions)?;
        let query = query.filter(|query| !query.is_empty());
        let query = query.ok_or_else(|| missing("The parameter \"query\" is missing.", extensions.as_deref()))?;
        let in_json =
            |text: String| serde_json::to_string(&text).map_err(|error| Unreadable::Invalid(error.to_string()));
        Ok(GraphQLRequest {
            query: in_json(query)?.into(),
            operation_name: operation_name.filter(|name| !name.is_empty()).map(in_json).transpose()?.map(Cow::Owned),
            variables: object_parameter("variables", variables)?,
            extensions,
        })
    }

    /// The same, without what it was read from.
    pub fn into_owned(self) -> GraphQLRequest<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        GraphQLRequest {
            query: own(self.query),
            operation_name: self.operation_name.map(own),
            variables: self.variables.map(|raw| Cow::Owned(raw.into_owned())),
            extensions: self.extensions.map(|raw| Cow::Owned(raw.into_owned())),
        }
    }

    /// The document as text.
    pub fn text(&self) -> Result<String, Unreadable> {
        unescape(&self.query)
    }

    /// The name of the operation as text.
    pub fn operation(&self) -> Result<Option<String>, Unreadable> {
        self.operation_name.as_deref().map(unescape).transpose()
    }
}

const PARAMETERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

fn object_parameter(name: &str, text: Option<String>) -> Result<Option<Cow<'static, RawValue>>, Unreadable> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let problem =
        |what: String| Unreadable::Invalid(format!("The parameter \"{name}\" must be a JSON object: {what}."));
    let raw: Box<RawValue> = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    match raw.get().as_bytes() {
        b"null" => Ok(None),
        [b'{', ..] => Ok(Some(Cow::Owned(raw))),
        _ => Err(problem("it is something else".to_owned())),
    }
}

fn unescape(json: &str) -> Result<String, Unreadable> {
    serde_json::from_str(json)
        .map_err(|error| Unreadable::Invalid(format!("The request has a string that is not valid: {error}.")))
}

fn unreadable(json: &[u8], error: &serde_json::Error) -> Unreadable {
    Unreadable::Invalid(match error.classify() {
        _ if json.iter().all(u8::is_ascii_whitespace) => {
            "The body is empty: send a JSON object with \"query\".".to_owned()
        }
        serde_json::error::Category::Data => "The request must be a JSON object with \"query\".".to_owned(),
        _ => format!("The body is not valid JSON: {error}."),
    })
}

/// The members of a request as they stand in its JSON.
#[derive(Default)]
struct Members<'a> {
    values: [Option<&'a RawValue>; 4],
    /// The place of one that is given twice, among [`PARAMETERS`].
    twice: Option<usize>,
}

impl<'a> Members<'a> {
    fn request(self) -> Result<GraphQLRequest<'a>, Unreadable> {
        if let Some(at) = self.twice {
            return Err(Unreadable::Invalid(format!("\"{}\" is given twice.", PARAMETERS[at])));
        }
        let [query, operation_name, variables, extensions] =
            self.values.map(|raw| raw.filter(|raw| raw.get() != "null"));
        let query = query.ok_or_else(|| missing("\"query\" is missing.", extensions))?;
        let operation_name = operation_name.map(|raw| string("operationName", raw)).transpose()?;
        Ok(GraphQLRequest {
            query: string("query", query)?.into(),
            operation_name: operation_name.filter(|name| *name != "\"\"").map(Cow::Borrowed),
            variables: variables.map(|raw| object("variables", raw)).transpose()?,
            extensions: extensions.map(|raw| object("extensions", raw)).transpose()?,
        })
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object with \"query\"")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key::<Key>()? {
                    let Key(Some(at)) = key else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    if members.values[at].replace(map.next_value()?).is_some() {
                        members.twice = Some(at);
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Read)
    }
}

/// What is said of a request without a query. Clients of automatic persisted queries send the hash alone first.
fn missing(message: &str, extensions: Option<&RawValue>) -> Unreadable {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Extensions {
        persisted_query: Option<IgnoredAny>,
    }
    match extensions.and_then(|raw| serde_json::from_str::<Extensions>(raw.get()).ok()) {
        Some(Extensions { persisted_query: Some(_) }) => Unreadable::HashOnly,
        _ => Unreadable::Invalid(message.to_owned()),
    }
}

fn string<'a>(name: &str, raw: &'a RawValue) -> Result<&'a str, Unreadable> {
    match raw.get() {
        text if text.starts_with('"') => Ok(text),
        _ => Err(Unreadable::Invalid(format!("\"{name}\" must be a string."))),
    }
}

fn object<'a>(name: &str, raw: &'a RawValue) -> Result<Cow<'a, RawValue>, Unreadable> {
    match raw.get() {
        text if text.starts_with('{') => Ok(Cow::Borrowed(raw)),
        _ => Err(Unreadable::Invalid(format!("\"{name}\" must be an object."))),
    }
}

/// The place of a member among [`PARAMETERS`].
struct Key(Option<usize>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
                Ok(Key(PARAMETERS.iter().position(|known| *known == text)))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &[u8], expected: Result<(&str, Option<&str>), &str>) {
        match (GraphQLRequest::from_json(json), expected) {
            (Ok(found), Ok((text, name))) => {
                assert_eq!((found.text().unwrap().as_str(), found.operation().unwrap().as_deref()), (text, name));
            }
            (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn requests_are_read() {
        check(br#"{"query":"{ a\n}"}"#, Ok(("{ a\n}", None)));
        check(
            br#"{"x":[1],"operationName":"A","query":"query A{a}","variables":null,"extensions":{}}"#,
            Ok(("query A{a}", Some("A"))),
        );
        check(br#"{"query":"{a}","operationName":""}"#, Ok(("{a}", None)));
    }

    #[test]
    fn problems_are_named() {
        check(b"  ", Err("The body is empty"));
        check(b"{", Err("not valid JSON"));
        check(b"[]", Err("a JSON object with \"query\""));
        check(br#"{"query":1}"#, Err("\"query\" must be a string."));
        check(br#"{"operationName":"A"}"#, Err("\"query\" is missing."));
        check(br#"{"extensions":{"persistedQuery":{"version":1}}}"#, Err("PersistedQueryNotSupported"));
        check(br#"{"extensions":{"x":"\"persistedQuery\""}}"#, Err("\"query\" is missing."));
        check(br#"{"query":"{a}","variables":[1]}"#, Err("\"variables\" must be an object."));
        check(br#"{"query":"{a}","extensions":"x"}"#, Err("\"extensions\" must be an object."));
        check(br#"{"query":"{a}","operationName":{}}"#, Err("\"operationName\" must be a string."));
        check(br#"{"query":"{a}","query":"{b}"}"#, Err("\"query\" is given twice."));
        check(br#"{"query":"{a}","variables":{"a":NaN}}"#, Err("not valid JSON"));
        check(b"{\"query\":\"\xff\"}", Err("not valid JSON"));
    }

    #[test]
    fn get_parameters_are_read() {
        let read = GraphQLRequest::from_query_string;
        let request = read("query=%7Ba%7D&operationName=&variables=%7B%22a%22%3A1%7D&z=1").unwrap();
        assert_eq!(request.text().unwrap(), "{a}");
        assert_eq!(request.variables.unwrap().get(), r#"{"a":1}"#);
        assert!(request.operation_name.is_none());
        assert!(read("").unwrap_err().to_string().contains("missing"));
        assert!(read("query=a&query=b").unwrap_err().to_string().contains("twice"));
        assert!(read("query=a&variables=1").unwrap_err().to_string().contains("JSON object"));
        let hash_only = "extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%7D%7D";
        assert_eq!(read(hash_only).unwrap_err(), Unreadable::HashOnly);
        assert!(read("query=a&extensions=%7B").unwrap_err().to_string().contains("JSON object"));
    }
}
