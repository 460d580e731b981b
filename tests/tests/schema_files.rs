//! The files of `schema/` are what the code says: each service's SDL, a supergraph that composes, operations that are valid and have a
//! right plan.

use std::path::{Path, PathBuf};

use braid_composition::{SubgraphSdl, compose};
use braid_tests::gateway::Gateway;

fn schema(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema").join(file)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_services_schemas_are_as_exported() {
    for (name, sdl) in [("users", users::sdl()), ("orders", orders::sdl()), ("inventory", inventory::sdl())] {
        let file = format!("{name}.graphql");
        assert!(
            read(&schema(&file)).trim() == sdl.trim(),
            "schema/{file} is not what the service exports; refresh it: cargo run -p {name} -- schema > schema/{file}"
        );
    }
}

fn supergraph() -> String {
    let subgraph = |name: &str| SubgraphSdl {
        name: name.to_owned(),
        url: format!("http://{name}.test/graphql"),
        sdl: read(&schema(&format!("{name}.graphql"))),
        file: None,
    };
    let composition = compose(&["users", "orders", "inventory"].map(subgraph));
    composition.result.unwrap_or_else(|errors| panic!("schema/ does not compose: {errors:#?}")).supergraph_sdl
}

#[test]
fn the_known_operations_have_right_plans() {
    let gateway = Gateway::for_planning(&supergraph()).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(schema("operations")).unwrap().flatten() {
        let text = read(&entry.path());
        let faults = gateway.plan(&text).map(|(operation, plan)| gateway.plan_faults(&operation, &plan));
        assert_eq!(faults, Ok(Vec::new()), "{}", entry.path().display());
        count += 1;
    }
    assert!(count > 0, "schema/operations is empty");
}
