//! The `Cache-Control` of a response (RFC 9111 §5.2.2, RFC 5861): read, merged and written. In doubt, the reading is the stricter one. Knows no
//! cache.

use std::fmt::{self, Display, Formatter};

use http::HeaderValue;

/// What a response says about keeping it. Times are seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// For how long it is fresh. One that can't be read counts as 0, and of several the shortest counts.
    pub max_age: Option<u64>,
    /// The same for shared caches alone, where it differs.
    pub s_maxage: Option<u64>,
    /// Nobody may keep it. Also set if a header can't be read at all: what it forbids is not known.
    pub no_store: bool,
    /// It may be kept, but not be used again without asking. Set whether or not the directive is limited to some headers.
    pub no_cache: bool,
    /// It is for one client alone. Set whether or not the directive is limited to some headers.
    pub private: bool,
    /// It may be kept by shared caches even if the request had credentials.
    pub public: bool,
    /// It may never be used stale.
    pub must_revalidate: bool,
    /// The same for shared caches alone.
    pub proxy_revalidate: bool,
    /// For how long it may be used stale while somebody asks again.
    pub stale_while_revalidate: Option<u64>,
    /// For how long it may be used stale when asking again fails.
    pub stale_if_error: Option<u64>,
}

impl CacheControl {
    /// What may be kept by nobody.
    pub const NO_STORE: Self = Self {
        max_age: None,
        s_maxage: None,
        no_store: true,
        no_cache: false,
        private: false,
        public: false,
        must_revalidate: false,
        proxy_revalidate: false,
        stale_while_revalidate: None,
        stale_if_error: None,
    };

    /// Reads all `Cache-Control` headers of a response. Unknown directives count as absent.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut read = Self::default();
        for value in values {
            match value.to_str().ok().and_then(split) {
                Some(directives) => directives.into_iter().for_each(|(name, value)| read.directive(name, value)),
                None => read.no_store = true,
            }
        }
        read
    }

    fn directive(&mut self, name: &str, value: Option<&str>) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("max-age") {
            shorten(&mut self.max_age, seconds(value).unwrap_or(0));
        } else if is("s-maxage") {
            shorten(&mut self.s_maxage, seconds(value).unwrap_or(0));
        } else if is("stale-while-revalidate") {
            shorten(&mut self.stale_while_revalidate, seconds(value).unwrap_or(0));
        } else if is("stale-if-error") {
            shorten(&mut self.stale_if_error, seconds(value).unwrap_or(0));
        } else {
            self.no_store |= is("no-store");
            self.no_cache |= is("no-cache");
            self.private |= is("private");
            self.public |= is("public");
            self.must_revalidate |= is("must-revalidate");
            self.proxy_revalidate |= is("proxy-revalidate");
        }
    }

    /// What may be done with something that is made of both: no more than each of them allows. One that does not say for how long it is
    /// fresh is not.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.no_store || other.no_store {
            return Self::NO_STORE;
        }
        let shared = |of: Self| of.s_maxage.or(of.max_age).unwrap_or(0);
        let has_shared = self.s_maxage.is_some() || other.s_maxage.is_some();
        let both = |a: Option<u64>, b: Option<u64>| Some(a?.min(b?));
        Self {
            max_age: Some(self.max_age.unwrap_or(0).min(other.max_age.unwrap_or(0))),
            s_maxage: has_shared.then(|| shared(self).min(shared(other))),
            no_store: false,
            no_cache: self.no_cache || other.no_cache,
            private: self.private || other.private,
            public: self.public && other.public,
            must_revalidate: self.must_revalidate || other.must_revalidate,
            proxy_revalidate: self.proxy_revalidate || other.proxy_revalidate,
            stale_while_revalidate: both(self.stale_while_revalidate, other.stale_while_revalidate),
            stale_if_error: both(self.stale_if_error, other.stale_if_error),
        }
    }

    /// The header that says so.
    pub fn to_value(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static("no-store"))
    }
}

