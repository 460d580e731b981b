//! A schema as an arena: types and fields have ids, so that later stages compare numbers rather than strings.
//! Knows nothing of federation.

use std::hash::BuildHasherDefault;
use std::sync::Arc;

use ahash::{AHashMap, AHasher};
use apollo_compiler::ast::{Type, Value};
use apollo_compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition};
use apollo_compiler::{Name, Node};
use indexmap::{IndexMap, IndexSet};

use crate::numbering::numbers_like;
use crate::type_set::TypeSet;

/// A type of one [`Schema`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u32);

/// A field of an object or interface type of one [`Schema`]. `Product.id` and `Node.id` are two fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(u32);

macro_rules! id {
    ($id:ident, $letter:literal) => {
        impl $id {
            /// The id with this number.
            pub const fn new(index: u32) -> Self {
                Self(index)
            }

            /// The number, for arrays beside the schema's own.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Debug for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", $letter, self.0)
            }
        }
    };
}
id!(TypeId, "t");
id!(FieldId, "f");

/// Hashes the names of a schema. Its keys are fixed, so that it takes no room in a map: a schema has hundreds of thousands, most of them
/// empty or small. Clients do not choose the names.
pub type NameHasher = BuildHasherDefault<AHasher>;

/// What is found by name, in the order of the schema.
pub type NameMap<T> = IndexMap<Name, T, NameHasher>;

/// All types of a schema. Built once, never changed.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    types: Vec<TypeDef>,
    fields: Vec<FieldDef>,
    by_name: AHashMap<Name, TypeId>,
    /// The query root operation type.
    pub query: Option<TypeId>,
    /// The mutation root operation type.
    pub mutation: Option<TypeId>,
    /// The subscription root operation type.
    pub subscription: Option<TypeId>,
}

/// A named type (<https://spec.graphql.org/draft/#sec-Types>).
#[derive(Debug, Clone)]
pub struct TypeDef {
    /// The name, unique in the schema.
    pub name: Name,
    /// The name as a JSON string, with its quotes.
    pub quoted: Arc<[u8]>,
    /// What kind of type it is, with what only that kind has.
    pub kind: TypeKind,
    /// The object types that a value of this type can have at run time: itself for an object, the implementing objects
    /// of an interface, the members of a union, none for the others.
    pub possible: TypeSet,
}

/// The kinds of types.
#[derive(Debug, Clone)]
pub enum TypeKind {
    /// A scalar, built-in or custom.
    Scalar,
    /// An object type.
    Object {
        /// Its fields in the order of the schema.
        fields: NameMap<FieldId>,
        /// The interfaces that it declares.
        implements: Vec<TypeId>,
    },
    /// An interface type.
    Interface {
        /// Its fields in the order of the schema.
        fields: NameMap<FieldId>,
        /// The interfaces that it declares.
        implements: Vec<TypeId>,
    },
    /// A union type; its members are the possible types.
    Union,
    /// An enum type.
    Enum {
        /// The names of its values.
        values: IndexSet<Name>,
    },
    /// An input object type.
    InputObject {
        /// Its input fields.
        fields: NameMap<InputValue>,
        /// Whether exactly one field must be given (`@oneOf`).
        one_of: bool,
    },
}

/// A field definition of an object or interface type.
#[derive(Debug, Clone)]
pub struct FieldDef {
    /// The type that has the field.
    pub parent: TypeId,
    /// The name of the field.
    pub name: Name,
    /// Its type with list and non-null wrappers.
    pub ty: Type,
    /// The named type inside the wrappers.
    pub inner: TypeId,
    /// Its arguments in the order of the schema.
    pub arguments: NameMap<InputValue>,
}

/// An argument or an input field.
#[derive(Debug, Clone)]
pub struct InputValue {
    /// Its type with list and non-null wrappers.
    pub ty: Type,
    /// Its default.
    pub default: Option<Node<Value>>,
}

impl Schema {
    /// Reads a schema that was built by the parser. Types that the schema names but does not define are an error.
    pub fn new(source: &apollo_compiler::Schema) -> Result<Self, UndefinedType> {
        Self::with_filter(source, |_| true)
    }

    /// As [`Schema::new`], with only those types for which `keep` says so, and without fields of types that are left out.
    pub fn with_filter(source: &apollo_compiler::Schema, keep: impl Fn(&Name) -> bool) -> Result<Self, UndefinedType> {
        Self::after(source, keep, None)
    }

