//! The verdicts of another validator on documents of its own: a file with one JSON object a line, `{"schema", "query", "valid"}`, which
//! `VALIDATION_CASES` names. Without it, nothing is compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_graphql::compiler::Schema as SourceSchema;
use braid_graphql::parse::{ParseLimits, parse_operation};
use braid_graphql::schema::Schema;
use braid_graphql::syntax;
use braid_graphql::validate::{Verdict, judge};
use braid_graphql::view::ApiView;

#[test]
fn agrees_with_another_validator() {
    let Ok(path) = std::env::var("VALIDATION_CASES") else {
        println!("skipped: VALIDATION_CASES names no file");
        return;
    };
    let (mut differ, mut valid, mut proven, mut all) = (Vec::new(), 0, 0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (sdl, text) = (case["schema"].as_str().unwrap(), case["query"].as_str().unwrap());
        // What is no schema here is not compared.
        let Ok(api) = SourceSchema::parse_and_validate(sdl, "schema.graphql") else { continue };
        let own = Schema::new(&api).unwrap();
        let expected = case["valid"].as_bool().unwrap();
        let found = parse_operation(&api, &own, text, ParseLimits::default());
        if found.is_ok() != expected {
            let why = found.err().map(|errors| errors[0].message.clone());
            differ.push(format!("{} expected, {why:?}:{text}", if expected { "valid" } else { "invalid" }));
        }
        let document = syntax::parse(text, &ParseLimits::default());
        proven +=
            usize::from(document.is_ok_and(|document| judge(&document, ApiView::all(&api), &own) == Verdict::Valid));
        valid += usize::from(expected);
        all += 1;
    }
    println!("{all} cases, {valid} valid, of which {proven} are proven");
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}
