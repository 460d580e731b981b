//! Holds the judgement of operations to validation itself, on generated operations and edits of a schema.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod generated;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::executable::ExecutableDocument;
use braid_graphql::compiler::validation::Valid;
use braid_schema_checks::change::{Change, Severity};
use braid_schema_checks::diff::diff;
use braid_schema_checks::operations::{Format, Judged, OperationFile, Read, attribute, judge, read};

fn schema(sdl: &str) -> Valid<Schema> {
    Schema::parse_and_validate(sdl, "schema.graphql").unwrap_or_else(|error| panic!("{}\n{sdl}", error.errors))
}

fn judged(old: &str, new: &str, documents: Vec<(String, Format, String)>) -> (Vec<Change>, Vec<Judged>) {
    let files = documents.into_iter().map(|(file, format, text)| OperationFile {
        file,
        text,
        format,
        name: None,
        client: None,
    });
    let Read { operations: known, problems, .. } = read(files.collect());
    assert!(problems.is_empty(), "{problems:?}");
    let (old, new) = (schema(old), schema(new));
    let mut changes = diff(&old, &new);
    let mut judged = judge(known, &old, &new);
    attribute(&mut changes, &mut judged, true);
    (changes, judged)
}

#[test]
fn generated_operations_are_judged_exactly_and_every_break_has_its_change() {
    let operations = generated::operations(1500);
    let edited = generated::edited();
    assert!(edited.len() >= 60, "only {} edits", edited.len());
    let mut broken = 0;
    // Every operation meets several edits, every edit many operations.
    for (at, (_, sdl)) in edited.iter().enumerate() {
        let mine: Vec<&String> = operations.iter().skip(at % 23).step_by(23).collect();
        let text = mine.iter().map(|text| format!("{text}\n")).collect::<String>();
        let (changes, judged) =
            judged(generated::SCHEMA, sdl, vec![("operations.graphql".to_owned(), Format::Document, text)]);
        assert_eq!(judged.len(), mine.len());
        let new = schema(sdl);
        for (one, text) in judged.iter().zip(mine) {
            let valid = ExecutableDocument::parse_and_validate(&new, text.as_str(), "operation.graphql").is_ok();
            assert_eq!(one.is_broken(), !valid, "{text}\n{:?}", one.errors_after);
            let blamed: Vec<&str> = changes
                .iter()
                .filter(|change| change.usage.as_ref().is_some_and(|usage| usage.broken.contains(&one.operation.id)))
                .map(|change| change.id.as_str())
                .collect();
            assert_eq!(!blamed.is_empty(), one.is_broken(), "{text}\n{blamed:?}\n{changes:#?}");
            broken += usize::from(one.is_broken());
        }
        if judged.iter().any(Judged::is_broken) {
            assert!(changes.iter().any(|change| change.severity == Severity::Breaking), "{sdl}");
        }
    }
    assert!(broken > 400, "only {broken} broken");
}

const OLD: &str = "type Query { user: User pet: Pet }
    type User { id: ID! name: String email: String role: Role }
    enum Role { ADMIN GUEST }
    union Pet = Cat | Dog
    type Cat { name: String } type Dog { name: String }";

fn verdict(new: &str, operations: &str) -> Vec<String> {
    let files = vec![("ops.graphql".to_owned(), Format::Document, operations.to_owned())];
    let (changes, _) = judged(OLD, new, files);
    let mut shown: Vec<String> =
        changes.iter().map(|change| format!("{} {}", change.severity.name(), change.id)).collect();
    shown.sort();
    shown
}

#[test]
fn a_removal_that_nobody_uses_is_safe() {
    let new = OLD.replace("email: String ", "");
    assert_eq!(verdict(&new, "{ user { name } }"), ["safe FIELD_REMOVED:User.email"]);
    assert_eq!(verdict(&new, "{ user { email } }"), ["breaking FIELD_REMOVED:User.email"]);
}

