//! What is proven is valid by the parser's library too, and what clients usually send is proven.

use apollo_compiler::Schema;

use super::{Verdict, judge};
use crate::incremental::with_incremental_directives;
use crate::parse::{ParseLimits, parse_operation, parse_typed};
use crate::schema;
use crate::syntax;
use crate::view::ApiView;

const SCHEMA: &str = r#"
    type Query {
        dog(name: String, at: [Int!]): Dog
        pets(first: Int! = 10, where: Where, kinds: [Kind!], order: [[Int]]): [Pet!]!
        animal(by: By!): Animal
        node(id: ID!): Node
        any(value: Any, factor: Float, on: Boolean): String
    }
    type Mutation { rename(dog: ID!, name: String!): Dog }
    type Subscription { barked: Dog }
    interface Node { id: ID! }
    interface Pet implements Node { id: ID! name: String friend: Pet }
    interface Wild { id: ID! prey: [Animal] }
    type Dog implements Node & Pet { id: ID! name(long: Boolean = false): String friend: Pet barks: Int owner(at: Int!): Owner }
    type Cat implements Node & Pet { id: ID! name: String friend: Pet barks: String owner: Owner }
    type Wolf implements Wild { id: ID! prey: [Animal] barks: Int }
    type Owner { name: String! pets: [Pet] }
    union Animal = Dog | Wolf
    union Tame = Dog | Cat
    enum Kind { DOG CAT }
    input Where { name: String! kind: Kind = DOG not: Where tags: [String!] }
    input By @oneOf { id: ID name: String where: Where }
    scalar Any
    directive @mark(as: String) on FIELD | QUERY
"#;

/// Documents that are proven, one for each rule at least.
const PROVEN: &[&str] = &[
    "{ dog { id } }",
    "query A { dog { id } } mutation B { rename(dog: 1, name: \"x\") { id } }",
    "query A($id: ID!, $n: Int = 3, $w: Where!, $k: [Kind!]) { node(id: $id) { id } pets(first: $n, where: $w, kinds: $k) { name } }",
    "query($n: Int) { pets(first: $n) { name } }",
    "query($k: Kind!, $kinds: [Kind!]!) { pets(kinds: [$k, DOG]) { name } other: pets(kinds: $kinds) { id } }",
    "{ pets(where: { name: \"x\", not: { name: \"y\", tags: \"one\" }, kind: CAT }, kinds: DOG, order: 1) { __typename id ... on Dog { barks } } }",
    "{ animal(by: { id: 1 }) { ... on Dog { id } ... on Wild { prey { __typename } } ... on Pet { name } } }",
    "query($id: ID!) { animal(by: { id: $id }) { __typename } }",
    "{ pets { ...P } dog { ...P ...D } } fragment P on Pet { name friend { ...N } } fragment N on Node { id } fragment D on Dog { owner(at: 1) { name } }",
    "query($v: Any, $x: Int) { any(value: { a: [$v, { b: $x }], c: E }, factor: 1, on: true) }",
    "query($f: Float! = 1.5) { any(factor: $f) }",
    "query($yes: Boolean!) { dog @include(if: $yes) { id @skip(if: false) } }",
    "{ __schema { types { name fields(includeDeprecated: true) { name type { ofType { name } } } } } __type(name: \"Dog\") { name } }",
    "{ dog { id friend { id } } dog { friend { name } id } }",
    "{ pets { ... on Dog { owner(at: 1) { name } } ... on Pet { friend { id } } ... on Cat { friend { name } } } }",
    "# comment\n\u{feff}{ dog(name: \"\"\"block \\\"\"\" text\"\"\") { n: name(long: true) m: name } }",
    "\"about it\" query Q(\"the id\" $id: ID!) { node(id: $id) { ... { id } } }",
    "{ pets(order: [[1, null], null, 2]) { id } }",
    "subscription S { barked { id } }",
    "query($f: Float = null, $w: [[Int]] = null) { any(factor: $f) dog(at: 1) { id } pets(order: $w) { id } }",
    "{ dog(name: \"a\\u0062\") { id } dog(name: \"ab\") { name } any(value: { a: 1, b: 2 }) any(value: { b: 2, a: 1 }) }",
];

