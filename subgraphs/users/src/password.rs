//! Passwords: what makes one acceptable, hashing and checking. Knows no users and no database.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use prometheus_client::metrics::histogram::Histogram;
use service::{Code, Error, Metrics, metrics};
use tokio::sync::Semaphore;

/// Shorter passwords are refused (NIST SP 800-63B: length is what counts).
pub(crate) const MIN_CHARS: usize = 8;
/// Longer ones are refused too: otherwise a caller could make us hash any amount of text.
pub(crate) const MAX_BYTES: usize = 256;

/// A hash takes 19 MiB and a core, so only a few run at the same time; the others wait.
static HASHING: Hashing = Hashing {
    permits: Semaphore::const_new(4),
    places: Semaphore::const_new(256),
    longest_wait: Duration::from_secs(5),
};

static TOOK: LazyLock<Histogram> = LazyLock::new(|| Histogram::new(metrics::SECONDS));

/// A hash without a known password. Checking a password against it takes as long as a real check.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password").ok());

/// Why a password could not be hashed or checked. It is never the caller's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("the password hash could not be computed")]
    Hash(#[source] argon2::password_hash::Error),
    #[error("the password task did not finish")]
    Task(#[source] tokio::task::JoinError),
    #[error("the service is shutting down")]
    Closed(#[source] tokio::sync::AcquireError),
    #[error("too many passwords are being checked")]
    Busy,
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(
                Code::Unavailable,
                "Too many people are signing in at the moment; try again in a few seconds.",
            ),
            error => Self::internal(error),
        }
    }
}

/// What is wrong with a new password, if anything is.
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
    if password.chars().all(|c| Some(c) == first)
        || COMMON.contains(&lower.as_str())
        || lower == service::sample::PASSWORD
    {
        return Some("this password is one of the first that an attacker tries".to_owned());
    }
    None
}

/// Shows at `/metrics` how long passwords take.
pub(crate) fn show(metrics: &Metrics) {
    let help = "How long it took to hash a password or to check one, with the wait for a turn";
    metrics.add("password_seconds", help, TOOK.clone());
}

/// Computes in advance what checks of unknown users need, so that the first one takes no longer than the others.
pub(crate) fn prepare() {
    tokio::task::spawn_blocking(|| LazyLock::force(&NOBODY));
}

/// Hashes a password for storage, off the async threads.
pub(crate) async fn hash(password: String) -> Result<String, PasswordError> {
    HASHING.run(move || hash_now(&password)).await?
}

/// Checks a password against a stored hash, off the async threads. Without a hash (no such user, or one without a
/// password) it does the same work and returns false, so that the time shows nothing.
pub(crate) async fn verify(password: String, stored: Option<String>) -> Result<bool, PasswordError> {
    let work = move || match stored.as_ref() {
        Some(stored) => verify_now(&password, stored),
        None => {
            if let Some(nobody) = NOBODY.as_ref() {
                verify_now(&password, nobody);
            }
            false
        }
    };
    HASHING.run(work).await
}

/// Limits how many passwords are hashed at the same time, and how long others wait.
struct Hashing {
    permits: Semaphore,
    /// Of those who wait or are served. Whoever finds none free does not even wait.
    places: Semaphore,
    /// After this wait the caller gets an error that asks to try again.
    longest_wait: Duration,
}

impl Hashing {
    /// Does the work off the async threads. The work holds the permit: when a client disconnects, its work continues to run.
    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let began = Instant::now();
        let _place = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        let permit = tokio::time::timeout(self.longest_wait, self.permits.acquire()).await;
        let permit = permit.map_err(|_| PasswordError::Busy)?.map_err(PasswordError::Closed)?;
        let work = move || {
            let _permit = permit;
            work()
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(PasswordError::Task);
        TOOK.observe(began.elapsed().as_secs_f64());
        done
    }
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

/// The most common leaked passwords that are long enough.
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        check("Braid-Sample", true);
        check("my-ADA-secret", true);
        check(&"x1".repeat(129), true);
        check("correct horse battery", false);
        check("Zwölf Boxkämpfer", false);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn callers_who_hang_up_leave_no_work_beyond_the_permits() {
        static TWO: Hashing = Hashing {
            permits: Semaphore::const_new(2),
            places: Semaphore::const_new(8),
            longest_wait: Duration::from_secs(5),
        };
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..40 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let work = TWO.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(30));
                running.fetch_sub(1, Ordering::SeqCst);
            });
            // The client disconnects long before the work is done.
            let _ = tokio::time::timeout(Duration::from_millis(2), work).await;
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?} at once");
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_to_come_back() {
        static NONE: Hashing = Hashing {
            permits: Semaphore::const_new(0),
            places: Semaphore::const_new(8),
            longest_wait: Duration::from_millis(20),
        };
        let refused = NONE.run(|| ()).await.map_err(Error::from);
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_queue_is_bounded_and_those_who_hang_up_leave_it() {
        static FULL: Hashing = Hashing {
            permits: Semaphore::const_new(0),
            places: Semaphore::const_new(3),
            longest_wait: Duration::from_secs(60),
        };
        let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(FULL.run(|| ()))).collect();
        while FULL.places.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let started = std::time::Instant::now();
        assert!(matches!(FULL.run(|| ()).await, Err(PasswordError::Busy)));
        assert!(started.elapsed() < Duration::from_secs(5));
        for one in &waiting {
            one.abort();
        }
        for one in waiting {
            assert!(one.await.unwrap_err().is_cancelled());
        }
        assert_eq!(FULL.places.available_permits(), 3);
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
