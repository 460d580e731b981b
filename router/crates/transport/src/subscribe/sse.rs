//! Server-sent events as graphql-sse has them in distinct connections mode: `next` and `complete`, and comments that keep the
//! connection alive. Knows no connection.
//!
//! Known crates hide comments, which are the heartbeats here, and have no bound on the size of an event.

use bytes::{Buf, BytesMut};

use super::parse::{Piece, Unreadable};

/// Reads an event stream as the HTML standard says.
#[derive(Debug)]
pub(crate) struct Sse {
    buffer: BytesMut,
    /// How much of the buffer is known to have no end of a line.
    scanned: usize,
    /// Whether a line has ended with CR, so that LF does not end another one.
    skips_lf: bool,
    is_begun: bool,
    kind: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    max: usize,
}

impl Sse {
    /// Events have at most `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            scanned: 0,
            skips_lf: false,
            is_begun: false,
            kind: Vec::new(),
            data: Vec::new(),
            has_data: false,
            max,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Unreadable> {
        while let Some(line) = self.line() {
            if let Some(piece) = self.read(&line)? {
                return Ok(Some(piece));
            }
        }
        // What has no end yet is at least a part of a field: its name, a colon and a space are not counted.
        match self.buffer.len() > self.max + 16 {
            true => Err(Unreadable::TooLarge),
            false => Ok(None),
        }
    }

    fn line(&mut self) -> Option<BytesMut> {
        if self.skips_lf && !self.buffer.is_empty() {
            self.skips_lf = false;
            if self.buffer[0] == b'\n' {
                self.buffer.advance(1);
                self.scanned = self.scanned.saturating_sub(1);
            }
        }
        let Some(end) = self.buffer[self.scanned..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.scanned + end + 1);
        self.scanned = 0;
        self.skips_lf = line.last() == Some(&b'\r');
        line.truncate(line.len() - 1);
        if !std::mem::replace(&mut self.is_begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        Some(line)
    }

    fn read(&mut self, line: &[u8]) -> Result<Option<Piece>, Unreadable> {
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => return Ok(Some(Piece::Heartbeat)),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.kind = value[..value.len().min(32)].to_vec(),
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                if self.data.len() + value.len() > self.max {
                    return Err(Unreadable::TooLarge);
                }
                self.data.extend_from_slice(value);
            }
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<Piece> {
        let (kind, data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        self.has_data = false;
        match (kind.as_slice(), data.is_empty()) {
            (b"complete", _) => Some(Piece::Complete),
            // Events without a name are messages.
            (b"next" | b"message" | b"", false) => Some(Piece::Next(data.into())),
            (b"", true) => None,
            // An event of another kind, such as `ping`.
            _ => Some(Piece::Heartbeat),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(chunks: &[&[u8]]) -> Result<Vec<Piece>, Unreadable> {
        let (mut sse, mut all) = (Sse::new(64), Vec::new());
        for chunk in chunks {
            sse.push(chunk);
            while let Some(piece) = sse.next()? {
                all.push(piece);
            }
        }
        Ok(all)
    }

    fn next(text: &str) -> Piece {
        Piece::Next(text.to_owned().into())
    }

    const STREAM: &[u8] = b"\xef\xbb\xbf:\n\nevent: next\ndata: {\"a\":\ndata:1}\n\n: ping\r\n\r\ndata\r\n\r\nevent:next\rdata: {\"b\":\"\xc3\xa4\"}\r\rid: 1\nretry: 5\nevent: ping\n\nevent: complete\n\n";

    fn expected() -> Vec<Piece> {
        use Piece::{Complete, Heartbeat};
        vec![Heartbeat, next("{\"a\":\n1}"), Heartbeat, next("{\"b\":\"ä\"}"), Heartbeat, Complete]
    }

    #[test]
    fn every_split_gives_the_same() {
        assert_eq!(pieces(&[STREAM]), Ok(expected()));
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let chunks = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(pieces(&chunks), Ok(expected()), "{first} {second}");
            }
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(pieces(&bytes), Ok(expected()));
    }

    #[test]
    fn an_event_without_its_empty_line_is_no_event() {
        assert_eq!(pieces(&[b"event: next\ndata: {}\n"]), Ok(vec![]));
    }

    #[test]
    fn an_event_that_is_too_large_is_refused_before_its_end() {
        let line = [b"data: ", "x".repeat(100).as_bytes()].concat();
        assert_eq!(pieces(&[&line]), Err(Unreadable::TooLarge));
        let lines = "data: 0123456789\n".repeat(7);
        assert_eq!(pieces(&[lines.as_bytes()]), Err(Unreadable::TooLarge));
    }

    proptest! {
        #[test]
        fn noise_is_read_without_a_panic(chunks: Vec<Vec<u8>>) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let _ = pieces(&chunks);
        }
    }
}
