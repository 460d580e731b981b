//! A key that verifies signatures, out of a JSON Web Key (RFC 7517) or a secret. The key and the configuration say which algorithms it
//! is for; a token only chooses among them. Knows no token and no address.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;

/// A key that verifies signatures.
#[derive(Debug)]
pub(crate) struct VerifyingKey {
    /// Its `kid`.
    pub(crate) id: Option<String>,
    /// What it was made of: by it a key is known again when a set is fetched anew.
    source: Source,
    /// At least one algorithm.
    materials: Vec<(Algorithm, Material)>,
    withdrawn: AtomicBool,
}

#[derive(Debug, PartialEq)]
enum Source {
    Jwk(Map<String, Value>),
    Secret,
}

#[derive(Debug)]
enum Material {
    Public(ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

/// The members of a JSON Web Key that matter here.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

impl VerifyingKey {
    /// The key that a JSON Web Key describes, for those of `accepted` that it is fit for; or why it can't be used.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>, accepted: &[Algorithm]) -> Result<Self, String> {
        let read = Jwk::deserialize(jwk).map_err(|error| format!("it is not a JSON Web Key: {error}"))?;
        if read.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err("it is not for signatures (use)".to_owned());
        }
        if read.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
            return Err("it does not verify (key_ops)".to_owned());
        }
        let named = match &read.alg {
            None => None,
            Some(name) => Some(Algorithm::named(name).ok_or_else(|| format!("its algorithm is {name}"))?),
        };
        let fit = read.fit()?;
        let wanted = fit.iter().filter(|algorithm| named.is_none_or(|named| named == **algorithm));
        let wanted = wanted.filter(|algorithm| accepted.contains(algorithm));
        let materials: Vec<_> =
            wanted.map(|algorithm| Ok((*algorithm, read.material(*algorithm)?))).collect::<Result<_, String>>()?;
        if materials.is_empty() {
            return Err("none of its algorithms is accepted".to_owned());
        }
        Ok(Self { id: read.kid, source: Source::Jwk(jwk.clone()), materials, withdrawn: AtomicBool::new(false) })
    }

    /// A secret that signs and verifies, for those of `accepted` that it is long enough for.
    pub(crate) fn from_secret(secret: &[u8], accepted: &[Algorithm]) -> Result<Self, String> {
        let wanted = accepted.iter().filter(|algorithm| algorithm.is_symmetric());
        let materials: Vec<_> = wanted
            .map(|algorithm| Ok((*algorithm, secret_material(secret, *algorithm)?)))
            .collect::<Result<_, String>>()?;
        if materials.is_empty() {
            return Err("a secret needs HS256, HS384 or HS512 among the algorithms".to_owned());
        }
        Ok(Self { id: None, source: Source::Secret, materials, withdrawn: AtomicBool::new(false) })
    }

    /// Whether it was made of this JSON Web Key.
    pub(crate) fn is_of(&self, jwk: &Map<String, Value>) -> bool {
        matches!(&self.source, Source::Jwk(own) if own == jwk)
    }

    /// Whether it is for this algorithm.
    pub(crate) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.materials.iter().any(|(own, _)| *own == algorithm)
    }

    /// Whether it signed the message.
    pub(crate) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let material = self.materials.iter().find(|(own, _)| *own == algorithm).map(|(_, material)| material);
        match material {
            Some(Material::Public(key)) => key.verify_sig(message, signature).is_ok(),
            Some(Material::Secret(key)) => hmac::verify(key, message, signature).is_ok(),
            None => false,
        }
    }

    /// Its issuer no longer has it. What it signed counts no more.
    pub(crate) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Relaxed);
    }

    /// Whether its issuer has it no longer.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Relaxed)
    }
}

impl Jwk {
    /// The algorithms that a key of this kind can be used with.
    fn fit(&self) -> Result<&'static [Algorithm], String> {
        use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Ok(&[RS256, RS384, RS512, PS256, PS384, PS512]),
            ("EC", Some("P-256")) => Ok(&[ES256]),
            ("EC", Some("P-384")) => Ok(&[ES384]),
            ("EC", Some("P-521")) => Ok(&[ES512]),
            ("OKP", Some("Ed25519")) => Ok(&[EdDSA]),
            ("oct", _) => Ok(&Algorithm::SYMMETRIC),
            (kind, curve) => Err(format!("keys of kind {kind} {} are not supported", curve.unwrap_or_default())),
        }
    }

    fn material(&self, algorithm: Algorithm) -> Result<Material, String> {
        if algorithm.is_symmetric() {
            return secret_material(&bytes("k", self.k.as_deref())?, algorithm);
        }
        if let Some(parameters) = rsa(algorithm) {
            let (n, e) = (bytes("n", self.n.as_deref())?, bytes("e", self.e.as_deref())?);
            let (n, e) = (without_leading_zeros(&n), without_leading_zeros(&e));
            if n.len() < MIN_RSA_BYTES {
                return Err("it has less than 2048 bits".to_owned());
            }
            let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters);
            return key.map(Material::Public).map_err(|error| format!("it is not an RSA key: {error}"));
        }
        let (primitive, size): (&'static dyn VerificationAlgorithm, _) = match algorithm {
            Algorithm::ES256 => (&signature::ECDSA_P256_SHA256_FIXED, 32),
            Algorithm::ES384 => (&signature::ECDSA_P384_SHA384_FIXED, 48),
            Algorithm::ES512 => (&signature::ECDSA_P521_SHA512_FIXED, 66),
            _ => (&signature::ED25519, 32),
        };
        let x = bytes("x", self.x.as_deref())?;
        let public = match algorithm {
            Algorithm::EdDSA => x,
            _ => {
                let y = bytes("y", self.y.as_deref())?;
                if x.len() != size || y.len() != size {
                    return Err("its coordinates have the wrong length".to_owned());
                }
                // Not compressed (SEC 1 §2.3.3).
                [&[4][..], &x, &y].concat()
            }
        };
        let key = ParsedPublicKey::new(primitive, public);
        key.map(Material::Public).map_err(|error| format!("it is not a key for {algorithm:?}: {error}"))
    }
}

/// RFC 7518 §3.3.
const MIN_RSA_BYTES: usize = 256;

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bytes(name: &str, text: Option<&str>) -> Result<Vec<u8>, String> {
    let text = text.ok_or_else(|| format!("it has no \"{name}\""))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its \"{name}\" is not base64url"))
}

/// RFC 7518 §3.2: at least as many bytes as the hash has.
fn secret_material(secret: &[u8], algorithm: Algorithm) -> Result<Material, String> {
    let (primitive, least) = match algorithm {
        Algorithm::HS384 => (hmac::HMAC_SHA384, 48),
        Algorithm::HS512 => (hmac::HMAC_SHA512, 64),
        _ => (hmac::HMAC_SHA256, 32),
    };
    if secret.len() < least {
        return Err(format!("the secret has {} bytes; {algorithm:?} needs {least} at least", secret.len()));
    }
    Ok(Material::Secret(Box::new(hmac::Key::new(primitive, secret))))
}
