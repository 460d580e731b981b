//! What can be set about authentication. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_settings::{ByteSize, Duration, Secret};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;

/// Who asks. Without any of this, every request is anonymous.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticationConfig {
    /// Whether requests to the endpoint without credentials are refused. Health, metrics and the page need none.
    pub required: bool,
    /// What anonymous clients may ask for nevertheless.
    pub exceptions: Exceptions,
    /// Signed tokens (JWT).
    pub jwt: JwtConfig,
    /// API keys.
    pub api_keys: ApiKeysConfig,
    /// Client certificates, which `server.tls.client_authorities` have signed.
    pub client_certificates: ClientCertificatesConfig,
}

/// What anonymous clients may ask for where credentials are required. Operations that ask for anything else beside it are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exceptions {
    /// Whether they may read the schema, where `exposure.introspection` is on.
    pub introspection: bool,
    /// The root fields that they may ask for, such as `Query.health` or `Mutation.login`.
    pub fields: Vec<String>,
}

impl Exceptions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        !self.introspection && self.fields.is_empty()
    }
}

/// Signed tokens (JWT). The token goes on to subgraphs only if a header rule says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JwtConfig {
    /// Who issues tokens. The token's `iss` chooses among them.
    pub providers: Vec<JwtProvider>,
    /// Where a request's token can be. The first place that has one counts.
    pub sources: Vec<TokenSource>,
    /// The maximum size of a token.
    pub max_token_size: ByteSize,
    /// The memory for tokens that were verified already. They are kept until they expire or their key is withdrawn.
    pub cache: ByteSize,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            sources: vec![
                TokenSource::Header {
                    name: "authorization".to_owned(),
                    prefix: bearer(),
                    ignore_other_prefixes: false,
                },
                TokenSource::ConnectionInit { name: "Authorization".to_owned(), prefix: bearer() },
            ],
            max_token_size: ByteSize(16 << 10),
            cache: ByteSize(16_000_000),
        }
    }
}

/// Somebody who issues tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtProvider {
    /// Its name in logs and metrics.
    pub name: String,
    /// The values that the token's `iss` can have.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// Whether tokens of any issuer, or of none, are accepted: only for keys that sign nothing else.
    #[serde(default)]
    pub any_issuer: bool,
    /// The token's `aud` must have one of these.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether tokens for any audience are accepted, also those that were issued for other services.
    #[serde(default)]
    pub any_audience: bool,
    /// The keys that verify tokens.
    pub keys: KeySource,
    /// The signature algorithms that are accepted. HS256, HS384 and HS512 have to be listed, and go with a secret only.
    #[serde(default = "asymmetric")]
    pub algorithms: Vec<Algorithm>,
    /// The claims that a token must have, besides `iss`, `aud` and `exp`.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// Whether tokens that never expire are accepted.
    #[serde(default)]
    pub allow_missing_exp: bool,
    /// The types that the token's header `typ` must have one of. If empty, `JWT`, `at+jwt` and no type are accepted.
    #[serde(default)]
    pub types: Vec<String>,
    /// How far the issuer's clock and the router's can be apart.
    #[serde(default = "clock_skew")]
    pub clock_skew: Duration,
}

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum KeySource {
    /// A JSON Web Key Set at an address.
    Url(JwksUrl),
    /// A file with a JSON Web Key Set, which is watched.
    File(String),
    /// Public keys as JSON Web Keys.
    Inline(Vec<Map<String, Value>>),
    /// A secret that the issuer and the router share, for HS256, HS384 and HS512: at least 32, 48 or 64 bytes.
    Secret(Secret),
}

/// A JSON Web Key Set at an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwksUrl {
    /// The address. Redirects are not followed.
    pub url: String,
    /// How often the keys are fetched, in the background. A token that names an unknown key has them fetched earlier: twice at once,
    /// and then once in 30 seconds.
    #[serde(default = "poll_interval")]
    pub poll_interval: Duration,
    /// The time that the address can take to answer.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// Headers for the address, by name.
    #[serde(default)]
    pub headers: IndexMap<String, Secret>,
    /// TLS, for an address at `https://`.
    #[serde(default)]
    pub tls: TlsClientConfig,
}

