//! Which choices for the fields of one position go best together. Knows only what they cost.

use std::cmp::Reverse;

use braid_query_graph::Requests;

use super::solution::Choice;

/// Up to this many combinations of choices are compared with each other; beyond, choices are made one by one.
const MAX_COMBINATIONS: usize = 48;

/// Picks one choice of each list so that the requests, together with those already needed, are few.
pub(super) fn choose(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    let combinations = open.iter().try_fold(1usize, |product, choices| product.checked_mul(choices.len()));
    if combinations.is_some_and(|combinations| combinations <= MAX_COMBINATIONS) {
        choose_exactly(open, demand, requests)
    } else {
        choose_greedily(open, demand, requests)
    }
}

fn demanded(requests: &Requests, demand: &[u32]) -> u32 {
    requests.subgraphs().map(|subgraph| demand.get(subgraph).copied().unwrap_or(0)).sum()
}

/// A combination of choices: what it costs, which choice of each list it takes, and all requests.
type Combination = ((u8, usize, u64, Reverse<u32>), Vec<usize>, Requests);

/// Compares all combinations.
fn choose_exactly(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    let mut best: Option<Combination> = None;
    let mut current = vec![0; open.len()];
    loop {
        let mut all = requests.clone();
        // Of equally many requests, those are better in which fields are there earlier.
        let mut waiting = 0;
        for (choices, at) in open.iter().zip(&current) {
            all.add(&choices[*at].requests);
            waiting += u64::from(choices[*at].pick.weight().1);
        }
        let score = (all.stages(), all.len(), waiting, Reverse(demanded(&all, demand)));
        if best.as_ref().is_none_or(|(known, ..)| score < *known) {
            best = Some((score, current.clone(), all));
        }
        let Some(digit) = (0..open.len()).rev().find(|digit| current[*digit] + 1 < open[*digit].len()) else { break };
        current[digit] += 1;
        current[digit + 1..].fill(0);
    }
    let Some((_, chosen, all)) = best else { return Vec::new() };
    *requests = all;
    chosen
}

/// Chooses from one list after the other, and once more with the rest known where the lists are few.
fn choose_greedily(open: &[Vec<Choice<'_>>], demand: &[u32], requests: &mut Requests) -> Vec<usize> {
    const LOOK_AGAIN: usize = 12;
    let fixed = requests.clone();
    let mut chosen: Vec<Option<usize>> = vec![None; open.len()];
    let mut order: Vec<usize> = (0..open.len()).collect();
    order.sort_by_key(|list| open[*list].len());
    let mut all = fixed.clone();
    let rounds = if open.len() > LOOK_AGAIN { 1 } else { 2 };
    for round in 0..rounds {
        for list in &order {
            if round == 1 {
                all = fixed.clone();
                for (other, at) in chosen.iter().enumerate().filter(|(other, _)| other != list) {
                    at.iter().for_each(|at| all.add(&open[other][*at].requests));
                }
            }
            let cost = |choice: &Choice<'_>| {
                let stages = all.stages().max(choice.requests.stages());
                (
                    stages,
                    all.missing(&choice.requests, 0),
                    choice.pick.weight().1,
                    Reverse(demanded(&choice.requests, demand)),
                )
            };
            let best = (0..open[*list].len()).min_by_key(|at| (cost(&open[*list][*at]), *at)).unwrap_or(0);
            chosen[*list] = Some(best);
            all.add(&open[*list][best].requests);
        }
    }
    *requests = all;
    chosen.into_iter().map(|at| at.unwrap_or(0)).collect()
}
