//! What compiled operations count in the cache is what they take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::Path;
use std::sync::Arc;

use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_supergraph::Supergraph;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Many operations with one selection each, and some with many.
fn texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schema/operations");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let fields = |count: usize| {
        let field =
            |at: usize| format!("a{at}: products(first: {at}) {{ nodes {{ id name stock price {{ amount }} }} }} ");
        format!("{{ {} }}", (0..count).map(field).collect::<String>())
    };
    files.chain([1, 10, 50].map(fields)).collect()
}

#[test]
fn operations_count_what_they_take() {
    let sdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schema/supergraph.graphql");
    let supergraph = Supergraph::read(&std::fs::read_to_string(sdl).unwrap()).unwrap();
    let limits = LimitsConfig { max_root_fields: 1_000, max_aliases: 10_000, ..LimitsConfig::default() };
    let mut compiler = Compiler::new(Arc::new(supergraph), limits);
    for keeps_source in [false, true] {
        compiler.keeps_source = keeps_source;
        for text in texts() {
            // What is made once by the first is not counted.
            drop(compiler.compile(&text, None).unwrap_or_else(|_| panic!("{text}")));
            let before = PeakAlloc.current_usage();
            let compiled: Vec<_> =
                (0..20).map(|_| compiler.compile(&text, None).unwrap_or_else(|_| panic!("{text}"))).collect();
            let taken = (PeakAlloc.current_usage() - before) / compiled.len();
            let counted = compiled[0].weight();
            println!("{counted} counted, {taken} taken: {:.60}", text.replace('\n', " "));
            // What is kept for people to see is estimated.
            let (least, most) = if keeps_source { (50, 200) } else { (90, 110) };
            let percent = counted * 100 / taken;
            assert!((least..=most).contains(&percent), "{counted} counted, {taken} taken: {text}");
        }
    }
}
