//! Proves a plan against its supergraph and operation, without knowing how it was made: a second, slower opinion for tests.
//!
//! The plan is run on paper. Instead of objects there are the runtime types that an object can have; instead of values, who wrote
//! them and under which conditions. Every selection must be resolved by its subgraph, every input be there before it is used,
//! every key of the tree mean one thing, and in the end every field of the operation be there.

use std::collections::BTreeMap;

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, Operation, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::{Name, Node};
use braid_query_plan::{
    EntityFetch, Fetch, FetchField, FetchId, FetchKind, FetchSelection, Path, QueryPlan, Representation,
    RepresentationField, TypenameSource,
};
use braid_supergraph::{FieldInSubgraph, SubgraphId, Supergraph};

use crate::config::PlannerConfig;

/// Finds what is wrong with a plan; nothing, if it is a right one.
pub fn check_plan(
    plan: &QueryPlan,
    operation: &Operation,
    supergraph: &Supergraph,
    config: &PlannerConfig,
) -> Result<(), Vec<String>> {
    let mut check = Check { plan, supergraph, config, found: Vec::new(), variables: Vec::new() };
    check.collect_variables(&operation.selection_set);
    check.variables.sort();
    check.variables.dedup();
    let mut root = Objects::default();
    root.types.insert(operation.root, Written::default());
    for fetch in &plan.fetches {
        if fetch.after.iter().any(|before| before.0 >= fetch.id.0) {
            check.report(fetch, "waits for a later fetch".to_owned());
        }
        check.run(fetch, &mut root);
    }
    check.answers(&operation.selection_set, operation.root, &root, &Condition::always(), "");
    if check.found.is_empty() { Ok(()) } else { Err(check.found) }
}

/// The objects under one path of keys, told apart by their runtime types.
#[derive(Debug, Default, Clone)]
struct Objects {
    types: BTreeMap<TypeId, Written>,
    /// The subgraphs that told their runtime types.
    from: Vec<SubgraphId>,
    /// Whether somebody gives them as objects of an interface, without telling their runtime types.
    untold: bool,
    /// The conditions under which they were asked for; where none holds there are no objects.
    asked: Vec<Condition>,
}

/// What was written into objects of one runtime type.
#[derive(Debug, Default, Clone)]
struct Written {
    fields: BTreeMap<Name, Vec<Write>>,
    below: BTreeMap<Name, Objects>,
}

#[derive(Debug, Clone)]
struct Write {
    name: Name,
    arguments: Vec<Node<Argument>>,
    condition: Condition,
    fetch: FetchId,
}

/// A condition, and those of which one holds where there are objects.
type When<'w> = (&'w Condition, &'w [Condition]);

struct Check<'a> {
    plan: &'a QueryPlan,
    supergraph: &'a Supergraph,
    config: &'a PlannerConfig,
    variables: Vec<Name>,
    found: Vec<String>,
}

/// Where selections are applied.
struct Scope<'s> {
    fetch: &'s Fetch,
    /// The type of the selection set in the subgraph; `None` for `_entities`.
    on: Option<TypeId>,
    condition: Condition,
    provided: Vec<&'s SelectionSet>,
    /// What the representation carries, at the top of an entity fetch.
    representation: Option<(&'s Representation, &'s EntityFetch)>,
    /// When the objects that are looked up are there.
    asked: Vec<Condition>,
}

impl<'a> Check<'a> {
    fn report(&mut self, fetch: &Fetch, what: String) {
        let name = &self.supergraph.subgraph(fetch.subgraph).name;
        self.found.push(format!("fetch {} ({name}): {what}", fetch.id.0));
    }

    fn run(&mut self, fetch: &'a Fetch, root: &mut Objects) {
        match &fetch.kind {
            FetchKind::Root { path, selections, .. } => {
                let mut targets = Vec::new();
                collect(root, path, 0, &mut targets);
                if targets.is_empty() {
                    self.report(fetch, "its path leads nowhere".to_owned());
                }
                for objects in targets {
                    for (ty, written) in &mut objects.types {
                        let scope = Scope {
                            fetch,
                            on: Some(*ty),
                            condition: fetch.condition.clone(),
                            provided: Vec::new(),
                            representation: None,
                            asked: Vec::new(),
                        };
                        self.apply(selections, *ty, written, &scope);
                    }
                }
            }
            FetchKind::Entities(entities) => entities.iter().for_each(|entity| self.look_up(fetch, entity, root)),
        }
    }

