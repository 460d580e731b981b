//! From the text of a request to a valid document with one operation chosen. Knows nothing of subgraphs.
//!
//! ```text
//! text ──syntax──▶ Document ──validate──▶ proven to be valid
//!   └─ what can't be read, or is not proven ──▶ the parser's library: errors, or valid all the same
//! ```
//!
//! Nearly all documents are valid, and proving that takes a fraction of what it takes to say what is wrong. So errors are the library's alone, with
//! those of the rules that it lacks; a document is refused by nobody else, and accepted by one of both.

use std::borrow::Borrow;

use apollo_compiler::ast::{self, Value};
use apollo_compiler::executable::{self, ExecutableDocument, SelectionSet};
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node, Schema};

use crate::error::{GraphQLError, Location};
use crate::incremental_rules;
use crate::names::{SchemaNames, conceal, names_in};
use crate::schema;
use crate::syntax::{self, Document, OperationDefinition};
use crate::unknown_names::{location, suggest};
use crate::validate::{Verdict, judge};
use crate::view::ApiView;

/// Bounds on the text of a request, and on what its errors say.
#[derive(Debug, Clone, Copy)]
pub struct ParseLimits {
    /// The most tokens, ignored ones included.
    pub max_tokens: usize,
    /// The deepest nesting of the grammar.
    pub max_recursion: usize,
    /// Whether errors may name what the schema has.
    pub names: SchemaNames,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { max_tokens: 15_000, max_recursion: 200, names: SchemaNames::Hidden }
    }
}

/// The text is not GraphQL.
pub const GRAPHQL_PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// The document has more tokens than the limit.
pub const MAX_TOKENS_LIMIT: &str = "MAX_TOKENS_LIMIT";
/// The document nests deeper than the limit.
pub const MAX_RECURSION_LIMIT: &str = "MAX_RECURSION_LIMIT";
/// The document is not valid against the schema.
pub const GRAPHQL_VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// The operation to run is not in the document, or several are and none was named.
pub const OPERATION_RESOLUTION_FAILURE: &str = "OPERATION_RESOLUTION_FAILURE";

/// At most this many errors of one document are reported: the first few are what a person reads.
const MAX_ERRORS: usize = 20;

/// Reads a document and validates it against the API schema. `schema` has all of `api`, and may have more.
pub fn parse_operation<'a>(
    api: &Valid<Schema>,
    schema: &schema::Schema,
    text: &'a str,
    limits: ParseLimits,
) -> Result<Document<'a>, Vec<GraphQLError>> {
    parse_in_view(ApiView::all(api), || api, schema, text, limits)
}

/// The same against a view of an API schema. `whole` gives the view as a schema of its own, for documents that are not proven to be valid.
pub fn parse_in_view<'a, W: Borrow<Valid<Schema>>>(
    view: ApiView<'_>,
    whole: impl FnOnce() -> W,
    schema: &schema::Schema,
    text: &'a str,
    limits: ParseLimits,
) -> Result<Document<'a>, Vec<GraphQLError>> {
    let typed = || parse_typed(whole().borrow(), text, limits);
    match syntax::parse(text, &limits) {
        Ok(document) => match judge(&document, view, schema) {
            Verdict::Valid => Ok(document),
            Verdict::Open => typed().map(|_| document),
            Verdict::Invalid(why) => {
                let broken = GraphQLError::new(GRAPHQL_VALIDATION_FAILED, why);
                typed().and(Err(vec![broken]))
            }
        },
        // The library passes over some tokens that can't stand where they are.
        Err(unreadable) => typed().and(Err(vec![syntax_error(text, unreadable.at)])),
    }
}

fn syntax_error(text: &str, at: usize) -> GraphQLError {
    let rest = text.get(at..).unwrap_or_default();
    let found = rest.split_ascii_whitespace().next().map_or("the end of the document".to_owned(), |found| {
        let shown: String = found.chars().take(20).collect();
        format!("{shown:?}")
    });
    let message = format!("syntax error: {found} can't stand here");
    GraphQLError::new(GRAPHQL_PARSE_FAILED, message).at(Some(Location::of_offset(text, at)))
}

