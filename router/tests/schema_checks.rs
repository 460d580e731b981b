//! `braid check`, `diff`, `lint` and contracts as a user types them, in git repositories of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const YAML: &str = "federation_version: =2.9
subgraphs:
  users: { routing_url: http://users/, schema: { file: ./users.graphql } }
  orders: { routing_url: http://orders/, schema: { file: ./orders.graphql } }
";
const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@shareable\", \"@tag\"])\n";
const USERS: &str = "type Query { me: User }
type User @key(fields: \"id\") {
  id: ID!
  name: String
  email: String
  age: Int
}
";
const ORDERS: &str = "type Query { orders: [Order!] }
type Order @key(fields: \"id\") { id: ID! buyer: User }
type User @key(fields: \"id\") { id: ID! orders: [Order!] }
";

struct Repository(tempfile::TempDir);

impl Repository {
    /// A repository with one commit.
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.write("supergraph.yaml", YAML);
        repository.write("users.graphql", &format!("{LINK}{USERS}"));
        repository.write("orders.graphql", &format!("{LINK}{ORDERS}"));
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("First");
        repository
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", message]);
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(from), "{from} is not in {file}");
        self.write(file, &text.replace(from, to));
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git").args(arguments).current_dir(self.path()).status().unwrap();
        assert!(status.success());
    }

    fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_braid"))
            .args(line.split_whitespace())
            .current_dir(self.path())
            .env_remove("GITHUB_STEP_SUMMARY")
            .output()
            .unwrap()
    }

    /// Runs a command that must exit with this code and print these texts.
    fn check(&self, line: &str, code: i32, says: &[&str]) -> String {
        let output = self.run(line);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "braid {line}\n{text}");
        for part in says {
            assert!(text.contains(part), "\"{part}\" is not in what `braid {line}` says:\n{text}");
        }
        text
    }
}

#[test]
fn check_against_a_commit_a_folder_and_a_supergraph() {
    let repository = Repository::new();
    repository.check("check supergraph.yaml --against HEAD", 0, &["Nothing changed.", "passed"]);
    repository.check("compose supergraph.yaml -o old.graphql", 0, &[]);
    let old = tempfile::tempdir().unwrap();
    for file in ["supergraph.yaml", "users.graphql", "orders.graphql"] {
        std::fs::copy(repository.path().join(file), old.path().join(file)).unwrap();
    }
    repository.edit("users.graphql", "  email: String\n", "");
    let says = ["FIELD_REMOVED", "User.email", "users.graphql:3:6", "users.graphql:6:3 (before)", "1 breaking change"];
    repository.check("check supergraph.yaml --against main", 1, &says);
    repository.check(&format!("check supergraph.yaml --against {}", old.path().display()), 1, &["User.email"]);
    repository.check("check supergraph.yaml --against old.graphql", 1, &["FIELD_REMOVED", "old.graphql"]);
    repository.check("check supergraph.yaml", 0, &["The subgraphs compose."]);
}

#[test]
fn operations_and_usage_decide_what_breaks() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  email: String\n  age: Int\n", "");
    repository.write("clients/web.graphql", "query Name { me { name } }\nquery Mail { me { email } }\n");
    repository.write(
        "usage.jsonl",
        "{\"operation\":\"{ me { email } }\",\"client\":\"ios\",\"count\":7,\"last_seen\":\"2026-11-01T00:00:00Z\"}\n",
    );
    let line = "check supergraph.yaml --against HEAD --operations clients --usage usage.jsonl --format json";
    let report: Value = serde_json::from_str(&repository.check(line, 1, &[])).unwrap();
    let severity = |id: &str| {
        let changes = report["changes"].as_array().unwrap();
        changes.iter().find(|change| change["id"] == id).unwrap()["severity"].as_str().unwrap().to_owned()
    };
    assert_eq!(severity("FIELD_REMOVED:User.email"), "breaking");
    assert_eq!(severity("FIELD_REMOVED:User.age"), "safe");
    assert_eq!(report["operations"]["total"], 3);
    assert_eq!(report["operations"]["broken"].as_array().unwrap().len(), 2);
    let broken = &report["operations"]["broken"][0];
    assert_eq!((&broken["id"], &broken["line"]), (&"Mail".into(), &2.into()));
}

