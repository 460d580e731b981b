//! The work of the proof grows with what a schema says, and is bounded.
//!
//! Work is counted, not timed: the bounds hold on every machine. Each shape is proven twice, the second time twice as large.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its report")]

use std::fmt::Write;

use super::prove_within;
use super::walk::Proof;
use crate::checks::Context;
use crate::codes::Code;
use crate::compose::Composer;
use crate::merge::merge;
use crate::subgraph::sdl::SubgraphSdl;

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@requires\", \"@provides\", \"@override\"])\n";

fn prove(sdls: impl IntoIterator<Item = String>, limit: u64) -> Proof {
    let subgraphs = sdls.into_iter().enumerate().map(|(n, sdl)| SubgraphSdl {
        name: format!("s{n:04}"),
        sdl: format!("{LINK}{sdl}"),
        ..SubgraphSdl::default()
    });
    let subgraphs = Composer::default().prepare(&subgraphs.collect::<Vec<_>>()).unwrap();
    let merged = merge(&subgraphs);
    assert!(merged.errors.is_empty(), "{:?}", merged.errors.first());
    prove_within(&Context { subgraphs: &subgraphs, draft: &merged.draft, features: &merged.features }, limit)
}

/// Holds the growth of work from a size to its double.
#[track_caller]
fn check(size: usize, most_growth: f64, sdls: impl Fn(usize) -> Vec<String>) {
    let work = [size, 2 * size].map(|size| {
        let proof = prove(sdls(size), u64::MAX);
        assert!(proof.errors.is_empty(), "{}", proof.errors[0]);
        proof.work as f64
    });
    let growth = work[1] / work[0];
    assert!(growth < most_growth, "twice the size is {growth:.2} times the work: {work:?}");
}

/// Linear, with room for what is done once.
const LINEAR: f64 = 2.5;
/// What doubles in two ways.
const QUADRATIC: f64 = 4.5;

#[test]
fn a_union_of_members_that_each_return_it() {
    check(100, LINEAR, |members| {
        let mut sdl = String::from("type Query { u: U }\nunion U =");
        (0..members).for_each(|n| write!(sdl, " | M{n}").unwrap());
        (0..members).for_each(|n| write!(sdl, "\ntype M{n} {{ u: U us: [U!] }}").unwrap());
        vec![sdl]
    });
}

#[test]
fn interfaces_and_implementations() {
    // Each implementation names each interface: the schema itself grows so.
    check(20, QUADRATIC, |size| {
        let mut sdl = String::from("type Query { id: ID ");
        (0..size).for_each(|n| write!(sdl, "i{n}: I{n} ").unwrap());
        sdl.push('}');
        let all: Vec<String> = (0..size).map(|n| format!("I{n}")).collect();
        (0..size).for_each(|n| write!(sdl, "\ninterface I{n} {{ id: ID i{n}: I{n} }}").unwrap());
        let fields: String = (0..size).map(|n| format!("i{n}: I{n} ")).collect();
        (0..size)
            .for_each(|n| write!(sdl, "\ntype T{n} implements {} {{ id: ID {fields} }}", all.join(" & ")).unwrap());
        vec![sdl]
    });
}

fn sharing(subgraphs: usize, entities: usize) -> Vec<String> {
    let one = |s| {
        let mut sdl = format!("type Query {{ q{s}: T0 }}\n");
        for t in 0..entities {
            let next = (t + 1) % entities;
            let _ = writeln!(sdl, "type T{t} @key(fields: \"id\") {{ id: ID! next: T{next} @shareable own{s}: Int }}");
        }
        sdl
    };
    (0..subgraphs).map(one).collect()
}

#[test]
fn subgraphs_that_share_entities() {
    check(10, LINEAR, |size| sharing(size, 20));
    check(10, LINEAR, |size| sharing(20, size));
}

#[test]
fn subgraphs_that_share_a_nested_key() {
    check(10, QUADRATIC, |size| {
        let one = |s| {
            format!(
                "type Query {{ q{s}: T }} type T @key(fields: \"o {{ id }}\") {{ o: O own{s}: Int }} type O @key(fields: \"id\") {{ id: ID! }}"
            )
        };
        (0..size).map(one).collect()
    });
}

#[test]
fn a_chain_of_keys() {
    // From each of the subgraphs that require something, the whole chain is gone through.
    check(20, QUADRATIC, |size| {
        let one = |s: usize| match s {
            0 => "type Query { t: T } type T @key(fields: \"k0\") { k0: ID! f0: Int }".to_owned(),
            _ => format!(
                "type T @key(fields: \"k{0}\") @key(fields: \"k{s}\") {{ k{0}: ID! k{s}: ID! f0: Int @external f{s}: Int @requires(fields: \"f0\") }}",
                s - 1
            ),
        };
        (0..size).map(one).collect()
    });
}

#[test]
fn requirements_of_requirements() {
    check(50, LINEAR, |size| {
        let names: Vec<String> = (0..size).map(|n| format!("b{n}")).collect();
        let mut a = String::from("type Query { t: T } type T @key(fields: \"id\") { id: ID! ");
        (0..size).for_each(|n| write!(a, "a{n}: Int ").unwrap());
        let mut b = String::from("type T @key(fields: \"id\") { id: ID! ");
        (0..size).for_each(|n| write!(b, "a{n}: Int @external b{n}: Int @requires(fields: \"a{n}\") ").unwrap());
        let mut c =
            format!("type T @key(fields: \"id\") {{ id: ID! wide: Int @requires(fields: \"{}\") ", names.join(" "));
        names.iter().for_each(|name| write!(c, "{name}: Int @external ").unwrap());
        [a, b, c].map(|sdl| sdl + "}").into()
    });
}

