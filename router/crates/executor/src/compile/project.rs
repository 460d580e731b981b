//! Compiles the projection of an operation: which fields of which selections stand where, for each position and runtime type.

use std::sync::Arc;

use ahash::{AHashMap, RandomState};
use braid_graphql::Name;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::operation::{Field, FieldRef, Operation, SelectionSet, Stream, delivered_with};
use braid_graphql::schema::{FieldId, TypeId, TypeKind};
use braid_graphql::type_set::TypeSet;
use braid_graphql::view::ApiView;
use braid_supergraph::Supergraph;
use indexmap::IndexMap;
use smallvec::SmallVec;

use crate::block::Text;
use crate::error::write_string;

use super::condition::{CompiledCondition, Numbers, Rules};
use super::initial::Initial;
use super::limits::{CompileError, MAX_PROJECTION};
use super::projection::{
    Defers, LeafKind, OutEnum, OutField, OutGroup, OutIntrospection, OutKind, OutSet, OutSetId, OutStream, OutVariant,
    Projection,
};
use super::shape::{ShapeId, Shapes};
use super::wrappers::Wrappers;

impl Projection {
    pub(crate) fn new(
        supergraph: &Supergraph,
        api: ApiView<'_>,
        shapes: &Shapes,
        operation: &Operation,
        numbers: &Numbers<'_>,
    ) -> Result<Self, CompileError> {
        let mut compiler = Compiler {
            supergraph,
            api,
            shapes,
            numbers,
            rules: Rules::default(),
            sets: Vec::new(),
            refused_types: &operation.refused_types,
            operation,
            streams: Vec::new(),
            known: AHashMap::new(),
            enums: IndexMap::new(),
            introspections: Vec::new(),
            size: 0,
        };
        let all = [(CompiledCondition::default(), &operation.selection_set)];
        let root = compiler.set(&all, Shapes::ROOT, &TypeSet::one(operation.root), &Defers::new())?;
        Ok(Self {
            sets: compiler.sets,
            root,
            enums: compiler.enums.into_values().collect(),
            introspections: compiler.introspections,
            rules: compiler.rules,
            streams: compiler.streams,
        })
    }
}

impl OutVariant {
    /// Of objects that the client may not see.
    fn refused() -> Self {
        let field = OutField {
            prefix: Text::new(b"{"),
            rule: None,
            key: Name::new_static_unchecked("__typename"),
            wrappers: Wrappers { lists: 0, non_null: 1 },
            kind: OutKind::RefusedObject,
            definition: None,
            stream: None,
        };
        Self { fields: vec![field], is_conditional: false, groups: Vec::new() }
    }
}

/// A variant of these fields, each with its place.
fn in_order(mut placed: Vec<(usize, OutField)>, groups: Vec<OutGroup>) -> OutVariant {
    placed.sort_by_key(|(at, _)| *at);
    let mut fields: Vec<OutField> = placed.into_iter().map(|(_, field)| field).collect();
    if let Some(first) = fields.first_mut() {
        first.prefix.set_first(b'{');
    }
    let is_conditional = fields.iter().any(|field| field.rule.is_some());
    OutVariant { fields, is_conditional, groups }
}

/// Whether the client may see that there are such objects.
fn is_shown(supergraph: &Supergraph, api: ApiView<'_>, ty: TypeId) -> bool {
    let is_hidden = supergraph.ty(ty).inaccessible;
    !is_hidden && (!api.hides() || api.ty(&supergraph.schema.ty(ty).name).is_some())
}

struct Compiler<'a> {
    supergraph: &'a Supergraph,
    /// What the client sees.
    api: ApiView<'a>,
    shapes: &'a Shapes,
    numbers: &'a Numbers<'a>,
    rules: Rules,
    sets: Vec<OutSet>,
    refused_types: &'a TypeSet,
    operation: &'a Operation,
    streams: Vec<OutStream>,
    /// Equal selections at one position are compiled once.
    known: AHashMap<SetKey, OutSetId>,
    enums: IndexMap<TypeId, OutEnum>,
    introspections: Vec<OutIntrospection>,
    size: usize,
}

/// What is compiled at a position.
type SetKey = (SmallVec<[InMemory; 1]>, ShapeId, TypeSet, Defers);

/// A selection set by where it is in memory, with the condition under which it is merged.
type InMemory = (CompiledCondition, usize);

/// A field at a position, with what must hold for it to be selected there.
type Selected<'a> = (CompiledCondition, &'a Field);

