//! Limits on what an operation can ask for, checked once per operation before it is planned. Knows nothing of subgraphs.

use ahash::AHashMap;
use braid_graphql::error::GraphQLError;
use braid_graphql::normalize::NormalizeLimits;
use braid_graphql::parse::ParseLimits;
use braid_graphql::syntax::{Document, OperationDefinition, Selection, SelectionSet};
use braid_settings::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits on operations and on what executing them takes. All have a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The maximum number of tokens in a document, including white space and comments.
    pub max_tokens: usize,
    /// The maximum nesting of the syntax.
    pub max_recursion: usize,
    /// The maximum depth of fields, with fragments expanded.
    pub max_depth: usize,
    /// The maximum number of aliases, with fragments expanded.
    pub max_aliases: usize,
    /// The maximum number of root fields, each alias counted.
    pub max_root_fields: usize,
    /// The maximum number of directives, with fragments expanded.
    pub max_directives: usize,
    /// The maximum number of fields, with fragments expanded.
    pub max_fields: usize,
    /// The maximum nesting of lists (`fields`, `possibleTypes` and so on) in an introspection query.
    pub max_introspection_depth: usize,
    /// The maximum number of deferred fragments and streamed lists (`@defer`, `@stream`), with fragments expanded.
    pub max_deferred: usize,
    /// The maximum work for planning one operation, in steps of some hundred nanoseconds.
    pub planning_budget: u64,
    /// The maximum number of operations planned at the same time; further ones are queued.
    pub max_concurrent_planning: usize,
    /// The maximum memory for subgraphs' responses and their processing, per request.
    pub max_request_memory: ByteSize,
    /// The maximum size of a response.
    pub max_response_bytes: ByteSize,
    /// The maximum nesting within one value of a subgraph's response.
    pub max_nesting: usize,
    /// The maximum number of errors in a response; a last one says how many were left out.
    pub max_errors: usize,
    /// The maximum memory for compiled operations.
    pub operation_cache: ByteSize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let execute = braid_executor::ExecuteLimits::default();
        Self {
            max_tokens: 15_000,
            max_recursion: 200,
            max_depth: 100,
            max_aliases: 500,
            max_root_fields: 200,
            max_directives: 500,
            max_fields: 50_000,
            max_introspection_depth: 4,
            max_deferred: 100,
            planning_budget: braid_query_planner::PlannerConfig::default().budget,
            max_concurrent_planning: 8,
            max_request_memory: ByteSize(execute.max_memory),
            max_response_bytes: ByteSize(execute.max_response),
            max_nesting: execute.max_nesting,
            max_errors: execute.max_errors,
            operation_cache: ByteSize(64 << 20),
        }
    }
}

impl LimitsConfig {
    /// The bounds that the parser keeps.
    pub fn parse(&self) -> ParseLimits {
        ParseLimits { max_tokens: self.max_tokens, max_recursion: self.max_recursion, ..ParseLimits::default() }
    }

    /// The bounds on what fragments expand to.
    pub fn normalize(&self) -> NormalizeLimits {
        NormalizeLimits { max_fields: self.max_fields, max_depth: self.max_recursion, max_deferred: self.max_deferred }
    }

    /// The bounds that the executor keeps.
    pub fn execute(&self) -> braid_executor::ExecuteLimits {
        braid_executor::ExecuteLimits {
            max_memory: self.max_request_memory.0,
            max_response: self.max_response_bytes.0,
            max_nesting: self.max_nesting,
            max_errors: self.max_errors,
        }
    }
}

