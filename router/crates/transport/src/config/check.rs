//! What the types of the configuration can't express: ranges, and options that exclude each other.

use std::collections::BTreeSet;

use braid_settings::Duration;

use super::{
    CircuitBreakerConfig, EjectionConfig, HedgeConfig, MAX_URLS, SubgraphTraffic, SubscriptionProtocol,
    SubscriptionTrafficConfig, TrafficConfig,
};

/// Why a setting of traffic can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}.{problem}")]
pub struct TrafficError {
    /// The options that it is one of, such as `traffic.subgraphs.users`.
    place: String,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("urls: all subgraphs would be sent the same requests; set it under traffic.subgraphs, for one of them")]
    UrlsOfAll,
    #[error("urls: set url or urls, not both")]
    UrlAndUrls,
    #[error("urls: the list is empty; remove it to use the URL in the supergraph")]
    NoUrls,
    #[error("urls: \"{0}\" is listed twice; list each URL once")]
    SameUrl(String),
    #[error("urls: {0} URLs are too many; list at most {MAX_URLS}")]
    TooManyUrls(usize),
    #[error("{option}: {given} is not a number above 0 and up to {most}")]
    Share { option: &'static str, given: f64, most: f64 },
    #[error("{option}: {given} is not a number from 0 to 1")]
    OptionalShare { option: &'static str, given: f64 },
    #[error("{option}: give at least 1")]
    Zero { option: &'static str },
    #[error("{option}: give a time of at least 10ms")]
    TooShort { option: &'static str },
    #[error("ejection.max_time: give at least base_time")]
    MaxTime,
    #[error("subscriptions.url: all subgraphs would be sent the same; give a path such as /subscriptions")]
    SubscriptionUrlOfAll,
    #[error(
        "subscriptions.url: \"{0}\" is no path, and begins with none of ws://, wss://, http://, https:// and unix://"
    )]
    SubscriptionUrl(String),
    #[error("subscriptions.url: \"{0}\" is for WebSockets; set protocol to websocket or auto, or give an http:// URL")]
    WebSocketUrl(String),
    #[error("subscriptions.callback.public_url: set it to a URL of this router, since protocol is callback")]
    NoPublicUrl,
    #[error("subscriptions.callback.public_url: \"{0}\" is no http:// or https:// URL with a path such as /callback")]
    PublicUrl(String),
    #[error("subscriptions.dead_after: give at least twice {0}, so that a lost message is no death")]
    DeadAfter(&'static str),
}

impl TrafficConfig {
    /// Checks what the types can't express.
    pub fn check(&self) -> Result<(), TrafficError> {
        if self.all.urls.is_some() {
            return Err(TrafficError { place: "traffic.all".to_owned(), problem: Problem::UrlsOfAll });
        }
        let of_all = self.all.subscriptions.as_ref().and_then(|config| config.url.as_deref());
        if of_all.is_some_and(|url| !url.starts_with('/')) {
            return Err(TrafficError { place: "traffic.all".to_owned(), problem: Problem::SubscriptionUrlOfAll });
        }
        let own = self.subgraphs.iter().map(|(name, traffic)| (format!("traffic.subgraphs.{name}"), traffic));
        for (place, traffic) in std::iter::once(("traffic.all".to_owned(), &self.all)).chain(own) {
            traffic.check().map_err(|problem| TrafficError { place, problem })?;
        }
        Ok(())
    }
}

impl SubgraphTraffic {
    fn check(&self) -> Result<(), Problem> {
        if let Some(urls) = &self.urls {
            check_urls(urls, self.url.is_some())?;
        }
        self.circuit_breaker.as_ref().map_or(Ok(()), CircuitBreakerConfig::check)?;
        self.ejection.as_ref().map_or(Ok(()), EjectionConfig::check)?;
        self.hedge.as_ref().map_or(Ok(()), HedgeConfig::check)?;
        self.subscriptions.as_ref().map_or(Ok(()), SubscriptionTrafficConfig::check)
    }
}

fn check_urls(urls: &[String], has_url: bool) -> Result<(), Problem> {
    if has_url {
        return Err(Problem::UrlAndUrls);
    }
    if urls.is_empty() {
        return Err(Problem::NoUrls);
    }
    if urls.len() > MAX_URLS {
        return Err(Problem::TooManyUrls(urls.len()));
    }
    let mut seen = BTreeSet::new();
    match urls.iter().find(|url| !seen.insert(url.as_str())) {
        Some(url) => Err(Problem::SameUrl(url.clone())),
        None => Ok(()),
    }
}

impl CircuitBreakerConfig {
    fn check(&self) -> Result<(), Problem> {
        at_least_10ms("circuit_breaker.window", self.window)?;
        at_least_10ms("circuit_breaker.open_time", self.open_time)?;
        at_least_one("circuit_breaker.min_requests", self.min_requests)?;
        at_least_one("circuit_breaker.probes", self.probes)?;
        up_to("circuit_breaker.failure_ratio", self.failure_ratio, 1.0)
    }
}

impl EjectionConfig {
    fn check(&self) -> Result<(), Problem> {
        at_least_10ms("ejection.window", self.window)?;
        at_least_10ms("ejection.base_time", self.base_time)?;
        at_least_one("ejection.min_requests", self.min_requests)?;
        at_least_one("ejection.consecutive_failures", self.consecutive_failures)?;
        up_to("ejection.failure_ratio", self.failure_ratio, 1.0)?;
        share("ejection.max_ejected", self.max_ejected)?;
        if self.max_time.0 < self.base_time.0 { Err(Problem::MaxTime) } else { Ok(()) }
    }
}

impl HedgeConfig {
    fn check(&self) -> Result<(), Problem> {
        up_to("hedge.percentile", self.percentile, 99.99)?;
        share("hedge.ratio", self.ratio)
    }
}

impl SubscriptionTrafficConfig {
    fn check(&self) -> Result<(), Problem> {
        if let Some(url) = &self.url {
            let is_websocket = url.starts_with("ws://") || url.starts_with("wss://");
            let is_http = ["http://", "https://", "unix://"].iter().any(|scheme| url.starts_with(scheme));
            if !is_websocket && !is_http && !url.starts_with('/') {
                return Err(Problem::SubscriptionUrl(url.clone()));
            }
            use SubscriptionProtocol::{Auto, Websocket, WebsocketLegacy};
            if is_websocket && !matches!(self.protocol, Auto | Websocket | WebsocketLegacy) {
                return Err(Problem::WebSocketUrl(url.clone()));
            }
        }
        match &self.callback.public_url {
            None if self.protocol == SubscriptionProtocol::Callback => return Err(Problem::NoPublicUrl),
            Some(url) if !is_public(url) => return Err(Problem::PublicUrl(url.clone())),
            _ => {}
        }
        at_least_one("subscriptions.reconnect.max_per_second", self.reconnect.max_per_second)?;
        at_least_one("subscriptions.buffer", self.buffer.min(1) as u32)?;
        at_least_one("subscriptions.max_message_bytes", self.max_message_bytes.0.min(1) as u32)?;
        at_least_10ms("subscriptions.ping_interval", self.ping_interval)?;
        at_least_10ms("subscriptions.ack_timeout", self.ack_timeout)?;
        if self.dead_after.0 < self.ping_interval.0 * 2 {
            return Err(Problem::DeadAfter("ping_interval"));
        }
        let is_called = self.protocol == SubscriptionProtocol::Callback;
        if is_called && self.dead_after.0 < self.callback.heartbeat.0 * 2 {
            return Err(Problem::DeadAfter("callback.heartbeat"));
        }
        Ok(())
    }
}

/// Whether a URL has a path of its own.
fn is_public(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    uri.is_some_and(|uri| uri.path().trim_end_matches('/').len() > 1 && uri.query().is_none())
}

fn at_least_10ms(option: &'static str, given: Duration) -> Result<(), Problem> {
    if given.0.as_millis() < 10 { Err(Problem::TooShort { option }) } else { Ok(()) }
}

fn at_least_one(option: &'static str, given: u32) -> Result<(), Problem> {
    if given == 0 { Err(Problem::Zero { option }) } else { Ok(()) }
}

fn up_to(option: &'static str, given: f64, most: f64) -> Result<(), Problem> {
    if given > 0.0 && given <= most { Ok(()) } else { Err(Problem::Share { option, given, most }) }
}

fn share(option: &'static str, given: f64) -> Result<(), Problem> {
    if (0.0..=1.0).contains(&given) { Ok(()) } else { Err(Problem::OptionalShare { option, given }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        let config: TrafficConfig = braid_settings::from_yaml(yaml).unwrap();
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn what_can_not_be_meant_is_refused_by_its_name() {
        let users = |setting: &str| refused(&format!("subgraphs: {{ users: {{ {setting} }} }}"));
        assert!(
            users("url: \"http://a/\", urls: [\"http://b/\"]")
                .starts_with("traffic.subgraphs.users.urls: set url or urls")
        );
        assert!(users("urls: []").contains("empty"));
        assert!(users("urls: [\"http://a/\", \"http://a/\"]").contains("twice"));
        assert!(refused("all: { urls: [\"http://a/\"] }").contains("under traffic.subgraphs"));
        let ratio = refused("all: { circuit_breaker: { failure_ratio: 50 } }");
        assert_eq!(ratio, "traffic.all.circuit_breaker.failure_ratio: 50 is not a number above 0 and up to 1");
        assert!(users("circuit_breaker: { probes: 0 }").contains("at least 1"));
        assert!(users("circuit_breaker: { window: 1ms }").contains("at least 10ms"));
        assert!(users("ejection: { base_time: 1h }").contains("max_time"));
        assert!(users("ejection: { max_ejected: 2.0 }").contains("from 0 to 1"));
        assert!(users("hedge: { percentile: 100.0 }").contains("99.99"));
        let subscriptions = |setting: &str| users(&format!("subscriptions: {{ {setting} }}"));
        assert!(subscriptions("url: graphql").contains("no path"));
        assert!(subscriptions("protocol: sse, url: \"ws://a/\"").contains("for WebSockets"));
        assert!(subscriptions("protocol: callback").contains("set it to a URL"));
        assert!(subscriptions("callback: { public_url: \"http://a/\" }").contains("such as /callback"));
        assert!(subscriptions("dead_after: 20s").contains("twice ping_interval"));
        assert!(
            subscriptions("protocol: callback, callback: { public_url: \"http://a/b\", heartbeat: 20s }")
                .contains("twice callback.heartbeat")
        );
        assert!(subscriptions("buffer: 0").contains("at least 1"));
        assert!(refused("all: { subscriptions: { url: \"ws://a/\" } }").contains("give a path"));
    }

    #[test]
    fn an_empty_section_means_the_defaults_and_a_subgraph_can_switch_it_off() {
        let yaml =
            "{ all: { circuit_breaker: {}, hedge: {} }, subgraphs: { a: { circuit_breaker: { enabled: false } } } }";
        let config: TrafficConfig = braid_settings::from_yaml(yaml).unwrap();
        config.check().unwrap();
        assert_eq!(config.for_subgraph("b").circuit_breaker, Some(CircuitBreakerConfig::default()));
        assert_eq!(config.for_subgraph("a").circuit_breaker, None);
        assert!(config.for_subgraph("a").hedge.is_some());
        let none = TrafficConfig::default().for_subgraph("a");
        assert!(none.circuit_breaker.is_none() && none.hedge.is_none() && none.ejection.is_some());
    }
}