    fn look_up(&mut self, fetch: &'a Fetch, entity: &'a EntityFetch, root: &mut Objects) {
        let Some(condition) = fetch.condition.and_all(&entity.condition) else {
            return self.report(fetch, "its conditions contradict each other".to_owned());
        };
        self.check_path(fetch, &entity.path, 0, root);
        let mut targets = Vec::new();
        collect(root, &entity.path, 0, &mut targets);
        let mut any = false;
        for objects in targets {
            let is_for_all =
                |representation: &Representation| objects.types.keys().all(|ty| representation.guard.contains(*ty));
            if !entity.representations.iter().any(is_for_all) {
                self.check_told(fetch, &entity.path, objects);
            }
            let (from, asked) = (objects.from.clone(), objects.asked.clone());
            for (ty, written) in &mut objects.types {
                let fits = |representation: &&Representation| representation.guard.contains(*ty);
                let Some(representation) = entity.representations.iter().find(fits) else { continue };
                any = true;
                self.check_representation(fetch, representation, *ty, written, &from);
                let scope = Scope {
                    fetch,
                    on: None,
                    condition: condition.clone(),
                    provided: Vec::new(),
                    representation: Some((representation, entity)),
                    asked: asked.clone(),
                };
                self.apply(&entity.selections, *ty, written, &scope);
            }
        }
        if !any && entity.representations.iter().any(|representation| !representation.guard.is_empty()) {
            self.report(fetch, format!("no object fits at {:?}", keys(&entity.path)));
        }
    }

    /// Which objects a guard lets through must be known where it is applied.
    fn check_path(&mut self, fetch: &Fetch, path: &Path, at: usize, objects: &Objects) {
        let Some(segment) = path.0.get(at) else { return };
        for below in objects.types.values().filter_map(|written| written.below.get(&segment.key)) {
            if segment.guard.as_ref().is_some_and(|guard| below.types.keys().any(|ty| !guard.contains(*ty))) {
                self.check_told(fetch, path, below);
            }
            self.check_path(fetch, path, at + 1, below);
        }
    }

    /// Whether a fetch that depends on the runtime types of objects comes after they are told.
    fn check_told(&mut self, fetch: &Fetch, path: &Path, objects: &Objects) {
        if !objects.untold {
            return;
        }
        for (ty, written) in &objects.types {
            let writes = written.fields.get("__typename").map(Vec::as_slice).unwrap_or_default();
            let tells = |write: &Write| {
                let from = self.plan.fetches.get(write.fetch.0 as usize).map(|fetch| fetch.subgraph);
                self.is_before(write.fetch, fetch.id)
                    && from.is_some_and(|from| self.supergraph.type_in(*ty, from).is_some())
            };
            if !writes.iter().any(tells) {
                let name = &self.supergraph.schema.ty(*ty).name;
                return self
                    .report(fetch, format!("depends on the type at {:?} before it is known: {name}", keys(path)));
            }
        }
    }

    fn entered_as(&self, representation: &Representation, ty: TypeId) -> TypeId {
        match &representation.typename {
            TypenameSource::Fixed(name) => self.supergraph.schema.type_named(name).unwrap_or(ty),
            TypenameSource::Runtime => ty,
        }
    }

