//! The rules that operations with `@stream` keep. Knows nothing of other directives.
//!
//! The rules for `@defer` are the library's. Those for `@stream` are the same (<https://github.com/graphql/graphql-spec/pull/1110>): labels are static and
//! unique; nothing is put off at the root of a mutation or a subscription; a subscription has no parts at all, unless `if` can switch that off. Beside them,
//! only lists are streamed, and fields that merge are streamed alike.

use ahash::{AHashMap, AHashSet};
use apollo_compiler::ast::{Directive, Value};
use apollo_compiler::executable::{self, ExecutableDocument, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use crate::OperationType;
use crate::error::GraphQLError;
use crate::incremental::{DEFER, STREAM};
use crate::parse::GRAPHQL_VALIDATION_FAILED;
use crate::unknown_names::location;

/// The rules for `@stream` that a document breaks.
pub(crate) fn rules(document: &ExecutableDocument) -> Vec<GraphQLError> {
    let mut rules = Rules { document, labels: AHashSet::new(), found: Vec::new() };
    let fragments = document.fragments.values().map(|fragment| &fragment.selection_set);
    let operations = document.operations.iter().map(|operation| &operation.selection_set);
    let sets: Vec<_> = operations.chain(fragments).collect();
    sets.iter().for_each(|set| rules.labels_of(DEFER, set));
    sets.iter().for_each(|set| rules.labels_of(STREAM, set));
    for operation in document.operations.iter() {
        if operation.operation_type != OperationType::Query {
            rules.root(operation.operation_type, &operation.selection_set, &mut AHashSet::new());
        }
        if operation.operation_type == OperationType::Subscription {
            rules.subscription(&operation.selection_set, &mut AHashSet::new());
        }
        let mut merging = Merging { rules: &mut rules, pairs: AHashSet::new() };
        merging.fields(&[&operation.selection_set]);
    }
    rules.found
}

struct Rules<'a> {
    document: &'a ExecutableDocument,
    labels: AHashSet<&'a str>,
    found: Vec<GraphQLError>,
}

impl<'a> Rules<'a> {
    fn report(&mut self, span: Option<SourceSpan>, message: String) {
        let error = GraphQLError::new(GRAPHQL_VALIDATION_FAILED, message);
        self.found.push(error.at(location(span, &self.document.sources)));
    }

