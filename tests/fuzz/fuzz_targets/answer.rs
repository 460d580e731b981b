//! Responses of subgraphs to some operations. The first byte selects the operation and the status; the responses are separated by
//! zero bytes.
#![no_main]

use std::sync::LazyLock;

use braid_executor::CompiledOperation;
use braid_fuzz::{COMPILER, run};
use libfuzzer_sys::fuzz_target;

const OPERATIONS: [&str; 8] = [
    "{ one { id kind weight size data flag } }",
    "{ grid { id price } }",
    "{ things { __typename ... on Item { name price box { label parent { label items { data } } } } ... on Box { items(first: 1) { kind } } } }",
    "{ node(id: 1) { id name ... on Box { code label parent { code } } ... on Item { price } } }",
    "mutation { a: change(id: 1) { id price } b: change(id: 2) { box { label } } }",
    "query($on: Boolean! = true) { things { ... on Box @include(if: $on) { label items { price } } } }",
    "{ a: one { name } b: one { name: kind box { parent { parent { label } } } } grid { flag } }",
    "{ node(id: 1) { __typename name } one { data } __schema { queryType { name } } }",
];

static COMPILED: LazyLock<Vec<CompiledOperation>> =
    LazyLock::new(|| OPERATIONS.iter().map(|text| COMPILER.compile(text, None).expect("it is valid")).collect());

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let operation = &COMPILED[usize::from(*first) % OPERATIONS.len()];
    let status = if first & 0x80 == 0 { 200 } else { 500 };
    let answers: Vec<&[u8]> = rest.split(|byte| *byte == 0).collect();
    run(operation, None, status, &answers);
});
