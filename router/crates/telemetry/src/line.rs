//! A line of a log: a JSON object that is written member by member into a buffer. Every request writes one, so nothing is allocated and
//! nothing passes through the formatter of the standard library.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

/// The key of a member as it is written: `,"name":`.
#[macro_export]
macro_rules! key {
    ($name:literal) => {
        $crate::line::Key::new(concat!(",\"", $name, "\":"))
    };
}

/// A key, made by [`key!`].
#[derive(Debug, Clone, Copy)]
pub struct Key(&'static str);

impl Key {
    #[doc(hidden)]
    pub const fn new(written: &'static str) -> Self {
        Self(written)
    }
}

/// Writes a JSON object member by member.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    /// Starts an object.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: Key) {
        // The first member has no comma before it.
        let skipped = usize::from(std::mem::take(&mut self.first));
        self.out.extend_from_slice(&key.0.as_bytes()[skipped..]);
    }

    /// Writes a member with a string.
    pub fn text(&mut self, key: Key, value: &str) {
        self.key(key);
        if value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            // Writing to memory can't fail.
            let _ = serde_json::to_writer(&mut *self.out, value);
            return;
        }
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }

    /// Writes a member with a number.
    pub fn number(&mut self, key: Key, value: u64) {
        self.key(key);
        self.digits(value);
    }

    /// Writes a member with a duration in milliseconds.
    pub fn millis(&mut self, key: Key, value: Duration) {
        self.key(key);
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        self.digits(micros / 1000);
        let digit = |value: u64| b'0' + (value % 10) as u8;
        self.out.extend_from_slice(&[b'.', digit(micros / 100), digit(micros / 10), digit(micros)]);
    }

    /// Writes a member with a number as a string of 16 hexadecimal digits.
    pub fn hex(&mut self, key: Key, value: u64) {
        self.key(key);
        let mut text = [b'"'; 18];
        for (at, digit) in text[1..17].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(value >> (60 - 4 * at)) as usize & 15];
        }
        self.out.extend_from_slice(&text);
    }

    /// Writes a member with an address.
    pub fn address(&mut self, key: Key, address: IpAddr) {
        self.key(key);
        self.out.push(b'"');
        match address {
            IpAddr::V4(address) => {
                for (at, octet) in address.octets().into_iter().enumerate() {
                    if at > 0 {
                        self.out.push(b'.');
                    }
                    self.digits(u64::from(octet));
                }
            }
            IpAddr::V6(address) => {
                let _ = write!(self.out, "{address}");
            }
        }
        self.out.push(b'"');
    }

    /// Writes a member whose key is known only when the program runs. A string that is longer than `max` bytes is cut.
    pub fn value(&mut self, key: &str, value: &serde_json::Value, max: usize) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        // Writing to memory can't fail.
        let _ = serde_json::to_writer(&mut *self.out, key);
        self.out.push(b':');
        let _ = match value {
            serde_json::Value::String(text) => {
                serde_json::to_writer(&mut *self.out, &text[..text.floor_char_boundary(max)])
            }
            // Of what is longer, no part is JSON.
            value if value.to_string().len() > max => serde_json::to_writer(&mut *self.out, "…"),
            value => serde_json::to_writer(&mut *self.out, value),
        };
    }

    /// Writes a member with an object.
    pub fn object(&mut self, key: Key, fill: impl FnOnce(&mut Line<'_>)) {
        self.key(key);
        let mut object = Line::begin(self.out);
        fill(&mut object);
        object.end();
    }

    /// Writes a member with a list of objects.
    pub fn list<T>(&mut self, key: Key, items: impl Iterator<Item = T>, mut fill: impl FnMut(&mut Line<'_>, T)) {
        self.key(key);
        self.out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            let mut object = Line::begin(self.out);
            fill(&mut object, item);
            object.end();
        }
        self.out.push(b']');
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn digits(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_are_json() {
        let mut out = Vec::new();
        let mut line = Line::begin(&mut out);
        line.text(key!("plain"), "a é");
        line.text(key!("escaped"), "a\"b\\c\n\u{1}");
        line.number(key!("number"), u64::MAX);
        line.millis(key!("took"), Duration::from_micros(1_234_056));
        line.millis(key!("short"), Duration::from_nanos(999));
        line.hex(key!("hex"), 0x0123_4567_89ab_cdef);
        line.address(key!("v4"), "127.0.0.10".parse().unwrap());
        line.address(key!("v6"), "2001:db8::1".parse().unwrap());
        line.list(key!("list"), [1_u64, 2].iter(), |line, id| line.number(key!("id"), *id));
        line.object(key!("object"), |line| line.number(key!("a"), 1));
        line.object(key!("values"), |line| {
            line.value("long\"", &json!("éé"), 3);
            line.value("list", &json!([1, "a"]), 7);
            line.value("long list", &json!([1, "ab"]), 7);
        });
        line.end();
        let found: Value = serde_json::from_slice(&out).unwrap();
        let expected = json!({
            "plain": "a é",
            "escaped": "a\"b\\c\n\u{1}",
            "number": u64::MAX,
            "took": 1234.056,
            "short": 0.0,
            "hex": "0123456789abcdef",
            "v4": "127.0.0.10",
            "v6": "2001:db8::1",
            "list": [{ "id": 1 }, { "id": 2 }],
            "object": { "a": 1 },
            "values": { "long\"": "é", "list": [1, "a"], "long list": "…" },
        });
        assert_eq!(found, expected);
    }
}
