//! A composer that has composed before says the same as one that has not, whatever has changed in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{Composer, Composition, SubgraphSdl, compose};

/// A small generator of pseudo-random numbers (splitmix64): the same edits in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

#[derive(serde::Deserialize)]
struct Case {
    subgraphs: Vec<SubgraphSdl>,
}

fn cases(file: &str) -> Vec<Case> {
    let path = format!("{}/tests/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// All that a composition says.
fn said(composition: &Composition) -> String {
    let result = match &composition.result {
        Ok(composed) => composed.supergraph_sdl.clone(),
        Err(errors) => format!("{errors:#?}"),
    };
    format!("{result}\n{:#?}", composition.hints)
}

/// Changes one thing: text, name, address, the set of subgraphs.
fn edit(subgraphs: &mut Vec<SubgraphSdl>, others: &[Case], random: &mut Random, round: usize) {
    let at = random.below(subgraphs.len());
    match random.below(10) {
        0 => subgraphs[at].sdl.push_str(&format!("\ntype Added{round} {{ x: Int }}\n")),
        1 => subgraphs[at].sdl.push_str(&format!("\nextend type Query {{ added{round}: Int }}\n")),
        2 => subgraphs[at].sdl = subgraphs[at].sdl.replacen("String", "Int", 1),
        3 => subgraphs[at].sdl = subgraphs[at].sdl.replacen("@shareable", "", 1),
        4 => subgraphs[at].sdl = subgraphs[at].sdl.replacen("@external", "", 1),
        5 => subgraphs[at].sdl.push_str("\ntype Query {"),
        6 => subgraphs[at].url = format!("http://moved{round}.test"),
        7 => subgraphs[at].name = format!("renamed{round}"),
        8 if subgraphs.len() > 1 => drop(subgraphs.remove(at)),
        _ => {
            let from = &others[random.below(others.len())].subgraphs;
            let mut new = from[random.below(from.len())].clone();
            if subgraphs.iter().any(|s| s.name == new.name) {
                new.name = format!("{}{round}", new.name);
            }
            subgraphs.push(new);
        }
    }
}

#[test]
fn recomposing_says_the_same_as_composing_anew() {
    const EDITS: usize = 4;
    let mut random = Random(7);
    let (mut composed, mut failed) = (0, 0);
    for file in ["gateway-audit", "own"] {
        let all = cases(file);
        for (number, case) in all.iter().enumerate().filter(|(number, _)| file != "own" || number % 7 == 0) {
            let mut composer = Composer::default();
            let mut subgraphs = case.subgraphs.clone();
            composer.compose(&subgraphs);
            for round in 0..EDITS {
                let before = subgraphs.clone();
                edit(&mut subgraphs, &all, &mut random, round);
                let anew = compose(&subgraphs);
                assert_eq!(said(&composer.compose(&subgraphs)), said(&anew), "{file} {number}, edit {round}");
                match anew.result {
                    Ok(_) => composed += 1,
                    // Back to what was: errors must not stay behind.
                    Err(_) => {
                        failed += 1;
                        subgraphs = before;
                        assert_eq!(said(&composer.compose(&subgraphs)), said(&compose(&subgraphs)), "{file} {number}");
                    }
                }
            }
        }
    }
    assert!(composed > 50 && failed > 50, "{composed} composed, {failed} failed");
}

#[test]
fn nothing_is_mistaken_for_what_was_composed_last() {
    let [a, b] = ["a", "b"].map(|name| SubgraphSdl {
        name: name.to_owned(),
        url: format!("http://{name}.test"),
        sdl: format!("type Query {{ {name}: Int }}"),
        file: None,
    });
    let mut composer = Composer::default();
    let asked = [[&a, &b], [&a, &b], [&b, &a], [&a, &a], [&a, &b]];
    for subgraphs in asked.map(|subgraphs| subgraphs.map(Clone::clone)) {
        assert_eq!(said(&composer.compose(&subgraphs)), said(&compose(&subgraphs)));
    }
    assert_eq!(said(&composer.compose(std::slice::from_ref(&a))), said(&compose(std::slice::from_ref(&a))));
}
