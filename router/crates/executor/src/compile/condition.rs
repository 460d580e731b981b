//! What the Boolean variables of `@include` and `@skip` decide, compiled to the numbers of the variables. Knows nothing of fields.

use ahash::AHashMap;
use braid_graphql::operation::{Condition, Literal};
use braid_graphql::variables::Variables;
use braid_graphql::{Name, Node, VariableDefinition};
use indexmap::IndexSet;

use super::heap;
use super::limits::CompileError;

/// The numbers of an operation's variables by their names.
pub(crate) struct Numbers<'a>(AHashMap<&'a Name, usize>);

impl<'a> Numbers<'a> {
    pub(crate) fn new(variables: &'a [Node<VariableDefinition>]) -> Self {
        Self(variables.iter().enumerate().map(|(number, variable)| (&variable.name, number)).collect())
    }

    pub(crate) fn of(&self, name: &Name) -> Result<usize, CompileError> {
        self.0.get(name).copied().ok_or(CompileError::Inconsistent)
    }
}

/// A conjunction of Boolean variables, sorted by their numbers; empty when it always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct CompiledCondition(Vec<(usize, bool)>);

impl CompiledCondition {
    pub(crate) fn new(condition: &Condition, numbers: &Numbers<'_>) -> Result<Self, CompileError> {
        if condition.is_always() {
            return Ok(Self::default());
        }
        let literal = |literal: &Literal| Ok((numbers.of(&literal.variable)?, literal.value));
        let mut literals = condition.literals().iter().map(literal).collect::<Result<Vec<_>, _>>()?;
        literals.sort_unstable();
        Ok(Self(literals))
    }

    pub(crate) fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// Both conditions; `None` when they contradict each other.
    pub(crate) fn and(&self, other: &Self) -> Option<Self> {
        if other.is_always() {
            return Some(self.clone());
        }
        let mut literals = [&self.0[..], &other.0[..]].concat();
        literals.sort_unstable();
        literals.dedup();
        let contradicts = literals.windows(2).any(|pair| pair[0].0 == pair[1].0);
        (!contradicts).then_some(Self(literals))
    }

    pub(crate) fn holds(&self, variables: &Variables) -> bool {
        self.0.iter().all(|(number, value)| variables.boolean(*number).unwrap_or(false) == *value)
    }

    /// The bytes that it has on the heap.
    pub(crate) fn heap(&self) -> usize {
        heap::flat(&self.0)
    }

    /// The numbers of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(number, _)| *number)
    }
}

/// When a selection of a key is the one that is written: the first, in the order of the operation, whose condition holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Rule {
    condition: CompiledCondition,
    /// The selection of the same key before this one.
    before: Option<RuleId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RuleId(u32);

/// The rules of an operation, each once. A rule stands after the one that it refers to.
#[derive(Debug, Default)]
pub(crate) struct Rules(IndexSet<Rule>);

/// The rules, decided for the variables of one request.
#[derive(Debug)]
pub(crate) struct Decisions(Vec<bool>);

impl Rules {
    /// The rule of a selection with this condition that has the selection with the rule `before` ahead of it.
    pub(crate) fn add(&mut self, condition: &CompiledCondition, before: Option<RuleId>) -> RuleId {
        RuleId(self.0.insert_full(Rule { condition: condition.clone(), before }).0 as u32)
    }

    /// The bytes that they have on the heap: each, its number in the table, and its hash.
    pub(crate) fn heap(&self) -> usize {
        let each = std::mem::size_of::<Rule>() + 3 * std::mem::size_of::<usize>();
        self.0.capacity() * each + self.0.iter().map(|rule| rule.condition.heap()).sum::<usize>()
    }

    pub(crate) fn decide(&self, variables: &Variables) -> Decisions {
        let mut written = Vec::with_capacity(self.0.len());
        // Whether the selection or one before it is written.
        let mut met: Vec<bool> = Vec::with_capacity(self.0.len());
        for rule in &self.0 {
            let before = rule.before.is_some_and(|before| met[before.0 as usize]);
            let holds = rule.condition.holds(variables);
            written.push(holds && !before);
            met.push(holds || before);
        }
        Decisions(written)
    }
}

impl Decisions {
    #[inline]
    pub(crate) fn is_written(&self, rule: RuleId) -> bool {
        self.0[rule.0 as usize]
    }
}
