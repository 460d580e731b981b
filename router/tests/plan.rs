//! `braid plan` as a user types it: each format of a plan, and the explanation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::process::Command;

use serde_json::Value;

fn plan(arguments: &[&str]) -> String {
    let supergraph = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/supergraph.graphql");
    let output = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["plan", "--supergraph", supergraph, "{ products(first: 2) { nodes { name unitsSold } } }"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_explanation_says_what_each_fetch_is_for_and_why_it_goes_there() {
    let text = plan(&["--explain"]);
    assert!(text.starts_with("QueryPlan {"), "{text}");
    for part in [
        "2 fetches, 2 stages",
        "fetch 1 (stage 2): orders",
        "waits for fetch 0 (inventory)",
        "Product is found by id",
        "for Product.unitsSold: nobody else has it",
    ] {
        assert!(text.contains(part), "{text}\nlacks {part}");
    }
}

#[test]
fn json_has_the_nested_form_with_the_requests() {
    let json: Value = serde_json::from_str(&plan(&["--format", "json"])).unwrap();
    assert_eq!(json["node"]["kind"], "Sequence");
    let first = &json["node"]["nodes"][0];
    assert_eq!((&first["kind"], &first["serviceName"]), (&"Fetch".into(), &"inventory".into()));
    assert!(first["operation"].as_str().unwrap().contains("products(first:2)"), "{first:#}");
}

#[test]
fn the_diagram_has_a_box_for_each_fetch() {
    let drawn = plan(&["--format", "mermaid"]);
    assert!(drawn.starts_with("flowchart") && drawn.contains("f0 --> f1"), "{drawn}");
}