#[test]
fn a_stricter_type_is_breaking_where_an_operation_shows_it() {
    let new = OLD.replace("type Dog { name: String }", "type Dog { name: String! }");
    let merged = "{ pet { ... on Cat { n: name } ... on Dog { n: name } } }";
    assert_eq!(verdict(&new, "{ pet { ... on Dog { name } } }"), ["safe FIELD_TYPE_CHANGED:Dog.name"]);
    assert_eq!(verdict(&new, merged), ["breaking FIELD_TYPE_CHANGED:Dog.name"]);
}

#[test]
fn values_of_variables_are_unknown() {
    let old = "type Query { users(role: Role): Int } enum Role { ADMIN GUEST }";
    let new = "type Query { users(role: Role): Int } enum Role { ADMIN }";
    let severity = |text: &str| {
        let files = vec![("ops.graphql".to_owned(), Format::Document, text.to_owned())];
        judged(old, new, files).0[0].severity
    };
    assert_eq!(severity("{ users(role: ADMIN) }"), Severity::Safe);
    assert_eq!(severity("{ users(role: GUEST) }"), Severity::Breaking);
    assert_eq!(severity("query($r: Role) { users(role: $r) }"), Severity::Breaking);
}

#[test]
fn fragments_of_other_files_count_and_errors_keep_their_places() {
    let new = OLD.replace("email: String ", "");
    let files = vec![
        ("a.graphql".to_owned(), Format::Document, "\n\nquery A { user { ...F } }\nquery B { user { id } }".to_owned()),
        ("f.graphql".to_owned(), Format::Document, "# shared\nfragment F on User {\n  id\n  email\n}".to_owned()),
    ];
    let (changes, judged) = judged(OLD, &new, files);
    assert_eq!(judged.iter().filter(|one| one.is_broken()).count(), 1);
    let error = &judged[0].errors_after[0];
    assert_eq!((error.file.as_str(), error.line, error.column), ("f.graphql", 4, 3));
    assert_eq!(changes[0].usage.as_ref().unwrap().broken, ["A"]);
}

#[test]
fn usage_logs_name_clients_and_count() {
    let new = OLD.replace("email: String ", "");
    let log = r#"{"operation":"{ user { email } }","client":"web","count":3,"last_seen":"2026-01-01T00:00:00Z"}
{"operation":"{ user {   email } }","client":{"name":"ios","version":"2.1"},"count":4,"last_seen":"2026-02-01T00:00:00Z"}
{"operation":"Profile","client":"tv","fields":["Query.user","User.email"],"count":5}
{"operation":"Other","fields":["Query.user","User.id"],"count":5}"#;
    let (changes, judged) = judged(OLD, &new, vec![("usage.jsonl".to_owned(), Format::UsageLog, log.to_owned())]);
    let usage = changes[0].usage.as_ref().unwrap();
    assert_eq!(judged.len(), 3);
    assert_eq!(judged[0].operation.last_seen.as_deref(), Some("2026-02-01T00:00:00Z"));
    assert_eq!((usage.clients.join(" "), usage.count, usage.broken.len()), ("web ios@2.1 tv".to_owned(), 12, 2));
}

#[test]
fn an_operation_of_a_list_has_its_own_fragments() {
    let new = OLD.replace("email: String ", "");
    let mail = "query Mail { user { ...F } } fragment F on User { email }";
    let name = "query Name { user { ...F } } fragment F on User { name }";
    let files =
        [("a.json", mail), ("b.json", name)].map(|(file, text)| (file.to_owned(), Format::Listed, text.to_owned()));
    let (changes, judged) = judged(OLD, &new, files.to_vec());
    assert_eq!(judged.len(), 2);
    assert_eq!(changes[0].usage.as_ref().unwrap().broken, ["Mail"]);
}

