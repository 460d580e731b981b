//! The code blocks of a page of the documentation, and the commands in them. Knows no page.

use std::path::PathBuf;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A code block.
#[derive(Debug)]
pub struct Block {
    /// The heading that it is under.
    pub section: String,
    pub language: String,
    /// The file that it is the content of: the name in code marks with which the text before it ends, as in "Write `a.yaml`:".
    pub file: Option<String>,
    pub text: String,
}

impl Block {
    /// The command lines, if it has any: all lines of `sh`, and those of `console` that begin with a dollar sign.
    pub fn commands(&self) -> Vec<String> {
        let text = self.text.replace("\\\n", " ");
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        match &*self.language {
            "sh" => lines.map(str::to_owned).collect(),
            "console" => lines.filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

/// The blocks of a page, in their order.
pub fn blocks(page: &str) -> Vec<Block> {
    let (mut section, mut heading, mut file) = (String::new(), false, None);
    let mut name = None;
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                section.clear();
                heading = true;
            }
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Text(text) if heading => section.push_str(&text),
            Event::Code(text) if heading => section.push_str(&text),
            Event::Code(text) => name = Some(text.to_string()),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                blocks.push(Block { section: section.clone(), language, file: file.take(), text: String::new() });
                inside = true;
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => blocks.last_mut().unwrap().text.push_str(&text),
            Event::Text(text) if &*text == ":" => {}
            Event::End(TagEnd::Paragraph) => file = name.take(),
            Event::Start(_) | Event::End(_) => {}
            _ => name = None,
        }
    }
    blocks
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page by its path from the root of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All pages below docs/, by their paths from the root of the repository, and the README.
pub fn all() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let below = path.strip_prefix(root()).unwrap();
                pages.push(below.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    pages.sort();
    pages
}
