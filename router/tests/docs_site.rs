//! `braid docs`: what it writes where, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::path::Path;
use std::process::Command;

/// Runs `braid docs …` in a folder. Returns the exit code, the output, and the messages.
fn docs(folder: &Path, line: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_braid")).arg("docs").args(line).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn schema(file: &str) -> String {
    format!("{}/../schema/{file}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shop_is_documented_with_its_operations() {
    let folder = tempfile::tempdir().unwrap();
    let (graph, operations) = (schema("supergraph.graphql"), schema("operations"));
    let line = [&*graph, "--out", "site", "--operations", &operations, "--title", "The shop"];
    let (code, out, errors) = docs(folder.path(), &line);
    assert_eq!((code, out.as_str()), (0, ""), "{errors}");
    assert!(errors.ends_with("files are written; open site/index.html\n"), "{errors}");
    let read = |file: &str| std::fs::read_to_string(folder.path().join("site").join(file)).unwrap();
    assert!(read("index.html").contains("<h1>The shop</h1>"));
    assert!(read("types/Product.html").contains("unitsSold"));
    assert!(read("operations.html").contains("BestSellers"));
    assert!(!folder.path().join("site/types/StockReservation.html").exists());
    // Again, now from the subgraphs and with what clients don't see.
    let (code, _, errors) = docs(folder.path(), &[&schema("supergraph.yaml"), "--out", "site", "--internal"]);
    assert_eq!(code, 0, "{errors}");
    assert!(read("types/StockReservation.html").contains("internal"));
    assert!(!folder.path().join("site/operations.html").exists());
}

#[test]
fn what_can_not_be_documented_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let graph = schema("supergraph.graphql");
    std::fs::create_dir(path.join("full")).unwrap();
    std::fs::write(path.join("full/mine.txt"), "").unwrap();
    std::fs::write(path.join("plain.graphql"), "type Query { a: Int }").unwrap();
    std::fs::write(path.join("old.graphql"), "query Old { nothing }").unwrap();
    let refused = |line: &[&str], code: i32, expected: &str| {
        let (found, _, errors) = docs(path, line);
        assert_eq!(found, code, "{errors}");
        assert!(errors.contains(expected), "{errors}");
    };
    refused(&[&graph, "--out", "full"], 3, "full is not empty and was not written by `braid docs`");
    refused(&[&graph, "--out", "full/mine.txt"], 3, "is a file; choose a folder");
    refused(&["plain.graphql", "--out", "site"], 3, "this schema is not a supergraph");
    refused(&["absent.graphql", "--out", "site"], 4, "absent.graphql can't be read");
    refused(&[&graph], 3, "--out");
    assert!(!path.join("site").exists());
    refused(
        &[&graph, "--out", "site", "--operations", "old.graphql"],
        0,
        "warning: \"Old\" (old.graphql) is left out: ",
    );
}
