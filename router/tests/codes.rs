//! The codes of errors that have a label of their own in metrics are those that the router gives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use braid_telemetry::codes::OWN;

/// The crates whose errors reach clients.
const CRATES: [&str; 20] = [
    "authentication",
    "authorization",
    "cache",
    "cache-invalidation",
    "coprocessor",
    "demand-control",
    "events",
    "executor",
    "gateway",
    "graphql",
    "mcp",
    "mock",
    "persisted-operations",
    "policy-server",
    "query-planner",
    "rate-limit",
    "server",
    "stand-in",
    "transport",
    "wasm",
];

/// What looks like a code in their sources and is none: kinds of types in introspection, a code in a test, and a variable of Cargo.
const NO_CODES: [&str; 4] = ["INPUT_OBJECT", "NON_NULL", "CIRCUIT_OPEN", "CARGO_PKG_VERSION"];

/// The source files of those crates.
static SOURCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts = Vec::new();
    for name in CRATES {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(name).join("src"), &mut texts);
    }
    texts
});

#[test]
fn each_label_is_a_code_that_some_crate_gives() {
    let missing: Vec<_> =
        OWN.iter().filter(|code| !SOURCES.iter().any(|text| text.contains(&format!("\"{code}\"")))).collect();
    assert!(missing.is_empty(), "no crate gives {missing:?}");
}

#[test]
fn each_code_is_documented() {
    let page = std::fs::read_to_string("../docs/errors.md").unwrap();
    let missing: Vec<_> = OWN.iter().filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
    let documented = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let unknown: Vec<_> =
        documented.flat_map(|codes| codes.split(", ")).map(|code| code.trim().trim_matches('`')).collect();
    let unknown: Vec<_> = unknown.into_iter().filter(|code| !OWN.contains(code)).collect();
    assert!(unknown.is_empty(), "docs/errors.md has {unknown:?}, which the router does not give");
}

#[test]
fn each_code_that_a_crate_gives_has_a_label() {
    let constructors = ["GraphQLError::new(", "Refusal::fixed("];
    let given: BTreeSet<_> = SOURCES
        .iter()
        .flat_map(|text| constructors.iter().flat_map(|constructor| text.split(constructor).skip(1)))
        .filter_map(|arguments| arguments.split(')').next()?.split('"').nth(1))
        .filter(|text| text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    assert!(given.len() > 10, "the constructors have other names: {given:?}");
    let missing: Vec<_> = given.iter().filter(|code| !OWN.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?} have no label");
}

#[test]
fn each_code_in_the_sources_is_documented() {
    let pages = ["../docs/errors.md", "../docs/caching.md"].map(|page| std::fs::read_to_string(page).unwrap());
    let is_code = |text: &&str| {
        let letters = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        letters && text.contains('_') && text.starts_with(|first: char| first.is_ascii_uppercase())
    };
    let found: BTreeSet<_> = SOURCES
        .iter()
        .flat_map(|text| text.split('"'))
        .filter(is_code)
        .filter(|text| !NO_CODES.contains(text))
        .collect();
    assert!(found.len() > 90, "{found:?}");
    let missing: Vec<_> =
        found.iter().filter(|code| !pages.iter().any(|page| page.contains(&format!("`{code}`")))).collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
}

fn sources(folder: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}