#[test]
fn longer_plans_are_reported() {
    let repository = Repository::new();
    repository.write("ops.graphql", "query Names { orders { buyer { name } } }");
    // The name of a buyer now comes from another subgraph.
    repository.edit(
        "orders.graphql",
        "{ id: ID! orders: [Order!] }",
        "{ id: ID! name: String @shareable orders: [Order!] }",
    );
    repository.edit("users.graphql", "  name: String\n", "  name: String @shareable\n");
    repository.git(&["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "Share the name"]);
    repository.edit("orders.graphql", "name: String @shareable ", "");
    let says = ["Plans", "\"Names\" takes 2 fetches in 2 stages instead of 1 fetch in 1 stage", "it also asks users"];
    repository.check("check supergraph.yaml --against HEAD --operations ops.graphql", 0, &says);
}

#[test]
fn contracts_by_flags_and_by_configuration() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  email: String\n", "  email: String @tag(name: \"internal\")\n");
    let text = repository.check("compose supergraph.yaml --exclude-tags internal --api-schema api.graphql", 0, &[]);
    assert!(text.contains("@inaccessible"), "{text}");
    let api = std::fs::read_to_string(repository.path().join("api.graphql")).unwrap();
    assert!(!api.contains("email") && api.contains("name"), "{api}");
    repository.check("compose supergraph.yaml --include-tags nobody", 2, &["QUERY_ROOT_TYPE_INACCESSIBLE"]);
    repository.check("compose supergraph.yaml --contract public", 3, &["has no contracts"]);

    repository.write("supergraph.yaml", &format!("{YAML}contracts: {{ public: {{ exclude: [internal] }} }}\n"));
    repository.check("compose supergraph.yaml --contract public", 0, &["@inaccessible"]);
    let says = ["Contract public", "FIELD_REMOVED", "User.email"];
    repository.check("check supergraph.yaml --against HEAD", 1, &says);
}

#[test]
fn deliberate_breaks_need_a_reason() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  email: String\n", "");
    let line = "check supergraph.yaml --against HEAD --allow FIELD_REMOVED:User.email";
    repository.check(line, 3, &["has no reason"]);
    repository.write("allowed.yaml", "- { id: \"FIELD_REMOVED:User.email\", reason: \"Nobody reads it.\" }\n");
    repository.check(&format!("{line} --allow-file allowed.yaml"), 0, &["allowed: Nobody reads it."]);
    repository.write("allowed.yaml", "- { id: \"FIELD_REMOVED:User.email\", reason: \"\" }\n");
    repository.check(&format!("{line} --allow-file allowed.yaml"), 3, &["has no reason"]);
}

#[test]
fn several_formats_at_once() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  email: String\n", "");
    let line =
        "check supergraph.yaml --against HEAD --format github --format json=report.json --format junit=report.xml";
    repository.check(line, 1, &["::error file=users.graphql,line=3"]);
    let json = std::fs::read_to_string(repository.path().join("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["verdict"], "fail");
    assert!(std::fs::read_to_string(repository.path().join("report.xml")).unwrap().starts_with("<?xml"));
    let summary = repository.path().join("summary.md");
    let status = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["check", "supergraph.yaml", "--against", "HEAD", "--format", "github"])
        .current_dir(repository.path())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), Some(1));
    assert!(std::fs::read_to_string(summary).unwrap().contains("Schema check failed"));
    repository.check("check supergraph.yaml --format pdf", 3, &["there is no format \"pdf\""]);
}

#[test]
fn diff_takes_any_schemas() {
    let repository = Repository::new();
    repository.write("a.graphql", "type Query { a: Int b: Int }");
    repository.write("b.graphql", "type Query { a: Int }");
    repository.check("diff a.graphql b.graphql", 1, &["FIELD_REMOVED", "a.graphql:1:21 (before)"]);
    repository.check("diff b.graphql a.graphql", 0, &["FIELD_ADDED"]);
    repository.check("diff a.graphql b.graphql --fail-on none", 0, &["FIELD_REMOVED"]);
    repository.edit("users.graphql", "  email: String\n", "");
    repository.check("diff git:HEAD:users.graphql users.graphql", 1, &["FIELD_REMOVED", "User.email"]);
    repository.check("diff git:HEAD:supergraph.yaml supergraph.yaml", 1, &["FIELD_REMOVED", "rollout"]);
    repository.check("compose supergraph.yaml -o new.graphql", 0, &[]);
    repository.check("diff new.graphql new.graphql", 0, &["Nothing changed."]);
    repository.write("api.graphql", "type Query { me: User } type User { id: ID! }");
    repository.check("diff new.graphql api.graphql", 1, &["FIELD_REMOVED", "Query.orders"]);
}

