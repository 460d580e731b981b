//! A GraphQL request as it comes: from the JSON of a POST, or from the parameters of a GET. Knows no schema and no connection.
//!
//! Nothing is copied: the text of the query stays as it was written in the JSON, escapes included, and that is what the
//! operation cache is keyed by.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// One request.
#[derive(Debug, Clone, Default)]
pub struct GraphQLRequest<'a> {
    /// The document, as a JSON string with its quotes; `None` if it is sent by its id.
    pub query: Option<Cow<'a, str>>,
    /// The id of a document that the router has. Hashes of automatic persisted queries are in `extensions`.
    pub document_id: Option<Cow<'a, str>>,
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
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Invalid(message) => Self::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", message),
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
        let mut parameters: [Option<String>; PARAMETERS.len()] = [const { None }; PARAMETERS.len()];
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            if let Some(at) = PARAMETERS.iter().position(|known| *known == name)
                && parameters[at].replace(value.into_owned()).is_some()
            {
                return Err(Unreadable::Invalid(format!("The parameter \"{name}\" is given twice.")));
            }
        }
        let [query, operation_name, variables, extensions, document_id, doc_id] =
            parameters.map(|parameter| parameter.filter(|text| !text.is_empty()));
        let in_json =
            |text: String| serde_json::to_string(&text).map_err(|error| Unreadable::Invalid(error.to_string()));
        Ok(GraphQLRequest {
            query: query.map(in_json).transpose()?.map(Cow::Owned),
            document_id: document_id.or(doc_id).map(Cow::Owned),
            operation_name: operation_name.map(in_json).transpose()?.map(Cow::Owned),
            variables: object_parameter("variables", variables)?,
            extensions: object_parameter("extensions", extensions)?,
        })
    }

    /// The same, without what it was read from.
    pub fn into_owned(self) -> GraphQLRequest<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        GraphQLRequest {
            query: self.query.map(own),
            document_id: self.document_id.map(own),
            operation_name: self.operation_name.map(own),
            variables: self.variables.map(|raw| Cow::Owned(raw.into_owned())),
            extensions: self.extensions.map(|raw| Cow::Owned(raw.into_owned())),
        }
    }

    /// The document as text, where it was sent.
    pub fn text(&self) -> Result<String, Unreadable> {
        self.query.as_deref().map_or_else(|| Err(Unreadable::no_document()), unescape)
    }

    /// The name of the operation as text.
    pub fn operation(&self) -> Result<Option<String>, Unreadable> {
        self.operation_name.as_deref().map(unescape).transpose()
    }

    /// Whether `extensions` may have a `persistedQuery`: without parsing them.
    pub(crate) fn may_have_hash(&self) -> bool {
        self.extensions.as_ref().is_some_and(|raw| raw.get().contains("persistedQuery"))
    }

    /// What `extensions.persistedQuery` says, if it is there: the hash if it is one of version 1.
    pub(crate) fn hash(&self) -> Option<Option<Cow<'_, str>>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Extensions<'a> {
            #[serde(borrow)]
            persisted_query: Option<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct PersistedQuery<'a> {
            version: u64,
            #[serde(borrow, rename = "sha256Hash")]
            hash: Cow<'a, str>,
        }
        let extensions: Extensions<'_> = serde_json::from_str(self.extensions.as_ref()?.get()).ok()?;
        let query: Option<PersistedQuery<'_>> = serde_json::from_str(extensions.persisted_query?.get()).ok();
        Some(query.filter(|query| query.version == 1 && !query.hash.is_empty()).map(|query| query.hash))
    }
}

impl Unreadable {
    pub(crate) fn no_document() -> Self {
        let message = "\"query\" is missing: send a document, or the id of one as \"documentId\".";
        Self::Invalid(message.to_owned())
    }
}

const PARAMETERS: [&str; 6] = ["query", "operationName", "variables", "extensions", "documentId", "doc_id"];

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

