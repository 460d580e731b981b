//! Operations that somebody wrote as examples: what they use, and which of them can't be used. Knows no files.

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::executable::{ExecutableDocument, Selection, SelectionSet};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::names::SchemaNames;
use braid_graphql::parse::{ParseLimits, parse_typed};
use braid_graphql::schema::FieldId;
use braid_graphql::{Name, OperationType};

use crate::view::View;

/// An operation to show.
#[derive(Debug, Clone)]
pub struct ExampleOperation {
    /// What it is called: its name, or where it is.
    pub name: String,
    /// The file that it is from, for messages.
    pub file: String,
    /// The operation, with all fragments that it needs.
    pub text: String,
}

/// An operation that is no valid operation of the graph as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableExample {
    /// What it is called.
    pub name: String,
    /// The file that it is from.
    pub file: String,
    /// Why it can't be shown.
    pub reason: String,
}

/// An example that is shown.
pub(crate) struct Example<'e> {
    pub(crate) operation: &'e ExampleOperation,
    pub(crate) kind: OperationType,
    /// The fields that it selects at the root.
    pub(crate) roots: Vec<FieldId>,
    /// Where names of fields and types are in the text: start, and what it names.
    pub(crate) names: Vec<(usize, Named)>,
}

/// What a name in an operation stands for.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Field(FieldId),
    Type(Name),
}

/// The examples of a site, and which of them use a field.
#[derive(Default)]
pub(crate) struct Examples<'e> {
    pub(crate) all: Vec<Example<'e>>,
    by_field: AHashMap<FieldId, Vec<usize>>,
}

impl<'e> Examples<'e> {
    /// Reads operations, by their names. Those that are not valid are returned beside.
    pub(crate) fn read(view: &View<'_>, operations: &'e [ExampleOperation]) -> (Self, Vec<UnusableExample>) {
        let (mut examples, mut unusable) = (Self::default(), Vec::new());
        let mut sorted: Vec<_> = operations.iter().collect();
        sorted.sort_by_key(|operation| (&operation.name, &operation.file));
        for operation in sorted {
            match read(view, operation) {
                Ok(example) => {
                    let index = examples.all.len();
                    let fields: AHashSet<FieldId> =
                        example.names.iter().filter_map(|(_, named)| field(named)).collect();
                    fields.into_iter().for_each(|field| examples.by_field.entry(field).or_default().push(index));
                    examples.all.push(example);
                }
                Err(reason) => unusable.push(UnusableExample {
                    name: operation.name.clone(),
                    file: operation.file.clone(),
                    reason,
                }),
            }
        }
        (examples, unusable)
    }

    /// The examples that use a field, by their numbers.
    pub(crate) fn using(&self, field: FieldId) -> &[usize] {
        self.by_field.get(&field).map_or(&[], Vec::as_slice)
    }
}

fn field(named: &Named) -> Option<FieldId> {
    match named {
        Named::Field(id) => Some(*id),
        Named::Type(_) => None,
    }
}

fn read<'e>(view: &View<'_>, operation: &'e ExampleOperation) -> Result<Example<'e>, String> {
    let limits = ParseLimits { names: SchemaNames::Shown, ..ParseLimits::default() };
    let document = parse_typed(&view.supergraph.api_schema, &operation.text, limits)
        .map_err(|errors| errors.into_iter().next().map_or_else(String::new, |error| error.message))?;
    let Some(first) = document.operations.iter().next() else {
        return Err("it has no operation".to_owned());
    };
    let mut names = Vec::new();
    let mut roots = Vec::new();
    for selection in &first.selection_set.selections {
        if let Selection::Field(field) = selection {
            roots.extend(field_id(view, &first.selection_set.ty, &field.name));
        }
    }
    collect(view, &document, &mut names);
    names.sort_by_key(|(start, _)| *start);
    Ok(Example { operation, kind: first.operation_type, roots, names })
}

fn collect(view: &View<'_>, document: &Valid<ExecutableDocument>, names: &mut Vec<(usize, Named)>) {
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            add_type(variable.ty.inner_named_type(), names);
        }
        selections(view, &operation.selection_set, names);
    }
    for fragment in document.fragments.values() {
        add_type(fragment.type_condition(), names);
        selections(view, &fragment.selection_set, names);
    }
}

fn selections(view: &View<'_>, set: &SelectionSet, names: &mut Vec<(usize, Named)>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                if let (Some(id), Some(at)) = (field_id(view, &set.ty, &field.name), field.name.location()) {
                    names.push((at.offset(), Named::Field(id)));
                }
                field.selection_set.iter().for_each(|set| selections(view, set, names));
            }
            Selection::InlineFragment(fragment) => {
                fragment.type_condition.iter().for_each(|name| add_type(name, names));
                selections(view, &fragment.selection_set, names);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn add_type(name: &Name, names: &mut Vec<(usize, Named)>) {
    names.extend(name.location().map(|at| (at.offset(), Named::Type(name.clone()))));
}

fn field_id(view: &View<'_>, parent: &Name, name: &Name) -> Option<FieldId> {
    view.supergraph.schema.field_named(view.supergraph.schema.type_named(parent)?, name)
}
