//! Writes scheduled visits as the nodes of a plan. Chooses nothing; knows what a subgraph's schema lets one write.

use ahash::AHashMap;
use braid_graphql::compiler::ast::{Argument, Value};
use braid_graphql::operation::{Condition, Operation};
use braid_graphql::schema::{FieldId, TypeId, TypeKind};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, Type, VariableDefinition};
use braid_query_graph::QueryGraph;
use braid_query_plan::{
    EntityFetch, Fetch, FetchField, FetchId, FetchKind, FetchSelection, Path, PathSegment, QueryPlan, Representation,
    RepresentationField, TypenameSource,
};
use braid_supergraph::SubgraphId;

use crate::ask::{common, rest};
use crate::build::merge_fields;
use crate::draft::{AskedField, AtomIx, AtomKind, Draft, PosIx, VisitIx};
use crate::schedule::Batch;
use crate::solve::Solver;

/// The plan of these batches.
pub(crate) fn emit<'a>(
    solver: &Solver<'a, '_>,
    draft: &Draft<'a>,
    batches: &[Batch],
    operation: &Operation,
) -> QueryPlan {
    let mut fetch_of = vec![FetchId(0); draft.atoms.len()];
    for (index, batch) in batches.iter().enumerate() {
        batch.atoms.iter().for_each(|atom| fetch_of[*atom] = FetchId(index as u32));
    }
    let mut plan = QueryPlan::empty(operation.kind);
    for (index, batch) in batches.iter().enumerate() {
        let mut emitter =
            Emitter { solver, graph: solver.graph, draft, subgraph: batch.subgraph, scopes: Vec::new(), aliases: 0 };
        let (condition, kind) = emitter.batch(batch);
        let after = batch.atoms.iter().flat_map(|atom| draft.atoms[*atom].after.iter().map(|before| fetch_of[*before]));
        let mut after: Vec<FetchId> = after.collect();
        after.sort_unstable();
        after.dedup();
        let variables = variables(&kind, operation);
        let id = FetchId(index as u32);
        plan.fetches.push(Fetch { id, subgraph: batch.subgraph, after, condition, variables, kind });
    }
    plan
}

struct Emitter<'e, 'a, 'o> {
    solver: &'e Solver<'a, 'o>,
    graph: &'a QueryGraph,
    draft: &'e Draft<'a>,
    subgraph: SubgraphId,
    /// What response keys stand for in the request, at each of its paths.
    scopes: Vec<AHashMap<Name, Taken>>,
    aliases: u32,
}

/// A response key of a request: fields under one key must have the same shape, whatever their parents
/// (<https://spec.graphql.org/draft/#SameResponseShape()>).
struct Taken {
    shape: Type,
    name: Name,
    arguments: Vec<Node<Argument>>,
    below: usize,
}

/// Atoms of one position that are looked up together.
struct Lookup {
    position: PosIx,
    atoms: Vec<AtomIx>,
    guard: TypeSet,
    representations: Vec<Representation>,
}

/// What is written, in the selection set of which type.
#[derive(Clone, Copy)]
struct Within<'t> {
    /// The type that the selection set is on; `None` for `_entities`.
    on: Option<TypeId>,
    /// The runtime types that objects can have here.
    types: &'t TypeSet,
    scope: usize,
}

