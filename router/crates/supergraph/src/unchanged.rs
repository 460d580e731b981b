//! What means the same in two versions of a supergraph, so that what was planned over the older one is right for the newer one. Knows no plan;
//! knows what planning looks at.
//!
//! A type means the same where it is selected on if neither it nor any type that its objects can have was changed, nor an interface of
//! these (an interface object gives fields to all of them), nor the fields of the keys by which they are looked up. A field means the same
//! if its definitions in these types, its type, its arguments and all that it requires or provides do. What depends on one another is followed
//! over as many steps as there are.

use braid_graphql::OperationType;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::footprint::Footprint;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, Schema, TypeId, TypeKind, fields_of};

use crate::supergraph::Supergraph;

/// The types and fields of a supergraph that mean the same in a newer one, and have the same ids there ([`Supergraph::read_after`]).
#[derive(Debug)]
pub struct Unchanged {
    types: Vec<bool>,
    fields: Vec<bool>,
}

impl Unchanged {
    /// Compares two supergraphs. `None` if nothing is the same, because they have other subgraphs, directives or features.
    pub fn between(older: &Supergraph, newer: &Supergraph) -> Option<Self> {
        let subgraph = |supergraph: &'_ Supergraph| -> Vec<_> {
            supergraph.subgraphs.iter().map(|it| (it.name.clone(), it.graph.clone(), it.is_broker)).collect()
        };
        let (old, new) = (&older.source, &newer.source);
        let is_comparable = subgraph(older) == subgraph(newer)
            && old.schema_definition == new.schema_definition
            && old.directive_definitions == new.directive_definitions
            && older.api_schema.directive_definitions == newer.api_schema.directive_definitions
            && [OperationType::Query, OperationType::Mutation, OperationType::Subscription]
                .into_iter()
                .all(|kind| older.root(kind) == newer.root(kind));
        is_comparable.then(|| Comparison::new(older, newer).unchanged())
    }

    /// Whether all that a document refers to means the same, so that it asks for the same, and is answered by the same plan. Never so for one
    /// that asks for the schema itself.
    pub fn covers(&self, footprint: &Footprint) -> bool {
        !footprint.introspects
            && footprint.types.iter().all(|id| self.types[id.index()])
            && footprint.fields.iter().all(|id| self.fields[id.index()])
    }
}

/// A type or a field, by its number among all: types come first.
#[derive(Debug, Clone, Copy)]
struct Element(usize);

struct Comparison<'a> {
    older: &'a Supergraph,
    schema: &'a Schema,
    /// By type: whether it is defined in the same way, under the same id. Of objects, interfaces and unions without their fields and members.
    definitions: Vec<bool>,
    /// By field.
    field_definitions: Vec<bool>,
    /// By type: whether its objects can have the same types.
    members: Vec<bool>,
    /// By element: those that mean something else if it does.
    dependents: Vec<Vec<Element>>,
    /// By element.
    changed: Vec<bool>,
}

