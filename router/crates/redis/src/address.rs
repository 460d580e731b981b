//! Where a Redis is: one server, one that sentinels know, or a cluster. Knows no connection.

use std::fmt;

use braid_net::config::TlsClientConfig;
use percent_encoding::percent_decode_str;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisError, TlsCertificates};

/// Why a Redis server can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum RedisSetupError {
    /// Its address, or the content of its certificates, is wrong.
    #[error(
        "write the URL as redis://host:6379/0, or rediss:// for TLS, with user:password@ before the host if needed; certificates are PEM files"
    )]
    Settings(#[from] RedisError),
    /// The address of a cluster or of sentinels is wrong.
    #[error("write the URL as {0}")]
    Hosts(&'static str),
    /// A certificate can't be read.
    #[error("{path} can't be read")]
    File {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
}

const SENTINEL: &str = "redis+sentinel://user:password@host1:26379,host2:26379/master-name/0, or rediss+sentinel:// for TLS; user, \
                        password and database can be left out, and ?sentinel_password= gives the password of the sentinels";
const CLUSTER: &str = "redis+cluster://user:password@host1:6379,host2:6379, or rediss+cluster:// for TLS; user and password can be left out";

/// Where a Redis is, and how to show who asks.
pub(crate) enum Address {
    /// One server.
    One(Box<Client>),
    /// The server that sentinels name.
    Sentinel(Sentinels),
    /// A cluster; some of its nodes.
    Cluster(Nodes),
}

/// Nodes of a cluster, or sentinels.
#[derive(Clone)]
pub(crate) struct Nodes {
    pub(crate) hosts: Vec<ConnectionAddr>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    /// Set if TLS is used.
    pub(crate) certificates: Option<TlsCertificates>,
}

/// Sentinels, and which server they are asked for. User and password are those of the server.
#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) nodes: Nodes,
    pub(crate) master: String,
    pub(crate) database: i64,
    pub(crate) sentinel_username: Option<String>,
    pub(crate) sentinel_password: Option<String>,
}

/// Says what is wrong with a URL, if anything is.
pub fn check_url(url: &str) -> Result<(), RedisSetupError> {
    match Parts::of(url)? {
        Some(_) => Ok(()),
        None => Ok(Client::open(url).map(drop)?),
    }
}

/// Whether a URL is one of a cluster, where keys of one command must have the same text in braces.
pub fn is_cluster_url(url: &str) -> bool {
    url.starts_with("redis+cluster://") || url.starts_with("rediss+cluster://")
}

impl Address {
    pub(crate) fn new(url: &str, tls: &TlsClientConfig) -> Result<Self, RedisSetupError> {
        let parts = Parts::of(url)?;
        let is_tls = parts.as_ref().map_or_else(|| url.starts_with("rediss://"), |parts| parts.is_tls);
        let certificates = if is_tls { Some(certificates(tls)?) } else { None };
        let Some(parts) = parts else {
            return Ok(Self::One(Box::new(match certificates {
                Some(certificates) => Client::build_with_tls(url, certificates)?,
                None => Client::open(url)?,
            })));
        };
        let Parts { username, password, .. } = parts;
        let hosts = parts.hosts.into_iter();
        let hosts = hosts.map(|(host, port)| match is_tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        });
        let nodes = Nodes { hosts: hosts.collect(), username, password, certificates };
        Ok(match parts.form {
            Form::Cluster => Self::Cluster(nodes),
            Form::Sentinel { master, database, username, password } => Self::Sentinel(Sentinels {
                nodes,
                master,
                database,
                sentinel_username: username,
                sentinel_password: password,
            }),
        })
    }
}

/// Without what it may show of passwords.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One",
            Self::Sentinel(_) => "Sentinel",
            Self::Cluster(_) => "Cluster",
        })
    }
}

fn certificates(tls: &TlsClientConfig) -> Result<TlsCertificates, RedisSetupError> {
    // The client takes the provider of the process, and panics if there is none and several could be it. One that is there stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let read = |path: &Option<String>| {
        let read = path
            .as_ref()
            .map(|path| std::fs::read(path).map_err(|source| RedisSetupError::File { path: path.clone(), source }));
        read.transpose()
    };
    let client_tls = match (read(&tls.certificate)?, read(&tls.key)?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        _ => None,
    };
    Ok(TlsCertificates { client_tls, root_cert: read(&tls.authorities)? })
}

/// A URL with several hosts.
struct Parts {
    is_tls: bool,
    hosts: Vec<(String, u16)>,
    username: Option<String>,
    password: Option<String>,
    form: Form,
}

#[derive(Debug, PartialEq)]
enum Form {
    Cluster,
    Sentinel { master: String, database: i64, username: Option<String>, password: Option<String> },
}

