//! Proves that a document is valid, in one walk over its own tree. What it can't prove may be valid all the same: see [`crate::parse`].
//!
//! Each rule here holds for every document that passes, and few write an error. So it may leave out what is rare (`@defer`, `@stream`, custom
//! directives), and gives up on what would take long.

mod overlap;
#[cfg(test)]
mod tests;
mod values;
mod variables;

use apollo_compiler::Node;
use apollo_compiler::ast::{FieldDefinition, InputValueDefinition};
use apollo_compiler::schema::ExtendedType;

use crate::schema::Schema;
use crate::syntax::{Argument, Directive, Document, Field, Many, Selection, SelectionSet};
use crate::view::{ApiView, FieldNumber};
use variables::Usages;

/// What is known of a document.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is valid.
    Valid,
    /// It may be valid or not.
    Open,
    /// It breaks a rule that the parser's library does not check in full.
    Invalid(String),
}

/// Judges `document` against `api`. `schema` has all of `api`, and may have more.
pub fn judge(document: &Document<'_>, api: ApiView<'_>, schema: &Schema) -> Verdict {
    let selected = (0..document.number_of_selections()).map(|_| None).collect();
    let mut proof = Proof { document, api, schema, usages: Usages::default(), selected, is_open: false };
    match proof.definitions().and_then(|()| proof.variables()).and_then(|()| proof.fields_merge()) {
        Ok(()) if proof.is_open => Verdict::Open,
        Ok(()) => Verdict::Valid,
        Err(Unproven::Unknown) => Verdict::Open,
        Err(Unproven::Broken(why)) => Verdict::Invalid(why),
    }
}

/// Why there is no proof.
enum Unproven {
    /// Something is not valid, or not proven to be.
    Unknown,
    /// See [`Verdict::Invalid`].
    Broken(String),
}

type Proven<T = ()> = Result<T, Unproven>;

fn require(holds: bool) -> Proven {
    if holds { Ok(()) } else { Err(Unproven::Unknown) }
}

struct Proof<'d, 's> {
    document: &'d Document<'d>,
    api: ApiView<'s>,
    schema: &'s Schema,
    usages: Usages<'d, 's>,
    /// What each selection that is a field selects.
    selected: Vec<Option<Selected<'s>>>,
    /// Whether there is something that is not judged here.
    is_open: bool,
}

/// The definition of a field that is selected, and the type that it was looked up on.
#[derive(Clone, Copy)]
struct Selected<'s> {
    parent: &'s ExtendedType,
    definition: &'s Node<FieldDefinition>,
}

impl<'d, 's> Proof<'d, 's> {
    /// *Operation Name Uniqueness*, *Lone Anonymous Operation*, *Operation Type Existence*, *Fragment Name Uniqueness*, and what is within them.
    fn definitions(&mut self) -> Proven {
        let document = self.document;
        let (operations, fragments) = (&document.operations, &document.fragments);
        require(!operations.is_empty() && operations.len() <= MOST && fragments.len() <= MOST)?;
        require(operations.len() == 1 || operations.iter().all(|operation| operation.name.is_some()))?;
        require(are_unique(operations.iter().filter_map(|operation| operation.name)))?;
        require(are_unique(fragments.iter().map(|fragment| fragment.name)))?;
        for operation in operations {
            self.is_open |= !operation.directives.is_empty();
            let root = self.api.root(operation.kind).ok_or(Unproven::Unknown)?;
            self.usages.begin();
            self.selections(operation.selection_set, root)?;
        }
        for fragment in fragments {
            self.is_open |= !fragment.directives.is_empty();
            let condition = self.composite(fragment.type_condition)?;
            self.usages.begin();
            self.selections(fragment.selection_set, condition)?;
        }
        Ok(())
    }

