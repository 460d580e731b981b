//! The body of a request while it is written, with where in it the values are. Knows nothing of the tree.

use std::sync::Arc;

use braid_graphql::variables::Variables;
use bytes::Bytes;

use crate::compile::request::CompiledRequest;
use crate::receivers::Receivers;
use crate::request::{EntityList, RequestValues, Variable};

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) body: Bytes,
    pub(crate) values: RequestValues,
    pub(crate) receivers: Receivers,
    /// How many copies had been made of objects when the receivers were found.
    pub(crate) copies: usize,
}

/// A body that is being written.
pub(crate) struct Body {
    pub(crate) out: Vec<u8>,
    pub(crate) entities: Vec<EntityList>,
    is_open: bool,
    variables: Vec<Variable>,
}

impl Body {
    /// The body up to its variables, with room for so many bytes more.
    pub(crate) fn new(request: &CompiledRequest, room: usize) -> Self {
        let mut out = Vec::with_capacity(request.head.len() + room);
        out.extend_from_slice(&request.head);
        Self { out, is_open: false, entities: Vec::with_capacity(request.parts.len()), variables: Vec::new() }
    }

    /// Begins a variable: `name` is quoted, with its colon.
    pub(crate) fn variable(&mut self, name: &[u8]) {
        self.out.extend_from_slice(if self.is_open { b"," } else { b",\"variables\":{" });
        self.out.extend_from_slice(name);
        self.is_open = true;
    }

    /// Writes the client's variables and the end.
    pub(crate) fn end(
        mut self,
        request: &CompiledRequest,
        variables: &Variables,
        receivers: Receivers,
        copies: usize,
    ) -> Prepared {
        for (quoted, name, number) in &request.variables {
            let Some(value) = variables.raw(*number) else { continue };
            self.variable(quoted);
            let start = self.out.len();
            self.out.extend_from_slice(value.as_bytes());
            self.variables.push(Variable { name: name.clone(), value: start..self.out.len() });
        }
        self.out.extend_from_slice(if self.is_open { b"}}" } else { b"}" });
        let document = Arc::clone(&request.document);
        let values = RequestValues { document, entities: self.entities, variables: self.variables };
        Prepared { body: self.out.into(), values, receivers, copies }
    }
}
