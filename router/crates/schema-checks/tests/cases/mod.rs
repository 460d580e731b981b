//! Reads the labelled corpus. `corpus/README.md` says what a case looks like.

use std::collections::BTreeSet;
use std::path::Path;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
    #[allow(dead_code, reason = "the references have their own expectations")]
    pub(crate) expected: BTreeSet<String>,
}

pub(crate) fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files.iter().flat_map(|path| read(&std::fs::read_to_string(path).unwrap())).collect()
}

fn read(text: &str) -> Vec<Case> {
    text.split("## ").skip(1).map(case).collect()
}

fn case(text: &str) -> Case {
    let mut lines = text.lines();
    let name = lines.next().unwrap().to_owned();
    let mut case = Case { name, old: String::new(), new: String::new(), expected: BTreeSet::new() };
    for line in lines.filter(|line| !line.trim().is_empty()) {
        match line.split_at(2) {
            ("= ", sdl) => {
                case.old.push_str(&format!("{sdl}\n"));
                case.new.push_str(&format!("{sdl}\n"));
            }
            ("- ", sdl) => case.old.push_str(&format!("{sdl}\n")),
            ("+ ", sdl) => case.new.push_str(&format!("{sdl}\n")),
            _ => assert!(case.expected.insert(line.to_owned()), "{}: {line} twice", case.name),
        }
    }
    // A root of another name is said in a schema definition.
    if ![&case.old, &case.new].iter().any(|sdl| sdl.contains("type Query {") || sdl.contains("query:")) {
        case.old.push_str("type Query { ok: Int }\n");
        case.new.push_str("type Query { ok: Int }\n");
    }
    case
}
