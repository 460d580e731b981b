//! Short texts, written and compared as blocks whose size the compiler knows. Most keys and values are short, and a call to copy or compare a
//! few bytes costs more than the bytes. Knows nothing of JSON.

use smallvec::SmallVec;

/// How many bytes a text of a compiled operation may have to be one block.
const TEXT: usize = 16;

/// How many bytes a received value may have to be copied as one block.
const VALUE: usize = 32;

/// A text of a compiled operation.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// The text with zeros behind it, if it is short.
    block: [u8; TEXT],
    len: u8,
    /// The text, if it is not.
    long: Option<Box<[u8]>>,
}

impl Text {
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut block = [0; TEXT];
        match block.get_mut(..text.len()) {
            Some(start) => {
                start.copy_from_slice(text);
                Self { block, len: text.len() as u8, long: None }
            }
            None => Self { block, len: 0, long: Some(text.into()) },
        }
    }

    /// The text of these parts.
    pub(crate) fn of(parts: [&[u8]; 3]) -> Self {
        let mut text: SmallVec<[u8; 64]> = SmallVec::new();
        parts.iter().for_each(|part| text.extend_from_slice(part));
        Self::new(&text)
    }

    /// Puts another byte at the beginning.
    pub(crate) fn set_first(&mut self, byte: u8) {
        let first = match &mut self.long {
            None => self.block.first_mut().filter(|_| self.len > 0),
            Some(long) => long.first_mut(),
        };
        first.into_iter().for_each(|first| *first = byte);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.long {
            None => &self.block[..usize::from(self.len)],
            Some(long) => long,
        }
    }

    /// The bytes that it has on the heap.
    pub(crate) fn heap(&self) -> usize {
        self.long.as_ref().map_or(0, |long| long.len())
    }

    /// Writes the text.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match &self.long {
            None => write_block(out, &self.block, usize::from(self.len)),
            Some(long) => out.extend_from_slice(long),
        }
    }

    /// How many bytes the text has, if `bytes` begin with it.
    #[inline]
    pub(crate) fn begins(&self, bytes: &[u8]) -> Option<usize> {
        match (&self.long, bytes.first_chunk::<TEXT>()) {
            (None, Some(chunk)) => {
                let differs = u128::from_le_bytes(*chunk) ^ u128::from_le_bytes(self.block);
                let len = usize::from(self.len);
                (differs.trailing_zeros() as usize >= 8 * len).then_some(len)
            }
            _ => {
                let text = self.bytes();
                bytes.starts_with(text).then_some(text.len())
            }
        }
    }
}

/// Writes the bytes from `start` to `end` of `source`.
#[inline]
pub(crate) fn append(out: &mut Vec<u8>, source: &[u8], start: usize, end: usize) {
    let len = end - start;
    if len <= VALUE
        && let Some(block) = source.get(start..).and_then(<[u8]>::first_chunk::<VALUE>)
    {
        write_block(out, block, len);
    } else {
        out.extend_from_slice(&source[start..end]);
    }
}

/// Writes the first bytes of a block: all of it is copied, and what is too much taken back.
#[inline]
fn write_block<const SIZE: usize>(out: &mut Vec<u8>, block: &[u8; SIZE], len: usize) {
    let start = out.len();
    out.extend_from_slice(block);
    out.truncate(start + len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_lengths_are_written_and_found() {
        let all: Vec<u8> = (1..=80).collect();
        for len in 0..40 {
            let text = Text::new(&all[..len]);
            assert_eq!(text.bytes(), &all[..len]);
            let mut out = b"before".to_vec();
            text.write(&mut out);
            assert_eq!(out, [b"before", &all[..len]].concat());
            let mut other = Text::of([b",", &all[..len], b":"]);
            other.set_first(b'{');
            assert_eq!(other.bytes(), [b"{", &all[..len], b":"].concat());
            for room in 0..40 {
                let found = (room >= len).then_some(len);
                assert_eq!(text.begins(&all[..room]), found, "{len} in {room}");
            }
            for at in 0..len {
                let mut other = all.clone();
                other[at] ^= 0x80;
                assert_eq!(text.begins(&other), None, "{len} with another byte at {at}");
            }
        }
    }

    #[test]
    fn values_of_all_lengths_are_copied_from_everywhere() {
        let all: Vec<u8> = (0..100).collect();
        for start in 0..all.len() {
            for end in start..=all.len() {
                let mut out = b"before".to_vec();
                append(&mut out, &all, start, end);
                assert_eq!(out, [b"before", &all[start..end]].concat());
            }
        }
    }
}
