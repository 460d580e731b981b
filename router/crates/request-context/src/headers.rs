//! Header rules, read and checked: which of a client's headers subgraphs get, and which of the subgraphs' headers the client gets. Knows no
//! transport. Nothing passes unless a rule says so, and what belongs to one connection never does.

use std::net::IpAddr;
use std::sync::Arc;

use braid_supergraph::SubgraphId;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::cache_control::CacheControl;
use crate::cacheability::{CacheReport, Cacheability};
use crate::derived_headers::{Source, derived_names, source, value_of};
use crate::header_rules::{HeadersConfig, Merge, Propagate, RequestRule, ResponseRule};
use crate::identity::Identity;

/// The headers of a subgraph's response, where somebody looks at them, and what they say about keeping it.
#[derive(Debug, Clone, Default)]
pub struct SubgraphHeaders {
    headers: Option<Arc<HeaderMap>>,
    is_shared: bool,
    /// `None` if the response may not be kept, or nobody has looked.
    pub cacheability: Option<Arc<Cacheability>>,
    /// What of the response was in the cache, where there is one.
    pub cache: Option<Arc<CacheReport>>,
}

impl SubgraphHeaders {
    /// The headers of a response that one client's request asked for.
    pub fn new(headers: HeaderMap) -> Self {
        Self { headers: Some(Arc::new(headers)), ..Self::default() }
    }

    /// The headers, where somebody looks at them.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.headers.as_deref()
    }

    /// The same with other headers.
    #[must_use]
    pub fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers: Some(Arc::new(headers)), ..self }
    }

    /// The same for another client, whose equal request got the same response: without what is meant for one client.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }
}

/// The rules of all subgraphs of a supergraph, read and checked.
#[derive(Debug, Default)]
pub struct HeaderPlans {
    /// Those that differ: most often all subgraphs have the same.
    request: Vec<RequestPlan>,
    /// By subgraph: the number of its request rules, when it has any.
    request_of: Vec<Option<usize>>,
    /// By subgraph.
    response: Vec<ResponsePlan>,
    /// Whether somebody beside the rules looks at the headers of responses.
    reads_all: bool,
}

/// The request rules of one subgraph, read and checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestPlan {
    steps: Vec<Step>,
    /// The headers that rules set from claims, whatever subgraph the rules are for: what clients send in them is ignored.
    derived: Vec<HeaderName>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Propagate { name: HeaderName, to: HeaderName, default: Option<HeaderValue> },
    PropagatePrefix(String),
    Insert(HeaderName, HeaderValue),
    Derive(HeaderName, Source),
    Remove(HeaderName),
    Rename(HeaderName, HeaderName),
}

/// The response rules of one subgraph, read and checked.
#[derive(Debug, Clone, Default)]
pub struct ResponsePlan {
    steps: Vec<ResponseStep>,
}

#[derive(Debug, Clone)]
enum ResponseStep {
    Propagate(HeaderName, Merge),
    Insert(HeaderName, HeaderValue),
    Remove(HeaderName),
}

/// Why a header rule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRuleError {
    /// A text that is not a header name (RFC 9110 §5.1).
    #[error("\"{0}\" is not a header name")]
    Name(String),
    /// A text that is not a header value (RFC 9110 §5.5).
    #[error("\"{}\" can't be the value of a header", .0.escape_debug())]
    Value(String),
    /// A header that is never forwarded.
    #[error("the header \"{0}\" applies to one connection and is never forwarded; remove the rule")]
    Hop(HeaderName),
    /// A rule for a header that another rule sets from a claim.
    #[error(
        "the header \"{0}\" is set by the router (from a claim, client_ip or an expression); no other rule may forward or set it"
    )]
    FromClaim(HeaderName),
    /// `insert` with none or several of `value`, `from` and `expression`.
    #[error("insert \"{0}\": set value, from or expression, and only one of them")]
    Insert(String),
    /// `from` that names no claim.
    #[error("{0}")]
    Claim(String),
    /// `propagate` with options that exclude each other.
    #[error("propagate takes either a name, optionally with rename and default, or a prefix alone")]
    Propagate,
}

impl HeadersConfig {
    /// The rules for one subgraph.
    pub fn plans(&self, subgraph: &str) -> Result<(RequestPlan, ResponsePlan), HeaderRuleError> {
        let rules = [Some(&self.all), self.subgraphs.get(subgraph)];
        let (mut request, mut response) = (RequestPlan::default(), ResponsePlan::default());
        request.derived = derived_names(self)?;
        for rules in rules.into_iter().flatten() {
            for rule in &rules.request {
                let step = step(rule)?;
                if let Some(name) = step.client_headers().find(|name| request.derived.contains(name)) {
                    return Err(HeaderRuleError::FromClaim(name.clone()));
                }
                request.steps.push(step);
            }
            for rule in &rules.response {
                response.steps.push(response_step(rule)?);
            }
        }
        Ok((request, response))
    }
}

