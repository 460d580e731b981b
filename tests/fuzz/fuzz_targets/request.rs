//! The bytes of a client's request, as the body of a POST and as the parameters of a GET.
#![no_main]

use braid_fuzz::{COMPILER, run};
use braid_gateway::request::GraphQLRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(requests) = GraphQLRequest::batch_from_json(bytes) {
        requests.iter().for_each(answer);
    }
    if let Ok(request) = GraphQLRequest::from_json(bytes) {
        answer(&request);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(request) = GraphQLRequest::from_query_string(text)
    {
        answer(&request);
    }
});

fn answer(request: &GraphQLRequest<'_>) {
    let (Ok(text), Ok(name)) = (request.text(), request.operation()) else { return };
    if let Ok(operation) = COMPILER.compile(&text, name.as_deref()) {
        run(&operation, request.variables.as_deref(), 200, &[b"{\"data\":{}}"]);
    }
}
