//! What some clients see of an API schema: all of it, or all but what is hidden from them. Views share the schema, and each has only a bit for
//! each element. Knows nothing of why something is hidden.
//!
//! A view never hides what something visible needs: a visible field has a visible type, and no argument that must be given and is hidden. Whoever
//! makes one sees to it.

use std::sync::Arc;

use apollo_compiler::ast::{FieldDefinition, InputValueDefinition, OperationType};
use apollo_compiler::schema::{EnumType, EnumValueDefinition, ExtendedType, InputObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};

use crate::schema::fields_of;

/// The numbers of a schema's elements. A type has the number of its place in the schema; its *members* (fields, enum values, input fields) and the
/// arguments of fields are numbered through.
#[derive(Debug, PartialEq, Eq)]
pub struct Elements {
    /// For each type, the number of its first member; and one more, so that the next one's is where the members end.
    members: Vec<u32>,
    /// For each member, the number of its first argument; and one more.
    arguments: Vec<u32>,
}

impl Elements {
    /// The numbers of a schema's elements.
    pub fn of(schema: &Schema) -> Self {
        let (mut members, mut arguments) = (Vec::with_capacity(schema.types.len() + 1), Vec::new());
        let mut next_argument = 0;
        for ty in schema.types.values() {
            members.push(arguments.len() as u32);
            match fields_of(ty) {
                Some(fields) => {
                    for field in fields.values() {
                        arguments.push(next_argument);
                        next_argument += field.arguments.len() as u32;
                    }
                }
                None => {
                    let count = match ty {
                        ExtendedType::Enum(definition) => definition.values.len(),
                        ExtendedType::InputObject(input) => input.fields.len(),
                        _ => 0,
                    };
                    arguments.extend(std::iter::repeat_n(next_argument, count));
                }
            }
        }
        members.push(arguments.len() as u32);
        arguments.push(next_argument);
        Self { members, arguments }
    }

    /// The number of types.
    pub fn types(&self) -> usize {
        self.members.len() - 1
    }

    /// The number of a member, by that of its type and its place in it.
    pub fn member(&self, ty: usize, at: usize) -> usize {
        self.members[ty] as usize + at
    }

    /// The number of an argument, by that of its field and its place in it.
    pub fn argument(&self, member: usize, at: usize) -> usize {
        self.arguments[member] as usize + at
    }

    fn all_members(&self) -> usize {
        self.arguments.len() - 1
    }

    fn all_arguments(&self) -> usize {
        self.arguments.last().map_or(0, |last| *last as usize)
    }
}

/// A set of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    /// Returns whether it is new.
    fn insert(&mut self, number: usize) -> bool {
        let (word, bit) = (&mut self.0[number / 64], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// The elements of a schema that are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    elements: Arc<Elements>,
    types: Bits,
    members: Bits,
    arguments: Bits,
}

impl Hidden {
    /// Nothing of the schema with these elements.
    pub fn nothing(elements: Arc<Elements>) -> Self {
        let [types, members, arguments] =
            [elements.types(), elements.all_members(), elements.all_arguments()].map(Bits::new);
        Self { elements, types, members, arguments }
    }

    /// The elements of the schema.
    pub fn elements(&self) -> &Arc<Elements> {
        &self.elements
    }

    /// Hides a type. Returns whether it was visible.
    pub fn hide_type(&mut self, ty: usize) -> bool {
        self.types.insert(ty)
    }

    /// Hides a member. Returns whether it was visible.
    pub fn hide_member(&mut self, member: usize) -> bool {
        self.members.insert(member)
    }

    /// Hides an argument. Returns whether it was visible.
    pub fn hide_argument(&mut self, argument: usize) -> bool {
        self.arguments.insert(argument)
    }

    /// Whether a type is hidden.
    pub fn has_type(&self, ty: usize) -> bool {
        self.types.has(ty)
    }

    /// Whether a member is hidden by itself. It is also if its type is.
    pub fn has_member(&self, member: usize) -> bool {
        self.members.has(member)
    }

    /// Whether an argument is hidden by itself.
    pub fn has_argument(&self, argument: usize) -> bool {
        self.arguments.has(argument)
    }
}

/// An API schema as some clients see it.
#[derive(Debug, Clone, Copy)]
pub struct ApiView<'a> {
    schema: &'a Valid<Schema>,
    hidden: Option<&'a Hidden>,
}

