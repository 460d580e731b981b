//! What is known of a request: its items are looked for in memory and in Redis, and what is found is judged. Knows no response.

use std::sync::Arc;

use braid_cache_store::{Entry, Found, Group, KeyRef, Millis, Position, Store, Tag, now};
use braid_executor::SubgraphRequest;
use braid_request_context::{CacheReport, Cacheability, Dependencies};
use bytes::Bytes;

use crate::asked::{AskedList, Items};
use crate::bodies;
use crate::rules::Rules;
use crate::tags;
use crate::verdicts::Verdict;

/// A request whose items are looked for.
#[derive(Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) request: &'a SubgraphRequest,
    pub(crate) lists: Vec<LookedList<'a>>,
    /// The last invalidation that is known.
    pub(crate) position: Position,
    pub(crate) now: Millis,
    pub(crate) missing: usize,
    rules: &'a Rules,
    store: &'a Store,
}

/// A list of a request.
#[derive(Debug)]
pub(crate) struct LookedList<'a> {
    pub(crate) asked: AskedList<'a>,
    /// Where its items are looked for; `None` if they are not.
    pub(crate) place: Option<Place>,
    pub(crate) slots: Vec<Slot>,
    /// The last invalidation of what all its entries have in common, once it was looked for.
    invalidated: Option<Position>,
}

/// Where items are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) group: Group,
    pub(crate) is_private: bool,
    /// Whether the last response was kept, so that it is worth waiting for somebody who asks.
    pub(crate) is_kept: bool,
}

/// What is known of an item.
#[derive(Debug, Clone, Default)]
pub(crate) enum Slot {
    #[default]
    Missing,
    /// It may be served.
    Known { entry: Arc<Entry>, is_stale: bool, from_redis: bool },
    /// It may be served if the subgraph can't be reached.
    Fallback(Arc<Entry>),
}

impl Slot {
    pub(crate) fn known(&self) -> Option<&Arc<Entry>> {
        match self {
            Self::Known { entry, .. } => Some(entry),
            Self::Missing | Self::Fallback(_) => None,
        }
    }

    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Known { is_stale: true, .. })
    }
}

/// What may be done with an entry.
enum Judgement {
    Fresh,
    Stale,
    OnError,
    Nothing,
}

impl<'a> Lookup<'a> {
    /// Looks for nothing yet. `place` says where the items of a list are looked for.
    pub(crate) fn new(
        request: &'a SubgraphRequest,
        rules: &'a Rules,
        store: &'a Store,
        lists: Vec<AskedList<'a>>,
        place: impl Fn(&AskedList<'a>) -> Option<Place>,
    ) -> Self {
        let list = |asked: AskedList<'a>| LookedList {
            place: place(&asked),
            slots: vec![Slot::Missing; asked.items.len()],
            invalidated: None,
            asked,
        };
        let lists: Vec<LookedList<'a>> = lists.into_iter().map(list).collect();
        let missing = lists.iter().map(|list| list.slots.len()).sum();
        Self { request, lists, position: store.position(), now: now(), missing, rules, store }
    }

    /// Looks in memory for what is missing.
    pub(crate) fn in_memory(&mut self) {
        if !self.store.may_serve() {
            return;
        }
        self.now = now();
        let judge = Judge { rules: self.rules, store: self.store, request: self.request, now: self.now };
        for (at, list) in self.lists.iter_mut().enumerate() {
            let Some(place) = list.place else { continue };
            for number in 0..list.slots.len() {
                if list.slots[number].known().is_none()
                    && let Some(entry) = self.store.memory.get(list.asked.key(place.group, number))
                {
                    self.missing -= usize::from(list.found(&judge, at, number, entry, false));
                }
            }
        }
    }

