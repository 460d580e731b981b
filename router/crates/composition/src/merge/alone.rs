//! Copies what only one subgraph has. There can be no conflict.

use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::draft::{DraftApplied, DraftField, DraftInput, DraftJoinField};

use super::merger::Merger;
use crate::subgraph::model::{Applied, Directives, Field, InputValue, Span};
use crate::subgraph::spec::Known;

impl Merger<'_> {
    /// A field of an object or interface that a subgraph resolves.
    pub(super) fn field_alone(
        &mut self,
        name: &Name,
        (index, field): (usize, &Field),
        joins: Vec<DraftJoinField>,
    ) -> DraftField {
        let coordinate = || format!("{name}.{}", field.name);
        let applied = self.applied_alone(coordinate, (index, &field.applied, field.span));
        // What comes from a context is filled in by the router.
        let args = field.args.values().filter(|a| !a.has(Known::FromContext));
        let args = args.map(|a| self.argument_alone(coordinate, (index, a))).collect();
        self.note_enum_use(&field.ty, false, coordinate);
        DraftField {
            name: field.name.clone(),
            description: field.description.clone(),
            args,
            ty: field.ty.clone(),
            default: None,
            joins,
            applied,
        }
    }

    fn argument_alone(&mut self, owner: impl Fn() -> String, (index, argument): (usize, &InputValue)) -> DraftInput {
        let coordinate = || format!("{}({}:)", owner(), argument.name);
        let applied = self.applied_alone(coordinate, (index, &argument.applied, argument.span));
        self.note_enum_use(&argument.ty, true, coordinate);
        DraftInput {
            name: argument.name.clone(),
            description: argument.description.clone(),
            ty: argument.ty.clone(),
            default: argument.default.clone(),
            applied,
        }
    }

    /// A field of an input object.
    pub(super) fn input_field_alone(&mut self, name: &Name, (index, field): (usize, &Field)) -> DraftField {
        let coordinate = || format!("{name}.{}", field.name);
        let applied = self.applied_alone(coordinate, (index, &field.applied, field.span));
        self.note_enum_use(&field.ty, true, coordinate);
        DraftField {
            name: field.name.clone(),
            description: field.description.clone(),
            args: Vec::new(),
            ty: field.ty.clone(),
            default: field.default.clone(),
            joins: Vec::new(),
            applied,
        }
    }

    /// Directives still have rules: what they are called, and which are composed.
    fn applied_alone(
        &mut self,
        coordinate: impl Fn() -> String,
        (index, applied, span): (usize, &[Applied], Span),
    ) -> Vec<DraftApplied> {
        match applied.is_empty() && self.inherited.is_empty() {
            true => Vec::new(),
            false => self.merge_applied(&coordinate(), &[(index, applied, span)]),
        }
    }
}
