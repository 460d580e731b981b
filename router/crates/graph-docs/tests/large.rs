//! A large graph: what its site takes. `TYPES=20000 SUBGRAPHS=200` sets how large it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a panic in a test is its report; its figures are for people"
)]

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use braid_graph_docs::{Output, SiteOptions, write_site};
use braid_supergraph::Supergraph;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[derive(Default)]
struct Sizes {
    largest: (usize, String),
}

impl Output for Sizes {
    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        if content.len() > self.largest.0 && path.ends_with(".html") {
            self.largest = (content.len(), path.to_owned());
        }
        Ok(())
    }
}

/// Types of which every tenth is an entity that up to four subgraphs share, each with ten fields that lead to others.
fn sdl(types: usize, subgraphs: usize) -> String {
    let mut out = String::from(
        r#"schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
"#,
    );
    out.push_str("enum join__Graph {\n");
    for n in 0..subgraphs {
        let _ = writeln!(out, "S{n} @join__graph(name: \"service-{n}\", url: \"http://{n}.example\")");
    }
    out.push_str("}\ntype Query\n");
    (0..subgraphs).for_each(|n| out.push_str(&format!("@join__type(graph: S{n})\n")));
    out.push_str("{\n");
    for n in (0..types).step_by(20) {
        let _ = writeln!(out, "find{n}(id: ID!): Type{n} @join__field(graph: S{})", n % subgraphs);
    }
    out.push_str("}\n");
    for n in 0..types {
        let shared = if n % 10 == 0 { 1 + n / 10 % 4 } else { 1 };
        let _ = writeln!(
            out,
            "\"\"\"The **{n}**th type. It leads to `Type{}` and others.\"\"\"\ntype Type{n}",
            (n + 1) % types
        );
        for k in 0..shared {
            let key = if n % 10 == 0 { ", key: \"id\"" } else { "" };
            let _ = writeln!(out, "@join__type(graph: S{}{key})", (n + k) % subgraphs);
        }
        out.push_str("{ id: ID!\n");
        for k in 0..9 {
            let _ = writeln!(
                out,
                "\"A field with a description of some length, as people write them.\" field{k}(first: Int = 10): [Type{}!]",
                (n * 7 + k) % types
            );
        }
        out.push_str("}\n");
    }
    out
}

#[test]
fn a_large_graph_is_written_in_bounded_memory() {
    let number = |name: &str, or: usize| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (types, subgraphs) = (number("TYPES", 2000), number("SUBGRAPHS", 200));
    let supergraph = Supergraph::read(&sdl(types, subgraphs)).unwrap();
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let begun = Instant::now();
    let mut sizes = Sizes::default();
    let options = SiteOptions { title: "Large".to_owned(), internal: false };
    let summary = write_site(&supergraph, &options, &[], &mut sizes).unwrap();
    let (time, memory) = (begun.elapsed(), (MEMORY.peak_usage() - before) / (1 << 20));
    println!(
        "{} types: {} files, {} MB in {:.1} s; {memory} MB of memory beside the supergraph; the largest page is {} with {} KB",
        summary.types,
        summary.files,
        summary.bytes >> 20,
        time.as_secs_f64(),
        sizes.largest.1,
        sizes.largest.0 >> 10,
    );
    assert_eq!(summary.types, types + 1);
    assert!(summary.bytes < (types as u64 + 1000) * 12_000, "{}", summary.bytes);
    assert!(memory < 64, "{memory} MB");
    assert!(sizes.largest.0 < 1 << 20, "{:?}", sizes.largest);
}
