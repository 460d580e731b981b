//! GraphQL requests and responses for plugins: values that nobody changes stay as they were written, numbers included. Knows no stage.

use bytes::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object whose members stay as they were written until they are replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonObject(IndexMap<String, Box<RawValue>>);

impl JsonObject {
    /// Reads an object; `None` if it is something else.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Sets a member. A value that JSON does not have sets null.
    pub fn insert(&mut self, name: &str, value: impl Serialize) {
        self.0.insert(name.to_owned(), to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned()));
    }

    /// Removes a member, and says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.shift_remove(name).is_some()
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object as text.
    pub fn to_raw(&self) -> Box<RawValue> {
        to_raw_value(&self.0).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

impl PartialEq for JsonObject {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().all(|(name, value)| other.0.get(name).is_some_and(|other| other.get() == value.get()))
    }
}

/// What a client asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientOperation {
    /// The document; `None` if it is sent by its id.
    pub query: Option<String>,
    /// The id of a document that the router has.
    pub document_id: Option<String>,
    /// Which operation of the document to run.
    pub operation_name: Option<String>,
    /// The values of variables.
    pub variables: JsonObject,
    /// What else came along.
    pub extensions: JsonObject,
}

/// The response to an operation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GraphQLResponse {
    /// The data as it is sent; `None` if there is none, which is not the same as null.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<Box<RawValue>>,
    /// The errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Value>,
    /// What else comes along.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub extensions: JsonObject,
}

/// A member that is there, also if it is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl GraphQLResponse {
    /// Reads a response; `None` if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The bytes of the response, with `extensions` last.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_were_written() {
        let mut object = JsonObject::parse(r#"{"n":1.00000000000000000000001,"e":1e400,"s":"\u00e9"}"#).unwrap();
        object.insert("a", 1);
        assert!(object.remove("s") && !object.remove("s"));
        assert_eq!(object.to_raw().get(), r#"{"n":1.00000000000000000000001,"e":1e400,"a":1}"#);
        assert_eq!(JsonObject::parse("[1]"), None);
    }

    #[test]
    fn responses_are_written_as_they_were_read() {
        for text in [
            r#"{"data":{"a":1e400}}"#,
            r#"{"data":null,"errors":[{"message":"a"}]}"#,
            r#"{"errors":[{"message":"a"}],"extensions":{"b":2}}"#,
        ] {
            assert_eq!(GraphQLResponse::parse(text.as_bytes()).unwrap().to_bytes(), text);
        }
        assert!(GraphQLResponse::parse(b"[]x").is_none());
    }
}