/// The same by the parser's library, which gives the type of each selection and takes its time.
pub fn parse_typed(
    schema: &Valid<Schema>,
    text: &str,
    limits: ParseLimits,
) -> Result<Valid<ExecutableDocument>, Vec<GraphQLError>> {
    let mut parser = Parser::new().token_limit(limits.max_tokens).recursion_limit(limits.max_recursion);
    let ast = parser
        .parse_ast(text, "operation.graphql")
        .map_err(|failure| parse_errors(&failure.errors, &parser_limit(&parser, limits)))?;
    let document = ast.to_executable_validate(schema).map_err(|failure| {
        let mut errors = errors(&failure.errors, GRAPHQL_VALIDATION_FAILED);
        match limits.names {
            SchemaNames::Shown => suggest_names(schema, &ast, &mut errors),
            SchemaNames::Hidden => {
                let sent = names_in(text);
                errors.iter_mut().for_each(|error| error.message = conceal(&error.message, &sent, schema));
            }
        }
        errors
    })?;
    let more = further_rules(&document);
    if more.is_empty() { Ok(document) } else { Err(more) }
}

/// *GetOperation* of the specification (<https://spec.graphql.org/draft/#GetOperation()>).
pub fn choose_operation<'d, 'a>(
    document: &'d Document<'a>,
    name: Option<&str>,
) -> Result<&'d OperationDefinition<'a>, GraphQLError> {
    let operations = &document.operations;
    let chosen = match name {
        Some(name) => operations.iter().find(|operation| operation.name == Some(name)),
        None => operations.first().filter(|_| operations.len() == 1),
    };
    chosen.ok_or_else(|| {
        let names: Vec<_> = operations.iter().filter_map(|operation| operation.name).collect();
        let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let message = match name {
            Some(name) if names.is_empty() => {
                format!("The document has no operation named \"{name}\": its only operation has no name.")
            }
            Some(name) => {
                format!("The document has no operation named \"{name}\"; it has {}.", names.join(", "))
            }
            None => format!("The document has several operations ({}): say which by operationName.", names.join(", ")),
        };
        GraphQLError::new(OPERATION_RESOLUTION_FAILURE, message)
    })
}

/// The limit that ended parsing, as code and message.
fn parser_limit(parser: &Parser, limits: ParseLimits) -> Option<(&'static str, String)> {
    let ParseLimits { max_tokens, max_recursion, .. } = limits;
    if parser.tokens_reached() > max_tokens {
        let message = format!("The document has more than {max_tokens} tokens; send a shorter one.");
        return Some((MAX_TOKENS_LIMIT, message));
    }
    let message = || format!("The document nests deeper than {max_recursion} levels; send a flatter one.");
    (parser.recursion_reached() > max_recursion).then(|| (MAX_RECURSION_LIMIT, message()))
}