impl Emitter<'_, '_, '_> {
    fn batch(&mut self, batch: &Batch) -> (Condition, FetchKind) {
        if let [atom] = batch.atoms.as_slice()
            && let AtomKind::Root(operation) = &self.draft.atoms[*atom].kind
        {
            let visit = self.draft.atoms[*atom].visit;
            let position = self.draft.visits[visit].position;
            let condition = self.under(position, self.draft.condition(visit));
            let root = self.draft.positions[position].ty;
            let scope = self.scope();
            let within = Within { on: Some(root), types: &TypeSet::one(root), scope };
            let selections = self.selections(&[visit], within, &condition);
            return (condition, FetchKind::Root { operation: *operation, path: self.path(position), selections });
        }
        let mut entities = Vec::new();
        for lookup in self.lookups(batch).into_iter().flat_map(|lookup| self.split(lookup)).collect::<Vec<_>>() {
            entities.push(self.entity_fetch(&lookup));
        }
        let mut conditions = entities.iter().map(|fetch| fetch.condition.clone());
        let first = conditions.next().unwrap_or_default();
        let condition = conditions.fold(first, |all, condition| common(&all, &condition));
        for fetch in &mut entities {
            fetch.condition = rest(&fetch.condition, &condition);
        }
        (condition, FetchKind::Entities(entities))
    }

    fn lookups(&self, batch: &Batch) -> Vec<Lookup> {
        let mut lookups: Vec<Lookup> = Vec::new();
        for index in &batch.atoms {
            let atom = &self.draft.atoms[*index];
            let visit = &self.draft.visits[atom.visit];
            let joined = lookups.iter_mut().find_map(|known| {
                let first = &self.draft.atoms[known.atoms[0]];
                let place = self.draft.visits[first.visit].place;
                if known.position != visit.position || place != visit.place || first.contexts != atom.contexts {
                    return None;
                }
                let atoms = known.atoms.iter().chain([index]);
                let visits: Vec<VisitIx> = atoms.map(|atom| self.draft.atoms[*atom].visit).collect();
                if place.interface_object.is_some() && self.draft.ambiguous(&visits).is_some() {
                    return None;
                }
                let together = join(&known.representations, &atom.representations)?;
                Some((known, together))
            });
            match joined {
                Some((known, together)) => {
                    known.atoms.push(*index);
                    known.guard = known.guard.union(&atom.guard);
                    known.representations = together;
                }
                None => lookups.push(Lookup {
                    position: visit.position,
                    atoms: vec![*index],
                    guard: atom.guard.clone(),
                    representations: atom.representations.clone(),
                }),
            }
        }
        lookups
    }

    /// An interface object does not tell types apart: where a key means different things for them, each is looked up by itself.
    fn split(&self, lookup: Lookup) -> Vec<Lookup> {
        let visits: Vec<VisitIx> = lookup.atoms.iter().map(|atom| self.draft.atoms[*atom].visit).collect();
        let place = self.draft.visits[visits[0]].place;
        if place.interface_object.is_none() || self.draft.ambiguous(&visits).is_none() {
            return vec![lookup];
        }
        let mut parts: Vec<(Vec<bool>, Vec<TypeId>)> = Vec::new();
        for ty in lookup.guard.iter() {
            let asks = visits.iter().flat_map(|visit| &self.draft.visits[*visit].asks);
            let asked: Vec<bool> = asks.map(|asked| asked.guard.contains(ty)).collect();
            match parts.iter_mut().find(|(known, _)| *known == asked) {
                Some((_, types)) => types.push(ty),
                None => parts.push((asked, vec![ty])),
            }
        }
        let part = |(_, types): (_, Vec<TypeId>)| {
            let guard: TypeSet = types.into_iter().collect();
            let representations = lookup.representations.iter().filter_map(|representation| {
                let guard = representation.guard.intersection(&guard);
                (!guard.is_empty()).then(|| Representation { guard, ..representation.clone() })
            });
            let representations = representations.collect();
            Lookup { position: lookup.position, atoms: lookup.atoms.clone(), guard, representations }
        };
        parts.into_iter().map(part).collect()
    }

    fn entity_fetch(&mut self, lookup: &Lookup) -> EntityFetch {
        let visits: Vec<VisitIx> = lookup.atoms.iter().map(|atom| self.draft.atoms[*atom].visit).collect();
        let mut conditions = visits.iter().map(|visit| self.draft.condition(*visit));
        let first = conditions.next().unwrap_or_default();
        let condition = conditions.fold(first, |all, condition| common(&all, &condition));
        let condition = self.under(lookup.position, condition);
        let scope = self.scope();
        let by_interface = self.entered_by_interface(&lookup.representations);
        let on = by_interface.or_else(|| lookup.guard.single());
        let selections = match on {
            Some(ty) => {
                let (_, possible) = self.graph.returned(ty, self.subgraph);
                let tells_types = by_interface.is_some() && !self.is_interface_object(ty);
                let types = if tells_types { possible } else { lookup.guard.clone() };
                let within = Within { on: Some(ty), types: &types, scope };
                let selections = self.selections(&visits, within, &condition);
                vec![fragment(ty, selections)]
            }
            None => self.selections(&visits, Within { on: None, types: &lookup.guard, scope }, &condition),
        };
        EntityFetch {
            path: self.path(lookup.position),
            representations: lookup.representations.clone(),
            condition,
            contexts: self.draft.atoms[lookup.atoms[0]].contexts.clone(),
            selections,
        }
    }

    /// A condition together with that of the position.
    fn under(&self, position: PosIx, condition: Condition) -> Condition {
        self.draft.positions[position].condition.and_all(&condition).unwrap_or(condition)
    }

    /// The interface that all representations name.
    fn entered_by_interface(&self, representations: &[Representation]) -> Option<TypeId> {
        let schema = &self.graph.supergraph().schema;
        let mut on = None;
        for representation in representations {
            let TypenameSource::Fixed(name) = &representation.typename else { return None };
            let ty = schema.type_named(name).filter(|ty| schema.ty(*ty).is_interface())?;
            if on.is_some_and(|on| on != ty) {
                return None;
            }
            on = Some(ty);
        }
        on
    }

    fn path(&self, position: PosIx) -> Path {
        let Some((parent, key, guard)) = &self.draft.positions[position].parent else { return Path::default() };
        let mut path = self.path(*parent);
        let above = &self.draft.positions[*parent];
        if let Some(last) = path.0.last_mut()
            && !guard.is_empty()
            && !guard.is_superset(&above.all_types(self.solver))
        {
            last.guard = Some(guard.clone());
        }
        path.0.push(PathSegment { key: key.clone(), guard: None });
        path
    }

    fn scope(&mut self) -> usize {
        self.scopes.push(AHashMap::new());
        self.scopes.len() - 1
    }

    /// What visits ask, as the selections of a type; without the part of conditions that holds here.
    fn selections(&mut self, visits: &[VisitIx], within: Within<'_>, holds: &Condition) -> Vec<FetchSelection> {
        let mut direct = Vec::new();
        let mut fragments: Vec<(TypeId, Vec<FetchSelection>)> = Vec::new();
        let mut asks: Vec<&AskedField> = visits.iter().flat_map(|visit| &self.draft.visits[*visit].asks).collect();
        // Readers of the answer learn the type before the fields.
        asks.sort_by_key(|asked| asked.field.is_some());
        for (index, asked) in asks.iter().enumerate() {
            if is_covered(&asks, index) {
                continue;
            }
            for on in self.targets(asked, within) {
                let field = self.field(asked, on, within.scope, holds);
                if Some(on) == within.on {
                    direct.push(FetchSelection::Field(field));
                } else {
                    match fragments.iter_mut().find(|(ty, _)| *ty == on) {
                        Some((_, fields)) => fields.push(FetchSelection::Field(field)),
                        None => fragments.push((on, vec![FetchSelection::Field(field)])),
                    }
                }
            }
        }
        direct.extend(fragments.into_iter().map(|(ty, selections)| fragment(ty, selections)));
        if direct.is_empty() {
            direct.push(FetchSelection::Field(typename()));
        }
        direct
    }

    /// The types on which a field is written: the selection set's own type, an interface that has just the runtime types that are
    /// meant, or each of these.
    fn targets(&self, asked: &AskedField, within: Within<'_>) -> Vec<TypeId> {
        let schema = &self.graph.supergraph().schema;
        if let Some(on) = within.on {
            let is_some = self.is_interface_object(on) && !asked.guard.is_disjoint(within.types);
            if (is_some || asked.guard.is_superset(within.types)) && self.has_field(on, asked) {
                return vec![on];
            }
        }
        let guard = asked.guard.intersection(within.types);
        if let Some(ty) = guard.single() {
            return vec![ty];
        }
        let Some(first) = guard.iter().next() else { return Vec::new() };
        let mut interfaces: Vec<TypeId> = schema.ty(first).implements().to_vec();
        interfaces.sort_by(|a, b| schema.ty(*a).name.cmp(&schema.ty(*b).name));
        let fits = |interface: &TypeId| {
            let supergraph = self.graph.supergraph();
            let joined = supergraph.type_in(*interface, self.subgraph);
            let is_resolved = |ty: TypeId| {
                let field = supergraph.schema.field_named(ty, &asked.name);
                let join = field.and_then(|field| supergraph.field_in(field, self.subgraph));
                asked.field.is_none() || join.is_some_and(|join| self.solver.reach.is_resolvable(join))
            };
            joined.is_some_and(|joined| {
                !joined.interface_object
                    && joined.possible.intersection(within.types) == guard
                    // Nor is anything asked of types that cannot be met here.
                    && joined.possible.difference(within.types).iter().all(is_resolved)
            }) && self.has_field(*interface, asked)
        };
        match interfaces.into_iter().find(fits) {
            Some(interface) => vec![interface],
            None => guard.iter().filter(|ty| self.has_field(*ty, asked)).collect(),
        }
    }

    fn is_interface_object(&self, ty: TypeId) -> bool {
        self.graph.supergraph().type_in(ty, self.subgraph).is_some_and(|joined| joined.interface_object)
    }

    /// Whether the subgraph's type has the field.
    fn has_field(&self, on: TypeId, asked: &AskedField) -> bool {
        let supergraph = self.graph.supergraph();
        if asked.field.is_none() {
            return true;
        }
        if matches!(supergraph.schema.ty(on).kind, TypeKind::Union) {
            return false;
        }
        let field = supergraph.schema.field_named(on, &asked.name);
        field.is_some_and(|field| supergraph.field_in(field, self.subgraph).is_some())
    }

    fn field(&mut self, asked: &AskedField, on: TypeId, scope: usize, holds: &Condition) -> FetchField {
        let Some(field) = asked.field.and_then(|_| self.graph.supergraph().schema.field_named(on, &asked.name)) else {
            let mut field = typename();
            field.condition = rest(&asked.condition, holds);
            return field;
        };
        let (ty, inner) = self.type_of(field);
        let is_composite = self.graph.supergraph().schema.ty(inner).is_composite();
        let (wire_key, below) = self.wire_key(asked, scope, shape(&ty, is_composite));
        let selections = asked.below.map(|visit| {
            let (_, types) = self.graph.returned(inner, self.subgraph);
            let within = Within { on: Some(inner), types: &types, scope: below };
            self.selections(&[visit], within, &Condition::always())
        });
        FetchField {
            wire_key,
            key: asked.key.clone(),
            name: asked.name.clone(),
            definition: Some(field),
            arguments: asked.arguments.clone(),
            condition: rest(&asked.condition, holds),
            selections,
        }
    }

    fn type_of(&self, field: FieldId) -> (Type, TypeId) {
        let supergraph = self.graph.supergraph();
        match supergraph.field_in(field, self.subgraph) {
            Some(join) => (join.ty.clone(), self.graph.type_in_subgraph(join, field)),
            None => (supergraph.schema.field(field).ty.clone(), supergraph.schema.field(field).inner),
        }
    }

    /// The key to ask a field under: its tree key, or another where that is taken by something that it does not merge with.
    fn wire_key(&mut self, asked: &AskedField, scope: usize, shape: Type) -> (Name, usize) {
        let fits =
            |taken: &Taken| taken.shape == shape && taken.name == asked.name && taken.arguments == asked.arguments;
        match self.scopes[scope].get(&asked.key) {
            Some(taken) if fits(taken) => return (asked.key.clone(), taken.below),
            Some(_) => {
                // An alias made for the same field before serves again, so that what is below merges.
                let prefix_of = |key: &Name| key.starts_with('_') && key.ends_with(asked.key.as_str());
                let known = self.scopes[scope].iter().filter(|(key, taken)| prefix_of(key) && fits(taken));
                if let Some((key, below)) = known.map(|(key, taken)| (key.clone(), taken.below)).min() {
                    return (key, below);
                }
            }
            None => return self.take(asked.key.clone(), asked, scope, shape),
        }
        loop {
            let alias = Name::new(&format!("_{}_{}", self.aliases, asked.key));
            self.aliases += 1;
            match alias {
                Ok(alias) if !self.scopes[scope].contains_key(&alias) => return self.take(alias, asked, scope, shape),
                Ok(_) => {}
                // A name with a prefix of these letters is a name.
                Err(_) => return (asked.key.clone(), scope),
            }
        }
    }

    fn take(&mut self, key: Name, asked: &AskedField, scope: usize, shape: Type) -> (Name, usize) {
        let below = self.scope();
        let taken = Taken { shape, name: asked.name.clone(), arguments: asked.arguments.clone(), below };
        self.scopes[scope].insert(key.clone(), taken);
        (key, below)
    }
}

