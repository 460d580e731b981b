//! The GraphQL text that a fetch sends to its subgraph. Knows nothing of values, and nothing of how the text travels.

use std::fmt::Write;
use std::ops::Range;

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, Literal};
use braid_graphql::schema::Schema;
use braid_graphql::{Name, Node, OperationType, Value, VariableDefinition};

use crate::plan::{EntityFetch, Fetch, FetchField, FetchKind, FetchSelection};

/// A request's text, and what must be sent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestText {
    /// The document.
    pub query: String,
    /// The client's variables that it uses, as positions in [`Fetch::variables`].
    pub variables: Vec<usize>,
    /// For each [`EntityPart`], the names that stand for it.
    pub parts: Vec<PartNames>,
    /// Where the root fields are, in a fetch of root fields in which none is in a fragment.
    pub fields: Vec<FieldText>,
}

/// Where a root field is in a request, arguments and selection set included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldText {
    /// The place in the document.
    pub range: Range<usize>,
    /// The client's variables that it uses, as positions in [`Fetch::variables`].
    pub variables: Vec<usize>,
}

/// One list of entities in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityPart {
    /// The place of the [`EntityFetch`] in its fetch.
    pub entities: usize,
    /// Which of the groups of equal context values it is; 0 where there are no contexts.
    pub group: usize,
}

/// The names that stand for one list of entities in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartNames {
    /// The key in the response's data: `_entities` when it is the only list.
    pub alias: String,
    /// The variable of its representations.
    pub representations: String,
    /// The variables of its context values, in the order of [`EntityFetch::contexts`].
    pub contexts: Vec<String>,
    /// Where its selection set is in the document, braces included.
    pub selections: Range<usize>,
}

/// Every list of entities of a fetch once: what is sent when all their conditions hold and there are no contexts.
pub fn all_parts(fetch: &Fetch) -> Vec<EntityPart> {
    match &fetch.kind {
        FetchKind::Root { .. } => Vec::new(),
        FetchKind::Entities(entities) => {
            (0..entities.len()).map(|entities| EntityPart { entities, group: 0 }).collect()
        }
    }
}

/// Writes the text of `fetch`, for a fetch of entities with the given parts. `name` is the operation's name, if it has one.
pub fn request_text(fetch: &Fetch, schema: &Schema, name: Option<&str>, parts: &[EntityPart]) -> RequestText {
    let mut writer =
        Writer { schema, fetch, renamed: Vec::new(), used: Vec::new(), fields: Vec::new(), out: String::new() };
    let mut names = writer.part_names(parts);
    match &fetch.kind {
        FetchKind::Root { selections, .. } => writer.root(selections),
        FetchKind::Entities(entities) => {
            writer.out.push('{');
            for (part, names) in parts.iter().zip(&mut names) {
                if let Some(entities) = entities.get(part.entities) {
                    names.selections = writer.entities(entities, names);
                }
            }
            writer.out.push('}');
        }
    }
    let Writer { out: body, used, mut fields, .. } = writer;
    let variables = sorted(used);
    let mut query = head(fetch, name, &variables, parts, &names);
    let ranges = names.iter_mut().map(|part| &mut part.selections);
    for range in ranges.chain(fields.iter_mut().map(|field| &mut field.range)) {
        *range = range.start + query.len()..range.end + query.len();
    }
    query.push_str(&body);
    RequestText { query, variables, parts: names, fields }
}

/// How the client's variable at this position is defined in the head of a request: `$name:Type`, and its default if it has one.
pub fn definition(fetch: &Fetch, variable: usize) -> Option<String> {
    let mut out = String::new();
    write_definition(fetch.variables.get(variable)?, &mut out);
    Some(out)
}

fn write_definition(variable: &VariableDefinition, out: &mut String) {
    let _ = write!(out, "${}:{}", variable.name, variable.ty);
    if let Some(default) = &variable.default_value {
        out.push('=');
        write_value(default, &|_| None, &mut |_| {}, out);
    }
}

fn sorted(mut variables: Vec<usize>) -> Vec<usize> {
    variables.sort_unstable();
    variables.dedup();
    variables
}

