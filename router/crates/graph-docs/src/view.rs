//! What of a supergraph the site shows: everything that clients see, or also what they don't. Knows nothing of pages.

use ahash::AHashMap;
use braid_graphql::compiler::schema::{
    DirectiveList, EnumValueDefinition, ExtendedType, FieldDefinition, InputValueDefinition,
};
use braid_graphql::schema::{FieldId, TypeId, TypeKind, fields_of};
use braid_graphql::{Name, Node, OperationType};
use braid_supergraph::Supergraph;

/// A supergraph as readers of the site may see it.
pub(crate) struct View<'a> {
    pub(crate) supergraph: &'a Supergraph,
    /// Whether what clients don't see is shown, with a mark.
    pub(crate) internal: bool,
    /// The types that have a place on the site, by name.
    pub(crate) types: Vec<TypeId>,
    roots: AHashMap<TypeId, OperationType>,
}

/// A field of an object or interface type.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) id: FieldId,
    pub(crate) definition: &'a FieldDefinition,
    /// Whether clients don't see it.
    pub(crate) hidden: bool,
}

/// An argument or an input field.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) definition: &'a InputValueDefinition,
    /// Whether clients don't see it.
    pub(crate) hidden: bool,
}

/// A value of an enum.
#[derive(Clone, Copy)]
pub(crate) struct EnumValue<'a> {
    pub(crate) definition: &'a EnumValueDefinition,
    /// Whether clients don't see it.
    pub(crate) hidden: bool,
}

/// The kinds of types, in the order in which the site lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Object,
    Interface,
    Union,
    Input,
    Enum,
    Scalar,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Object, Self::Interface, Self::Union, Self::Input, Self::Enum, Self::Scalar];

    /// What one type of this kind is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Interface => "interface",
            Self::Union => "union",
            Self::Input => "input",
            Self::Enum => "enum",
            Self::Scalar => "scalar",
        }
    }

    /// The title of the list of them.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Object => "Objects",
            Self::Interface => "Interfaces",
            Self::Union => "Unions",
            Self::Input => "Inputs",
            Self::Enum => "Enums",
            Self::Scalar => "Scalars",
        }
    }
}

/// The kinds of operations, in the order in which the site lists them.
pub(crate) const OPERATIONS: [OperationType; 3] =
    [OperationType::Query, OperationType::Mutation, OperationType::Subscription];

impl<'a> View<'a> {
    pub(crate) fn new(supergraph: &'a Supergraph, internal: bool) -> Self {
        let roots = OPERATIONS.into_iter().filter_map(|kind| Some((supergraph.root(kind)?, kind))).collect();
        let mut view = Self { supergraph, internal, types: Vec::new(), roots };
        let mut types: Vec<TypeId> = supergraph.schema.types().map(|(id, _)| id).collect();
        types.retain(|id| !view.is_built_in(*id) && (internal || !view.is_hidden(*id)));
        types.sort_by_key(|id| view.name(*id));
        view.types = types;
        view
    }