impl<'a> Comparison<'a> {
    fn new(older: &'a Supergraph, newer: &Supergraph) -> Self {
        let (schema, new_schema) = (&older.schema, &newer.schema);
        let (types, fields) = (schema.types().len(), schema.fields().len());
        let has_id = |name: &str, id| new_schema.type_named(name) == Some(id);
        let definitions =
            schema.types().map(|(id, ty)| has_id(&ty.name, id) && is_defined_alike(older, newer, &ty.name)).collect();
        let members =
            schema.types().map(|(id, ty)| has_id(&ty.name, id) && new_schema.ty(id).possible == ty.possible).collect();
        let field_definition = |(id, field): (FieldId, &braid_graphql::schema::FieldDef)| {
            let of = |supergraph: &'a Supergraph| -> Option<_> {
                let ty = supergraph.source.types.get(&supergraph.schema.ty(field.parent).name)?;
                fields_of(ty)?.get(&field.name)
            };
            let new = newer.source.types.get(&schema.ty(field.parent).name).and_then(fields_of);
            has_id(&schema.ty(field.parent).name, field.parent)
                && new_schema.field_named(field.parent, &field.name) == Some(id)
                && of(older) == new.and_then(|fields| fields.get(&field.name))
        };
        let field_definitions = schema.fields().map(field_definition).collect();
        let count = types + fields;
        let (dependents, changed) = (vec![Vec::new(); count], vec![false; count]);
        Self { older, schema, definitions, field_definitions, members, dependents, changed }
    }

    fn unchanged(mut self) -> Unchanged {
        for (id, definition) in self.schema.types() {
            match &definition.kind {
                TypeKind::Object { .. } | TypeKind::Interface { .. } | TypeKind::Union => self.composite(id),
                TypeKind::InputObject { fields, .. } => {
                    self.changed[id.index()] = !self.definitions[id.index()];
                    let inner = fields.values().filter_map(|field| self.schema.type_named(field.ty.inner_named_type()));
                    inner.collect::<Vec<_>>().into_iter().for_each(|inner| self.depends(of_type(id), of_type(inner)));
                }
                TypeKind::Scalar | TypeKind::Enum { .. } => self.changed[id.index()] = !self.definitions[id.index()],
            }
        }
        for (id, _) in self.schema.fields() {
            self.field(id);
        }
        let mut changed: Vec<usize> = (0..self.changed.len()).filter(|at| self.changed[*at]).collect();
        while let Some(at) = changed.pop() {
            for Element(dependent) in std::mem::take(&mut self.dependents[at]) {
                if !std::mem::replace(&mut self.changed[dependent], true) {
                    changed.push(dependent);
                }
            }
        }
        let fields = self.changed.split_off(self.definitions.len());
        let same = |changed: Vec<bool>| changed.into_iter().map(|changed| !changed).collect();
        Unchanged { types: same(self.changed), fields: same(fields) }
    }

    /// An object, interface or union, where it is selected on.
    fn composite(&mut self, id: TypeId) {
        let related = self.related(id);
        let has_all = |it: &TypeId| {
            // What is looked up by an interface may be any object that has it.
            let is_known_by = *it == id || self.older.ty(*it).subgraphs.iter().any(|joined| joined.interface_object);
            self.definitions[it.index()] && (!is_known_by || self.members[it.index()])
        };
        self.changed[id.index()] = !related.iter().all(has_all);
        for related in related {
            let keys = self.older.ty(related).subgraphs.iter().flat_map(|joined| &joined.keys);
            keys.for_each(|key| self.depends_on_all(of_type(id), &key.fields));
        }
    }

    fn field(&mut self, id: FieldId) {
        let (own, field) = (self.of_field(id), self.schema.field(id));
        self.depends(own, of_type(field.parent));
        let arguments = field.arguments.values().map(|argument| argument.ty.inner_named_type());
        arguments.filter_map(|name| self.schema.type_named(name)).for_each(|inner| self.depends(own, of_type(inner)));
        for related in self.related(field.parent) {
            let Some(id) = self.schema.field_named(related, &field.name) else { continue };
            // A type can have a narrower one in its field than its interface.
            self.depends(own, of_type(self.schema.field(id).inner));
            let joined = &self.older.field(id).subgraphs;
            // What is taken from a context is looked for in all that is around the field.
            let is_same = self.field_definitions[id.index()] && joined.iter().all(|it| it.context_arguments.is_empty());
            self.changed[own.0] |= !is_same;
            let sets = joined.iter().flat_map(|it| it.requires.iter().chain(&it.provides));
            sets.for_each(|set| self.depends_on_all(own, set));
        }
    }

    /// A type, the types that its objects can have, and the interfaces of all these.
    fn related(&self, id: TypeId) -> Vec<TypeId> {
        let mut all = vec![id];
        all.extend(self.schema.ty(id).possible.iter());
        for at in 0..all.len() {
            all.extend(self.schema.ty(all[at]).implements());
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn of_field(&self, id: FieldId) -> Element {
        Element(self.definitions.len() + id.index())
    }

    fn depends(&mut self, dependent: Element, on: Element) {
        let dependents = &mut self.dependents[on.0];
        if dependents.last().is_none_or(|last| last.0 != dependent.0) {
            dependents.push(dependent);
        }
    }

    /// Recursive as deep as field sets are.
    fn depends_on_all(&mut self, dependent: Element, set: &SelectionSet) {
        for field in &set.fields {
            self.depends(dependent, of_type(field.parent));
            if let Some(id) = field.definition.id() {
                self.depends(dependent, self.of_field(id));
            }
            field.selection_set.iter().for_each(|below| self.depends_on_all(dependent, below));
        }
    }
}

fn of_type(id: TypeId) -> Element {
    Element(id.index())
}

/// Whether a type is defined in the same way in both; of objects and interfaces without their fields, and of unions without their members.
fn is_defined_alike(older: &Supergraph, newer: &Supergraph, name: &str) -> bool {
    match (older.source.types.get(name), newer.source.types.get(name)) {
        (Some(ExtendedType::Object(old)), Some(ExtendedType::Object(new))) => {
            old.directives == new.directives && old.implements_interfaces == new.implements_interfaces
        }
        (Some(ExtendedType::Interface(old)), Some(ExtendedType::Interface(new))) => {
            old.directives == new.directives && old.implements_interfaces == new.implements_interfaces
        }
        (Some(ExtendedType::Union(old)), Some(ExtendedType::Union(new))) => old.directives == new.directives,
        (old, new) => old == new,
    }
}
