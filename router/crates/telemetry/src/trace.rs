//! W3C trace context (<https://www.w3.org/TR/trace-context/>): reads a client's `traceparent` and writes one for each subgraph request.
//! If spans are exported, the ids are those of the spans.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::TraceConfig;
use crate::otlp::{Exporter, Recorder, Span};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace of a request, and a span in it.
#[derive(Debug, Clone)]
pub struct TraceContext {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) flags: u8,
    pub(super) state: Option<HeaderValue>,
    /// Records child spans, if the trace is recorded.
    pub(super) recorder: Option<Recorder>,
}

impl TraceContext {
    /// The span of a client's request, if it has a trace.
    pub fn of_request(config: &TraceConfig, headers: &HeaderMap, exporter: Option<&Exporter>) -> Option<Span> {
        let given = || headers.get(TRACEPARENT).and_then(|value| Self::read(value.as_bytes()));
        let client = config.propagate.then(given).flatten().map(|mut context| {
            context.state = headers.get(TRACESTATE).cloned();
            context
        });
        match exporter {
            Some(exporter) => Some(exporter.recorder().request(client)),
            None => client.or_else(|| config.begin.then(Self::new)).map(Span::unrecorded),
        }
    }

    fn new() -> Self {
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&random().to_be_bytes());
        trace[8..].copy_from_slice(&random().to_be_bytes());
        Self { trace, span: random().to_be_bytes(), flags: 1, state: None, recorder: None }
    }

    fn read(value: &[u8]) -> Option<Self> {
        // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01; later versions may be longer.
        let (version, rest) = (value.get(..2)?, value.get(2..)?);
        let well_formed = rest.len() >= 53 && (rest[0], rest[33], rest[50]) == (b'-', b'-', b'-');
        let ends = rest.len() == 53 || (version != b"00" && rest.get(53) == Some(&b'-'));
        if !well_formed || !ends || lower_hex::<1>(version)? == [0xff] {
            return None;
        }
        let (trace, span) = (lower_hex::<16>(&rest[1..33])?, lower_hex::<8>(&rest[34..50])?);
        let [flags] = lower_hex::<1>(&rest[51..53])?;
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, flags, state: None, recorder: None })
    }

    /// A child span for a request to a subgraph.
    pub fn fetch(&self, subgraph: &str) -> Span {
        let mut span = self.call(|| format!("fetch {subgraph}"));
        if span.is_recorded() {
            span.set("subgraph.name", subgraph.to_owned());
        }
        span
    }

    /// A child span for a call to another program. The name is only made if the span is recorded.
    pub fn call<N: Into<Cow<'static, str>>>(&self, name: impl FnOnce() -> N) -> Span {
        match &self.recorder {
            Some(recorder) => recorder.call(self, name().into(), Duration::ZERO),
            None => Span::unrecorded(Self { span: random().to_be_bytes(), ..self.clone() }),
        }
    }

    /// A child span for a call that took `took` until now; none if the trace is not recorded.
    pub fn called(&self, name: impl Into<Cow<'static, str>>, took: Duration) -> Option<Span> {
        self.recorder.as_ref().map(|recorder| recorder.call(self, name.into(), took))
    }

    /// A child span for code in this process that ran for `took` until now; none if the trace is not recorded.
    pub fn ran<N: Into<Cow<'static, str>>>(&self, name: impl FnOnce() -> N, took: Duration) -> Option<Span> {
        self.recorder.as_ref().map(|recorder| recorder.ran(self, name().into(), took))
    }

    /// A child span for an event of a subscription.
    pub fn event(&self) -> Span {
        match &self.recorder {
            Some(recorder) => recorder.event(self),
            None => Span::unrecorded(Self { span: random().to_be_bytes(), ..self.clone() }),
        }
    }

    /// Records that an operation was parsed and, unless it was refused, planned until now.
    pub fn compiled(&self, took: Duration, planned_in: Option<Duration>, code: Option<&str>) {
        if let Some(recorder) = &self.recorder {
            recorder.compiled(self, took, planned_in, code);
        }
    }

    /// The trace id in hexadecimal.
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    /// Sets the headers `traceparent` and `tracestate`.
    pub fn write(&self, headers: &mut HeaderMap) {
        let text = format!("00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(TRACEPARENT, value);
        }
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
    }
}

/// A random id: never zero, unique in this process, and very unlikely to occur in another process.
pub fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    static SEED: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    xxhash_rust::xxh3::xxh3_64_with_seed(&count.to_le_bytes(), seed).max(1)
}

/// A random number from 0 to 1, to spread over a time what would otherwise happen at once.
pub fn random_share() -> f64 {
    random() as f64 / u64::MAX as f64
}

fn lower_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (text.len() == 2 * N).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(traceparent: &'static str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(traceparent));
        let span = TraceContext::of_request(&TraceConfig::default(), &headers, None);
        let child = span.map(|span| {
            let mut out = HeaderMap::new();
            span.context().fetch("users").context().write(&mut out);
            out[TRACEPARENT].to_str().unwrap().to_owned()
        });
        let without_span = child.map(|text| format!("{}…{}", &text[..35], &text[52..]));
        assert_eq!(without_span.as_deref(), expected);
    }

    #[test]
    fn a_valid_trace_is_continued() {
        let same = Some("00-0af7651916cd43dd8448eb211c80319c…-01");
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", same);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", same);
    }

    #[test]
    fn a_malformed_trace_is_ignored() {
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", None);
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", None);
        check("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None);
        check("00-0af7", None);
    }
}