/// Checks a valid operation. The first limit that it exceeds is the error.
pub fn check(
    limits: &LimitsConfig,
    document: &Document<'_>,
    operation: &OperationDefinition<'_>,
) -> Result<(), GraphQLError> {
    let mut measure = Measure { document, fragments: AHashMap::new() };
    let size = measure.selections(operation.selection_set, false);
    let root_fields = measure.count_fields(operation.selection_set, &mut Vec::new());
    let directives = size.directives + operation.directives.len() as u64;
    let exceeded = [
        ("MAX_DEPTH_LIMIT", "nests", size.depth, "levels of fields", limits.max_depth),
        ("MAX_ALIASES_LIMIT", "has", size.aliases, "aliases", limits.max_aliases),
        ("MAX_ROOT_FIELDS_LIMIT", "has", root_fields, "fields at its root", limits.max_root_fields),
        ("MAX_DIRECTIVES_LIMIT", "has", directives, "directives", limits.max_directives),
        (
            "MAX_INTROSPECTION_DEPTH_LIMIT",
            "nests",
            size.introspection,
            "lists of the schema's description",
            limits.max_introspection_depth,
        ),
    ]
    .into_iter()
    .find(|(_, _, found, _, limit)| *found > *limit as u64);
    match exceeded {
        None => Ok(()),
        Some((code, verb, found, what, limit)) => {
            Err(GraphQLError::new(code, format!("The operation {verb} {found} {what}; at most {limit} are allowed.")))
        }
    }
}

/// What a selection set amounts to once fragments are written out. The numbers saturate: fragments can double them each time.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: u64,
    aliases: u64,
    directives: u64,
    introspection: u64,
}

struct Measure<'d> {
    document: &'d Document<'d>,
    fragments: AHashMap<&'d str, Size>,
}

impl<'d> Measure<'d> {
    /// `of_schema`: whether the schema's description is selected.
    fn selections(&mut self, set: SelectionSet<'d>, of_schema: bool) -> Size {
        let mut total = Size::default();
        let document = self.document;
        for selection in &document[set] {
            let size = match selection {
                Selection::Field(field) => {
                    // Only what describes the schema has names that begin so.
                    let describes = of_schema || field.name.starts_with("__");
                    let below = field.selection_set.map(|set| self.selections(set, describes)).unwrap_or_default();
                    Size {
                        depth: below.depth + 1,
                        aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
                        directives: below.directives,
                        introspection: below.introspection + u64::from(of_schema && lists_schema(field.name)),
                    }
                }
                Selection::InlineFragment(fragment) => self.selections(fragment.selection_set, of_schema),
                Selection::FragmentSpread(spread) => self.fragment(spread.name),
            };
            total = Size {
                depth: total.depth.max(size.depth),
                aliases: total.aliases.saturating_add(size.aliases),
                directives: total
                    .directives
                    .saturating_add(size.directives)
                    .saturating_add(selection.directives().len() as u64),
                introspection: total.introspection.max(size.introspection),
            };
        }
        total
    }

    /// Validation has refused fragments that spread themselves, so this ends; each fragment is measured once.
    fn fragment(&mut self, name: &'d str) -> Size {
        if let Some(size) = self.fragments.get(name) {
            return *size;
        }
        let size = match self.document.fragment(name) {
            Some(fragment) => self.selections(fragment.selection_set, fragment.type_condition.starts_with("__")),
            None => Size::default(),
        };
        self.fragments.insert(name, size);
        size
    }

    fn count_fields(&self, set: SelectionSet<'d>, visited: &mut Vec<&'d str>) -> u64 {
        let count = |selection: &'d Selection<'d>, visited: &mut Vec<&'d str>| match selection {
            Selection::Field(_) => 1,
            Selection::InlineFragment(fragment) => self.count_fields(fragment.selection_set, visited),
            Selection::FragmentSpread(spread) => {
                // A fragment that is spread again selects nothing new.
                if visited.contains(&spread.name) {
                    return 0;
                }
                visited.push(spread.name);
                self.document
                    .fragment(spread.name)
                    .map_or(0, |fragment| self.count_fields(fragment.selection_set, visited))
            }
        };
        self.document[set].iter().map(|selection| count(selection, visited)).sum()
    }
}

/// Whether a field of the schema's description lists parts of it: what makes introspection grow with each level.
fn lists_schema(field: &str) -> bool {
    matches!(field, "fields" | "interfaces" | "possibleTypes" | "inputFields" | "enumValues" | "args" | "types")
}
