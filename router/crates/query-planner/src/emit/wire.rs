//! Under which keys the fields of one request travel. Knows nothing of what is asked or why.
//!
//! Fields under one response key must have the same shape, whatever their parents
//! (<https://spec.graphql.org/draft/#SameResponseShape()>). A field travels under its tree key where it can, else under an alias.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, Type};

use crate::draft::AskedField;

/// The selection sets of a request that merge into one object of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScopeId(usize);

/// The response keys of one request.
#[derive(Debug, Default)]
pub(super) struct WireKeys {
    scopes: Vec<AHashMap<Name, Taken>>,
    aliases: u32,
    /// Whether objects of different types can be under one key.
    mixes_types: bool,
}

/// What a response key stands for.
#[derive(Debug)]
struct Taken {
    shape: Type,
    name: Name,
    arguments: Vec<Node<Argument>>,
    below: ScopeId,
    /// The runtime types that its objects can have, for a composite.
    types: Option<TypeSet>,
}

/// The key of one field.
pub(super) struct WireKey {
    pub(super) key: Name,
    /// The scope of what is selected below it.
    pub(super) below: ScopeId,
    /// The work that it took to find it.
    pub(super) work: u64,
}

impl WireKeys {
    pub(super) fn scope(&mut self) -> ScopeId {
        self.scopes.push(AHashMap::new());
        ScopeId(self.scopes.len() - 1)
    }

    pub(super) fn mixes_types(&self) -> bool {
        self.mixes_types
    }

    /// The key for a field of type `ty` in the subgraph.
    pub(super) fn key_for(
        &mut self,
        asked: &AskedField,
        scope: ScopeId,
        ty: &Type,
        types: Option<&TypeSet>,
    ) -> WireKey {
        let shape = shape(ty, types.is_some());
        let mut work = 0;
        let fits =
            |taken: &Taken| taken.shape == shape && taken.name == asked.name && taken.arguments == asked.arguments;
        let known = match self.scopes[scope.0].get_key_value(&asked.key) {
            Some((key, taken)) if fits(taken) => Some((key.clone(), taken)),
            Some(_) => {
                work = 1 + self.scopes[scope.0].len() as u64 / 16;
                // An alias made for the same field before serves again, so that what is below merges.
                let is_alias = |key: &Name| key.starts_with('_') && key.ends_with(asked.key.as_str());
                let known = self.scopes[scope.0].iter().filter(|(key, taken)| is_alias(key) && fits(taken));
                known.min_by_key(|(key, _)| *key).map(|(key, taken)| (key.clone(), taken))
            }
            None => {
                let below = self.take(asked.key.clone(), asked, scope, shape, types);
                return WireKey { key: asked.key.clone(), below, work };
            }
        };
        if let Some((key, taken)) = known {
            self.mixes_types |= taken.types.as_ref() != types;
            return WireKey { key, below: taken.below, work };
        }
        let key = self.alias(scope, &asked.key);
        let below = self.take(key.clone(), asked, scope, shape, types);
        WireKey { key, below, work }
    }

    fn alias(&mut self, scope: ScopeId, key: &Name) -> Name {
        loop {
            // A name behind an underscore, a number and an underscore is a name.
            let alias = Name::new_unchecked(&format!("_{}_{key}", self.aliases));
            self.aliases += 1;
            if !self.scopes[scope.0].contains_key(&alias) {
                return alias;
            }
        }
    }

    fn take(&mut self, key: Name, asked: &AskedField, scope: ScopeId, shape: Type, types: Option<&TypeSet>) -> ScopeId {
        // Nothing is below a leaf.
        let below = if types.is_some() { self.scope() } else { scope };
        let (name, arguments) = (asked.name.clone(), asked.arguments.clone());
        let taken = Taken { shape, name, arguments, below, types: types.cloned() };
        self.scopes[scope.0].insert(key, taken);
        below
    }
}

/// What must be equal in the types of fields under one key: all of a leaf's, and of a composite's what is around the name.
fn shape(ty: &Type, is_composite: bool) -> Type {
    if !is_composite {
        return ty.clone();
    }
    let any = braid_graphql::compiler::name!("_");
    match ty {
        Type::Named(_) => Type::Named(any),
        Type::NonNullNamed(_) => Type::NonNullNamed(any),
        Type::List(inner) => Type::List(Box::new(shape(inner, true))),
        Type::NonNullList(inner) => Type::NonNullList(Box::new(shape(inner, true))),
    }
}