#[test]
fn lint_by_file_and_by_configuration() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  age: Int\n", "  age: Int\n  bad_name: Int\n");
    let says = ["FIELD_NAMES_SHOULD_BE_CAMEL_CASE", "users.graphql:8:3", "badName"];
    repository.check("lint supergraph.yaml", 0, &says);
    repository.check("lint users.graphql", 0, &says);
    repository.write("lint.yaml", "rules: { FIELD_NAMES_SHOULD_BE_CAMEL_CASE: error }\n");
    repository.check("lint users.graphql --config lint.yaml", 1, &says);
    repository
        .write("supergraph.yaml", &format!("{YAML}lint: {{ rules: {{ FIELD_NAMES_SHOULD_BE_CAMEL_CASE: off }} }}\n"));
    repository.check("lint supergraph.yaml", 0, &["passed"]);
    repository.write("lint.yaml", "rules: { NO_SUCH_RULE: error }\n");
    repository.check("lint users.graphql --config lint.yaml", 3, &["there is no lint rule \"NO_SUCH_RULE\""]);
    repository.check("lint --list", 0, &["RELAY_CONNECTION_TYPES"]);
    repository.write("supergraph.yaml", YAML);
    repository.check("lint supergraph.yaml --against HEAD", 0, &["bad_name"]);
}

#[test]
fn dangerous_changes_can_be_allowed_by_id() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  name: String\n", "  name(short: Boolean): String\n");
    let line = "check supergraph.yaml --against HEAD --fail-on dangerous";
    let says = ["dangerous", "id: FIELD_ARGUMENT_ADDED:User.name(short:)", "1 dangerous change"];
    repository.check(line, 1, &says);
    repository.write("allowed.yaml", "- { id: \"FIELD_ARGUMENT_ADDED:User.name(short:)\", reason: Wanted. }\n");
    let says = ["allowed: Wanted.", "passed: 1 allowed change"];
    repository.check(&format!("{line} --allow-file allowed.yaml"), 0, &says);
}

#[test]
fn the_change_that_makes_a_graph_compose_passes() {
    let repository = Repository::new();
    let fine = std::fs::read_to_string(repository.path().join("users.graphql")).unwrap();
    let line = "check supergraph.yaml --against HEAD";
    for (file, broken) in [
        ("users.graphql", fine.replace("age: Int", "age: Nothing")),
        ("users.graphql", fine.replace("age: Int", "age Int")),
        ("supergraph.yaml", YAML.replace("users.graphql", "missing.graphql")),
        ("supergraph.yaml", YAML.replace("subgraphs", "subgrafs")),
    ] {
        repository.write(file, &broken);
        repository.commit("Break it");
        repository.write("users.graphql", &fine);
        repository.write("supergraph.yaml", YAML);
        repository.check(line, 0, &["HEAD", "does not compose, so nothing was compared", "The subgraphs compose."]);
        // The new version still counts.
        repository.write("ops.graphql", "query Gone { me { height } }");
        let says = ["ops.graphql:1:19", "\"Gone\" is not valid on this graph", "passed, with warnings"];
        repository.check(&format!("{line} --operations ops.graphql"), 0, &says);
        repository.edit("users.graphql", "me: User", "me: Nobody");
        repository.check(line, 2, &["Nobody"]);
        repository.write("users.graphql", &fine);
    }
}

#[test]
fn junit_tells_errors_from_failures() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  email: String\n", "");
    let text = repository.check(
        "check supergraph.yaml --against HEAD --format junit",
        1,
        &["<failure type=\"FIELD_REMOVED\""],
    );
    assert!(text.contains("failures=\"1\" errors=\"0\">\n  <testsuite name=\"input\""), "{text}");
    repository.edit("users.graphql", "age: Int", "age: Nothing");
    let text = repository.check("check supergraph.yaml --against HEAD --format junit", 2, &["<error type="]);
    assert!(!text.contains("errors=\"0\">\n  <testsuite name=\"input\""), "{text}");
    assert!(!text.contains("<failure"), "{text}");
}

