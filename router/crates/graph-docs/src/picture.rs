//! The picture of subgraphs and the entities that they share, as SVG: subgraphs on the left, entities on the right, a line where a
//! subgraph knows an entity. Both sides are ordered so that few lines cross. Bounded however large the graph is.

use ahash::{AHashMap, AHashSet};
use braid_supergraph::SubgraphId;
use maud::{Markup, html};

use crate::facts::Part;
use crate::markdown::shortened;

/// More than these are not drawn: nobody could follow the lines.
const MAX_SUBGRAPHS: usize = 40;
const MAX_ENTITIES: usize = 40;

const WIDTH: usize = 760;
const BOX_WIDTH: usize = 236;
const BOX_HEIGHT: usize = 54;
const BOX_GAP: usize = 18;
const PILL_WIDTH: usize = 236;
const PILL_HEIGHT: usize = 30;
const PILL_GAP: usize = 10;
const MARGIN: usize = 10;

/// An entity, with the subgraphs that know it.
pub(crate) struct Entity {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) subgraphs: Vec<(SubgraphId, Part)>,
}

/// A subgraph that can be drawn.
pub(crate) struct Node {
    pub(crate) id: SubgraphId,
    pub(crate) name: String,
    pub(crate) address: String,
    /// A line about it.
    pub(crate) about: String,
}

/// What is drawn of a graph.
pub(crate) struct Picture {
    subgraphs: Vec<Node>,
    entities: Vec<Entity>,
    /// How many there would be.
    pub(crate) all_subgraphs: usize,
    pub(crate) all_entities: usize,
}

/// What a subgraph has, in words.
pub(crate) fn about(roots: usize, entities: usize) -> String {
    let root_fields = if roots == 1 { "root field" } else { "root fields" };
    let noun = if entities == 1 { "entity" } else { "entities" };
    format!("{roots} {root_fields}, {entities} {noun}")
}

impl Picture {
    /// The most important of these: entities that many subgraphs know, and the subgraphs that know them.
    pub(crate) fn new(mut subgraphs: Vec<Node>, mut entities: Vec<Entity>) -> Self {
        let (all_subgraphs, all_entities) = (subgraphs.len(), entities.len());
        entities.sort_by(|a, b| b.subgraphs.len().cmp(&a.subgraphs.len()).then_with(|| a.name.cmp(&b.name)));
        entities.truncate(MAX_ENTITIES);
        if subgraphs.len() > MAX_SUBGRAPHS {
            let mut known: AHashMap<SubgraphId, usize> = AHashMap::new();
            let edges = entities.iter().flat_map(|entity| &entity.subgraphs);
            edges.for_each(|(subgraph, _)| *known.entry(*subgraph).or_default() += 1);
            let count = |node: &Node| known.get(&node.id).copied().unwrap_or_default();
            subgraphs.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| a.id.cmp(&b.id)));
            subgraphs.truncate(MAX_SUBGRAPHS);
            subgraphs.sort_by_key(|node| node.id);
        }
        let drawn: AHashSet<SubgraphId> = subgraphs.iter().map(|node| node.id).collect();
        for entity in &mut entities {
            entity.subgraphs.retain(|(subgraph, _)| drawn.contains(subgraph));
        }
        entities.retain(|entity| !entity.subgraphs.is_empty());
        let mut picture = Self { subgraphs, entities, all_subgraphs, all_entities };
        picture.untangle();
        picture
    }

    /// What is left out, in words.
    pub(crate) fn left_out(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.entities.len() < self.all_entities {
            parts.push(format!("{} of {} entities", self.entities.len(), self.all_entities));
        }
        if self.subgraphs.len() < self.all_subgraphs {
            parts.push(format!("{} of {} subgraphs", self.subgraphs.len(), self.all_subgraphs));
        }
        (!parts.is_empty())
            .then(|| format!("The picture shows {}: those that most subgraphs share.", parts.join(" and ")))
    }

    /// Orders each side by the mean place of its neighbours on the other (the barycentre heuristic).
    fn untangle(&mut self) {
        for _ in 0..4 {
            let places: AHashMap<SubgraphId, usize> =
                self.subgraphs.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
            sort_by_mean(&mut self.entities, |entity| {
                mean(entity.subgraphs.iter().filter_map(|(subgraph, _)| places.get(subgraph).copied()))
            });
            let mut neighbours: AHashMap<SubgraphId, Vec<usize>> = AHashMap::new();
            for (place, entity) in self.entities.iter().enumerate() {
                entity.subgraphs.iter().for_each(|(id, _)| neighbours.entry(*id).or_default().push(place));
            }
            // Those without a line stay below.
            sort_by_mean(&mut self.subgraphs, |node| {
                neighbours.get(&node.id).map_or(u64::MAX, |places| mean(places.iter().copied()))
            });
        }
    }

    /// The SVG. `root` leads from the page to the site's folder; `id` is unique on the page.
    pub(crate) fn svg(&self, root: &str, id: &str) -> Markup {
        let left = column(self.subgraphs.len(), BOX_HEIGHT, BOX_GAP);
        let right = column(self.entities.len(), PILL_HEIGHT, PILL_GAP);
        let height = left.max(right) + 2 * MARGIN;
        let (top_left, top_right) = ((height - left) / 2, (height - right) / 2);
        let box_y = |place: usize| top_left + place * (BOX_HEIGHT + BOX_GAP);
        let pill_y = |place: usize| top_right + place * (PILL_HEIGHT + PILL_GAP);
        let places: AHashMap<SubgraphId, usize> =
            self.subgraphs.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        let (from_x, to_x) = (BOX_WIDTH + 2, WIDTH - PILL_WIDTH - 2);
        let middle = usize::midpoint(from_x, to_x);
        let lines = self.entities.iter().enumerate().flat_map(|(place, entity)| {
            let places = &places;
            entity.subgraphs.iter().filter_map(move |(subgraph, part)| {
                let (from, to) = (*places.get(subgraph)?, pill_y(place) + PILL_HEIGHT / 2);
                let from = box_y(from) + BOX_HEIGHT / 2;
                let path = format!("M{from_x} {from}C{middle} {from} {middle} {to} {to_x} {to}");
                let dash = if *part == Part::Refers { " refers" } else { "" };
                Some((path, format!("line {}{dash}", hue(*subgraph))))
            })
        });
        html! {
            svg.picture viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-labelledby=(id) {
                title id=(id) { "Subgraphs and the entities that they know" }
                @for (path, class) in lines { path class=(class) d=(path) {} }
                @for (place, node) in self.subgraphs.iter().enumerate() {
                    a href={ (root) (node.address) } {
                        title { (node.name) ": " (node.about) }
                        rect.box x="1" y=(box_y(place)) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="8" {}
                        rect class={ "mark " (hue(node.id)) } x="1" y=(box_y(place) + 8) width="5" height=(BOX_HEIGHT - 16) rx="2" {}
                        text.name x="20" y=(box_y(place) + 23) { (shortened(&node.name, 25)) }
                        text.about x="20" y=(box_y(place) + 42) { (shortened(&node.about, 34)) }
                    }
                }
                @for (place, entity) in self.entities.iter().enumerate() {
                    a href={ (root) (entity.address) } {
                        title { (entity.name) }
                        rect.pill x=(WIDTH - PILL_WIDTH - 1) y=(pill_y(place)) width=(PILL_WIDTH) height=(PILL_HEIGHT) rx="15" {}
                        text.name x=(WIDTH - PILL_WIDTH + 15) y=(pill_y(place) + 20) { (shortened(&entity.name, 25)) }
                    }
                }
            }
        }
    }
}

