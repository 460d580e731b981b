//! Whether a subgraph resolves what it is asked; writes it into the objects on paper. Knows nothing of the operation.

use braid_graphql::Node;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, TypeId};
use braid_query_plan::{FetchField, FetchSelection};
use braid_supergraph::FieldInSubgraph;

use super::paper::{Check, Scope, Write, Written};

impl<'a> Check<'a> {
    pub(super) fn apply(
        &mut self,
        selections: &'a [FetchSelection],
        ty: TypeId,
        written: &mut Written,
        scope: &Scope<'a>,
    ) {
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
        // What one part has been given, another may ask again rather than wait for it; and later items are asked what the first are.
        let is_apart =
            !scope.fetch.streams.is_empty() || !(scope.fetch.serves.is_empty() || scope.fetch.serves.contains(&None));
        if twice && !is_apart {
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
}