impl HeaderPlans {
    /// The rules for the subgraphs with these names.
    pub fn new<'a>(config: &HeadersConfig, subgraphs: impl Iterator<Item = &'a str>) -> Result<Self, HeaderRuleError> {
        let mut plans = Self::default();
        for name in subgraphs {
            let (request, response) = config.plans(name)?;
            let number = (!request.is_empty()).then(|| plans.number(request));
            plans.request_of.push(number);
            plans.response.push(response);
        }
        Ok(plans)
    }

    fn number(&mut self, plan: RequestPlan) -> usize {
        self.request.iter().position(|known| *known == plan).unwrap_or_else(|| {
            self.request.push(plan);
            self.request.len() - 1
        })
    }

    /// The same, where the headers of all responses are kept for somebody beside the rules.
    #[must_use]
    pub fn reading_all(self) -> Self {
        Self { reads_all: true, ..self }
    }

    /// Whether somebody looks at the headers of this subgraph's responses.
    pub(crate) fn reads(&self, subgraph: SubgraphId) -> bool {
        self.reads_all || self.response_plan(subgraph).is_some()
    }

    /// How many sets of request rules differ.
    pub(crate) fn request_plans(&self) -> usize {
        self.request.len()
    }

    /// The request rules of a subgraph that has any, and their number.
    pub(crate) fn request_plan(&self, subgraph: SubgraphId) -> Option<(usize, &RequestPlan)> {
        let number = (*self.request_of.get(subgraph.index())?)?;
        Some((number, self.request.get(number)?))
    }

    /// The response rules of a subgraph that has any.
    pub(crate) fn response_plan(&self, subgraph: SubgraphId) -> Option<&ResponsePlan> {
        self.response.get(subgraph.index()).filter(|plan| !plan.is_empty())
    }

    /// Whether clients get headers that depend on subgraphs' responses.
    pub fn read_responses(&self) -> bool {
        self.response.iter().any(|plan| !plan.is_empty())
    }

    /// Whether clients may get a header by a rule, from a subgraph or as it is set.
    pub fn writes_to_clients(&self, name: &HeaderName) -> bool {
        let steps = self.response.iter().flat_map(|plan| &plan.steps);
        steps.into_iter().any(|step| match step {
            ResponseStep::Propagate(written, _) | ResponseStep::Insert(written, _) => written == name,
            ResponseStep::Remove(_) => false,
        })
    }

    /// The client's headers out of those of subgraphs' responses, in the order they came.
    pub fn merge(&self, responses: &[(SubgraphId, SubgraphHeaders)], out: &mut HeaderMap) {
        for (subgraph, headers) in responses {
            if let (Some(plan), Some(found)) = (self.response_plan(*subgraph), &headers.headers) {
                plan.apply(found, headers.is_shared, out);
            }
        }
    }
}

impl RequestPlan {
    /// Whether subgraphs get the same headers whatever the client sends.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a header of this name can come from a client, or from what is known of it.
    pub(crate) fn may_forward(&self, header: &HeaderName) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Propagate { to: name, .. } | Step::Rename(_, name) | Step::Derive(name, _) => name == header,
            Step::PropagatePrefix(prefix) => header.as_str().starts_with(prefix),
            Step::Insert(..) | Step::Remove(_) => false,
        })
    }

    /// The headers that any rule sets from claims.
    pub(crate) fn derived(&self) -> &[HeaderName] {
        &self.derived
    }

    /// Writes the headers that a subgraph gets, out of the client's and of what is known of the client.
    pub fn apply(&self, client: &HeaderMap, identity: &Identity, address: Option<IpAddr>, out: &mut HeaderMap) {
        for step in &self.steps {
            match step {
                Step::Propagate { name, to, default } => propagate(client, name, to, default.as_ref(), out),
                Step::PropagatePrefix(prefix) => {
                    let is_derived = |name: &HeaderName| self.derived.contains(name);
                    let may_pass =
                        |name: &HeaderName| may_pass(name) && !is_for_connection(client, name) && !is_derived(name);
                    let names = client.keys().filter(|name| name.as_str().starts_with(prefix) && may_pass(name));
                    names.for_each(|name| propagate(client, name, name, None, out));
                }
                Step::Insert(name, value) => drop(out.insert(name.clone(), value.clone())),
                Step::Derive(name, source) => match value_of(source, client, identity, address) {
                    Some(value) => drop(out.insert(name.clone(), value)),
                    None => drop(out.remove(name)),
                },
                Step::Remove(name) => drop(out.remove(name)),
                Step::Rename(from, to) => {
                    if let Some(value) = out.remove(from) {
                        out.insert(to.clone(), value);
                    }
                }
            }
        }
    }
}

