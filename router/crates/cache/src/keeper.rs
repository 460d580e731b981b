//! Keeps the values of a response, once the executor has said where they are. Knows nothing of how they are found again.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use braid_cache_store::{Entry, Group, Key, Lifetime, Position, Store, Tag, now};
use braid_executor::SubgraphRequest;
use braid_executor::kept::{Keep, ValuesRead};
use braid_executor::request::{Derived, Document};
use braid_request_context::{Cacheability, Dependencies};
use braid_supergraph::Supergraph;
use bytes::Bytes;

use crate::extensions::GivenTags;
use crate::flights::Flight;
use crate::lifetime::{Said, Scope};
use crate::lookup::Describes;
use crate::rules::Rules;
use crate::selection::Selection;
use crate::tags;
use crate::verdicts::{Verdict, Verdicts};
use crate::viewer::Viewer;

/// What a keeper has from the cache.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) store: Arc<Store>,
    pub(crate) verdicts: Arc<Verdicts>,
    pub(crate) supergraph: Arc<Supergraph>,
    /// The name of the query type.
    pub(crate) query: Arc<str>,
    pub(crate) longest: Duration,
}

/// Keeps the values of one response.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) desk: Desk,
    pub(crate) rules: Arc<Rules>,
    /// What the whole request asked.
    pub(crate) document: Arc<Document>,
    /// The request that was sent: it asks for a part, or for all.
    pub(crate) sent: SubgraphRequest,
    /// Of each list, or root field, of the whole request: the group of what is public.
    pub(crate) groups: Vec<Group>,
    pub(crate) said: Said,
    pub(crate) viewer: Option<Viewer>,
    /// The last invalidation that was known when it was sent.
    pub(crate) position: Position,
    pub(crate) claims: Option<ClaimedKeys>,
    /// Those who wait for the same go on once this is dropped.
    pub(crate) _flight: Option<Flight>,
}

/// Keys that other routers leave to this one. Those of which nothing is kept are given back.
#[derive(Debug)]
pub(crate) struct ClaimedKeys {
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Vec<Key>,
    pub(crate) are_kept: AtomicBool,
}

impl Drop for ClaimedKeys {
    fn drop(&mut self) {
        if !self.are_kept.load(Ordering::Relaxed)
            && let Some(shared) = self.store.shared()
        {
            shared.release(std::mem::take(&mut self.keys));
        }
    }
}

/// For whom, and how long, the items of a list are kept.
struct Kept {
    lifetime: Lifetime,
    scope: Scope,
    group: Group,
}

impl Keeper {
    /// For how long something of a type is kept; `None` if it is not.
    fn kept(&self, ty: &str, public: Group) -> Option<Kept> {
        let (lifetime, scope) = self.said.lifetime(&self.rules, ty, now(), self.desk.longest)?;
        let group = match scope {
            Scope::Public => public,
            Scope::Private => self.viewer.as_ref()?.group(public),
        };
        Some(Kept { lifetime, scope, group })
    }

    /// For how long others may keep the response, which has this body; `None` if they may not.
    pub(crate) fn cacheability(&self, body: &[u8], describes: Describes) -> Option<Cacheability> {
        let mut all: Option<(Lifetime, bool)> = None;
        let mut add = |ty: &str| {
            let (lifetime, scope) = self.said.lifetime(&self.rules, ty, now(), self.desk.longest)?;
            let (known, is_private) = all.get_or_insert((lifetime, false));
            known.since = known.since.min(lifetime.since);
            known.fresh_until = known.fresh_until.min(lifetime.fresh_until);
            *is_private |= scope == Scope::Private;
            Some(())
        };
        if self.document.entities.is_empty() {
            add(&self.desk.query)?;
        }
        let mut last = None;
        for representation in self.sent.values.entities.iter().flat_map(|list| &list.representations) {
            let ty = typename(&self.sent.body[representation.range.clone()]);
            if last.replace(ty) != Some(ty) {
                add(ty)?;
            }
        }
        let (lifetime, is_private) = all?;
        let mut cacheability = Cacheability {
            since: lifetime.since,
            fresh_until: lifetime.fresh_until,
            is_private,
            tags: Arc::default(),
            depends_on: None,
        };
        if describes.tags || describes.dependencies {
            self.describe(body, describes, &mut cacheability)?;
        }
        Some(cacheability)
    }

    /// Adds the tags of the response.
    fn describe(&self, body: &[u8], describes: Describes, cacheability: &mut Cacheability) -> Option<()> {
        let given = match self.rules.trust_tags {
            true => GivenTags::of_body(body)?,
            false => GivenTags::default(),
        };
        let (mut names, mut tags) = (Vec::new(), Vec::new());
        let subgraph = &self.rules.subgraph;
        for (field, sent) in self.document.root_fields.iter().filter_map(|field| Some((field.asked.as_ref()?, field))) {
            if self.sent.values.document.root_fields.iter().any(|other| other.key == sent.key) {
                let own = tags::given_to_field(&self.desk.supergraph, field, &self.sent);
                tags.extend(tags::of_given(subgraph, &own));
                names.extend(own);
                tags.extend(self.in_common(&field.facts.derived));
            }
        }
        for (asked, list) in self.document.entities.iter().zip(&self.sent.values.entities) {
            tags.extend(asked.selection.facts.iter().flat_map(|facts| self.in_common(&facts.derived)));
            for representation in &list.representations {
                let representation = &self.sent.body[representation.range.clone()];
                let own = tags::given_to_entity(&self.desk.supergraph, self.sent.subgraph, representation);
                tags.extend_from_slice(&tags::of_entity(subgraph, &asked.selection.keys, representation, &own));
                names.extend(own);
            }
        }
        let given: Vec<Box<str>> = given.of_all.into_iter().chain(given.of_items.into_iter().flatten()).collect();
        tags.extend(tags::of_given(subgraph, &given));
        names.extend(given);
        if describes.tags {
            cacheability.tags = names.into_iter().map(Arc::from).collect();
        }
        if describes.dependencies {
            cacheability.depends_on = Dependencies::new(self.position, tags);
        }
        Some(())
    }

