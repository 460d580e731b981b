//! The stages of an execution one by one, for benches. Knows no service: the caller brings the answers.

use braid_graphql::variables::Variables;
use bytes::Bytes;

use crate::absorb::{Absorb, Target};
use crate::body::Prepared;
use crate::compile::operation::CompiledOperation;
use crate::compile::shape::Shapes;
use crate::complete::Completion;
use crate::error::Errors;
use crate::prepare::prepare;
use crate::prepare_context::PrepareContext;
use crate::read::{ReadLimits, read_response};
use crate::response::SubgraphErrors;
use crate::tree::{ObjectId, Tree};

const LIMITS: ReadLimits = ReadLimits { max_nesting: 128, max_tree: 1 << 30 };

/// An execution that is driven from outside.
#[derive(Debug)]
pub struct Stages<'a> {
    operation: &'a CompiledOperation,
    variables: &'a Variables,
    tree: Tree,
    root: ObjectId,
    errors: Errors,
    refusals: Errors,
}

/// A request that waits for its response.
#[derive(Debug)]
pub struct Request {
    index: usize,
    prepared: Prepared,
}

impl Request {
    /// What would be sent.
    pub fn body(&self) -> Bytes {
        self.prepared.body.clone()
    }
}

impl<'a> Stages<'a> {
    /// An execution that has not begun.
    pub fn new(operation: &'a CompiledOperation, variables: &'a Variables) -> Self {
        let mut tree = Tree::default();
        let root = tree.add_object(operation.program.shapes.get(Shapes::ROOT).width(), Some(operation.program.root));
        Self { operation, variables, tree, root, errors: Errors::new(100), refusals: Errors::new(100) }
    }

    /// Collects the objects of a fetch and writes its request.
    pub fn represent(&mut self, index: usize) -> Option<Request> {
        let (operation, variables, root) = (self.operation, self.variables, self.root);
        let context = PrepareContext { operation, variables, root, max_body: 1 << 30 };
        let prepared = prepare(&context, &mut self.tree, index).ok().flatten()?;
        Some(Request { index, prepared })
    }

    /// Reads a response into slots, and leaves it at that. Returns whether it is as it should be.
    pub fn read(&self, request: &Request, body: &Bytes) -> bool {
        let mut tree = Tree::default();
        let fetch = &self.operation.program.fetches[request.index];
        let expected = crate::absorb::expected(&fetch.kind, &request.prepared.receivers);
        let Some(buffer) = tree.keep(body.clone()) else { return false };
        read_response(&mut tree, &fetch.readings, &expected, buffer, LIMITS, false).is_ok()
    }

    /// Reads a response and merges it into the tree.
    pub fn absorb(&mut self, request: &Request, body: &Bytes) {
        let buffer = self.tree.keep(body.clone());
        let target = Target {
            operation: self.operation,
            tree: &mut self.tree,
            root: self.root,
            errors: &mut self.errors,
            exposure: &SubgraphErrors::Hidden,
        };
        let mut absorb = Absorb::new(target, request.index, LIMITS);
        absorb.answer(&request.prepared.receivers, 200, buffer, None);
    }

    /// Writes the data of the response.
    pub fn project(&mut self) -> Vec<u8> {
        let notes = (&mut self.errors, &mut self.refusals);
        let mut completion = Completion::new(self.operation, self.variables, &self.tree, notes, 1 << 30, None);
        completion.data(self.root);
        completion.out
    }
}
