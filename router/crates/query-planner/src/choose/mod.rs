//! Chooses who resolves what. Makes no fetches: its result says, for each field, at which nodes it is asked.

mod alike;
mod combine;
mod owners;
mod position;
mod solution;
mod solver;

pub(crate) use alike::{Alike, alike};
pub(crate) use solution::{Failure, Solution};
pub(crate) use solver::Solver;