#[test]
fn keys_of_a_type() {
    check(100, LINEAR, |size| {
        let fields: String = (0..size).map(|n| format!("k{n}: ID! ")).collect();
        let keys: String = (0..size).map(|n| format!("@key(fields: \"id k{n}\") ")).collect();
        let one = |s: usize| format!("type Query {{ q{s}: T }} type T {keys} {{ id: ID! {fields} f{s}: Int }}");
        (0..5).map(one).collect()
    });
}

#[test]
fn provided_fields() {
    check(50, LINEAR, |size| {
        let names: Vec<String> = (0..size).map(|n| format!("f{n}")).collect();
        let fields = |directive: &str| names.iter().map(|name| format!("{name}: Int {directive} ")).collect::<String>();
        let provides = names.join(" ");
        vec![
            format!(
                "type Query {{ t: T @provides(fields: \"{provides}\") }} type T @key(fields: \"id\") {{ id: ID! {} }}",
                fields("@external")
            ),
            format!("type T @key(fields: \"id\") {{ id: ID! {} }}", fields("@shareable")),
        ]
    });
}

/// One subgraph with a union, and another with the fields that each member provides of the next.
fn providing(members: usize) -> Vec<String> {
    let mut sdls = [String::from("type Query { u: U } union U ="), String::new()];
    (0..members).for_each(|n| write!(sdls[0], " | M{n}").unwrap());
    for n in 0..members {
        let next = (n + 1) % members;
        write!(
            sdls[0],
            " type M{n} @key(fields: \"id\") {{ id: ID! x: Int @external u: U @provides(fields: \"... on M{next} {{ x }}\") }}"
        )
        .unwrap();
        write!(sdls[1], " type M{n} @key(fields: \"id\") {{ id: ID! x: Int @shareable }}").unwrap();
    }
    sdls.into()
}

#[test]
fn members_that_each_provide_something_else() {
    // Each member is looked at below each other one, and is met in one new way.
    check(50, QUADRATIC, providing);
    let work = prove(providing(200), u64::MAX).work;
    assert!(work < 100_000, "{work} for 200 members");
}

#[test]
fn members_whose_fields_are_in_different_subgraphs() {
    check(50, LINEAR, |members| {
        let one = |s: usize| {
            let mut sdl = format!("type Query {{ u{s}: U }} union U =");
            (0..members).for_each(|n| write!(sdl, " | M{n}").unwrap());
            for n in 0..members {
                let field = if (n >> s) % 2 == 1 || s == 0 { "u: U @shareable" } else { "" };
                write!(sdl, " type M{n} @key(fields: \"id\") {{ id: ID! {field} }}").unwrap();
            }
            sdl
        };
        (0..4).map(one).collect()
    });
}

#[test]
fn messages_name_so_many_types_and_count_the_others() {
    let union = |members: std::ops::Range<usize>| {
        let mut sdl = String::from("type Query { u: U @shareable } union U =");
        members.clone().for_each(|n| write!(sdl, " | M{n:03}").unwrap());
        members.for_each(|n| write!(sdl, " type M{n:03} @key(fields: \"id\") {{ id: ID! }}").unwrap());
        sdl
    };
    let proof = prove([union(0..50), union(0..51)], u64::MAX);
    let message = &proof.hints[0].message;
    assert!(message.contains("\"M048\" and \"M049\",\n"), "{message}");
    assert!(message.contains("\"M048\", \"M049\" and 1 more."), "{message}");
}

#[test]
fn shared_mutations() {
    check(10, LINEAR, |size| {
        let one = |s: usize| {
            let mutations: String = (0..size).map(|n| format!("m{n}: T0 @shareable ")).collect();
            let mut sdl = format!("type Query {{ q{s}: Int }} type Mutation {{ {mutations} }}");
            (0..size).for_each(|n| {
                write!(sdl, " type T{n} @key(fields: \"id\") {{ id: ID! next: T{} @shareable }}", (n + 1) % size)
                    .unwrap();
            });
            sdl
        };
        (0..4).map(one).collect()
    });
}

#[test]
fn labels_of_their_own() {
    check(20, LINEAR, |size| {
        let mut sdls = [String::from("type Query { t0: T0 } "), String::new()];
        for n in 0..size {
            let next = (n + 1) % size;
            write!(sdls[0], "type T{n} @key(fields: \"id\") {{ id: ID! next: T{next} @shareable }} ").unwrap();
            write!(sdls[1], "type T{n} @key(fields: \"id\") {{ id: ID! next: T{next} @shareable @override(from: \"s0000\", label: \"l{n}\") }} ").unwrap();
        }
        sdls.into()
    });
}

#[test]
fn too_much_work_is_an_error() {
    let proof = prove(sharing(10, 10), 100);
    let codes: Vec<Code> = proof.errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [Code::MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED]);
    assert!(proof.work < 2_000, "{}", proof.work);
}
