//! The client's answer, made ready to be written: for each position and runtime type the keys in the order of *CollectFields*,
//! with the slot and the type of each. Knows nothing of one execution's data.
//!
//! A projection holds for one choice of the Boolean variables that `@include` and `@skip` name, so nothing in it is
//! conditional.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Field, FieldRef, Operation, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId, TypeKind};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, Type};
use braid_supergraph::Supergraph;
use indexmap::IndexMap;

use super::shape::{ShapeId, Shapes};
use super::{CompileError, MAX_LISTS, MAX_PROJECTION};

#[derive(Debug)]
pub(crate) struct Projection {
    sets: Vec<OutSet>,
    pub(crate) root: OutSetId,
    pub(crate) enums: Vec<OutEnum>,
    pub(crate) introspections: Vec<OutIntrospection>,
    /// How many keys there are in all.
    pub(crate) size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OutSetId(u32);

/// What is written of an object at a position.
#[derive(Debug)]
pub(crate) struct OutSet {
    variants: Vec<Vec<OutField>>,
    /// The variant of each runtime type that clients can see, sorted, with `"Name"`.
    by_type: Vec<(TypeId, u32, Box<[u8]>)>,
    /// The variant of an object whose runtime type is not known.
    unknown: Option<u32>,
    /// The only runtime type.
    pub(crate) single: Option<TypeId>,
}

#[derive(Debug)]
pub(crate) struct OutField {
    /// `{"key":` or `,"key":`
    pub(crate) prefix: Box<[u8]>,
    pub(crate) key: Name,
    /// Where the value is; `None` where nothing writes it.
    pub(crate) slot: Option<u32>,
    pub(crate) wrappers: Wrappers,
    pub(crate) kind: OutKind,
    /// The field, for messages.
    pub(crate) definition: Option<FieldId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OutKind {
    Typename,
    Leaf(LeafKind),
    Object(OutSetId),
    Introspection(u32),
}

/// What a leaf must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LeafKind {
    Int,
    Float,
    String,
    Boolean,
    Id,
    Enum(u32),
    /// A custom scalar: whatever it is.
    Any,
}

/// The values of an enum that clients can see, quoted and sorted.
#[derive(Debug)]
pub(crate) struct OutEnum {
    pub(crate) ty: TypeId,
    pub(crate) values: Vec<Box<[u8]>>,
}

/// A selection of the schema itself.
#[derive(Debug)]
pub(crate) struct OutIntrospection {
    pub(crate) definition: FieldRef,
    pub(crate) arguments: Vec<Node<Argument>>,
    pub(crate) selection_sets: Vec<SelectionSet>,
}

/// The lists and non-null marks around a named type, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wrappers {
    pub(crate) lists: u8,
    non_null: u64,
}

impl Wrappers {
    pub(crate) fn new(mut ty: &Type) -> Result<Self, CompileError> {
        let mut wrappers = Self { lists: 0, non_null: 0 };
        loop {
            wrappers.non_null |= u64::from(ty.is_non_null()) << wrappers.lists;
            match ty {
                Type::List(item) | Type::NonNullList(item) if wrappers.lists < MAX_LISTS => ty = item,
                Type::List(_) | Type::NonNullList(_) => return Err(CompileError::TooDeep),
                _ => return Ok(wrappers),
            }
            wrappers.lists += 1;
        }
    }

    #[inline]
    pub(crate) fn is_non_null(self) -> bool {
        self.non_null & 1 == 1
    }

    /// The type of the items.
    #[inline]
    pub(crate) fn item(self) -> Self {
        Self { lists: self.lists.saturating_sub(1), non_null: self.non_null >> 1 }
    }
}

impl Projection {
    /// `holds` gives the value of a Boolean variable.
    pub(crate) fn new(
        supergraph: &Supergraph,
        shapes: &Shapes,
        operation: &Operation,
        holds: &dyn Fn(&Name) -> bool,
    ) -> Result<Self, CompileError> {
        let mut compiler = Compiler {
            supergraph,
            shapes,
            holds,
            sets: Vec::new(),
            known: AHashMap::new(),
            enums: IndexMap::new(),
            introspections: Vec::new(),
            size: 0,
        };
        let root = compiler.set(&[&operation.selection_set], Some(Shapes::ROOT), &TypeSet::one(operation.root))?;
        Ok(Self {
            sets: compiler.sets,
            root,
            enums: compiler.enums.into_values().collect(),
            introspections: compiler.introspections,
            size: compiler.size,
        })
    }

