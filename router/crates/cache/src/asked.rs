//! What a request asks, as keys. Knows nothing of what is kept.

use std::borrow::Cow;
use std::ops::Range;

use braid_cache_store::{Group, KeyRef};
use braid_executor::SubgraphRequest;
use braid_executor::request::{AskedField, DocumentEntities, EntityList, Representation};
use braid_graphql::schema::Schema;
use braid_request_context::SubgraphContext;
use braid_telemetry::metrics::Metrics;
use http::HeaderName;

use crate::rules::Rules;
use crate::selection::Selection;

/// A list of entities that a request asks for, or a root field, which is a list of one item.
#[derive(Debug)]
pub(crate) struct AskedList<'a> {
    pub(crate) selection: &'a Selection,
    /// The group of what is public.
    pub(crate) group: Group,
    pub(crate) items: Items<'a>,
}

/// The items of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Items<'a> {
    Entities { body: &'a [u8], representations: &'a [Representation] },
    Field,
}

impl<'a> Items<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Entities { representations, .. } => representations.len(),
            Self::Field => 1,
        }
    }

    /// What the key of an item has beside its group.
    pub(crate) fn get(self, number: usize) -> &'a [u8] {
        match self {
            Self::Entities { body, representations } => &body[range(representations, number)],
            Self::Field => &[],
        }
    }
}

fn range(representations: &[Representation], number: usize) -> Range<usize> {
    representations.get(number).map_or(0..0, |representation| representation.range.clone())
}

impl<'a> AskedList<'a> {
    /// The key of an item among those of a group.
    pub(crate) fn key(&self, group: Group, number: usize) -> KeyRef<'a> {
        KeyRef { group, item: self.items.get(number) }
    }
}

/// What keys depend on beside what is asked.
pub(crate) struct Asker<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) metrics: &'a Metrics,
    pub(crate) schema: &'a Schema,
    /// The name of the query type.
    pub(crate) query: &'a str,
    /// The headers that answers depend on.
    pub(crate) vary: &'a [HeaderName],
    pub(crate) context: &'a SubgraphContext,
}

impl Asker<'_> {
    /// What a request asks; `None` if it is nothing that is kept.
    pub(crate) fn lists<'a>(&self, request: &'a SubgraphRequest) -> Option<Vec<AskedList<'a>>> {
        let document = &*request.values.document;
        if document.entities.is_empty() {
            let fields = document.root_fields.iter().map(|field| self.field(request, field.asked.as_ref()?));
            return fields.collect::<Option<Vec<_>>>().filter(|fields| !fields.is_empty());
        }
        let lists = document.entities.iter().zip(&request.values.entities);
        lists.map(|(asked, list)| self.entities(request, asked, list)).collect()
    }

    fn field<'a>(&self, request: &SubgraphRequest, field: &'a AskedField) -> Option<AskedList<'a>> {
        let selection = Selection::of_field(field, self.query, self.rules, self.metrics)?;
        let names = field.variables.iter().map(|(name, _)| name);
        let group = self.group(request, selection, names, &[]);
        Some(AskedList { selection, group, items: Items::Field })
    }

    fn entities<'a>(
        &self,
        request: &'a SubgraphRequest,
        asked: &'a DocumentEntities,
        list: &'a EntityList,
    ) -> Option<AskedList<'a>> {
        let selection = Selection::of_entities(&asked.selection, self.rules, self.schema, self.metrics)?;
        let group = self.group(request, selection, asked.selection.variables.iter(), &list.contexts);
        let items = Items::Entities { body: &request.body, representations: &list.representations };
        Some(AskedList { selection, group, items })
    }

    fn group<'n>(
        &self,
        request: &SubgraphRequest,
        selection: &Selection,
        variables: impl Iterator<Item = &'n braid_graphql::Name>,
        contexts: &[Range<usize>],
    ) -> Group {
        let values = &request.values.variables;
        let value = |name: &'n braid_graphql::Name| {
            let found = values.iter().find(|variable| variable.name == *name)?;
            Some([name.as_str().as_bytes(), &request.body[found.value.clone()]])
        };
        let variables: Vec<_> = variables.filter_map(value).flatten().collect();
        let contexts: Vec<_> = contexts.iter().map(|range| &request.body[range.clone()]).collect();
        let headers: Vec<_> = self.vary.iter().filter_map(|name| self.header(request, name)).flatten().collect();
        if variables.is_empty() && contexts.is_empty() && headers.is_empty() {
            return selection.group(std::iter::empty());
        }
        // What separates them is neither a name nor JSON.
        let separator = || std::iter::once(&b"|"[..]);
        let all = variables.into_iter().chain(separator()).chain(contexts).chain(separator());
        selection.group(all.chain(headers.iter().map(|part| &**part)))
    }

    /// A header that answers depend on, as the subgraph gets it.
    fn header<'h>(&'h self, request: &SubgraphRequest, name: &'h HeaderName) -> Option<[Cow<'h, [u8]>; 2]> {
        let headers = self.context.headers(request.subgraph)?;
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        let mut joined = Vec::new();
        for value in values {
            joined.extend_from_slice(&(value.len() as u64).to_le_bytes());
            joined.extend_from_slice(value.as_bytes());
        }
        Some([Cow::Borrowed(name.as_str().as_bytes()), Cow::Owned(joined)])
    }
}
