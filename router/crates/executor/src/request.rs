//! A request to a subgraph: its bytes, and the same as values, so that whatever stands between the executor and the subgraph (a
//! cache, an authorizer) need not parse them. Knows nothing of how it is sent.
//!
//! # The contract
//!
//! - Values are ranges of the body: reading them copies nothing.
//! - An entity is what its [`Representation`] says. Of one entity, asked for by one key with the same required fields, all requests
//!   have equal bytes: `__typename` first, the fields of the key by name, required fields by name, below as above. So equal bytes are
//!   the same entity, and [`Representation::hash`] is their hash in every process and version. A subgraph that writes one value in two
//!   ways (`1` and `"1"` for an ID) makes two entities of it; nothing is mixed up by that, but known twice.
//! - What is asked of the entities of a list is [`EntitySelection::text`]. It depends on nothing else in the request, and neither does
//!   its hash. With the subgraph, the representation and the variables that it uses, their values and how they are defined
//!   ([`SelectionFacts::signature`]), it is all that an item of the answer depends on, but for headers.
//! - A list of the response's data has one item for each representation of the list, in order, under the list's alias.
//!
//! [`SubgraphRequest::keeping`] is the request without some of the representations; the sender then has to put the response back
//! together.

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use braid_graphql::compiler::ast::Argument;
use braid_graphql::schema::FieldId;
use braid_graphql::{Name, Node, OperationType};
use braid_supergraph::SubgraphId;
use bytes::Bytes;

/// A request to a subgraph.
#[derive(Debug, Clone)]
pub struct SubgraphRequest {
    /// Who is asked.
    pub subgraph: SubgraphId,
    /// Query, mutation or subscription. Only queries may be sent twice.
    pub kind: OperationType,
    /// What the client's operation is. Entities are looked up by queries for all three.
    pub operation: OperationType,
    /// The whole body, `{"query":…,"variables":…}`.
    pub body: Bytes,
    /// When the response is of no use any more.
    pub deadline: Option<Instant>,
    /// What the body says.
    pub values: RequestValues,
}

/// What the body of a request says; ranges are of its bytes.
#[derive(Debug, Clone, Default)]
pub struct RequestValues {
    /// The part that is the same for all requests of a fetch.
    pub document: Arc<Document>,
    /// The lists of entities that are looked up, as in [`Document::entities`].
    pub entities: Vec<EntityList>,
    /// The client's variables that have a value.
    pub variables: Vec<Variable>,
}

/// The GraphQL document of a request.
#[derive(Debug, Default)]
pub struct Document {
    /// The text.
    pub query: Box<str>,
    /// The XXH3 hash of the text.
    pub hash: u64,
    /// The fields of the root operation type by the keys of the response; none in a request for entities.
    pub root_fields: Vec<RootField>,
    /// The lists of entities.
    pub entities: Vec<DocumentEntities>,
}

/// A field of a root operation type.
#[derive(Debug)]
pub struct RootField {
    /// The key in the response.
    pub key: Name,
    /// The field.
    pub name: Name,
    /// What a cache has to know of it, where operations are compiled with that, and the field is not in a fragment.
    pub asked: Option<AskedField>,
}

/// A root field as it is asked for.
#[derive(Debug)]
pub struct AskedField {
    /// As it is in the document, with arguments and selection set.
    pub text: Box<str>,
    /// The client's variables in it, and how the document defines them (`$first:Int=10`).
    pub variables: Vec<(Name, Box<str>)>,
    /// The field of the schema; `None` for `__typename`.
    pub field: Option<FieldId>,
    /// Its arguments.
    pub arguments: Vec<Node<Argument>>,
    /// What is selected below it.
    pub facts: SelectionFacts,
}

/// What the schema says of a selection.
#[derive(Debug, Default)]
pub struct SelectionFacts {
    /// What gives the text its meaning: the types of the fields in it, as the schema has them, and the definitions of the variables.
    pub signature: Box<str>,
    /// The object types and abstract types that what is selected may have within it, below its top.
    pub contains: Vec<Name>,
    /// What a cache has derived from the selection: it is the same for all requests.
    pub derived: Derived,
}

/// A slot for what somebody derives once from a part of a compiled operation.
#[derive(Debug, Default)]
pub struct Derived(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Derived {
    /// What was derived, or what `derive` gives now. `None` if somebody put something of another type there.
    pub fn get<T: Send + Sync + 'static>(&self, derive: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Arc::new(derive())).downcast_ref()
    }

    /// What was derived, if anything was.
    pub fn known<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get()?.downcast_ref()
    }
}

