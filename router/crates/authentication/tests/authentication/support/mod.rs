//! Issuers of tokens, and an address that gives their keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use braid_authentication::config::AuthenticationConfig;
use braid_authentication::{AuthenticationError, Authenticator};
use braid_request_context::Identity;
use braid_request_context::identity::Principal;
use braid_settings::from_yaml;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Somebody with a key.
pub struct Issuer {
    pub key: EncodingKey,
    pub header: Header,
    /// The public key.
    pub jwk: Value,
}

impl Issuer {
    pub fn es256(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self::new(id, EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), Algorithm::ES256)
    }

    pub fn eddsa(id: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        Self::new(id, EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()), Algorithm::EdDSA)
    }

    fn new(id: &str, key: EncodingKey, algorithm: Algorithm) -> Self {
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
        Self { key, header, jwk: serde_json::to_value(jwk).unwrap() }
    }

    /// A token with these claims instead of the usual ones; those that are null are left out.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header, claims)
    }

    pub fn token_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, &usual(claims), &self.key).unwrap()
    }
}

/// The claims of a good token, but for those that are given.
pub fn usual(claims: &Value) -> Value {
    let mut all = json!({ "iss": "https://id.example/", "aud": "shop", "sub": "grace", "exp": now() + 60 });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    all
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub fn set(keys: &[&Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub fn authenticator(yaml: &str) -> Authenticator {
    Authenticator::new(&from_yaml(yaml).unwrap(), None).unwrap()
}

/// With one provider, whose keys come from `keys` (in YAML).
pub fn config(keys: &str) -> AuthenticationConfig {
    let yaml = format!(
        "jwt: {{ providers: [{{ name: id, issuers: [\"https://id.example/\"], audiences: [shop, till], keys: {keys} }}] }}"
    );
    from_yaml(&yaml).unwrap()
}

/// That trusts these public keys.
pub fn trusting(keys: &[&Value]) -> Authenticator {
    Authenticator::new(&config(&json!({ "inline": keys }).to_string()), None).unwrap()
}

/// Who has this token.
pub async fn bearer(authenticator: &Authenticator, token: &str) -> Result<Arc<Principal>, AuthenticationError> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    match authenticator.authenticate(&headers, None, Instant::now() + Duration::from_secs(60)).await? {
        Identity::Known(principal) => Ok(principal),
        Identity::Anonymous => panic!("a token is not anonymous"),
    }
}

/// An address that gives keys.
#[derive(Clone)]
pub struct Address {
    pub url: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

#[derive(Clone)]
pub enum Answer {
    /// A status and a body.
    With(u16, String),
    /// Never.
    Hang,
}

impl Address {
    pub async fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let address = Self { url, answer: Arc::new(Mutex::new(answer)), asked: Arc::default() };
        let served = address.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let address = served.clone();
                tokio::spawn(async move {
                    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => head.extend_from_slice(&buffer[..read]),
                        }
                    }
                    address.asked.fetch_add(1, Ordering::SeqCst);
                    let answer = address.answer.lock().unwrap().clone();
                    let Answer::With(status, body) = answer else { return std::future::pending().await };
                    let length = body.len();
                    let text =
                        format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                    let _ = stream.write_all(text.as_bytes()).await;
                });
            }
        });
        address
    }

    /// One that gives these keys.
    pub async fn of(keys: &[&Value]) -> Self {
        Self::new(Answer::With(200, set(keys))).await
    }

    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// With a provider that has its keys here. `more` is added to the address's settings.
    pub fn config(&self, more: &str) -> AuthenticationConfig {
        config(&format!("{{ url: {{ url: \"{}\"{more} }} }}", self.url))
    }

    /// The same, with the first fetch over.
    pub async fn authenticator(&self, more: &str) -> Authenticator {
        let before = self.asked();
        let authenticator = Authenticator::new(&self.config(more), None).unwrap();
        while self.asked() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        authenticator
    }
}