    /// Looks in Redis for what is missing. Says whether it is all being asked for by another router.
    pub(crate) async fn in_redis(&mut self, claims: bool) -> Claims {
        let mut claimed = Claims::default();
        let Some(shared) = self.store.shared().filter(|_| self.store.may_serve()) else { return claimed };
        let places: Vec<(usize, usize, Group)> = self.shared_places().collect();
        if places.is_empty() {
            return claimed;
        }
        let keys: Vec<KeyRef<'_>> =
            places.iter().map(|(list, number, group)| self.lists[*list].asked.key(*group, *number)).collect();
        // What others ask for as well is only claimed where it will be kept.
        let is_kept = places.iter().all(|(list, ..)| self.lists[*list].place.is_some_and(|place| place.is_kept));
        let Some(found) = shared.get(&keys, claims && is_kept).await else { return claimed };
        self.now = now();
        let judge = Judge { rules: self.rules, store: self.store, request: self.request, now: self.now };
        let mut elsewhere = 0;
        for ((at, number, group), found) in places.into_iter().zip(found) {
            match found {
                Found::Entry(entry) => {
                    let list = &mut self.lists[at];
                    self.store.memory.put(list.asked.key(group, number).to_key(), entry.clone());
                    self.missing -= usize::from(list.found(&judge, at, number, entry, true));
                }
                Found::Claimed => claimed.own.push((at, number)),
                Found::Elsewhere => elsewhere += 1,
                Found::Missing => {}
            }
        }
        claimed.are_elsewhere = elsewhere > 0 && elsewhere == self.missing;
        claimed
    }

    /// What is missing and may be in Redis: by list, number and group.
    fn shared_places(&self) -> impl Iterator<Item = (usize, usize, Group)> {
        self.lists.iter().enumerate().flat_map(|(at, list)| {
            let place = list.place.filter(|place| !place.is_private);
            let missing = move |place: Place| {
                let is_missing = |number: &usize| list.slots[*number].known().is_none();
                (0..list.slots.len()).filter(is_missing).map(move |number| (at, number, place.group))
            };
            place.into_iter().flat_map(missing)
        })
    }

