//! The syntax tree of a request's document, as slices of its text. Knows no schema.
//!
//! All nodes of one kind are in one list, and what is below a node is a range of such a list ([`Many`]): reading a document makes a handful of
//! allocations however long it is, and dropping it as many. What refers to a document's nodes is a number and no pointer.

mod convert;
mod parser;

use std::marker::PhantomData;
use std::ops::{Index, Range};

use ahash::AHashMap;
use apollo_compiler::ast::{OperationType, Type};

pub use convert::variable_definitions;
pub(crate) use convert::{arguments, string, unescaped};
pub use parser::{Unreadable, parse};

/// A range of one of a document's lists.
#[derive(Debug)]
pub struct Many<T> {
    start: u32,
    end: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Many<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Many<T> {}

impl<T> Many<T> {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many nodes there are.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there is no node.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The number of the first node in the document's list.
    pub(crate) fn first(self) -> usize {
        self.start as usize
    }
}

/// An executable document (<https://spec.graphql.org/September2025/#ExecutableDocument>).
#[derive(Debug, Default)]
pub struct Document<'a> {
    /// The operations, in the order of the text.
    pub operations: Vec<OperationDefinition<'a>>,
    /// The fragments, in the order of the text.
    pub fragments: Vec<FragmentDefinition<'a>>,
    selections: Vec<Selection<'a>>,
    directives: Vec<Directive<'a>>,
    arguments: Vec<Argument<'a>>,
    values: Vec<Value<'a>>,
    object_fields: Vec<ObjectField<'a>>,
    /// Where fragments are, if there are too many to look at each.
    by_name: AHashMap<&'a str, u32>,
}

/// Up to so many fragments are looked at one by one.
const FEW: usize = 16;

/// A selection set: never empty, unless the text has an empty one, which is not valid.
pub type SelectionSet<'a> = Many<Selection<'a>>;

/// An operation.
#[derive(Debug)]
pub struct OperationDefinition<'a> {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its variables.
    pub variables: Vec<VariableDefinition<'a>>,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
    /// What it selects.
    pub selection_set: SelectionSet<'a>,
}

/// The definition of a variable.
#[derive(Debug)]
pub struct VariableDefinition<'a> {
    /// Its name, without `$`.
    pub name: &'a str,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Literal<'a>>,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
}

/// A fragment.
#[derive(Debug)]
pub struct FragmentDefinition<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type for which it selects.
    pub type_condition: &'a str,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
    /// What it selects.
    pub selection_set: SelectionSet<'a>,
}

/// One selection of a set.
#[derive(Debug)]
pub enum Selection<'a> {
    /// A field.
    Field(Field<'a>),
    /// `... on Type { }` or `... { }`.
    InlineFragment(InlineFragment<'a>),
    /// `...Name`.
    FragmentSpread(FragmentSpread<'a>),
}

impl<'a> Selection<'a> {
    /// The directives on it.
    pub fn directives(&self) -> Many<Directive<'a>> {
        match self {
            Self::Field(field) => field.directives,
            Self::InlineFragment(fragment) => fragment.directives,
            Self::FragmentSpread(spread) => spread.directives,
        }
    }
}

/// A field.
#[derive(Debug)]
pub struct Field<'a> {
    /// Its alias.
    pub alias: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: Many<Argument<'a>>,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
    /// What it selects below.
    pub selection_set: Option<SelectionSet<'a>>,
}

impl<'a> Field<'a> {
    /// Its key in the response: the alias, or the name.
    pub fn response_key(&self) -> &'a str {
        self.alias.unwrap_or(self.name)
    }
}

/// An inline fragment.
#[derive(Debug)]
pub struct InlineFragment<'a> {
    /// The type for which it selects, if it says so.
    pub type_condition: Option<&'a str>,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
    /// What it selects.
    pub selection_set: SelectionSet<'a>,
}

/// The use of a fragment.
#[derive(Debug)]
pub struct FragmentSpread<'a> {
    /// The name of the fragment.
    pub name: &'a str,
    /// Its directives.
    pub directives: Many<Directive<'a>>,
}

/// A directive.
#[derive(Debug)]
pub struct Directive<'a> {
    /// Its name, without `@`.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: Many<Argument<'a>>,
}

/// An argument.
#[derive(Debug)]
pub struct Argument<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Literal<'a>,
}

/// A value with its text.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a> {
    /// What it is.
    pub value: Value<'a>,
    /// How it is written.
    pub text: &'a str,
}

/// A field of an input object.
#[derive(Debug)]
pub struct ObjectField<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Value<'a>,
}

/// An input value.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A whole number, as it is written.
    Int(&'a str),
    /// A number with a fraction or an exponent, as it is written.
    Float(&'a str),
    /// A string, as it is written, with its quotes.
    String(&'a str),
    /// The name of an enum value.
    Enum(&'a str),
    /// The name of a variable, without `$`.
    Variable(&'a str),
    /// A list.
    List(Many<Value<'a>>),
    /// An input object.
    Object(Many<ObjectField<'a>>),
}

macro_rules! list {
    ($node:ident, $list:ident) => {
        impl<'a> Index<Many<$node<'a>>> for Document<'a> {
            type Output = [$node<'a>];

            fn index(&self, many: Many<$node<'a>>) -> &Self::Output {
                &self.$list[many.range()]
            }
        }
    };
}
list!(Selection, selections);
list!(Directive, directives);
list!(Argument, arguments);
list!(Value, values);
list!(ObjectField, object_fields);

impl<'a> Document<'a> {
    /// The fragment of this name; the first, where there are several.
    pub fn fragment(&self, name: &str) -> Option<&FragmentDefinition<'a>> {
        self.fragments.get(self.fragment_number(name)?)
    }

    /// Its place in [`Document::fragments`].
    pub(crate) fn fragment_number(&self, name: &str) -> Option<usize> {
        match self.fragments.len() > FEW {
            true => self.by_name.get(name).map(|number| *number as usize),
            false => self.fragments.iter().position(|fragment| fragment.name == name),
        }
    }

    fn add_fragment(&mut self, fragment: FragmentDefinition<'a>) {
        self.fragments.push(fragment);
        let count = self.fragments.len();
        if count > FEW {
            // All of them once, and then each that comes.
            let new = if count == FEW + 1 { 0 } else { count - 1 };
            for (number, fragment) in self.fragments.iter().enumerate().skip(new) {
                self.by_name.entry(fragment.name).or_insert(number as u32);
            }
        }
    }

    /// How many selections there are in all.
    pub(crate) fn number_of_selections(&self) -> usize {
        self.selections.len()
    }

    /// Whether a directive with one of these names stands anywhere.
    pub fn has_directive(&self, names: &[&str]) -> bool {
        self.directives.iter().any(|directive| names.contains(&directive.name))
    }

    /// A directive of these.
    pub fn directive(&self, directives: Many<Directive<'a>>, name: &str) -> Option<&Directive<'a>> {
        self[directives].iter().find(|directive| directive.name == name)
    }

    /// The value of an argument of a directive, if it is given.
    pub fn argument(&self, directive: &Directive<'a>, name: &str) -> Option<&Literal<'a>> {
        self[directive.arguments].iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }
}
