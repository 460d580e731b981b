//! What `wit/braid-hooks.wit` says, in Rust: types, and a trait for each interface that hooks import. Generated.

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: { default: trappable },
});

pub(crate) use braid::hooks::{
    graphql_response, headers, http_response, log, operation, request, subgraph_request, subgraph_response, types,
};

/// The names of the interfaces that hooks export.
pub(crate) mod names {
    use braid_plugin::Stage;

    pub(crate) const PACKAGE: &str = "braid:hooks/";
    pub(crate) const START: &str = "braid:hooks/start@0.1.0";
    pub(crate) const POLICIES: &str = "braid:hooks/policies@0.1.0";

    pub(crate) const fn of(stage: Stage) -> &'static str {
        match stage {
            Stage::Request => "braid:hooks/on-request@0.1.0",
            Stage::Operation => "braid:hooks/on-operation@0.1.0",
            Stage::Execution => "braid:hooks/on-execution@0.1.0",
            Stage::SubgraphRequest => "braid:hooks/on-subgraph-request@0.1.0",
            Stage::SubgraphResponse => "braid:hooks/on-subgraph-response@0.1.0",
            Stage::Executed => "braid:hooks/on-executed@0.1.0",
            Stage::Response => "braid:hooks/on-response@0.1.0",
        }
    }

    /// The same without package and version, for the log and metrics.
    pub(crate) fn short(stage: Stage) -> &'static str {
        unversioned(of(stage)).trim_start_matches(PACKAGE)
    }

    /// The name of an interface without its version.
    pub(crate) fn unversioned(interface: &str) -> &str {
        interface.split('@').next().unwrap_or(interface)
    }
}
