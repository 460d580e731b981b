//! The documentation matches the code: the configuration reference, the configurations that pages show, and the list of pages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::{Error, ErrorKind};

use braid::config::Config;
use braid_settings::expand::Values;
use support::page;

#[test]
fn every_option_is_described() {
    let page = std::fs::read_to_string("../docs/configuration.md").unwrap_or_default();
    assert!(
        page == braid::config::reference::markdown(),
        "docs/configuration.md is stale; refresh it with `cargo run -p braid -- config reference > docs/configuration.md`"
    );
    assert!(!page.contains("|  |"), "an option has no description");
}

#[test]
fn every_page_is_in_the_contents_of_the_site() {
    let summary = page::read("docs/SUMMARY.md");
    let pages = page::all();
    let pages = pages.iter().filter_map(|path| path.strip_prefix("docs/")).filter(|path| *path != "SUMMARY.md");
    let missing: Vec<_> = pages.filter(|path| !summary.contains(&format!("]({path})"))).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not list {missing:?}, so the site lacks them");
}

/// An environment in which every variable is set.
struct Everything;

impl Values for Everything {
    fn env(&self, name: &str) -> Option<String> {
        let value = match name {
            _ if name.ends_with("_FILE") => return None,
            _ if name.ends_with("REDIS_URL") => "redis://value.example",
            _ if name.ends_with("URL") => "http://value.example/graphql",
            // Secrets have a length.
            _ => "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        };
        Some(value.to_owned())
    }

    fn file(&self, _: &str) -> Result<String, Error> {
        Err(ErrorKind::NotFound.into())
    }
}

#[test]
fn every_configuration_that_a_page_shows_is_valid() {
    let keys: Vec<String> = page::blocks(&page::read("docs/configuration.md"))
        .iter()
        .filter_map(|block| block.text.split(':').next().map(str::to_owned))
        .collect();
    let (mut checked, mut wrong) = (0, Vec::new());
    // The reference shows options one by one, and not all of them can be alone.
    for path in page::all().iter().filter(|path| *path != "docs/configuration.md") {
        for block in page::blocks(&page::read(path)).iter().filter(|block| block.language == "yaml") {
            let mut top = block.text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            let is_router_yaml =
                top.clone().count() > 0 && top.all(|line| keys.iter().any(|key| line.split(':').next() == Some(key)));
            if is_router_yaml {
                checked += 1;
                if let Err(error) = Config::parse(&block.text, &Everything) {
                    wrong.push(format!("{path}: {}\n{}", braid_net::chain(&error), block.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked >= 15, "{checked}");
}
