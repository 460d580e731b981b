//! The values of arguments that come from objects above (`@fromContext`). Does not know how a value is fetched.

use braid_graphql::compiler::ast::{Argument, Value};
use braid_graphql::operation::{Condition, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::{ContextSource, Place};
use braid_query_plan::{ContextValue, RepresentationField};

use super::builder::{Builder, Built, Why};
use super::demand::{Demand, Inputs};
use crate::draft::{AtomId, ObjectsId, Visit};

/// Objects that set a context, and what is taken from each of their types.
struct Setting<'a> {
    objects: ObjectsId,
    fitting: Vec<(TypeId, &'a SelectionSet)>,
}

impl<'a> Builder<'_, 'a, '_> {
    /// Gives an atom the values of the contexts that its fields take.
    pub(super) fn make_contexts(&mut self, atom: AtomId, condition: &Condition, inputs: &mut Inputs) -> Built<()> {
        let visit = self.draft.atoms[atom].visit;
        let Visit { objects, place, .. } = self.draft.visits[visit];
        let guard = self.draft.atoms[atom].guard.clone();
        let ty = guard.iter().next().unwrap_or(self.draft.objects[objects].ty);
        self.solver.reach.spend(1 + self.draft.visits[visit].asks.len() as u64)?;
        let field = self.required_field(visit, ty).ok_or_else(|| self.stuck(objects, ty, None, Why::Input))?;
        let id = self.graph.concrete(field, place.interface_object.unwrap_or(ty));
        let id = id.ok_or_else(|| self.stuck(objects, ty, Some(field), Why::Input))?;
        let graph = self.graph;
        let mut contexts = Vec::new();
        for (number, context) in graph.contexts(id, place.subgraph).iter().enumerate() {
            let Some(Setting { objects: from, fitting }) = self.setting(objects, context)? else {
                return Err(self.stuck(objects, ty, Some(id), Why::Context(context.context.clone())));
            };
            let mut sources = Vec::new();
            for (ty, set) in fitting {
                let types = TypeSet::one(ty);
                let closure = self.closure(from, ty)?;
                let demand = Demand { objects: from, ty, types: &types, closure: &closure, condition, before: u8::MAX };
                let mut fields = Vec::new();
                self.demand_set(&demand, set, false, &[], &mut fields, inputs)?;
                if graph.supergraph().schema.ty(self.draft.objects[from].ty).is_abstract() {
                    self.demand_typename(&demand, inputs)?;
                }
                sources.push((types, path_of(&fields)));
            }
            let variable = self.variable(atom, number, context);
            contexts.push(ContextValue { variable, ty: context.ty.clone(), depth: self.draft.depth(from), sources });
        }
        self.pass_contexts(atom, id, place, &contexts);
        self.draft.atoms[atom].contexts = contexts;
        Ok(())
    }

    /// The nearest objects above that set a context.
    fn setting(&mut self, objects: ObjectsId, context: &'a ContextSource) -> Built<Option<Setting<'a>>> {
        let schema = &self.graph.supergraph().schema;
        let above: Vec<ObjectsId> = self.draft.above(objects).map(|parent| parent.objects).collect();
        for objects in above {
            // Nobody runs a mutation for the value of a context.
            if objects == self.root && self.kind == OperationType::Mutation {
                continue;
            }
            let types = self.types(objects)?;
            self.solver.reach.spend((types.len() * context.sources.len()) as u64)?;
            let sets = |ty: TypeId, on: TypeId| ty == on || schema.ty(on).possible.contains(ty);
            let source = |ty: TypeId| {
                let (_, set) = context.sources.iter().find(|(on, _)| sets(ty, *on))?;
                Some((ty, set))
            };
            let fitting: Vec<(TypeId, &'a SelectionSet)> = types.iter().filter_map(source).collect();
            if !fitting.is_empty() {
                return Ok(Some(Setting { objects, fitting }));
            }
        }
        Ok(None)
    }

    /// The variable of a context value. It does not depend on the condition: once made it stays.
    fn variable(&mut self, atom: AtomId, number: usize, context: &ContextSource) -> Name {
        if let Some(made) = self.draft.atoms[atom].contexts.get(number) {
            return made.variable.clone();
        }
        // Letters, a number and an argument's name with underscores between them are a name.
        let name = format!("contextualArgument_{}_{}", self.variables, context.argument);
        self.variables += 1;
        Name::new_unchecked(&name)
    }

    /// Passes the variables to the fields of the atom that take them.
    fn pass_contexts(&mut self, atom: AtomId, id: FieldId, place: Place, contexts: &[ContextValue]) {
        let graph = self.graph;
        let visit = self.draft.atoms[atom].visit;
        for asked in &mut self.draft.visits[visit].asks {
            let Some(field) = asked.field else { continue };
            let own = graph.contexts(field, place.subgraph);
            let own = if own.is_empty() { graph.contexts(id, place.subgraph) } else { own };
            for (argument, value) in own.iter().map(|context| &context.argument).zip(contexts) {
                if asked.arguments.iter().any(|known| known.name == *argument) {
                    continue;
                }
                let variable = Node::new(Value::Variable(value.variable.clone()));
                asked.arguments.push(Node::new(Argument { name: argument.clone(), value: variable }));
            }
        }
    }
}

/// The tree keys that lead to the only leaf of these fields.
fn path_of(fields: &[RepresentationField]) -> Vec<Name> {
    let mut path = Vec::new();
    let mut at = fields;
    while let Some(field) = at.iter().find(|field| field.name != "__typename") {
        path.push(field.key.clone());
        at = field.fields.as_deref().unwrap_or_default();
    }
    path
}
