//! Reads the body of a response. The size limit counts decompressed bytes, so that neither a huge body nor a small one that
//! decompresses to a huge one is ever held in memory. Knows no GraphQL.

use std::io::Write;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response::Parts;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::client::ResponseBody;

/// Why a body can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the limit.
    #[error("the response is larger than the limit of {0} bytes")]
    TooLarge(usize),
    /// The connection failed before the end of the body.
    #[error("the response is incomplete")]
    Incomplete(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The body can't be decompressed.
    #[error("the compressed response is corrupt")]
    Corrupt(#[source] std::io::Error),
    /// Its `content-encoding` is not supported.
    #[error("the response has the unsupported content-encoding \"{0}\"; only gzip and br are supported")]
    UnknownEncoding(String),
}

/// The whole body, decompressed, if it has at most `max` bytes.
pub async fn body(parts: &Parts, body: ResponseBody, max: usize) -> Result<Bytes, BodyError> {
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > max) {
        return Err(BodyError::TooLarge(max));
    }
    match decoder(parts, max)? {
        None => plain(body, max).await,
        Some(decoder) => decompressed(body, max, decoder).await,
    }
}

/// What decompresses the body, if it is compressed.
fn decoder(parts: &Parts, max: usize) -> Result<Option<Box<dyn Decoder>>, BodyError> {
    let Some(encoding) = parts.headers.get(CONTENT_ENCODING) else { return Ok(None) };
    let encoding = encoding.to_str().unwrap_or("?").trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Box::new(flate2::write::MultiGzDecoder::new(Capped::new(max))))),
        "br" => Ok(Some(Box::new(brotli::DecompressorWriter::new(Capped::new(max), 4096)))),
        _ => Err(BodyError::UnknownEncoding(encoding)),
    }
}

/// A body that is used as it arrives, decompressed, up to `max` bytes.
pub struct Arriving {
    body: ResponseBody,
    decoder: Option<Box<dyn Decoder>>,
    /// What has arrived and is not decompressed.
    compressed: Bytes,
    max: usize,
    came: usize,
}

/// How much is decompressed at once: what it becomes is in memory.
const COMPRESSED_PIECE: usize = 1 << 10;

impl Arriving {
    /// The body of a response with this head.
    pub fn new(parts: &Parts, body: ResponseBody, max: usize) -> Result<Self, BodyError> {
        Ok(Self { body, decoder: decoder(parts, max)?, compressed: Bytes::new(), max, came: 0 })
    }

    /// What has arrived next; `None` at the end. It can be called again if the future was dropped.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let next = match &mut self.decoder {
            None => data(&mut self.body).await?,
            Some(_) => self.decompressed().await?,
        };
        self.came += next.as_ref().map_or(0, Bytes::len);
        if self.came > self.max { Err(BodyError::TooLarge(self.max)) } else { Ok(next) }
    }

    async fn decompressed(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(decoder) = &mut self.decoder {
            if self.compressed.is_empty() {
                match data(&mut self.body).await? {
                    Some(chunk) => self.compressed = chunk,
                    None => {
                        let rest = self.decoder.take().map(|decoder| decoder.finish()).transpose();
                        let rest = rest.map_err(|error| decompress_error(error, self.max))?;
                        return Ok(rest.filter(|rest| !rest.is_empty()));
                    }
                }
                continue;
            }
            let piece = self.compressed.split_to(self.compressed.len().min(COMPRESSED_PIECE));
            decoder.write_all(&piece).map_err(|error| decompress_error(error, self.max))?;
            let out = decoder.take();
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arriving").field("came", &self.came).field("max", &self.max).finish_non_exhaustive()
    }
}

async fn plain(mut body: ResponseBody, max: usize) -> Result<Bytes, BodyError> {
    let Some(first) = data(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max {
        return Err(BodyError::TooLarge(max));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let expected = usize::try_from(body.size_hint().exact().unwrap_or(0)).unwrap_or(0).min(max);
    let mut whole: Option<BytesMut> = None;
    while let Some(chunk) = data(&mut body).await? {
        let whole = whole.get_or_insert_with(|| {
            let mut whole = BytesMut::with_capacity((first.len() + expected.max(chunk.len())).min(max));
            whole.extend_from_slice(&first);
            whole
        });
        if whole.len() + chunk.len() > max {
            return Err(BodyError::TooLarge(max));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

/// The next chunk of a body. Trailers are skipped.
async fn data(body: &mut ResponseBody) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        match frame.map_err(BodyError::Incomplete)?.into_data() {
            Ok(data) => return Ok(Some(data)),
            Err(_trailers) => {}
        }
    }
    Ok(None)
}

/// Boxed decoders: they are large and most responses need none, so they should not be part of every request's future.
async fn decompressed(mut body: ResponseBody, max: usize, mut decoder: Box<dyn Decoder>) -> Result<Bytes, BodyError> {
    while let Some(chunk) = data(&mut body).await? {
        decoder.write_all(&chunk).map_err(|error| decompress_error(error, max))?;
    }
    decoder.finish().map_err(|error| decompress_error(error, max))
}

fn decompress_error(error: std::io::Error, max: usize) -> BodyError {
    // What the buffer answers when it is full.
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => BodyError::TooLarge(max),
        _ => BodyError::Corrupt(error),
    }
}

/// A buffer with a maximum size.
struct Capped {
    bytes: Vec<u8>,
    max: usize,
}

impl Capped {
    fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max }
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.max {
            return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

trait Decoder: Write + Send {
    /// What came out since the last time.
    fn take(&mut self) -> Vec<u8>;

    fn finish(self: Box<Self>) -> std::io::Result<Bytes>;
}

impl Decoder for flate2::write::MultiGzDecoder<Capped> {
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.get_mut().bytes)
    }

    fn finish(self: Box<Self>) -> std::io::Result<Bytes> {
        Ok(flate2::write::MultiGzDecoder::finish(*self)?.bytes.into())
    }
}

impl Decoder for brotli::DecompressorWriter<Capped> {
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.get_mut().bytes)
    }

    fn finish(mut self: Box<Self>) -> std::io::Result<Bytes> {
        self.close()?;
        match (*self).into_inner() {
            Ok(capped) | Err(capped) => Ok(capped.bytes.into()),
        }
    }
}