    /// What holds wherever a directive stands. Each selection of the document is seen once.
    fn labels_of(&mut self, name: &str, set: &'a SelectionSet) {
        for selection in &set.selections {
            if let Some(directive) = selection.directives().get(name) {
                self.label(directive);
            }
            match selection {
                Selection::Field(field) => {
                    if let Some(stream) = field.directives.get(STREAM).filter(|_| name == STREAM) {
                        self.stream(field, stream);
                    }
                    field.selection_set.iter().for_each(|set| self.labels_of(name, set));
                }
                Selection::InlineFragment(fragment) => self.labels_of(name, &fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn label(&mut self, directive: &'a Node<Directive>) {
        match directive.specified_argument_by_name("label").map(Node::as_ref) {
            None | Some(Value::Null) => {}
            Some(Value::String(label)) => {
                if !self.labels.insert(label) && directive.name == STREAM {
                    let message = format!("The label of \"@stream\" must be unique; \"{label}\" is used twice.");
                    self.report(directive.location(), message);
                }
            }
            Some(_) if directive.name == STREAM => {
                let message = "The label of \"@stream\" must be a static string.".to_owned();
                self.report(directive.location(), message);
            }
            Some(_) => {}
        }
    }

    fn stream(&mut self, field: &'a executable::Field, stream: &'a Node<Directive>) {
        if !field.definition.ty.is_list() {
            let message = format!("\"@stream\" cannot be used on \"{}\", which is not a list.", field.name);
            self.report(stream.location(), message);
        }
        if let Some(Value::Int(count)) = stream.specified_argument_by_name("initialCount").map(Node::as_ref)
            && count.as_str().starts_with('-')
        {
            self.report(stream.location(), "The initialCount of \"@stream\" must not be negative.".to_owned());
        }
    }

    /// The root fields of a mutation run one after another, and those of a subscription are its events: none is put off.
    fn root(&mut self, kind: OperationType, set: &'a SelectionSet, visited: &mut AHashSet<&'a Name>) {
        for selection in &set.selections {
            if let Some(stream) = selection.directives().get(STREAM) {
                self.report(stream.location(), format!("\"@stream\" cannot be used at the root of a {kind}."));
            }
            match selection {
                Selection::Field(_) => {}
                Selection::InlineFragment(fragment) => self.root(kind, &fragment.selection_set, visited),
                Selection::FragmentSpread(spread) => {
                    if visited.insert(&spread.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.root(kind, &fragment.selection_set, visited);
                    }
                }
            }
        }
    }

    /// A subscription's events are whole.
    fn subscription(&mut self, set: &'a SelectionSet, visited: &mut AHashSet<&'a Name>) {
        for selection in &set.selections {
            if let Some(stream) = selection.directives().get(STREAM) {
                let may_be_off = match stream.specified_argument_by_name("if").map(Node::as_ref) {
                    Some(Value::Boolean(value)) => !value,
                    Some(Value::Variable(_)) => true,
                    _ => false,
                };
                if !may_be_off {
                    let message = "\"@stream\" cannot be used in a subscription; switch it off by its argument \"if\".";
                    self.report(stream.location(), message.to_owned());
                }
            }
            match selection {
                Selection::Field(field) => {
                    field.selection_set.iter().for_each(|set| self.subscription(set, visited));
                }
                Selection::InlineFragment(fragment) => self.subscription(&fragment.selection_set, visited),
                Selection::FragmentSpread(spread) => {
                    if visited.insert(&spread.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.subscription(&fragment.selection_set, visited);
                    }
                }
            }
        }
    }
}

/// Looks for fields of one response key that are streamed differently.
struct Merging<'r, 'a> {
    rules: &'r mut Rules<'a>,
    /// Selection sets that were merged before, by where they are in memory.
    pairs: AHashSet<Vec<usize>>,
}

impl<'a> Merging<'_, 'a> {
    /// Recursive as deep as operations are. What merges is a set of selection sets, of which there are few unless a document is made
    /// to have many; each is looked at once.
    fn fields(&mut self, sets: &[&'a SelectionSet]) {
        const MAX_SETS: usize = 10_000;
        let id: Vec<usize> = sets.iter().map(|set| std::ptr::from_ref::<SelectionSet>(set) as usize).collect();
        if self.pairs.len() > MAX_SETS || !self.pairs.insert(id) {
            return;
        }
        let mut by_key: AHashMap<&Name, Vec<&'a Node<executable::Field>>> = AHashMap::new();
        let mut order = Vec::new();
        let mut visited = AHashSet::new();
        for set in sets {
            collect(self.rules.document, set, &mut visited, &mut |field| {
                let same = by_key.entry(field.response_name()).or_default();
                if same.is_empty() {
                    order.push(field.response_name());
                }
                same.push(field);
            });
        }
        for key in order {
            let fields = &by_key[key];
            let first = fields[0].directives.get(STREAM);
            if let Some(other) = fields.iter().find(|field| !is_alike(first, field.directives.get(STREAM))) {
                let message = format!("Fields \"{key}\" conflict because they are streamed differently.");
                self.rules.report(other.location(), message);
            }
            let below: Vec<&'a SelectionSet> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
            if !below.is_empty() {
                self.fields(&below);
            }
        }
    }
}

fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    visited: &mut AHashSet<&'a Name>,
    each: &mut impl FnMut(&'a Node<executable::Field>),
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => each(field),
            Selection::InlineFragment(fragment) => collect(document, &fragment.selection_set, visited, each),
            Selection::FragmentSpread(spread) => {
                if visited.insert(&spread.fragment_name)
                    && let Some(fragment) = document.fragments.get(&spread.fragment_name)
                {
                    collect(document, &fragment.selection_set, visited, each);
                }
            }
        }
    }
}

fn is_alike(a: Option<&Node<Directive>>, b: Option<&Node<Directive>>) -> bool {
    let argument = |directive: &Node<Directive>, name: &str| directive.specified_argument_by_name(name).cloned();
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => ["if", "label", "initialCount"].iter().all(|name| argument(a, name) == argument(b, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema;

    use crate::incremental::with_incremental_directives;
    use crate::parse::{ParseLimits, parse_operation};
    use crate::schema;

    const SCHEMA: &str = "type Query { me: User users: [User] } type Mutation { rename: User renames: [User] } type Subscription { me: User }
        type User { name: String friends: [User] friend: User }";

    fn check(text: &str, expected: &[&str]) {
        let schema = with_incremental_directives(Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap());
        let own = schema::Schema::new(&schema).unwrap();
        let found = parse_operation(&schema, &own, text, ParseLimits::default()).err().unwrap_or_default();
        assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.message.contains(expected), "{text}: {}", found.message);
            assert!(!found.locations.is_empty());
        }
    }

    #[test]
    fn rules_of_defer_and_stream() {
        check(
            "{ ... @defer(label: \"a\") { me { name } } users @stream(initialCount: 1, label: \"b\") { name } }",
            &[],
        );
        check("query($l: String) { ... @defer(label: $l) { me { name } } }", &["static string"]);
        check("query($l: String) { users @stream(label: $l) { name } }", &["static string"]);
        check("{ users @stream(label: \"a\") { name } ... @defer(label: \"a\") { me { name } } }", &["used twice"]);
        check("{ me @stream { name } }", &["not a list"]);
        check("{ users @stream(initialCount: -1) { name } }", &["negative"]);
        check("mutation { ... @defer { rename { name } } }", &["root mutation"]);
        check("mutation { renames @stream { name } }", &["root of a mutation"]);
        check("mutation { rename { ... @defer { name } } }", &[]);
        check("subscription { me { ... @defer { name } } }", &["subscription"]);
        check("subscription { me { friends @stream { name } } }", &["subscription"]);
        check(
            "subscription($i: Boolean!) { me { ... @defer(if: $i) { name } friends @stream(if: $i) { name } } }",
            &[],
        );
        check("{ users @stream { name } users { name } }", &["streamed differently"]);
        check("{ users @stream { name } ... { users @stream { friend { name } } } }", &[]);
        check(
            "{ me { friends @stream(initialCount: 1) { name } } ...F } fragment F on Query { me { friends @stream(initialCount: 2) { name } } }",
            &["streamed differently"],
        );
        check("{ ... @defer(if: 1) { me { name } } }", &["1"]);
    }

    #[test]
    fn schemas_without_the_directives_refuse_them() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let own = schema::Schema::new(&schema).unwrap();
        assert!(parse_operation(&schema, &own, "{ ... @defer { me { name } } }", ParseLimits::default()).is_err());
    }
}
