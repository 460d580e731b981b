//! Reports: verdicts and exit codes, allowances, and the seven forms.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::Arc;

use braid_schema_checks::check::{CheckInput, Version, check};
use braid_schema_checks::config::{AllowEntry, ChecksConfig, FailOn};
use braid_schema_checks::operations::{Format as OperationFormat, OperationFile, read};
use braid_schema_checks::output::{Format, render};
use braid_schema_checks::problem::Problem;
use braid_schema_checks::report::{Composition, Diagnostic, Report, Verdict};
use braid_schema_checks::sources::SourceFile;
use braid_supergraph::Supergraph;
use serde_json::Value;

const HEADER: &str = include_str!("federation/header.graphql");
const GRAPHS: &str = "enum join__Graph { A @join__graph(name: \"a\", url: \"http://a\") B @join__graph(name: \"b\", url: \"http://b\") }";

fn version(fields: &str) -> Version {
    let supergraph =
        Supergraph::read(&format!("{HEADER}{GRAPHS} type T @join__type(graph: A) {{ {fields} }}")).unwrap();
    let text = format!("type Query {{ t: T }}\ntype T {{ {fields} }}\n");
    Version {
        label: "supergraph.yaml".to_owned(),
        files: vec![SourceFile { subgraph: Some("a".to_owned()), file: "a.graphql".to_owned(), text }],
        supergraph: Some(Arc::new(supergraph)),
        composition: Some(Composition { ok: true, ..Composition::default() }),
    }
}

fn input(old: &str, new: &str, operations: &str) -> CheckInput {
    let file = OperationFile {
        file: "ops.graphql".to_owned(),
        text: operations.to_owned(),
        format: OperationFormat::Document,
        name: None,
        client: Some("web".to_owned()),
    };
    CheckInput {
        base: Some(version(old)),
        head: version(new),
        operations: read(vec![file]).operations,
        ..CheckInput::default()
    }
}

fn broken() -> Report {
    check(input("x: Int y: Int", "x: Int", "query Q { t { y } }"))
}