    /// As [`Schema::with_filter`]; types and fields that `older` has keep their ids where they can. Then types and fields are in the order of
    /// their ids, and no longer in that of the source.
    pub fn after(
        source: &apollo_compiler::Schema,
        keep: impl Fn(&Name) -> bool,
        older: Option<&Self>,
    ) -> Result<Self, UndefinedType> {
        let mut schema = Self::default();
        let mut names: Vec<&Name> = source.types.keys().filter(|name| keep(name)).collect();
        if let Some(older) = older {
            let numbers = numbers_like(older.types.iter().map(|ty| &ty.name), &names);
            names = in_order(&numbers, names);
        }
        for name in names {
            let id = TypeId(schema.types.len() as u32);
            schema.by_name.insert(name.clone(), id);
            let quoted = ["\"", name, "\""].concat().into_bytes().into();
            schema.types.push(TypeDef {
                name: name.clone(),
                quoted,
                kind: TypeKind::Scalar,
                possible: TypeSet::empty(),
            });
        }
        for (name, definition) in source.types.iter().filter(|(name, _)| keep(name)) {
            let id = schema.by_name[name];
            let kind = schema.kind(id, definition, &keep)?;
            schema.types[id.index()].kind = kind;
        }
        if let Some(older) = older {
            schema.number_fields_like(older);
        }
        schema.link_possible_types(source);
        let root =
            |name: &Option<Node<Name>>| name.as_ref().and_then(|name| schema.by_name.get(name.as_str()).copied());
        let definition = &source.schema_definition;
        (schema.query, schema.mutation, schema.subscription) =
            (root(&definition.query), root(&definition.mutation), root(&definition.subscription));
        Ok(schema)
    }

    fn number_fields_like(&mut self, older: &Self) {
        let fields = std::mem::take(&mut self.fields);
        let numbers = {
            let coordinates: Vec<_> = fields.iter().map(|field| (&*self.ty(field.parent).name, &*field.name)).collect();
            let older = older.fields.iter().map(|field| (&*older.ty(field.parent).name, &*field.name));
            numbers_like(older, &coordinates)
        };
        self.fields = in_order(&numbers, fields);
        for ty in &mut self.types {
            if let TypeKind::Object { fields, .. } | TypeKind::Interface { fields, .. } = &mut ty.kind {
                fields.values_mut().for_each(|id| *id = FieldId(numbers[id.index()]));
            }
        }
    }

    fn kind(
        &mut self,
        id: TypeId,
        definition: &ExtendedType,
        keep: &impl Fn(&Name) -> bool,
    ) -> Result<TypeKind, UndefinedType> {
        Ok(match definition {
            ExtendedType::Scalar(_) => TypeKind::Scalar,
            ExtendedType::Object(object) => TypeKind::Object {
                fields: self.add_fields(id, object.fields.values(), keep)?,
                implements: self.known(&object.implements_interfaces),
            },
            ExtendedType::Interface(interface) => TypeKind::Interface {
                fields: self.add_fields(id, interface.fields.values(), keep)?,
                implements: self.known(&interface.implements_interfaces),
            },
            ExtendedType::Union(_) => TypeKind::Union,
            ExtendedType::Enum(definition) => TypeKind::Enum { values: definition.values.keys().cloned().collect() },
            ExtendedType::InputObject(input) => {
                TypeKind::InputObject { fields: input_values(input.fields.values()), one_of: input.is_one_of() }
            }
        })
    }