/// Both lists of representations as one, unless one object would need two different ones.
fn join(known: &[Representation], more: &[Representation]) -> Option<Vec<Representation>> {
    let mut together = known.to_vec();
    for new in more {
        match together.iter().position(|known| known.guard == new.guard && known.typename == new.typename) {
            Some(at) => {
                let same = &mut together[at];
                let keys = |representation: &Representation| {
                    let keys = representation.fields.iter().filter(|field| field.is_key);
                    keys.map(|field| (field.name.clone(), field.key.clone())).collect::<Vec<_>>()
                };
                if clash(&same.fields, &new.fields) || keys(same) != keys(new) {
                    return None;
                }
                merge_fields(&mut same.fields, new.fields.clone());
            }
            None if together.iter().all(|known| known.guard.is_disjoint(&new.guard)) => together.push(new.clone()),
            None => return None,
        }
    }
    Some(together)
}

/// Whether a field, here or below, is taken from different places of the tree.
fn clash(a: &[RepresentationField], b: &[RepresentationField]) -> bool {
    let pairs = a.iter().flat_map(|field| b.iter().map(move |other| (field, other)));
    pairs.filter(|(field, other)| field.name == other.name).any(|(field, other)| {
        field.key != other.key || matches!((&field.fields, &other.fields), (Some(a), Some(b)) if clash(a, b))
    })
}

