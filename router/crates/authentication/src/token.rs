//! A token as it comes: a JSON Web Signature in its compact form (RFC 7515 §7.1) with claims in it (RFC 7519 §7.2). What is read here
//! is not verified. Knows no key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::error::AuthenticationError;
use crate::strict_json;

/// A token that was read and not verified.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// The algorithm that it says it is signed with.
    pub(crate) algorithm: Algorithm,
    /// The id of the key that it says it is signed with.
    pub(crate) key_id: Option<String>,
    /// The header `typ`.
    pub(crate) kind: Option<String>,
    /// What it says.
    pub(crate) claims: Map<String, Value>,
    /// The bytes that are signed.
    pub(crate) signed: &'a [u8],
    /// The signature.
    pub(crate) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token. Where its header says that a key can be found (`jwk`, `jku`, `x5c`, `x5u`) is not looked at: whoever made the
    /// token wrote it.
    pub(crate) fn read(text: &'a str) -> Result<Self, AuthenticationError> {
        let mut parts = text.split('.');
        let (header, payload, signature) = match (parts.next(), parts.next(), parts.next(), parts.count()) {
            (Some(header), Some(payload), Some(signature), 0) => (header, payload, signature),
            // Encrypted tokens have five parts (RFC 7516 §7.1).
            (Some(_), Some(_), Some(_), 2) => return Err(AuthenticationError::Unsupported),
            _ => return Err(AuthenticationError::Malformed),
        };
        let mut fields = json(header)?;
        if fields.contains_key("crit") || fields.contains_key("enc") || fields.contains_key("zip") {
            return Err(AuthenticationError::Unsupported);
        }
        let algorithm = text_of(&mut fields, "alg")?.ok_or(AuthenticationError::Malformed)?;
        let algorithm = Algorithm::named(&algorithm).ok_or(AuthenticationError::Algorithm)?;
        Ok(Self {
            algorithm,
            key_id: text_of(&mut fields, "kid")?,
            kind: text_of(&mut fields, "typ")?,
            claims: json(payload)?,
            signed: &text.as_bytes()[..header.len() + 1 + payload.len()],
            signature: decode(signature)?,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, AuthenticationError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthenticationError::Malformed)
}

fn json(part: &str) -> Result<Map<String, Value>, AuthenticationError> {
    strict_json::object(&decode(part)?).map_err(|_| AuthenticationError::Malformed)
}

fn text_of(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, AuthenticationError> {
    match fields.get_mut(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(std::mem::take(text))),
        Some(_) => Err(AuthenticationError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn tokens_are_read() {
        let text = token(r#"{"alg":"ES256","kid":"a","typ":"JWT","jku":"http://evil"}"#, r#"{"sub":"b"}"#);
        let token = Token::read(&text).unwrap();
        assert_eq!((token.algorithm, token.key_id.as_deref()), (Algorithm::ES256, Some("a")));
        assert_eq!((token.kind.as_deref(), &token.claims["sub"]), (Some("JWT"), &Value::from("b")));
        assert_eq!(token.signed, text.rsplit_once('.').unwrap().0.as_bytes());
        assert_eq!(token.signature, [0, 0, 0]);
    }

    #[test]
    fn what_is_no_signed_token_is_refused() {
        use AuthenticationError::{Algorithm, Malformed, Unsupported};
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        for (text, expected) in [
            (String::new(), Malformed),
            ("..".to_owned(), Malformed),
            ("a.b".to_owned(), Malformed),
            ("a.b.c.d".to_owned(), Malformed),
            ("a.b.c.d.e".to_owned(), Unsupported),
            (format!("{good}="), Malformed),
            // The last character has bits that mean nothing; only one way of writing is accepted.
            (good.replace("AAAA", "AAB"), Malformed),
            (good.replace("AAAA", "A+/A"), Malformed),
            (token("[]", "{}"), Malformed),
            (token("{}", "{}"), Malformed),
            (token(r#"{"alg":1}"#, "{}"), Malformed),
            (token(r#"{"alg":"ES256","kid":7}"#, "{}"), Malformed),
            (token(r#"{"alg":"ES256","alg":"none"}"#, "{}"), Malformed),
            (token(r#"{"alg":"ES256"}"#, r#"{"sub":"a","sub":"b"}"#), Malformed),
            (token(r#"{"alg":"ES256"}"#, "\"sub\""), Malformed),
            (token(r#"{"alg":"none"}"#, "{}"), Algorithm),
            (token(r#"{"alg":"nOnE"}"#, "{}"), Algorithm),
            (token(r#"{"alg":""}"#, "{}"), Algorithm),
            (token(r#"{"alg":"ES256","crit":["exp"]}"#, "{}"), Unsupported),
            (token(r#"{"alg":"ES256","crit":[]}"#, "{}"), Unsupported),
        ] {
            assert_eq!(Token::read(&text).unwrap_err(), expected, "{text}");
        }
    }
}
