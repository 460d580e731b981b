//! Which of several graphs a request is for. Without any graphs, requests are for the whole graph. With some, one that is for none of them is
//! refused: nobody sees another graph than they asked for. Knows no schema.

pub mod config;

use std::sync::Arc;
use std::time::Duration;

use braid_gateway::has_claim;
use braid_request_context::RequestContext;
use braid_request_context::identity::ClaimPath;
use braid_telemetry::metrics::{GraphMetrics, Metrics};
use http::header::HOST;
use http::{HeaderMap, HeaderName, StatusCode, Uri};

use crate::config::{PlaygroundConfig, SettingsError};
use config::{MatchConfig, PageConfig};

/// One of several graphs.
#[derive(Debug, Clone)]
pub struct GraphSetup {
    /// Its name.
    pub name: Arc<str>,
    /// Which requests are for it.
    pub matches: MatchConfig,
    /// Its page.
    pub page: PageConfig,
}

/// The graphs that requests can be for, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Graphs {
    graphs: Vec<Graph>,
    /// The endpoint of those that have none of their own.
    default_path: String,
    /// Requests that were for none.
    none: GraphMetrics,
}

#[derive(Debug)]
struct Graph {
    name: Arc<str>,
    host: Option<Host>,
    /// Its endpoint.
    path: String,
    header: Option<(HeaderName, Option<String>)>,
    claim: Option<(ClaimPath, Option<String>)>,
    page: PageConfig,
    metrics: GraphMetrics,
}

#[derive(Debug)]
enum Host {
    Exact(String),
    /// All hosts with this end, which begins with a dot.
    Under(String),
}

/// The page that is served for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// The path that its queries go to.
    pub(crate) endpoint: &'a str,
    /// Whether it is of one of several graphs, which has no part in what is shown of the whole.
    pub(crate) is_part: bool,
}

impl Graphs {
    pub(crate) fn new(setups: &[GraphSetup], default_path: &str, metrics: &Metrics) -> Result<Self, SettingsError> {
        let graphs = setups.iter().map(|setup| Graph::new(setup, default_path, metrics)).collect::<Result<_, _>>()?;
        Ok(Self { graphs, default_path: default_path.to_owned(), none: metrics.graph("(none)") })
    }

    /// Whether it is the default endpoint, or that of a graph.
    pub(crate) fn is_endpoint(&self, path: &str) -> bool {
        path == self.default_path || self.graphs.iter().any(|graph| graph.path == path)
    }

    /// The graph that a request to the endpoint `path` is for. Its client must be known.
    pub(crate) fn of(&self, context: &RequestContext, path: &str) -> Option<&Arc<str>> {
        let host = host(&context.headers, &context.uri);
        let found = self.graphs.iter().find(|graph| {
            graph.path == path
                && graph.is_for_host(host)
                && graph.has_header(&context.headers)
                && graph.has_claim(context)
        });
        found.map(|graph| &graph.name)
    }

    /// Whether a request can be for some graph, whoever sends it.
    pub(crate) fn can_be(&self, headers: &HeaderMap, uri: &Uri, path: &str) -> bool {
        let host = host(headers, uri);
        self.graphs.iter().any(|graph| graph.path == path && graph.is_for_host(host))
    }

    /// The page at a path, which is `/` or that of an endpoint; for another path, any page of the host.
    pub(crate) fn page<'a>(
        &'a self,
        (headers, uri): (&HeaderMap, &Uri),
        path: &str,
        config: &'a PlaygroundConfig,
    ) -> Option<Page<'a>> {
        let host = host(headers, uri);
        let enabled = |graph: &&Graph| graph.page.enabled.unwrap_or(config.enabled) && graph.is_for_host(host);
        let mut candidates = self.graphs.iter().filter(enabled);
        let found = match self.is_endpoint(path) {
            true => candidates.find(|graph| graph.path == path),
            false => candidates.next(),
        };
        found.map(|graph| Page {
            title: graph.page.title.as_deref().unwrap_or(&config.title),
            endpoint: &graph.path,
            is_part: true,
        })
    }

    /// Counts a request that is over.
    pub(crate) fn count(&self, graph: Option<&str>, status: StatusCode, took: Duration) {
        let found = graph.and_then(|name| self.graphs.iter().find(|graph| *graph.name == *name));
        found.map_or(&self.none, |graph| &graph.metrics).request(status, took);
    }
}

impl Graph {
    fn new(setup: &GraphSetup, default_path: &str, metrics: &Metrics) -> Result<Self, SettingsError> {
        let MatchConfig { host, path, header, claim } = &setup.matches;
        let invalid = |problem: String| SettingsError::Graph(setup.name.to_string(), problem);
        let header = header.as_ref().map(|header| match header.name.parse() {
            Ok(name) => Ok((name, header.value.clone())),
            Err(_) => Err(invalid(format!("header: \"{}\" is not a header name", header.name))),
        });
        let claim = claim.as_ref().map(|claim| match claim.claim.parse() {
            Ok(path) => Ok((path, claim.has.clone())),
            Err(problem) => Err(invalid(format!("claim: {problem}"))),
        });
        let host = host.as_ref().map(|host| match host.strip_prefix('*') {
            Some(end) => Host::Under(end.to_ascii_lowercase()),
            None => Host::Exact(host.clone()),
        });
        Ok(Self {
            name: setup.name.clone(),
            host,
            path: path.clone().unwrap_or_else(|| default_path.to_owned()),
            header: header.transpose()?,
            claim: claim.transpose()?,
            page: setup.page.clone(),
            metrics: metrics.graph(&setup.name),
        })
    }