/// Whether another selection already asks the same for at least the same types and conditions.
fn is_covered(asks: &[&AskedField], index: usize) -> bool {
    let asked = asks[index];
    asked.below.is_none()
        && asks.iter().enumerate().any(|(other_index, other)| {
            other_index != index
                && other.key == asked.key
                && other.name == asked.name
                && other.arguments == asked.arguments
                && other.guard.is_superset(&asked.guard)
                && other.condition.is_implied_by(&asked.condition)
                && (other_index < index || other.guard != asked.guard || other.condition != asked.condition)
        })
}

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

fn fragment(ty: TypeId, selections: Vec<FetchSelection>) -> FetchSelection {
    FetchSelection::InlineFragment { type_condition: Some(ty), condition: Condition::always(), selections }
}

fn typename() -> FetchField {
    let name = braid_graphql::compiler::name!("__typename");
    FetchField {
        wire_key: name.clone(),
        key: name.clone(),
        name,
        definition: None,
        arguments: Vec::new(),
        condition: Condition::always(),
        selections: None,
    }
}

/// The client's variables that a request uses, in the client's order.
fn variables(kind: &FetchKind, operation: &Operation) -> Vec<Node<VariableDefinition>> {
    if operation.variables.is_empty() {
        return Vec::new();
    }
    let mut used = Vec::new();
    match kind {
        FetchKind::Root { selections, .. } => selections_use(selections, &mut used),
        FetchKind::Entities(entities) => entities.iter().for_each(|fetch| selections_use(&fetch.selections, &mut used)),
    }
    operation.variables.iter().filter(|variable| used.contains(&variable.name)).cloned().collect()
}

fn selections_use(selections: &[FetchSelection], used: &mut Vec<Name>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) => {
                used.extend(field.condition.literals().iter().map(|literal| literal.variable.clone()));
                field.arguments.iter().for_each(|argument| value_uses(&argument.value, used));
                field.selections.iter().for_each(|below| selections_use(below, used));
            }
            FetchSelection::InlineFragment { condition, selections, .. } => {
                used.extend(condition.literals().iter().map(|literal| literal.variable.clone()));
                selections_use(selections, used);
            }
        }
    }
}

fn value_uses(value: &Value, used: &mut Vec<Name>) {
    match value {
        Value::Variable(name) => used.push(name.clone()),
        Value::List(items) => items.iter().for_each(|item| value_uses(item, used)),
        Value::Object(fields) => fields.iter().for_each(|(_, value)| value_uses(value, used)),
        _ => {}
    }
}
