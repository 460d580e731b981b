//! Supergraphs and operations that grow by a number. Measures nothing.

use std::fmt::Write as _;

fn header(subgraphs: usize) -> String {
    let mut sdl = String::from(
        "schema @link(url: \"https://specs.apollo.dev/link/v1.0\") \
         @link(url: \"https://specs.apollo.dev/join/v0.3\", for: EXECUTION) { query: Query }\n\
         directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA\n\
         directive @join__graph(name: String!, url: String!) on ENUM_VALUE\n\
         directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR\n\
         directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION\n\
         directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE\n\
         scalar join__FieldSet\nscalar link__Import\nenum link__Purpose { SECURITY EXECUTION }\nenum join__Graph {\n",
    );
    for subgraph in 0..subgraphs {
        let _ = writeln!(sdl, "  S{subgraph} @join__graph(name: \"s{subgraph}\", url: \"http://s{subgraph}\")");
    }
    sdl.push_str("}\n");
    sdl
}

fn in_all(subgraphs: usize, key: &str) -> String {
    let key = if key.is_empty() { String::new() } else { format!(", key: \"{key}\"") };
    (0..subgraphs).map(|subgraph| format!(" @join__type(graph: S{subgraph}{key})")).collect()
}

/// Users, products, stock and reviews: requirements, provided fields, and a circle of references.
pub(crate) fn shop() -> String {
    let mut sdl = header(4);
    sdl.push_str(
        "type Item @join__type(graph: S1, key: \"code\") @join__type(graph: S2, key: \"code\") @join__type(graph: S3, key: \"code\") {
            code: String!
            mass: Int @join__field(graph: S1, external: true) @join__field(graph: S2)
            cost: Int @join__field(graph: S1, external: true) @join__field(graph: S2)
            available: Boolean @join__field(graph: S1)
            postage: Int @join__field(graph: S1, requires: \"cost mass\")
            title: String @join__field(graph: S2)
            opinions: [Opinion] @join__field(graph: S3)
        }
        type Query @join__type(graph: S0) @join__type(graph: S1) @join__type(graph: S2) @join__type(graph: S3) {
            people: [Person] @join__field(graph: S0)
            bestItems(first: Int = 5): [Item] @join__field(graph: S2)
        }
        type Opinion @join__type(graph: S3, key: \"id\") {
            id: ID!
            text: String
            item: Item
            by: Person @join__field(graph: S3, provides: \"login\")
        }
        type Person @join__type(graph: S0, key: \"id\") @join__type(graph: S3, key: \"id\") {
            id: ID!
            fullName: String @join__field(graph: S0)
            login: String @join__field(graph: S0) @join__field(graph: S3, external: true)
            opinions: [Opinion] @join__field(graph: S3)
        }",
    );
    sdl
}

/// Some ninety fields in four stages.
pub(crate) fn shop_operation() -> String {
    "fragment P on Person { id login fullName } fragment O on Opinion { id text }
     fragment I on Item { available title cost postage code mass }
     query Shop {
        people { ...P opinions { ...O item { ...I opinions { ...O by { ...P opinions { ...O item { ...I } } } } } } }
        bestItems { ...I opinions { ...O by { ...P opinions { ...O item { ...I } } } } }
     }"
    .to_owned()
}

/// `types` entities in three of `subgraphs` each, pointing to one another.
pub(crate) fn web(subgraphs: usize, types: usize) -> String {
    let mut sdl = header(subgraphs);
    let _ = writeln!(sdl, "type Query{} {{ start: T0 @join__field(graph: S0) }}", in_all(subgraphs, ""));
    let homes_of = |ty: usize| -> Vec<usize> {
        (0..3).map(|part| if ty == 0 && part == 0 { 0 } else { (ty * 7 + part * 3) % subgraphs }).collect()
    };
    let next_of = |ty: usize, part: usize| (ty * 5 + part * 11 + 1) % types;
    // Whoever points to a type knows its key.
    let mut referrers = vec![Vec::new(); types];
    for ty in 0..types {
        for (part, home) in homes_of(ty).into_iter().enumerate() {
            referrers[next_of(ty, part)].push(home);
        }
    }
    for (ty, referrers) in referrers.iter_mut().enumerate() {
        let homes = homes_of(ty);
        referrers.sort_unstable();
        referrers.dedup();
        referrers.retain(|referrer| !homes.contains(referrer));
        let mut joins: String = homes.iter().map(|home| format!(" @join__type(graph: S{home}, key: \"id\")")).collect();
        for referrer in referrers {
            let _ = write!(joins, " @join__type(graph: S{referrer}, key: \"id\", resolvable: false)");
        }
        let _ = writeln!(sdl, "type T{ty}{joins} {{ id: ID!");
        for (part, home) in homes.iter().enumerate() {
            for field in 0..4 {
                let _ = writeln!(sdl, "  f{part}{field}: String @join__field(graph: S{home})");
            }
            let next = next_of(ty, part);
            let _ = writeln!(sdl, "  r{part}: T{next} @join__field(graph: S{home})");
        }
        let shared: String = homes.iter().map(|home| format!(" @join__field(graph: S{home})")).collect();
        let _ = writeln!(sdl, "  name: String{shared}\n}}");
    }
    sdl
}

/// Two references followed at each of `depth` levels.
pub(crate) fn web_operation(depth: usize) -> String {
    fn level(depth: usize, out: &mut String) {
        out.push_str(" id name f00 f01 f10 f11 f20 f21");
        if depth > 0 {
            for reference in ["r0", "r1"] {
                let _ = write!(out, " {reference} {{");
                level(depth - 1, out);
                out.push('}');
            }
        }
    }
    let mut text = String::from("{ start {");
    level(depth, &mut text);
    text.push_str("} }");
    text
}

/// One reference followed at each of `depth` levels.
pub(crate) fn deep_operation(depth: usize) -> String {
    let mut text = String::from("{ start {");
    (0..depth).for_each(|_| text.push_str(" name f00 f10 f20 r1 {"));
    text.push_str(" id ");
    (0..depth).for_each(|_| text.push('}'));
    text.push_str("} }");
    text
}

/// An interface with `count` implementations, whose fields are spread over `subgraphs`.
pub(crate) fn implementations(count: usize, subgraphs: usize) -> String {
    let mut sdl = header(subgraphs);
    let _ = writeln!(sdl, "type Query{} {{ nodes: [Node] @join__field(graph: S0) }}", in_all(subgraphs, ""));
    sdl.push_str("interface Node @join__type(graph: S0) { id: ID! common: String here: String next: [Node] }\n");
    for ty in 0..count {
        let other = 1 + ty % (subgraphs - 1);
        let _ = writeln!(
            sdl,
            "type N{ty} implements Node @join__implements(graph: S0, interface: \"Node\") @join__type(graph: S0, key: \"id\") \
             @join__type(graph: S{other}, key: \"id\") {{ id: ID! here: String @join__field(graph: S0) common: String @join__field(graph: S{other}) \
             next: [Node] @join__field(graph: S0) own{ty}: String @join__field(graph: S{other}) }}"
        );
    }
    sdl
}

/// The common fields, and one fragment for each implementation, on three levels.
pub(crate) fn implementations_operation(count: usize) -> String {
    let fragments: String = (0..count).map(|ty| format!(" ... on N{ty} {{ own{ty} }}")).collect();
    format!(
        "{{ nodes {{ id here common {fragments} next {{ here common {fragments} next {{ id common {fragments} }} }} }} }}"
    )
}

/// Entities nested `levels` deep, all of whose `fields` every subgraph resolves.
pub(crate) fn shared(subgraphs: usize, fields: usize, levels: usize) -> String {
    let mut sdl = header(subgraphs);
    let _ = writeln!(sdl, "type Query{} {{ start: L0 }}", in_all(subgraphs, ""));
    for level in 0..levels {
        let _ = writeln!(sdl, "type L{level}{} {{ id: ID!", in_all(subgraphs, "id"));
        (0..fields).for_each(|field| {
            let _ = writeln!(sdl, "  f{field}: String");
        });
        let own = level % subgraphs;
        let _ = writeln!(sdl, "  own: String @join__field(graph: S{own})");
        if level + 1 < levels {
            let _ = writeln!(sdl, "  next: L{}", level + 1);
        }
        sdl.push_str("}\n");
    }
    sdl
}

pub(crate) fn shared_operation(fields: usize, levels: usize) -> String {
    let fields: String = (0..fields).map(|field| format!(" f{field}")).collect();
    let mut text = String::from("{ start {");
    for level in 0..levels {
        text.push_str(&fields);
        text.push_str(" own");
        if level + 1 < levels {
            text.push_str(" next {");
        }
    }
    text.push_str(&"}".repeat(levels));
    text.push('}');
    text
}

/// Value types nested `levels` deep that all subgraphs share; at the bottom each has a field of its own.
pub(crate) fn split(subgraphs: usize, levels: usize) -> String {
    let mut sdl = header(subgraphs);
    let _ = writeln!(sdl, "type Query{} {{ start: V0 }}", in_all(subgraphs, ""));
    for level in 0..levels {
        let _ = writeln!(sdl, "type V{level}{} {{ name: String", in_all(subgraphs, ""));
        if level + 1 < levels {
            let _ = writeln!(sdl, "  next: V{}", level + 1);
        } else {
            (0..subgraphs).for_each(|subgraph| {
                let _ = writeln!(sdl, "  own{subgraph}: String @join__field(graph: S{subgraph})");
            });
        }
        sdl.push_str("}\n");
    }
    sdl
}

pub(crate) fn split_operation(subgraphs: usize, levels: usize) -> String {
    let own: String = (0..subgraphs / 2).map(|subgraph| format!(" own{}", subgraph * 2)).collect();
    let nested = "name next {".repeat(levels - 1);
    format!("{{ start {{ {nested} name {own} {} }} }}", "}".repeat(levels - 1))
}

/// An entity whose subgraphs are reached one from the other only.
pub(crate) fn chain(length: usize) -> String {
    let mut sdl = header(length);
    let _ = writeln!(sdl, "type Query{} {{ start: C @join__field(graph: S0) }}", in_all(length, ""));
    let mut joins = String::new();
    for subgraph in 0..length {
        if subgraph > 0 {
            let _ = write!(joins, " @join__type(graph: S{subgraph}, key: \"k{}\")", subgraph - 1);
        }
        let _ = write!(joins, " @join__type(graph: S{subgraph}, key: \"k{subgraph}\")");
    }
    let _ = writeln!(sdl, "type C{joins} {{");
    for subgraph in 0..length {
        let next =
            if subgraph + 1 < length { format!(" @join__field(graph: S{})", subgraph + 1) } else { String::new() };
        let _ = writeln!(sdl, "  k{subgraph}: ID! @join__field(graph: S{subgraph}){next}");
        let _ = writeln!(sdl, "  f{subgraph}: String @join__field(graph: S{subgraph})");
    }
    sdl.push_str("}\n");
    sdl
}

pub(crate) fn chain_operation(length: usize) -> String {
    format!("{{ start {{ f0 f{} }} }}", length - 1)
}
