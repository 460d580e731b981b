//! What is derived once from a selection of a compiled operation: the part of keys and tags that is the same for all requests. Knows
//! no request.

use aws_lc_rs::digest::{Context, SHA256};
use braid_cache_store::{Group, Tag, TagKind};
use braid_executor::request::{AskedField, EntitySelection, SelectionFacts};
use braid_graphql::schema::Schema;
use braid_telemetry::metrics::{CachedItemMetrics, Metrics};

use crate::rules::Rules;

/// A selection, or a root field.
#[derive(Debug)]
pub(crate) struct Selection {
    /// What its keys begin with.
    base: Vec<u8>,
    /// Its group in requests that have nothing else to it.
    plain: Group,
    /// The tags that all its entries have.
    pub(crate) tags: Vec<Tag>,
    pub(crate) metrics: CachedItemMetrics,
}

impl Selection {
    /// The selection of a list of entities.
    pub(crate) fn of_entities<'a>(
        selection: &'a EntitySelection,
        rules: &Rules,
        schema: &Schema,
        metrics: &Metrics,
    ) -> Option<&'a Self> {
        let facts = selection.facts.as_ref()?;
        // Usually there is one type; of several, metrics name the first.
        let ty = selection.keys.first().map_or("", |key| &key.typename);
        facts.derived.get(|| {
            let mut new = Self::new(rules, metrics, ty, &selection.text, facts);
            // What is known by its interface (`@interfaceObject`) may be of any type that has it.
            for ty in selection.keys.iter().filter_map(|key| schema.type_named(&key.typename)) {
                let ty = schema.ty(ty);
                let possible = ty.possible.iter().map(|id| &schema.ty(id).name).filter(|name| **name != ty.name);
                possible.for_each(|name| new.add_tags(rules, name, &[TagKind::Type, TagKind::Contains]));
            }
            new
        })
    }

    /// A root field.
    pub(crate) fn of_field<'a>(
        field: &'a AskedField,
        query: &str,
        rules: &Rules,
        metrics: &Metrics,
    ) -> Option<&'a Self> {
        field.facts.derived.get(|| {
            let mut new = Self::new(rules, metrics, query, &field.text, &field.facts);
            new.add_tags(rules, query, &[TagKind::Type]);
            new
        })
    }

    fn new(rules: &Rules, metrics: &Metrics, ty: &str, text: &str, facts: &SelectionFacts) -> Self {
        let mut hash = Hash::new("selection");
        for part in [&*rules.subgraph, text, &facts.signature] {
            hash.part(part.as_bytes());
        }
        let base = hash.bytes();
        let mut plain = Hash::new("group");
        plain.part(&base);
        let tags = vec![Tag::new(Some(&rules.subgraph), TagKind::Subgraph, &[])];
        let metrics = metrics.cached_items(&rules.subgraph, ty);
        let mut new = Self { base, plain: plain.group(), tags, metrics };
        facts.contains.iter().for_each(|name| new.add_tags(rules, name, &[TagKind::Type, TagKind::Contains]));
        new
    }

    fn add_tags(&mut self, rules: &Rules, ty: &str, kinds: &[TagKind]) {
        for kind in kinds {
            let tag = |subgraph| Tag::new(subgraph, *kind, &[ty.as_bytes()]);
            self.tags.extend([Some(&*rules.subgraph), None].map(tag));
        }
    }

    /// The group in a request in which these parts matter too.
    pub(crate) fn group<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> Group {
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return self.plain;
        }
        let mut hash = Hash::new("group");
        hash.part(&self.base);
        parts.for_each(|part| hash.part(part));
        hash.group()
    }
}

/// A hash of parts.
pub(crate) struct Hash(Context);

impl Hash {
    /// Of things of this kind.
    pub(crate) fn new(kind: &str) -> Self {
        let mut hash = Self(Context::new(&SHA256));
        hash.part(kind.as_bytes());
        hash
    }

    pub(crate) fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn bytes(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }

    /// The first half: no two inputs are known, or can be found, that have the same.
    pub(crate) fn group(self) -> Group {
        let mut group = [0; 16];
        group.iter_mut().zip(self.0.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Group(group)
    }
}