/// Documents that are not valid.
const INVALID: &[&str] = &[
    "{ }",
    "query A { dog { id } } query A { dog { id } }",
    "{ dog { id } } { pets { id } }",
    "{ dog { id } } query B { pets { id } }",
    "{ nope }",
    "{ dog }",
    "{ dog { id { x } } }",
    "{ dog { } }",
    "{ dog(nope: 1) { id } }",
    "{ dog(name: \"a\", name: \"a\") { id } }",
    "{ node { id } }",
    "{ node(id: null) { id } }",
    "{ dog(name: 1) { id } }",
    "{ dog(at: [1, null]) { id } }",
    "{ pets(first: 3000000000) { id } }",
    "{ pets(first: 1.5) { id } }",
    "{ pets(kinds: [COW]) { id } }",
    "{ pets(kinds: \"DOG\") { id } }",
    "{ pets(where: { }) { id } }",
    "{ pets(where: { name: null }) { id } }",
    "{ pets(where: { name: \"a\", name: \"b\" }) { id } }",
    "{ pets(where: { name: \"a\", nope: 1 }) { id } }",
    "{ animal(by: { }) { __typename } }",
    "{ animal(by: { id: 1, name: \"x\" }) { __typename } }",
    "{ animal(by: { id: null }) { __typename } }",
    "query($id: ID) { animal(by: { id: $id }) { __typename } }",
    "{ any(value: { a: 1, a: 2 }) }",
    "{ any(value: $x) }",
    "{ any(value: [{ a: $x }]) }",
    "{ any(factor: 1e999) }",
    "{ any(on: 1) }",
    "query($a: Int) { dog { id } }",
    "query($a: Int, $a: Int) { pets(first: $a) { id } }",
    "query($a: Dog) { any(value: $a) }",
    "query($a: Nope) { any(value: $a) }",
    "query($a: Int = \"x\") { pets(first: $a) { id } }",
    "query($a: Int! = null) { pets(first: $a) { id } }",
    "query($a: ID) { node(id: $a) { id } }",
    "query($a: String) { pets(first: $a) { id } }",
    "query($a: [Int]) { dog(at: $a) { id } }",
    "query($a: Int) { dog(at: [$a]) { id } }",
    "query($a: Int!) { dog(at: $a) { id } }",
    "query($a: Int!) { dog @include(if: $a) { id } }",
    "{ dog @include { id } }",
    "{ dog @include(if: null) { id } }",
    "{ dog @include(if: true) @include(if: false) { id } }",
    "{ dog @nope { id } }",
    "query @include(if: true) { dog { id } }",
    "{ dog { ...F } }",
    "{ dog { ...F } } fragment F on Dog { id } fragment F on Dog { name }",
    "{ dog { id } } fragment F on Dog { id }",
    "{ dog { ...F } } fragment F on Nope { id }",
    "{ dog { ...F } } fragment F on Kind { id }",
    "{ dog { ... on Kind { id } } }",
    "{ dog { ...F } } fragment F on Dog { friend { ...G } } fragment G on Dog { friend { ...F } }",
    "{ dog { ... on Cat { id } } }",
    "{ dog { ... on Wild { id } } }",
    "{ pets { ... on Wolf { id } } }",
    "{ animal(by: { id: 1 }) { ... on Cat { id } } }",
    "{ animal(by: { id: 1 }) { id } }",
    "{ dog { n: name n: id } }",
    "{ dog { name(long: true) name } }",
    "{ dog { name(long: true) name(long: false) } }",
    "{ dog { friend { x: id } friend { x: name } } }",
    "{ dog { ...F friend { x: id } } } fragment F on Dog { friend { x: name } }",
    "{ pets { ... on Dog { barks } ... on Cat { barks } } }",
    "{ pets { ... on Dog { x: id } ... on Cat { x: name } } }",
    "subscription { barked { id } b: barked { id } }",
    "subscription { __typename }",
    "subscription($a: Boolean!) { barked @skip(if: $a) { id } }",
    "mutation { rename(dog: 1) { id } }",
    "query A($a: Int) { ...F } query B { ...F } fragment F on Query { pets(first: $a) { id } }",
    "type Query { a: Int }",
    "{ dog { id }",
    "query() { dog { id } }",
    "{ dog() { id } }",
    "{ dog(name: \"\\x\") { id } }",
    "fragment on on Dog { id } { dog { id } }",
    "query($a: Int = $b, $b: Int) { pets(first: $a) { id } any(value: $b) }",
];

struct Judges {
    api: apollo_compiler::validation::Valid<Schema>,
    own: schema::Schema,
}

impl Judges {
    fn new() -> Self {
        let api = with_incremental_directives(Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap());
        let own = schema::Schema::new(&api).unwrap();
        Self { api, own }
    }