#[test]
fn verdicts_and_exit_codes() {
    let of = |report: &Report| (report.verdict, report.exit_code());
    assert_eq!(of(&check(input("x: Int", "x: Int", "{ t { x } }"))), (Verdict::Pass, 0));
    assert_eq!(of(&check(input("x: Int", "x(a: Int): Int", "{ t { x } }"))), (Verdict::Warn, 0));
    assert_eq!(of(&broken()), (Verdict::Fail, 1));
    assert_eq!(of(&check(input("x: Int y: Int", "x: Int", "{ t { x } }"))), (Verdict::Pass, 0));
    assert_eq!(of(&check(input("x: Int y: Int", "x: Int", ""))), (Verdict::Fail, 1));

    let mut dangerous = input("x: Int", "x(a: Int): Int", "{ t { x } }");
    dangerous.config.check.fail_on = FailOn::Dangerous;
    assert_eq!(of(&check(dangerous)), (Verdict::Fail, 1));

    let mut unreadable = input("x: Int", "x: Int", "{ t { x } }");
    unreadable.problems.push(Problem::in_file("UNREADABLE", "the file can't be read", "ops/a.graphql"));
    assert_eq!(of(&check(unreadable)), (Verdict::Fail, 4));

    let mut config = input("x: Int", "x: Int", "{ t { x } }");
    config.config.lint = serde_json::from_str(r#"{"rules": {"NOPE": "error"}}"#).unwrap();
    assert_eq!(of(&check(config)), (Verdict::Fail, 3));

    let mut composing = input("x: Int y: Int", "x: Int", "{ t { y } }");
    composing.head.supergraph = None;
    let error = Diagnostic {
        code: "NO_QUERIES".to_owned(),
        message: "No subgraph has a query.".to_owned(),
        coordinate: None,
        locations: Vec::new(),
        help: None,
    };
    composing.head.composition = Some(Composition { ok: false, errors: vec![error], hints: Vec::new() });
    let report = check(composing);
    assert_eq!(of(&report), (Verdict::Fail, 2));
    assert!(render(&report, Format::Table, false).contains("NO_QUERIES"));
}

#[test]
fn contracts_are_checked_each_by_itself() {
    let mut input = input(
        "x: Int @tag(name: \"public\") y: Int @tag(name: \"public\")",
        "x: Int @tag(name: \"public\") y: Int",
        "query Q { t { x } } query R { t { y } }",
    );
    input.config = serde_json::from_str::<ChecksConfig>(
        r#"{"contracts": {"public": {"exclude": ["internal"]}, "none": {"include": ["nobody"]}}}"#,
    )
    .unwrap();
    let report = check(input);
    assert_eq!(report.contracts["none"].error.as_ref().unwrap().code, "QUERY_ROOT_TYPE_INACCESSIBLE");
    assert_eq!(report.exit_code(), 2);
    assert!(report.contracts["public"].changes.is_empty());

    let mut input = self::input(
        "x: Int y: Int",
        "x: Int y: Int @tag(name: \"internal\")",
        "query Q { t { x } } query R { t { y } }",
    );
    input.config =
        serde_json::from_str::<ChecksConfig>(r#"{"contracts": {"public": {"exclude": ["internal"]}}}"#).unwrap();
    let report = check(input);
    assert_eq!(
        report.changes.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(),
        ["TAG_ADDED:T.y:@tag(name: \"internal\")"]
    );
    let contract = &report.contracts["public"];
    assert_eq!(contract.changes[0].id, "FIELD_REMOVED:T.y");
    assert_eq!(contract.operations.as_ref().unwrap().broken[0].id, "R");
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn deliberate_breaks_are_let_through_with_a_reason_and_for_a_time() {
    let run = |until: Option<&str>, id: &str| {
        let mut input = input("x: Int y: Int", "x: Int", "");
        let entry =
            AllowEntry { id: id.to_owned(), reason: "Nobody uses it.".to_owned(), until: until.map(str::to_owned) };
        input.config.check.allow.push(entry);
        input.today = Some("2027-01-15".to_owned());
        check(input)
    };
    let allowed = run(None, "FIELD_REMOVED:T.y");
    assert_eq!((allowed.exit_code(), allowed.summary.allowed, allowed.summary.breaking), (0, 1, 0));
    assert_eq!(run(Some("2027-01-15"), "FIELD_REMOVED:T.y").exit_code(), 0);
    let late = run(Some("2027-01-14"), "FIELD_REMOVED:T.y");
    assert_eq!(late.exit_code(), 1);
    assert!(late.notes[0].contains("expired"));
    let stale = run(None, "FIELD_REMOVED:T.z");
    assert_eq!(stale.exit_code(), 1);
    assert!(stale.notes[0].contains("matches no change"));
}

#[test]
fn table_has_colours_only_when_asked() {
    let report = broken();
    assert!(!render(&report, Format::Table, false).contains('\u{1b}'));
    assert!(render(&report, Format::Table, true).contains("\u{1b}[31m"));
    let text = render(&report, Format::Table, false);
    for part in [
        "FIELD_REMOVED",
        "breaks Q",
        "a.graphql:2:6",
        "sent by web",
        "id: FIELD_REMOVED:T.y",
        "failed: 1 breaking change",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn json_has_its_documented_form() {
    let value: Value = serde_json::from_str(&render(&broken(), Format::Json, false)).unwrap();
    assert_eq!((&value["version"], &value["verdict"]), (&1.into(), &"fail".into()));
    let change = &value["changes"][0];
    assert_eq!((&change["kind"], &change["severity"]), (&"FIELD_REMOVED".into(), &"breaking".into()));
    assert_eq!(change["usage"]["clients"][0], "web");
    assert_eq!(change["locations"][1]["side"], "old");
    assert_eq!(change["rollout"]["first"], "router");
    assert_eq!(value["operations"]["broken"][0]["errors"][0]["line"], 1);
    assert_eq!(value["summary"]["broken_operations"], 1);
}

#[test]
fn forms_for_tools() {
    let report = broken();
    let github = render(&report, Format::GitHub, false);
    assert!(
        github.starts_with("::error file=a.graphql,line=2,endLine=2,col=6,endColumn=7,title=FIELD_REMOVED::"),
        "{github}"
    );
    let gitlab: Value = serde_json::from_str(&render(&report, Format::GitLab, false)).unwrap();
    assert_eq!(gitlab[0]["location"]["path"], "a.graphql");
    assert_ne!(gitlab[0]["fingerprint"], gitlab[1]["fingerprint"]);
    let sarif: Value = serde_json::from_str(&render(&report, Format::Sarif, false)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
    let junit = render(&report, Format::JUnit, false);
    assert!(junit.contains("failures=\"2\"") && junit.contains("<failure type=\"FIELD_REMOVED\""), "{junit}");
    let markdown = render(&report, Format::Markdown, false);
    assert!(markdown.starts_with("### ❌ Schema check failed"), "{markdown}");
    assert!(markdown.contains("| Q | web | 0 |"), "{markdown}");
}

#[test]
fn texts_of_schemas_do_not_escape_into_forms() {
    let evil = "\u{1b}[31m<b>&\"|\n::error::`x`";
    let mut report = Report::new("new");
    report.problems.push(Problem::in_file("CODE", evil, "a,b:c\n.graphql"));
    report.conclude();
    assert!(!render(&report, Format::Table, false).contains('\u{1b}'));
    assert_eq!(render(&report, Format::GitHub, false).lines().count(), 2);
    assert!(render(&report, Format::GitHub, false).contains("file=a%2Cb%3Ac%0A.graphql"));
    let junit = render(&report, Format::JUnit, false);
    assert!(junit.contains("&lt;b&gt;&amp;&quot;") && !junit.contains('\u{1b}'), "{junit}");
    assert!(!render(&report, Format::Markdown, false).contains("<b>"));
}