/// What a JSON string with its quotes says.
pub(crate) fn unescape(json: &str) -> Result<String, Unreadable> {
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
    values: [Option<&'a RawValue>; PARAMETERS.len()],
    /// The place of one that is given twice, among [`PARAMETERS`].
    twice: Option<usize>,
}

impl<'a> Members<'a> {
    fn request(self) -> Result<GraphQLRequest<'a>, Unreadable> {
        if let Some(at) = self.twice {
            return Err(Unreadable::Invalid(format!("\"{}\" is given twice.", PARAMETERS[at])));
        }
        let [query, operation_name, variables, extensions, document_id, doc_id] =
            self.values.map(|raw| raw.filter(|raw| raw.get() != "null"));
        let operation_name = operation_name.map(|raw| string("operationName", raw)).transpose()?;
        let document_id = match (document_id, doc_id) {
            (Some(raw), _) => Some(plain("documentId", raw)?),
            (None, Some(raw)) => Some(plain("doc_id", raw)?),
            (None, None) => None,
        };
        Ok(GraphQLRequest {
            query: query.map(|raw| string("query", raw)).transpose()?.map(Cow::Borrowed),
            document_id: document_id.filter(|id| !id.is_empty()),
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

fn string<'a>(name: &str, raw: &'a RawValue) -> Result<&'a str, Unreadable> {
    match raw.get() {
        text if text.starts_with('"') => Ok(text),
        _ => Err(Unreadable::Invalid(format!("\"{name}\" must be a string."))),
    }
}

/// What a string says: itself without its quotes, if it has no escapes.
fn plain<'a>(name: &str, raw: &'a RawValue) -> Result<Cow<'a, str>, Unreadable> {
    let json = string(name, raw)?;
    match json.get(1..json.len() - 1) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => unescape(json).map(Cow::Owned),
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
        check(br#"{"query":"{a}","documentId":1}"#, Err("\"documentId\" must be a string."));
        check(br#"{"query":"{a}","doc_id":{}}"#, Err("\"doc_id\" must be a string."));
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
        assert!(read("").unwrap().text().unwrap_err().to_string().contains("\"query\" is missing"));
        assert!(read("query=a&query=b").unwrap_err().to_string().contains("twice"));
        assert!(read("query=a&variables=1").unwrap_err().to_string().contains("JSON object"));
        assert!(read("query=a&extensions=%7B").unwrap_err().to_string().contains("JSON object"));
    }

    #[test]
    fn ids_are_read() {
        for (json, expected) in [
            (r#"{"query":"{a}"}"#, None),
            (r#"{"documentId":"sha256:a"}"#, Some("sha256:a")),
            (r#"{"doc_id":"1","variables":{}}"#, Some("1")),
            (r#"{"doc_id":"1","documentId":"2"}"#, Some("2")),
            (r#"{"documentId":"x-app\u003a2"}"#, Some("x-app:2")),
            (r#"{"documentId":"","query":"{a}"}"#, None),
            (r#"{"documentId":null,"query":"{a}"}"#, None),
        ] {
            let request = GraphQLRequest::from_json(json.as_bytes()).unwrap();
            assert_eq!(request.document_id.as_deref(), expected, "{json}");
        }
        let request = GraphQLRequest::from_query_string("documentId=sha256%3Aa&variables=%7B%7D").unwrap();
        assert_eq!((request.document_id.as_deref(), request.query), (Some("sha256:a"), None));
        assert_eq!(GraphQLRequest::from_query_string("doc_id=7").unwrap().document_id.as_deref(), Some("7"));
    }

    #[test]
    fn hashes_are_read() {
        for (extensions, expected) in [
            (r#"{"persistedQuery":{"version":1,"sha256Hash":"ab"}}"#, Some(Some("ab"))),
            (r#"{"a":[1],"persistedQuery":{"sha256Hash":"ab","x":{},"version":1}}"#, Some(Some("ab"))),
            (r#"{"persistedQuery":{"version":2,"sha256Hash":"ab"}}"#, Some(None)),
            (r#"{"persistedQuery":{"version":1}}"#, Some(None)),
            (r#"{"persistedQuery":1}"#, Some(None)),
            (r#"{"x":"\"persistedQuery\""}"#, None),
            (r#"{"persistedQuery":null}"#, None),
        ] {
            let json = format!("{{\"extensions\":{extensions}}}");
            let request = GraphQLRequest::from_json(json.as_bytes()).unwrap();
            assert_eq!(request.hash(), expected.map(|hash| hash.map(Cow::Borrowed)), "{json}");
            assert!(request.may_have_hash(), "{json}");
        }
    }
}