    fn in_common(&self, derived: &Derived) -> Vec<Tag> {
        derived.known::<Selection>().map(|selection| selection.tags.clone()).unwrap_or_default()
    }

    fn judged(&self, public: Group, kept: Option<&Kept>) {
        let verdict = match kept.map(|kept| kept.scope) {
            None => Verdict::NotKept,
            Some(Scope::Public) => Verdict::Public,
            Some(Scope::Private) => Verdict::Private,
        };
        self.desk.verdicts.put(public, verdict);
    }

    fn entities(&self, body: &Bytes, values: &ValuesRead<'_>, given: &GivenTags, shared: &mut Vec<(Key, Arc<Entry>)>) {
        let is_only = self.document.entities.len() == 1;
        for (at, (places, list)) in values.lists.iter().zip(&self.sent.values.entities).enumerate() {
            let Some(public) = self.groups.get(at).copied() else { continue };
            // As many items as were asked for, or it is not known which is which.
            let Some(places) = places.as_ref().filter(|places| places.len() == list.representations.len()) else {
                continue;
            };
            let mut last: Option<(&str, Option<Kept>)> = None;
            for (number, (place, representation)) in places.iter().zip(&list.representations).enumerate() {
                let representation = &self.sent.body[representation.range.clone()];
                let ty = typename(representation);
                if last.as_ref().is_none_or(|(known, _)| *known != ty) {
                    let kept = self.kept(ty, public);
                    self.judged(public, kept.as_ref());
                    last = Some((ty, kept));
                }
                let Some((_, Some(kept))) = &last else { continue };
                let mut tags = tags::given_to_entity(&self.desk.supergraph, self.sent.subgraph, representation);
                tags.extend_from_slice(&given.of_all);
                if let Some(own) = given.of_items.get(number).filter(|_| is_only) {
                    tags.extend_from_slice(own);
                }
                self.put(kept, representation, &body[place.clone()], tags, shared);
            }
        }
    }

    fn fields(&self, body: &Bytes, values: &ValuesRead<'_>, given: &GivenTags, shared: &mut Vec<(Key, Arc<Entry>)>) {
        for (field, public) in self.document.root_fields.iter().zip(&self.groups) {
            let place = values.fields.iter().find(|(key, _)| *key == field.key.as_bytes()).map(|(_, place)| place);
            let (Some(place), Some(asked)) = (place, &field.asked) else { continue };
            let kept = self.kept(&self.desk.query, *public);
            self.judged(*public, kept.as_ref());
            let Some(kept) = kept else { continue };
            let mut tags = tags::given_to_field(&self.desk.supergraph, asked, &self.sent);
            tags.extend_from_slice(&given.of_all);
            self.put(&kept, &[], &body[place.clone()], tags, shared);
        }
    }

    fn put(
        &self,
        kept: &Kept,
        item: &[u8],
        value: &[u8],
        given_tags: Vec<Box<str>>,
        shared: &mut Vec<(Key, Arc<Entry>)>,
    ) {
        let entry = Arc::new(Entry {
            value: value.into(),
            lifetime: kept.lifetime,
            position: self.position,
            given_tags: given_tags.into(),
            own_tags: OnceLock::new(),
        });
        let key = Key { group: kept.group, item: item.into() };
        // What is private stays in this router.
        if kept.scope == Scope::Public && self.desk.store.shared().is_some() {
            shared.push((key.clone(), entry.clone()));
        }
        self.desk.store.memory.put(key, entry);
    }
}

impl Keep for Keeper {
    fn keep(&self, body: &Bytes, values: &ValuesRead<'_>) {
        let given = match values.extensions.clone() {
            Some(range) if self.rules.trust_tags => GivenTags::read(&body[range]),
            _ => Some(GivenTags::default()),
        };
        let Some(given) = given else { return };
        let mut for_redis = Vec::new();
        if self.document.entities.is_empty() {
            self.fields(body, values, &given, &mut for_redis);
        } else {
            self.entities(body, values, &given, &mut for_redis);
        }
        if let Some(shared) = self.desk.store.shared().filter(|_| !for_redis.is_empty()) {
            if let Some(claims) = &self.claims {
                claims.are_kept.store(for_redis.len() >= claims.keys.len(), Ordering::Relaxed);
            }
            shared.put(for_redis);
        }
    }
}

/// The `__typename` of a representation, which is its first member.
pub(crate) fn typename(representation: &[u8]) -> &str {
    let name = representation.strip_prefix(b"{\"__typename\":\"").unwrap_or_default();
    let end = name.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&name[..end]).unwrap_or_default()
}

/// A place in a body, of a part of it.
pub(crate) fn place_of(body: &[u8], part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let place = start..start.checked_add(part.len())?;
    (place.end <= body.len()).then_some(place)
}
