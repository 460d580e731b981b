//! The SDL of subgraphs, separated by zero bytes. If they compose, the result is a supergraph, and the same in any order.
#![no_main]

use braid_composition::{SubgraphSdl, compose};
use braid_supergraph::Supergraph;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let named = |(at, sdl): (usize, &str)| SubgraphSdl {
        name: format!("s{at}"),
        url: "http://s/".to_owned(),
        sdl: sdl.to_owned(),
        file: None,
    };
    let mut subgraphs: Vec<_> = text.split('\0').take(4).enumerate().map(named).collect();
    let Ok(composed) = compose(&subgraphs).result else { return };
    if let Err(error) = Supergraph::read(&composed.supergraph_sdl) {
        panic!("what was composed can't be read: {error:?}\n{}", composed.supergraph_sdl);
    }
    subgraphs.reverse();
    assert_eq!(compose(&subgraphs).result.ok(), Some(composed));
});
