//! What a response says about keeping it (RFC 9111, RFC 5861), and what the settings say where it does not. Knows no entry.

use std::time::Duration;

use braid_cache_store::{Lifetime, Millis};
use braid_request_context::SubgraphContext;
use braid_request_context::cache_control::CacheControl;
use braid_supergraph::SubgraphId;
use http::header::{self, HeaderMap, HeaderName};

use crate::rules::Rules;

/// For whom something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Public,
    /// For the viewer who asked.
    Private,
}

/// What a response says about keeping it, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// When it was made.
    since: Millis,
    /// Its own lifetime.
    max_age: Option<Duration>,
    is_private: bool,
    /// Whether the client's credentials were in the request, and nothing says that the response is for others too.
    is_for_somebody: bool,
    stale_while_revalidate: Option<Duration>,
    stale_if_error: Option<Duration>,
    must_revalidate: bool,
}

/// Why a response is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// Its status is not 200.
    Status,
    /// It says so.
    NoStore,
    /// It sets a cookie, so it is for one client whatever else it says.
    Cookie,
    /// It depends on a header that is not part of the key.
    Vary,
}

/// What was sent with the request to which a response came.
pub(crate) struct Sent<'a> {
    pub(crate) subgraph: SubgraphId,
    pub(crate) context: &'a SubgraphContext,
    /// Whether the subgraph was shown who asks.
    pub(crate) with_credentials: bool,
    /// The headers that are part of the key.
    pub(crate) vary: &'a [HeaderName],
}

impl Said {
    /// Reads the head of a response.
    pub(crate) fn new(
        status: u16,
        headers: &HeaderMap,
        sent: &Sent<'_>,
        rules: &Rules,
        now: Millis,
    ) -> Result<Self, NotKept> {
        if status != 200 {
            return Err(NotKept::Status);
        }
        let control = CacheControl::parse(headers.get_all(header::CACHE_CONTROL).iter());
        if control.no_store || control.no_cache {
            return Err(NotKept::NoStore);
        }
        if headers.contains_key(header::SET_COOKIE) {
            return Err(NotKept::Cookie);
        }
        if varies(headers, sent) {
            return Err(NotKept::Vary);
        }
        let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()?.trim().parse::<u64>().ok()).unwrap_or(0);
        let is_public = control.public || control.s_maxage.is_some() || control.must_revalidate;
        let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        Ok(Self {
            since: now.saturating_sub(age.saturating_mul(1000)),
            max_age: seconds(control.s_maxage.or(control.max_age)),
            is_private: control.private,
            is_for_somebody: sent.with_credentials && !is_public && !rules.public_with_credentials,
            stale_while_revalidate: seconds(control.stale_while_revalidate),
            stale_if_error: seconds(control.stale_if_error),
            must_revalidate: control.must_revalidate,
        })
    }

    /// How long, and for whom, something of a type is kept that came with the response. `None` if it is not, because nothing gives it a
    /// lifetime, or it is over.
    pub(crate) fn lifetime(
        &self,
        rules: &Rules,
        ty: &str,
        now: Millis,
        longest: Duration,
    ) -> Option<(Lifetime, Scope)> {
        let (max_age, is_private) = match (self.max_age, rules.types.get(ty)) {
            (Some(own), _) => (own, self.is_private || self.is_for_somebody),
            (None, Some(set)) => (set.max_age.0, self.is_private || set.private),
            (None, None) => (rules.max_age?, self.is_private || rules.private),
        };
        let after = |at: Millis, time: Duration| at.saturating_add(time.as_millis().try_into().unwrap_or(Millis::MAX));
        let end = after(now, longest);
        let fresh_until = after(self.since, max_age).min(end);
        if fresh_until <= now {
            return None;
        }
        let stale = |own: Option<Duration>, set: Duration| match self.must_revalidate {
            true => fresh_until,
            false => after(fresh_until, own.unwrap_or(set)).min(end),
        };
        let lifetime = Lifetime {
            since: self.since,
            fresh_until,
            revalidate_until: stale(self.stale_while_revalidate, rules.stale_while_revalidate),
            on_error_until: stale(self.stale_if_error, rules.stale_if_error),
        };
        Some((lifetime, if is_private { Scope::Private } else { Scope::Public }))
    }
}

/// Whether a response depends on a header that other clients may send otherwise, and that is not part of the key.
fn varies(headers: &HeaderMap, sent: &Sent<'_>) -> bool {
    let names = headers.get_all(header::VARY).iter().map(|value| value.to_str().unwrap_or("*"));
    names.flat_map(|names| names.split(',')).map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        match HeaderName::try_from(name) {
            // Anything at all (RFC 9110 §12.5.5).
            Ok(name) if name.as_str() == "*" => true,
            Ok(name) => !sent.vary.contains(&name) && sent.context.may_forward(sent.subgraph, &name),
            Err(_) => true,
        }
    })
}
