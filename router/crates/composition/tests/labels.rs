//! Override labels: a verdict holds for every combination of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;
use std::fmt::Write;

use braid_composition::{Code, SubgraphSdl, compose};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@requires\", \"@override\"])\n";

fn subgraphs<S: AsRef<str>>(sdls: impl IntoIterator<Item = S>) -> Vec<SubgraphSdl> {
    let named = sdls.into_iter().zip('a'..);
    named
        .map(|(sdl, name)| SubgraphSdl {
            name: name.to_string(),
            sdl: format!("{LINK}{}", sdl.as_ref()),
            ..SubgraphSdl::default()
        })
        .collect()
}

/// The codes of the errors, and their messages.
fn verdict(subgraphs: &[SubgraphSdl]) -> (BTreeSet<Code>, String) {
    let errors = compose(subgraphs).result.err().unwrap_or_default();
    (errors.iter().map(|e| e.code).collect(), errors.iter().map(|e| format!("{e}\n")).collect())
}

fn check<const N: usize>(sdls: [&str; N], is_satisfiable: bool) {
    let (codes, messages) = verdict(&subgraphs(sdls));
    let expected = if is_satisfiable { BTreeSet::new() } else { BTreeSet::from([Code::SATISFIABILITY_ERROR]) };
    assert_eq!(codes, expected, "{messages}");
}

/// To the planners of other routers a labelled field is in neither subgraph while they resolve a condition.
#[test]
fn no_condition_rests_on_a_field_that_is_being_moved() {
    let a = "type Query { t: T } type T @key(fields: \"id\") { id: ID! g: Int }";
    let c = "type T @key(fields: \"id\") { id: ID! g: Int @external f: Int @requires(fields: \"g\") }";
    let moved = "type T @key(fields: \"id\") { id: ID! g: Int @override(from: \"a\", label: \"l\") }";
    check([a, moved, c], false);
    let taken = "type T @key(fields: \"id\") { id: ID! g: Int @override(from: \"a\") }";
    check([a, taken, c], true);

    // A third subgraph that has the field for good is enough.
    check(
        [
            "type Query { t: T } type T @key(fields: \"id\") { id: ID! g: Int @shareable }",
            "type T @key(fields: \"id\") { id: ID! g: Int @shareable @override(from: \"a\", label: \"l\") }",
            c,
            "type T @key(fields: \"id\") { id: ID! g: Int @shareable }",
        ],
        true,
    );
    check(
        [
            "type Query { t: T } type T @key(fields: \"id\") { id: ID! g: G } type G { x: Int @shareable }",
            "type T @key(fields: \"id\") { id: ID! g: G @override(from: \"a\", label: \"l\") } type G { x: Int @shareable }",
            "type T @key(fields: \"id\") { id: ID! g: G @external f: Int @requires(fields: \"g { x }\") } type G { x: Int @external }",
        ],
        false,
    );
    check(
        [
            "type Query { t: T } type T @key(fields: \"id\") { id: ID! k: ID! @shareable }",
            "type T @key(fields: \"id\") { id: ID! k: ID! @shareable @override(from: \"a\", label: \"l\") }",
            "type T @key(fields: \"k\") { k: ID! f: Int }",
        ],
        false,
    );
}

#[test]
fn a_field_that_is_being_moved_may_require_others() {
    check(
        [
            "type Query { t: T } type T @key(fields: \"id\") { id: ID! g: Int f: Int }",
            "type T @key(fields: \"id\") { id: ID! g: Int @external f: Int @requires(fields: \"g\") @override(from: \"a\", label: \"l\") }",
        ],
        true,
    );
}

