//! A subgraph's response, read straight into slots by the shape that was asked for. Knows nothing of where the objects go.

use std::ops::Range;

use ahash::AHashMap;
use braid_graphql::schema::TypeId;

use crate::compile::reading::{ReadField, ReadKind, Reading, ReadingId, Readings, Target};
use crate::scanner::{ScanError, Scanner, unescape};
use crate::tree::{Cell, ObjectId, Tree};

/// What the body of a subgraph's response held.
#[derive(Debug, Default)]
pub(crate) struct ReadResponse {
    pub(crate) data: Data,
    pub(crate) errors: WireErrors,
    /// What the objects count together.
    pub(crate) weight: u64,
    /// Where the values are, if somebody wants to know.
    pub(crate) places: Option<Places>,
}

/// Where the values of a response are.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The items of each list of entities.
    pub(crate) lists: Vec<Option<Vec<Range<usize>>>>,
    /// The root fields, by their numbers in the reading.
    pub(crate) fields: Vec<(usize, Range<usize>)>,
    pub(crate) extensions: Option<Range<usize>>,
}

/// What was found under `errors`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum WireErrors {
    /// Nothing, or null.
    #[default]
    None,
    /// A list, as it was received.
    List(Range<usize>),
    /// Neither a list nor null.
    Malformed,
}

#[derive(Debug, Default)]
pub(crate) enum Data {
    /// There was no `data`, or it was null.
    #[default]
    None,
    /// It was not an object.
    NotAnObject,
    /// The object that the root fields were read into.
    Root(ObjectId),
    /// For each list of entities that was asked for, its items.
    Entities(Vec<EntityList>),
}

/// What was found under the alias of a list of entities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum EntityList {
    #[default]
    Absent,
    Null,
    /// Not a list.
    Malformed,
    Items {
        items: Vec<Option<ObjectId>>,
        /// The positions of those that are neither objects nor null, in order.
        malformed: Vec<usize>,
    },
}

/// What a response is read by.
pub(crate) enum Expected<'a> {
    Root(ReadingId),
    /// The alias and the reading of each list.
    Entities(Vec<(&'a str, ReadingId)>),
}

/// Bounds on reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadLimits {
    pub(crate) max_nesting: usize,
    /// The most bytes that the tree may have.
    pub(crate) max_tree: usize,
}

/// Reads a body. What was not asked for is skipped.
pub(crate) fn read_response(
    tree: &mut Tree,
    readings: &Readings,
    expected: &Expected<'_>,
    buffer: u16,
    limits: ReadLimits,
    wants_places: bool,
) -> Result<ReadResponse, ScanError> {
    let body = tree.buffer(buffer);
    let scanner = Scanner::new(&body, limits.max_nesting)?;
    if tree.first_item == 0 {
        tree.reserve(body.len() / 16);
    }
    let mut reader = Reader {
        scanner,
        tree,
        readings,
        buffer,
        max_tree: limits.max_tree,
        items: Vec::new(),
        weight: 0,
        places: wants_places.then(Places::default),
    };
    let mut response = reader.response(expected)?;
    response.weight = reader.weight;
    response.places = reader.places.take();
    reader.scanner.end()?;
    Ok(response)
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    tree: &'a mut Tree,
    readings: &'a Readings,
    buffer: u16,
    max_tree: usize,
    /// Items of lists that are not complete.
    items: Vec<Cell>,
    weight: u64,
    places: Option<Places>,
}

