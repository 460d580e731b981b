//! The whole site: what all pages share, and the order in which they are written.

use std::io;

use braid_supergraph::Supergraph;

use crate::addresses::Addresses;
use crate::contents::Contents;
use crate::examples::{ExampleOperation, Examples, UnusableExample};
use crate::facts::DirectiveNames;
use crate::minimal::Minimal;
use crate::pages;
use crate::search;
use crate::uses::Uses;
use crate::view::{OPERATIONS, View};

/// Takes the files of a site, each once and whole.
pub trait Output {
    /// Takes a file. `path` is relative, with slashes, and safe on every file system.
    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()>;
}

/// How a site is made.
#[derive(Debug, Clone)]
pub struct SiteOptions {
    /// The name of the graph.
    pub title: String,
    /// Whether what clients don't see (`@inaccessible`) is shown, with a mark, and where subgraphs are reached.
    pub internal: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many files.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// How many types have a place.
    pub types: usize,
    /// Examples that are left out.
    pub unusable: Vec<UnusableExample>,
}

/// What all pages are made from.
pub(crate) struct Site<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) options: &'a SiteOptions,
    pub(crate) names: DirectiveNames,
    pub(crate) contents: Contents,
    pub(crate) uses: Uses<'a>,
    pub(crate) minimal: Minimal<'a>,
    pub(crate) addresses: Addresses,
    pub(crate) examples: Examples<'a>,
}

/// Writes the site of a graph. The same input gives the same bytes.
pub fn write_site(
    supergraph: &Supergraph,
    options: &SiteOptions,
    operations: &[ExampleOperation],
    output: &mut dyn Output,
) -> io::Result<Summary> {
    let view = View::new(supergraph, options.internal);
    let (examples, unusable) = Examples::read(&view, operations);
    let site = Site {
        names: DirectiveNames::new(supergraph),
        contents: Contents::new(&view),
        uses: Uses::new(&view),
        minimal: Minimal::new(&view),
        addresses: Addresses::new(&view, examples.all.iter().map(|example| example.operation.name.as_str())),
        examples,
        options,
        view: &view,
    };
    let mut counting = Counting { output, files: 0, bytes: 0 };
    site.write(&mut counting)?;
    Ok(Summary { files: counting.files, bytes: counting.bytes, types: site.view.types.len(), unusable })
}

impl Site<'_> {
    fn write(&self, output: &mut Counting<'_>) -> io::Result<()> {
        output.file("site.css", include_bytes!("../assets/site.css"))?;
        output.file("site.js", include_bytes!("../assets/site.js"))?;
        output.file("search-index.js", search::index(self).as_bytes())?;
        output.page("index.html", pages::overview(self))?;
        for page in pages::type_lists(self) {
            output.page(&page.path, page.html)?;
        }
        for kind in OPERATIONS {
            let Some(root) = self.view.supergraph.root(kind).filter(|id| self.view.shows(*id)) else { continue };
            if let Some(path) = self.addresses.of_type(root) {
                output.page(path, pages::root_type(self, kind, root))?;
            }
            for field in self.view.fields(root) {
                if let Some(path) = self.addresses.of_root_field(field) {
                    output.page(path, pages::root_field(self, kind, field))?;
                }
            }
        }
        for id in self.view.types.iter().copied().filter(|id| self.view.operation_of(*id).is_none()) {
            if let Some(path) = self.addresses.of_type(id) {
                output.page(path, pages::type_page(self, id))?;
            }
        }
        output.page("subgraphs.html", pages::subgraphs(self))?;
        for id in self.view.supergraph.subgraph_ids() {
            output.page(self.addresses.of_subgraph(id), pages::subgraph(self, id))?;
        }
        if !self.examples.all.is_empty() {
            output.page("operations.html", pages::examples(self))?;
        }
        for (index, path) in self.addresses.examples.iter().enumerate() {
            output.page(path, pages::example(self, index))?;
        }
        Ok(())
    }
}

struct Counting<'o> {
    output: &'o mut dyn Output,
    files: usize,
    bytes: u64,
}

impl Counting<'_> {
    fn page(&mut self, path: &str, html: maud::Markup) -> io::Result<()> {
        self.file(path, html.into_string().as_bytes())
    }

    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.files += 1;
        self.bytes += content.len() as u64;
        self.output.file(path, content)
    }
}