/// An `_entities` field of a document.
#[derive(Debug)]
pub struct DocumentEntities {
    /// The key in the response.
    pub alias: Arc<str>,
    /// What is asked of each entity.
    pub selection: Arc<EntitySelection>,
}

/// What is asked of each entity of a list.
#[derive(Debug, Default)]
pub struct EntitySelection {
    /// The selection set, `{...on Product{name}}`; variables for context values are named as if the list were alone.
    pub text: Box<str>,
    /// The XXH3 hash of the text.
    pub hash: u64,
    /// The client's variables that occur in it.
    pub variables: Vec<Name>,
    /// The types that entities are looked up as, with the names of the fields of the key.
    pub keys: Vec<EntityKey>,
    /// What the schema says of it, where operations are compiled with that.
    pub facts: Option<SelectionFacts>,
}

/// The key by which entities of a type are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityKey {
    /// The `__typename` of representations.
    pub typename: Name,
    /// The fields of the key at the top of representations; what else is there is required by what is asked.
    pub fields: Vec<Name>,
}

/// The entities of one list, and under which values of context variables.
#[derive(Debug, Clone, Default)]
pub struct EntityList {
    /// One for each entity, in the order of the response's items; no two have equal bytes.
    pub representations: Vec<Representation>,
    /// The values of the context variables in the order of the plan, which are equal for all its entities.
    pub contexts: Vec<Range<usize>>,
}

/// Where a representation is in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representation {
    /// The bytes, a JSON object.
    pub range: Range<usize>,
    /// The XXH3 hash of the bytes.
    pub hash: u64,
}

/// A variable of the client that is sent along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Where its value is in the body.
    pub value: Range<usize>,
}

impl SubgraphRequest {
    /// The bytes of a representation or value.
    pub fn bytes(&self, range: &Range<usize>) -> Bytes {
        self.body.slice(range.clone())
    }

    /// The JSON that the client gave for a variable, if it did.
    pub fn variable(&self, name: &str) -> Option<Bytes> {
        self.values.variables.iter().find(|variable| variable.name == *name).map(|variable| self.bytes(&variable.value))
    }

    /// The same request with only those representations for which `keep` says so, by the number of the list and of the
    /// representation. A list without any stays, and is empty.
    #[must_use]
    pub fn keeping(&self, keep: impl Fn(usize, usize) -> bool) -> Self {
        let mut copy = Copied { from: &self.body, copied: 0, body: Vec::with_capacity(self.body.len()) };
        // Lists and variables in the order in which they are in the body.
        let list = |(at, list): (usize, &EntityList)| {
            let kept = list.representations.iter().enumerate().filter(|(number, _)| keep(at, *number));
            let mut representations = Vec::new();
            if let (Some(first), Some(last)) = (list.representations.first(), list.representations.last()) {
                copy.to(first.range.start);
                for (number, (_, representation)) in kept.enumerate() {
                    if number > 0 {
                        copy.body.push(b',');
                    }
                    let start = copy.body.len();
                    copy.body.extend_from_slice(&self.body[representation.range.clone()]);
                    representations.push(Representation { range: start..copy.body.len(), hash: representation.hash });
                }
                copy.copied = last.range.end;
            }
            let contexts = list.contexts.iter().map(|range| copy.range(range)).collect();
            EntityList { representations, contexts }
        };
        let entities = self.values.entities.iter().enumerate().map(list).collect();
        let variable =
            |variable: &Variable| Variable { name: variable.name.clone(), value: copy.range(&variable.value) };
        let variables = self.values.variables.iter().map(variable).collect();
        copy.to(self.body.len());
        Self {
            body: copy.body.into(),
            values: RequestValues { document: Arc::clone(&self.values.document), entities, variables },
            ..self.clone()
        }
    }
}

/// A body that is copied with parts left out.
struct Copied<'a> {
    from: &'a [u8],
    /// How far it was copied, or left out.
    copied: usize,
    body: Vec<u8>,
}

impl Copied<'_> {
    fn to(&mut self, end: usize) {
        self.body.extend_from_slice(&self.from[self.copied..end]);
        self.copied = end;
    }

    /// Copies up to the end of a range; where it is now.
    fn range(&mut self, range: &Range<usize>) -> Range<usize> {
        self.to(range.end);
        self.body.len() - range.len()..self.body.len()
    }
}
