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

/// Changes one thing of one subgraph, or the set of subgraphs.
fn edit(subgraphs: &mut Vec<SubgraphSdl>, others: &[Case], random: &mut Random, round: usize) {
    let at = random.below(subgraphs.len());
    match random.below(16) {
        0 => subgraphs[at].url = format!("http://moved{round}.test"),
        1 => subgraphs[at].name = format!("renamed{round}"),
        2 if subgraphs.len() > 1 => drop(subgraphs.remove(at)),
        2 | 3 => {
            let from = &others[random.below(others.len())].subgraphs;
            let mut new = from[random.below(from.len())].clone();
            if subgraphs.iter().any(|s| s.name == new.name) {
                new.name = format!("{}{round}", new.name);
            }
            subgraphs.push(new);
        }
        _ => subgraphs[at].sdl = edited(&subgraphs[at].sdl, random, round),
    }
}

/// The SDL with one change, which may break it.
fn edited(sdl: &str, random: &mut Random, round: usize) -> String {
    match random.below(12) {
        0 => format!("{sdl}\ntype Added{round} {{ x: Int }}\n"),
        1 => format!("{sdl}\nextend type Query {{ added{round}: Int }}\n"),
        2 => format!("{sdl}\ntype Query {{"),
        // A field more, or a whole type less.
        3 => replaced(sdl, "{\n", &format!("{{\n  more{round}: String\n"), random),
        4 => without(sdl, "type ", "}", random),
        5 => without(sdl, "\n", "\n", random),
        // Nullability, and other types.
        6 => replaced(sdl, "!", "", random),
        7 => replaced(sdl, "\n", "!\n", random),
        8 => replaced(sdl, "String", "Int", random),
        // A directive more or less.
        9 => replaced(sdl, " {\n", " @key(fields: \"id\") {\n", random),
        10 => {
            let directives = ["@shareable", "@external", "@inaccessible", "@tag(name: \"t\")", "@deprecated"];
            let directive = directives[random.below(directives.len())];
            replaced(sdl, "\n", &format!(" {directive}\n"), random)
        }
        _ => without(sdl, "@", " ", random),
    }
}

/// With one occurrence of a text replaced.
fn replaced(sdl: &str, from: &str, to: &str, random: &mut Random) -> String {
    let places: Vec<usize> = sdl.match_indices(from).map(|(at, _)| at).collect();
    match places.is_empty() {
        true => sdl.to_owned(),
        false => {
            let at = places[random.below(places.len())];
            format!("{}{to}{}", &sdl[..at], &sdl[at + from.len()..])
        }
    }
}

/// Without one stretch from a text to the next of another.
fn without(sdl: &str, from: &str, to: &str, random: &mut Random) -> String {
    let places: Vec<usize> = sdl.match_indices(from).map(|(at, _)| at).collect();
    match places.is_empty() {
        true => sdl.to_owned(),
        false => {
            let start = places[random.below(places.len())];
            let rest = &sdl[start + from.len()..];
            let end = rest.find(to).map_or("", |at| &rest[at + to.len()..]);
            format!("{}\n{end}", &sdl[..start])
        }
    }
}

/// `BRAID_EDITS=<count>` sets how often each graph is edited.
fn edits() -> usize {
    std::env::var("BRAID_EDITS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

#[test]
fn recomposing_says_the_same_as_composing_anew() {
    let mut random = Random(7);
    let (mut composed, mut failed, mut mended) = (0, 0, 0);
    for file in ["gateway-audit", "hive-supergraphs", "guild", "own"] {
        let all = cases(file);
        for (number, case) in all.iter().enumerate().filter(|(number, _)| file.len() > 6 || number % 5 == 0) {
            let mut composer = Composer::default();
            let mut subgraphs = case.subgraphs.clone();
            composer.compose(&subgraphs);
            for round in 0..edits() {
                let before = subgraphs.clone();
                edit(&mut subgraphs, &all, &mut random, round);
                let anew = compose(&subgraphs);
                assert_eq!(said(&composer.compose(&subgraphs)), said(&anew), "{file} {number}, edit {round}");
                match anew.result {
                    Ok(_) => composed += 1,
                    // Broken, and broken further.
                    Err(_) if random.below(3) == 0 => failed += 1,
                    // Back to what was: errors must not stay behind.
                    Err(_) => {
                        mended += 1;
                        subgraphs = before;
                        assert_eq!(said(&composer.compose(&subgraphs)), said(&compose(&subgraphs)), "{file} {number}");
                    }
                }
            }
        }
    }
    assert!(composed > 100 && failed > 50 && mended > 50, "{composed} composed, {failed} failed, {mended} mended");
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
