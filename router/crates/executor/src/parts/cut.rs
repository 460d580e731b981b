//! Finds where the items of a JSON list end while it arrives. Each byte is looked at once. Knows nothing of what items are: whether they are valid is seen when
//! they are read.

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// An item has ended.
    Item,
    /// The comma before the next item.
    Comma,
    /// The end of the list.
    End,
}

/// It is not a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoList;

/// Moves over a list, from behind its opening bracket.
#[derive(Debug)]
pub(super) struct Cutter {
    place: Place,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind the opening bracket.
    First,
    /// Behind a comma.
    Next,
    /// In an item.
    Item,
    /// Behind an item.
    Behind,
    /// Behind the closing bracket.
    End,
}

impl Cutter {
    pub(super) fn new() -> Self {
        Self { place: Place::First, depth: 0, in_string: false, escaped: false }
    }

    /// Moves on to what is found next, which `at` is behind then; `None` at the end of the bytes.
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Seen>, NoList> {
        loop {
            let Some(byte) = bytes.get(*at).copied() else { return Ok(None) };
            match (self.place, byte) {
                (Place::Item, _) => return self.item(bytes, at),
                (Place::End, _) => return Ok(None),
                (_, b' ' | b'\n' | b'\r' | b'\t') => *at += 1,
                (Place::First | Place::Behind, b']') => {
                    (self.place, *at) = (Place::End, *at + 1);
                    return Ok(Some(Seen::End));
                }
                (Place::Behind, b',') => {
                    (self.place, *at) = (Place::Next, *at + 1);
                    return Ok(Some(Seen::Comma));
                }
                (Place::Behind, _) | (_, b',' | b']' | b'}') => return Err(NoList),
                (Place::First | Place::Next, _) => self.place = Place::Item,
            }
        }
    }

    fn item(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Seen>, NoList> {
        while let Some(byte) = bytes.get(*at).copied() {
            // What ends an item that is no string, object or list belongs to what is around it.
            if self.depth == 0 && !self.in_string && matches!(byte, b',' | b']') {
                return Ok(Some(self.end()));
            }
            *at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => {
                    self.in_string = !self.in_string;
                    if !self.in_string && self.depth == 0 {
                        return Ok(Some(self.end()));
                    }
                }
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1).ok_or(NoList)?;
                    if self.depth == 0 {
                        return Ok(Some(self.end()));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn end(&mut self) -> Seen {
        self.place = Place::Behind;
        Seen::Item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of a list that is followed by `end`, however it is cut.
    fn items(list: &str) -> Result<Vec<String>, NoList> {
        let mut all = Vec::new();
        for size in 1..=list.len() {
            let (mut cutter, mut arrived, mut at, mut from, mut items) = (Cutter::new(), Vec::new(), 0, 0, Vec::new());
            for chunk in list.as_bytes().chunks(size) {
                arrived.extend_from_slice(chunk);
                while let Some(seen) = cutter.next(&arrived, &mut at)? {
                    match seen {
                        Seen::Item => items.push(String::from_utf8_lossy(&arrived[from..at]).trim().to_owned()),
                        Seen::Comma => from = at,
                        Seen::End => items.push("end".to_owned()),
                    }
                }
            }
            all.push(items);
        }
        assert!(all.windows(2).all(|two| two[0] == two[1]), "{all:?}");
        Ok(all.pop().unwrap_or_default())
    }

    #[test]
    fn items_end_where_they_do() {
        let found = items(r#" {"a":"}],\"{[","b":[{},[1,2]]} , null,[[]] ,"x,\\",-1.5e3 ]}"#).unwrap();
        assert_eq!(found, [r#"{"a":"}],\"{[","b":[{},[1,2]]}"#, "null", "[[]]", r#""x,\\""#, "-1.5e3", "end"]);
        assert_eq!(items(" ]").unwrap(), ["end"]);
    }

    #[test]
    fn what_is_no_list_is_told() {
        for list in [",{}]", "{},]", "{},,{}]", "{} {}]", "}]", "{}}", "1}"] {
            assert_eq!(items(list), Err(NoList), "{list}");
        }
    }
}