impl Step {
    /// The headers that this takes from a client or sets to what a client may have sent. A prefix leaves derived headers out by itself.
    fn client_headers(&self) -> impl Iterator<Item = &HeaderName> {
        let (from, to) = match self {
            Self::Propagate { name, to, .. } => (Some(name), Some(to)),
            Self::Rename(_, to) => (None, Some(to)),
            Self::PropagatePrefix(_) | Self::Insert(..) | Self::Derive(..) | Self::Remove(_) => (None, None),
        };
        from.into_iter().chain(to)
    }
}

fn propagate(
    client: &HeaderMap,
    name: &HeaderName,
    to: &HeaderName,
    default: Option<&HeaderValue>,
    out: &mut HeaderMap,
) {
    let mut values = client.get_all(name).iter().peekable();
    if values.peek().is_some() {
        out.remove(to);
        for value in values {
            out.append(to.clone(), value.clone());
        }
    } else if let Some(value) = default {
        out.insert(to.clone(), value.clone());
    }
}

impl ResponsePlan {
    /// Whether no header of this subgraph passes.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Merges a subgraph's headers into the client's. Those of a response that several clients share don't carry what is meant for
    /// one of them.
    pub fn apply(&self, subgraph: &HeaderMap, is_shared: bool, out: &mut HeaderMap) {
        for step in &self.steps {
            match step {
                ResponseStep::Propagate(name, _) if is_shared && is_for_one_client(name) => {}
                ResponseStep::Propagate(name, merge) => merge_header(subgraph, name, *merge, out),
                ResponseStep::Insert(name, value) => drop(out.insert(name.clone(), value.clone())),
                ResponseStep::Remove(name) => drop(out.remove(name)),
            }
        }
    }
}

/// Cookies, and what completes one client's authentication.
fn is_for_one_client(name: &HeaderName) -> bool {
    *name == header::SET_COOKIE || matches!(name.as_str(), "set-cookie2" | "authentication-info")
}

