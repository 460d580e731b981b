//! The address of a client that asks through proxies. Knows no rule.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the address of a client is found. Rate limits count by it, streams are bounded by it, and header rules can send it to subgraphs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientIpConfig {
    /// The proxies whose header is believed: addresses or networks such as `10.0.0.0/8`. From any other address, the header counts
    /// for nothing.
    pub trusted_proxies: Vec<String>,
    /// The header in which they say whom a request is from.
    pub header: ForwardedHeader,
}

/// The header in which proxies say whom a request is from. The router reads one only: what a proxy does not set, a client can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A proxy that is no address.
#[derive(Debug, thiserror::Error)]
#[error("server.client_ip.trusted_proxies: \"{0}\" is neither an address nor a network; write 10.0.0.1 or 10.0.0.0/8")]
pub struct NoAddress(String);

/// Finds the address of a client.
#[derive(Debug, Default)]
pub struct ClientIp {
    trusted: Vec<IpNet>,
    header: ForwardedHeader,
}

impl ClientIp {
    /// Believes the configured proxies.
    pub fn new(config: &ClientIpConfig) -> Result<Self, NoAddress> {
        let network = |text: &String| {
            let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.into()));
            network.map_err(|_| NoAddress(text.clone()))
        };
        let trusted = config.trusted_proxies.iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { trusted, header: config.header })
    }

    /// The address of the client whose connection, or whose proxy's, is from `peer`.
    ///
    /// Each proxy adds the address that it was called from at the end. So the list is read from its end for as long as the address that
    /// added an entry is trusted: the first that is not is the client. What stands before it, the client may have written.
    pub fn of(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.ip().to_canonical();
        if self.trusted.is_empty() {
            return client;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let lines = headers.get_all(name).iter().rev();
        let entries = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for entry in entries {
            if !self.is_trusted(client) {
                break;
            }
            let address = match self.header {
                ForwardedHeader::XForwardedFor => address(entry),
                ForwardedHeader::Forwarded => forwarded_for(entry),
            };
            // Where an entry says nothing, the proxy that added it is all that is known.
            let Some(address) = address else { break };
            client = address.to_canonical();
        }
        client
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// The `for` of an element of `Forwarded` (RFC 7239 §4). Commas and semicolons occur in no address, so quotes need no other care.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    })?;
    address(value.trim().trim_matches('"'))
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: ForwardedHeader, peer: &str, lines: &[&str], expected: &str) {
        let trusted_proxies = vec!["10.0.0.0/8".to_owned(), "2001:db8:1::/48".to_owned()];
        let client_ip = ClientIp::new(&ClientIpConfig { trusted_proxies, header }).unwrap();
        let mut headers = HeaderMap::new();
        let name = if header == ForwardedHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
        lines.iter().for_each(|line| {
            headers.append(name, line.parse().unwrap());
        });
        let peer: SocketAddr = peer.parse().unwrap();
        assert_eq!(client_ip.of(peer, &headers).to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn the_list_is_read_from_its_end_through_trusted_proxies() {
        let check = |peer, lines: &[&str], expected| check(ForwardedHeader::XForwardedFor, peer, lines, expected);
        check("192.0.2.1:9", &["198.51.100.1"], "192.0.2.1");
        check("10.0.0.1:9", &[], "10.0.0.1");
        check("10.0.0.1:9", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1:9", &["203.0.113.9, 198.51.100.1, 10.1.1.1"], "198.51.100.1");
        check("10.0.0.1:9", &["203.0.113.9", "198.51.100.1", "10.1.1.1"], "198.51.100.1");
        check("10.0.0.1:9", &["198.51.100.1:4711"], "198.51.100.1");
        check("10.0.0.1:9", &["2001:db8::7"], "2001:db8::7");
        check("10.0.0.1:9", &["[2001:db8::7]:80"], "2001:db8::7");
        check("10.0.0.1:9", &["198.51.100.1, unknown"], "10.0.0.1");
        check("10.0.0.1:9", &["198.51.100.1, "], "10.0.0.1");
        check("10.0.0.1:9", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        check("[::ffff:10.0.0.1]:9", &["::ffff:198.51.100.1"], "198.51.100.1");
        check("[2001:db8:1::1]:9", &["198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn forwarded_is_read_by_its_for() {
        let check = |lines: &[&str], expected| check(ForwardedHeader::Forwarded, "10.0.0.1:9", lines, expected);
        check(&["for=198.51.100.1"], "198.51.100.1");
        check(&["for=203.0.113.9, For=\"198.51.100.1:80\";proto=https;by=10.0.0.1"], "198.51.100.1");
        check(&["proto=https; for=\"[2001:db8::7]:80\""], "2001:db8::7");
        check(&["for=_hidden"], "10.0.0.1");
        check(&["for=unknown, by=10.0.0.9"], "10.0.0.1");
    }

    #[test]
    fn without_trusted_proxies_headers_count_for_nothing() {
        let client_ip = ClientIp::new(&ClientIpConfig::default()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        assert_eq!(client_ip.of("10.0.0.1:9".parse().unwrap(), &headers).to_string(), "10.0.0.1");
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        let config = ClientIpConfig { trusted_proxies: vec!["10.0.0.0/33".to_owned()], ..ClientIpConfig::default() };
        assert!(ClientIp::new(&config).unwrap_err().to_string().contains("write 10.0.0.1 or 10.0.0.0/8"));
    }
}
