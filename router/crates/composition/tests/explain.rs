//! Every code is explained, and the page of codes is as the code says. `UPDATE_EXPECT=1` writes the page anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{Code, codes_page, explain};

#[test]
fn every_code_has_a_paragraph_and_an_example() {
    for code in Code::ALL {
        let explanation = explain(*code);
        assert!(!explanation.summary.is_empty(), "{code} has no summary");
        assert!(!explanation.text.is_empty(), "{code} has no text");
        assert!(!explanation.example.is_empty(), "{code} has no example");
    }
}

#[test]
fn the_page_of_codes_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/composition-codes.md");
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, codes_page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == codes_page(), "run this test with UPDATE_EXPECT=1 to write docs/composition-codes.md");
}
