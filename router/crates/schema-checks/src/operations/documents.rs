//! Reads operations from documents, program code, lists, and usage logs. Knows no schema.

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::ast::{Definition, Document, Selection};
use braid_graphql::compiler::parser::Parser;
use braid_graphql::{Name, Node};

use super::known::{KnownOperation, Segment};
use super::templates::templates;
use crate::problem::Problem;
use crate::usage::{LoggedOperation, logged_operations, read_records};

/// A file with operations.
#[derive(Debug, Clone)]
pub struct OperationFile {
    /// Its path, as people know it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What it holds.
    pub format: Format,
    /// The name of the operation, where it is listed under one.
    pub name: Option<String>,
    /// The client whose operations these are, when the file itself does not say.
    pub client: Option<String>,
}

/// What a file with operations holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Operations and fragments. Fragments can be in any of the documents.
    Document,
    /// Code of a program, with operations and fragments in tagged templates. Fragments can be in any of the documents.
    Program,
    /// An operation from a list, with all its fragments.
    Listed,
    /// A usage log of the router: one JSON object per line ([`braid_usage::record::UsageRecord`]).
    UsageLog,
}

impl Format {
    /// What a file of this name holds, by its extension.
    pub fn of(file: &str) -> Option<Self> {
        match file.rsplit_once('.')?.1 {
            "graphql" | "gql" | "graphqls" => Some(Self::Document),
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" => Some(Self::Program),
            "jsonl" | "ndjson" => Some(Self::UsageLog),
            _ => None,
        }
    }
}

/// Bounds on one document, beyond which it is not read: deep nesting is refused by the parser, not by the stack.
const MAX_RECURSION: usize = 200;
const MAX_TOKENS: usize = 5_000_000;

/// What files with operations have.
#[derive(Debug, Default)]
pub struct Read {
    /// The operations.
    pub operations: Vec<KnownOperation>,
    /// What can't be read.
    pub problems: Vec<Problem>,
    /// Templates whose text is known only when the program runs, so that there are operations which are not known.
    pub unread: Vec<Problem>,
}

/// Reads all files. One that cannot be read is a problem; the others still count.
pub fn read(files: Vec<OperationFile>) -> Read {
    let mut reader = Reader::default();
    for file in files {
        match file.format {
            Format::Document => reader.document(&file.file, file.text, file.client, 1),
            Format::Program => reader.program(&file),
            Format::Listed => {
                let facts = Facts { name: file.name, clients: Vec::from_iter(file.client), ..Facts::default() };
                reader.parse(&file.file, file.text, 1, facts, false);
            }
            Format::UsageLog => reader.usage_log(&file),
        }
    }
    reader.finish()
}

/// Whether a document defines types and nothing that can be executed.
pub fn is_schema(text: &str) -> bool {
    let parsed =
        Parser::new().recursion_limit(MAX_RECURSION).token_limit(MAX_TOKENS).parse_ast(text, "document.graphql");
    parsed.is_ok_and(|document| !document.definitions.iter().any(Definition::is_executable_definition))
}

#[derive(Default)]
struct Reader {
    documents: Vec<Parsed>,
    without_text: Vec<KnownOperation>,
    problems: Vec<Problem>,
    unread: Vec<Problem>,
}

struct Parsed {
    file: String,
    text: String,
    document: Document,
    /// The line of the file that the text begins on.
    line: usize,
    facts: Facts,
    /// Whether other documents may spread its fragments.
    shared: bool,
}

/// What a source has besides the text of its operations.
#[derive(Clone, Default)]
struct Facts {
    name: Option<String>,
    clients: Vec<String>,
    count: u64,
    last_seen: Option<String>,
    fields: Vec<String>,
}

impl Reader {
    fn document(&mut self, file: &str, text: String, client: Option<String>, line: usize) {
        let facts = Facts { clients: Vec::from_iter(client), ..Facts::default() };
        self.parse(file, text, line, facts, true);
    }

