//! Passwords: what makes one acceptable, hashing and checking. Knows no users and no database.

use std::sync::LazyLock;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Shorter passwords are refused (NIST SP 800-63B: length is what counts).
pub(crate) const MIN_CHARS: usize = 8;
/// Longer ones are refused too: hashing them would be free work for a caller to hand out.
pub(crate) const MAX_BYTES: usize = 256;

/// One hash takes 19 MiB and a core for its time; this many at once, the rest waits.
static HASHING: Semaphore = Semaphore::const_new(4);

/// A hash no password is known for. Checking against it costs what a real check costs.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password").ok());

/// Why a password could not be hashed or checked. Neither is the caller's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("the password hash could not be computed")]
    Hash(#[source] argon2::password_hash::Error),
    #[error("the password task did not finish")]
    Task(#[source] tokio::task::JoinError),
    #[error("the service is shutting down")]
    Closed(#[source] tokio::sync::AcquireError),
}

/// Says what is wrong with a new password, if anything is.
pub(crate) fn weakness(password: &str, username: &str) -> Option<String> {
    if password.chars().count() < MIN_CHARS {
        return Some(format!("a password needs at least {MIN_CHARS} characters"));
    }
    if password.len() > MAX_BYTES {
        return Some(format!("a password may have at most {MAX_BYTES} bytes"));
    }
    let lower = password.to_lowercase();
    if lower.contains(&username.to_lowercase()) {
        return Some("a password must not contain the username".to_owned());
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) || COMMON.contains(&lower.as_str()) {
        return Some("this password is among the first that an attacker tries".to_owned());
    }
    None
}

/// Makes ready what the first check of an unknown user needs, so that it takes no longer than the others.
pub(crate) fn prepare() {
    tokio::task::spawn_blocking(|| LazyLock::force(&NOBODY));
}

/// Hashes a password for storage, off the async threads.
pub(crate) async fn hash(password: String) -> Result<String, PasswordError> {
    blocking(move || hash_now(&password)).await?
}

/// Checks a password against a stored hash, off the async threads. With no hash (no such user, or one without
/// a password) it does the same work and answers no, so that the time taken tells nothing.
pub(crate) async fn verify(password: String, stored: Option<String>) -> Result<bool, PasswordError> {
    blocking(move || match stored.as_ref() {
        Some(stored) => verify_now(&password, stored),
        None => {
            if let Some(nobody) = NOBODY.as_ref() {
                verify_now(&password, nobody);
            }
            false
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
    let _permit = HASHING.acquire().await.map_err(PasswordError::Closed)?;
    tokio::task::spawn_blocking(work).await.map_err(PasswordError::Task)
}

fn hash_now(password: &str) -> Result<String, PasswordError> {
    let salt = SaltString::generate(&mut OsRng);
    Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(PasswordError::Hash)
}

fn verify_now(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The head of every list of leaked passwords, as far as it is long enough to get here.
const COMMON: &[&str] = &[
    "password",
    "password1",
    "password123",
    "passw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "qwertyuiop",
    "qwerty123",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "letmein1",
    "welcome1",
    "abc12345",
    "11223344",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_named_as_such() {
        let check = |password: &str, weak: bool| {
            assert_eq!(weakness(password, "ada").is_some(), weak, "{password}");
        };
        check("short", true);
        check("ööööööö", true);
        check("aaaaaaaaaaaa", true);
        check("Password123", true);
        check("my-ADA-secret", true);
        check(&"x1".repeat(129), true);
        check("correct horse battery", false);
        check("Zwölf Boxkämpfer", false);
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let stored = hash("correct horse".to_owned()).await.unwrap();
        let verify = async |password: &str, stored: Option<&str>| {
            super::verify(password.to_owned(), stored.map(str::to_owned)).await.unwrap()
        };
        assert!(verify("correct horse", Some(&stored)).await);
        assert!(!verify("correct hors", Some(&stored)).await);
        assert!(!verify("correct horse", None).await);
        assert!(!verify("correct horse", Some("not a hash")).await);
        assert!(!verify("nobody has this password", None).await);
    }
}