/// The number of a field. It is of no meaning where nothing is hidden.
#[derive(Debug, Clone, Copy)]
pub struct FieldNumber(usize);

impl<'a> ApiView<'a> {
    /// The schema without what is hidden, if anything is. The numbers of `hidden` are those of this schema.
    pub fn new(schema: &'a Valid<Schema>, hidden: Option<&'a Hidden>) -> Self {
        Self { schema, hidden }
    }

    /// All of a schema.
    pub fn all(schema: &'a Valid<Schema>) -> Self {
        Self { schema, hidden: None }
    }

    /// Whether anything may be hidden.
    pub fn hides(&self) -> bool {
        self.hidden.is_some()
    }

    /// The schema, hidden elements included: for what is never hidden, such as directives and meta-fields.
    pub fn schema(&self) -> &'a Valid<Schema> {
        self.schema
    }

    /// A type by its name.
    pub fn ty(&self, name: &str) -> Option<&'a ExtendedType> {
        let Some(hidden) = self.hidden else { return self.schema.types.get(name) };
        let (number, _, ty) = self.schema.types.get_full(name)?;
        (!hidden.has_type(number)).then_some(ty)
    }

    /// All types.
    pub fn types(&self) -> impl Iterator<Item = &'a ExtendedType> + use<'a> {
        let hidden = self.hidden;
        let is_shown = move |number| hidden.is_none_or(|hidden| !hidden.has_type(number));
        self.schema.types.values().enumerate().filter(move |(number, _)| is_shown(*number)).map(|(_, ty)| ty)
    }

    /// A root operation type.
    pub fn root(&self, kind: OperationType) -> Option<&'a ExtendedType> {
        self.ty(self.schema.root_operation(kind)?)
    }

    /// The number of the first member of a type; 0 where nothing is hidden.
    fn first_member(&self, ty: &Name) -> usize {
        let number =
            self.hidden.and_then(|hidden| Some(hidden.elements.member(self.schema.types.get_index_of(ty)?, 0)));
        number.unwrap_or(0)
    }

    fn shows(&self, member: usize) -> bool {
        self.hidden.is_none_or(|hidden| !hidden.has_member(member))
    }

    /// A field of an object or interface type.
    pub fn field(&self, parent: &'a ExtendedType, name: &str) -> Option<(FieldNumber, &'a Node<FieldDefinition>)> {
        let (at, _, field) = fields_of(parent)?.get_full(name)?;
        let number = self.first_member(parent.name()) + at;
        self.shows(number).then_some((FieldNumber(number), field))
    }

    /// The fields of an object or interface type.
    pub fn fields(
        &self,
        parent: &'a ExtendedType,
    ) -> impl Iterator<Item = (FieldNumber, &'a Node<FieldDefinition>)> + use<'a> {
        let (view, first) = (*self, self.first_member(parent.name()));
        let fields = fields_of(parent).into_iter().flat_map(|fields| fields.values()).enumerate();
        fields.filter(move |(at, _)| view.shows(first + at)).map(move |(at, field)| (FieldNumber(first + at), field))
    }

    /// The arguments of a field; `None` for its number is a field of which nothing is hidden.
    pub fn arguments(
        &self,
        number: Option<FieldNumber>,
        all: &'a [Node<InputValueDefinition>],
    ) -> impl Iterator<Item = &'a Node<InputValueDefinition>> + Clone + use<'a> {
        let first = self.hidden.zip(number).map(|(hidden, number)| (hidden, hidden.elements.argument(number.0, 0)));
        let is_shown = move |at: usize| first.is_none_or(|(hidden, first)| !hidden.has_argument(first + at));
        all.iter().enumerate().filter(move |(at, _)| is_shown(*at)).map(|(_, argument)| argument)
    }

    /// Whether an enum has a value of this name.
    pub fn has_value(&self, ty: &EnumType, name: &str) -> bool {
        ty.values.get_index_of(name).is_some_and(|at| self.shows(self.first_member(&ty.name) + at))
    }

    /// The values of an enum.
    pub fn values(&self, ty: &'a EnumType) -> impl Iterator<Item = &'a Node<EnumValueDefinition>> + use<'a> {
        let (view, first) = (*self, self.first_member(&ty.name));
        ty.values.values().enumerate().filter(move |(at, _)| view.shows(first + at)).map(|(_, value)| value)
    }

    /// A field of an input object.
    pub fn input_field(&self, ty: &'a InputObjectType, name: &str) -> Option<&'a Node<InputValueDefinition>> {
        let (at, _, field) = ty.fields.get_full(name)?;
        self.shows(self.first_member(&ty.name) + at).then_some(field)
    }

    /// The fields of an input object.
    pub fn input_fields(
        &self,
        ty: &'a InputObjectType,
    ) -> impl Iterator<Item = &'a Node<InputValueDefinition>> + use<'a> {
        let (view, first) = (*self, self.first_member(&ty.name));
        ty.fields.values().enumerate().filter(move |(at, _)| view.shows(first + at)).map(|(_, field)| field)
    }

    /// The view as a schema of its own, which shares what it does not change. It takes time and memory, so it is made for what needs a whole
    /// schema only.
    pub fn to_schema(&self) -> Valid<Schema> {
        let Some(hidden) = self.hidden else { return self.schema.clone() };
        let mut schema = (**self.schema).clone();
        let is_shown = |name: &str| self.ty(name).is_some();
        for (number, ty) in schema.types.values_mut().enumerate() {
            if !hidden.has_type(number) {
                self.prune(ty, hidden, number, &is_shown);
            }
        }
        let mut number = 0..;
        schema.types.retain(|_, _| number.next().is_some_and(|number| !hidden.has_type(number)));
        let definition = schema.schema_definition.make_mut();
        for root in [&mut definition.query, &mut definition.mutation, &mut definition.subscription] {
            if root.as_ref().is_some_and(|name| !is_shown(name)) {
                *root = None;
            }
        }
        // What is visible needs nothing that is hidden.
        Valid::assume_valid(schema)
    }

    fn prune(&self, ty: &mut ExtendedType, hidden: &Hidden, number: usize, is_shown: &dyn Fn(&str) -> bool) {
        let elements = &hidden.elements;
        let (start, end) = (elements.member(number, 0), elements.member(number + 1, 0));
        let (first, last) = (elements.argument(start, 0), elements.argument(end, 0));
        let is_whole = (start..end).all(|member| !hidden.has_member(member))
            && (first..last).all(|argument| !hidden.has_argument(argument));
        let mut members = start..;
        let mut keep = || members.next().is_some_and(|member| !hidden.has_member(member));
        match ty {
            ExtendedType::Object(object) => {
                if is_whole && object.implements_interfaces.iter().all(|name| is_shown(name)) {
                    return;
                }
                let object = object.make_mut();
                object.implements_interfaces.retain(|name| is_shown(name));
                prune_arguments(object.fields.values_mut(), hidden, start);
                object.fields.retain(|_, _| keep());
            }
            ExtendedType::Interface(interface) => {
                if is_whole && interface.implements_interfaces.iter().all(|name| is_shown(name)) {
                    return;
                }
                let interface = interface.make_mut();
                interface.implements_interfaces.retain(|name| is_shown(name));
                prune_arguments(interface.fields.values_mut(), hidden, start);
                interface.fields.retain(|_, _| keep());
            }
            ExtendedType::Union(union) if !union.members.iter().all(|name| is_shown(name)) => {
                union.make_mut().members.retain(|name| is_shown(name));
            }
            ExtendedType::Enum(definition) if !is_whole => definition.make_mut().values.retain(|_, _| keep()),
            ExtendedType::InputObject(input) if !is_whole => input.make_mut().fields.retain(|_, _| keep()),
            _ => {}
        }
    }
}

fn prune_arguments<'f>(fields: impl Iterator<Item = &'f mut Node<FieldDefinition>>, hidden: &Hidden, start: usize) {
    for (at, field) in fields.enumerate() {
        let first = hidden.elements.argument(start + at, 0);
        if (first..first + field.arguments.len()).any(|argument| hidden.has_argument(argument)) {
            let mut number = first..;
            field.make_mut().arguments.retain(|_| number.next().is_some_and(|number| !hidden.has_argument(number)));
        }
    }
}