fn merge_header(subgraph: &HeaderMap, name: &HeaderName, merge: Merge, out: &mut HeaderMap) {
    let Some(value) = subgraph.get(name) else {
        // An answer without it may be kept for no time at all.
        if *name == header::CACHE_CONTROL {
            out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        return;
    };
    if *name == header::CACHE_CONTROL {
        let values = || subgraph.get_all(name).iter();
        let merged = match out.get(name) {
            Some(earlier) => CacheControl::parse([earlier]).and(CacheControl::parse(values())).to_value(),
            None if values().nth(1).is_none() => value.clone(),
            None => CacheControl::parse(values()).to_value(),
        };
        out.insert(name.clone(), merged);
        return;
    }
    match merge {
        Merge::First if out.contains_key(name) => return,
        Merge::First | Merge::Last => drop(out.remove(name)),
        Merge::Append => {}
    }
    for value in subgraph.get_all(name) {
        out.append(name.clone(), value.clone());
    }
}

fn step(rule: &RequestRule) -> Result<Step, HeaderRuleError> {
    Ok(match rule {
        RequestRule::Propagate(Propagate { name: Some(from), prefix: None, rename, default }) => {
            let to = rename.as_ref().unwrap_or(from);
            Step::Propagate { name: name(from)?, to: name(to)?, default: default.as_deref().map(value).transpose()? }
        }
        RequestRule::Propagate(Propagate { name: None, prefix: Some(prefix), rename: None, default: None }) => {
            Step::PropagatePrefix(prefix.to_ascii_lowercase())
        }
        RequestRule::Propagate(_) => {
            return Err(HeaderRuleError::Propagate);
        }
        RequestRule::Insert { name: header, value: Some(text), from: None, expression: None } => {
            Step::Insert(name(header)?, value(text)?)
        }
        RequestRule::Insert { name: header, value: None, from: Some(from), expression: None } => {
            Step::Derive(name(header)?, source(from)?)
        }
        RequestRule::Insert { name: header, value: None, from: None, expression: Some(expression) } => {
            Step::Derive(name(header)?, Source::Expression(expression.clone()))
        }
        RequestRule::Insert { name, .. } => return Err(HeaderRuleError::Insert(name.clone())),
        RequestRule::Remove { name: header } => Step::Remove(name(header)?),
        RequestRule::Rename { from, to } => Step::Rename(name(from)?, name(to)?),
    })
}

fn response_step(rule: &ResponseRule) -> Result<ResponseStep, HeaderRuleError> {
    Ok(match rule {
        ResponseRule::Propagate { name: header, merge } => ResponseStep::Propagate(name(header)?, *merge),
        ResponseRule::Insert { name: header, value: text } => ResponseStep::Insert(name(header)?, value(text)?),
        ResponseRule::Remove { name: header } => ResponseStep::Remove(name(header)?),
    })
}

pub(crate) fn name(text: &str) -> Result<HeaderName, HeaderRuleError> {
    let name: HeaderName = text.parse().map_err(|_| HeaderRuleError::Name(text.to_owned()))?;
    if may_pass(&name) { Ok(name) } else { Err(HeaderRuleError::Hop(name)) }
}

fn value(text: &str) -> Result<HeaderValue, HeaderRuleError> {
    text.parse().map_err(|_| HeaderRuleError::Value(text.to_owned()))
}

/// Headers that say something of one connection or of one body (RFC 9110 §7.6.1) never pass.
pub fn may_pass(name: &HeaderName) -> bool {
    const OWN: [HeaderName; 13] = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::HOST,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::ACCEPT,
        header::ACCEPT_ENCODING,
    ];
    !OWN.contains(name) && !matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Whether the sender says that a header is about this connection alone (RFC 9110 §7.6.1). A rule that names the header passes it on
/// all the same: what the operator asks for is not the client's to take away.
fn is_for_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let options = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    options.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn shown(map: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> =
            map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    fn check_request(yaml: &str, client: &[(&'static str, &'static str)], expected: &[&str]) {
        let config: HeadersConfig = serde_saphyr::from_str(yaml).unwrap();
        let (plan, _) = config.plans("a").unwrap();
        let mut out = HeaderMap::new();
        plan.apply(&headers(client), &Identity::Anonymous, None, &mut out);
        assert_eq!(shown(&out), expected);
    }

    const CLIENT: [(&str, &str); 4] = [("authorization", "t"), ("x-a", "1"), ("x-b", "2"), ("connection", "x-a")];

    #[test]
    fn nothing_passes_without_a_rule() {
        check_request("{}", &CLIENT, &[]);
        check_request("subgraphs: { b: { request: [{ propagate: { name: authorization } }] } }", &CLIENT, &[]);
    }

    #[test]
    fn rules_run_from_all_to_one() {
        check_request("all: { request: [{ propagate: { name: Authorization } }] }", &CLIENT, &["authorization: t"]);
        check_request(
            "{ all: { request: [{ propagate: { prefix: x- } }] }, subgraphs: { a: { request: [{ remove: { name: x-a } }, { rename: { from: x-b, to: x-c } }, { insert: { name: x-d, value: \"4\" } }] } } }",
            &CLIENT,
            &["x-c: 2", "x-d: 4"],
        );
        check_request(
            "{ all: { request: [{ propagate: { prefix: X- } }, { propagate: { name: x-a } }] } }",
            &CLIENT,
            &["x-a: 1", "x-b: 2"],
        );
        check_request(
            "all: { request: [{ propagate: { name: x-none, rename: x-there, default: d } }] }",
            &CLIENT,
            &["x-there: d"],
        );
    }

    #[test]
    fn headers_that_connection_names_do_not_pass_by_prefix() {
        check_request("all: { request: [{ propagate: { prefix: x- } }] }", &CLIENT, &["x-b: 2"]);
        let client = [("x-a", "1"), ("x-b", "2"), ("connection", "close, X-B"), ("connection", "x-c"), ("x-c", "3")];
        check_request("all: { request: [{ propagate: { prefix: x- } }] }", &client, &["x-a: 1"]);
    }

    #[test]
    fn what_belongs_to_a_connection_is_refused() {
        let config: HeadersConfig =
            serde_saphyr::from_str("all: { request: [{ propagate: { name: Connection } }] }").unwrap();
        assert!(matches!(config.plans("a"), Err(HeaderRuleError::Hop(_))));
    }

    #[test]
    fn the_strictest_cache_control_wins() {
        let config: HeadersConfig =
            serde_saphyr::from_str("all: { response: [{ propagate: { name: cache-control } }, { propagate: { name: set-cookie, merge: append } }] }").unwrap();
        let (_, plan) = config.plans("a").unwrap();
        let mut out = HeaderMap::new();
        plan.apply(&headers(&[("cache-control", "max-age=60, public"), ("set-cookie", "a=1")]), false, &mut out);
        plan.apply(&headers(&[("cache-control", "private, max-age=90"), ("set-cookie", "b=2")]), false, &mut out);
        assert_eq!(shown(&out), ["cache-control: max-age=60, private", "set-cookie: a=1", "set-cookie: b=2"]);
        plan.apply(&headers(&[]), false, &mut out);
        assert_eq!(out["cache-control"], "no-store");
    }
}