    fn is_proven(&self, text: &str) -> bool {
        let document = syntax::parse(text, &ParseLimits::default());
        document.is_ok_and(|document| judge(&document, ApiView::all(&self.api), &self.own) == Verdict::Valid)
    }

    fn is_valid(&self, text: &str) -> bool {
        parse_typed(&self.api, text, ParseLimits::default()).is_ok()
    }
}

#[test]
fn what_clients_send_is_proven() {
    let judges = Judges::new();
    for text in PROVEN {
        assert!(judges.is_valid(text), "{text}");
        assert!(judges.is_proven(text), "{text}");
    }
}

/// Rules that the library checks in part, or too strictly.
#[test]
fn what_only_the_walk_sees_is_an_error() {
    let judges = Judges::new();
    let cases = [
        ("query($id: ID = null) { node(id: $id) { id } }", "is null by default where \"ID!\" is expected"),
        ("{ pets(kinds: [DOG]) { id } pets(kinds: [DOG, CAT]) { id } }", "different arguments"),
        ("{ ... @defer { pets(kinds: [DOG]) { id } pets(kinds: [DOG, CAT]) { id } } }", "different arguments"),
    ];
    for (text, expected) in cases {
        let errors = parse_operation(&judges.api, &judges.own, text, ParseLimits::default()).unwrap_err();
        assert!(errors[0].message.contains(expected), "{text}: {}", errors[0].message);
    }
    let twice = "subscription S { barked { id } ... on Subscription { barked { name } } }";
    parse_operation(&judges.api, &judges.own, twice, ParseLimits::default()).unwrap();
}

#[test]
fn what_breaks_a_rule_is_not_proven() {
    let judges = Judges::new();
    for text in INVALID {
        assert!(!judges.is_valid(text), "{text}");
        assert!(!judges.is_proven(text), "{text}");
    }
}

/// A sequence of numbers that looks random and is the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// Tokens of documents put where they don't belong: most are not valid, in every way there is.
#[test]
fn no_mutation_is_proven_that_is_not_valid() {
    let judges = Judges::new();
    let words: Vec<&str> = PROVEN.iter().chain(INVALID).flat_map(|text| split(text)).collect();
    let mut numbers = Numbers(7);
    let (mut proven, mut valid) = (0, 0);
    for _ in 0..20_000 {
        let mut tokens = split(PROVEN[numbers.below(PROVEN.len())]);
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(tokens.len());
            match numbers.below(4) {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, words[numbers.below(words.len())]),
                2 => tokens[at] = words[numbers.below(words.len())],
                _ => {
                    let other = numbers.below(tokens.len());
                    tokens.swap(at, other);
                }
            }
            if tokens.is_empty() {
                break;
            }
        }
        let text = tokens.join(" ");
        let (is_proven, is_valid) = (judges.is_proven(&text), judges.is_valid(&text));
        assert!(is_valid || !is_proven, "{text}");
        // The library passes over tokens that can't stand where they are.
        if syntax::parse(&text, &ParseLimits::default()).is_err() {
            continue;
        }
        proven += usize::from(is_proven);
        valid += usize::from(is_valid);
    }
    assert!(valid > 300 && proven * 100 > valid * 95, "{proven} of {valid}");
}

fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut lexer = apollo_parser::Lexer::new(text);
    while let Some(Ok(token)) = lexer.next() {
        // The library does not ignore commas everywhere.
        if !token.data().trim().is_empty() && !token.data().starts_with(['#', ',']) {
            tokens.push(token.data());
        }
    }
    tokens
}

#[test]
fn what_is_made_to_take_long_is_given_up() {
    let judges = Judges::new();
    let mut fan = String::from("{ dog { friend { ...F0 } } }");
    for at in 0..200 {
        let next = at + 1;
        fan.push_str(&format!("fragment F{at} on Pet {{ a: friend {{ ...F{next} }} b: friend {{ ...F{next} }} }}"));
    }
    fan.push_str("fragment F200 on Pet { name }");
    let same = format!("{{ dog {{ {} }} }}", "friend { id } ".repeat(3_000));
    let variables: String = (0..5_000).map(|at| format!("$v{at}: Int ")).collect();
    let many = format!("query({variables}) {{ dog {{ id }} }}");
    let started = std::time::Instant::now();
    for text in [&fan, &same, &many] {
        judges.is_proven(text);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}