impl<'a> Compiler<'a> {
    /// `selection_sets` merge into one, each under its condition. The objects are delivered with `defers`.
    fn set(
        &mut self,
        selection_sets: &[(CompiledCondition, &'a SelectionSet)],
        shape: ShapeId,
        possible: &TypeSet,
        defers: &Defers,
    ) -> Result<OutSetId, CompileError> {
        let in_memory = |(condition, set): &(CompiledCondition, &'a SelectionSet)| -> InMemory {
            (condition.clone(), std::ptr::from_ref(*set) as usize)
        };
        let key = (selection_sets.iter().map(in_memory).collect(), shape, possible.clone(), defers.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let fields = self.selected(selection_sets)?;
        let mut variants: Vec<OutVariant> = Vec::new();
        // Types for which the same fields apply with the same types share a variant.
        let mut alike: AHashMap<Vec<(usize, Option<FieldId>)>, u32> = AHashMap::new();
        let mut by_type = Vec::new();
        let (supergraph, api) = (self.supergraph, self.api);
        for ty in possible.iter().filter(|ty| is_shown(supergraph, api, *ty)) {
            let name = Arc::clone(&self.supergraph.schema.ty(ty).quoted);
            if self.refused_types.contains(ty) {
                variants.push(OutVariant::refused());
                by_type.push((ty, variants.len() as u32 - 1, name));
                continue;
            }
            let applying = |(at, (_, field)): (usize, &Selected<'a>)| {
                field.guard.contains(ty).then(|| (at, self.definition(field, Some(ty))))
            };
            // The only type shares its variant with no other.
            if possible.len() == 1 {
                let applying = fields.iter().filter(|(_, field)| field.guard.contains(ty));
                variants.push(self.variant(applying, shape, Some(ty), defers)?);
                by_type.push((ty, 0, name));
                continue;
            }
            let signature: Vec<_> = fields.iter().enumerate().filter_map(applying).collect();
            let signature = self.blur(signature);
            let variant = match alike.get(&signature) {
                Some(variant) => *variant,
                None => {
                    let applying = fields.iter().filter(|(_, field)| field.guard.contains(ty));
                    variants.push(self.variant(applying, shape, Some(ty), defers)?);
                    alike.insert(signature, variants.len() as u32 - 1);
                    variants.len() as u32 - 1
                }
            };
            by_type.push((ty, variant, name));
        }
        let single = possible.single();
        let mut unknown = None;
        let may_be_refused = !self.refused_types.is_disjoint(possible);
        if single.is_none() && !may_be_refused && fields.iter().all(|(_, field)| field.guard.is_superset(possible)) {
            variants.push(self.variant(fields.iter(), shape, None, defers)?);
            unknown = Some(variants.len() as u32 - 1);
        }
        self.sets.push(OutSet { variants, by_type, unknown, single });
        let id = OutSetId(self.sets.len() as u32 - 1);
        self.known.insert(key, id);
        Ok(id)
    }

    /// The fields of the sets in order, without those that are never selected.
    fn selected(
        &self,
        selection_sets: &[(CompiledCondition, &'a SelectionSet)],
    ) -> Result<Vec<Selected<'a>>, CompileError> {
        let mut selected = Vec::new();
        for (outer, set) in selection_sets {
            for field in &set.fields {
                let own = CompiledCondition::new(&field.condition, self.numbers)?;
                selected.extend(outer.and(&own).map(|condition| (condition, field)));
            }
        }
        Ok(selected)
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
        let field = schema.field(id);
        let ty = ty.filter(|ty| *ty != field.parent);
        Some(ty.and_then(|ty| schema.field_named(ty, &field.name)).unwrap_or(id))
    }

    fn variant<'s>(
        &mut self,
        fields: impl Iterator<Item = &'s Selected<'a>>,
        shape: ShapeId,
        ty: Option<TypeId>,
        defers: &Defers,
    ) -> Result<OutVariant, CompileError>
    where
        'a: 's,
    {
        let mut grouped: IndexMap<&'a Name, SmallVec<[(usize, &'s Selected<'a>); 1]>, RandomState> =
            IndexMap::default();
        for (at, selected) in fields.enumerate() {
            grouped.entry(&selected.1.response_key).or_default().push((at, selected));
        }
        let mut placed = Vec::with_capacity(grouped.len());
        let mut later: IndexMap<Defers, Vec<(usize, OutField)>, RandomState> = IndexMap::default();
        let (mut size, keys) = (0, grouped.len());
        for (key, selections) in &grouped {
            let with = delivered_with(self.operation, selections.iter().map(|(_, (_, field))| field.defer));
            let field = self.field(key, selections, shape, ty, &with)?;
            let into = if with == *defers { &mut placed } else { later.entry(with).or_default() };
            let before = into.len();
            self.place(field, selections, into);
            size += into.len() - before;
        }
        self.size += size.max(keys) + 1;
        if self.size > MAX_PROJECTION {
            return Err(CompileError::TooManyKeys);
        }
        let group = |(defers, placed)| OutGroup { defers, variant: in_order(placed, Vec::new()) };
        Ok(in_order(placed, later.into_iter().map(group).collect()))
    }

    /// Adds `field` at the place of each of its selections until one that is always included.
    fn place(&mut self, field: OutField, selections: &[(usize, &Selected<'a>)], into: &mut Vec<(usize, OutField)>) {
        let mut before = None;
        for (at, (condition, _)) in selections {
            if condition.is_always() {
                let rule = before.map(|before| self.rules.add(condition, Some(before)));
                into.push((*at, OutField { rule, ..field }));
                return;
            }
            before = Some(self.rules.add(condition, before));
            into.push((*at, OutField { rule: before, ..field.clone() }));
        }
    }

    fn field(
        &mut self,
        key: &Name,
        selections: &[(usize, &Selected<'a>)],
        shape: ShapeId,
        ty: Option<TypeId>,
        defers: &Defers,
    ) -> Result<OutField, CompileError> {
        // Fields that merge differ in nothing but what is below them.
        let first = selections[0].1.1;
        let mut out = OutField {
            prefix: Text::of([b",\"", key.as_bytes(), b"\":"]),
            rule: None,
            key: key.clone(),
            wrappers: Wrappers { lists: 0, non_null: 1 },
            kind: OutKind::Typename,
            definition: None,
            stream: None,
        };
        let below = selections.iter().filter_map(|(_, (condition, field))| {
            // What is below the only selection is not reached unless that is included.
            let condition = if selections.len() == 1 { CompiledCondition::default() } else { condition.clone() };
            field.selection_set.as_ref().map(|set| (condition, set))
        });
        match first.definition {
            FieldRef::Typename => {}
            FieldRef::Refused(declared) => {
                out.definition = Some(declared);
                out.wrappers = Wrappers::new(&self.supergraph.schema.field(declared).ty)?;
                out.kind = OutKind::Refused;
            }
            FieldRef::IntrospectSchema | FieldRef::IntrospectType => {
                out.wrappers.non_null = u64::from(first.definition == FieldRef::IntrospectSchema);
                out.kind = OutKind::Introspection(self.introspections.len() as u32);
                self.introspections.push(OutIntrospection {
                    definition: first.definition,
                    arguments: first.arguments.clone(),
                    selection_sets: below.map(|(condition, set)| (condition, set.clone())).collect(),
                });
            }
            FieldRef::Field(declared) => {
                let id = self.definition(first, ty).unwrap_or(declared);
                let field = self.supergraph.schema.field(id);
                out.definition = Some(id);
                out.wrappers = Wrappers::new(&field.ty)?;
                let slot = self.shapes.slot(shape, key).ok_or(CompileError::Inconsistent)?;
                out.kind = if self.supergraph.schema.ty(field.inner).is_composite() {
                    let shape = self.shapes.child(shape, key).ok_or(CompileError::Inconsistent)?;
                    let possible = self.supergraph.schema.ty(field.inner).possible.clone();
                    OutKind::Object { slot, set: self.set(&below.collect::<Vec<_>>(), shape, &possible, defers)? }
                } else {
                    OutKind::Leaf { slot, kind: self.leaf(field.inner) }
                };
                // Lists of leaves are in one piece.
                if let (Some(stream), OutKind::Object { .. }) = (&first.stream, out.kind) {
                    out.stream = Some(self.streams.len() as u32);
                    let stream = self.stream(stream, &out)?;
                    self.streams.push(stream);
                }
            }
        }
        Ok(out)
    }

    fn stream(&self, stream: &Stream, field: &OutField) -> Result<OutStream, CompileError> {
        let initial = Initial::new(&stream.initial_count, self.numbers)?;
        let mut label = Vec::new();
        stream.label.iter().for_each(|text| write_string(text, &mut label));
        let label = stream.label.as_ref().map(|_| label.into());
        Ok(OutStream { id: stream.id, field: field.clone(), label, initial })
    }

    fn leaf(&mut self, id: TypeId) -> LeafKind {
        let ty = self.supergraph.schema.ty(id);
        if let TypeKind::Enum { values } = &ty.kind {
            let hidden = &self.supergraph.ty(id).inaccessible_values;
            let entry = self.enums.entry(id);
            let at = entry.index();
            entry.or_insert_with(|| {
                let definition = self.api.ty(&ty.name);
                let is_hidden = |value: &Name| match definition {
                    Some(ExtendedType::Enum(definition)) => !self.api.has_value(definition, value),
                    _ => false,
                };
                let shown = values.iter().filter(|value| !hidden.contains(value) && !is_hidden(value));
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