impl<'a> Reader<'a> {
    /// Of a member that is there twice the last one counts.
    fn response(&mut self, expected: &Expected<'_>) -> Result<ReadResponse, ScanError> {
        let mut response = ReadResponse::default();
        self.scanner.blanks();
        self.members(|reader, key| {
            match key {
                b"data" => response.data = reader.data(expected)?,
                b"errors" => {
                    let first = reader.scanner.peek();
                    let range = reader.skip()?;
                    response.errors = match first {
                        Some(b'[') => WireErrors::List(range),
                        Some(b'n') => WireErrors::None,
                        _ => WireErrors::Malformed,
                    };
                }
                b"extensions" => {
                    let range = reader.skip()?;
                    if let Some(places) = &mut reader.places {
                        places.extensions = Some(range);
                    }
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(response)
    }

    fn data(&mut self, expected: &Expected<'_>) -> Result<Data, ScanError> {
        match (self.scanner.peek(), expected) {
            (Some(b'{'), Expected::Root(reading)) if self.places.is_some() => {
                let mut fields = Vec::new();
                let object = self.object_noting(*reading, |field, value| fields.push((field, value)))?;
                if let Some(places) = &mut self.places {
                    places.fields = fields;
                }
                Ok(Data::Root(object))
            }
            (Some(b'{'), Expected::Root(reading)) => Ok(Data::Root(self.object(*reading)?)),
            (Some(b'{'), Expected::Entities(lists)) => {
                if let Some(places) = &mut self.places {
                    places.lists = vec![None; lists.len()];
                }
                let mut found = vec![EntityList::Absent; lists.len()];
                let mut aliases = Aliases { lists, next: 0, by_alias: None };
                self.members(|reader, key| {
                    match aliases.find(key) {
                        Some(at) => {
                            let mut items = reader.places.is_some().then(Vec::new);
                            found[at] = reader.entities(lists[at].1, &mut items)?;
                            if let Some(places) = &mut reader.places {
                                places.lists[at] = items;
                            }
                        }
                        None => {
                            reader.skip()?;
                        }
                    }
                    Ok(())
                })?;
                Ok(Data::Entities(found))
            }
            (Some(b'n'), _) => {
                self.skip()?;
                Ok(Data::None)
            }
            _ => {
                self.skip()?;
                Ok(Data::NotAnObject)
            }
        }
    }

    /// Passes an object whose keys are not compiled.
    fn members(&mut self, mut member: impl FnMut(&mut Self, &[u8]) -> Result<(), ScanError>) -> Result<(), ScanError> {
        self.scanner.expect(b'{')?;
        self.scanner.blanks();
        if self.scanner.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.scanner.key()?;
            let bytes = self.scanner.bytes;
            member(self, &unescape(bytes, key))?;
            if !self.scanner.another(b'}')? {
                return Ok(());
            }
        }
    }

    fn skip(&mut self) -> Result<Range<usize>, ScanError> {
        let start = self.scanner.at;
        self.scanner.value()?;
        Ok(start..self.scanner.at)
    }

    fn entities(
        &mut self,
        reading: ReadingId,
        places: &mut Option<Vec<Range<usize>>>,
    ) -> Result<EntityList, ScanError> {
        if self.scanner.take_null()? {
            *places = None;
            return Ok(EntityList::Null);
        }
        if self.scanner.peek() != Some(b'[') {
            self.skip()?;
            *places = None;
            return Ok(EntityList::Malformed);
        }
        let (mut items, mut malformed) = (Vec::new(), Vec::new());
        self.scanner.at += 1;
        self.scanner.blanks();
        if self.scanner.take(b']') {
            return Ok(EntityList::Items { items, malformed });
        }
        loop {
            let start = self.scanner.at;
            match self.scanner.peek() {
                Some(b'{') => items.push(Some(self.object(reading)?)),
                other => {
                    if other != Some(b'n') {
                        malformed.push(items.len());
                    }
                    self.skip()?;
                    items.push(None);
                }
            }
            if let Some(places) = places {
                places.push(start..self.scanner.at);
            }
            if !self.scanner.another(b']')? {
                return Ok(EntityList::Items { items, malformed });
            }
        }
    }

    /// Recursive as deep as what was asked for, which the compilation of an operation bounds.
    fn object(&mut self, id: ReadingId) -> Result<ObjectId, ScanError> {
        self.object_noting(id, |_, _| {})
    }

    /// The same, and says where the value of each field is, by the number of the field in its reading.
    #[inline]
    fn object_noting(&mut self, id: ReadingId, note: impl FnMut(usize, Range<usize>)) -> Result<ObjectId, ScanError> {
        let readings = self.readings;
        let reading = readings.get(id);
        if self.tree.size() > self.max_tree {
            return Err(ScanError::OutOfMemory);
        }
        let object = self.tree.add_object(reading.width, reading.assumed);
        self.weight = self.weight.saturating_add(reading.weight);
        self.members_of(reading, object, note)?;
        if !reading.more.is_empty() {
            self.weigh(reading, object);
        }
        Ok(object)
    }

    #[inline]
    fn members_of(
        &mut self,
        reading: &Reading,
        object: ObjectId,
        mut note: impl FnMut(usize, Range<usize>),
    ) -> Result<(), ScanError> {
        self.scanner.expect(b'{')?;
        self.scanner.blanks();
        if self.scanner.take(b'}') {
            return Ok(());
        }
        let mut next = 0;
        loop {
            let bytes = self.scanner.bytes;
            let expected = reading.fields.get(next).and_then(|field| {
                let len = field.expected.begins(bytes.get(self.scanner.at..)?)?;
                Some((field, len))
            });
            let field = match expected {
                Some((field, len)) => {
                    self.scanner.at += len;
                    self.scanner.blanks();
                    next += 1;
                    Some(field)
                }
                None => {
                    let key = self.scanner.key()?;
                    let found = reading.look_up(&unescape(bytes, key));
                    next = found.map_or(next, |at| at + 1);
                    found.map(|at| &reading.fields[at])
                }
            };
            let start = self.scanner.at;
            match field {
                Some(field) => {
                    self.field(reading, field, object)?;
                    // `next` is the number of the field that comes after this one.
                    note(next - 1, start..self.scanner.at);
                }
                None => {
                    self.skip()?;
                }
            }
            if !self.scanner.another(b'}')? {
                return Ok(());
            }
        }
    }

    /// Adds what an object counts by its type and its fields.
    fn weigh(&mut self, reading: &Reading, object: ObjectId) {
        let ty = self.tree.ty(object);
        let of_type = reading.more.types.iter().find(|(known, _)| Some(*known) == ty).map_or(0, |(_, weight)| *weight);
        let given = |slot: u32| !matches!(self.tree.get(object, slot), Cell::Absent);
        let of_fields = reading.more.fields.iter().filter(|(slot, _)| given(*slot)).map(|(_, weight)| *weight);
        self.weight = of_fields.fold(self.weight.saturating_add(of_type), u64::saturating_add);
    }

    // It has two callers. Without the attribute, each field is a call, which makes reading slower.
    #[inline(always)]
    fn field(&mut self, reading: &Reading, field: &ReadField, object: ObjectId) -> Result<(), ScanError> {
        match &field.targets[..] {
            [target] => {
                let cell = self.target(reading, target, object)?;
                self.tree.set(object, target.slot, cell);
            }
            targets => self.one_of(reading, targets, object)?,
        }
        Ok(())
    }

    /// A key that goes to different slots for different runtime types. When the type was not read yet, it goes to all: only the
    /// slots of the object's type are looked at later. When it fits none, the subgraph gave what was not asked of this type.
    fn one_of(&mut self, reading: &Reading, targets: &[Target], object: ObjectId) -> Result<(), ScanError> {
        let start = self.scanner.at;
        let ty = self.tree.ty(object);
        let fits = |target: &Target| match (&target.guard, ty) {
            (Some(guard), Some(ty)) => guard.contains(ty),
            _ => true,
        };
        let mut read = false;
        for target in targets.iter().filter(|target| fits(target)) {
            self.scanner.at = start;
            let cell = self.target(reading, target, object)?;
            self.tree.set(object, target.slot, cell);
            read = true;
        }
        if !read {
            self.skip()?;
        }
        Ok(())
    }

    #[inline]
    fn target(&mut self, reading: &Reading, target: &Target, object: ObjectId) -> Result<Cell, ScanError> {
        match target.kind {
            ReadKind::Leaf => self.leaf(),
            ReadKind::Objects(below, lists) => self.objects(below, lists),
            ReadKind::Typename => {
                let start = self.scanner.at;
                let cell = self.leaf()?;
                if let Some(ty) = type_named(reading, &self.scanner.bytes[start..self.scanner.at]) {
                    self.tree.set_ty(object, ty);
                }
                Ok(cell)
            }
        }
    }

    #[inline]
    fn leaf(&mut self) -> Result<Cell, ScanError> {
        let start = self.scanner.at as u32;
        match self.scanner.peek() {
            // By far the most frequent case.
            Some(b'"') => self.scanner.string().map(drop)?,
            _ if self.scanner.take_null()? => return Ok(Cell::Null),
            _ => self.scanner.value()?,
        }
        Ok(Cell::Leaf { buffer: self.buffer, start, end: self.scanner.at as u32 })
    }

    /// A value other than an object stays a leaf, and is seen not to fit when it is written.
    fn objects(&mut self, reading: ReadingId, lists: u8) -> Result<Cell, ScanError> {
        match self.scanner.peek() {
            Some(b'{') => Ok(Cell::Object(self.object(reading)?)),
            Some(b'[') if lists > 0 => {
                let first = self.items.len();
                self.scanner.at += 1;
                self.scanner.blanks();
                if !self.scanner.take(b']') {
                    loop {
                        let item = self.objects(reading, lists - 1)?;
                        self.items.push(item);
                        if self.items.len() * size_of::<Cell>() > self.max_tree {
                            return Err(ScanError::OutOfMemory);
                        }
                        if !self.scanner.another(b']')? {
                            break;
                        }
                    }
                }
                let list = self.tree.add_list(&self.items[first..]);
                self.items.truncate(first);
                Ok(list)
            }
            _ => self.leaf(),
        }
    }
}

/// Finds lists of entities by their aliases: they usually come in the order in which they were asked for.
struct Aliases<'a> {
    lists: &'a [(&'a str, ReadingId)],
    next: usize,
    by_alias: Option<AHashMap<&'a [u8], usize>>,
}

impl Aliases<'_> {
    fn find(&mut self, key: &[u8]) -> Option<usize> {
        let lists = self.lists;
        let is_next = lists.get(self.next).is_some_and(|(alias, _)| alias.as_bytes() == key);
        let at = match is_next {
            true => self.next,
            false => {
                let index = || lists.iter().enumerate().map(|(at, (alias, _))| (alias.as_bytes(), at)).collect();
                *self.by_alias.get_or_insert_with(index).get(key)?
            }
        };
        self.next = at + 1;
        Some(at)
    }
}

#[inline]
fn type_named(reading: &Reading, quoted: &[u8]) -> Option<TypeId> {
    let at = reading.types.binary_search_by(|(name, _)| (**name).cmp(quoted)).ok()?;
    Some(reading.types[at].1)
}
