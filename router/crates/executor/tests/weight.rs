//! What an operation takes in memory is at most what it says, however it is run, and running it makes nothing that stays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_executor::CompiledOperation;
use peak_alloc::PeakAlloc;
use support::{Behaviour, Canned, compile, context, run, supergraph};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// One test, so that nothing else allocates beside it.
#[test]
fn operations_weigh_what_they_say() {
    seven_variables();
    numbers_of_context_values();
}

/// An operation takes at most its weight when it is compiled and after each of `runs` was run.
fn check(compile: impl Fn() -> CompiledOperation, runs: usize, run: impl Fn(&CompiledOperation, usize)) {
    // What the process keeps for good is there before.
    run(&compile(), 0);
    let before = ALLOCATOR.current_usage();
    let operation = compile();
    let weight = operation.weight();
    let compiled = ALLOCATOR.current_usage() - before;
    assert!(compiled <= weight, "{compiled} bytes, said to be {weight}");
    for at in 0..runs {
        run(&operation, at);
        let held = ALLOCATOR.current_usage() - before;
        assert!(held <= weight, "{held} bytes after run {at}, said to be {weight}");
        assert_eq!(operation.weight(), weight);
    }
}

/// Each of the variables decides about keys and about what is below another; each of the 128 choices has its answer.
fn seven_variables() {
    let supergraph = supergraph(
        &["a"],
        "type Query @type(graph: A) { t: T } type T @type(graph: A) { a: Int b: Int c: Int d: Int e: Int f: Int g: Int t: T }",
    );
    let text =
        "query($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!, $f: Boolean!, $g: Boolean!) {
        t @include(if: $a) { a t { a } }
        t { b @include(if: $b) c @skip(if: $c) t @include(if: $d) { d e @include(if: $e) } }
        t @skip(if: $f) { f t { f g @include(if: $g) } }
    }";
    let values = r#""a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7"#;
    let answer = format!(r#"{{"data":{{"t":{{{values},"t":{{{values}}}}}}}}}"#);
    check(
        || compile(&supergraph, text),
        128,
        |operation, choice| {
            let is = |at: usize| choice >> at & 1 == 1;
            let names = ["a", "b", "c", "d", "e", "f", "g"];
            let given: Vec<String> = (0..7).map(|at| format!("\"{}\":{}", names[at], is(at))).collect();
            let service = Canned::new(&supergraph, &[("a", Behaviour::from(answer.as_str()))]);
            let response = run(operation, &format!("{{{}}}", given.join(",")), &service, &context());
            let [a, b, c, d, e, f, g] = [0, 1, 2, 3, 4, 5, 6].map(is);
            // CollectFields by hand: keys in the order in which the selections that are included name them first.
            let below = [(a, "\"a\":1"), (d, "\"d\":4"), (d && e, "\"e\":5"), (!f, "\"f\":6"), (!f && g, "\"g\":7")];
            let below = format!("\"t\":{{{}}}", join(&below));
            let has_below = a || d || !f;
            let t = [
                (a, "\"a\":1"),
                (a, &below),
                (b, "\"b\":2"),
                (!c, "\"c\":3"),
                (!a && d, &below),
                (!f, "\"f\":6"),
                (!a && !d && has_below, &below),
            ];
            let expected = format!("{{\"data\":{{\"t\":{{{}}}}}}}", join(&t));
            assert_eq!(String::from_utf8_lossy(&response.bytes), expected, "{given:?}");
        },
    );
}

fn join(parts: &[(bool, &str)]) -> String {
    parts.iter().filter(|(is, _)| *is).map(|(_, part)| *part).collect::<Vec<_>>().join(",")
}

/// The number of groups of equal context values is that of the shops.
fn numbers_of_context_values() {
    let supergraph = supergraph(
        &["a", "b"],
        r#"
        type Query @type(graph: A) @type(graph: B) { shops: [Shop!]! @field(graph: A) }
        type Shop @type(graph: A, key: "id") @type(graph: B, key: "id") @context(name: "b__shop") { id: ID! currency: String @field(graph: A) @field(graph: B, external: true) item: Item @field(graph: A) }
        type Item @type(graph: A, key: "id") @type(graph: B, key: "id") { id: ID! price: Int @field(graph: B, contextArguments: [{ context: "b__shop", name: "in", type: "String", selection: "{ currency }" }]) }
        "#,
    );
    check(
        || compile(&supergraph, "{ shops { item { price } } }"),
        200,
        |operation, shops| {
            let shop = |at: usize| format!(r#"{{"currency":"C{at}","item":{{"id":"{at}"}}}}"#);
            let given: Vec<String> = (0..=shops).map(shop).collect();
            let alias = |at: usize| if shops == 0 { "_entities".to_owned() } else { format!("_e{at}") };
            let prices: Vec<String> = (0..=shops).map(|at| format!(r#""{}":[{{"price":{at}}}]"#, alias(at))).collect();
            let service = Canned::new(
                &supergraph,
                &[
                    ("a", Behaviour::from(&*format!(r#"{{"data":{{"shops":[{}]}}}}"#, given.join(",")))),
                    ("b", Behaviour::from(&*format!(r#"{{"data":{{{}}}}}"#, prices.join(",")))),
                ],
            );
            let response = run(operation, "{}", &service, &context());
            let expected: Vec<String> = (0..=shops).map(|at| format!(r#"{{"item":{{"price":{at}}}}}"#)).collect();
            let expected = format!(r#"{{"data":{{"shops":[{}]}}}}"#, expected.join(","));
            assert_eq!(String::from_utf8_lossy(&response.bytes), expected);
            // A list for each shop, and a few that are empty.
            let sent = &service.requests.lock().unwrap()[1].1;
            let lists = sent.matches("_entities(").count();
            assert!((shops + 1..=2 * (shops + 1)).contains(&lists), "{lists} lists for {shops} more shops");
        },
    );
}
