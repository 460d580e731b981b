//! `braid migrate`: what it makes can be used as it is.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, Output};

use braid::config::Config;
use braid_migration::{Peer, migrate};
use braid_settings::expand::Values;
use serde_json::Value;

/// An environment in which every variable is set.
struct Everything;

impl Values for Everything {
    fn env(&self, name: &str) -> Option<String> {
        let value = match name {
            _ if name.ends_with("_FILE") => return None,
            _ if name.ends_with("URL") => "http://value.example/graphql",
            // Secrets have a length.
            _ => "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        };
        Some(value.to_owned())
    }

    fn file(&self, path: &str) -> Result<String, Error> {
        if path.starts_with("/secrets/") { Ok("secret".to_owned()) } else { Err(ErrorKind::NotFound.into()) }
    }
}

#[test]
fn every_migrated_configuration_is_valid() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/migration/tests/cases");
    let mut count = 0;
    for (folder, peer) in [("apollo", Peer::Apollo), ("hive", Peer::Hive), ("cosmo", Peer::Cosmo)] {
        for entry in std::fs::read_dir(cases.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(".router.yaml") {
                continue;
            }
            let yaml = migrate(peer, &std::fs::read_to_string(&path).unwrap(), "config.yaml").unwrap().yaml;
            let config = Config::parse(&yaml, &Everything);
            assert!(config.is_ok(), "{}: {}\n{yaml}", path.display(), braid_net::chain(&config.unwrap_err()));
            count += 1;
        }
    }
    assert!(count >= 7, "{count}");
}

fn braid(folder: &Path, line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_braid")).arg("migrate").args(line).current_dir(folder).output().unwrap()
}

#[test]
fn the_command_says_what_has_no_equal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("apollo.yaml"), "supergraph:\n  listen: 127.0.0.1:4321\nrhai: { main: a }\n").unwrap();
    let output = braid(path, &["apollo", "apollo.yaml", "-o", "router.yaml"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{errors}");
    assert!(errors.contains("apollo.yaml:3:1 rhai: no equal: "), "{errors}");
    let valid = Command::new(env!("CARGO_BIN_EXE_braid"))
        .args(["config", "validate", "router.yaml"])
        .current_dir(path)
        .output();
    assert!(valid.unwrap().status.success());

    let json: Value =
        serde_json::from_slice(&braid(path, &["apollo", "apollo.yaml", "--format", "json"]).stdout).unwrap();
    let note = json["notes"].as_array().unwrap().iter().find(|note| note["key"] == "rhai").unwrap();
    assert_eq!((&note["line"], &note["column"], &note["kind"]), (&3.into(), &1.into(), &"no_equal".into()));
    assert!(json["router_yaml"].as_str().unwrap().contains("listen: \"127.0.0.1:4321\""));
    assert_eq!(json["problem"], Value::Null);
}

#[test]
fn what_can_not_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "a: [1\n").unwrap();
    let code = |line: &[&str]| braid(folder.path(), line).status.code();
    assert_eq!(code(&["hive", "broken.yaml"]), Some(3));
    assert_eq!(code(&["hive", "absent.yaml"]), Some(4));
    assert_eq!(code(&["kong", "broken.yaml"]), Some(3));
}
