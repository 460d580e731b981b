//! Has the events of a subscription field come from a message broker instead of its subgraph. Knows no broker.
//!
//! A message says which entity has changed and little more, so a subscription over it has to look up the rest. That is what planning does
//! for any field whose subgraph knows the key of an entity only. So the field is moved to a subgraph of its own that resolves nothing else
//! but what the messages have.

use braid_graphql::OperationType;
use braid_graphql::compiler::Name;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::field_set::parse_field_set;
use braid_graphql::normalize::normalize_field_set;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;

use crate::supergraph::{FieldInSubgraph, Subgraph, SubgraphId, Supergraph, TypeInSubgraph};

/// A subscription field whose events come from a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventField {
    /// The field.
    pub field: FieldId,
    /// The subgraph that stands for its events.
    pub subgraph: SubgraphId,
}

/// Why the events of a field can't come from a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFieldError {
    /// There is no such field.
    #[error("\"{0}\" is not a field of the subscription type")]
    NoField(String),
    /// Its type is not an object type, or a list of one.
    #[error("\"{0}\" gives no object type, so a message can't say what has changed")]
    NoObject(String),
    /// What the messages have is not a selection of its type.
    #[error("the payload \"{payload}\" is not a selection of the fields of {on}: {problem}")]
    Payload {
        /// The selection.
        payload: String,
        /// The type.
        on: Name,
        /// What is wrong.
        problem: String,
    },
    /// What the messages have does not identify an entity.
    #[error(
        "nothing more can be looked up about {0} with what the messages have; give it a @key, or list all its fields in `payload`"
    )]
    NoKey(Name),
    /// There are as many subgraphs as there may be.
    #[error("there are too many subgraphs")]
    TooMany,
}

impl Supergraph {
    /// Has the events of a field of the subscription type come from a broker. Their messages have the fields in `payload`, a selection of
    /// the field's type; without it, those of its first key.
    pub fn take_events(&mut self, name: &str, payload: Option<&str>) -> Result<EventField, EventFieldError> {
        let no_field = || EventFieldError::NoField(name.to_owned());
        let root = self.root(OperationType::Subscription).ok_or_else(no_field)?;
        let field = self.schema.field_named(root, name).ok_or_else(no_field)?;
        let on = self.schema.field(field).inner;
        if !self.schema.ty(on).is_object() {
            return Err(EventFieldError::NoObject(name.to_owned()));
        }
        let payload = self.payload(on, payload)?;
        let subgraph = SubgraphId::new(u16::try_from(self.subgraphs.len()).map_err(|_| EventFieldError::TooMany)?);
        self.subgraphs.push(Subgraph {
            name: format!("{}.{name}", self.schema.ty(root).name),
            url: String::new(),
            graph: self.schema.field(field).name.clone(),
            is_broker: true,
        });
        self.join_type(root, subgraph);
        self.fields[field.index()].subgraphs.clear();
        self.join_field(field, subgraph);
        self.join_payload(on, &payload, subgraph);
        Ok(EventField { field, subgraph })
    }

    /// What the messages have of a type. Fails if nothing more can be looked up with it, and there is more.
    fn payload(&self, on: TypeId, payload: Option<&str>) -> Result<SelectionSet, EventFieldError> {
        let keys: Vec<_> = self.ty(on).subgraphs.iter().flat_map(|joined| &joined.keys).collect();
        let mut resolvable = keys.iter().filter(|key| key.resolvable);
        let name = &self.schema.ty(on).name;
        let Some(text) = payload else {
            return resolvable.next().map(|key| key.fields.clone()).ok_or_else(|| EventFieldError::NoKey(name.clone()));
        };
        let problem =
            |problem: String| EventFieldError::Payload { payload: text.to_owned(), on: name.clone(), problem };
        parse_field_set(Valid::assume_valid_ref(&self.source), name.clone(), text)
            .map_err(|error| problem(error.to_string()))?;
        let payload = normalize_field_set(text, on, &self.schema).map_err(|error| problem(error.to_string()))?;
        let all = self.schema.ty(on).fields().into_iter().flatten();
        let has_all =
            all.into_iter().all(|(_, id)| payload.fields.iter().any(|field| field.definition.id() == Some(*id)));
        if has_all || resolvable.any(|key| covers(&payload, &key.fields)) {
            Ok(payload)
        } else {
            Err(EventFieldError::NoKey(name.clone()))
        }
    }

    /// Recursive as deep as field sets are, which parsing bounds.
    fn join_payload(&mut self, on: TypeId, payload: &SelectionSet, subgraph: SubgraphId) {
        self.join_type(on, subgraph);
        for field in &payload.fields {
            let Some(id) = field.definition.id() else { continue };
            self.join_field(id, subgraph);
            let inner = self.schema.field(id).inner;
            match &field.selection_set {
                Some(below) => self.join_payload(inner, below, subgraph),
                None => self.join_type(inner, subgraph),
            }
        }
    }

    fn join_type(&mut self, id: TypeId, subgraph: SubgraphId) {
        let is_object = self.schema.ty(id).is_object();
        let joins = &mut self.types[id.index()].subgraphs;
        if joins.iter().all(|joined| joined.subgraph != subgraph) {
            let possible = if is_object { TypeSet::one(id) } else { TypeSet::empty() };
            joins.push(TypeInSubgraph { subgraph, keys: Vec::new(), interface_object: false, possible });
        }
    }

    fn join_field(&mut self, id: FieldId, subgraph: SubgraphId) {
        let ty = self.schema.field(id).ty.clone();
        let joins = &mut self.fields[id.index()].subgraphs;
        if joins.iter().all(|joined| joined.subgraph != subgraph) {
            joins.push(FieldInSubgraph {
                subgraph,
                ty,
                external: false,
                used_overridden: false,
                requires: None,
                provides: None,
                label: None,
                context_arguments: Vec::new(),
            });
        }
    }
}

/// Whether all of `wanted` is in `given`. Recursive as deep as field sets are.
fn covers(given: &SelectionSet, wanted: &SelectionSet) -> bool {
    wanted.fields.iter().all(|wanted| {
        let found = given.fields.iter().find(|field| field.definition == wanted.definition);
        found.is_some_and(|found| match (&found.selection_set, &wanted.selection_set) {
            (Some(given), Some(wanted)) => covers(given, wanted),
            (_, wanted) => wanted.is_none(),
        })
    })
}