    #[inline]
    pub(crate) fn set(&self, id: OutSetId) -> &OutSet {
        &self.sets[id.0 as usize]
    }
}

impl OutSet {
    /// What is written of an object of this type, and the type's name in quotes. `None` when clients cannot see the type, or when
    /// it is not known and must be.
    #[inline]
    pub(crate) fn variant(&self, ty: Option<TypeId>) -> Option<(&[OutField], Option<&[u8]>)> {
        match ty.or(self.single) {
            Some(ty) => {
                let entry = match &self.by_type[..] {
                    [only] if only.0 == ty => only,
                    many => &many[many.binary_search_by_key(&ty, |entry| entry.0).ok()?],
                };
                Some((&self.variants[entry.1 as usize], Some(&entry.2)))
            }
            None => Some((&self.variants[self.unknown? as usize], None)),
        }
    }
}

struct Compiler<'a> {
    supergraph: &'a Supergraph,
    shapes: &'a Shapes,
    holds: &'a dyn Fn(&Name) -> bool,
    sets: Vec<OutSet>,
    /// Equal selections at one position are compiled once. Selections are told apart by where they are in memory.
    known: AHashMap<(Vec<usize>, Option<ShapeId>, TypeSet), OutSetId>,
    enums: IndexMap<TypeId, OutEnum>,
    introspections: Vec<OutIntrospection>,
    size: usize,
}

/// Fields of one response key, in order.
type Grouped<'a> = IndexMap<&'a Name, Vec<&'a Field>>;

