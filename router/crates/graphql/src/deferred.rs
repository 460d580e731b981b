//! The deferred fragments and streamed lists of an operation, as they are met. Knows nothing of selections.

use apollo_compiler::ast::{Directive, Value, VariableDefinition};
use apollo_compiler::{Name, Node};

use crate::operation::{Defer, DeferId, InitialCount, Stream, StreamId};

/// What may be delivered later.
pub(crate) struct Parts<'a> {
    /// The Boolean variables of the request.
    pub(crate) values: &'a dyn Fn(&Name) -> bool,
    pub(crate) defers: Vec<Defer>,
    pub(crate) streams: u32,
    variables: &'a [Node<VariableDefinition>],
}

impl<'a> Parts<'a> {
    /// Nothing yet, for these values of the Boolean variables.
    pub(crate) fn new(values: &'a dyn Fn(&Name) -> bool, variables: &'a [Node<VariableDefinition>]) -> Self {
        Self { values, defers: Vec::new(), streams: 0, variables }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.defers.len() + self.streams as usize
    }

    /// Adds a fragment that is deferred by a directive.
    pub(crate) fn add_defer(&mut self, defer: &Directive, parent: Option<DeferId>, depth: u32) -> DeferId {
        let id = DeferId(self.defers.len() as u32);
        self.defers.push(Defer { label: label(defer), parent, depth });
        id
    }

    /// Adds a list that is streamed by a directive.
    pub(crate) fn add_stream(&mut self, stream: &Directive) -> Stream {
        let id = StreamId(self.streams);
        self.streams += 1;
        Stream { id, label: label(stream), initial_count: self.initial_count(stream) }
    }

    /// Whether `if` is not false.
    pub(crate) fn applies(&self, directive: &Directive) -> bool {
        match directive.specified_argument_by_name("if").map(Node::as_ref) {
            Some(Value::Boolean(value)) => *value,
            Some(Value::Variable(variable)) => (self.values)(variable),
            _ => true,
        }
    }

    fn initial_count(&self, stream: &Directive) -> InitialCount {
        // A number that is negative counts as none.
        let number = |value: &Node<Value>| value.to_i32().and_then(|count| count.try_into().ok()).unwrap_or(0);
        match stream.specified_argument_by_name("initialCount") {
            None => InitialCount::Fixed(0),
            Some(value) => match value.as_ref() {
                Value::Variable(name) => {
                    let defined = self.variables.iter().find(|variable| variable.name == *name);
                    let default = defined.and_then(|variable| variable.default_value.as_ref());
                    InitialCount::Variable(name.clone(), default.map_or(0, number))
                }
                _ => InitialCount::Fixed(number(value)),
            },
        }
    }
}

fn label(directive: &Directive) -> Option<String> {
    directive.specified_argument_by_name("label").and_then(|label| label.as_str()).map(str::to_owned)
}
