//! Who uses what: the fields, arguments and input fields of each type, and the types that a type is a part of. Knows no page.

use ahash::AHashMap;
use braid_graphql::Name;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::schema::{FieldId, TypeId};

use crate::view::View;

/// The back links of all types that the site shows.
#[derive(Default)]
pub(crate) struct Uses<'a> {
    by_type: AHashMap<TypeId, UsesOfType<'a>>,
}

/// The back links of one type, in the order of the names of those who use it.
#[derive(Default)]
pub(crate) struct UsesOfType<'a> {
    /// The fields that return it.
    pub(crate) fields: Vec<FieldId>,
    /// The arguments that take it.
    pub(crate) arguments: Vec<(FieldId, &'a Name)>,
    /// The fields of input types that take it.
    pub(crate) input_fields: Vec<(TypeId, &'a Name)>,
    /// The unions that it is a member of.
    pub(crate) unions: Vec<TypeId>,
    /// The types that implement it.
    pub(crate) implementers: Vec<TypeId>,
}

impl<'a> Uses<'a> {
    pub(crate) fn new(view: &View<'a>) -> Self {
        let mut uses = Self::default();
        for id in &view.types {
            for field in view.fields(*id) {
                if let Some(of) = uses.named(view, &field.definition.ty) {
                    of.fields.push(field.id);
                }
                for argument in view.arguments(field) {
                    if let Some(of) = uses.named(view, &argument.definition.ty) {
                        of.arguments.push((field.id, &argument.definition.name));
                    }
                }
            }
            for field in view.input_fields(*id) {
                if let Some(of) = uses.named(view, &field.definition.ty) {
                    of.input_fields.push((*id, &field.definition.name));
                }
            }
            for interface in view.supergraph.schema.ty(*id).implements() {
                uses.by_type.entry(*interface).or_default().implementers.push(*id);
            }
            if let Some(ExtendedType::Union(_)) = view.definition(*id) {
                for member in view.possible(*id) {
                    uses.by_type.entry(member).or_default().unions.push(*id);
                }
            }
        }
        uses
    }

    fn named(&mut self, view: &View<'a>, ty: &braid_graphql::Type) -> Option<&mut UsesOfType<'a>> {
        let id = view.type_named(ty.inner_named_type())?;
        Some(self.by_type.entry(id).or_default())
    }

    pub(crate) fn of(&self, id: TypeId) -> Option<&UsesOfType<'a>> {
        self.by_type.get(&id)
    }
}
