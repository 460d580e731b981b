//! From documents to tools: each operation with a name is one. Knows neither where documents come from nor who calls.

use braid_authorization::RequirementSet;
use braid_graphql::compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use braid_graphql::parse::{ParseLimits, parse_typed};
use braid_graphql::{Name, OperationType};
use rmcp::model::{Tool, ToolAnnotations};

use crate::input_schema::of_variables;
use crate::output_schema::of_answer;
use crate::view::View;
use crate::words::{summary, title};

/// An operation that is a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OperationTool {
    pub(crate) tool: Tool,
    pub(crate) sent: Sent,
    /// As a JSON string with its quotes.
    pub(crate) operation_name: Box<str>,
    pub(crate) is_mutation: bool,
}

/// How the document of a tool reaches the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// By the id that it is listed under.
    Id(Box<str>),
    /// As a JSON string with its quotes.
    Text(Box<str>),
}

/// Names that clients accept.
const MAX_NAME: usize = 64;
/// How much of the description of a root field is said.
const ROOT_SUMMARY: usize = 200;

/// The tools of a document, or why an operation of it is none.
pub(crate) fn tools(text: &str, sent: &Sent, view: View<'_>) -> Vec<Result<OperationTool, String>> {
    let limits = ParseLimits { names: braid_graphql::names::SchemaNames::Shown, ..ParseLimits::default() };
    let document = match parse_typed(view.api, text, limits) {
        Ok(document) => document,
        Err(errors) => {
            let problem = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
            return vec![Err(format!("it is invalid: {problem}"))];
        }
    };
    document.operations.iter().filter_map(|operation| tool(operation, &document, text, sent, view)).collect()
}

/// Nothing for what never is a tool.
fn tool(
    operation: &Operation,
    document: &ExecutableDocument,
    text: &str,
    sent: &Sent,
    view: View<'_>,
) -> Option<Result<OperationTool, String>> {
    if operation.operation_type == OperationType::Subscription {
        return None;
    }
    let name = match &operation.name {
        None => return Some(Err("it has an operation without a name".to_owned())),
        Some(name) if name.len() > MAX_NAME => {
            return Some(Err(format!("the name \"{name}\" has more than {MAX_NAME} characters")));
        }
        Some(name) => name,
    };
    let is_mutation = operation.operation_type == OperationType::Mutation;
    let schema = view.schema();
    let title = title(name);
    // A mutation may change anything, and may do so again.
    let annotations = ToolAnnotations::with_title(title.clone()).read_only(!is_mutation).open_world(false);
    let annotations = match is_mutation {
        true => annotations.destructive(true).idempotent(false),
        false => annotations,
    };
    let description = description(operation, document, text, view);
    let tool = Tool::new(name.to_string(), description, of_variables(operation, document, schema))
        .with_title(title)
        .with_raw_output_schema(of_answer(operation, document, schema).into())
        .with_annotations(annotations);
    let operation_name = format!("\"{name}\"").into();
    Some(Ok(OperationTool { tool, sent: sent.clone(), operation_name, is_mutation }))
}

/// What is said of an operation: its description, the comment before it, or what is said of its root fields. And what it needs.
fn description(operation: &Operation, document: &ExecutableDocument, text: &str, view: View<'_>) -> String {
    let own = operation.description.as_deref().map(|text| text.trim().to_owned());
    let written = own.or_else(|| comment_before(operation, text)).filter(|text| !text.is_empty());
    let mut description = written.unwrap_or_else(|| of_root_fields(operation, document));
    let mut needs = RequirementSet::default();
    collect_needs(&operation.selection_set, view, &mut needs);
    document.fragments.values().for_each(|fragment| collect_needs(&fragment.selection_set, view, &mut needs));
    if let Some(needs) = view.in_words(&needs) {
        description.push_str(&format!("\n\nSome of it {needs}."));
    }
    description
}

/// The comment in the lines before an operation. Lines that name other files are for tools.
fn comment_before(operation: &Operation, text: &str) -> Option<String> {
    let name = operation.name.as_ref()?.location()?.offset();
    let start = text.get(..name)?.rfind(operation.operation_type.name())?;
    let mut lines: Vec<&str> = Vec::new();
    for line in text.get(..start)?.trim_end().lines().rev() {
        let Some(line) = line.trim().strip_prefix('#') else { break };
        lines.push(line.trim());
    }
    lines.retain(|line| !line.starts_with("import "));
    lines.reverse();
    let joined = lines.join(" ").trim().to_owned();
    (!joined.is_empty()).then_some(joined)
}

/// What is said of the fields that an operation asks for.
fn of_root_fields(operation: &Operation, document: &ExecutableDocument) -> String {
    let mut said = Vec::new();
    for field in operation.root_fields(document) {
        let about = field.definition.description.as_deref().map(|text| summary(text, ROOT_SUMMARY));
        said.push(match about {
            Some(about) => format!("{}: {about}", field.name),
            None => field.name.to_string(),
        });
    }
    said.dedup();
    format!("{} of {}", if operation.is_mutation() { "Mutation" } else { "Query" }, said.join("; "))
}

fn collect_needs(set: &SelectionSet, view: View<'_>, into: &mut RequirementSet) {
    let parent: &Name = &set.ty;
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                view.add_needs(parent, &field.name, into);
                field.selection_set.iter().for_each(|below| collect_needs(below, view, into));
            }
            Selection::InlineFragment(fragment) => collect_needs(&fragment.selection_set, view, into),
            Selection::FragmentSpread(_) => {}
        }
    }
}