    fn check_representation(
        &mut self,
        fetch: &Fetch,
        representation: &Representation,
        ty: TypeId,
        written: &Written,
        from: &[SubgraphId],
    ) {
        let as_type = self.entered_as(representation, ty);
        let Some(joined) = self.supergraph.type_in(as_type, fetch.subgraph) else {
            let name = &self.supergraph.schema.ty(as_type).name;
            return self.report(fetch, format!("enters by {name}, which the subgraph does not have"));
        };
        let key_fits = joined.keys.iter().filter(|key| key.resolvable).any(|key| {
            let keys: Vec<&RepresentationField> = representation.fields.iter().filter(|field| field.is_key).collect();
            self.covers(&keys, &key.fields, ty)
        });
        if !key_fits {
            let name = &self.supergraph.schema.ty(as_type).name;
            self.report(fetch, format!("its representation of {name} has no resolvable key"));
        }
        if matches!(representation.typename, TypenameSource::Runtime) {
            let known = written.fields.contains_key("__typename");
            if !known && !from.is_empty() {
                let name = &self.supergraph.schema.ty(ty).name;
                self.report(fetch, format!("does not know the runtime type of {name}"));
            }
        }
        for field in &representation.fields {
            self.check_input(fetch, field, ty, written);
        }
    }

    /// Whether the fields name everything of the set that applies to the type.
    fn covers(&self, fields: &[&RepresentationField], set: &SelectionSet, ty: TypeId) -> bool {
        set.fields.iter().filter(|field| field.guard.contains(ty) || field.guard.is_empty()).all(|field| {
            let Some(id) = field.definition.id() else { return true };
            let definition = self.supergraph.schema.field(id);
            fields.iter().any(|known| {
                known.name == definition.name
                    && match (&known.fields, &field.selection_set) {
                        (Some(fields), Some(set)) => {
                            let below: Vec<&RepresentationField> = fields.iter().collect();
                            let possible = &self.supergraph.schema.ty(definition.inner).possible;
                            possible.iter().all(|ty| {
                                let fits: Vec<&RepresentationField> = below
                                    .iter()
                                    .copied()
                                    .filter(|field| field.guard.as_ref().is_none_or(|guard| guard.contains(ty)))
                                    .collect();
                                // Types that cannot be met where the field comes from have no fields.
                                fits.iter().all(|field| field.name == "__typename") || self.covers(&fits, set, ty)
                            })
                        }
                        (None, None) => true,
                        _ => false,
                    }
            })
        })
    }

    fn check_input(&mut self, fetch: &Fetch, field: &RepresentationField, ty: TypeId, written: &Written) {
        if field.guard.as_ref().is_some_and(|guard| !guard.contains(ty)) {
            return;
        }
        let coordinate = format!("{}.{}", self.supergraph.schema.ty(ty).name, field.name);
        let writes: Vec<Write> = written.fields.get(&field.key).cloned().unwrap_or_default();
        let before: Vec<Write> = writes.into_iter().filter(|write| self.is_before(write.fetch, fetch.id)).collect();
        if before.is_empty() {
            return self.report(fetch, format!("needs {coordinate} under \"{}\" before it is there", field.key));
        }
        if before.iter().any(|write| write.name != field.name) {
            self.report(fetch, format!("takes something else for {coordinate}"));
        }
        if let (Some(fields), Some(below)) = (&field.fields, written.below.get(&field.key)) {
            for (ty, written) in &below.types {
                for field in fields {
                    let is_typename = field.name == "__typename";
                    if !is_typename || self.supergraph.schema.ty(*ty).is_abstract() {
                        self.check_input(fetch, field, *ty, written);
                    }
                }
            }
        }
    }

    /// Whether one fetch is done before another starts.
    fn is_before(&self, before: FetchId, fetch: FetchId) -> bool {
        let mut open = vec![fetch];
        while let Some(at) = open.pop() {
            for other in self.plan.fetches.get(at.0 as usize).map(|fetch| fetch.after.as_slice()).unwrap_or_default() {
                if *other == before {
                    return true;
                }
                if other.0 > before.0 {
                    open.push(*other);
                }
            }
        }
        false
    }

