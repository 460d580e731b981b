//! Headers that rules set from what the router knows of a client: its claims, its address, and expressions over them. Subgraphs trust them, so nothing that a client
//! sends may pass for one. Knows no other rule.

use std::net::IpAddr;

use braid_expressions::{Expression, Inputs};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::header_rules::{HeadersConfig, RequestRule};
use crate::headers::{HeaderRuleError, name};
use crate::identity::{ClaimPath, Identity};

/// What a header is set from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A claim of whoever asks.
    Claim(ClaimPath),
    /// The address of the client.
    ClientIp,
    /// What an expression says.
    Expression(Expression),
}

/// The headers that any rule sets in this way: those for one subgraph too, since another one may trust the same header.
pub(crate) fn derived_names(config: &HeadersConfig) -> Result<Vec<HeaderName>, HeaderRuleError> {
    let rules = std::iter::once(&config.all).chain(config.subgraphs.values()).flat_map(|rules| &rules.request);
    let derived = rules.filter_map(|rule| match rule {
        RequestRule::Insert { value: Some(_), .. } => None,
        RequestRule::Insert { name: header, .. } => Some(name(header)),
        _ => None,
    });
    derived.collect()
}

/// `claims.sub` as the path of a claim, or `client_ip`.
pub(crate) fn source(from: &str) -> Result<Source, HeaderRuleError> {
    if from == "client_ip" {
        return Ok(Source::ClientIp);
    }
    let path = from.strip_prefix("claims.");
    let problem = || {
        HeaderRuleError::Claim(format!("from: \"{from}\" must begin with claims., as in claims.sub, or be client_ip"))
    };
    path.ok_or_else(problem)?.parse().map(Source::Claim).map_err(HeaderRuleError::Claim)
}

/// The value of a header. `None` where the router does not know it.
pub(crate) fn value_of(
    source: &Source,
    headers: &HeaderMap,
    identity: &Identity,
    client: Option<IpAddr>,
) -> Option<HeaderValue> {
    match source {
        Source::Claim(path) => header_value(identity.principal()?.claim(path)?),
        Source::Expression(expression) => header_value(&expression.value(&inputs(headers, identity, client))?),
        Source::ClientIp => HeaderValue::try_from(client?.to_string()).ok(),
    }
}

/// What expressions can use of a request.
pub(crate) fn inputs<'a>(headers: &'a HeaderMap, identity: &'a Identity, client_ip: Option<IpAddr>) -> Inputs<'a> {
    Inputs { headers: Some(headers), claims: identity.principal().map(|principal| &principal.claims), client_ip }
}