impl<'a> Compiler<'a> {
    fn set(
        &mut self,
        selection_sets: &[&'a SelectionSet],
        shape: Option<ShapeId>,
        possible: &TypeSet,
    ) -> Result<OutSetId, CompileError> {
        let places = selection_sets.iter().map(|set| std::ptr::from_ref(*set) as usize).collect();
        let key = (places, shape, possible.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let holds = self.holds;
        let fields: Vec<&'a Field> =
            selection_sets.iter().flat_map(|set| &set.fields).filter(|field| field.condition.holds(holds)).collect();
        let mut variants: Vec<Vec<OutField>> = Vec::new();
        // Types for which the same fields apply with the same types share a variant.
        let mut alike: AHashMap<Vec<(usize, Option<FieldId>)>, u32> = AHashMap::new();
        let mut by_type = Vec::new();
        for ty in possible.iter().filter(|ty| !self.supergraph.ty(*ty).inaccessible) {
            let applying = |(at, field): (usize, &&'a Field)| {
                field.guard.contains(ty).then(|| (at, self.definition(field, Some(ty))))
            };
            let signature: Vec<_> = fields.iter().enumerate().filter_map(applying).collect();
            let signature = self.blur(signature);
            let variant = match alike.get(&signature) {
                Some(variant) => *variant,
                None => {
                    let applying = fields.iter().copied().filter(|field| field.guard.contains(ty));
                    variants.push(self.variant(applying, shape, Some(ty))?);
                    alike.insert(signature, variants.len() as u32 - 1);
                    variants.len() as u32 - 1
                }
            };
            by_type.push((ty, variant, format!("\"{}\"", self.supergraph.schema.ty(ty).name).into_bytes().into()));
        }
        let single = possible.single();
        let mut unknown = None;
        if single.is_none() && fields.iter().all(|field| field.guard.is_superset(possible)) {
            variants.push(self.variant(fields.iter().copied(), shape, None)?);
            unknown = Some(variants.len() as u32 - 1);
        }
        self.sets.push(OutSet { variants, by_type, unknown, single });
        let id = OutSetId(self.sets.len() as u32 - 1);
        self.known.insert(key, id);
        Ok(id)
    }

    /// Two definitions of an interface's field in two of its objects are alike when they have the same type.
    fn blur(&self, mut signature: Vec<(usize, Option<FieldId>)>) -> Vec<(usize, Option<FieldId>)> {
        let schema = &self.supergraph.schema;
        for (_, definition) in &mut signature {
            let Some(id) = *definition else { continue };
            let field = schema.field(id);
            let declared = schema.ty(field.parent).implements().iter();
            let same = |interface: &TypeId| {
                schema.field_named(*interface, &field.name).filter(|id| schema.field(*id).ty == field.ty)
            };
            *definition = declared.filter_map(same).min().or(*definition);
        }
        signature
    }

    /// The field as the runtime type defines it, whose type can be narrower than the interface's.
    fn definition(&self, field: &Field, ty: Option<TypeId>) -> Option<FieldId> {
        let id = field.definition.id()?;
        let schema = &self.supergraph.schema;
        Some(ty.and_then(|ty| schema.field_named(ty, &schema.field(id).name)).unwrap_or(id))
    }

    fn variant(
        &mut self,
        fields: impl Iterator<Item = &'a Field>,
        shape: Option<ShapeId>,
        ty: Option<TypeId>,
    ) -> Result<Vec<OutField>, CompileError> {
        let mut grouped: Grouped<'a> = IndexMap::new();
        for field in fields {
            grouped.entry(&field.response_key).or_default().push(field);
        }
        self.size += grouped.len() + 1;
        if self.size > MAX_PROJECTION {
            return Err(CompileError::TooManyKeys);
        }
        let mut out = Vec::with_capacity(grouped.len());
        for (key, fields) in grouped {
            let open = if out.is_empty() { '{' } else { ',' };
            let prefix = format!("{open}\"{key}\":").into_bytes().into();
            out.push(self.field(prefix, key, &fields, shape, ty)?);
        }
        Ok(out)
    }

    fn field(
        &mut self,
        prefix: Box<[u8]>,
        key: &Name,
        fields: &[&'a Field],
        shape: Option<ShapeId>,
        ty: Option<TypeId>,
    ) -> Result<OutField, CompileError> {
        let first = fields[0];
        let mut out = OutField {
            prefix,
            key: key.clone(),
            slot: None,
            wrappers: Wrappers { lists: 0, non_null: 1 },
            kind: OutKind::Typename,
            definition: None,
        };
        let below = || fields.iter().filter_map(|field| field.selection_set.as_ref());
        match first.definition {
            FieldRef::Typename => {}
            FieldRef::IntrospectSchema | FieldRef::IntrospectType => {
                out.wrappers.non_null = u64::from(first.definition == FieldRef::IntrospectSchema);
                out.kind = OutKind::Introspection(self.introspections.len() as u32);
                self.introspections.push(OutIntrospection {
                    definition: first.definition,
                    arguments: first.arguments.clone(),
                    selection_sets: below().cloned().collect(),
                });
            }
            FieldRef::Field(declared) => {
                let id = self.definition(first, ty).unwrap_or(declared);
                let field = self.supergraph.schema.field(id);
                out.definition = Some(id);
                out.wrappers = Wrappers::new(&field.ty)?;
                out.slot = shape.and_then(|shape| self.shapes.slot(shape, key));
                out.kind = if self.supergraph.schema.ty(field.inner).is_composite() {
                    let shape = shape.and_then(|shape| self.shapes.child(shape, key));
                    let possible = self.supergraph.schema.ty(field.inner).possible.clone();
                    OutKind::Object(self.set(&below().collect::<Vec<_>>(), shape, &possible)?)
                } else {
                    OutKind::Leaf(self.leaf(field.inner))
                };
            }
        }
        Ok(out)
    }

    fn leaf(&mut self, id: TypeId) -> LeafKind {
        let ty = self.supergraph.schema.ty(id);
        if let TypeKind::Enum { values } = &ty.kind {
            let hidden = &self.supergraph.ty(id).inaccessible_values;
            let entry = self.enums.entry(id);
            let at = entry.index();
            entry.or_insert_with(|| {
                let shown = values.iter().filter(|value| !hidden.contains(value));
                let mut values: Vec<Box<[u8]>> =
                    shown.map(|value| format!("\"{value}\"").into_bytes().into()).collect();
                values.sort_unstable();
                OutEnum { ty: id, values }
            });
            return LeafKind::Enum(at as u32);
        }
        match ty.name.as_str() {
            "Int" => LeafKind::Int,
            "Float" => LeafKind::Float,
            "String" => LeafKind::String,
            "Boolean" => LeafKind::Boolean,
            "ID" => LeafKind::Id,
            _ => LeafKind::Any,
        }
    }
}