/// Two labels must be on and two off, which neither all on nor all off, nor one alone, would show.
#[test]
fn labels_that_fail_together_are_found_and_named() {
    let sdls = |last: &str| {
        subgraphs([
            "type Query { v: V } type V @key(fields: \"id\") { id: ID! w: W @shareable } type W { x: Int @shareable }",
            "type V @key(fields: \"id\") { id: ID! w: W @shareable @override(from: \"a\", label: \"l0\") }
             type W { x: Int @shareable @override(from: \"e\", label: \"l2\") }",
            "type V @key(fields: \"id\") { id: ID! w: W @shareable } type W { x: Int @shareable }",
            "type V @key(fields: \"id\") { id: ID! w: W @shareable @override(from: \"c\", label: \"l1\") }
             type W { x: Int @shareable @override(from: \"f\", label: \"l3\") }",
            "type W { x: Int @shareable }",
            last,
        ])
    };
    let (codes, messages) = verdict(&sdls("type W { x: Int @shareable }"));
    assert_eq!(codes, BTreeSet::from([Code::SATISFIABILITY_ERROR]), "{messages}");
    for label in ["\"l0\" is on", "\"l1\" is on", "\"l2\" is off", "\"l3\" is off"] {
        assert!(messages.contains(label), "{label} is not in {messages}");
    }
    let (codes, messages) = verdict(&sdls("type X { x: Int }"));
    assert!(codes.is_empty(), "{messages}");
}

/// As many labels as anyone likes, where each field is moved by itself.
#[test]
fn many_independent_labels_are_quick() {
    let mut sdls = [String::from("type Query { t0: T0 } "), String::new()];
    for n in 0..300 {
        let _ =
            write!(sdls[0], "type T{n} @key(fields: \"id\") {{ id: ID! f: Int next: T{} @shareable }} ", (n + 1) % 300);
        let _ = write!(
            sdls[1],
            "type T{n} @key(fields: \"id\") {{ id: ID! f: Int @override(from: \"a\", label: \"l{n}\") next: T{} @shareable @override(from: \"a\", label: \"m{n}\") }} ",
            (n + 1) % 300
        );
    }
    let (codes, messages) = verdict(&subgraphs(sdls));
    assert!(codes.is_empty(), "{messages}");
}

/// A small generator of numbers: the cases are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Some of the subgraphs, at least one.
    fn some(&mut self, of: &[usize]) -> Vec<usize> {
        let first = of[self.below(of.len())];
        of.iter().copied().filter(|one| *one == first || self.chance(45)).collect()
    }
}

/// A field and the subgraphs that have it.
struct Field {
    name: String,
    ty: String,
    subgraphs: Vec<usize>,
    /// The subgraph that takes it over, the one that it is taken from, and the label.
    moved: Option<(usize, usize, usize)>,
}

struct Type {
    name: String,
    subgraphs: Vec<usize>,
    /// The subgraphs that can be entered by `id`.
    keys: Vec<usize>,
    fields: Vec<Field>,
    /// A field that requires another one, and its subgraph.
    requiring: Option<(usize, String)>,
}

const LABELS: usize = 6;

fn random_types(random: &mut Random) -> (usize, Vec<Type>) {
    let count = 2 + random.below(3);
    let all: Vec<usize> = (0..count).collect();
    let mut types: Vec<Type> = (0..2 + random.below(4))
        .map(|n| {
            let subgraphs = random.some(&all);
            let keys = subgraphs.iter().copied().filter(|_| random.chance(70)).collect();
            Type { name: format!("T{n}"), subgraphs, keys, fields: Vec::new(), requiring: None }
        })
        .collect();
    types.push(Type { name: "Query".into(), subgraphs: all, keys: Vec::new(), fields: Vec::new(), requiring: None });
    for at in 0..types.len() {
        for n in 0..2 + random.below(3) {
            let is_root = types[at].name == "Query";
            let target = random.below(types.len() - 1);
            let leaf = !is_root && random.chance(40);
            let ty = if leaf { "Int".to_owned() } else { types[target].name.clone() };
            let having = |s: &usize| leaf || types[target].subgraphs.contains(s);
            let possible: Vec<usize> = types[at].subgraphs.iter().copied().filter(having).collect();
            if possible.is_empty() {
                continue;
            }
            let subgraphs = random.some(&possible);
            let moved = (subgraphs.len() > 1 && random.chance(80)).then(|| {
                let to = random.below(subgraphs.len());
                let from = (to + 1 + random.below(subgraphs.len() - 1)) % subgraphs.len();
                (subgraphs[to], subgraphs[from], random.below(LABELS))
            });
            let name = format!("f{n}");
            types[at].fields.push(Field { name, ty, subgraphs, moved });
        }
        let (ty, random) = (&mut types[at], &mut *random);
        let required = ty.fields.iter().find(|field| field.ty == "Int" && field.moved.is_none());
        if let (Some(required), true) = (required, random.chance(50)) {
            let other = ty.keys.iter().find(|s| !required.subgraphs.contains(s));
            ty.requiring = other.map(|s| (*s, required.name.clone()));
        }
    }
    (count, types)
}

/// The subgraphs with their labels, or as they are when the labels are decided.
fn write(count: usize, types: &[Type], decided: Option<usize>) -> Vec<SubgraphSdl> {
    let sdls = (0..count).map(|s| {
        let mut sdl = String::new();
        for ty in types.iter().filter(|ty| ty.subgraphs.contains(&s)) {
            let key = if ty.keys.contains(&s) { "@key(fields: \"id\")" } else { "" };
            let _ = write!(sdl, "type {} {key} {{ ", ty.name);
            let _ = match ty.name.as_str() {
                "Query" => write!(sdl, "own{s}: Int "),
                _ => write!(sdl, "id: ID! @shareable "),
            };
            for field in ty.fields.iter().filter(|field| field.subgraphs.contains(&s)) {
                let is_on = |label: usize| decided.map(|on| on >> label & 1 == 1);
                let directive = match field.moved.filter(|(to, ..)| *to == s) {
                    Some((_, from, label)) => {
                        let from = ('a'..).nth(from).unwrap();
                        match is_on(label) {
                            None => format!("@override(from: \"{from}\", label: \"l{label}\")"),
                            Some(true) => format!("@override(from: \"{from}\")"),
                            Some(false) => continue,
                        }
                    }
                    None => String::new(),
                };
                let _ = write!(sdl, "{}: {} @shareable {directive} ", field.name, field.ty);
            }
            if let Some((_, required)) = ty.requiring.as_ref().filter(|(at, _)| *at == s) {
                let _ = write!(sdl, "{required}: Int @external r: Int @requires(fields: \"{required}\") ");
            }
            sdl.push_str("}\n");
        }
        sdl
    });
    subgraphs(sdls.collect::<Vec<_>>())
}

/// The combination that a message says the failure is seen in. What it does not mention is off.
fn named(message: &str) -> usize {
    (0..LABELS).filter(|label| message.contains(&format!("\"l{label}\" is on"))).map(|label| 1 << label).sum()
}

#[test]
fn verdicts_are_those_of_trying_all_combinations() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    // Satisfiable or not in all combinations, or in some.
    let (mut always, mut never, mut sometimes, mut most) = (0, 0, 0, 0);
    for _ in 0..100 {
        let (count, types) = random_types(&mut random);
        let used: BTreeSet<usize> = types.iter().flat_map(|ty| &ty.fields).filter_map(|f| Some(f.moved?.2)).collect();
        most = most.max(used.len());
        let labelled = write(count, &types, None);
        let text = || labelled.iter().map(|s| format!("# {}\n{}", s.name, &s.sdl[LINK.len()..])).collect::<String>();
        let (codes, messages) = verdict(&labelled);
        let mut failing = BTreeSet::new();
        let all: usize = used.iter().map(|label| 1 << label).sum();
        let combinations: Vec<usize> = (0..1 << LABELS).filter(|on| on & !all == 0).collect();
        for on in combinations.iter().copied() {
            let (codes, messages) = verdict(&write(count, &types, Some(on)));
            let is_other = |code: &Code| *code != Code::SATISFIABILITY_ERROR;
            assert!(!codes.iter().any(is_other), "{}\n{messages}", text());
            if !codes.is_empty() {
                failing.insert(on);
            }
        }
        assert_eq!(codes.is_empty(), failing.is_empty(), "fails in {failing:?}, says {messages}\n{}", text());
        for message in messages.split("SATISFIABILITY_ERROR: ").skip(1) {
            let example = named(message);
            assert!(failing.contains(&example), "fails in {failing:?}, but not in {example} of {message}\n{}", text());
        }
        match failing.len() {
            0 => always += 1,
            n if n == combinations.len() => never += 1,
            _ => sometimes += 1,
        }
    }
    let counts = format!("{always} always, {never} never, {sometimes} sometimes, {most} labels at most");
    assert!(always > 10 && never > 5 && sometimes > 10 && most == LABELS, "{counts}");
}
