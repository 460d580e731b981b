//! *CompleteValue*: walks the projection over the tree and writes the client's response by copying slices
//! (<https://spec.graphql.org/draft/#sec-Value-Completion>). Knows nothing of subgraphs.
//!
//! A null that is not allowed where it is moves up to the nearest nullable position, by cutting the output back to where that
//! position began.

use std::time::Instant;

use braid_graphql::introspection::{self, IntrospectionError, Introspector};
use braid_graphql::names::SchemaNames;
use braid_graphql::operation::FieldRef;
use braid_graphql::variables::Variables;
use braid_supergraph::Supergraph;

use crate::block::append;
use crate::compile::condition::Decisions;
use crate::compile::operation::CompiledOperation;
use crate::compile::projection::{
    Defers, LeafKind, OutField, OutGroup, OutKind, OutSet, OutSetId, OutVariant, Projection,
};
use crate::compile::wrappers::Wrappers;
use crate::error::{
    Errors, INVALID_VALUE, NON_NULLABLE_FIELD_IS_NULL, ResponsePath, Step, UNAUTHORIZED, UNKNOWN_RUNTIME_TYPE,
};
use crate::leaf::{self, Leaf};
use crate::scanner::Scanner;
use crate::tree::{Cell, ObjectId, Tree};
use crate::written::Written;

/// The value is null, and why is among the errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nulled;

type Completed = Result<(), Nulled>;

pub(crate) struct Completion<'a> {
    pub(crate) supergraph: &'a Supergraph,
    pub(crate) projection: &'a Projection,
    /// Which of the fields with rules are written.
    pub(crate) decisions: Decisions,
    pub(crate) variables: &'a Variables,
    pub(crate) tree: &'a Tree,
    pub(crate) introspector: Introspector<'a>,
    pub(crate) errors: &'a mut Errors,
    /// Whether errors may name types and fields of the schema.
    pub(crate) names: SchemaNames,
    /// Errors about what the client may not see.
    pub(crate) refusals: &'a mut Errors,
    /// Whether a fetch failed, so that types may be unknown without a further error.
    pub(crate) some_failed: bool,
    /// Whether fetches were given up, so that values may be absent without a further error.
    pub(crate) gave_up: bool,
    pub(crate) out: Vec<u8>,
    pub(crate) written: Written,
    pub(crate) max_out: usize,
    /// The output has become too large: completion stops.
    pub(crate) overflow: bool,
    /// The deadline has passed: completion stops.
    pub(crate) is_late: bool,
    /// What was met that is delivered later.
    pub(crate) found: Vec<Found>,
}

/// What is delivered later than what was written.
#[derive(Debug)]
pub(crate) enum Found {
    /// Fields of the object at a path.
    Group { set: OutSetId, group: usize, defers: Defers, path: Vec<Step> },
    /// The items of the list at a path from the first that was not written.
    Items { stream: u32, path: Vec<Step>, from: u32 },
}

impl<'a> Completion<'a> {
    /// Where nothing has failed and nothing is written yet. Writes up to `max_out` bytes, and about the schema no longer than to
    /// `deadline`.
    // It is large, so it is made where it is used.
    #[inline]
    pub(crate) fn new(
        operation: &'a CompiledOperation,
        variables: &'a Variables,
        tree: &'a Tree,
        (errors, refusals): (&'a mut Errors, &'a mut Errors),
        max_out: usize,
        deadline: Option<Instant>,
    ) -> Self {
        let introspector = Introspector::new(introspection::Context {
            api: operation.api(),
            variables,
            definitions: &operation.program.variables,
            max_bytes: max_out,
            deadline,
        });
        Self {
            supergraph: &operation.supergraph,
            projection: &operation.program.projection,
            decisions: operation.program.projection.rules.decide(variables),
            variables,
            tree,
            introspector,
            errors,
            names: SchemaNames::Hidden,
            refusals,
            some_failed: false,
            gave_up: false,
            out: Vec::new(),
            written: Written::default(),
            max_out,
            overflow: false,
            is_late: false,
            found: Vec::new(),
        }
    }
}

