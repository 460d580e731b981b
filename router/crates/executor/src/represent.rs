//! Representations of entities: written by copying slices, equal ones once. Knows nothing of requests.

use braid_graphql::schema::Schema;
use braid_graphql::variables::Variables;
use xxhash_rust::xxh3::xxh3_64;

use crate::compile::fetch::{CompiledRepresentation, CompiledRepresentationField};
use crate::request::Representation;
use crate::tree::{Cell, ObjectId, Tree};

/// The representation that fits an object, by its runtime type.
pub(crate) fn fitting<'a>(
    tree: &Tree,
    object: ObjectId,
    representations: &'a [CompiledRepresentation],
) -> Option<&'a CompiledRepresentation> {
    match tree.ty(object) {
        Some(ty) => representations.iter().find(|representation| representation.guard.contains(ty)),
        None => representations.iter().find(|representation| representation.unknown),
    }
}

/// What representations are made of.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) schema: &'a Schema,
    pub(crate) variables: &'a Variables,
}

/// Writes the representation of `object`; `false`, with part of it written, when the object lacks a key or something that is
/// required: a value computed from half of it is a wrong value.
pub(crate) fn write(
    source: Source<'_>,
    representation: &CompiledRepresentation,
    object: ObjectId,
    out: &mut Vec<u8>,
) -> bool {
    out.extend_from_slice(&representation.head);
    if !representation.names_type && !write_typename(source, object, out) {
        return false;
    }
    let complete = write_fields(source, &representation.fields, object, true, out);
    out.push(b'}');
    complete
}

fn write_typename(source: Source<'_>, object: ObjectId, out: &mut Vec<u8>) -> bool {
    let Some(ty) = source.tree.ty(object) else { return false };
    out.push(b'"');
    out.extend_from_slice(source.schema.ty(ty).name.as_bytes());
    out.push(b'"');
    true
}

/// Recursive as deep as the plan's representations, which the compilation of an operation bounds.
fn write_fields(
    source: Source<'_>,
    fields: &[CompiledRepresentationField],
    object: ObjectId,
    top: bool,
    out: &mut Vec<u8>,
) -> bool {
    for field in fields {
        if let Some(guard) = &field.guard
            && !source.tree.ty(object).is_some_and(|ty| guard.contains(ty))
        {
            continue;
        }
        let cell = field.slot.map_or(Cell::Absent, |slot| source.tree.get(object, slot));
        if top && field.is_typename {
            continue;
        }
        let is_first = out.ends_with(b"{");
        out.extend_from_slice(&field.name[usize::from(is_first)..]);
        match cell {
            Cell::Absent | Cell::Failed if field.is_typename => {
                if !write_typename(source, object, out) {
                    return false;
                }
            }
            Cell::Absent | Cell::Failed if field.is_key => return false,
            Cell::Absent | Cell::Failed => {
                if field.asked.iter().any(|condition| condition.holds(source.variables)) {
                    return false;
                }
                out.extend_from_slice(b"null");
            }
            // A part of a composite key may be null where the entity's own field is.
            Cell::Null | Cell::Explained if field.is_key && top => return false,
            _ => {
                if !write_value(source, field.fields.as_deref(), cell, out) {
                    return false;
                }
            }
        }
    }
    true
}

fn write_value(
    source: Source<'_>,
    fields: Option<&[CompiledRepresentationField]>,
    cell: Cell,
    out: &mut Vec<u8>,
) -> bool {
    match (cell, fields) {
        (Cell::Leaf { buffer, start, end }, None) => out.extend_from_slice(source.tree.bytes(buffer, start, end)),
        (Cell::Object(object), Some(fields)) => {
            out.push(b'{');
            let complete = write_fields(source, fields, object, false, out);
            out.push(b'}');
            return complete;
        }
        (Cell::List { start, len, .. }, fields) => {
            out.push(b'[');
            for (at, item) in source.tree.items(start, len).iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if !write_value(source, fields, *item, out) {
                    return false;
                }
            }
            out.push(b']');
        }
        // An item of a list that nothing is known of.
        (Cell::Absent | Cell::Failed, _) => return false,
        (Cell::Null | Cell::Explained, _) => out.extend_from_slice(b"null"),
        // An object where a leaf is due, or the other way round.
        (Cell::Leaf { .. } | Cell::Object(_), _) => return false,
    }
    true
}

/// Which representations of a list have been written already. The bytes themselves are compared; the hash only finds the
/// candidates.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    written: Vec<Representation>,
    /// The hash by which each of them is found: of its bytes, or of its value.
    hashes: Vec<u64>,
    /// Open addressing, a power of two long; numbers are one more than the index in `written`.
    table: Vec<u32>,
    /// How many bytes are around the value, where representations differ by one value alone.
    around: usize,
}

/// Where a representation belongs whose value is new.
pub(crate) struct Place {
    at: usize,
    hash: u64,
    value_len: usize,
}

impl Unique {
    pub(crate) fn len(&self) -> usize {
        self.written.len()
    }

    /// Where they were written, by their numbers.
    pub(crate) fn into_written(self) -> Vec<Representation> {
        self.written
    }

    /// The number of the representation from `start` to the end of `out`, and whether it is new.
    pub(crate) fn number(&mut self, out: &[u8], start: usize) -> (u32, bool) {
        let hash = xxh3_64(&out[start..]);
        match self.find(hash, |known| known.hash == hash && out[known.range.clone()] == out[start..]) {
            Ok(number) => (number, false),
            Err(at) => (self.add(at, hash, Representation { range: start..out.len(), hash }), true),
        }
    }

    /// Where all representations of the list differ by one value alone: the number of the one that has this value, or the place of a new
    /// one. So those that are known need not be written to be compared.
    pub(crate) fn find_value(&mut self, value: &[u8], out: &[u8]) -> Result<u32, Place> {
        let (hash, around) = (xxh3_64(value), self.around);
        let has_value = |known: &Representation| {
            // Behind the value is the bracket.
            let end = known.range.end - 1;
            known.range.len() == around + value.len() && out[end - value.len()..end] == *value
        };
        self.find(hash, has_value).map_err(|at| Place { at, hash, value_len: value.len() })
    }

    /// Adds the representation from `start` to the end of `out`, which [`Unique::find_value`] has not found. Returns its number.
    pub(crate) fn add_value(&mut self, place: Place, out: &[u8], start: usize) -> u32 {
        let Place { at, hash, value_len } = place;
        self.around = out.len() - start - value_len;
        self.add(at, hash, Representation { range: start..out.len(), hash: xxh3_64(&out[start..]) })
    }

    /// The number of the equal one among those with this hash, or the place in the table for a new one.
    #[inline]
    fn find(&mut self, hash: u64, is_equal: impl Fn(&Representation) -> bool) -> Result<u32, usize> {
        if self.table.len() < 2 * (self.written.len() + 1) {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.table[at] {
                0 => return Err(at),
                number => {
                    let known = number as usize - 1;
                    if self.hashes[known] == hash && is_equal(&self.written[known]) {
                        return Ok(number - 1);
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds one at a place that [`Unique::find`] gave, to be found by this hash. Returns its number.
    fn add(&mut self, at: usize, hash: u64, representation: Representation) -> u32 {
        self.written.push(representation);
        self.hashes.push(hash);
        self.table[at] = self.written.len() as u32;
        self.written.len() as u32 - 1
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(16);
        self.table.clear();
        self.table.resize(size, 0);
        for (number, hash) in self.hashes.iter().enumerate() {
            let mut at = *hash as usize & (size - 1);
            while self.table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = number as u32 + 1;
        }
    }
}