impl Parts {
    /// `None` if it is the URL of one server.
    fn of(url: &str) -> Result<Option<Self>, RedisSetupError> {
        let Some((scheme, rest)) = url.split_once("://") else { return Ok(None) };
        let (is_tls, is_cluster) = match scheme {
            "redis+cluster" => (false, true),
            "rediss+cluster" => (true, true),
            "redis+sentinel" => (false, false),
            "rediss+sentinel" => (true, false),
            _ => return Ok(None),
        };
        let parts = if is_cluster { Self::cluster(is_tls, rest) } else { Self::sentinel(is_tls, rest) };
        parts.map(Some).ok_or(RedisSetupError::Hosts(if is_cluster { CLUSTER } else { SENTINEL }))
    }

    fn cluster(is_tls: bool, rest: &str) -> Option<Self> {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return None;
        }
        let (username, password, hosts) = authority(rest, 6379)?;
        Some(Self { is_tls, hosts, username, password, form: Form::Cluster })
    }

    fn sentinel(is_tls: bool, rest: &str) -> Option<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (rest, path) = rest.split_once('/')?;
        let (master, database) = path.split_once('/').unwrap_or((path, "0"));
        let (username, password, hosts) = authority(rest, 26379)?;
        let mut sentinel = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            match name {
                "sentinel_username" => sentinel.0 = Some(decode(value)?),
                "sentinel_password" => sentinel.1 = Some(decode(value)?),
                _ => return None,
            }
        }
        let master = decode(master).filter(|master| !master.is_empty())?;
        let database = database.parse().ok().filter(|database| *database >= 0)?;
        let form = Form::Sentinel { master, database, username: sentinel.0, password: sentinel.1 };
        Some(Self { is_tls, hosts, username, password, form })
    }
}

type Authority = (Option<String>, Option<String>, Vec<(String, u16)>);

fn authority(text: &str, port: u16) -> Option<Authority> {
    let (user, hosts) = text.rsplit_once('@').map_or((None, text), |(user, hosts)| (Some(user), hosts));
    let (username, password) = match user {
        None => (None, None),
        Some(user) => {
            let (name, password) = user.split_once(':')?;
            (Some(decode(name)?).filter(|name| !name.is_empty()), Some(decode(password)?))
        }
    };
    let hosts: Option<Vec<_>> = hosts.split(',').map(|host| host_and_port(host, port)).collect();
    Some((username, password, hosts?))
}

fn host_and_port(text: &str, port: u16) -> Option<(String, u16)> {
    // The redis client reads it, so that addresses of one server and of several are read alike.
    let connection = format!("redis://{text}").into_connection_info().ok()?;
    match connection.addr() {
        ConnectionAddr::Tcp(host, given) if !host.is_empty() => {
            let has_port = text.rsplit(']').next().is_some_and(|end| end.contains(':'));
            Some((host.clone(), if has_port { *given } else { port }))
        }
        _ => None,
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_are_read() {
        let parts = Parts::of("rediss+cluster://me:p%40ss@a:1,[::1]:2,c").unwrap().unwrap();
        assert_eq!(parts.hosts, [("a".into(), 1), ("::1".into(), 2), ("c".into(), 6379)]);
        assert_eq!((parts.username.as_deref(), parts.password.as_deref()), (Some("me"), Some("p@ss")));
        assert!(parts.is_tls && parts.form == Form::Cluster);

        let parts = Parts::of("redis+sentinel://:secret@a,b:5/my%20shop/3?sentinel_password=x").unwrap().unwrap();
        assert_eq!(parts.hosts, [("a".into(), 26379), ("b".into(), 5)]);
        assert_eq!((parts.username, parts.password.as_deref()), (None, Some("secret")));
        let password = Some("x".to_owned());
        assert_eq!(parts.form, Form::Sentinel { master: "my shop".into(), database: 3, username: None, password });
    }

    #[test]
    fn wrong_addresses_are_refused() {
        let wrong = [
            "",
            "host:6379",
            "http://host",
            "redis+cluster://",
            "redis+cluster://a/0",
            "redis+cluster://a,,b",
            "redis+cluster://user@a",
            "redis+cluster://a:notaport",
            "redis+sentinel://a",
            "redis+sentinel://a/",
            "redis+sentinel://a/name/x",
            "redis+sentinel://a/name/-1",
            "redis+sentinel://a/name?other=1",
        ];
        for url in wrong {
            assert!(check_url(url).is_err(), "{url}");
        }
        for url in ["redis://a", "rediss://u:p@a:1/2", "redis+cluster://a/", "redis+sentinel://a/name"] {
            check_url(url).unwrap();
        }
    }
}
