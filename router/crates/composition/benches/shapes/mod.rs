//! Graphs by their shape: many subgraphs, and those on which the enumeration of paths explodes.

use std::fmt::Write;

use braid_composition::SubgraphSdl;

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@requires\"])\n";

fn subgraph(name: String, sdl: String) -> SubgraphSdl {
    SubgraphSdl { url: format!("http://{name}.test/graphql"), name, sdl, file: None }
}

/// `count` subgraphs with `types` entities each; every entity of one is extended by the next.
pub fn many(count: usize, types: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|s| {
            let mut sdl = format!("{LINK}type Query {{ root{s}: T{s}x0 }}\n");
            for t in 0..types {
                let next = (t + 1) % types;
                let _ = writeln!(sdl, "type T{s}x{t} @key(fields: \"id\") {{ id: ID! a: String b(x: Int): Int c: [T{s}x{next}!] d: E{s} }}");
                if t % 10 == 0 {
                    let p = (s + count - 1) % count;
                    let _ = writeln!(sdl, "type T{p}x{t} @key(fields: \"id\") {{ id: ID! from{s}: T{s}x{t} }}");
                }
            }
            let _ = writeln!(sdl, "enum E{s} {{ A B C }}");
            subgraph(format!("s{s:03}"), sdl)
        })
        .collect()
}

/// S_i has the keys k(i-1) and k(i): a field of the last is reached through all.
pub fn chain(count: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|i| {
            let sdl = match i {
                0 => format!("{LINK}type Query {{ t: T }}\ntype T @key(fields: \"k0\") {{ k0: ID! f0: Int }}"),
                _ => format!(
                    "{LINK}type T @key(fields: \"k{}\") @key(fields: \"k{i}\") {{ k{}: ID! k{i}: ID! f{i}: Int }}",
                    i - 1,
                    i - 1
                ),
            };
            subgraph(format!("s{i:03}"), sdl)
        })
        .collect()
}

/// All subgraphs share all types.
pub fn shared(count: usize, types: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|s| {
            let mut sdl = format!("{LINK}type Query {{ q{s}: T0 }}\n");
            for t in 0..types {
                let next = (t + 1) % types;
                let _ = writeln!(sdl, "type T{t} @key(fields: \"id\") {{ id: ID! next: T{next} @shareable name: String @shareable own{s}: Int }}");
            }
            subgraph(format!("s{s:03}"), sdl)
        })
        .collect()
}