#[test]
fn operations_in_unsupported_formats_are_reported() {
    let repository = Repository::new();
    repository.edit("users.graphql", "  age: Int\n", "");
    std::fs::create_dir(repository.path().join("clients")).unwrap();
    let line = "check supergraph.yaml --against HEAD --operations clients";
    repository.check(line, 1, &["clients: the folder has no operations", "NO_OPERATIONS"]);
    repository.git(&["checkout", "-q", "users.graphql"]);
    repository.check(line, 4, &["clients: the folder has no operations"]);
    repository.write("clients/web.graphql", "query Name { me { name } }\n");
    repository.edit("users.graphql", "  age: Int\n", "");
    repository.check(line, 0, &["No known operation uses it."]);
    repository.check(&format!("{line} --all-changes"), 1, &["FIELD_REMOVED:User.age"]);
    // The program might put the field in.
    repository.write("clients/page/app.tsx", "import x\nconst query = gql`{ me { ${fields} } }`\n");
    repository.check(line, 1, &["clients/page/app.tsx:2:1", "UNREAD_GQL_TAGS", "id: FIELD_REMOVED:User.age"]);
    repository.write("clients/page/app.tsx", "import x\nconst query = gql`query Age { me { age } }`\n");
    repository.write("clients/package.json", "{\"scripts\":{}}");
    repository.check(line, 1, &["clients/page/app.tsx:2", "Age", "id: FIELD_REMOVED:User.age"]);
    repository.write("clients/list.json", "{\"1\": \"query Names { me { name } }\", \"1\": \"{ me { age } }\"}");
    repository.check(line, 1, &["clients/list.json", "\"1\" is given to two different texts"]);
}

#[test]
fn file_names_are_relative_to_the_repository() {
    let repository = Repository::new();
    for file in ["supergraph.yaml", "users.graphql", "orders.graphql"] {
        let text = std::fs::read_to_string(repository.path().join(file)).unwrap();
        repository.write(&format!("graphs/shop/{file}"), &text);
    }
    repository.commit("Move it");
    repository.edit("graphs/shop/users.graphql", "  email: String\n", "");
    repository.write("graphs/shop/ops/a.graphql", "query Mail { me { email } }");
    let output = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["check", "./supergraph.yaml", "--against", "HEAD", "--operations", "./ops", "--format", "github"])
        .current_dir(repository.path().join("graphs/shop"))
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("file=graphs/shop/users.graphql,"), "{text}");
    assert!(text.contains("file=graphs/shop/ops/a.graphql,"), "{text}");
}

#[test]
fn invalid_input_is_reported_with_its_location_and_never_passes() {
    let repository = Repository::new();
    repository.check("check nowhere.yaml", 4, &["nowhere.yaml", "can't be read"]);
    repository.check("check supergraph.yaml --against nowhere", 4, &["there is no git commit \"nowhere\""]);
    repository.check("check supergraph.yaml --against=--upload-pack=x", 4, &["is not the name of a git commit"]);
    repository.check("check supergraph.yaml --operations nowhere", 4, &["nowhere", "can't be read"]);
    repository.write("ops.graphql", "query A { me { name } }\nquery B { me { ");
    repository.check(
        "check supergraph.yaml --against HEAD --operations ops.graphql",
        4,
        &["ops.graphql:2", "OPERATION_SYNTAX"],
    );
    repository.write("usage.jsonl", "{\"operation\": \"{ me { name } }\"}\nnot json\n");
    let says = ["usage.jsonl:2:", "USAGE_LOG", "1 of 1 known operations stay valid"];
    repository.check("check supergraph.yaml --against HEAD --usage usage.jsonl", 4, &says);
    repository.edit("users.graphql", "  age: Int\n", "  age Int\n");
    repository.check("check supergraph.yaml --against HEAD", 2, &["users.graphql:7"]);
    repository.check("lint users.graphql", 4, &["users.graphql:7", "SDL_SYNTAX"]);
    repository.check("diff users.graphql users.graphql", 4, &["users.graphql:7"]);
    std::fs::remove_file(repository.path().join("users.graphql")).unwrap();
    repository.check("check supergraph.yaml --against HEAD", 4, &["users.graphql: the file can't be read"]);
    repository.write("supergraph.yaml", "subgraphs: [1]\n");
    repository.check("check supergraph.yaml", 3, &["supergraph.yaml"]);
}
