//! The header by which a CDN can be told to throw answers out. Knows no CDN.

use std::fmt::Write;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::config::{KeySeparator, SurrogateKeysConfig};

/// How the header is written.
#[derive(Debug)]
pub(crate) struct SurrogateKeys {
    pub(crate) header: HeaderName,
    separator: KeySeparator,
    max_bytes: usize,
}

impl SurrogateKeys {
    /// Reads the settings. The error is the name that is no header name.
    pub(crate) fn new(config: &SurrogateKeysConfig) -> Result<Self, String> {
        let header = config.header.parse().map_err(|_| config.header.clone())?;
        Ok(Self { header, separator: config.separator, max_bytes: config.max_bytes.0 })
    }

    /// Adds the header. If the tags are too many for it, it says so instead, and adds nothing.
    pub(crate) fn write(&self, tags: &[Arc<str>], out: &mut HeaderMap) -> Result<(), TooMany> {
        if tags.is_empty() {
            return Ok(());
        }
        let mut value = String::new();
        for tag in tags {
            if !value.is_empty() {
                value.push(if self.separator == KeySeparator::Comma { ',' } else { ' ' });
            }
            encode(tag, &mut value);
            if value.len() > self.max_bytes {
                return Err(TooMany);
            }
        }
        let value = HeaderValue::try_from(value).map_err(|_| TooMany)?;
        out.insert(self.header.clone(), value);
        Ok(())
    }
}

/// The tags are too many for the header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

fn encode(tag: &str, out: &mut String) {
    for byte in tag.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b',' | b'%') {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use braid_settings::ByteSize;

    use super::*;

    fn check(separator: KeySeparator, max_bytes: usize, tags: &[&str], expected: Result<Option<&str>, TooMany>) {
        let config =
            SurrogateKeysConfig { separator, max_bytes: ByteSize(max_bytes), ..SurrogateKeysConfig::default() };
        let tags: Vec<Arc<str>> = tags.iter().map(|tag| Arc::from(*tag)).collect();
        let mut out = HeaderMap::new();
        let written = SurrogateKeys::new(&config).unwrap().write(&tags, &mut out);
        let value = out.get("surrogate-key").map(|value| value.to_str().unwrap());
        assert_eq!(written.map(|()| value), expected);
    }

    #[test]
    fn tags_fit_into_the_header() {
        use KeySeparator::{Comma, Space};
        check(Space, 99, &[], Ok(None));
        check(Space, 99, &["product-1", "products"], Ok(Some("product-1 products")));
        check(Comma, 99, &["product-1", "products"], Ok(Some("product-1,products")));
        check(Space, 99, &["a b,c%\r\n\"é"], Ok(Some("a%20b%2Cc%25%0D%0A\"%C3%A9")));
        check(Space, 8, &["product-1"], Err(TooMany));
        check(Space, 11, &["product", "all"], Ok(Some("product all")));
        check(Space, 10, &["product", "all"], Err(TooMany));
    }
}