/// Errors that follow from a limit are not reported beside it.
fn parse_errors(list: &DiagnosticList, limit: &Option<(&'static str, String)>) -> Vec<GraphQLError> {
    let Some((code, message)) = limit else { return errors(list, GRAPHQL_PARSE_FAILED) };
    let place = list.iter().next_back().and_then(|last| last.unstable_to_json_compat().locations.first().copied());
    let place = place.map(|at| Location { line: at.line, column: at.column });
    vec![GraphQLError::new(code, message).at(place)]
}

/// At most so many errors of one document suggest names.
const MAX_SUGGESTIONS: usize = 5;

fn suggest_names(schema: &Schema, document: &ast::Document, errors: &mut [GraphQLError]) {
    let places = errors.iter().filter_map(|error| error.locations.first().copied()).take(MAX_SUGGESTIONS).collect();
    let suggestions = suggest(schema, document, places);
    for error in errors {
        if let Some(suggestion) = error.locations.first().and_then(|at| suggestions.get(at)) {
            error.message.push_str(suggestion);
        }
    }
}

fn errors(list: &DiagnosticList, code: &str) -> Vec<GraphQLError> {
    list.iter()
        .take(MAX_ERRORS)
        .map(|diagnostic| {
            let json = diagnostic.unstable_to_json_compat();
            let mut error = GraphQLError::new(code, json.message);
            error.locations = json.locations.iter().map(|at| Location { line: at.line, column: at.column }).collect();
            error
        })
        .collect()
}

/// Rules of the specification that the library does not check: a selection set is not empty (§2.8), input object fields are unique
/// (§5.6.3), and all variables are defined (§5.8.3) also inside literals of custom scalars.
fn further_rules(document: &ExecutableDocument) -> Vec<GraphQLError> {
    let mut found = Vec::new();
    for operation in document.operations.iter() {
        let mut walk = Walk { document, operation, visited: Vec::new(), found: &mut found };
        walk.directives(&operation.directives);
        walk.not_empty(&operation.selection_set, operation.location());
        walk.selections(&operation.selection_set);
    }
    found.append(&mut incremental_rules::rules(document));
    found.truncate(MAX_ERRORS);
    found
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a executable::Operation,
    visited: Vec<&'a Name>,
    found: &'a mut Vec<GraphQLError>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                executable::Selection::Field(field) => {
                    field.arguments.iter().for_each(|argument| self.value(&argument.value));
                    if let Some(set) = &field.selection_set {
                        self.not_empty(set, field.location());
                        self.selections(set);
                    }
                }
                executable::Selection::InlineFragment(fragment) => {
                    self.not_empty(&fragment.selection_set, fragment.location());
                    self.selections(&fragment.selection_set);
                }
                executable::Selection::FragmentSpread(spread) => {
                    if self.visited.contains(&&spread.fragment_name) {
                        continue;
                    }
                    self.visited.push(&spread.fragment_name);
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.directives(&fragment.directives);
                        self.not_empty(&fragment.selection_set, fragment.location());
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn not_empty(&mut self, set: &SelectionSet, span: Option<SourceSpan>) {
        if set.selections.is_empty() {
            self.report(span, "Expected at least one selection between \"{\" and \"}\".".to_owned());
        }
    }

    fn directives(&mut self, directives: &'a executable::DirectiveList) {
        for directive in directives.iter() {
            directive.arguments.iter().for_each(|argument| self.value(&argument.value));
        }
    }

    fn value(&mut self, value: &'a Node<Value>) {
        match value.as_ref() {
            Value::Variable(name) if !self.operation.variables.iter().any(|defined| defined.name == *name) => {
                self.report(value.location(), format!("Variable \"${name}\" is not defined."));
            }
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                for (at, (name, value)) in fields.iter().enumerate() {
                    if fields[..at].iter().any(|(earlier, _)| earlier == name) {
                        self.report(value.location(), format!("There can be only one input field named \"{name}\"."));
                    }
                    self.value(value);
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, span: Option<SourceSpan>, message: String) {
        let error = GraphQLError::new(GRAPHQL_VALIDATION_FAILED, message);
        self.found.push(error.at(location(span, &self.document.sources)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str =
        "scalar Any type Query { f(any: Any, in: In): Int me: Me } type Me { id: ID } input In { a: Int }";

    fn parse<'a>(
        schema: &Valid<Schema>,
        text: &'a str,
        limits: ParseLimits,
    ) -> Result<Document<'a>, Vec<GraphQLError>> {
        let own = schema::Schema::new(schema).unwrap();
        parse_operation(schema, &own, text, limits)
    }

    fn check(text: &str, expected: &[(&str, &str, usize)]) {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let found = parse(&schema, text, ParseLimits::default()).err().unwrap_or_default();
        let shown: Vec<_> =
            found.iter().map(|e| (e.code().unwrap(), e.message.as_str(), e.locations[0].column)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn errors_have_codes_and_places() {
        check("{ f(in: {a: 1}) me { id } }", &[]);
        check("{ nope }", &[(GRAPHQL_VALIDATION_FAILED, "Cannot query field \"nope\" on type \"Query\".", 3)]);
        check(
            "{ f(in: {a: 1, a: 2}) }",
            &[(GRAPHQL_VALIDATION_FAILED, "There can be only one input field named \"a\".", 19)],
        );
        check("{ f(any: {b: [$x]}) }", &[(GRAPHQL_VALIDATION_FAILED, "Variable \"$x\" is not defined.", 15)]);
    }

    /// Each with a code, a place, and what is to be read in the message; none takes long or much.
    #[test]
    fn what_is_no_operation_is_refused_at_a_place() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let deep = format!("{} id {}", "{ me ".repeat(300), "}".repeat(300));
        let long = format!("{{ {} }}", "f ".repeat(20_000));
        let recursive = "{ me { ...A } } fragment A on Me { ...B } fragment B on Me { ...A }";
        let cases = [
            ("", GRAPHQL_PARSE_FAILED, "syntax error"),
            ("# nothing", GRAPHQL_PARSE_FAILED, "syntax error"),
            ("{ }", GRAPHQL_VALIDATION_FAILED, "at least one selection"),
            ("{ ... { } }", GRAPHQL_VALIDATION_FAILED, "at least one selection"),
            ("{ me { ...A } } fragment A on Me { }", GRAPHQL_VALIDATION_FAILED, "at least one selection"),
            ("{ me { id }", GRAPHQL_PARSE_FAILED, "expected R_CURLY"),
            ("{ f(in: {a: 1} any) }", GRAPHQL_PARSE_FAILED, "\")\" can't stand here"),
            ("query($a: Int = 1 +) { f }", GRAPHQL_PARSE_FAILED, "syntax error"),
            ("{ me { } }", GRAPHQL_VALIDATION_FAILED, "at least one selection"),
            ("type Query { a: Int }", GRAPHQL_VALIDATION_FAILED, "executable"),
            (&deep, MAX_RECURSION_LIMIT, "deeper than 200"),
            (&long, MAX_TOKENS_LIMIT, "more than 15000 tokens"),
            (recursive, GRAPHQL_VALIDATION_FAILED, "fragment"),
            ("{ f @nope }", GRAPHQL_VALIDATION_FAILED, "nope"),
        ];
        for (text, code, message) in cases {
            let shown: String = text.chars().take(60).collect();
            let found = parse(&schema, text, ParseLimits::default()).expect_err(&shown);
            let first = &found[0];
            assert_eq!(first.code(), Some(code), "{shown}: {}", first.message);
            assert!(first.message.contains(message), "{shown}: {}", first.message);
            assert!(!first.locations.is_empty(), "{shown}: {}", first.message);
            assert!(found.len() <= MAX_ERRORS, "{shown}");
        }
    }

    /// What the error of `text` says after its first sentence, when names may be suggested.
    fn check_suggestion(text: &str, expected: &str) {
        let schema = "type Query { price(currency: Currency, where: Where): Int user: User } union Any = Query | User
            type User { name: String nickname: String } enum Currency { EUR USD } input Where { maximum: Int }";
        let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
        let message = |names: SchemaNames| {
            let limits = ParseLimits { names, ..ParseLimits::default() };
            parse(&schema, text, limits).unwrap_err()[0].message.clone()
        };
        let (plain, suggesting) = (message(SchemaNames::Hidden), message(SchemaNames::Shown));
        assert!(suggesting.ends_with(&format!(".{expected}")), "{text}: {suggesting}");
        assert!(!plain.contains("Did you mean"), "{plain}");
    }

    #[test]
    fn names_that_may_be_meant_are_suggested() {
        check_suggestion("{ pirce }", " Did you mean \"price\"?");
        check_suggestion("{ x: pirce }", " Did you mean \"price\"?");
        check_suggestion("{ user { nicname } }", " Did you mean \"nickname\" or \"name\"?");
        check_suggestion("{ ...F } fragment F on Query { user { ... on User { naem } } }", " Did you mean \"name\"?");
        check_suggestion("{ price(curency: EUR) }", " Did you mean \"currency\"?");
        check_suggestion("{ price(currency: EURO) }", " Did you mean \"EUR\"?");
        check_suggestion("{ price(where: { maximun: 1 }) }", " Did you mean \"maximum\"?");
        check_suggestion("query($c: Curency) { price(currency: $c) }", " Did you mean \"Currency\"?");
        check_suggestion("{ ... on Usr { name } }", " Did you mean \"User\"?");
        check_suggestion("{ user { ...Nme } } fragment Name on User { name }", " Did you mean \"Name\"?");
        check_suggestion("{ warehouses }", "");
    }

    /// The error of `text` when names are hidden, or how it begins.
    fn check_hidden(text: &str, expected: &str) {
        let schema = "type Query { price(currency: Currency!, where: Where): Int user: User owner: Owner pick(one: Pick): Int }
            union Owner = User | Shop type User { name: String nickname: [String!]! } type Shop { name: Int }
            enum Currency { EUR USD } input Where { maximum: Amount! } scalar Amount input Pick @oneOf { a: Int b: Int }";
        let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
        let errors = parse(&schema, text, ParseLimits::default()).unwrap_err();
        let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        let found = messages.join(" / ");
        assert!(found.starts_with(expected), "{text}: {found}");
        let sent = names_in(text);
        for name in ["Currency", "Where", "User", "Owner", "Shop", "nickname", "EUR", "maximum", "Amount", "Pick"] {
            assert!(
                sent.contains(name) || !messages.iter().any(|message| message.contains(name)),
                "{name}: {messages:?}"
            );
        }
    }

    #[test]
    fn names_that_the_client_did_not_send_are_hidden() {
        check_hidden("{ user { nope } }", "Cannot query field \"nope\" on type \"…\".");
        check_hidden("{ nope }", "Cannot query field \"nope\" on type \"Query\".");
        check_hidden("{ price }", "Field \"price\" argument \"…\" of type \"…!\"");
        check_hidden("{ price(currency: GBP) }", "Value \"GBP\" does not exist in \"…\" enum.");
        check_hidden("{ price(currency: EUR, where: {}) }", "Field \"….…\" of required type \"…!\" was not provided.");
        check_hidden(
            "{ price(currency: EUR, where: { maximum: 1, x: 2 }) }",
            "Field \"x\" is not defined by type \"…\".",
        );
        check_hidden(
            "query($c: Int) { price(currency: $c) }",
            "Variable \"$c\" of type \"Int\" used in position expecting type \"…!\".",
        );
        check_hidden("{ price(currency: 7) }", "… cannot represent value: 7");
        check_hidden("{ price(currency: EUR, unknown: 1) }", "Unknown argument \"unknown\" on field \"Query.price\".");
        check_hidden("{ pick(one: {}) }", "OneOf Input Object \"…\" must specify exactly one key.");
        check_hidden(
            "{ owner }",
            "Field \"owner\" of type \"Query\" must have a selection of subfields. Did you mean \"owner { ... }\"?",
        );
        check_hidden("{ owner { ... on Query { user { name } } } }", "Fragment cannot be spread here");
        check_hidden("{ user { name { x } } }", "Field \"name\" must not have a selection");
    }

    #[test]
    fn suggestions_take_little_time() {
        let fields: String = (0..20_000).map(|at| format!("field{at}: Int ")).collect();
        let schema = Schema::parse_and_validate(format!("type Query {{ {fields} }}"), "schema.graphql").unwrap();
        let limits = ParseLimits { names: SchemaNames::Shown, ..ParseLimits::default() };
        let unknown: String = (0..5_000).map(|at| format!("fielt{at} ")).collect();
        let started = std::time::Instant::now();
        let found = parse(&schema, &format!("{{ {unknown} {} }}", "x".repeat(1_000_000)), limits).unwrap_err();
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
        let suggesting = found.iter().filter(|error| error.message.contains("Did you mean")).count();
        assert_eq!((found.len(), suggesting), (MAX_ERRORS, MAX_SUGGESTIONS));
    }

    #[test]
    fn operations_are_chosen_by_name() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let document = parse(&schema, "query A { f } query B { f }", ParseLimits::default()).unwrap();
        assert_eq!(choose_operation(&document, Some("B")).unwrap().name, Some("B"));
        let message = |name| choose_operation(&document, name).unwrap_err().message;
        assert!(message(None).contains("operationName"));
        assert!(message(Some("C")).contains("\"A\", \"B\""));
    }
}