    /// *Fragment Spread Type Existence*, *Fragments on Object, Interface or Union Types*.
    fn composite(&self, name: &str) -> Proven<&'s ExtendedType> {
        self.api.ty(name).filter(|ty| is_composite(ty)).ok_or(Unproven::Unknown)
    }

    /// Recursive as deep as the grammar, which parsing bounds.
    fn selections(&mut self, set: SelectionSet<'d>, parent: &'s ExtendedType) -> Proven {
        let document = self.document;
        require(!set.is_empty())?;
        for (at, selection) in document[set].iter().enumerate() {
            self.directives(selection.directives())?;
            match selection {
                Selection::Field(field) => {
                    let selected = self.field(field, parent)?;
                    self.selected[set.first() + at] = Some(selected);
                }
                Selection::InlineFragment(fragment) => {
                    let mut inner = parent;
                    if let Some(condition) = fragment.type_condition {
                        inner = self.composite(condition)?;
                        require(self.may_be(parent, inner))?;
                    }
                    self.selections(fragment.selection_set, inner)?;
                }
                Selection::FragmentSpread(spread) => {
                    let at = document.fragment_number(spread.name).ok_or(Unproven::Unknown)?;
                    let condition = self.composite(document.fragments[at].type_condition)?;
                    require(self.may_be(parent, condition))?;
                    self.usages.spread(at);
                }
            }
        }
        Ok(())
    }

    /// *Field Selections*, *Leaf Field Selections*, *Argument Uniqueness*.
    fn field(&mut self, field: &'d Field<'d>, parent: &'s ExtendedType) -> Proven<Selected<'s>> {
        let (number, definition) = self.definition(field, parent).ok_or(Unproven::Unknown)?;
        let document = self.document;
        let given = &document[field.arguments];
        require(given.len() <= MOST && are_unique(given.iter().map(|argument| argument.name)))?;
        self.arguments(number, &definition.arguments, given)?;
        let inner = self.api.ty(definition.ty.inner_named_type()).ok_or(Unproven::Unknown)?;
        match field.selection_set {
            Some(set) => require(is_composite(inner)).and_then(|()| self.selections(set, inner))?,
            None => require(!is_composite(inner))?,
        }
        Ok(Selected { parent, definition })
    }

    /// A field of the schema with its number, or a meta-field.
    fn definition(
        &self,
        field: &Field<'_>,
        parent: &'s ExtendedType,
    ) -> Option<(Option<FieldNumber>, &'s Node<FieldDefinition>)> {
        if let Some((number, own)) = self.api.field(parent, field.name) {
            return Some((Some(number), own));
        }
        let api: &'s apollo_compiler::Schema = self.api.schema();
        // Other than the root type that they are of, meta-fields are no fields of a type.
        let is_meta = field.name.starts_with("__");
        is_meta.then(|| api.type_field(parent.name(), field.name).ok()).flatten().map(|meta| (None, meta))
    }

    /// *Directives Are Defined*, *Directives Are in Valid Locations*, *Directives Are Unique per Location*, of `@skip` and `@include`. Others are not
    /// judged.
    fn directives(&mut self, directives: Many<Directive<'d>>) -> Proven {
        let document = self.document;
        let given = &document[directives];
        require(given.len() <= MOST && are_unique(given.iter().map(|directive| directive.name)))?;
        for directive in given {
            self.is_open |= !matches!(directive.name, "skip" | "include");
            let definition = self.api.schema().directive_definitions.get(directive.name).ok_or(Unproven::Unknown)?;
            let given = &document[directive.arguments];
            require(given.len() <= MOST && are_unique(given.iter().map(|argument| argument.name)))?;
            self.arguments(None, &definition.arguments, given)?;
        }
        Ok(())
    }

    /// *Argument Names*, *Required Arguments*.
    fn arguments(
        &mut self,
        number: Option<FieldNumber>,
        all: &'s [Node<InputValueDefinition>],
        given: &'d [Argument<'d>],
    ) -> Proven {
        let mut known = self.api.arguments(number, all);
        for argument in given {
            let known = known.clone().find(|known| *known.name == *argument.name).ok_or(Unproven::Unknown)?;
            self.input(known, argument.value.value)?;
        }
        let is_given = |known: &Node<InputValueDefinition>| given.iter().any(|given| *given.name == *known.name);
        require(known.all(|known| !known.is_required() || is_given(known)))
    }

    /// *Fragment Spread Is Possible*.
    fn may_be(&self, parent: &ExtendedType, condition: &ExtendedType) -> bool {
        if std::ptr::eq(parent, condition) {
            return true;
        }
        match (parent, condition) {
            (ExtendedType::Object(object), ExtendedType::Interface(interface))
            | (ExtendedType::Interface(interface), ExtendedType::Object(object)) => {
                object.implements_interfaces.contains(&interface.name)
            }
            (ExtendedType::Object(object), ExtendedType::Union(union))
            | (ExtendedType::Union(union), ExtendedType::Object(object)) => union.members.contains(&object.name),
            (ExtendedType::Object(_), ExtendedType::Object(_)) => false,
            _ => self.share_objects(parent, condition),
        }
    }

    /// Whether two abstract types have an object type in common that clients can see.
    fn share_objects(&self, one: &ExtendedType, other: &ExtendedType) -> bool {
        let possible = |ty: &ExtendedType| self.schema.type_named(ty.name()).map(|id| &self.schema.ty(id).possible);
        let (Some(one), Some(other)) = (possible(one), possible(other)) else { return false };
        one.iter().any(|id| other.contains(id) && self.api.ty(&self.schema.ty(id).name).is_some())
    }
}

fn is_composite(ty: &ExtendedType) -> bool {
    matches!(ty, ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_))
}

/// At most so many names are compared with one another.
const MOST: usize = 64;

fn are_unique<'n>(mut names: impl Iterator<Item = &'n str> + Clone) -> bool {
    while let Some(name) = names.next() {
        if names.clone().any(|later| later == name) {
            return false;
        }
    }
    true
}
