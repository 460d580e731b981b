//! A GraphQL request as it comes: from the JSON of a POST, or from the parameters of a GET. Knows neither schema nor HTTP.
//!
//! Nothing is copied: the text of the query stays as it was written in the JSON, escapes included, and that is what the
//! operation cache is keyed by.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

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
#[error("{message}")]
pub struct Unreadable {
    /// What is wrong.
    pub message: String,
    /// Whether the client hopes that the router knows the query by its hash.
    pub wants_persisted: bool,
}

impl Unreadable {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), wants_persisted: false }
    }
}

impl<'a> GraphQLRequest<'a> {
    /// Reads the JSON object of a POST.
    pub fn from_json(json: &'a [u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(json).map_err(|error| unreadable(json, &error))
    }

    /// Reads the JSON array of a batch.
    pub fn batch_from_json(json: &'a [u8]) -> Result<Vec<Self>, Unreadable> {
        serde_json::from_slice(json).map_err(|error| unreadable(json, &error))
    }

    /// Reads the query string of a GET.
    pub fn from_query_string(query_string: &str) -> Result<GraphQLRequest<'static>, Unreadable> {
        let mut parameters: [Option<String>; 4] = [const { None }; 4];
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            if let Some(at) = PARAMETERS.iter().position(|known| *known == name)
                && parameters[at].replace(value.into_owned()).is_some()
            {
                return Err(Unreadable::new(format!("The parameter \"{name}\" is given twice.")));
            }
        }
        let [query, operation_name, variables, extensions] = parameters;
        let query = query.filter(|query| !query.is_empty());
        let query = query.ok_or_else(|| Unreadable::new("The parameter \"query\" is missing.".to_owned()))?;
        let in_json = |text: String| serde_json::to_string(&text).map_err(|error| Unreadable::new(error.to_string()));
        Ok(GraphQLRequest {
            query: in_json(query)?.into(),
            operation_name: operation_name.filter(|name| !name.is_empty()).map(in_json).transpose()?.map(Cow::Owned),
            variables: object_parameter("variables", variables)?,
            extensions: object_parameter("extensions", extensions)?,
        })
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
    let problem = |what: String| Unreadable::new(format!("The parameter \"{name}\" must be a JSON object: {what}."));
    let raw: Box<RawValue> = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    match raw.get().as_bytes() {
        b"null" => Ok(None),
        [b'{', ..] => Ok(Some(Cow::Owned(raw))),
        _ => Err(problem("it is something else".to_owned())),
    }
}

fn unescape(json: &str) -> Result<String, Unreadable> {
    serde_json::from_str(json)
        .map_err(|error| Unreadable::new(format!("The request has a string that is not valid: {error}.")))
}

fn unreadable(json: &[u8], error: &serde_json::Error) -> Unreadable {
    if json.iter().all(u8::is_ascii_whitespace) {
        return Unreadable::new("The body is empty: send a JSON object with \"query\".".to_owned());
    }
    let text = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => {
            // Our own messages; where in the body it was says nothing more.
            let end = text.rfind(" at line ").unwrap_or(text.len());
            Unreadable { wants_persisted: text.starts_with(PERSISTED), message: text[..end].to_owned() }
        }
        _ => Unreadable::new(format!("The body is not valid JSON: {text}.")),
    }
}

impl<'de> Deserialize<'de> for GraphQLRequest<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = GraphQLRequest<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object with \"query\"")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: [Option<&'de RawValue>; 4] = [None; 4];
                while let Some(key) = map.next_key::<Key>()? {
                    let Key(Some(at)) = key else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    if members[at].replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("\"{}\" is given twice.", PARAMETERS[at])));
                    }
                }
                let [query, operation_name, variables, extensions] = members;
                let query = query.filter(|raw| raw.get() != "null");
                let query = query.ok_or_else(|| missing(extensions))?;
                Ok(GraphQLRequest {
                    query: string("query", query)?.into(),
                    operation_name: present(operation_name)
                        .map(|raw| string("operationName", raw))
                        .transpose()?
                        .filter(|name| *name != "\"\"")
                        .map(Cow::Borrowed),
                    variables: present(variables).map(|raw| object("variables", raw)).transpose()?,
                    extensions: present(extensions).map(|raw| object("extensions", raw)).transpose()?,
                })
            }
        }

        deserializer.deserialize_map(Read)
    }
}

const PERSISTED: &str = "PersistedQueryNotSupported";

/// Clients of automatic persisted queries send the hash alone first, and the query once they are told to.
fn missing<E: Error>(extensions: Option<&RawValue>) -> E {
    let persisted = extensions.is_some_and(|raw| raw.get().contains("\"persistedQuery\""));
    E::custom(if persisted { PERSISTED } else { "\"query\" is missing." })
}

fn present(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

fn string<'a, E: Error>(name: &str, raw: &'a RawValue) -> Result<&'a str, E> {
    if raw.get().starts_with('"') { Ok(raw.get()) } else { Err(E::custom(format!("\"{name}\" must be a string."))) }
}

fn object<'a, E: Error>(name: &str, raw: &'a RawValue) -> Result<Cow<'a, RawValue>, E> {
    if raw.get().starts_with('{') {
        Ok(Cow::Borrowed(raw))
    } else {
        Err(E::custom(format!("\"{name}\" must be an object.")))
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
            (Err(found), Err(expected)) => assert!(found.message.contains(expected), "{found}"),
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
        check(br#"{"extensions":{"persistedQuery":{}}}"#, Err("PersistedQueryNotSupported"));
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
        assert!(read("").unwrap_err().message.contains("missing"));
        assert!(read("query=a&query=b").unwrap_err().message.contains("twice"));
        assert!(read("query=a&variables=1").unwrap_err().message.contains("JSON object"));
        assert!(read("query=a&extensions=%7B").unwrap_err().message.contains("JSON object"));
    }
}