impl Completion<'_> {
    /// Writes the data of the operation.
    pub(crate) fn data(&mut self, root: ObjectId) {
        let start = self.out.len();
        if self.object(self.projection.root, root, &ResponsePath::Base(&[])).is_err() {
            self.out.truncate(start);
            self.found.clear();
            self.out.extend_from_slice(b"null");
        }
        // Within an object leaves are written without a look at the size.
        self.overflow |= self.out.len() > self.max_out;
    }

    /// Writes fields that are delivered later than their object.
    pub(crate) fn group(&mut self, set: OutSetId, group: usize, object: ObjectId, path: &[Step]) -> Completed {
        let path = ResponsePath::Base(path);
        let set = self.projection.set(set);
        let Some((variant, typename)) = set.variant(self.tree.ty(object)) else { return self.unknown_type(&path) };
        let Some(group) = variant.groups.get(group) else { return self.unknown_type(&path) };
        let completed = self.fields(&group.variant, typename, object, &path);
        self.overflow |= self.out.len() > self.max_out;
        if self.overflow { Err(Nulled) } else { completed }
    }

    /// Writes an item of a list that comes later than the list.
    pub(crate) fn item(&mut self, stream: u32, cell: Cell, path: &[Step]) -> Completed {
        let field = &self.projection.streams[stream as usize].field;
        let completed = self.value(field, field.wrappers.item(), cell, &ResponsePath::Base(path));
        self.overflow |= self.out.len() > self.max_out;
        if self.overflow { Err(Nulled) } else { completed }
    }

    /// Recursive as deep as the operation, which its compilation bounds.
    fn object(&mut self, set: OutSetId, object: ObjectId, path: &ResponsePath<'_>) -> Completed {
        let out = self.projection.set(set);
        let (variant, typename) = match out.variant(self.tree.ty(object)) {
            Some(found) => found,
            None => match self.written_for_all(out, object) {
                Some(variant) => (variant, None),
                None => return self.unknown_type(path),
            },
        };
        self.fields(variant, typename, object, path)?;
        if !variant.groups.is_empty() {
            let found = |(group, later): (usize, &OutGroup)| Found::Group {
                set,
                group,
                defers: later.defers.clone(),
                path: path.steps(),
            };
            self.found.extend(variant.groups.iter().enumerate().map(found));
        }
        Ok(())
    }

    /// What is written of an object of unknown type, whatever it is, where the fields that only some types have are left out by
    /// `@include` and `@skip`: then nobody has asked for its type.
    #[cold]
    fn written_for_all<'o>(&self, out: &'o OutSet, object: ObjectId) -> Option<&'o OutVariant> {
        if self.tree.ty(object).is_some() {
            return None;
        }
        let written = |variant: &'o OutVariant| {
            let fields = variant.fields.iter();
            let fields = fields.filter(|field| field.rule.is_none_or(|rule| self.decisions.is_written(rule)));
            fields.map(|field| (&field.key, field.kind, field.wrappers))
        };
        let first = out.variants().next()?;
        let are_alike = out.variants().all(|other| other.groups.is_empty() && written(first).eq(written(other)));
        are_alike.then_some(first)
    }

    fn fields(
        &mut self,
        variant: &OutVariant,
        typename: Option<&[u8]>,
        object: ObjectId,
        path: &ResponsePath<'_>,
    ) -> Completed {
        self.check_room(0)?;
        // Of a conditional variant, any field can be the first.
        let mut is_open = !variant.is_conditional;
        for field in &variant.fields {
            if variant.is_conditional {
                if field.rule.is_some_and(|rule| !self.decisions.is_written(rule)) {
                    continue;
                }
                self.out.push(if is_open { b',' } else { b'{' });
                self.out.extend_from_slice(&field.prefix.bytes()[1..]);
                is_open = true;
            } else {
                field.prefix.write(&mut self.out);
            }
            match field.kind {
                OutKind::Typename => match typename {
                    Some(name) => self.out.extend_from_slice(name),
                    None => return self.unknown_type(path),
                },
                OutKind::Introspection(at) => self.introspection(at)?,
                OutKind::Refused => self.refused_field(field, &ResponsePath::Key(path, &field.key, 0))?,
                OutKind::RefusedObject => return self.refused(path),
                OutKind::Leaf { slot, kind } => {
                    let cell = self.tree.get(object, slot);
                    // By far the most frequent case, on a short path.
                    if let Cell::Leaf { buffer, start, end } = cell
                        && field.wrappers.lists == 0
                    {
                        let (body, start, end) = (self.tree.body(buffer), start as usize, end as usize);
                        if leaf::is_raw(kind, body[start]) {
                            append(&mut self.out, body, start, end);
                            continue;
                        }
                        if let Leaf::Raw(raw) = leaf::complete(kind, &self.projection.enums, &body[start..end]) {
                            self.out.extend_from_slice(raw);
                            continue;
                        }
                    }
                    self.value(field, field.wrappers, cell, &ResponsePath::Key(path, &field.key, slot))?;
                }
                OutKind::Object { slot, .. } => {
                    let cell = self.tree.get(object, slot);
                    self.value(field, field.wrappers, cell, &ResponsePath::Key(path, &field.key, slot))?;
                }
            }
        }
        if !is_open || variant.fields.is_empty() {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes a selection of the schema itself.
    fn introspection(&mut self, at: u32) -> Completed {
        let selection = &self.projection.introspections[at as usize];
        let is_type = selection.definition == FieldRef::IntrospectType;
        let included = selection.selection_sets.iter().filter(|(condition, _)| condition.holds(self.variables));
        let sets: Vec<_> = included.map(|(_, set)| set).collect();
        let written = self.introspector.write(is_type, &selection.arguments, &sets, &mut self.out);
        written.map_err(|error| {
            self.overflow = true;
            self.is_late = error == IntrospectionError::TooSlow;
            Nulled
        })
    }

    /// Writes a value of a field or list item; an error within it makes it null where that is allowed.
    fn value(&mut self, field: &OutField, wrappers: Wrappers, cell: Cell, path: &ResponsePath<'_>) -> Completed {
        if !self.tree.is_shared(cell) {
            return self.complete(field, wrappers, cell, path);
        }
        let (start, errors, found) = (self.out.len(), self.error_count(), self.found.len());
        if let Some(range) = self.written.find(field, cell) {
            self.check_room(range.len())?;
            self.out.extend_from_within(range);
            return Ok(());
        }
        let completed = self.complete(field, wrappers, cell, path);
        // Each place has its own errors, with its path, and its own parts.
        if completed.is_ok() && self.error_count() == errors && self.found.len() == found {
            self.written.add(field, cell, start..self.out.len());
        }
        completed
    }

    fn complete(&mut self, field: &OutField, wrappers: Wrappers, cell: Cell, path: &ResponsePath<'_>) -> Completed {
        let (start, found) = (self.out.len(), self.found.len());
        let completed = match (cell, field.kind) {
            (Cell::Null, _) => return self.null(field, wrappers, path),
            (Cell::Absent, _) if !self.gave_up => return self.null(field, wrappers, path),
            (Cell::Absent | Cell::Failed | Cell::Explained, _) => Err(Nulled),
            (Cell::List { start, len, .. }, _) if wrappers.lists > 0 => {
                self.list(field, wrappers.item(), start, len, path)
            }
            (Cell::Object(object), OutKind::Object { set, .. }) if wrappers.lists == 0 => {
                self.object(set, object, path)
            }
            (Cell::Leaf { buffer, start, end }, OutKind::Leaf { kind, .. }) => {
                let tree = self.tree;
                self.leaf(field, wrappers, kind, tree.bytes(buffer, start, end), path)
            }
            _ => self.invalid(field, path),
        };
        if completed.is_err() {
            // Nothing is delivered later below what is null.
            self.found.truncate(found);
        }
        self.settle(completed, wrappers, start)
    }

    /// Gives up if the output would become too large with so many bytes more.
    #[inline]
    fn check_room(&mut self, bytes: usize) -> Completed {
        self.overflow |= self.out.len() + bytes > self.max_out;
        if self.overflow { Err(Nulled) } else { Ok(()) }
    }

    /// Turns a nulled value into null, or passes it up where null is not allowed.
    #[inline]
    fn settle(&mut self, completed: Completed, wrappers: Wrappers, start: usize) -> Completed {
        if completed.is_ok() || wrappers.is_non_null() || self.overflow {
            return completed;
        }
        self.out.truncate(start);
        self.written.cut();
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn list(&mut self, field: &OutField, item: Wrappers, start: u32, len: u32, path: &ResponsePath<'_>) -> Completed {
        let tree = self.tree;
        self.out.push(b'[');
        let mut now = len;
        if let Some(stream) = field.stream
            && item.lists + 1 == field.wrappers.lists
        {
            let initial = self.projection.streams[stream as usize].initial.count(self.variables);
            now = initial.min(len);
            // As graphql-js has it: whether the list goes on is only of interest once all of the first items were there.
            if initial <= len {
                self.found.push(Found::Items { stream, path: path.steps(), from: now });
            }
        }
        for (at, cell) in tree.items(start, now).iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.value(field, item, *cell, &ResponsePath::Index(path, at))?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// A leaf or a list of leaves.
    fn leaf(
        &mut self,
        field: &OutField,
        wrappers: Wrappers,
        kind: LeafKind,
        raw: &[u8],
        path: &ResponsePath<'_>,
    ) -> Completed {
        self.check_room(raw.len())?;
        if wrappers.lists > 0 {
            return self.leaf_list(field, wrappers.item(), kind, raw, path);
        }
        match leaf::complete(kind, &self.projection.enums, raw) {
            Leaf::Raw(raw) => self.out.extend_from_slice(raw),
            Leaf::Quoted(raw) => {
                self.out.push(b'"');
                self.out.extend_from_slice(raw);
                self.out.push(b'"');
            }
            Leaf::Invalid => return self.invalid(field, path),
        }
        Ok(())
    }

    /// `raw` is valid JSON, so its items can be found without looking for errors.
    fn leaf_list(
        &mut self,
        field: &OutField,
        item: Wrappers,
        kind: LeafKind,
        raw: &[u8],
        path: &ResponsePath<'_>,
    ) -> Completed {
        if raw.first() != Some(&b'[') {
            return self.invalid(field, path);
        }
        self.out.push(b'[');
        let mut scanner = Scanner { bytes: raw, at: 1, max_nesting: usize::MAX };
        scanner.blanks();
        let mut more = scanner.peek() != Some(b']');
        let mut index = 0;
        while more {
            let start = scanner.at;
            if scanner.value().is_err() {
                return self.invalid(field, path);
            }
            if index > 0 {
                self.out.push(b',');
            }
            self.leaf_item(field, item, kind, &raw[start..scanner.at], &ResponsePath::Index(path, index))?;
            index += 1;
            let Ok(another) = scanner.another(b']') else { return self.invalid(field, path) };
            more = another;
        }
        self.out.push(b']');
        Ok(())
    }

    fn leaf_item(
        &mut self,
        field: &OutField,
        wrappers: Wrappers,
        kind: LeafKind,
        raw: &[u8],
        path: &ResponsePath<'_>,
    ) -> Completed {
        if raw == b"null" {
            return self.null(field, wrappers, path);
        }
        let start = self.out.len();
        let completed = self.leaf(field, wrappers, kind, raw, path);
        self.settle(completed, wrappers, start)
    }

    #[inline]
    fn null(&mut self, field: &OutField, wrappers: Wrappers, path: &ResponsePath<'_>) -> Completed {
        if !wrappers.is_non_null() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        let message = format!("Cannot return null for non-nullable field {}.", self.field_name(field));
        self.errors.report(NON_NULLABLE_FIELD_IS_NULL, message, path.segments());
        Err(Nulled)
    }

    #[cold]
    fn invalid(&mut self, field: &OutField, path: &ResponsePath<'_>) -> Completed {
        let what = match field.kind {
            _ if self.names == SchemaNames::Hidden => "not of its type".to_owned(),
            OutKind::Leaf { kind: LeafKind::Enum(at), .. } => {
                let name = &self.supergraph.schema.ty(self.projection.enums[at as usize].ty).name;
                format!("not a value of {name} that the schema has")
            }
            _ => match field.definition.map(|id| &self.supergraph.schema.field(id).ty) {
                Some(ty) => format!("not of type {ty}"),
                None => "not of its type".to_owned(),
            },
        };
        let message = format!("A subgraph gave a value for {} that is {what}.", self.field_name(field));
        self.errors.report(INVALID_VALUE, message, path.segments());
        Err(Nulled)
    }

    /// How many errors there are, of all kinds.
    fn error_count(&self) -> usize {
        self.errors.count() + self.refusals.count()
    }

    /// A field that the client may not see.
    #[cold]
    fn refused_field(&mut self, field: &OutField, path: &ResponsePath<'_>) -> Completed {
        let completed = self.refused(path);
        self.settle(completed, field.wrappers, self.out.len())
    }

    #[cold]
    fn refused(&mut self, path: &ResponsePath<'_>) -> Completed {
        let message = "The request lacks a permission that this needs.";
        self.refusals.report(UNAUTHORIZED, message, path.segments());
        Err(Nulled)
    }

    #[cold]
    fn unknown_type(&mut self, path: &ResponsePath<'_>) -> Completed {
        if !self.some_failed {
            let message = "No subgraph gave this object a type that the schema has here.";
            self.errors.report(UNKNOWN_RUNTIME_TYPE, message, path.segments());
        }
        Err(Nulled)
    }

    /// The field in messages: `Type.field`, or by what the client calls it.
    fn field_name(&self, field: &OutField) -> String {
        match field.definition {
            Some(id) if self.names == SchemaNames::Shown => self.supergraph.schema.coordinate(id),
            _ => format!("\"{}\"", field.key),
        }
    }
}
