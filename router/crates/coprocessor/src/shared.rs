//! What all stages of a request share: its id, and the entries of its context. Knows no message.

use std::sync::Arc;

use braid_graphql::OperationType;
use braid_plugin::Entries;
use braid_request_context::RequestContext;
use braid_request_context::identity::Identity;
use braid_telemetry::trace::random;
use serde_json::{Map, Value};

use crate::config::{ContextFields, ContextNames};
use crate::message::Reply;

/// A slot in the context of a request.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) id: String,
    entries: Entries,
}

/// The names of the entries that the router fills.
struct Names {
    claims: &'static str,
    operation_name: &'static str,
    operation_kind: &'static str,
}

const NEW: Names = Names {
    claims: "apollo::authentication::jwt_claims",
    operation_name: "apollo::supergraph::operation_name",
    operation_kind: "apollo::supergraph::operation_kind",
};

const DEPRECATED: Names = Names {
    claims: "apollo_authentication::JWT::claims",
    operation_name: "operation_name",
    operation_kind: "operation_kind",
};

impl ContextFields {
    fn names(&self) -> &'static Names {
        match self {
            Self::All(_) | Self::Named(ContextNames::Deprecated) => &DEPRECATED,
            Self::Named(ContextNames::All) | Self::Selective { .. } => &NEW,
        }
    }

    fn selects(&self, name: &str) -> bool {
        match self {
            Self::All(all) => *all,
            Self::Named(_) => true,
            Self::Selective { selective } => selective.iter().any(|selected| selected == name),
        }
    }
}

impl Shared {
    /// For a request that has come, with these entries.
    pub(crate) fn new(entries: Entries) -> Arc<Self> {
        Arc::new(Self { id: format!("{:016x}{:016x}", random(), random()), entries })
    }

    /// That of a request.
    pub(crate) fn of(context: &RequestContext) -> Arc<Self> {
        context.extensions.get::<Arc<Self>>().cloned().unwrap_or_else(|| Self::new(Entries::default()))
    }

    /// The entries that are selected, with those that the router fills. `None` if none is.
    pub(crate) fn selected(
        &self,
        fields: &ContextFields,
        identity: &Identity,
        operation: Option<(Option<&str>, OperationType)>,
    ) -> Option<Map<String, Value>> {
        if *fields == ContextFields::All(false) {
            return None;
        }
        let names = fields.names();
        let mut out = self.entries.all();
        if let Some(principal) = identity.principal() {
            out.insert(names.claims.to_owned(), Value::Object(principal.claims.clone()));
        }
        if let Some((name, kind)) = operation {
            out.insert(names.operation_name.to_owned(), name.unwrap_or_default().into());
            let kind = match kind {
                OperationType::Query => "query",
                OperationType::Mutation => "mutation",
                OperationType::Subscription => "subscription",
            };
            out.insert(names.operation_kind.to_owned(), kind.into());
        }
        out.retain(|name, _| fields.selects(name));
        Some(out)
    }

    /// Takes over the entries that came back for those that were sent: one that was sent and did not come back is removed.
    pub(crate) fn take_over(&self, fields: &ContextFields, sent: Option<&Map<String, Value>>, reply: &Reply) {
        let Some(back) = &reply.context else { return };
        let names = fields.names();
        let own = [names.claims, names.operation_name, names.operation_kind];
        for name in sent.into_iter().flat_map(Map::keys).filter(|name| !back.entries.contains_key(*name)) {
            self.entries.remove(name);
        }
        for (name, value) in back.entries.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
            self.entries.set(name.clone(), value.clone());
        }
    }
}

/// Whoever asks, if the claims that came back are others than those that were sent: null makes anonymous, and what does not come back stays as it
/// is. The error says what is wrong with them.
pub(crate) fn identity(
    fields: &ContextFields,
    sent: Option<&Map<String, Value>>,
    reply: &Reply,
    identity: &Identity,
) -> Result<Option<Identity>, String> {
    let name = fields.names().claims;
    let given = reply.context.as_ref().and_then(|back| back.entries.get(name));
    let Some(claims) = given.filter(|claims| sent.and_then(|sent| sent.get(name)) != Some(claims)) else {
        return Ok(None);
    };
    let claims = match claims {
        Value::Null => return Ok(Some(Identity::Anonymous)),
        Value::Object(claims) => claims.clone(),
        _ => return Err("its answer has claims that are no object".to_owned()),
    };
    Ok(Some(identity.with_claims(claims, "coprocessor")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(entries: &Value) -> Reply {
        Reply::parse(json!({ "context": { "entries": entries } }).to_string().as_bytes(), "").unwrap()
    }

    fn known(claims: &Value, before: &Identity) -> Result<Option<Identity>, String> {
        let all = ContextFields::Named(ContextNames::All);
        identity(&all, None, &reply(&json!({ NEW.claims: claims })), before)
    }

    #[test]
    fn entries_go_there_and_back() {
        let (shared, all) = (Shared::new(Entries::default()), ContextFields::Named(ContextNames::All));
        let ada = known(&json!({ "sub": "ada" }), &Identity::Anonymous).unwrap().unwrap();
        let sent = shared.selected(&all, &ada, Some((None, OperationType::Query))).unwrap();
        let expected = json!({ NEW.claims: { "sub": "ada" }, NEW.operation_name: "", NEW.operation_kind: "query" });
        assert_eq!(Value::Object(sent.clone()), expected);
        shared.take_over(&all, Some(&sent), &reply(&json!({ "a": 1, "b": 2, NEW.claims: { "sub": "ada" } })));
        let selective = ContextFields::Selective { selective: vec!["a".to_owned()] };
        let sent = shared.selected(&selective, &ada, None).unwrap();
        assert_eq!(Value::Object(sent.clone()), json!({ "a": 1 }));
        shared.take_over(&selective, Some(&sent), &reply(&json!({ "c": 3 })));
        let deprecated = ContextFields::All(true);
        let sent = shared.selected(&deprecated, &ada, None).unwrap();
        assert_eq!(Value::Object(sent), json!({ "b": 2, "c": 3, DEPRECATED.claims: { "sub": "ada" } }));
        assert_eq!(shared.selected(&ContextFields::All(false), &ada, None), None);
    }

    #[test]
    fn claims_make_somebody_known() {
        let ada = known(&json!({ "sub": "ada" }), &Identity::Anonymous).unwrap().unwrap();
        let bob = known(&json!({ "sub": "bob" }), &ada).unwrap().unwrap();
        assert_eq!(bob.principal().unwrap().claims["sub"], "bob");
        assert_eq!(known(&Value::Null, &bob), Ok(Some(Identity::Anonymous)));
        assert!(known(&json!([1]), &bob).is_err());
        let (all, sent) = (ContextFields::Named(ContextNames::All), json!({ NEW.claims: { "sub": "bob" } }));
        let (sent, back) = (sent.as_object(), reply(&json!({ NEW.claims: { "sub": "bob" }, "a": 1 })));
        assert_eq!(identity(&all, sent, &back, &bob), Ok(None));
        assert_eq!(identity(&all, sent, &reply(&json!({ "a": 1 })), &bob), Ok(None));
    }
}
