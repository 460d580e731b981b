//! The names that root types have in the SDL of a subgraph, and those that they have in supergraphs. Knows no other definition.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;

/// Root type names of the SDL → their standard names.
pub(super) struct RootNames {
    pub(super) renames: Vec<(Name, &'static str)>,
}

impl RootNames {
    pub(super) fn rename(&self, name: &Name) -> Name {
        // A name's span is as long as the name, so the new one has none.
        match self.renames.iter().find(|(from, _)| from == name) {
            Some((_, to)) => Name::new_unchecked(to),
            None => name.clone(),
        }
    }

    pub(super) fn rename_type(&self, ty: &Type) -> Type {
        if self.renames.is_empty() {
            return ty.clone();
        }
        match ty {
            Type::Named(name) => Type::Named(self.rename(name)),
            Type::NonNullNamed(name) => Type::NonNullNamed(self.rename(name)),
            Type::List(inner) => Type::List(Box::new(self.rename_type(inner))),
            Type::NonNullList(inner) => Type::NonNullList(Box::new(self.rename_type(inner))),
        }
    }
}
