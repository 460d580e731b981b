//! A JSON scanner that moves over received bytes and never copies. Knows nothing of shapes.
//!
//! It checks all that it passes over: what it accepts can be written out again as it is. It is not recursive.

use smallvec::SmallVec;
use wide::u8x16;

/// Bytes that are not the JSON that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanError {
    /// Not JSON, at this byte.
    Malformed(usize),
    /// Nested deeper than the limit.
    TooDeep,
    /// The request would hold more memory than allowed.
    OutOfMemory,
}

pub(crate) struct Scanner<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) max_nesting: usize,
}

/// A string's place, quotes included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScannedString {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner over valid UTF-8.
    pub(crate) fn new(bytes: &'a [u8], max_nesting: usize) -> Result<Self, ScanError> {
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(Self { bytes, at: 0, max_nesting }),
            Err(error) => Err(ScanError::Malformed(error.valid_up_to())),
        }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn malformed<T>(&self) -> Result<T, ScanError> {
        Err(ScanError::Malformed(self.at))
    }

    /// Passes insignificant white space.
    #[inline]
    pub(crate) fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes `expected` if it is next.
    #[inline]
    pub(crate) fn take(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(crate) fn expect(&mut self, expected: u8) -> Result<(), ScanError> {
        if self.take(expected) { Ok(()) } else { self.malformed() }
    }

    /// Passes a key with its colon and the blanks around it.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<ScannedString, ScanError> {
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(key)
    }

    /// After a value in an object or list: whether another follows; passes the comma or the closing bracket.
    #[inline]
    pub(crate) fn another(&mut self, close: u8) -> Result<bool, ScanError> {
        self.blanks();
        if self.take(b',') {
            self.blanks();
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// Passes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<ScannedString, ScanError> {
        let start = self.at;
        self.expect(b'"')?;
        self.plain_text();
        if self.take(b'"') {
            return Ok(ScannedString { start, end: self.at, escaped: false });
        }
        self.escaped_string(start)
    }

    /// Passes the rest of a string that has something else than plain text.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Result<ScannedString, ScanError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(ScannedString { start, end: self.at, escaped: true });
                }
                Some(b'\\') => self.escape()?,
                // A control character, or the end.
                _ => return self.malformed(),
            }
            self.plain_text();
        }
    }

    /// Passes what needs no look in a string.
    #[inline]
    fn plain_text(&mut self) {
        while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<16>) {
            let special = special(*chunk);
            if special != 0 {
                self.at += special.trailing_zeros() as usize;
                return;
            }
            self.at += 16;
        }
        while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.malformed();
                }
                self.at += 5;
            }
            _ => return self.malformed(),
        }
        Ok(())
    }

    /// Passes a number (<https://www.rfc-editor.org/rfc/rfc8259#section-6>).
    #[inline]
    pub(crate) fn number(&mut self) -> Result<(), ScanError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.malformed() } else { Ok(()) }
    }

    #[inline]
    fn literal(&mut self, literal: &[u8]) -> Result<(), ScanError> {
        if !self.bytes[self.at..].starts_with(literal) {
            return self.malformed();
        }
        self.at += literal.len();
        Ok(())
    }

    /// Passes `null` if it is next.
    #[inline]
    pub(crate) fn take_null(&mut self) -> Result<bool, ScanError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal(b"null")?;
        Ok(true)
    }

    /// Passes a value of whatever kind.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{' | b'[') => self.nested(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.malformed(),
        }
    }

    /// Passes an object or list without recursion.
    fn nested(&mut self) -> Result<(), ScanError> {
        let mut open: SmallVec<[u8; 32]> = SmallVec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b'}') {
                        self.open(&mut open, b'}')?;
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b']') {
                        self.open(&mut open, b']')?;
                        continue;
                    }
                }
                _ => self.value()?,
            }
            // A value has ended: close what it was the last of.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                if self.another(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    fn open(&self, open: &mut SmallVec<[u8; 32]>, close: u8) -> Result<(), ScanError> {
        if open.len() >= self.max_nesting {
            return Err(ScanError::TooDeep);
        }
        open.push(close);
        Ok(())
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), ScanError> {
        self.blanks();
        if self.at == self.bytes.len() { Ok(()) } else { self.malformed() }
    }
}

/// A bit for each byte that is a control character, a quote or a backslash, the first byte's lowest.
#[inline]
fn special(chunk: [u8; 16]) -> u32 {
    let text = u8x16::new(chunk);
    let is_control = text.simd_eq(text.min(u8x16::splat(0x1f)));
    let is_quote = text.simd_eq(u8x16::splat(b'"'));
    let is_backslash = text.simd_eq(u8x16::splat(b'\\'));
    (is_control | is_quote | is_backslash).to_bitmask()
}

/// The text of a scanned string, unescaped. What can't be unescaped (half of a surrogate pair) stays as it is: it is no name that
/// anybody asked for.
pub(crate) fn unescape(bytes: &[u8], string: ScannedString) -> std::borrow::Cow<'_, [u8]> {
    if string.escaped
        && let Ok(text) = serde_json::from_slice::<String>(&bytes[string.start..string.end])
    {
        return text.into_bytes().into();
    }
    bytes[string.start + 1..string.end - 1].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &[u8]) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(text, 128)?;
        scanner.blanks();
        scanner.value()?;
        scanner.end()
    }

    #[test]
    fn accepts_and_refuses_as_json_does() {
        for good in [
            r#"{"a":[1,-0,0.5,1e9,1E-9,2.5e+3,true,false,null,"",{}],"\u00e9\n":{"b":[]}}"#,
            " [ 1 , 2 ] ",
            r#""a long text with \"quotes\" and \\ and \ud83d\ude00 and é""#,
        ] {
            assert_eq!(scan(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":}",
            "{\"a\" 1}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "tru",
            "nul",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "{,}",
            "[1 2]",
            "{} x",
            "NaN",
            "Infinity",
            "'a'",
            "\"abcdefghij",
            "{\"a\":1,}",
            "\"\\",
        ] {
            assert!(scan(bad.as_bytes()).is_err(), "{bad}");
            assert!(serde_json::from_str::<serde_json::Value>(bad).is_err(), "{bad}");
        }
        assert!(scan(b"\"\xff\"").is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(scan(&deep), Err(ScanError::TooDeep));
        let fine = [b"[".repeat(128), b"]".repeat(128)].concat();
        assert_eq!(scan(&fine), Ok(()));
    }

    #[test]
    fn a_special_byte_is_seen_wherever_it_stands() {
        for length in 0..80 {
            let plain = format!("\"{}\"", "a".repeat(length));
            assert_eq!(scan(plain.as_bytes()), Ok(()));
            for at in 1..=length {
                let with = |byte: u8| {
                    let mut text = plain.clone().into_bytes();
                    text[at] = byte;
                    scan(&text)
                };
                assert_eq!(with(b'\n'), Err(ScanError::Malformed(at)), "{length} {at}");
                assert_eq!(with(b'"'), Err(ScanError::Malformed(at + 1)), "{length} {at}");
                assert!(with(b'\\').is_err(), "{length} {at}");
                assert_eq!(with(b' '), Ok(()), "{length} {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}:,"\\ntrue0-9.eE+\- a\x01]{0,24}"#) {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(scan(text.as_bytes()).is_ok(), theirs);
        }
    }
}