    /// Whether, whenever the condition holds and there are objects, one of the others holds.
    fn is_there<'c>(&self, when: &When<'_>, others: impl Iterator<Item = &'c Condition> + Clone) -> bool {
        let both = |asked: &Condition| {
            when.0.and_all(asked).is_none_or(|condition| self.is_covered(&condition, others.clone()))
        };
        if when.1.is_empty() { self.is_covered(when.0, others) } else { when.1.iter().all(both) }
    }

    /// Whether, whenever `condition` holds, one of the others does.
    fn is_covered<'c>(&self, condition: &Condition, others: impl Iterator<Item = &'c Condition> + Clone) -> bool {
        if others.clone().any(|other| other.is_implied_by(condition)) {
            return true;
        }
        if self.variables.len() > 10 {
            return true;
        }
        (0..1u32 << self.variables.len()).all(|assignment| {
            let value_of = |name: &Name| {
                self.variables
                    .iter()
                    .position(|variable| variable == name)
                    .is_some_and(|at| assignment & (1 << at) != 0)
            };
            !condition.holds(value_of) || others.clone().any(|other| other.holds(value_of))
        })
    }

    fn apply(&mut self, selections: &'a [FetchSelection], ty: TypeId, written: &mut Written, scope: &Scope<'a>) {
        for selection in selections {
            match selection {
                FetchSelection::InlineFragment { type_condition, condition, selections } => {
                    if type_condition.is_some_and(|on| !self.is_type_in(ty, on, scope)) {
                        continue;
                    }
                    let Some(condition) = scope.condition.and_all(condition) else { continue };
                    let inner = Scope {
                        fetch: scope.fetch,
                        on: type_condition.or(scope.on),
                        condition,
                        provided: scope.provided.clone(),
                        representation: scope.representation,
                        asked: scope.asked.clone(),
                    };
                    self.apply(selections, ty, written, &inner);
                }
                FetchSelection::Field(field) => self.apply_field(field, ty, written, scope),
            }
        }
    }

    /// Whether objects of a runtime type match a type condition in the subgraph.
    fn is_type_in(&mut self, ty: TypeId, on: TypeId, scope: &Scope<'a>) -> bool {
        match self.supergraph.type_in(on, scope.fetch.subgraph) {
            Some(joined) if joined.interface_object => self.supergraph.schema.ty(on).possible.contains(ty),
            Some(joined) => joined.possible.contains(ty),
            None => {
                let name = self.supergraph.schema.ty(on).name.clone();
                self.report(scope.fetch, format!("has a fragment on {name}, which the subgraph does not have"));
                false
            }
        }
    }

    fn apply_field(&mut self, field: &'a FetchField, ty: TypeId, written: &mut Written, scope: &Scope<'a>) {
        let Some(condition) = scope.condition.and_all(&field.condition) else { return };
        let coordinate = format!("{}.{}", self.supergraph.schema.ty(ty).name, field.name);
        // Arguments from contexts are not the client's, and not part of what a key means.
        let is_asked = |argument: &&Node<Argument>| {
            let definition = field.definition.map(|id| self.supergraph.schema.field(id));
            definition.is_some_and(|definition| definition.arguments.contains_key(&argument.name))
        };
        let write = Write {
            name: field.name.clone(),
            arguments: field.arguments.iter().filter(is_asked).cloned().collect(),
            condition: condition.clone(),
            fetch: scope.fetch.id,
        };
        let writes = written.fields.entry(field.key.clone()).or_default();
        let other = writes.iter().find(|other| other.name != write.name || other.arguments != write.arguments);
        let meaning = other.map(|other| other.name.clone());
        let twice = writes.iter().any(|other| {
            other.fetch != scope.fetch.id && other.condition.is_implied_by(&condition) && field.selections.is_none()
        });
        writes.push(write);
        if let Some(other) = meaning {
            self.report(scope.fetch, format!("writes {coordinate} under \"{}\", which holds {other}", field.key));
        }
        let Some(id) = field.definition else { return };
        if twice {
            self.report(scope.fetch, format!("asks {coordinate} again"));
        }
        if scope.on.is_some_and(|on| self.supergraph.schema.field(id).parent != on) {
            self.report(scope.fetch, format!("asks {coordinate} on another type than that of its selection set"));
        }
        let Some((join, owner)) = self.resolver(id, ty, scope) else {
            return self.report(scope.fetch, format!("asks {coordinate}, which the subgraph does not resolve"));
        };
        self.check_requirements(join, &coordinate, ty, written, &condition, scope);
        let Some(selections) = &field.selections else { return };
        let name = &self.supergraph.schema.field(owner).name;
        let inner = self.supergraph.schema.type_named(join.ty.inner_named_type());
        let asked = self.supergraph.field_in(id, scope.fetch.subgraph);
        let on = asked.and_then(|join| self.supergraph.schema.type_named(join.ty.inner_named_type()));
        let (Some(inner), Some(on)) = (inner, on) else { return };
        let provided = scope.provided.iter().flat_map(|set| &set.fields);
        let provided = provided.filter(|known| known.response_key == *name && known.guard.contains(ty));
        let mut provided: Vec<&'a SelectionSet> = provided.filter_map(|known| known.selection_set.as_ref()).collect();
        provided.extend(join.provides.as_ref());
        let is_interface_object =
            self.supergraph.type_in(inner, scope.fetch.subgraph).is_some_and(|joined| joined.interface_object);
        let possible: Vec<TypeId> = match self.supergraph.type_in(inner, scope.fetch.subgraph) {
            Some(joined) if !joined.interface_object => joined.possible.iter().collect(),
            _ => self.supergraph.schema.ty(inner).possible.iter().collect(),
        };
        let below = written.below.entry(field.key.clone()).or_default();
        below.asked.push(condition.clone());
        below.untold |= is_interface_object;
        if !is_interface_object && self.supergraph.schema.ty(self.supergraph.schema.field(id).inner).is_abstract() {
            below.from.push(scope.fetch.subgraph);
        }
        for ty in possible {
            let inner_scope = Scope {
                fetch: scope.fetch,
                on: Some(on),
                condition: condition.clone(),
                provided: provided.clone(),
                representation: None,
                asked: Vec::new(),
            };
            self.apply(selections, ty, below.types.entry(ty).or_default(), &inner_scope);
        }
    }

    /// The join by which a subgraph resolves a field for a runtime type.
    fn resolver(&self, id: FieldId, ty: TypeId, scope: &Scope<'a>) -> Option<(&'a FieldInSubgraph, FieldId)> {
        let name = &self.supergraph.schema.field(id).name;
        let subgraph = scope.fetch.subgraph;
        let own = self.supergraph.schema.field_named(ty, name);
        let interfaces = self.supergraph.schema.ty(ty).implements().iter().copied();
        let through = interfaces
            .filter(|interface| self.supergraph.type_in(*interface, subgraph).is_some_and(|j| j.interface_object))
            .filter_map(|interface| self.supergraph.schema.field_named(interface, name));
        let join = own
            .into_iter()
            .chain(through)
            .find_map(|field| Some((self.supergraph.field_in(field, subgraph)?, field)))?;
        let is_provided = || {
            let mut provided = scope.provided.iter().flat_map(|set| &set.fields);
            provided.any(|field| field.response_key == *name && field.guard.contains(ty))
        };
        let here = match &join.0.label {
            Some(label) => !join.0.external && self.config.override_labels.contains(&label.label) == label.active,
            None => !join.0.external && !join.0.used_overridden,
        };
        (here || is_provided()).then_some(join)
    }

    fn check_requirements(
        &mut self,
        join: &FieldInSubgraph,
        coordinate: &str,
        ty: TypeId,
        written: &Written,
        condition: &Condition,
        scope: &Scope<'a>,
    ) {
        let given = scope.representation;
        if let Some(requires) = &join.requires {
            let fields: Vec<&RepresentationField> =
                given.map(|(representation, _)| representation.fields.iter().collect()).unwrap_or_default();
            if !self.covers(&fields, requires, ty) {
                self.report(scope.fetch, format!("asks {coordinate} without what it requires"));
            }
        }
        // An object without its key is not looked up, so the key is needed where one of its fields is; so is what that requires.
        for field in given.iter().flat_map(|(representation, _)| &representation.fields) {
            let is_required =
                |set: &SelectionSet| set.fields.iter().any(|required| required.response_key == field.name);
            let is_needed = field.is_key || join.requires.as_ref().is_some_and(is_required);
            let writes = written.fields.get(&field.key).map(Vec::as_slice).unwrap_or_default();
            let conditions = writes.iter().map(|write| &write.condition);
            if is_needed && !self.is_there(&(condition, scope.asked.as_slice()), conditions) {
                self.report(scope.fetch, format!("asks {coordinate} where {} is not there", field.name));
            }
        }
        if !join.context_arguments.is_empty() && given.is_none_or(|(_, fetch)| fetch.contexts.is_empty()) {
            self.report(scope.fetch, format!("asks {coordinate} without its context"));
        }
    }

    /// Whether everything that is asked was written.
    fn answers(&mut self, set: &SelectionSet, position: TypeId, objects: &Objects, under: &Condition, path: &str) {
        let is_abstract = self.supergraph.schema.ty(position).is_abstract();
        for (ty, written) in &objects.types {
            for field in set.fields.iter().filter(|field| field.guard.contains(*ty)) {
                let Some(condition) = under.and_all(&field.condition) else { continue };
                let at = format!("{path}.{}", field.response_key);
                let writes = written.fields.get(&field.response_key).map(Vec::as_slice).unwrap_or_default();
                let Some(id) = field.definition.id() else {
                    let typename = written.fields.get("__typename").map(Vec::as_slice).unwrap_or_default();
                    let needed = is_abstract && field.definition == braid_graphql::operation::FieldRef::Typename;
                    if needed && !self.is_covered(&condition, typename.iter().map(|write| &write.condition)) {
                        self.found.push(format!("{at}: the runtime type is not known"));
                    }
                    continue;
                };
                let name = &self.supergraph.schema.field(id).name;
                if writes.iter().any(|write| write.name != *name || write.arguments != field.arguments) {
                    self.found.push(format!("{at}: holds another field than {name}"));
                }
                if !self.is_covered(&condition, writes.iter().map(|write| &write.condition)) {
                    let ty = &self.supergraph.schema.ty(*ty).name;
                    self.found.push(format!("{at}: nobody was asked for {ty}.{name}"));
                    continue;
                }
                if let (Some(set), Some(below)) = (&field.selection_set, written.below.get(&field.response_key)) {
                    let common = self.common(id, *ty, below);
                    self.answers(set, self.supergraph.schema.field(id).inner, &common, &condition, &at);
                }
            }
        }
    }

    /// Only the runtime types that every subgraph which resolves the field knows are owed an answer.
    fn common(&self, id: FieldId, ty: TypeId, below: &Objects) -> Objects {
        let own = self.supergraph.schema.field_named(ty, &self.supergraph.schema.field(id).name).unwrap_or(id);
        let mut kept = Objects::default();
        for (ty, written) in &below.types {
            let known_everywhere =
                self.supergraph.field(own).subgraphs.iter().filter(|join| !join.external).all(|join| {
                    let inner = self.supergraph.schema.type_named(join.ty.inner_named_type());
                    let joined = inner.and_then(|inner| self.supergraph.type_in(inner, join.subgraph));
                    joined.is_none_or(|joined| joined.interface_object || joined.possible.contains(*ty))
                });
            if known_everywhere {
                kept.types.insert(*ty, written.clone());
            }
        }
        kept
    }

    fn collect_variables(&mut self, set: &SelectionSet) {
        for field in &set.fields {
            self.variables.extend(field.condition.literals().iter().map(|literal| literal.variable.clone()));
            field.selection_set.iter().for_each(|set| self.collect_variables(set));
        }
    }
}

fn keys(path: &Path) -> Vec<&str> {
    path.0.iter().map(|segment| segment.key.as_str()).collect()
}

fn collect<'t>(objects: &'t mut Objects, path: &Path, at: usize, into: &mut Vec<&'t mut Objects>) {
    let Some(segment) = path.0.get(at) else {
        into.push(objects);
        return;
    };
    // The guard of the segment before says which of these objects are followed.
    let guard = at.checked_sub(1).and_then(|before| path.0[before].guard.as_ref());
    for (ty, written) in &mut objects.types {
        if guard.is_some_and(|guard| !guard.contains(*ty)) {
            continue;
        }
        if let Some(below) = written.below.get_mut(&segment.key) {
            collect(below, path, at + 1, into);
        }
    }
}
