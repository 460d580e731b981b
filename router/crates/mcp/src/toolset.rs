//! All tools of one schema and one list of operations. Never changed; another list is another set. Knows no client.

use std::sync::Arc;

use ahash::AHashMap;
use braid_persisted_operations::OperationList;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::config::{McpConfig, Mutations};
use crate::files::Text;
use crate::introspect;
use crate::operations::{OperationTool, Sent, tools};
use crate::search;
use crate::view::View;
use crate::words::matches;

/// The tools.
#[derive(Debug)]
pub(crate) struct Toolset {
    /// The number of the list that they are made of; 0 without one.
    pub(crate) list: u64,
    general: Vec<(General, Tool)>,
    /// In the order in which they are listed.
    operations: Vec<OperationTool>,
    by_name: AHashMap<String, usize>,
}

/// A tool that every graph has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum General {
    Search,
    Introspect,
    Execute,
}

/// What a name of a tool means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    General(General),
    Operation(&'a OperationTool),
}

impl General {
    const ALL: [Self; 3] = [Self::Search, Self::Introspect, Self::Execute];

    fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Introspect => "introspect",
            Self::Execute => "execute",
        }
    }
}

impl Toolset {
    /// The tools for a schema: the general ones, and operations of files and of a list.
    pub(crate) fn new(
        config: &McpConfig,
        view: View<'_>,
        files: &[Text],
        list: Option<&OperationList>,
        has_execute: bool,
    ) -> Self {
        let enabled = |general: &General| match general {
            General::Search => config.tools.search,
            General::Introspect => config.tools.introspect,
            General::Execute => config.tools.execute && has_execute,
        };
        let general = General::ALL.into_iter().filter(enabled);
        let general = general.map(|general| (general, general_tool(general, config.mutations))).collect();
        let number = list.map_or(0, OperationList::number);
        let mut set = Self { list: number, general, operations: Vec::new(), by_name: AHashMap::new() };
        for (path, text) in files {
            let sent = Sent::Text(Value::from(text.as_str()).to_string().into());
            set.add(&format!("{}", path.display()), tools(text, &sent, view), config);
        }
        for operation in list.filter(|_| config.operations.listed).into_iter().flat_map(OperationList::operations) {
            let text: String = serde_json::from_str(&operation.json).unwrap_or_default();
            set.add(&operation.id, tools(&text, &Sent::Id(operation.id.clone()), view), config);
        }
        let most = config.operations.max;
        if set.operations.len() > most {
            let left_out = set.operations.len() - most;
            tracing::warn!(left_out, "There are more operations than tools may be (mcp.operations.max)");
            set.operations.truncate(most);
            set.by_name.retain(|_, at| *at < most);
        }
        set
    }

    fn add(&mut self, origin: &str, tools: Vec<Result<OperationTool, String>>, config: &McpConfig) {
        let only = &config.operations.only;
        for tool in tools {
            let tool = match tool {
                Ok(tool) => tool,
                Err(problem) => {
                    tracing::warn!(origin, problem, "An operation is no tool");
                    continue;
                }
            };
            let name = &*tool.tool.name;
            let is_wanted = only.is_empty() || only.iter().any(|pattern| matches(pattern, name));
            if !is_wanted || (tool.is_mutation && config.mutations == Mutations::None) {
                continue;
            }
            if General::ALL.iter().any(|general| general.name() == name) {
                tracing::warn!(
                    origin,
                    name,
                    "An operation is no tool: its name is that of a tool that every graph has"
                );
                continue;
            }
            match self.by_name.get(name) {
                // Folders list a document several times.
                Some(known) if self.operations[*known].tool == tool.tool => {}
                Some(_) => tracing::warn!(origin, name, "An operation is no tool: another one has its name"),
                None => {
                    self.by_name.insert(name.to_owned(), self.operations.len());
                    self.operations.push(tool);
                }
            }
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tool> {
        let general = self.general.iter().map(|(_, tool)| tool);
        general.chain(self.operations.iter().map(|operation| &operation.tool))
    }

    /// The tool with a name.
    pub(crate) fn named(&self, name: &str) -> Option<Named<'_>> {
        let general = self.general.iter().find(|(general, _)| general.name() == name);
        match general {
            Some((general, _)) => Some(Named::General(*general)),
            None => Some(Named::Operation(self.operations.get(*self.by_name.get(name)?)?)),
        }
    }
}

fn general_tool(general: General, mutations: Mutations) -> Tool {
    let (title, description, input) = match general {
        General::Search => (
            "Search the schema",
            "Finds the fields and types of this GraphQL API that words are about, best first. Answers with a part of the schema \
             that is enough to write an operation for `execute`. Start here."
                .to_owned(),
            json!({
                "type": "object",
                "properties": {
                    "query": { "type": "string", "description": "Words, or a question, such as: stock of a product" },
                    "limit": {
                        "type": "integer", "minimum": 1, "maximum": search::MOST, "default": search::USUAL,
                        "description": "How many fields and types are found at most",
                    },
                },
                "required": ["query"],
                "additionalProperties": false,
            }),
        ),
        General::Introspect => (
            "Describe a type or field",
            "Describes a type, such as Product, or a field, such as Product.price, as GraphQL SDL, with the types that it mentions. \
             Without a name: what can be asked for at the root."
                .to_owned(),
            json!({
                "type": "object",
                "properties": {
                    "name": { "type": "string", "description": "A type, or a field as Type.field" },
                    "depth": {
                        "type": "integer", "minimum": 0, "maximum": introspect::DEEPEST, "default": introspect::USUAL,
                        "description": "How far types that are mentioned are described too",
                    },
                },
                "additionalProperties": false,
            }),
        ),
        General::Execute => (
            "Execute an operation",
            format!(
                "Runs a GraphQL {} and answers with its result. Ask for the fields that you need and for short lists: what costs too much \
                 is refused, and long lists are cut. With dry_run, nothing is executed; the answer says what it would cost.",
                if mutations == Mutations::All { "query or mutation" } else { "query" },
            ),
            json!({
                "type": "object",
                "properties": {
                    "query": { "type": "string", "description": "The document, with the operation in GraphQL" },
                    "variables": { "type": "object", "description": "The values of the operation's variables" },
                    "operationName": { "type": "string", "description": "Which operation to run, if there are several" },
                    "dry_run": { "type": "boolean", "default": false, "description": "Only plan it, and estimate its cost" },
                },
                "required": ["query"],
                "additionalProperties": false,
            }),
        ),
    };
    let may_change = general == General::Execute && mutations == Mutations::All;
    let annotations = ToolAnnotations::with_title(title).read_only(!may_change).open_world(false);
    let annotations = if may_change { annotations.destructive(true).idempotent(false) } else { annotations };
    Tool::new(general.name(), description, Arc::new(members(input))).with_title(title).with_annotations(annotations)
}

fn members(value: Value) -> JsonObject {
    match value {
        Value::Object(members) => members,
        _ => JsonObject::new(),
    }
}