    /// The keys of what is missing; `None` if something is not worth waiting for.
    pub(crate) fn missing_keys(&self) -> Option<Vec<KeyRef<'a>>> {
        let mut keys = Vec::with_capacity(self.missing);
        for list in &self.lists {
            for (number, slot) in list.slots.iter().enumerate() {
                if slot.known().is_none() {
                    let place = list.place.filter(|place| place.is_kept)?;
                    keys.push(list.asked.key(place.group, number));
                }
            }
        }
        Some(keys)
    }

    /// The keys of what is served stale.
    pub(crate) fn stale_keys(&self) -> impl Iterator<Item = KeyRef<'a>> {
        self.lists.iter().flat_map(|list| {
            let stale = list.slots.iter().enumerate().filter(|(_, slot)| slot.is_stale());
            stale.filter_map(|(number, _)| Some(list.asked.key(list.place?.group, number)))
        })
    }

    /// Takes what may be served because the subgraph can't be reached.
    pub(crate) fn fall_back(&mut self) {
        for slot in self.lists.iter_mut().flat_map(|list| &mut list.slots) {
            if let Slot::Fallback(entry) = slot {
                *slot = Slot::Known { entry: entry.clone(), is_stale: true, from_redis: false };
                self.missing -= 1;
            }
        }
    }

    /// Whether something may be served if the subgraph can't be reached.
    pub(crate) fn has_fallback(&self) -> bool {
        self.lists.iter().flat_map(|list| &list.slots).any(|slot| matches!(slot, Slot::Fallback(_)))
    }

    /// By list: which items are known.
    pub(crate) fn is_known(&self) -> Vec<Vec<bool>> {
        match self.are_fields() {
            true => Vec::new(),
            false => {
                let is_known = |list: &LookedList<'_>| list.slots.iter().map(|slot| slot.known().is_some()).collect();
                self.lists.iter().map(is_known).collect()
            }
        }
    }

    fn are_fields(&self) -> bool {
        self.lists.first().is_some_and(|list| matches!(list.asked.items, Items::Field))
    }

    /// The body of a response with what is known.
    pub(crate) fn body(&self) -> Bytes {
        let document = &self.request.values.document;
        let fields = document.root_fields.iter().map(|field| field.key.as_str());
        let keys = fields.chain(document.entities.iter().map(|list| &*list.alias));
        bodies::response(keys.zip(self.lists.iter().map(LookedList::known)), self.are_fields())
    }

    /// For how long what is known may be kept by others. `None` if nothing is known.
    pub(crate) fn cacheability(&self, describes: Describes) -> Option<Cacheability> {
        let mut known = self.lists.iter().flat_map(|list| list.known()).peekable();
        known.peek()?;
        let (mut since, mut fresh_until, mut position) = (Millis::MAX, Millis::MAX, self.position);
        for entry in known {
            since = since.min(entry.lifetime.since);
            fresh_until = fresh_until.min(entry.lifetime.fresh_until);
            position = position.min(entry.position);
        }
        let is_known = |list: &&LookedList<'_>| list.slots.iter().any(|slot| slot.known().is_some());
        let is_private = |list: &LookedList<'_>| list.place.is_some_and(|place| place.is_private);
        let tags = || {
            let mut tags = Vec::new();
            for (at, list) in self.lists.iter().enumerate().filter(|(_, list)| is_known(list)) {
                tags.extend_from_slice(&list.asked.selection.tags);
                for (number, slot) in list.slots.iter().enumerate() {
                    if let Some(entry) = slot.known() {
                        tags.extend_from_slice(own_tags(self.rules, self.request, &list.asked, (at, number), entry));
                    }
                }
            }
            Dependencies::new(position, tags)
        };
        let names = |entry: &'_ Arc<Entry>| entry.given_tags.iter().map(|tag| Arc::from(&**tag)).collect::<Vec<_>>();
        Some(Cacheability {
            since,
            fresh_until,
            is_private: self.lists.iter().filter(is_known).any(is_private),
            tags: match describes.tags {
                true => self.lists.iter().flat_map(LookedList::known).flat_map(names).collect(),
                false => Arc::default(),
            },
            depends_on: if describes.dependencies { tags() } else { None },
        })
    }

    /// What came of it, for the metrics and for those who ask how the answer came about.
    pub(crate) fn report(&self) -> CacheReport {
        let mut report = CacheReport::default();
        for list in &self.lists {
            let is_private = list.place.is_some_and(|place| place.is_private);
            let mut counts = [0; 3];
            for slot in &list.slots {
                match slot {
                    Slot::Known { is_stale, from_redis, entry } => {
                        counts[usize::from(*is_stale)] += 1;
                        report.from_redis += u32::from(*from_redis);
                        let until = entry.lifetime.fresh_until;
                        report.fresh_until = Some(report.fresh_until.map_or(until, |known| known.min(until)));
                    }
                    Slot::Missing | Slot::Fallback(_) => counts[2] += 1,
                }
            }
            let [hits, stale, misses] = counts;
            let metrics = &list.asked.selection.metrics;
            for (counter, count) in [(&metrics.hits, hits), (&metrics.stale, stale), (&metrics.misses, misses)] {
                if count > 0 {
                    counter.inc_by(count);
                }
            }
            if is_private && hits + stale > 0 {
                metrics.private.inc_by(hits + stale);
                report.is_private = true;
            }
            report.fresh += hits as u32;
            report.stale += stale as u32;
            report.missing += misses as u32;
        }
        report
    }
}

/// What was claimed for this router to ask for.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// By list and number.
    pub(crate) own: Vec<(usize, usize)>,
    /// Whether all that is missing is being asked for by others.
    pub(crate) are_elsewhere: bool,
}

