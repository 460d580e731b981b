//! The text of a document, judged by both validators: what one proves, the other must find valid.
#![no_main]

use braid_fuzz::COMPILER;
use braid_graphql::parse::{ParseLimits, parse_typed};
use braid_graphql::syntax;
use braid_graphql::validate::{Verdict, judge};
use braid_graphql::view::ApiView;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The library does not ignore commas everywhere, so none are compared.
    let Ok(text) = std::str::from_utf8(bytes).map(|text| text.replace(',', " ")) else { return };
    let (limits, supergraph) = (ParseLimits::default(), &COMPILER.supergraph);
    let Ok(document) = syntax::parse(&text, &limits) else { return };
    if judge(&document, ApiView::all(&supergraph.api_schema), &supergraph.schema) == Verdict::Valid
        && let Err(errors) = parse_typed(&supergraph.api_schema, &text, limits)
    {
        panic!("proven, and yet: {}", errors[0].message);
    }
});
