//! What can be set about persisted operations. Knows no file and no environment.

use std::path::{Path, PathBuf};

use braid_net::chain;
use braid_net::config::TlsClientConfig;
use braid_redis::check_url;
use braid_settings::{ByteSize, Duration, Secret};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Operations that requests refer to by an id: lists that you publish, and texts that clients register (automatic persisted queries).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersistedOperationsConfig {
    /// Where lists of operations come from. An id that several of them have must have the same text in all.
    pub sources: Vec<SourceConfig>,
    /// Which operations are executed: `allow` executes all; `log_unknown` too, and logs those that are not listed; `safelist` refuses
    /// those; `ids_only` also refuses listed ones that are sent as a text instead of an id.
    pub mode: Mode,
    /// Who may send operations that are not listed, whatever the mode.
    pub exempt: ExemptConfig,
    /// Further places that ids can be in, besides `documentId`, `extensions.persistedQuery` and `doc_id`.
    pub ids: IdsConfig,
    /// Texts that clients register by sending them once with their hash (APQ).
    pub automatic: AutomaticConfig,
    /// How often URLs and buckets are asked for their list; `0s`: only at startup. Files and folders are watched (`reload.watch`).
    pub poll: Duration,
    /// What happens when a listed operation is invalid against the schema: `warn` logs it and serves the others, `refuse` does not put
    /// the new list or schema in use.
    pub on_invalid: OnInvalid,
    /// How many listed operations are compiled before a new list or schema is put in use.
    pub warm_up: usize,
}

impl Default for PersistedOperationsConfig {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            mode: Mode::default(),
            exempt: ExemptConfig::default(),
            ids: IdsConfig::default(),
            automatic: AutomaticConfig::default(),
            poll: Duration::seconds(30),
            on_invalid: OnInvalid::default(),
            warm_up: 1000,
        }
    }
}

/// Where a list of operations comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SourceConfig {
    /// A manifest in Apollo's or Relay's format.
    File(PathBuf),
    /// A folder of `.graphql` files. Each is an operation whose ids are the SHA-256 of its text and the name of the file.
    Folder(PathBuf),
    /// A manifest at an address.
    Url(UrlConfig),
    /// A manifest in a bucket that speaks the protocol of S3.
    Bucket(BucketConfig),
}

/// A manifest at an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UrlConfig {
    /// The address. Redirects are not followed.
    pub url: String,
    /// Headers for the address, by name.
    #[serde(default)]
    pub headers: IndexMap<String, Secret>,
    /// The time that the address can take to answer.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// TLS, for an address at `https://`.
    #[serde(default)]
    pub tls: TlsClientConfig,
}

/// An object in a bucket that speaks the protocol of S3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// The address of the service, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The name of the bucket.
    pub bucket: String,
    /// The key of the object.
    pub object: String,
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The id of the access key. Without it, requests are not signed.
    #[serde(default)]
    pub access_key_id: Option<Secret>,
    /// The secret of the access key.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// The session token of temporary credentials.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// Whether the bucket is a part of the path instead of the host's name.
    #[serde(default)]
    pub path_style: bool,
    /// The time that the service can take to answer.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// TLS, for a service at `https://`.
    #[serde(default)]
    pub tls: TlsClientConfig,
}

/// Which operations are executed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All.
    #[default]
    Allow,
    /// All; those that are not listed are logged and counted.
    LogUnknown,
    /// Listed ones, by id or by text.
    Safelist,
    /// Listed ones by their id.
    IdsOnly,
}

/// What happens when a listed operation is invalid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// It is logged. Requests for it get its errors.
    #[default]
    Warn,
    /// The list, or the schema, is not put in use.
    Refuse,
}

/// Who may send operations that are not listed: whom one of these applies to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExemptConfig {
    /// Requests with one of these headers, whose value is a secret.
    pub headers: Vec<ExemptHeader>,
    /// Verified clients with one of these claims.
    pub claims: Vec<ExemptClaim>,
}

/// A header with a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptHeader {
    /// The header.
    pub name: String,
    /// Its value, at least 16 characters; write it as `${env.NAME}`.
    pub value: Secret,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptClaim {
    /// The path of the claim, such as `realm_access.roles`.
    pub claim: String,
    /// The value that it must have, or contain if it is a list; without it any value will do.
    #[serde(default)]
    pub has: Option<String>,
}

/// Further places that ids can be in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdsConfig {
    /// A path that requests are also taken at, with `{id}` in it: `/graphql/{id}`.
    pub path: Option<String>,
    /// A parameter of the URL.
    pub query_parameter: Option<String>,
}

/// Texts that clients register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AutomaticConfig {
    /// Whether clients can register texts. With `mode: safelist` a registered text must be listed, too; with `ids_only` none is
    /// registered.
    pub enabled: bool,
    /// The memory for registered texts. The least used ones are dropped.
    pub cache: ByteSize,
    /// A Redis server that several routers share registered texts by.
    pub redis: Option<RedisConfig>,
}

impl Default for AutomaticConfig {
    fn default() -> Self {
        Self { enabled: true, cache: ByteSize(16 << 20), redis: None }
    }
}

/// A Redis server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// The address: `redis://user:password@host:6379/0`, `redis+sentinel://host1:26379,host2:26379/master-name` or
    /// `redis+cluster://host1:6379,host2:6379`; with `rediss` instead of `redis` for TLS.
    pub url: Secret,
    /// TLS, for addresses with `rediss`.
    #[serde(default)]
    pub tls: TlsClientConfig,
    /// How long a request waits for Redis; `100ms` if it is not set. When it fails or takes longer, the router does without it until it
    /// answers again.
    #[serde(default = "redis_timeout")]
    pub timeout: Duration,
    /// How long Redis keeps a text; `24h` if it is not set.
    #[serde(default = "redis_ttl")]
    pub ttl: Duration,
    /// What the keys begin with; `braid:apq:` if it is not set.
    #[serde(default = "redis_prefix")]
    pub prefix: String,
}