    fn parse(&mut self, file: &str, text: String, line: usize, facts: Facts, shared: bool) {
        let mut parser = Parser::new().recursion_limit(MAX_RECURSION).token_limit(MAX_TOKENS);
        let document = match parser.parse_ast(text.as_str(), file) {
            Ok(document) => document,
            Err(failure) => {
                for error in failure.errors.iter().take(5) {
                    let json = error.unstable_to_json_compat();
                    let at = json.locations.first().map_or((1, 1), |at| (at.line, at.column));
                    let message = format!("the operation does not parse: {}", json.message);
                    self.problems.push(Problem::at("OPERATION_SYNTAX", message, file, (at.0 + line - 1, at.1)));
                }
                // What comes before or after an invalid operation still counts.
                failure.partial
            }
        };
        for definition in &document.definitions {
            if !definition.is_executable_definition() {
                let message = "only operations and fragments are expected here; this defines a part of a schema";
                self.problems.push(Problem::in_file("OPERATION_SYNTAX", message, file));
                break;
            }
        }
        self.documents.push(Parsed { file: file.to_owned(), text, document, line, facts, shared });
    }

    fn program(&mut self, file: &OperationFile) {
        for template in templates(&file.text) {
            if template.is_assembled {
                let message =
                    "the text of this template is known only when the program runs, so its operations are not known";
                self.unread.push(Problem::at("UNREAD_GQL_TAGS", message, &file.file, (template.line, 1)));
                continue;
            }
            // Programs of servers have schemas in such templates.
            if !is_schema(&template.text) {
                self.document(&file.file, template.text, file.client.clone(), template.line);
            }
        }
    }

    fn usage_log(&mut self, file: &OperationFile) {
        let (records, problems) = read_records(&file.file, &file.text);
        let (operations, unread) = logged_operations(&file.file, records);
        self.problems.extend(problems);
        self.unread.extend(unread);
        for logged in operations {
            let LoggedOperation { line, operation, has_text, name, mut clients, count, last_seen, fields } = logged;
            if clients.is_empty() {
                clients.extend(file.client.clone());
            }
            if has_text {
                self.parse(&file.file, operation, line, Facts { name, clients, count, last_seen, fields }, false);
            } else {
                let (id, file) = (name.unwrap_or(operation), file.file.clone());
                let known =
                    KnownOperation { id, fields, clients, count, last_seen, file, line, ..KnownOperation::default() };
                self.without_text.push(known);
            }
        }
    }

    fn finish(mut self) -> Read {
        let shared = self.shared_fragments();
        let mut operations: Vec<KnownOperation> = Vec::new();
        let mut by_text: AHashMap<String, usize> = AHashMap::new();
        for (index, parsed) in self.documents.iter().enumerate() {
            let own = fragments_of(index, parsed);
            for definition in &parsed.document.definitions {
                let Definition::OperationDefinition(operation) = definition else { continue };
                let name = operation.name.as_ref().map(ToString::to_string).or_else(|| parsed.facts.name.clone());
                let spread = reachable(&operation.selection_set, &own, &shared, &self.documents);
                let Some(mut known) = assemble(parsed, definition, name, &spread.found, &self.documents) else {
                    continue;
                };
                known.missing_fragments = spread.missing;
                known.ambiguous_fragments = spread.ambiguous;
                let key = known.text.as_deref().map(squeeze).unwrap_or_default();
                match by_text.get(&key) {
                    Some(at) => merge(&mut operations[*at], known),
                    None => {
                        by_text.insert(key, operations.len());
                        operations.push(known);
                    }
                }
            }
        }
        operations.append(&mut self.without_text);
        distinguish(&mut operations);
        Read { operations, problems: self.problems, unread: self.unread }
    }

    /// Fragments of all documents; if two in different documents have the same name, the first counts for others.
    fn shared_fragments(&self) -> Shared {
        let mut shared = Shared::default();
        for (index, parsed) in self.documents.iter().enumerate().filter(|(_, parsed)| parsed.shared) {
            for (name, place) in fragments_of(index, parsed) {
                let first = *shared.fragments.entry(name.clone()).or_insert(place);
                if self.definition(first) != self.definition(place) {
                    shared.ambiguous.insert(name);
                }
            }
        }
        shared
    }

    fn definition(&self, (document, definition): (usize, usize)) -> &Definition {
        &self.documents[document].document.definitions[definition]
    }
}

/// Fragments that all documents can spread.
#[derive(Default)]
struct Shared {
    fragments: Fragments,
    /// The names of those that there are several of.
    ambiguous: AHashSet<Name>,
}

/// The fragments that an operation needs.
#[derive(Default)]
struct Spread {
    found: Vec<(usize, usize)>,
    missing: Vec<String>,
    ambiguous: Vec<String>,
}

