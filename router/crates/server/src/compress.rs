//! Compresses answers for clients that take it. Knows no GraphQL.

use std::io::Write;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};

use crate::config::CompressionConfig;

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

/// Larger answers are packed on a thread of their own, so that others do not wait.
const INLINE: usize = 64 << 10;

impl Encoding {
    pub(crate) fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        })
    }
}

/// How the client wants an answer of this size.
pub(crate) fn wanted(config: &CompressionConfig, headers: &HeaderMap, size: usize) -> Option<Encoding> {
    if !config.enabled || size < config.min_bytes.0 {
        return None;
    }
    match () {
        () if takes(headers, "br") => Some(Encoding::Brotli),
        () if takes(headers, "gzip") => Some(Encoding::Gzip),
        () => None,
    }
}

/// Whether the client takes bodies with this coding.
pub(crate) fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|part| {
        let mut parts = part.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        named && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Whether a body of some size would be packed for this client.
pub(crate) fn may_be(config: &CompressionConfig, headers: &HeaderMap) -> bool {
    wanted(config, headers, usize::MAX).is_some()
}

/// The packed bytes; `None` when packing failed, which sends them as they are.
pub(crate) async fn pack(encoding: Encoding, bytes: Bytes) -> Option<Bytes> {
    if bytes.len() <= INLINE {
        return pack_now(encoding, &bytes).ok();
    }
    tokio::task::spawn_blocking(move || pack_now(encoding, &bytes).ok()).await.ok().flatten()
}

fn pack_now(encoding: Encoding, bytes: &[u8]) -> std::io::Result<Bytes> {
    let out = Vec::with_capacity(bytes.len() / 4);
    match encoding {
        Encoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(4));
            encoder.write_all(bytes)?;
            Ok(encoder.finish()?.into())
        }
        Encoding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(out, 4096, 4, 20);
            encoder.write_all(bytes)?;
            Ok(encoder.into_inner().into())
        }
    }
}