    pub(crate) fn name(&self, id: TypeId) -> &'a str {
        self.supergraph.schema.ty(id).name.as_str()
    }

    /// The type that the site shows under this name.
    pub(crate) fn type_named(&self, name: &str) -> Option<TypeId> {
        let id = self.supergraph.schema.type_named(name)?;
        self.shows(id).then_some(id)
    }

    /// Whether the site shows a type.
    pub(crate) fn shows(&self, id: TypeId) -> bool {
        !self.is_built_in(id) && (self.internal || !self.is_hidden(id))
    }

    /// Whether clients don't see a type.
    pub(crate) fn is_hidden(&self, id: TypeId) -> bool {
        !self.supergraph.api_schema.types.contains_key(self.name(id))
    }

    fn is_built_in(&self, id: TypeId) -> bool {
        matches!(self.name(id), "Int" | "Float" | "String" | "Boolean" | "ID")
    }

    /// The definition of a type, with all directives of the supergraph.
    pub(crate) fn definition(&self, id: TypeId) -> Option<&'a ExtendedType> {
        self.supergraph.source.types.get(self.name(id))
    }

    /// The kind of a type.
    pub(crate) fn kind(&self, id: TypeId) -> Kind {
        match self.supergraph.schema.ty(id).kind {
            TypeKind::Object { .. } => Kind::Object,
            TypeKind::Interface { .. } => Kind::Interface,
            TypeKind::Union => Kind::Union,
            TypeKind::InputObject { .. } => Kind::Input,
            TypeKind::Enum { .. } => Kind::Enum,
            TypeKind::Scalar => Kind::Scalar,
        }
    }

    /// The operations that start at a type.
    pub(crate) fn operation_of(&self, id: TypeId) -> Option<OperationType> {
        self.roots.get(&id).copied()
    }

    /// The fields of a type that the site shows, in the order of the schema.
    pub(crate) fn fields(&self, id: TypeId) -> Vec<Field<'a>> {
        let known = self.supergraph.schema.ty(id).fields();
        let (Some(known), Some(definition)) = (known, self.definition(id)) else { return Vec::new() };
        let api = self.supergraph.api_schema.types.get(self.name(id)).and_then(fields_of);
        let all = fields_of(definition).into_iter().flat_map(|fields| fields.values());
        let field = |field: &'a Node<FieldDefinition>| {
            let hidden = !api.is_some_and(|api| api.contains_key(&field.name));
            let id = *known.get(&field.name)?;
            (self.internal || !hidden).then_some(Field { id, definition: field, hidden })
        };
        all.filter_map(field).collect()
    }

    /// The field with this id, if the site shows it.
    pub(crate) fn field(&self, id: FieldId) -> Option<Field<'a>> {
        let field = self.supergraph.schema.field(id);
        let name = &field.name;
        let definition = fields_of(self.definition(field.parent)?)?.get(name)?;
        let api = self.supergraph.api_schema.types.get(self.name(field.parent)).and_then(fields_of);
        let hidden = !api.is_some_and(|api| api.contains_key(name));
        (self.internal || !hidden).then_some(Field { id, definition, hidden })
    }

    /// The arguments of a field that the site shows.
    pub(crate) fn arguments(&self, field: Field<'a>) -> Vec<Input<'a>> {
        let parent = self.name(self.supergraph.schema.field(field.id).parent);
        let api = self.supergraph.api_schema.types.get(parent).and_then(fields_of);
        let api = api.and_then(|fields| fields.get(&field.definition.name));
        let seen = |name: &Name| api.is_some_and(|field| field.argument_by_name(name).is_some());
        self.inputs(&field.definition.arguments, seen)
    }

    /// The fields of an input type that the site shows.
    pub(crate) fn input_fields(&self, id: TypeId) -> Vec<Input<'a>> {
        let Some(ExtendedType::InputObject(input)) = self.definition(id) else { return Vec::new() };
        let api = self.supergraph.api_schema.types.get(self.name(id));
        let seen = |name: &Name| match api {
            Some(ExtendedType::InputObject(api)) => api.fields.contains_key(name),
            _ => false,
        };
        self.inputs(input.fields.values(), seen)
    }

    fn inputs(
        &self,
        all: impl IntoIterator<Item = &'a Node<InputValueDefinition>>,
        seen: impl Fn(&Name) -> bool,
    ) -> Vec<Input<'a>> {
        let input = |definition: &'a Node<InputValueDefinition>| {
            let hidden = !seen(&definition.name);
            (self.internal || !hidden).then_some(Input { definition, hidden })
        };
        all.into_iter().filter_map(input).collect()
    }

    /// The values of an enum that the site shows.
    pub(crate) fn enum_values(&self, id: TypeId) -> Vec<EnumValue<'a>> {
        let Some(ExtendedType::Enum(definition)) = self.definition(id) else { return Vec::new() };
        let api = self.supergraph.api_schema.types.get(self.name(id));
        let seen = |name: &Name| match api {
            Some(ExtendedType::Enum(api)) => api.values.contains_key(name),
            _ => false,
        };
        let value = |(name, definition): (&Name, &'a Node<EnumValueDefinition>)| {
            let hidden = !seen(name);
            (self.internal || !hidden).then_some(EnumValue { definition, hidden })
        };
        definition.values.iter().filter_map(value).collect()
    }

    /// The object types that a value of an interface or union can have, as far as the site shows them, by name.
    pub(crate) fn possible(&self, id: TypeId) -> Vec<TypeId> {
        let mut possible: Vec<_> =
            self.supergraph.schema.ty(id).possible.iter().filter(|found| self.shows(*found)).collect();
        possible.sort_by_key(|id| self.name(*id));
        possible
    }

    /// Whether a field set names only what the site shows.
    pub(crate) fn shows_all(&self, fields: &braid_graphql::operation::SelectionSet) -> bool {
        fields.fields.iter().all(|field| {
            let shown = field.definition.id().is_none_or(|id| self.field(id).is_some() && self.shows(field.parent));
            shown && field.selection_set.as_ref().is_none_or(|set| self.shows_all(set))
        })
    }
}

/// The directives of an element that are applied under a name.
pub(crate) fn applied<'d>(
    directives: &'d DirectiveList,
    name: Option<&str>,
) -> Vec<&'d Node<braid_graphql::compiler::ast::Directive>> {
    name.map(|name| directives.get_all(name).collect()).unwrap_or_default()
}
