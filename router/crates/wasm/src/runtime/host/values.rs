//! Values of the WIT as the router has them, and back. Knows no call.

use braid_graphql::OperationType;
use braid_plugin::JsonObject;
use serde_json::{Map, Value};
use wasmtime::Result;

use crate::runtime::bindings::types::{GraphqlError, OperationKind};

pub(super) fn kind(of: OperationType) -> OperationKind {
    match of {
        OperationType::Query => OperationKind::Query,
        OperationType::Mutation => OperationKind::Mutation,
        OperationType::Subscription => OperationKind::Subscription,
    }
}

pub(super) fn written(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| wasmtime::Error::msg(error.to_string()))
}

pub(super) fn read(json: &str) -> std::result::Result<Value, String> {
    serde_json::from_str(json).map_err(|error| format!("it is no JSON: {error}"))
}

pub(super) fn object(json: &str) -> std::result::Result<JsonObject, String> {
    JsonObject::parse(json).ok_or_else(|| "it is no JSON object".to_owned())
}

/// An error as hooks see it.
pub(super) fn described(error: &Value) -> Result<GraphqlError> {
    let member = |name: &str| error.get(name).map(written).transpose();
    Ok(GraphqlError {
        message: error["message"].as_str().unwrap_or_default().to_owned(),
        code: error["extensions"]["code"].as_str().map(str::to_owned),
        path: member("path")?,
        locations: member("locations")?,
        extensions: member("extensions")?,
    })
}

/// An error as it is sent.
pub(super) fn error(error: GraphqlError) -> std::result::Result<Value, String> {
    let GraphqlError { message, code, path, locations, extensions } = error;
    let list = |name: &str, json: Option<String>| match json.as_deref().map(read).transpose()? {
        Some(list) if !list.is_array() => Err(format!("{name} is no list")),
        list => Ok(list),
    };
    let mut out = Map::new();
    out.insert("message".to_owned(), message.into());
    out.extend(list("locations", locations)?.map(|locations| ("locations".to_owned(), locations)));
    out.extend(list("path", path)?.map(|path| ("path".to_owned(), path)));
    let mut extensions = match extensions.as_deref().map(read).transpose()? {
        None => Map::new(),
        Some(Value::Object(extensions)) => extensions,
        Some(_) => return Err("extensions are no object".to_owned()),
    };
    extensions.extend(code.map(|code| ("code".to_owned(), code.into())));
    if !extensions.is_empty() {
        out.insert("extensions".to_owned(), extensions.into());
    }
    Ok(out.into())
}

pub(super) fn length(error: &GraphqlError) -> usize {
    let GraphqlError { message, code, path, locations, extensions } = error;
    let optional = [code, path, locations, extensions].into_iter().flatten();
    message.len() + optional.map(String::len).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_go_there_and_back() {
        for sent in [
            json!({ "message": "a" }),
            json!({ "message": "a", "locations": [{ "line": 1, "column": 2 }], "path": ["b", 0], "extensions": { "code": "C", "d": 1 } }),
        ] {
            assert_eq!(error(described(&sent).unwrap()), Ok(sent));
        }
        let masked = GraphqlError {
            code: Some("OTHER".to_owned()),
            ..described(&json!({ "message": "a", "extensions": { "code": "C" } })).unwrap()
        };
        assert_eq!(error(masked).unwrap()["extensions"]["code"], "OTHER");
        let wrong =
            |json: &str| GraphqlError { path: Some(json.to_owned()), ..described(&json!({ "message": "a" })).unwrap() };
        assert!(error(wrong("{}")).unwrap_err().contains("path is no list"));
        assert!(error(wrong("[")).unwrap_err().contains("no JSON"));
    }
}