/// The class with a subgraph's colour.
pub(crate) fn hue(subgraph: SubgraphId) -> String {
    format!("hue-{}", subgraph.index() % 8)
}

fn column(count: usize, height: usize, gap: usize) -> usize {
    (count * (height + gap)).saturating_sub(gap)
}

/// The mean in thousandths, so that orders are exact.
fn mean(places: impl Iterator<Item = usize>) -> u64 {
    let (sum, count) = places.fold((0_u64, 0_u64), |(sum, count), place| (sum + place as u64, count + 1));
    (sum * 1000).checked_div(count).unwrap_or(u64::MAX)
}

fn sort_by_mean<T>(list: &mut [T], mean: impl Fn(&T) -> u64) {
    // Stable: what has the same mean keeps its order.
    list.sort_by_cached_key(mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(subgraphs: usize, entities: usize) -> Picture {
        let node = |n: usize| Node {
            id: SubgraphId::new(n as u16),
            name: format!("service-{n}"),
            address: format!("subgraphs/{n}.html"),
            about: "about".to_owned(),
        };
        let entity = |n: usize| Entity {
            name: format!("Entity{n}"),
            address: format!("types/{n}.html"),
            subgraphs: (0..=n % 3)
                .map(|k| (SubgraphId::new(((n * 7 + k) % subgraphs) as u16), Part::Resolves))
                .collect(),
        };
        Picture::new((0..subgraphs).map(node).collect(), (0..entities).map(entity).collect())
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([about(1, 1), about(0, 2)], ["1 root field, 1 entity", "0 root fields, 2 entities"]);
    }

    #[test]
    fn large_graphs_are_drawn_in_part_and_say_so() {
        let large = picture(200, 3000);
        let svg = large.svg("", "a-b").into_string();
        assert!(svg.len() < 60_000, "{}", svg.len());
        assert_eq!(svg.matches("<rect class=\"box\"").count(), MAX_SUBGRAPHS);
        assert_eq!(
            large.left_out().as_deref(),
            Some("The picture shows 33 of 3000 entities and 40 of 200 subgraphs: those that most subgraphs share.")
        );
        assert_eq!(picture(3, 5).left_out(), None);
    }

    #[test]
    fn neighbours_are_opposite_each_other() {
        let node =
            |n: u16| Node { id: SubgraphId::new(n), name: n.to_string(), address: String::new(), about: String::new() };
        let entity = |name: &str, of: u16| Entity {
            name: name.to_owned(),
            address: String::new(),
            subgraphs: vec![(SubgraphId::new(of), Part::Resolves)],
        };
        let drawn = Picture::new(vec![node(0), node(1), node(2)], vec![entity("A", 2), entity("B", 1), entity("C", 0)]);
        let names: Vec<_> = drawn.entities.iter().map(|entity| entity.name.as_str()).collect();
        assert_eq!(names, ["C", "B", "A"]);
    }
}
