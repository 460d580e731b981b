//! Turns choices into visits and gives each visit its inputs. Decides no order.

mod apart;
mod builder;
mod contexts;
mod demand;
mod inputs;
mod place;

use std::rc::Rc;

use braid_graphql::OperationType;

use crate::ask::Ask;
use crate::choose::{Solution, Solver};
use crate::draft::Draft;
use builder::Builder;
pub(crate) use builder::{BuildError, Stuck, Why, merge_fields};

/// Builds all visits and their inputs from the root's solution.
pub(crate) fn build<'a, 'o>(
    solver: &mut Solver<'a, 'o>,
    ask: &'o Ask<'o>,
    kind: OperationType,
    solution: &Rc<Solution<'a>>,
) -> Result<Draft<'a>, BuildError> {
    let mut builder = Builder::new(solver, ask, kind, &solution.ats);
    builder.place_all(solution)?;
    builder.make_inputs()?;
    Ok(builder.draft)
}
