//! Responses in parts: `multipart/mixed`, whose parts are GraphQL responses, or, with `subscriptionSpec`, objects that have one as their
//! `payload`. Knows no connection.
//!
//! A part is whole when its JSON object is: some servers send a boundary only with the part that follows it, maybe hours later.

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::parse::{Piece, Unreadable};

/// Reads the parts of a response.
#[derive(Debug)]
pub(crate) struct Multipart {
    buffer: BytesMut,
    /// A line feed, two dashes and the boundary.
    delimiter: Vec<u8>,
    /// Whether parts have a `payload`.
    has_payload: bool,
    expects: Expects,
    max: usize,
}

#[derive(Debug)]
enum Expects {
    Delimiter,
    /// What comes after a delimiter on its line: two dashes, if it is the last.
    Rest,
    Headers,
    Body(Object),
    Nothing,
}

/// How far a JSON object is known.
#[derive(Debug, Default)]
struct Object {
    scanned: usize,
    depth: u32,
    is_text: bool,
    is_escaped: bool,
}

/// What a line of a part's head, or what is before the first part, may have.
const MAX_LINE: usize = 8 << 10;

impl Multipart {
    /// Parts of this `content-type` have at most `max` bytes. `None` if it is another one, or its boundary can't be.
    pub(crate) fn new(content_type: &str, max: usize) -> Option<Self> {
        let mut parameters = parameters(content_type);
        parameters.next().filter(|(name, _)| name.eq_ignore_ascii_case("multipart/mixed"))?;
        let (mut boundary, mut has_payload) = ("-", false);
        for (name, value) in parameters {
            match name {
                _ if name.eq_ignore_ascii_case("boundary") => boundary = value,
                _ if name.eq_ignore_ascii_case("subscriptionSpec") => has_payload = true,
                _ => {}
            }
        }
        if boundary.is_empty() || boundary.len() > 70 {
            return None;
        }
        // The first delimiter may be at the very beginning.
        let buffer = BytesMut::from(&b"\n"[..]);
        let delimiter = [b"\n--", boundary.as_bytes()].concat();
        Some(Self { buffer, delimiter, has_payload, expects: Expects::Delimiter, max })
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Unreadable> {
        loop {
            match &mut self.expects {
                Expects::Delimiter => {
                    let Some(at) = find(&self.buffer, &self.delimiter) else {
                        // The beginning of a delimiter may be there already.
                        let known = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
                        self.buffer.advance(known);
                        return Ok(None);
                    };
                    self.buffer.advance(at + self.delimiter.len());
                    self.expects = Expects::Rest;
                }
                Expects::Rest => {
                    if self.buffer.starts_with(b"--") {
                        self.expects = Expects::Nothing;
                        return Ok(Some(Piece::Complete));
                    }
                    // One dash may become two.
                    if self.buffer.len() < 2 {
                        return Ok(None);
                    }
                    let Some(line) = self.line()? else { return Ok(None) };
                    self.expects = match line.trim_ascii().is_empty() {
                        true => Expects::Headers,
                        // A line that only begins like a delimiter.
                        false => Expects::Delimiter,
                    };
                }
                Expects::Headers => {
                    let Some(line) = self.line()? else { return Ok(None) };
                    if line.trim_ascii().is_empty() {
                        self.expects = Expects::Body(Object::default());
                    }
                }
                Expects::Body(object) => {
                    if object.depth == 0 {
                        let blank = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                        match self.buffer.get(blank) {
                            None => return Ok(None),
                            Some(b'{') => self.buffer.advance(blank),
                            // No body.
                            Some(b'-') => {
                                self.buffer.advance(blank);
                                self.expects = Expects::Delimiter;
                                self.buffer = [b"\n", &self.buffer[..]].concat().as_slice().into();
                                continue;
                            }
                            Some(_) => return Err(Unreadable::Malformed("a part is no JSON object")),
                        }
                    }
                    match object.end(&self.buffer) {
                        _ if self.buffer.len().min(object.scanned) > self.max => return Err(Unreadable::TooLarge),
                        None => return Ok(None),
                        Some(end) => {
                            let body = self.buffer.split_to(end).freeze();
                            self.expects = Expects::Delimiter;
                            return self.part(&body).map(Some);
                        }
                    }
                }
                Expects::Nothing => {
                    self.buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    fn line(&mut self) -> Result<Option<BytesMut>, Unreadable> {
        match self.buffer.iter().take(MAX_LINE).position(|byte| *byte == b'\n') {
            Some(end) => Ok(Some(self.buffer.split_to(end + 1))),
            None if self.buffer.len() >= MAX_LINE => Err(Unreadable::Malformed("a header of a part is too long")),
            None => Ok(None),
        }
    }

    fn part(&self, body: &Bytes) -> Result<Piece, Unreadable> {
        /// The members of a part that say what it is.
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow)]
            payload: Option<&'a RawValue>,
            #[serde(borrow)]
            errors: Option<&'a RawValue>,
            #[serde(borrow)]
            data: Option<&'a RawValue>,
        }

        let malformed = |_| Unreadable::Malformed("a part is not valid JSON");
        let Part { payload, errors, data } = serde_json::from_slice(body).map_err(malformed)?;
        Ok(match (payload, errors) {
            (Some(payload), _) => Piece::Next(body.slice_ref(payload.get().as_bytes())),
            (None, Some(errors)) if self.has_payload => Piece::Fatal(body.slice_ref(errors.get().as_bytes())),
            (None, None) if data.is_none() => Piece::Heartbeat,
            (None, _) => Piece::Next(body.clone()),
        })
    }
}

impl Object {
    /// Where the object at the beginning of the buffer ends.
    fn end(&mut self, buffer: &[u8]) -> Option<usize> {
        while let Some(byte) = buffer.get(self.scanned) {
            self.scanned += 1;
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_text => self.is_escaped = true,
                b'"' => self.is_text = !self.is_text,
                _ if self.is_text => {}
                b'{' => self.depth += 1,
                b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(self.scanned);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The parts of a header between semicolons: names with values, which may be quoted.
fn parameters(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim(), value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPEC: &str = "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0";

    fn pieces(content_type: &str, chunks: &[&[u8]]) -> Result<Vec<Piece>, Unreadable> {
        let mut multipart = Multipart::new(content_type, 64).unwrap();
        let mut all = Vec::new();
        for chunk in chunks {
            multipart.push(chunk);
            while let Some(piece) = multipart.next()? {
                all.push(piece);
            }
        }
        Ok(all)
    }

    fn next(text: &'static str) -> Piece {
        Piece::Next(Bytes::from_static(text.as_bytes()))
    }

    const STREAM: &[u8] = b"preamble\r\n--graphql\r\ncontent-type: text/json\r\n\r\n{}\r\n--graphql  \r\n\r\n{\"payload\":{\"data\":{\"a\":\"}\\\"{\"}}}\r\n--graphql\n\n {\"payload\": null,\"errors\":[{}]}\n--graphql\r\n\r\n--graphql--\r\n{}";

    fn expected() -> Vec<Piece> {
        use Piece::{Complete, Fatal, Heartbeat};
        vec![Heartbeat, next(r#"{"data":{"a":"}\"{"}}"#), Fatal(Bytes::from_static(b"[{}]")), Complete]
    }

    #[test]
    fn every_split_gives_the_same() {
        assert_eq!(pieces(SPEC, &[STREAM]), Ok(expected()));
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let chunks = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(pieces(SPEC, &chunks), Ok(expected()), "{first} {second}");
            }
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(pieces(SPEC, &bytes), Ok(expected()));
    }

    #[test]
    fn a_part_is_there_before_the_next_boundary() {
        let chunk = b"--graphql\r\ncontent-type: text/json\r\n\r\n{\"payload\":{\"data\":1}}";
        assert_eq!(pieces(SPEC, &[chunk]), Ok(vec![next(r#"{"data":1}"#)]));
    }

    #[test]
    fn without_the_specification_parts_are_responses() {
        let body = b"---\r\n\r\n{\"data\":{\"a\":1}}\r\n---\r\n\r\n{\"errors\":[{}]}\r\n-----\r\n";
        let expected = vec![next(r#"{"data":{"a":1}}"#), next(r#"{"errors":[{}]}"#), Piece::Complete];
        assert_eq!(pieces("Multipart/Mixed", &[body]), Ok(expected));
    }

    #[test]
    fn what_is_no_such_body_is_refused() {
        for (body, expected) in [
            ("--graphql\r\n\r\n[]", Unreadable::Malformed("a part is no JSON object")),
            ("--graphql\r\n\r\n{\"payload\":}", Unreadable::Malformed("a part is not valid JSON")),
            ("--graphql\r\n\r\n{]}", Unreadable::Malformed("a part is not valid JSON")),
        ] {
            assert_eq!(pieces(SPEC, &[body.as_bytes()]), Err(expected), "{body}");
        }
        let long = format!("--graphql\r\n\r\n{{\"payload\":\"{}", "x".repeat(100));
        assert_eq!(pieces(SPEC, &[long.as_bytes()]), Err(Unreadable::TooLarge));
        let header = format!("--graphql\r\n{}", "x".repeat(MAX_LINE));
        assert!(matches!(pieces(SPEC, &[header.as_bytes()]), Err(Unreadable::Malformed(_))));
        assert!(Multipart::new("multipart/form-data; boundary=a", 64).is_none());
        assert!(Multipart::new(&format!("multipart/mixed; boundary={}", "x".repeat(71)), 64).is_none());
    }

    #[test]
    fn what_comes_before_the_first_part_takes_no_memory() {
        let mut multipart = Multipart::new(SPEC, 64).unwrap();
        for _ in 0..1_000 {
            multipart.push(&[b'-'; 1_000]);
            assert_eq!(multipart.next(), Ok(None));
            assert!(multipart.buffer.len() < 20);
        }
    }

    proptest! {
        #[test]
        fn noise_is_read_without_a_panic(chunks: Vec<Vec<u8>>) {
            let mut all = vec![&b"--graphql\r\n\r\n"[..]];
            all.extend(chunks.iter().map(Vec::as_slice));
            let _ = pieces(SPEC, &all);
        }
    }
}