#[test]
fn operations_in_program_code_are_read() {
    let new = OLD.replace("email: String ", "");
    let page = "import { gql } from 'x'\n\nexport const Q = gql`\n  query Mail { user { ...F } }\n  ${F}\n`;\n";
    let parts = "const F = gql`fragment F on User { email }`; const schema = gql`type A { b: Int }`;";
    let files = [("page.tsx", page), ("parts.ts", parts)];
    let files = files.map(|(file, code)| (file.to_owned(), Format::Program, code.to_owned()));
    let (changes, judged) = judged(OLD, &new, files.to_vec());
    assert_eq!((judged.len(), judged[0].operation.line), (1, 4));
    assert_eq!(changes[0].usage.as_ref().unwrap().broken, ["Mail"]);
    assert_eq!((judged[0].errors_after[0].file.as_str(), judged[0].errors_after[0].line), ("parts.ts", 1));
}

#[test]
fn operations_may_defer_and_stream() {
    let operation = "query Later { user { ... @defer(label: \"mail\") { email } } }";
    let files = |text: &str| vec![("ops.graphql".to_owned(), Format::Document, text.to_owned())];
    let (_, same) = judged(OLD, OLD, files(operation));
    assert_eq!((same.len(), same[0].errors_before.len(), same[0].errors_after.len()), (1, 0, 0));
    let (changes, removed) = judged(OLD, &OLD.replace("email: String ", ""), files(operation));
    assert_eq!((removed[0].errors_before.len(), removed[0].errors_after.len()), (0, 1));
    assert_eq!(changes[0].usage.as_ref().unwrap().broken, ["Later"]);
}

#[test]
fn what_is_not_known_before_a_program_runs_is_reported() {
    let file = |name: &str, text: &str| OperationFile {
        file: name.to_owned(),
        text: text.to_owned(),
        format: Format::of(name).unwrap(),
        name: None,
        client: None,
    };
    let code = "gql`query A { a ...F ...G ...H }`; gql`query B { ${fields} }`; gql`fragment G on T { g }`";
    let read = read(vec![
        file("page.ts", code),
        file("g.graphql", "fragment G on T { other }"),
        file("h.graphql", "fragment H on T { h }"),
        file("again.vue", "gql`fragment H on T { h }`"),
    ]);
    assert_eq!((read.operations.len(), read.problems.len(), read.unread.len()), (1, 0, 1));
    assert_eq!((read.unread[0].file.as_deref(), read.unread[0].line), (Some("page.ts"), Some(1)));
    assert_eq!(read.operations[0].missing_fragments, ["F"]);
    // Each template is a document of its own.
    assert_eq!(read.operations[0].ambiguous_fragments, ["G"]);
}

#[test]
fn one_bad_operation_does_not_hide_the_others() {
    let file = |text: &str, format| OperationFile {
        file: "ops".to_owned(),
        text: text.to_owned(),
        format,
        name: None,
        client: None,
    };
    let check = |text: &str, format, code: &str, place: Option<usize>, known: usize| {
        let Read { operations, problems, .. } = read(vec![file(text, format)]);
        assert_eq!(operations.len(), known, "{text}");
        assert_eq!(problems[0].code, code, "{text}");
        assert_eq!(problems[0].line, place, "{text}");
    };
    check("query A { a }\nquery B { a\n", Format::Document, "OPERATION_SYNTAX", Some(2), 2);
    check("type A { b: Int }", Format::Document, "OPERATION_SYNTAX", None, 0);
    check("{\"operation\":\"{ a }\"}\nnonsense", Format::UsageLog, "USAGE_LOG", Some(2), 1);
    check("{ a", Format::Listed, "OPERATION_SYNTAX", Some(1), 1);
    check("\ngql`{ a`", Format::Program, "OPERATION_SYNTAX", Some(2), 1);
    check(&"{a".repeat(100_000), Format::Document, "OPERATION_SYNTAX", Some(1), 1);
}