/// A place where a request's token can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TokenSource {
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// What stands before the token, with a space between. If empty, the whole value is the token.
        #[serde(default = "bearer")]
        prefix: String,
        /// Whether the header can have another prefix, as if it were missing. Otherwise the request is refused.
        #[serde(default)]
        ignore_other_prefixes: bool,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
    },
    /// The payload of connection_init, with which a client begins on a WebSocket. Browsers can't set headers there.
    ConnectionInit {
        /// The name of the payload's member, or of a member of its `headers`, in upper or lower case.
        name: String,
        /// What stands before the token, with a space between. If empty, the whole value is the token.
        #[serde(default = "bearer")]
        prefix: String,
    },
}

/// API keys: secrets of programs, of which the router knows only the hashes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiKeysConfig {
    /// The YAML file with the keys' hashes, which is watched. Without it there are no API keys.
    pub file: Option<String>,
    /// The header that a request's key is in. On a WebSocket, the payload of connection_init can have it under the same name.
    pub header: String,
    /// What stands before the key, with a space between. If empty, the whole value is the key.
    pub prefix: String,
}

impl Default for ApiKeysConfig {
    fn default() -> Self {
        Self { file: None, header: "x-api-key".to_owned(), prefix: String::new() }
    }
}

/// Client certificates. They count where a request has no other credentials.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientCertificatesConfig {
    /// Whether a certificate says who asks. Its claims are `sub` (the first alternative name, else the subject), `subject`, `names` and
    /// `fingerprint`.
    pub enabled: bool,
    /// Which certificates are whose; the first that matches counts, and requests with others are anonymous. Without rules, every
    /// certificate says who asks.
    pub rules: Vec<CertificateRule>,
}

/// Whose a certificate is. All that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    /// A name for logs.
    pub name: String,
    /// The SHA-256 of the certificate, in hexadecimal digits.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Its subject, such as `CN=reporting, O=Example`.
    #[serde(default)]
    pub subject: Option<String>,
    /// One of its subject alternative names: a DNS name, a URI or an email address.
    #[serde(default)]
    pub san: Option<String>,
    /// Further claims.
    #[serde(default)]
    pub claims: Map<String, Value>,
}

impl AuthenticationConfig {
    /// What the types can't say, and what is seen without looking at files.
    pub fn check(&self) -> Result<(), String> {
        let Self { required, exceptions, jwt, .. } = self;
        if !required && !exceptions.is_empty() {
            return Err("exceptions: credentials are not required, so nothing is an exception; set required".to_owned());
        }
        if *required && !self.knows_anybody() {
            return Err("required: nobody could send a request; give jwt.providers, api_keys.file or \
                        client_certificates.enabled"
                .to_owned());
        }
        for provider in &jwt.providers {
            provider.check().map_err(|problem| format!("jwt.providers: \"{}\": {problem}", provider.name))?;
        }
        Ok(())
    }

    /// Whether there are credentials that it accepts.
    pub fn knows_anybody(&self) -> bool {
        !self.jwt.providers.is_empty() || self.api_keys.file.is_some() || self.client_certificates.enabled
    }

    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let keys = self.jwt.providers.iter().flat_map(|provider| {
            let (file, tls) = match &provider.keys {
                KeySource::File(file) => (Some(file.as_str()), None),
                KeySource::Url(url) => (None, Some(&url.tls)),
                KeySource::Inline(_) | KeySource::Secret(_) => (None, None),
            };
            file.into_iter().chain(tls.into_iter().flat_map(TlsClientConfig::files))
        });
        keys.chain(self.api_keys.file.as_deref())
    }

    /// The same, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let keys = self.jwt.providers.iter_mut().flat_map(|provider| match &mut provider.keys {
            KeySource::File(file) => [Some(file), None, None],
            KeySource::Url(url) => {
                let TlsClientConfig { authorities, certificate, key } = &mut url.tls;
                [authorities.as_mut(), certificate.as_mut(), key.as_mut()]
            }
            KeySource::Inline(_) | KeySource::Secret(_) => [None, None, None],
        });
        keys.flatten().chain(&mut self.api_keys.file)
    }
}

fn bearer() -> String {
    "Bearer".to_owned()
}

fn asymmetric() -> Vec<Algorithm> {
    Algorithm::ASYMMETRIC.to_vec()
}

const fn clock_skew() -> Duration {
    Duration::seconds(30)
}

const fn poll_interval() -> Duration {
    Duration::seconds(300)
}

const fn timeout() -> Duration {
    Duration::seconds(5)
}