impl PersistedOperationsConfig {
    /// What the types can't say, and what is seen without looking at files.
    pub fn check(&self) -> Result<(), String> {
        if self.mode != Mode::Allow && self.sources.is_empty() {
            return Err("mode: without sources no operation is listed; give sources, or mode: allow".to_owned());
        }
        if let Some(short) = self.exempt.headers.iter().find(|header| header.value.0.len() < 16) {
            return Err(format!(
                "exempt.headers: the value of \"{}\" has less than 16 characters, so it can be guessed",
                short.name
            ));
        }
        if let Some(wrong) = self.exempt.headers.iter().find(|header| header.name.parse::<http::HeaderName>().is_err())
        {
            return Err(format!("exempt.headers: \"{}\" is not a header name", wrong.name));
        }
        if let Some(path) = &self.ids.path
            && !(path.starts_with('/') && path.matches("{id}").count() == 1 && !path.contains(['?', '#']))
        {
            return Err(format!("ids.path: \"{path}\" must be a path with one {{id}}, such as /graphql/{{id}}"));
        }
        const OTHERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];
        if let Some(name) = self.ids.query_parameter.as_deref().filter(|name| OTHERS.contains(name) || name.is_empty())
        {
            return Err(format!("ids.query_parameter: \"{name}\" can't be the parameter of an id"));
        }
        if let Some(redis) = &self.automatic.redis {
            if redis.timeout.0.is_zero() {
                return Err("automatic.redis.timeout: give at least 1ms".to_owned());
            }
            check_url(&redis.url.0).map_err(|error| format!("automatic.redis.url can't be used: {}", chain(&error)))?;
        }
        let one_key = |bucket: &BucketConfig| bucket.access_key_id.is_some() != bucket.secret_access_key.is_some();
        let buckets = self.sources.iter().filter_map(|source| match source {
            SourceConfig::Bucket(bucket) => Some(bucket),
            _ => None,
        });
        if let Some(bucket) = { buckets }.find(|bucket| one_key(bucket)) {
            return Err(format!(
                "sources: the bucket \"{}\" needs both access_key_id and secret_access_key, or none of them",
                bucket.bucket
            ));
        }
        Ok(())
    }

    /// The files with certificates and keys.
    pub fn certificates(&self) -> impl Iterator<Item = &str> {
        let redis = self.automatic.redis.iter().map(|redis| &redis.tls);
        self.sources.iter().filter_map(SourceConfig::tls).chain(redis).flat_map(TlsClientConfig::files)
    }

    /// Makes the paths of files relative to a folder.
    pub fn resolve_files(&mut self, folder: &Path) {
        let in_folder = |tls: &mut TlsClientConfig| {
            for file in [&mut tls.authorities, &mut tls.certificate, &mut tls.key].into_iter().flatten() {
                *file = folder.join(&*file).to_string_lossy().into_owned();
            }
        };
        for source in &mut self.sources {
            match source {
                SourceConfig::File(path) | SourceConfig::Folder(path) => *path = folder.join(&*path),
                SourceConfig::Url(UrlConfig { tls, .. }) | SourceConfig::Bucket(BucketConfig { tls, .. }) => {
                    in_folder(tls)
                }
            }
        }
        if let Some(redis) = &mut self.automatic.redis {
            in_folder(&mut redis.tls);
        }
    }
}

impl SourceConfig {
    fn tls(&self) -> Option<&TlsClientConfig> {
        match self {
            Self::File(_) | Self::Folder(_) => None,
            Self::Url(UrlConfig { tls, .. }) | Self::Bucket(BucketConfig { tls, .. }) => Some(tls),
        }
    }
}

const fn timeout() -> Duration {
    Duration::seconds(10)
}

const fn redis_timeout() -> Duration {
    Duration::millis(100)
}

const fn redis_ttl() -> Duration {
    Duration::seconds(24 * 60 * 60)
}

fn redis_prefix() -> String {
    "braid:apq:".to_owned()
}

#[cfg(test)]
mod tests {
    use braid_settings::from_yaml;

    use super::*;

    fn check(yaml: &str, expected: &str) {
        let config: PersistedOperationsConfig = from_yaml(yaml).unwrap();
        let found = config.check().err().unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{yaml}: {found}");
    }

    #[test]
    fn what_can_not_work_is_refused() {
        check("{}", "");
        check("{ mode: safelist, sources: [{ file: a.json }] }", "");
        for mode in ["log_unknown", "safelist", "ids_only"] {
            check(&format!("mode: {mode}"), "without sources no operation is listed");
        }
        check("exempt: { headers: [{ name: x-a, value: short }] }", "less than 16 characters");
        check("exempt: { headers: [{ name: 'x a', value: 0123456789abcdef }] }", "not a header name");
        check("ids: { path: '/graphql/{id}' }", "");
        for path in ["graphql/{id}", "/graphql", "/{id}/{id}", "/a?b={id}"] {
            check(&format!("ids: {{ path: '{path}' }}"), "a path with one {id}");
        }
        check("ids: { query_parameter: variables }", "can't be the parameter of an id");
        let bucket = "endpoint: 'http://s3', bucket: shop, object: a.json, region: eu";
        check(&format!("sources: [{{ bucket: {{ {bucket} }} }}]"), "");
        check(&format!("sources: [{{ bucket: {{ {bucket}, access_key_id: a }} }}]"), "\"shop\" needs both");
    }
}
