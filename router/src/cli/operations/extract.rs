//! `braid operations extract`: makes a manifest of the operations in the sources of a client.

use std::path::PathBuf;

use braid_graphql::Node;
use braid_graphql::compiler::ast::{Definition, Document, Field, OperationDefinition, Selection};
use braid_persisted_operations::QueryHash;
use braid_persisted_operations::manifest::{Manifest, ManifestEntry, ManifestFormat};
use braid_schema_checks::operations::KnownOperation;
use clap::{Args, ValueEnum};

use crate::cli::known::find_in_sources;
use crate::cli::terminal::{Failure, complain, print};

/// Make a manifest of the operations in the sources of a client.
///
/// Operations and fragments are read from .graphql and .gql files, and from templates that `gql` or `graphql` tags in JavaScript, TypeScript,
/// Vue and Svelte files. An operation's id is the SHA-256 of its text.
#[derive(Debug, Args)]
pub(in crate::cli) struct Extract {
    /// Files, or folders of them
    #[arg(value_name = "FILE|FOLDER", required = true)]
    sources: Vec<PathBuf>,
    /// The file to write; without it, the manifest is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format: Apollo's manifest, or a map of ids and texts as Relay has it
    #[arg(long, value_enum, default_value = "apollo")]
    format: Format,
    /// Add `__typename` to every selection, as Apollo Client and urql do before they send an operation
    #[arg(long)]
    typename: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Apollo,
    Map,
}

impl Extract {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let found = find_in_sources(&self.sources);
        let mut complaints: Vec<String> =
            found.problems.iter().chain(&found.unread).map(|problem| format!("{problem}\n")).collect();
        let mut entries = Vec::new();
        for operation in &found.operations {
            match entry(operation, self.typename) {
                Ok(entry) => entries.push(entry),
                Err(problem) => complaints.push(format!("{}:{}: {problem}\n", operation.file, operation.line)),
            }
        }
        complaints.extend(named_twice(&entries));
        if !complaints.is_empty() {
            complain(&complaints.concat());
            return Err(Failure::Negative);
        }
        entries.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        let manifest = Manifest::of(entries).map_err(|error| Failure::Other(error.to_string()))?;
        let text = manifest.write(match self.format {
            Format::Apollo => ManifestFormat::Apollo,
            Format::Map => ManifestFormat::Map,
        });
        match &self.out {
            None => print(&text),
            Some(file) => std::fs::write(file, text)
                .map_err(|error| Failure::Other(format!("{} can't be written: {error}", file.display()))),
        }
    }
}

/// The entry of an operation, or why it can't be one.
fn entry(operation: &KnownOperation, typename: bool) -> Result<ManifestEntry, String> {
    let listed = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if !operation.missing_fragments.is_empty() {
        return Err(format!("no file has the fragments {}", listed(&operation.missing_fragments)));
    }
    if !operation.ambiguous_fragments.is_empty() {
        return Err(format!("several files have other fragments named {}", listed(&operation.ambiguous_fragments)));
    }
    let text = operation.text.as_deref().unwrap_or_default();
    let mut document = Document::parse(text, &operation.file).map_err(|error| error.to_string())?;
    if typename {
        document.definitions.iter_mut().for_each(add_typename);
    }
    let name = document.definitions.iter().find_map(|definition| match definition {
        Definition::OperationDefinition(operation) => operation.name.as_ref(),
        _ => None,
    });
    let name = name.ok_or("the operation has no name, by which clients find its id")?.to_string();
    let text = document.serialize().to_string();
    let text = text.trim_end().to_owned();
    Ok(ManifestEntry { id: QueryHash::of(&text).hex(), name: Some(name), text })
}

/// Clients find the id of an operation by its name.
fn named_twice(entries: &[ManifestEntry]) -> Vec<String> {
    let mut names: Vec<_> = entries.iter().filter_map(|entry| entry.name.as_deref()).collect();
    names.sort_unstable();
    let mut twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    twice.dedup();
    twice.into_iter().map(|name| format!("several operations are named \"{name}\"; give each its own name\n")).collect()
}

/// Selections at the root of an operation get none.
fn add_typename(definition: &mut Definition) {
    match definition {
        Definition::OperationDefinition(operation) => {
            let OperationDefinition { selection_set, .. } = operation.make_mut();
            selection_set.iter_mut().for_each(below);
        }
        Definition::FragmentDefinition(fragment) => with_typename(&mut fragment.make_mut().selection_set),
        _ => {}
    }
}

fn below(selection: &mut Selection) {
    match selection {
        Selection::Field(field) => {
            if let Some(selections) = &mut field.make_mut().selection_set {
                with_typename(selections);
            }
        }
        Selection::InlineFragment(fragment) => with_typename(&mut fragment.make_mut().selection_set),
        Selection::FragmentSpread(_) => {}
    }
}

fn with_typename(selections: &mut Vec<Selection>) {
    selections.iter_mut().for_each(below);
    let is_typename = |selection: &Selection| match selection {
        Selection::Field(field) => field.name == "__typename" && field.alias.is_none(),
        Selection::InlineFragment(_) | Selection::FragmentSpread(_) => false,
    };
    if !selections.iter().any(is_typename) {
        selections.push(Selection::Field(Node::new(Field {
            alias: None,
            name: braid_graphql::compiler::name!("__typename"),
            arguments: Vec::new(),
            directives: Default::default(),
            selection_set: None,
        })));
    }
}
