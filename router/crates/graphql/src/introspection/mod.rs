//! Introspection (<https://spec.graphql.org/September2025/#sec-Introspection>): the selections of `__schema` and `__type` executed over
//! a schema. Knows nothing of other fields.

mod context;
mod select;
mod write;

use std::borrow::Cow;

use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, Value};

use crate::operation::SelectionSet;
use select::{argument, select};
use write::{Meta, Writer};

pub(crate) use context::meta_type;
pub use context::{Context, IntrospectionError};

/// Executes the introspection of one request: all of it shares the bounds.
pub struct Introspector<'a> {
    context: Context<'a>,
    writer: Writer<'a>,
}

impl<'a> Introspector<'a> {
    /// Nothing is executed yet.
    pub fn new(context: Context<'a>) -> Self {
        Self { context, writer: Writer::new(context) }
    }

    /// Executes the selections of one `__schema` or, with `is_type`, one `__type` field, and appends the value to `out`.
    /// `selection_sets` are those of all fields that merge into it. After an error, part of it is written.
    pub fn write(
        &mut self,
        is_type: bool,
        arguments: &[Node<Argument>],
        selection_sets: &[&SelectionSet],
        out: &mut Vec<u8>,
    ) -> Result<(), IntrospectionError> {
        let selected = select(&self.context, selection_sets);
        let meta = match is_type {
            false => Some(Meta::Schema),
            true => self.type_named(arguments).map(Meta::Named),
        };
        let Some(meta) = meta else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        std::mem::swap(&mut self.writer.out, out);
        let written = self.writer.object(&selected, &meta);
        std::mem::swap(&mut self.writer.out, out);
        written
    }

    fn type_named(&self, arguments: &[Node<Argument>]) -> Option<&'a apollo_compiler::schema::ExtendedType> {
        let value = argument(&self.context, arguments, "name")?;
        let Value::String(name) = Cow::as_ref(&value) else { return None };
        self.context.api.ty(name)
    }
}