/// A value as that of a header: texts, numbers and booleans, and lists of them. `None` for anything else, also where a value of a
/// list has a comma and would be taken for two.
fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::Array(list) => {
            let texts = list.iter().map(|value| text(value).filter(|text| !text.contains(',')));
            texts.collect::<Option<Vec<_>>>()?.join(",")
        }
        value => text(value)?,
    };
    HeaderValue::try_from(text).ok()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use braid_supergraph::SubgraphId;
    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::headers::HeaderPlans;
    use crate::identity::{CredentialKind, Principal};

    const RULES: &str = "{ all: { request: [{ propagate: { prefix: x- } }] }, subgraphs: { a: { request: [
        { insert: { name: X-User, from: claims.sub } }, { insert: { name: x-roles, from: claims.realm.roles } }] } } }";

    fn check(claims: Option<Value>, expected: &[(&str, &str)], of: u16) {
        let plans = HeaderPlans::new(&serde_saphyr::from_str(RULES).unwrap(), ["a", "b"].into_iter()).unwrap();
        let identity = claims.map_or(Identity::Anonymous, |claims| {
            let claims = claims.as_object().unwrap().clone();
            Identity::Known(Arc::new(Principal {
                claims,
                source: "t".into(),
                kind: CredentialKind::Jwt,
                expires: None,
            }))
        });
        // What a client sends who would like to be somebody else.
        let mut client = HeaderMap::new();
        for name in ["x-user", "x-roles", "x-other"] {
            client.insert(name, HeaderValue::from_static("admin"));
        }
        let mut out = HeaderMap::new();
        plans.request_plan(SubgraphId::new(of)).unwrap().1.apply(&client, &identity, None, &mut out);
        let mut found: Vec<_> = out.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn claims_are_sent_and_nothing_passes_for_them() {
        let other = ("x-other", "admin");
        check(None, &[other], 0);
        check(Some(json!({})), &[other], 0);
        check(
            Some(json!({ "sub": "grace", "realm": { "roles": ["a", 1, true] } })),
            &[other, ("x-roles", "a,1,true"), ("x-user", "grace")],
            0,
        );
        check(Some(json!({ "sub": { "a": 1 }, "realm": { "roles": ["a", "b,admin"] } })), &[other], 0);
        check(Some(json!({ "sub": "a\r\nx-admin: yes" })), &[other], 0);
        check(Some(json!({ "sub": "grace" })), &[other], 1);
    }

    #[test]
    fn the_address_of_the_client_is_sent_and_nothing_passes_for_it() {
        let rules = "{ all: { request: [{ propagate: { prefix: x- } }] }, subgraphs: { a: { request: [
            { insert: { name: x-forwarded-for, from: client_ip } }] } } }";
        let plans = HeaderPlans::new(&serde_saphyr::from_str(rules).unwrap(), ["a", "b"].into_iter()).unwrap();
        let mut client = HeaderMap::new();
        client.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
        for (subgraph, address, expected) in [
            (0, Some("192.0.2.1"), Some("192.0.2.1")),
            (0, Some("2001:db8::7"), Some("2001:db8::7")),
            (0, None, None),
            (1, Some("192.0.2.1"), None),
        ] {
            let address = address.map(|text| text.parse().unwrap());
            let mut out = HeaderMap::new();
            let (_, plan) = plans.request_plan(SubgraphId::new(subgraph)).unwrap();
            plan.apply(&client, &Identity::Anonymous, address, &mut out);
            let sent = out.get("x-forwarded-for").map(|value| value.to_str().unwrap());
            assert_eq!(sent, expected, "{subgraph} {address:?}");
        }
    }

    #[test]
    fn expressions_are_sent_and_nothing_passes_for_them() {
        let rules = "{ all: { request: [{ propagate: { prefix: x- } },
            { insert: { name: x-tier, expression: \"claims.sub == 'ada' ? headers['x-wish'] : 'free'\" } },
            { insert: { name: x-roles, expression: claims.roles } }] } }";
        let plans = HeaderPlans::new(&serde_saphyr::from_str(rules).unwrap(), ["a"].into_iter()).unwrap();
        let ada = Principal {
            claims: json!({ "sub": "ada", "roles": ["a", "b"] }).as_object().unwrap().clone(),
            source: "t".into(),
            kind: CredentialKind::Jwt,
            expires: None,
        };
        let mut client = HeaderMap::new();
        for name in ["x-tier", "x-roles", "x-wish"] {
            client.insert(name, HeaderValue::from_static("gold"));
        }
        for (identity, expected) in [
            (Identity::Known(Arc::new(ada)), vec![("x-roles", "a,b"), ("x-tier", "gold"), ("x-wish", "gold")]),
            // The second has no value: an anonymous client has no subject, and no roles.
            (Identity::Anonymous, vec![("x-wish", "gold")]),
        ] {
            let mut out = HeaderMap::new();
            plans.request_plan(SubgraphId::new(0)).unwrap().1.apply(&client, &identity, None, &mut out);
            let mut found: Vec<_> = out.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn rules_that_would_let_clients_in_are_refused() {
        for (rule, problem) in [
            ("{ propagate: { name: x-user } }", "is set by the router"),
            ("{ propagate: { name: x-user, rename: x-a } }", "is set by the router"),
            ("{ propagate: { name: x-a, rename: x-user } }", "is set by the router"),
            ("{ rename: { from: x-a, to: x-user } }", "is set by the router"),
            ("{ insert: { name: x-b, from: sub } }", "must begin with claims."),
            ("{ insert: { name: x-b, from: claims. } }", "not the path of a claim"),
            ("{ insert: { name: x-b } }", "set value, from or expression"),
            ("{ insert: { name: x-b, value: b, from: claims.b } }", "set value, from or expression"),
            ("{ insert: { name: x-b, from: claims.b, expression: claims.b } }", "set value, from or expression"),
        ] {
            let yaml = format!("all: {{ request: [{{ insert: {{ name: x-user, from: claims.sub }} }}, {rule}] }}");
            let config: HeadersConfig = serde_saphyr::from_str(&yaml).unwrap();
            let error = config.plans("a").unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