impl Display for CacheControl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.no_store {
            return f.write_str("no-store");
        }
        let mut separator = "";
        let times = [
            ("max-age", self.max_age),
            // Shared caches don't keep what is private.
            ("s-maxage", self.s_maxage.filter(|_| !self.private)),
            ("stale-while-revalidate", self.stale_while_revalidate),
            ("stale-if-error", self.stale_if_error),
        ];
        for (name, seconds) in times {
            if let Some(seconds) = seconds {
                write!(f, "{separator}{name}={seconds}")?;
                separator = ", ";
            }
        }
        let flags = [
            ("no-cache", self.no_cache),
            ("private", self.private),
            ("public", self.public && !self.private),
            ("must-revalidate", self.must_revalidate),
            ("proxy-revalidate", self.proxy_revalidate),
        ];
        for (name, is_set) in flags {
            if is_set {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

fn shorten(time: &mut Option<u64>, to: u64) {
    *time = Some(time.map_or(to, |time| time.min(to)));
}

/// Seconds (RFC 9111 §1.2.2). More than a number can hold is as much as it can hold.
fn seconds(value: Option<&str>) -> Option<u64> {
    let digits = value?.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// The directives of a header; `None` if a quotation has no end, so that nobody knows what belongs to it.
fn split(text: &str) -> Option<Vec<(&str, Option<&str>)>> {
    let mut directives = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                directives.push(directive(text.get(start..at)?));
                start = at + 1;
            }
            _ => {}
        }
    }
    directives.push(directive(text.get(start..)?));
    (!is_quoted).then_some(directives)
}

fn directive(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        None => (text.trim(), None),
        Some((name, value)) => {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (name.trim(), Some(quoted.unwrap_or(value)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> CacheControl {
        let values: Vec<_> = values.iter().map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap()).collect();
        CacheControl::parse(&values)
    }

    fn check(values: &[&str], expected: &str) {
        assert_eq!(read(values).to_string(), expected, "{values:?}");
    }

    #[test]
    fn directives_are_read() {
        check(&["max-age=60"], "max-age=60");
        check(&["Public, MAX-AGE=60 , s-maxage=\"30\""], "max-age=60, s-maxage=30, public");
        check(&["private", "max-age=5, must-revalidate"], "max-age=5, private, must-revalidate");
        check(&["no-cache, proxy-revalidate"], "no-cache, proxy-revalidate");
        check(
            &["max-age=1, stale-while-revalidate=2, stale-if-error=3"],
            "max-age=1, stale-while-revalidate=2, stale-if-error=3",
        );
        check(&["max-age=1, no-store"], "no-store");
        check(&["", " , ,", "immutable, no-transform, x=\"a, no-store\""], "");
    }

    #[test]
    fn in_doubt_it_is_stricter() {
        check(&["max-age=60, max-age=30, max-age=90"], "max-age=30");
        check(&["max-age=60", "s-maxage=20, s-maxage=10"], "max-age=60, s-maxage=10");
        check(&["public, private"], "private");
        for unreadable in ["max-age=1e99", "max-age=-1", "max-age", "max-age=", "max-age=6 0"] {
            let of = read(&[unreadable, "public"]);
            assert_eq!(of.max_age, Some(0), "{unreadable}");
        }
        check(&["max-age=99999999999999999999999"], "max-age=18446744073709551615");
        check(&["private=\"set-cookie, x\", max-age=5"], "max-age=5, private");
        check(&["no-cache=\"set-cookie\""], "no-cache");
        check(&["private=\"a, no-store"], "no-store");
        check(&["max-age=\"60"], "no-store");
        check(&["max-age=5, x=\"\\\", private\", public"], "max-age=5, public");
        check(&["max-age=5", "é"], "no-store");
    }

    #[test]
    fn both_must_allow_it() {
        let check = |a: &str, b: &str, expected: &str| {
            assert_eq!(read(&[a]).and(read(&[b])).to_string(), expected, "{a} and {b}");
            assert_eq!(read(&[b]).and(read(&[a])).to_string(), expected, "{b} and {a}");
        };
        check("max-age=60, public", "max-age=30, public", "max-age=30, public");
        check("max-age=60, public", "max-age=30", "max-age=30");
        check("max-age=60, public", "public", "max-age=0, public");
        check("max-age=60, public", "private, max-age=90", "max-age=60, private");
        check("max-age=60", "no-store", "no-store");
        check("max-age=60, private", "no-cache", "max-age=0, no-cache, private");
        check("max-age=60", "max-age=60, s-maxage=0", "max-age=60, s-maxage=0");
        check("max-age=60", "max-age=10, s-maxage=90, must-revalidate", "max-age=10, s-maxage=60, must-revalidate");
        check("max-age=9, stale-if-error=9", "max-age=9", "max-age=9");
        check("max-age=9, stale-if-error=9", "max-age=9, stale-if-error=5", "max-age=9, stale-if-error=5");
    }
}