    fn is_for_host(&self, host: &str) -> bool {
        match &self.host {
            None => true,
            Some(Host::Exact(own)) => own.eq_ignore_ascii_case(host),
            Some(Host::Under(end)) => host.len() > end.len() && host.to_ascii_lowercase().ends_with(end),
        }
    }

    fn has_header(&self, headers: &HeaderMap) -> bool {
        let Some((name, value)) = &self.header else { return true };
        let is = |found: &http::HeaderValue| value.as_ref().is_none_or(|value| found.as_bytes() == value.as_bytes());
        headers.get_all(name).iter().any(is)
    }

    fn has_claim(&self, context: &RequestContext) -> bool {
        let Some((path, value)) = &self.claim else { return true };
        context.identity.principal().is_some_and(|principal| has_claim(principal, path, value.as_deref()))
    }
}

/// The host that a request is for, without the port.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    match host.rsplit_once(':') {
        // The last part of an IPv6 address is no port.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::config::{ClaimMatch, HeaderMatch};
    use super::*;

    fn graphs(matches: &[(&str, MatchConfig)]) -> Result<Graphs, SettingsError> {
        let setups: Vec<_> = matches
            .iter()
            .map(|(name, matches)| GraphSetup {
                name: (*name).into(),
                matches: matches.clone(),
                page: PageConfig::default(),
            })
            .collect();
        Graphs::new(&setups, "/graphql", &Metrics::default())
    }

    fn at_host(host: &str) -> MatchConfig {
        MatchConfig { host: Some(host.to_owned()), ..MatchConfig::default() }
    }

    #[test]
    fn hosts_are_compared_without_case_and_port() {
        let graphs = graphs(&[("a", at_host("a.example")), ("under", at_host("*.example.com"))]).unwrap();
        let found = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            graphs.can_be(&headers, &Uri::default(), "/graphql")
        };
        for host in ["a.example", "A.Example:4000", "x.example.com", "X.Y.EXAMPLE.COM:1"] {
            assert!(found(host), "{host}");
        }
        for host in ["b.example", "a.example.evil", "example.com", "xexample.com", "", "[::1]", "[::1]:4000"] {
            assert!(!found(host), "{host}");
        }
    }

    #[test]
    fn what_can_not_match_is_refused() {
        let header = HeaderMatch { name: "no name".to_owned(), value: None };
        let error = graphs(&[("a", MatchConfig { header: Some(header), ..MatchConfig::default() })]).unwrap_err();
        assert_eq!(error.to_string(), "graphs.a.match.header: \"no name\" is not a header name");
        let claim = ClaimMatch { claim: String::new(), has: None };
        let error = graphs(&[("a", MatchConfig { claim: Some(claim), ..MatchConfig::default() })]).unwrap_err();
        assert!(error.to_string().starts_with("graphs.a.match.claim: "), "{error}");
        for (matches, says) in [
            (MatchConfig::default(), "set host, path, header or claim"),
            (at_host("http://a"), "without scheme"),
            (MatchConfig { path: Some("a".to_owned()), ..MatchConfig::default() }, "must start with /"),
        ] {
            assert!(matches.check().unwrap_err().contains(says));
        }
    }

    #[test]
    fn a_page_belongs_to_its_path() {
        let at = |path: &str| MatchConfig { path: Some(path.to_owned()), ..MatchConfig::default() };
        let mut setups: Vec<_> = [("a", at("/a")), ("b", at("/b"))]
            .map(|(name, matches)| GraphSetup { name: name.into(), matches, page: PageConfig::default() })
            .into();
        setups[1].page.title = Some("B".to_owned());
        let config = PlaygroundConfig::default();
        let page = |setups: &[GraphSetup], path: &str| {
            let graphs = Graphs::new(setups, "/graphql", &Metrics::default()).unwrap();
            let found = graphs.page((&HeaderMap::new(), &Uri::default()), path, &config);
            found.map(|page| (page.title.to_owned(), page.endpoint.to_owned()))
        };
        let shown = |title: &str, path: &str| Some((title.to_owned(), path.to_owned()));
        assert_eq!(page(&setups, "/b"), shown("B", "/b"));
        assert_eq!(page(&setups, "/"), shown("Braid", "/a"));
        assert_eq!(page(&setups, "/graphql"), None);
        setups[0].page.enabled = Some(false);
        assert_eq!(page(&setups, "/a"), None);
        assert_eq!(page(&setups, "/assets/x.js"), shown("B", "/b"));
    }
}
