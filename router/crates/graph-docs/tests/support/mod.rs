//! Sites in memory, and a reader of their HTML that is strict about what it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use braid_composition::{SubgraphSdl, compose};
use braid_graph_docs::{ExampleOperation, Output, SiteOptions, Summary, write_site};
use braid_supergraph::Supergraph;

/// A site's files by their paths.
#[derive(Default)]
pub struct Site(pub BTreeMap<String, String>);

impl Output for Site {
    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let text = String::from_utf8(content.to_vec()).expect("files are UTF-8");
        assert!(self.0.insert(path.to_owned(), text).is_none(), "{path} was written twice");
        Ok(())
    }
}

impl Site {
    pub fn page(&self, path: &str) -> &str {
        self.0.get(path).unwrap_or_else(|| panic!("there is no {path}; there are {:?}", self.0.keys()))
    }

    pub fn pages(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter(|(path, _)| path.ends_with(".html"))
    }
}

pub fn supergraph(subgraphs: &[(&str, &str)]) -> Supergraph {
    let subgraphs: Vec<_> = subgraphs
        .iter()
        .map(|(name, sdl)| SubgraphSdl {
            name: (*name).to_owned(),
            url: format!("http://{name}.internal.example/graphql"),
            sdl: (*sdl).to_owned(),
            file: None,
        })
        .collect();
    let composed = compose(&subgraphs).result.unwrap_or_else(|errors| panic!("{errors:#?}"));
    Supergraph::read(&composed.supergraph_sdl).expect("a composed supergraph can be read")
}

pub fn shop() -> Supergraph {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schema/supergraph.graphql");
    Supergraph::read(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn shop_operations() -> Vec<ExampleOperation> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schema/operations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let operation = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        ExampleOperation {
            file: format!("operations/{name}.graphql"),
            name,
            text: std::fs::read_to_string(path).unwrap(),
        }
    };
    files.into_iter().map(operation).collect()
}

pub fn site(supergraph: &Supergraph, internal: bool, operations: &[ExampleOperation]) -> (Site, Summary) {
    let mut site = Site::default();
    let options = SiteOptions { title: "Shop".to_owned(), internal };
    let summary = write_site(supergraph, &options, operations, &mut site).unwrap();
    (site, summary)
}

/// An element of a page: its name and its attributes, decoded.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The elements of a page. Panics where the page is not well formed: an end without a start, an attribute without quotes, an element
/// that is open at the end.
pub fn elements(path: &str, html: &str) -> Vec<Element> {
    const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];
    let html = html.strip_prefix("<!DOCTYPE html>").unwrap_or_else(|| panic!("{path} has no doctype"));
    let (mut elements, mut open) = (Vec::new(), Vec::<String>::new());
    for piece in html.split('<').skip(1) {
        let tag = piece.split_once('>').unwrap_or_else(|| panic!("{path}: <{piece} has no end")).0;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{path}: an end without its start");
            continue;
        }
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(!name.is_empty(), "{path}: <{tag}> is not an element");
        let attributes = attributes(path, &tag[name.len()..]);
        let closed = tag.ends_with('/');
        if !VOID.contains(&name.as_str()) && !closed {
            open.push(name.clone());
        }
        elements.push(Element { name, attributes });
    }
    assert_eq!(open, Vec::<String>::new(), "{path}: open at its end");
    elements
}

fn attributes(path: &str, mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\n']).trim_end_matches('/');
        if text.is_empty() {
            return found;
        }
        let end = text.find(['=', ' ']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{path}: {name:?} is no attribute");
        let Some(value) = rest.strip_prefix('=') else {
            found.push((name.to_owned(), String::new()));
            text = rest;
            continue;
        };
        let value = value.strip_prefix('"').unwrap_or_else(|| panic!("{path}: {name} has no quotes"));
        let (value, rest) = value.split_once('"').unwrap_or_else(|| panic!("{path}: {name} is not closed"));
        found.push((name.to_owned(), decoded(value)));
        text = rest;
    }
}

fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// The problems of a site: links that lead nowhere, anchors that are there twice, anything that is loaded from elsewhere.
pub fn problems(site: &Site) -> Vec<String> {
    let mut problems = Vec::new();
    let mut anchors: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let parsed: Vec<_> = site.pages().map(|(path, html)| (path.as_str(), elements(path, html))).collect();
    for (path, elements) in &parsed {
        let ids = anchors.entry(path).or_default();
        for id in elements.iter().filter_map(|element| element.attribute("id")) {
            if !ids.insert(id.to_owned()) {
                problems.push(format!("{path}: the id {id} is there twice"));
            }
        }
    }
    for (path, elements) in &parsed {
        for element in elements {
            if ["img", "iframe", "object", "embed", "form", "base", "style"].contains(&element.name.as_str()) {
                problems.push(format!("{path}: has <{}>", element.name));
            }
            for (name, value) in &element.attributes {
                if name.starts_with("on") || name == "style" || name == "srcset" {
                    problems.push(format!("{path}: <{} {name}={value:?}>", element.name));
                }
                let is_link = name == "href" || name == "src" || name == "action";
                if !is_link || (element.name == "a" && is_elsewhere(value)) {
                    continue;
                }
                let (file, anchor) =
                    value.split_once('#').map_or((value.as_str(), None), |(file, anchor)| (file, Some(anchor)));
                let target = if file.is_empty() { (*path).to_owned() } else { resolved(path, file) };
                let is_there = site.0.contains_key(&target);
                let has_anchor =
                    anchor.is_none_or(|anchor| anchors.get(target.as_str()).is_some_and(|ids| ids.contains(anchor)));
                if !is_there || !has_anchor {
                    problems.push(format!("{path}: <{} {name}={value:?}> leads nowhere", element.name));
                }
            }
        }
    }
    problems
}

fn is_elsewhere(address: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme))
}

fn resolved(page: &str, address: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        if part == ".." {
            assert!(parts.pop().is_some(), "{page}: {address} leaves the site");
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}
