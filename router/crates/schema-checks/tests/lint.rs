//! Lint rules: for each, schemas and the elements that it finds; then options, presets and exceptions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;

use braid_schema_checks::lint::{Level, LintConfig, Linted, Preset, RULES, RuleConfig, RuleSetting, lint, only_new};
use braid_schema_checks::location::Side;
use braid_schema_checks::sources::{SourceFile, Sources};

fn run(sdl: &str, config: &LintConfig) -> Linted {
    let file = SourceFile { subgraph: Some("a".to_owned()), file: "a.graphql".to_owned(), text: sdl.to_owned() };
    let (sources, problems) = Sources::read(Side::New, vec![file]);
    assert!(problems.is_empty(), "{problems:?}");
    lint(&sources, config)
}

fn only(rule: &str) -> LintConfig {
    let rules = [(rule.to_owned(), RuleSetting::Level(Level::Warn))].into();
    LintConfig { extends: Preset::None, rules }
}

fn found(sdl: &str, config: &LintConfig) -> Vec<String> {
    run(sdl, config).findings.into_iter().map(|finding| format!("{} {}", finding.rule, finding.coordinate)).collect()
}

#[test]
fn every_rule_finds_what_it_is_for() {
    // These do nothing without options; they have tests of their own.
    let mut seen: BTreeSet<&str> = ["FORBIDDEN_PREFIX", "FORBIDDEN_SUFFIX", "TAG_DIRECTIVE_USES_UNKNOWN_NAME"].into();
    for case in include_str!("lint/cases.txt").split("## ").skip(1) {
        let mut lines = case.lines().filter(|line| !line.is_empty());
        let (rule, sdl) = (lines.next().unwrap(), lines.next().unwrap());
        let expected: BTreeSet<String> = lines.map(|coordinate| format!("{rule} {coordinate}")).collect();
        let found: BTreeSet<String> = found(sdl, &only(rule)).into_iter().collect();
        assert_eq!(found, expected, "{rule}");
        seen.insert(rule);
    }
    let missing: Vec<&str> = RULES.iter().map(|rule| rule.name).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

fn with_options(rule: &str, edit: impl Fn(&mut RuleConfig)) -> LintConfig {
    let mut config: RuleConfig = serde_json::from_str(r#"{"level": "error"}"#).unwrap();
    edit(&mut config);
    LintConfig { extends: Preset::None, rules: [(rule.to_owned(), RuleSetting::Config(config))].into() }
}

#[test]
fn options() {
    let sdl = "type FooUser { fooName: Int } enum FooKind { X }";
    let all = with_options("FORBIDDEN_PREFIX", |config| config.prefixes = vec!["Foo".to_owned(), "foo".to_owned()]);
    assert_eq!(found(sdl, &all).len(), 3);
    let fields = with_options("FORBIDDEN_PREFIX", |config| {
        config.prefixes = vec!["foo".to_owned()];
        config.kinds = vec!["field".to_owned()];
    });
    assert_eq!(found(sdl, &fields), ["FORBIDDEN_PREFIX FooUser.fooName"]);
    let excepted = with_options("FORBIDDEN_SUFFIX", |config| {
        config.suffixes = vec!["User".to_owned(), "Kind".to_owned()];
        config.names = vec!["FooUser".to_owned()];
    });
    assert_eq!(found(sdl, &excepted), ["FORBIDDEN_SUFFIX FooKind"]);
    let tags = with_options("TAG_DIRECTIVE_USES_UNKNOWN_NAME", |config| config.names = vec!["public".to_owned()]);
    let tagged = "type A { x: Int @tag(name: \"public\") y: Int @tag(name: \"pubilc\") }";
    assert_eq!(found(tagged, &tags), ["TAG_DIRECTIVE_USES_UNKNOWN_NAME A.y"]);
}

#[test]
fn presets_and_unknown_rules() {
    let sdl = "type Query { bad_name: [Int] }";
    assert_eq!(found(sdl, &LintConfig::default()), ["FIELD_NAMES_SHOULD_BE_CAMEL_CASE Query.bad_name"]);
    let all = LintConfig { extends: Preset::All, rules: [].into() };
    assert!(found(sdl, &all).len() > 3);
    let problems = run(sdl, &only("NO_SUCH_RULE")).problems;
    assert_eq!(problems[0].code, "UNKNOWN_LINT_RULE");
    assert!(serde_json::from_str::<LintConfig>(r#"{"rules": {"TYPE_PREFIX": "loud"}}"#).is_err());
}

#[test]
fn exceptions_need_a_reason_and_a_use() {
    let config = only("FIELD_NAMES_SHOULD_BE_CAMEL_CASE");
    let rule = "FIELD_NAMES_SHOULD_BE_CAMEL_CASE";
    let check =
        |sdl: &str, expected: &[&str]| assert_eq!(found(&sdl.replace("RULE", rule), &config), expected, "{sdl}");
    check("type A {\n  # lint-disable RULE -- old API\n  bad_one: Int\n}", &[]);
    check("type A {\n  bad_one: Int # lint-disable RULE -- old API\n}", &[]);
    check("# lint-disable RULE -- all of it\ntype A {\n  bad_one: Int\n  bad_two: Int\n}", &[]);
    check("# lint-disable-file RULE -- generated\ntype A { bad_one: Int }\ntype B { bad_one: Int }", &[]);
    check("type A { bad_one: Int @lintIgnore(rules: [\"RULE\"], reason: \"old\") }", &[]);
    check("type A {\n  # lint-disable RULE -- described\n  \"It is # bad.\"\n  bad_one: Int\n}", &[]);
    let finding = "FIELD_NAMES_SHOULD_BE_CAMEL_CASE A.bad_one";
    check("type A {\n  # lint-disable RULE\n  bad_one: Int\n}", &["LINT_SUPPRESSION_WITHOUT_REASON ", finding]);
    check("type A {\n  # lint-disable -- why\n  bad_one: Int\n}", &["LINT_SUPPRESSION_WITHOUT_RULE ", finding]);
    check("type A {\n  # lint-disable NOPE -- why\n  bad_one: Int\n}", &["UNKNOWN_LINT_RULE ", finding]);
    check("type A {\n  # lint-disable RULE -- why\n  good: Int\n}", &["UNUSED_LINT_SUPPRESSION "]);
    check("type A {\n  \"\"\"\n  # lint-disable RULE -- in a text\n  \"\"\"\n  bad_one: Int\n}", &[finding]);
    // It covers what follows, not what follows that.
    check("type A {\n  # lint-disable RULE -- why\n  bad_two: Int\n  bad_one: Int\n}", &[finding]);
}

#[test]
fn findings_have_places_and_only_new_ones_can_be_asked_for() {
    let config = only("FIELD_NAMES_SHOULD_BE_CAMEL_CASE");
    let old = run("type A { bad_one: Int }", &config).findings;
    let new = run("type A {\n  bad_one: Int\n  bad_two: Int\n}", &config).findings;
    assert_eq!((new[1].location.file.as_str(), new[1].location.line, new[1].location.column), ("a.graphql", 3, 3));
    let left = only_new(new, &old);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].coordinate, "A.bad_two");
}

#[test]
fn what_federation_brings_along_is_not_linted() {
    let sdl = "scalar _Any scalar link__Import union _Entity = A directive @key(fields: String!) on OBJECT
        type _Service { sdl: String } type Query { _service: _Service! _entities: [_Entity]! }
        type A @key(fields: \"id\") { id: ID! }";
    assert_eq!(found(sdl, &LintConfig::default()), Vec::<String>::new());
}
