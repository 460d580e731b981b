//! The SHA-256 of a document: its id for automatic persisted queries, and for most manifests.

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 of the text of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryHash([u8; 32]);

impl QueryHash {
    /// The hash of a text.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, with or without `sha256:` before them.
    pub fn parse(id: &str) -> Option<Self> {
        let digits = id.strip_prefix("sha256:").unwrap_or(id);
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// As 64 hexadecimal digits in lower case.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_specification() {
        let hash = QueryHash::of("query($id:ID!){user(id:$id){name}}");
        // Appendix A of GraphQL over HTTP has this example.
        let expected = "71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b";
        assert_eq!(hash.hex(), expected);
        for id in [expected.to_owned(), format!("sha256:{expected}"), expected.to_uppercase()] {
            assert_eq!(QueryHash::parse(&id), Some(hash), "{id}");
        }
        for id in ["", "sha256:", "me", &"g".repeat(64), &"+1".repeat(32), &format!("{expected}0"), &"é".repeat(32)] {
            assert_eq!(QueryHash::parse(id), None, "{id}");
        }
    }
}