fn head(fetch: &Fetch, name: Option<&str>, used: &[usize], parts: &[EntityPart], names: &[PartNames]) -> String {
    let kind = match &fetch.kind {
        FetchKind::Root { operation, .. } => *operation,
        FetchKind::Entities(_) => OperationType::Query,
    };
    let mut definitions = String::new();
    let separate = |definitions: &mut String| definitions.push(if definitions.is_empty() { '(' } else { ',' });
    let define = |definitions: &mut String, variable: &str| {
        separate(definitions);
        let _ = write!(definitions, "${variable}:");
    };
    for (part, names) in parts.iter().zip(names) {
        define(&mut definitions, &names.representations);
        definitions.push_str("[_Any!]!");
        if let FetchKind::Entities(entities) = &fetch.kind
            && let Some(entities) = entities.get(part.entities)
        {
            for (context, variable) in entities.contexts.iter().zip(&names.contexts) {
                define(&mut definitions, variable);
                let _ = write!(definitions, "{}", context.ty);
            }
        }
    }
    for variable in used.iter().filter_map(|index| fetch.variables.get(*index)) {
        separate(&mut definitions);
        write_definition(variable, &mut definitions);
    }
    let mut head = match kind {
        OperationType::Query if name.is_none() && definitions.is_empty() => return String::new(),
        OperationType::Query => "query".to_owned(),
        OperationType::Mutation => "mutation".to_owned(),
        OperationType::Subscription => "subscription".to_owned(),
    };
    if let Some(name) = name {
        head.push(' ');
        head.push_str(name);
    }
    if !definitions.is_empty() {
        head.push_str(&definitions);
        head.push(')');
    }
    head
}

struct Writer<'a> {
    schema: &'a Schema,
    fetch: &'a Fetch,
    /// Context variables of the part being written, and what they are called in it.
    renamed: Vec<(&'a Name, String)>,
    used: Vec<usize>,
    fields: Vec<FieldText>,
    out: String,
}

impl<'a> Writer<'a> {
    fn part_names(&self, parts: &[EntityPart]) -> Vec<PartNames> {
        let mut stem = "representations".to_owned();
        // Most fetches use no variable.
        let variables = &self.fetch.variables;
        let taken = |name: &str| variables.iter().any(|variable| variable.name == name);
        while !variables.is_empty() && (0..=parts.len()).any(|i| taken(&numbered(&stem, i, parts.len()))) {
            stem.insert(0, '_');
        }
        let name_part = |(i, part): (usize, &EntityPart)| PartNames {
            alias: if parts.len() == 1 { "_entities".to_owned() } else { format!("_e{i}") },
            representations: numbered(&stem, i, parts.len()),
            contexts: self.contexts(part, parts.len()),
            selections: 0..0,
        };
        parts.iter().enumerate().map(name_part).collect()
    }

    fn contexts(&self, part: &EntityPart, parts: usize) -> Vec<String> {
        let FetchKind::Entities(entities) = &self.fetch.kind else { return Vec::new() };
        let Some(entities) = entities.get(part.entities) else { return Vec::new() };
        entities.contexts.iter().map(|context| numbered(&context.variable, part.group, parts)).collect()
    }

    /// Returns where the selection set is.
    fn entities(&mut self, entities: &'a EntityFetch, names: &PartNames) -> Range<usize> {
        if names.alias != "_entities" {
            self.out.push_str(&names.alias);
            self.out.push(':');
        }
        self.out.push_str("_entities(representations:$");
        self.out.push_str(&names.representations);
        self.out.push(')');
        let contexts = entities.contexts.iter().map(|context| &context.variable);
        self.renamed = contexts.zip(names.contexts.iter().cloned()).collect();
        let start = self.out.len();
        self.selection_set(&entities.selections);
        self.renamed.clear();
        start..self.out.len()
    }

    /// A selection set of which it is known where its fields are.
    fn root(&mut self, selections: &'a [FetchSelection]) {
        let mut fields = Vec::with_capacity(selections.len());
        self.selections(selections, |writer, start, before| {
            let variables = sorted(writer.used[before..].to_vec());
            fields.push(FieldText { range: start..writer.out.len(), variables });
        });
        if selections.iter().all(|selection| matches!(selection, FetchSelection::Field(_))) {
            self.fields = fields;
        }
    }

    fn selection_set(&mut self, selections: &'a [FetchSelection]) {
        self.selections(selections, |_, _, _| {});
    }

