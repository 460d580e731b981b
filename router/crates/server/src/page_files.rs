//! The files of the page: built into the binary, compressed as they are sent, or read from a folder. Knows no request but what it accepts.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Component, Path};

use bytes::Bytes;
use http::HeaderMap;
use rust_embed::RustEmbed;

use crate::compress::takes;

/// GraphiQL, built by `npm run build` in `router/playground`; empty when it was not built. Texts are there as `NAME.br` alone.
#[derive(RustEmbed)]
#[folder = "../../playground/dist"]
#[allow_missing = true]
struct Built;

/// The most bytes that a file of the page has when it is unpacked.
const MAX_UNPACKED: u64 = 64 << 20;

/// A file of the page.
pub(crate) struct PageFile {
    pub(crate) bytes: Bytes,
    /// Whether the bytes are compressed with Brotli.
    pub(crate) is_packed: bool,
}

/// The file with this name, from `folder` if there is one.
pub(crate) fn page_file(folder: Option<&str>, name: &str, request: &HeaderMap) -> Option<PageFile> {
    if let Some(bytes) = read(folder, name) {
        return Some(PageFile { bytes, is_packed: false });
    }
    let packed = read(folder, &format!("{name}.br"))?;
    // Browsers take Brotli over TLS and on this machine.
    match takes(request, "br") {
        true => Some(PageFile { bytes: packed, is_packed: true }),
        false => Some(PageFile { bytes: unpacked(&packed)?, is_packed: false }),
    }
}

fn read(folder: Option<&str>, name: &str) -> Option<Bytes> {
    match folder {
        Some(folder) => {
            let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            plain.then(|| std::fs::read(Path::new(folder).join(name)).ok()).flatten().map(Bytes::from)
        }
        None => Built::get(name).map(|file| match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        }),
    }
}

fn unpacked(packed: &[u8]) -> Option<Bytes> {
    let mut bytes = Vec::new();
    brotli::Decompressor::new(packed, 4096).take(MAX_UNPACKED).read_to_end(&mut bytes).ok()?;
    Some(bytes.into())
}