    fn add_fields<'a>(
        &mut self,
        parent: TypeId,
        definitions: impl ExactSizeIterator<Item = &'a Node<FieldDefinition>>,
        keep: &impl Fn(&Name) -> bool,
    ) -> Result<NameMap<FieldId>, UndefinedType> {
        let mut fields = NameMap::with_capacity_and_hasher(definitions.len(), NameHasher::default());
        for definition in definitions {
            let inner_name = definition.ty.inner_named_type();
            let Some(inner) = self.by_name.get(inner_name).copied() else {
                if !keep(inner_name) {
                    continue;
                }
                return Err(UndefinedType { name: inner_name.clone() });
            };
            let id = FieldId(self.fields.len() as u32);
            self.fields.push(FieldDef {
                parent,
                name: definition.name.clone(),
                ty: definition.ty.clone(),
                inner,
                arguments: input_values(definition.arguments.iter()),
            });
            fields.insert(definition.name.clone(), id);
        }
        Ok(fields)
    }

    fn known<'a>(&self, names: impl IntoIterator<Item = &'a Node<Name>>) -> Vec<TypeId> {
        names.into_iter().filter_map(|name| self.by_name.get(name.as_str()).copied()).collect()
    }

    fn link_possible_types(&mut self, source: &apollo_compiler::Schema) {
        let mut implementers: AHashMap<TypeId, Vec<TypeId>> = AHashMap::new();
        for (index, definition) in self.types.iter().enumerate() {
            if let TypeKind::Object { implements, .. } = &definition.kind {
                for interface in implements {
                    implementers.entry(*interface).or_default().push(TypeId(index as u32));
                }
            }
        }
        for index in 0..self.types.len() {
            let id = TypeId(index as u32);
            let possible = match &self.types[index].kind {
                TypeKind::Object { .. } => TypeSet::one(id),
                TypeKind::Interface { .. } => implementers.remove(&id).unwrap_or_default().into_iter().collect(),
                TypeKind::Union => match source.get_union(&self.types[index].name) {
                    Some(union) => self.known(&union.members).into_iter().collect(),
                    None => TypeSet::empty(),
                },
                _ => TypeSet::empty(),
            };
            self.types[index].possible = possible;
        }
    }

    /// The type with this id.
    pub fn ty(&self, id: TypeId) -> &TypeDef {
        &self.types[id.index()]
    }

    /// The field with this id.
    pub fn field(&self, id: FieldId) -> &FieldDef {
        &self.fields[id.index()]
    }

    /// All types with their ids, in the order of these.
    pub fn types(&self) -> impl ExactSizeIterator<Item = (TypeId, &TypeDef)> {
        self.types.iter().enumerate().map(|(index, ty)| (TypeId(index as u32), ty))
    }

    /// All fields with their ids.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (FieldId, &FieldDef)> {
        self.fields.iter().enumerate().map(|(index, field)| (FieldId(index as u32), field))
    }

    /// The type of this name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The field of this name on an object or interface type.
    pub fn field_named(&self, parent: TypeId, name: &str) -> Option<FieldId> {
        self.ty(parent).fields()?.get(name).copied()
    }

    /// The root operation type, when the schema has it.
    pub fn root(&self, kind: crate::OperationType) -> Option<TypeId> {
        match kind {
            crate::OperationType::Query => self.query,
            crate::OperationType::Mutation => self.mutation,
            crate::OperationType::Subscription => self.subscription,
        }
    }

    /// `Type.field`, as people write it.
    pub fn coordinate(&self, id: FieldId) -> String {
        let field = self.field(id);
        format!("{}.{}", self.ty(field.parent).name, field.name)
    }
}

impl TypeDef {
    /// The fields of an object or interface type.
    pub fn fields(&self) -> Option<&NameMap<FieldId>> {
        match &self.kind {
            TypeKind::Object { fields, .. } | TypeKind::Interface { fields, .. } => Some(fields),
            _ => None,
        }
    }

    /// The interfaces that an object or interface type declares.
    pub fn implements(&self) -> &[TypeId] {
        match &self.kind {
            TypeKind::Object { implements, .. } | TypeKind::Interface { implements, .. } => implements,
            _ => &[],
        }
    }

    /// Whether it is an object type.
    pub fn is_object(&self) -> bool {
        matches!(self.kind, TypeKind::Object { .. })
    }

    /// Whether it is an interface type.
    pub fn is_interface(&self) -> bool {
        matches!(self.kind, TypeKind::Interface { .. })
    }

    /// Whether it is an interface or a union.
    pub fn is_abstract(&self) -> bool {
        matches!(self.kind, TypeKind::Interface { .. } | TypeKind::Union)
    }

    /// Whether it has selections below it: an object, an interface or a union.
    pub fn is_composite(&self) -> bool {
        self.is_object() || self.is_abstract()
    }
}

/// The definitions of fields in the schema of the parser's library, by name.
pub type FieldDefinitions = apollo_compiler::collections::IndexMap<Name, Node<FieldDefinition>>;

/// The fields of an object or interface type of that schema, with what no [`Schema`] keeps of them.
pub fn fields_of(ty: &ExtendedType) -> Option<&FieldDefinitions> {
    match ty {
        ExtendedType::Object(object) => Some(&object.fields),
        ExtendedType::Interface(interface) => Some(&interface.fields),
        _ => None,
    }
}

/// The elements in the order of their numbers.
fn in_order<T>(numbers: &[u32], elements: Vec<T>) -> Vec<T> {
    let mut numbered: Vec<(u32, T)> = numbers.iter().copied().zip(elements).collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, element)| element).collect()
}

fn input_values<'a>(values: impl Iterator<Item = &'a Node<InputValueDefinition>>) -> NameMap<InputValue> {
    values
        .map(|value| (value.name.clone(), InputValue { ty: (*value.ty).clone(), default: value.default_value.clone() }))
        .collect()
}

/// A field has a type that the schema does not define.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type \"{name}\" is used but not defined")]
pub struct UndefinedType {
    /// The name that is missing.
    pub name: Name,
}