/// What is said of an answer beside its lifetime: it takes time to find out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Describes {
    /// The names of its tags.
    pub tags: bool,
    /// Which invalidations make it untrue.
    pub dependencies: bool,
}

impl LookedList<'_> {
    /// The entries that may be served, in the order of their items.
    fn known(&self) -> Vec<&Arc<Entry>> {
        self.slots.iter().filter_map(Slot::known).collect()
    }

    /// Takes an entry that was found, as far as it may be served. Returns whether the item is known now.
    fn found(&mut self, judge: &Judge<'_>, list: usize, number: usize, entry: Arc<Entry>, from_redis: bool) -> bool {
        let slot = match judge.of(self, list, number, &entry) {
            Judgement::Fresh => Slot::Known { entry, is_stale: false, from_redis },
            Judgement::Stale => Slot::Known { entry, is_stale: true, from_redis },
            Judgement::OnError => Slot::Fallback(entry),
            Judgement::Nothing => return false,
        };
        let is_known = slot.known().is_some();
        self.slots[number] = slot;
        is_known
    }
}

struct Judge<'a> {
    rules: &'a Rules,
    store: &'a Store,
    request: &'a SubgraphRequest,
    now: Millis,
}

impl Judge<'_> {
    fn of(&self, list: &mut LookedList<'_>, at: usize, number: usize, entry: &Entry) -> Judgement {
        let lifetime = &entry.lifetime;
        let judgement = match self.now {
            now if now < lifetime.fresh_until => Judgement::Fresh,
            now if now < lifetime.revalidate_until => Judgement::Stale,
            now if now < lifetime.on_error_until => Judgement::OnError,
            _ => return Judgement::Nothing,
        };
        if self.is_true(list, at, number, entry) { judgement } else { Judgement::Nothing }
    }

    /// Whether nothing that the entry is about was invalidated since it was asked for.
    fn is_true(&self, list: &mut LookedList<'_>, at: usize, number: usize, entry: &Entry) -> bool {
        let invalidations = &self.store.invalidations;
        if entry.position >= invalidations.last() {
            return true;
        }
        let tags = &list.asked.selection.tags;
        let in_common = *list.invalidated.get_or_insert_with(|| invalidations.last_of(tags.iter().copied()));
        if entry.position < in_common {
            return false;
        }
        let own = own_tags(self.rules, self.request, &list.asked, (at, number), entry);
        entry.position >= invalidations.last_of(own.iter().copied())
    }
}

/// The tags of an entry that not all entries of its list have. The item is named by the numbers of the list and in it.
fn own_tags<'e>(
    rules: &Rules,
    request: &SubgraphRequest,
    asked: &AskedList<'_>,
    (list, number): (usize, usize),
    entry: &'e Entry,
) -> &'e [Tag] {
    entry.own_tags.get_or_init(|| match asked.items {
        Items::Field => tags::of_given(&rules.subgraph, &entry.given_tags).into(),
        Items::Entities { .. } => {
            let keys = request.values.document.entities.get(list).map(|asked| &asked.selection.keys[..]);
            tags::of_entity(&rules.subgraph, keys.unwrap_or_default(), asked.items.get(number), &entry.given_tags)
        }
    })
}

/// Where items are looked for by what the last response said.
pub(crate) fn place_by(
    verdict: Option<Verdict>,
    public: Group,
    is_somebody: bool,
    viewer: impl FnOnce() -> Option<Group>,
) -> Option<Place> {
    match verdict {
        Some(Verdict::NotKept) => None,
        Some(Verdict::Private) if is_somebody => viewer().map(|group| Place { group, is_private: true, is_kept: true }),
        Some(Verdict::Private) => Some(Place { group: public, is_private: false, is_kept: false }),
        Some(Verdict::Public) => Some(Place { group: public, is_private: false, is_kept: true }),
        None => Some(Place { group: public, is_private: false, is_kept: false }),
    }
}