/// Where a fragment is: the document and the definition in it.
type Fragments = AHashMap<Name, (usize, usize)>;

fn fragments_of(index: usize, parsed: &Parsed) -> Fragments {
    let definitions = parsed.document.definitions.iter().enumerate();
    definitions
        .filter_map(|(at, definition)| match definition {
            Definition::FragmentDefinition(fragment) => Some((fragment.name.clone(), (index, at))),
            _ => None,
        })
        .collect()
}

/// The fragments that a selection needs, its own document's first.
fn reachable(selections: &[Selection], own: &Fragments, shared: &Shared, documents: &[Parsed]) -> Spread {
    let mut names = Vec::new();
    spreads(selections, &mut names);
    let mut spread = Spread::default();
    let mut seen = AHashSet::new();
    while let Some(name) = names.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(place) = own.get(&name).or_else(|| shared.fragments.get(&name)) else {
            spread.missing.push(name.to_string());
            continue;
        };
        if !own.contains_key(&name) && shared.ambiguous.contains(&name) {
            spread.ambiguous.push(name.to_string());
        }
        spread.found.push(*place);
        if let Definition::FragmentDefinition(fragment) = &documents[place.0].document.definitions[place.1] {
            spreads(&fragment.selection_set, &mut names);
        }
    }
    spread.found.sort_unstable();
    spread
}

fn spreads(selections: &[Selection], names: &mut Vec<Name>) {
    for selection in selections {
        match selection {
            Selection::Field(field) => spreads(field.selection_set.as_deref().unwrap_or_default(), names),
            Selection::InlineFragment(fragment) => spreads(&fragment.selection_set, names),
            Selection::FragmentSpread(spread) => names.push(Node::as_ref(spread).fragment_name.clone()),
        }
    }
}

/// One operation and its fragments as a text of their own, with every line's origin kept.
fn assemble(
    parsed: &Parsed,
    operation: &Definition,
    name: Option<String>,
    fragments: &[(usize, usize)],
    documents: &[Parsed],
) -> Option<KnownOperation> {
    let mut text = String::new();
    let mut segments = Vec::new();
    append(&mut text, &mut segments, parsed, operation)?;
    for (document, definition) in fragments {
        let parsed = &documents[*document];
        append(&mut text, &mut segments, parsed, &parsed.document.definitions[*definition])?;
    }
    let (file, line) = (parsed.file.clone(), segments.first()?.file_line);
    let facts = parsed.facts.clone();
    Some(KnownOperation {
        id: name.unwrap_or_else(|| format!("{file}:{line}")),
        text: Some(text),
        segments,
        fields: facts.fields,
        clients: facts.clients,
        count: facts.count,
        last_seen: facts.last_seen,
        file,
        line,
        ..KnownOperation::default()
    })
}

fn append(text: &mut String, segments: &mut Vec<Segment>, parsed: &Parsed, definition: &Definition) -> Option<()> {
    let span = definition.location()?;
    let start = span.line_column(&parsed.document.sources)?;
    segments.push(Segment {
        first_line: text.matches('\n').count() + 1,
        file: parsed.file.clone(),
        file_line: start.line + parsed.line - 1,
    });
    // Columns stay as they were.
    text.extend(std::iter::repeat_n(' ', start.column - 1));
    text.push_str(parsed.text.get(span.offset()..span.end_offset())?);
    text.push('\n');
    Some(())
}

/// A text without the white space that does not distinguish operations.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn merge(into: &mut KnownOperation, other: KnownOperation) {
    into.count = into.count.saturating_add(other.count);
    into.fields.extend(other.fields);
    for client in other.clients {
        if !into.clients.contains(&client) {
            into.clients.push(client);
        }
    }
    // Both are RFC 3339 in UTC, where the order of the texts is the order of the times.
    into.last_seen = into.last_seen.take().max(other.last_seen);
}

/// Different operations of one name get their location as well.
fn distinguish(operations: &mut [KnownOperation]) {
    let mut counts: AHashMap<String, usize> = AHashMap::new();
    operations.iter().for_each(|operation| *counts.entry(operation.id.clone()).or_default() += 1);
    for operation in operations.iter_mut().filter(|operation| counts.get(&operation.id).is_some_and(|n| *n > 1)) {
        operation.id = format!("{} ({}:{})", operation.id, operation.file, operation.line);
    }
}