/// One union of `count` members that each return it.
pub fn union(count: usize) -> Vec<SubgraphSdl> {
    let mut sdl = format!("{LINK}type Query {{ u: U }}\nunion U =");
    (0..count).for_each(|n| write!(sdl, " | M{n}").unwrap());
    (0..count).for_each(|n| write!(sdl, "\ntype M{n} {{ u: U us: [U!] }}").unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// Each of `count` object types implements each of `count` interfaces.
pub fn interfaces(count: usize) -> Vec<SubgraphSdl> {
    let all: Vec<String> = (0..count).map(|n| format!("I{n}")).collect();
    let fields: String = all.iter().map(|interface| format!("f{interface}: {interface} ")).collect();
    let mut sdl = format!("{LINK}type Query {{ {fields} }}");
    (0..count).for_each(|n| write!(sdl, "\ninterface I{n} {{ fI{n}: I{n} }}").unwrap());
    (0..count).for_each(|n| write!(sdl, "\ntype T{n} implements {} {{ {fields} }}", all.join(" & ")).unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// A field that requires `count` fields, each of which requires another one.
pub fn requirements(count: usize) -> Vec<SubgraphSdl> {
    let entity = |fields: String| {
        format!("{LINK}type T @key(fields: \"id\") {{ id: ID! {fields} }} type Query {{ t: T @shareable }}")
    };
    let fields = |field: &dyn Fn(usize) -> String| -> String { (0..count).map(field).collect() };
    let all = fields(&|n| format!("b{n} "));
    let sdls = [
        fields(&|n| format!("a{n}: Int ")),
        fields(&|n| format!("a{n}: Int @external b{n}: Int @requires(fields: \"a{n}\") ")),
        fields(&|n| format!("b{n}: Int @external ")) + &format!("wide: Int @requires(fields: \"{all}\")"),
    ];
    ["a", "b", "c"].into_iter().zip(sdls).map(|(name, fields)| subgraph(name.to_owned(), entity(fields))).collect()
}

/// `count` root fields in each of ten subgraphs.
pub fn roots(count: usize) -> Vec<SubgraphSdl> {
    let one = |s: usize| {
        let fields: String = (0..count).map(|n| format!("q{s}x{n}: T ")).collect();
        format!("{LINK}type Query {{ {fields} }} type T @key(fields: \"id\") {{ id: ID! f{s}: Int }}")
    };
    (0..10).map(|s| subgraph(format!("s{s}"), one(s))).collect()
}

pub fn fixture() -> Vec<SubgraphSdl> {
    #[derive(serde::Deserialize)]
    struct Case {
        subgraphs: Vec<SubgraphSdl>,
    }
    let text = include_str!("../../tests/cases/guild-fixtures.json");
    serde_json::from_str::<Vec<Case>>(text)
        .map(|cases| cases.into_iter().flat_map(|c| c.subgraphs).collect())
        .unwrap_or_default()
}

/// One interface of `count` implementations that each return it.
pub fn interface(count: usize) -> Vec<SubgraphSdl> {
    let mut sdl = format!("{LINK}type Query {{ i: I }}\ninterface I {{ i: I is: [I!] }}");
    (0..count).for_each(|n| write!(sdl, "\ntype M{n} implements I {{ i: I is: [I!] }}").unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// `count` entities in each of three subgraphs, each with a field that returns a union of all.
pub fn entities(count: usize) -> Vec<SubgraphSdl> {
    let one = |s: usize| {
        let mut sdl = format!("{LINK}type Query {{ u{s}: U{s} }}\nunion U{s} =");
        (0..count).for_each(|n| write!(sdl, " | M{n}").unwrap());
        (0..count).for_each(|n| write!(sdl, "\ntype M{n} @key(fields: \"id\") {{ id: ID! u{s}: U{s} }}").unwrap());
        subgraph(format!("s{s}"), sdl)
    };
    (0..3).map(one).collect()
}

/// `unions` unions of the same `count` members, each without one of them: no two sets of types are equal.
pub fn unions(count: usize, unions: usize) -> Vec<SubgraphSdl> {
    let mut sdl = format!("{LINK}type Query {{ u: U0 }}");
    for u in 0..unions {
        let _ = write!(sdl, "\nunion U{u} =");
        (0..count).filter(|n| *n != u).for_each(|n| write!(sdl, " | M{n}").unwrap());
    }
    (0..count).for_each(|n| write!(sdl, "\ntype M{n} {{ u: U{} }}", n % unions).unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// One union of `count` entities that each provide a field of another one below it.
pub fn provided(count: usize) -> Vec<SubgraphSdl> {
    let mut all =
        format!("{LINK}type Query {{ u: U }}\nunion U =").replace("\"@external\"", "\"@external\", \"@provides\"");
    let mut others = LINK.to_owned();
    (0..count).for_each(|n| write!(all, " | M{n}").unwrap());
    for n in 0..count {
        let next = (n + 1) % count;
        let _ = write!(
            all,
            "\ntype M{n} @key(fields: \"id\") {{ id: ID! x: Int @external u: U @provides(fields: \"... on M{next} {{ x }}\") }}"
        );
        let _ = write!(others, "\ntype M{n} @key(fields: \"id\") {{ id: ID! x: Int @shareable }}");
    }
    vec![subgraph("a".to_owned(), all), subgraph("b".to_owned(), others)]
}
