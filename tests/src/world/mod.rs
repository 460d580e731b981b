//! Random federated worlds: a schema, its split over subgraphs, data, and operations, all from a seed. Knows no gateway.
//!
//! ```text
//! seed ─▶ model ─▶ SDL of each subgraph, SDL of the monolith ─▶ Subgraph each, with one data function
//! seed ─▶ operation over the API schema
//! ```
//!
//! The data is a function of (type, id, field, arguments, what is required), so that the monolith and the subgraphs need not
//! share anything but the function.

mod data;
mod generate;
mod model;
mod operation;
mod random;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use braid_composition::{SubgraphSdl, compose};
use braid_graphql::compiler::Schema;

use serde_json::{Map, Value};

use crate::subgraph::{FieldRequest, Ownership, Resolver, Subgraph, read_all, source};
use data::{Data, DataResolver};

pub use operation::{Operation, operation};
pub use random::Random;

/// A schema and its split.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// The SDL of the schema that is not split.
    pub monolith: String,
    /// Each subgraph's name and SDL.
    pub subgraphs: Vec<(String, String)>,
}

/// A world that can be asked.
pub struct Running {
    /// The schema that is not split.
    pub monolith: Subgraph,
    /// The parts.
    pub subgraphs: Vec<Arc<Subgraph>>,
    /// What they have in common, apart so that mutations of one are not seen by the other.
    data: [Arc<Data>; 2],
}

impl World {
    /// The world of a seed.
    pub fn random(seed: u64) -> Self {
        let model = generate::model(seed);
        let subgraphs = (0..model.subgraphs).map(|at| (model::subgraph_name(at), write::subgraph(&model, at)));
        // A subgraph that got nothing is left out.
        let subgraphs = subgraphs.filter(|(_, sdl)| sdl.lines().count() > 1).collect();
        Self { monolith: write::monolith(&model), subgraphs }
    }

    /// The supergraph that composition makes, or its errors.
    pub fn compose(&self) -> Result<String, String> {
        let subgraphs = self.subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
            name: name.clone(),
            url: format!("http://{name}.test/graphql"),
            sdl: sdl.clone(),
            file: None,
        });
        let composition = compose(&subgraphs.collect::<Vec<_>>());
        composition.result.map(|composed| composed.supergraph_sdl).map_err(|errors| {
            errors.iter().map(|error| format!("{:?} {}", error.code, error.message)).collect::<Vec<_>>().join("\n")
        })
    }

    /// Reads a folder: `monolith.graphql`, and a file for each subgraph below `subgraphs`.
    pub fn read(folder: &Path) -> Self {
        let text =
            |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut files: Vec<_> =
            std::fs::read_dir(folder.join("subgraphs")).unwrap().flatten().map(|entry| entry.path()).collect();
        files.sort();
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        Self {
            monolith: text(&folder.join("monolith.graphql")),
            subgraphs: files.iter().map(|path| (name(path), text(path))).collect(),
        }
    }

    /// Writes the folder that [`World::read`] reads.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder.join("subgraphs")).unwrap();
        std::fs::write(folder.join("monolith.graphql"), &self.monolith).unwrap();
        for (name, sdl) in &self.subgraphs {
            std::fs::write(folder.join("subgraphs").join(format!("{name}.graphql")), sdl).unwrap();
        }
    }

    /// Starts the world.
    pub fn run(&self) -> Running {
        self.run_refusing(BTreeSet::new())
    }

    /// Starts the world with a monolith that refuses these fields, by type and name.
    pub fn run_refusing(&self, refused: BTreeSet<(String, String)>) -> Running {
        let ownership = read_all(&self.subgraphs, &labels());
        let sources: Vec<(Schema, Ownership)> = self
            .subgraphs
            .iter()
            .zip(&ownership)
            .map(|((name, sdl), ownership)| (source(name, sdl), ownership.clone()))
            .collect();
        let monolith = Schema::parse_and_validate(&self.monolith, "monolith.graphql");
        let monolith = monolith.unwrap_or_else(|failure| panic!("{}\n{}", failure.errors, self.monolith));
        let data = [(); 2].map(|()| Arc::new(Data::new(monolith.clone(), &sources)));
        let resolver = || Box::new(DataResolver(Arc::clone(&data[1])));
        let subgraphs = self
            .subgraphs
            .iter()
            .zip(ownership)
            .map(|((name, sdl), ownership)| Arc::new(Subgraph::new(name, sdl, ownership, resolver())))
            .collect();
        Running {
            monolith: Subgraph::new(
                "monolith",
                &self.monolith,
                Ownership::default(),
                Box::new(Refusing { resolver: DataResolver(Arc::clone(&data[0])), refused }),
            ),
            subgraphs,
            data,
        }
    }
}

/// A resolver that refuses some fields.
struct Refusing {
    resolver: DataResolver,
    refused: BTreeSet<(String, String)>,
}

impl Resolver for Refusing {
    fn field(&self, field: FieldRequest<'_>) -> Result<Value, String> {
        match self.refused.contains(&(field.type_name.to_owned(), field.field.to_owned())) {
            true => Err("refused".to_owned()),
            false => self.resolver.field(field),
        }
    }

    fn entity(&self, typename: &str, representation: &Map<String, Value>) -> Result<Value, String> {
        self.resolver.entity(typename, representation)
    }
}

impl Running {
    /// Undoes all mutations.
    pub fn reset(&self) {
        self.data.iter().for_each(|data| data.reset());
    }

    /// Changes the data of an object type, but for keys.
    pub fn change(&self, ty: &str) {
        self.data.iter().for_each(|data| data.change(ty));
    }

    /// Makes the values of the fields with these names depend on who looks.
    pub fn make_private(&self, fields: &BTreeSet<String>) {
        self.data.iter().for_each(|data| data.make_private(fields.clone()));
    }

    /// Who looks from now on.
    pub fn look_as(&self, viewer: u64) {
        self.data.iter().for_each(|data| data.look_as(viewer));
    }
}

/// The override labels that are on in every world; the others are off.
pub fn labels() -> BTreeSet<String> {
    BTreeSet::from(["on".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subgraph::Request;

    /// The parts of a random world are valid, and its operations are answered by the monolith without errors.
    #[test]
    fn worlds_are_sound() {
        for seed in 0..60 {
            let world = World::random(seed);
            let running = world.run();
            let schema = Schema::parse_and_validate(&world.monolith, "monolith.graphql").unwrap();
            for number in 0..5 {
                let operation = operation(&schema, &mut Random::new(seed * 1000 + number));
                let request = Request { query: operation.text.clone(), variables: operation.variables.clone() };
                let response = running.monolith.execute(request);
                assert!(
                    response.get("errors").is_none(),
                    "seed {seed}: {response:#}\n{}\n{}",
                    operation.text,
                    world.monolith
                );
            }
        }
    }

    #[test]
    fn a_seed_gives_one_world() {
        assert_eq!(World::random(7), World::random(7));
        assert_ne!(World::random(7), World::random(8));
    }
}