    /// Says of each selection where it starts, and how many variables were used before.
    fn selections(&mut self, selections: &'a [FetchSelection], mut written: impl FnMut(&Self, usize, usize)) {
        self.out.push('{');
        // A selection set may not be empty; what is below was impossible in this subgraph.
        if selections.is_empty() {
            self.out.push_str("__typename");
        }
        for (at, selection) in selections.iter().enumerate() {
            let after_bracket = self.out.ends_with(['{', '}']);
            if at > 0 && !after_bracket {
                self.out.push(' ');
            }
            let (start, before) = (self.out.len(), self.used.len());
            match selection {
                FetchSelection::Field(field) => {
                    self.under(&field.condition, |writer, literals| writer.field(field, literals));
                }
                FetchSelection::InlineFragment { type_condition, condition, selections } => {
                    self.under(condition, |writer, literals| {
                        writer.out.push_str("...");
                        if let Some(id) = type_condition {
                            writer.out.push_str("on ");
                            writer.out.push_str(&writer.schema.ty(*id).name);
                        }
                        writer.directives(literals);
                        writer.selection_set(selections);
                    });
                }
            }
            written(self, start, before);
        }
        self.out.push('}');
    }

    /// A selection bears `@include` and `@skip` at most once each; further ones go on fragments around it.
    fn under(&mut self, condition: &'a Condition, write: impl FnOnce(&mut Self, &[&'a Literal])) {
        let (mut own, mut outer): (Vec<&Literal>, Vec<&Literal>) = (Vec::new(), Vec::new());
        for literal in condition.literals() {
            let repeated = own.iter().any(|earlier| earlier.value == literal.value);
            if repeated { outer.push(literal) } else { own.push(literal) }
        }
        for literal in &outer {
            self.out.push_str("...");
            self.directives(&[literal]);
            self.out.push('{');
        }
        write(self, &own);
        outer.iter().for_each(|_| self.out.push('}'));
    }

    fn directives(&mut self, literals: &[&'a Literal]) {
        for literal in literals {
            self.use_variable(&literal.variable);
            let directive = if literal.value { "include" } else { "skip" };
            let _ = write!(self.out, "@{directive}(if:${})", literal.variable);
        }
    }

    fn field(&mut self, field: &'a FetchField, literals: &[&'a Literal]) {
        if field.wire_key != field.name {
            self.out.push_str(&field.wire_key);
            self.out.push(':');
        }
        self.out.push_str(&field.name);
        self.arguments(&field.arguments);
        self.directives(literals);
        if let Some(selections) = &field.selections {
            self.selection_set(selections);
        }
    }

    fn arguments(&mut self, arguments: &'a [Node<Argument>]) {
        for (at, argument) in arguments.iter().enumerate() {
            self.out.push(if at == 0 { '(' } else { ',' });
            self.out.push_str(&argument.name);
            self.out.push(':');
            let mut met = Vec::new();
            let renamed = |name: &Name| self.renamed.iter().find(|(from, _)| *from == name).map(|(_, to)| to.as_str());
            write_value(&argument.value, &renamed, &mut |name| met.push(name), &mut self.out);
            met.into_iter().for_each(|name| self.use_variable(name));
        }
        if !arguments.is_empty() {
            self.out.push(')');
        }
    }

    fn use_variable(&mut self, name: &Name) {
        self.used.extend(self.fetch.variables.iter().position(|variable| variable.name == *name));
    }
}

fn numbered(stem: &str, index: usize, of: usize) -> String {
    if of == 1 { stem.to_owned() } else { format!("{stem}_{index}") }
}

/// Writes a literal without superfluous blanks. `renamed` gives a variable another name, `met` hears of those that keep theirs.
fn write_value<'a, 'n>(
    value: &'a Value,
    renamed: &impl Fn(&Name) -> Option<&'n str>,
    met: &mut impl FnMut(&'a Name),
    out: &mut String,
) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(value.as_str()),
        Value::Float(value) => out.push_str(value.as_str()),
        Value::Enum(name) => out.push_str(name),
        Value::String(text) => write_string(text, out),
        Value::Variable(name) => {
            out.push('$');
            match renamed(name) {
                Some(other) => out.push_str(other),
                None => {
                    met(name);
                    out.push_str(name);
                }
            }
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, renamed, met, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(name);
                out.push(':');
                write_value(value, renamed, met, out);
            }
            out.push('}');
        }
    }
}

/// <https://spec.graphql.org/draft/#StringCharacter>
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
