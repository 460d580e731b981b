//! Configurations of peers and what becomes of them. `UPDATE=1` writes what is expected; read the difference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

use std::path::Path;

use braid_migration::{Kind, Peer, migrate};
use pretty_assertions::assert_eq;

const PEERS: [(&str, Peer); 3] = [("apollo", Peer::Apollo), ("hive", Peer::Hive), ("cosmo", Peer::Cosmo)];

#[test]
fn each_case_gives_what_is_expected() {
    for (folder, peer) in PEERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| !path.to_string_lossy().ends_with(".router.yaml"));
        names.sort();
        assert!(names.len() > 1);
        for path in names {
            let name = path.file_name().unwrap().to_string_lossy();
            let migrated = migrate(peer, &std::fs::read_to_string(&path).unwrap(), &name).unwrap();
            let expected = path.with_extension("router.yaml");
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&expected, &migrated.yaml).unwrap();
            }
            assert_eq!(migrated.yaml, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
        }
    }
}

#[test]
fn unknown_keys_are_named_with_their_place() {
    for (_, peer) in PEERS {
        let migrated = migrate(peer, "a:\n  - 1\ncors:\n  max_age: soon\n  no_such: { key: 1 }\n", "x.yaml").unwrap();
        let notes: Vec<_> =
            migrated.notes.iter().filter(|note| note.place.is_some()).map(ToString::to_string).collect();
        let max_age = "4:3 cors.max_age: no equal: \"soon\" is not a duration";
        let expected = [
            "1:1 a: unknown key: no key of this name is known",
            max_age,
            "5:3 cors.no_such: unknown key: no key of this name is known",
        ];
        assert_eq!(notes, expected);
        assert!(migrated.yaml.contains(max_age), "{}", migrated.yaml);
        assert_eq!(migrated.notes.iter().filter(|note| note.kind == Kind::Unknown).count(), 2);
    }
}

#[test]
fn what_is_no_yaml_is_refused_with_its_place() {
    let error = migrate(Peer::Apollo, "a: [1\nb: 2\n", "x.yaml").unwrap_err();
    assert!(error.to_string().contains("line"), "{error}");
    assert!(migrate(Peer::Hive, "a: 1\na: 2\n", "x.yaml").unwrap_err().to_string().contains("\"a\" is given twice"));
}
