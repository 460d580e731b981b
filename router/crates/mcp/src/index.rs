//! The words of a schema and where they are: which fields and types a question is about, best first. Knows no SDL.

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::schema::ExtendedType;

use crate::view::{View, fields};
use crate::ways::Ways;
use crate::words::words;

/// What can be found: a type, or a field of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) ty: Box<str>,
    pub(crate) field: Option<Box<str>>,
}

/// The number of an entry that has a word, and how much the word counts there.
type Posting = (u32, f32);

/// The words of a schema.
#[derive(Debug, Default)]
pub(crate) struct Index {
    places: Vec<Place>,
    /// How many words each place has, weighted.
    lengths: Vec<f32>,
    /// How likely each place is what is meant: the nearer to the root, the more, and less if it is deprecated.
    likely: Vec<f32>,
    average: f32,
    /// By word, sorted: the places that have it, with the weight that it has there.
    postings: Vec<(Box<str>, Vec<Posting>)>,
}

/// What a word counts where it occurs.
const IN_NAME: f32 = 4.0;
const IN_PARENT: f32 = 1.5;
const IN_TYPE: f32 = 1.0;
const IN_ARGUMENT: f32 = 0.7;
const IN_DESCRIPTION: f32 = 1.0;
/// What is deprecated is still there.
const DEPRECATED: f32 = 0.5;
/// A word that only begins like the one that was asked for.
const BEGINNING: f32 = 0.4;
/// Shorter words must be the whole word.
const MIN_BEGINNING: usize = 4;
/// The usual constants of BM25.
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.5;
/// A description is read up to here.
const MAX_DESCRIPTION: usize = 500;
/// A question is read up to here.
const MAX_QUESTION_WORDS: usize = 24;

impl Index {
    /// The words of what agents may see and reach.
    pub(crate) fn new(view: View<'_>, ways: &Ways) -> Self {
        let mut building = Building::default();
        for (name, ty) in view.types().filter(|(name, _)| ways.lead_to(name)) {
            // Of a root type, its fields say all.
            if !view.is_root(name) {
                building.ty(name, ty, ways.nearness(name));
            }
            for (field_name, field) in fields(ty) {
                let mut found = Words::default();
                found.add(field_name, IN_NAME);
                found.add(name, IN_PARENT);
                found.add(field.ty.inner_named_type(), IN_TYPE);
                field.arguments.iter().for_each(|argument| found.add(&argument.name, IN_ARGUMENT));
                found.describe(field.description.as_deref());
                let likely = if field.directives.has("deprecated") { DEPRECATED } else { 1.0 };
                let place = Place { ty: name.as_str().into(), field: Some(field_name.as_str().into()) };
                building.add(place, found, likely * ways.nearness(name));
            }
        }
        building.finish()
    }

    /// The places that a question is about, best first, at most so many.
    pub(crate) fn find(&self, question: &str, most: usize) -> Vec<&Place> {
        let asked: AHashSet<String> = words(question).take(MAX_QUESTION_WORDS).collect();
        let mut scores: AHashMap<u32, f32> = AHashMap::new();
        for word in &asked {
            // A place counts once for a word, however many words begin like it.
            let mut best: AHashMap<u32, f32> = AHashMap::new();
            for (found, places) in self.beginning_with(word) {
                let likeness = if **found == **word { 1.0 } else { BEGINNING };
                let rarity = self.rarity(places.len());
                for (place, weight) in places {
                    let score = likeness * rarity * self.saturated(*place, *weight);
                    let known = best.entry(*place).or_default();
                    *known = known.max(score);
                }
            }
            for (place, score) in best {
                let likely = self.likely.get(place as usize).copied().unwrap_or(1.0);
                *scores.entry(place).or_default() += score * likely;
            }
        }
        let mut ranked: Vec<(u32, f32)> = scores.into_iter().collect();
        ranked.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
        ranked.into_iter().take(most).filter_map(|(place, _)| self.places.get(place as usize)).collect()
    }

    /// The words that are `word`, or begin with it.
    fn beginning_with<'i>(&'i self, word: &'i str) -> impl Iterator<Item = &'i (Box<str>, Vec<(u32, f32)>)> + 'i {
        let start = self.postings.partition_point(|(known, _)| **known < *word);
        let by_beginning = word.chars().count() >= MIN_BEGINNING;
        self.postings[start..]
            .iter()
            .take_while(move |(known, _)| if by_beginning { known.starts_with(word) } else { **known == *word })
    }

    fn rarity(&self, places: usize) -> f32 {
        let (all, having) = (self.places.len() as f32, places as f32);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    fn saturated(&self, place: u32, weight: f32) -> f32 {
        let length = self.lengths.get(place as usize).copied().unwrap_or(self.average) / self.average.max(1.0);
        weight * (SATURATION + 1.0) / (weight + SATURATION * (1.0 - LENGTH + LENGTH * length))
    }
}

/// The words of one place.
#[derive(Default)]
struct Words(AHashMap<String, f32>);

impl Words {
    fn add(&mut self, text: &str, weight: f32) {
        words(text).for_each(|word| *self.0.entry(word).or_default() += weight);
    }

    fn describe(&mut self, description: Option<&str>) {
        let Some(text) = description else { return };
        let end = text.char_indices().nth(MAX_DESCRIPTION).map_or(text.len(), |(at, _)| at);
        self.add(&text[..end], IN_DESCRIPTION);
    }
}

#[derive(Default)]
struct Building {
    places: Vec<Place>,
    lengths: Vec<f32>,
    likely: Vec<f32>,
    postings: AHashMap<String, Vec<(u32, f32)>>,
}

impl Building {
    fn ty(&mut self, name: &str, ty: &ExtendedType, likely: f32) {
        let mut found = Words::default();
        found.add(name, IN_NAME);
        found.describe(ty.description().map(|text| &**text));
        match ty {
            ExtendedType::Enum(values) => values.values.iter().for_each(|(name, value)| {
                found.add(name, IN_TYPE);
                found.describe(value.description.as_deref());
            }),
            ExtendedType::InputObject(input) => input.fields.iter().for_each(|(name, field)| {
                found.add(name, IN_TYPE);
                found.describe(field.description.as_deref());
            }),
            _ => {}
        }
        self.add(Place { ty: name.into(), field: None }, found, likely);
    }

    fn add(&mut self, place: Place, Words(found): Words, likely: f32) {
        let Ok(number) = u32::try_from(self.places.len()) else { return };
        self.lengths.push(found.values().sum());
        self.likely.push(likely);
        self.places.push(place);
        for (word, weight) in found {
            self.postings.entry(word).or_default().push((number, weight));
        }
    }

    fn finish(self) -> Index {
        let Self { places, lengths, likely, postings } = self;
        let mut postings: Vec<(Box<str>, Vec<Posting>)> =
            postings.into_iter().map(|(word, places)| (word.into(), places)).collect();
        postings.sort_by(|(one, _), (other, _)| one.cmp(other));
        let average = lengths.iter().sum::<f32>() / (lengths.len().max(1) as f32);
        Index { places, lengths, likely, average, postings }
    }
}
