//! Random secrets that the service hands out, and the hashes by which it knows them again. Knows no table.

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use service::{Error, Result};

/// Random bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal(anyhow::anyhow!("the system has no random numbers")))?;
    Ok(bytes)
}

/// What is stored of a secret. It is random, so a fast hash is enough.
pub(crate) fn hash(secret: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret).as_ref().to_vec()
}

/// A secret out of another, which nobody can compute who does not know both it and the salt.
pub(crate) fn derive(salt: &[u8], secret: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret).as_ref().to_vec()
}

/// As text for URLs and JSON.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text, if it has that many.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Far longer texts are not even looked at.
    let fits = text.len() <= N * 2;
    fits.then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?.try_into().ok()
}

/// A new token and its hash.
pub(crate) fn token() -> Result<(String, Vec<u8>)> {
    let bytes = random::<32>()?;
    Ok((encode(&bytes), hash(&bytes)))
}

/// The hash of a token that was handed out as text; none if it can't be one.
pub(crate) fn token_hash(text: &str) -> Option<Vec<u8>> {
    decode::<32>(text.trim()).map(|bytes| hash(&bytes))
}

/// A password for one use: 100 random bits that can be read aloud and typed.
pub(crate) fn one_time_password() -> Result<String> {
    readable::<20>(5)
}

/// A code for one use in place of that of an app: 80 random bits that can be read aloud and typed.
pub(crate) fn recovery_code() -> Result<String> {
    readable::<16>(4)
}

/// Characters of the alphabet, which are five random bits each, in groups.
fn readable<const N: usize>(group: usize) -> Result<String> {
    let characters = random::<N>()?.map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()]);
    let groups: Vec<String> =
        characters.chunks(group).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(groups.join("-"))
}

/// Such a text as it was written, whether it was typed in capitals, in other groups, or with a letter that looks like a digit.
pub(crate) fn as_written(typed: &str) -> String {
    let characters = typed.chars().filter(|c| c.is_alphanumeric()).take(LONGEST_TYPED);
    let look_alike = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    };
    characters.map(look_alike).collect()
}

/// Nothing longer is written so.
const LONGEST_TYPED: usize = 64;

/// 32 characters, none of which looks like another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        let (text, stored) = token().unwrap();
        assert_eq!(token_hash(&format!(" {text}\n")), Some(stored.clone()));
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &"A".repeat(1 << 20), "ä"] {
            assert_ne!(token_hash(wrong), Some(stored.clone()));
        }
        assert_ne!(token().unwrap().0, text);
    }

    #[test]
    fn recovery_codes_are_known_however_they_are_typed() {
        let code = recovery_code().unwrap();
        assert_eq!((code.len(), code.split('-').count()), (19, 4));
        let written = as_written(&code);
        assert_eq!(written.len(), 16);
        assert_eq!(as_written(&format!(" {} ", code.to_uppercase().replace('-', " "))), written);
        assert_eq!(as_written("OIL0-1abc"), "01101abc");
        assert_eq!(as_written(&"a".repeat(1 << 20)).len(), LONGEST_TYPED);
        assert_ne!(recovery_code().unwrap(), code);
    }

    #[test]
    fn one_time_passwords_are_strong_and_readable() {
        let password = one_time_password().unwrap();
        assert_eq!(password.len(), 23);
        assert!(password.split('-').all(|group| group.len() == 5 && group.bytes().all(|b| ALPHABET.contains(&b))));
        assert_ne!(password, one_time_password().unwrap());
        assert_eq!(crate::password::weakness(&password, "ada"), None);
    }
}
