//! The text of a supergraph. If it can be read, it is printed and read again, and operations are planned.
#![no_main]

use std::sync::Arc;

use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_supergraph::Supergraph;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(supergraph) = Supergraph::read(text) else { return };
    let written = supergraph.write();
    if let Err(error) = Supergraph::read(&written) {
        panic!("what was written can't be read: {error:?}\n{written}");
    }
    let compiler = Compiler::new(Arc::new(supergraph), LimitsConfig::default());
    for operation in ["{ __typename }", "{ __schema { types { name fields { name } } } }"] {
        let _ = compiler.compile(operation, None);
    }
});
