//! `@cost` and `@listSize`: used on fields that have a cost, and on lists.

use braid_graphql::compiler::ast::Type;

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Field, Kind, Subgraph};
use crate::subgraph::spec::Known;

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        for field in ty.fields.values() {
            let coordinate = format!("{}.{}", ty.name, field.name);
            if let (Kind::Interface, Some(cost)) = (ty.kind, field.get(Known::Cost)) {
                errors.push(
                    problem(
                        subgraph,
                        Code::COST_APPLIED_TO_INTERFACE_FIELD,
                        format_args!("@cost on \"{coordinate}\" has no effect: the cost of an interface's field comes from the implementing types."),
                    )
                    .on(coordinate.as_str())
                    .at(subgraph.locate(cost.span))
                    .help("put @cost on the fields of the implementing types")
                    .fix("remove @cost", edits::remove_application(subgraph, cost)),
                );
            }
            if let Some(list_size) = field.get(Known::ListSize) {
                let mut check = ListSize { subgraph, coordinate, field, list_size, errors };
                check.list();
                check.assumed_size();
                check.slicing_arguments();
                check.sized_fields();
            }
        }
    }
}

struct ListSize<'a, 'b> {
    subgraph: &'a Subgraph,
    coordinate: String,
    field: &'a Field,
    list_size: &'a Applied,
    errors: &'b mut Vec<Diagnostic>,
}

impl ListSize<'_, '_> {
    fn push(&mut self, code: Code, message: String, help: &str) {
        self.errors.push(
            problem(self.subgraph, code, message)
                .on(self.coordinate.as_str())
                .at(self.subgraph.locate(self.list_size.span))
                .help(help)
                .fix("remove @listSize", edits::remove_application(self.subgraph, self.list_size)),
        );
    }

    fn texts(&self, argument: &str) -> Vec<String> {
        match self.list_size.arg(argument) {
            Some(value) => match value.as_list() {
                Some(items) => items.iter().filter_map(|v| v.as_str().map(str::to_string)).collect(),
                None => value.as_str().map(str::to_string).into_iter().collect(),
            },
            None => Vec::new(),
        }
    }

    fn list(&mut self) {
        if self.texts("sizedFields").is_empty() && !self.field.ty.is_list() {
            self.push(
                Code::LIST_SIZE_APPLIED_TO_NON_LIST,
                format!("@listSize says how long a list can be, but \"{}\" is not a list.", self.coordinate),
                "remove @listSize, or name the lists of the returned type in sizedFields",
            );
        }
    }

    fn assumed_size(&mut self) {
        let size = self.list_size.arg("assumedSize").and_then(|v| v.to_i32());
        if let Some(size) = size.filter(|s| *s < 0) {
            self.push(
                Code::LIST_SIZE_INVALID_ASSUMED_SIZE,
                format!("A list has at least 0 items, but \"{}\" is assumed to have {size}.", self.coordinate),
                "write a size of 0 or more",
            );
        }
    }

    fn slicing_arguments(&mut self) {
        for text in self.texts("slicingArguments") {
            match self.field.args.get(text.as_str()) {
                None => self.push(
                    Code::LIST_SIZE_INVALID_SLICING_ARGUMENT,
                    format!("slicingArguments names \"{text}\", but \"{}\" has no such argument.", self.coordinate),
                    "name an argument of the field that says how many items a client wants",
                ),
                Some(argument) if !matches!(&argument.ty, Type::Named(n) | Type::NonNullNamed(n) if n == "Int") => self
                    .push(
                        Code::LIST_SIZE_INVALID_SLICING_ARGUMENT,
                        format!("slicingArguments names \"{}({text}:)\", which is not an Int and so can't be a number of items.", self.coordinate),
                        "name an argument of type Int",
                    ),
                Some(_) => {}
            }
        }
    }

    fn sized_fields(&mut self) {
        let fields = self.texts("sizedFields");
        if fields.is_empty() {
            return;
        }
        let target = self.subgraph.schema.types.get(self.field.ty.inner_named_type());
        let Some(target) = target.filter(|t| matches!(t.kind, Kind::Object | Kind::Interface)) else {
            self.push(
                Code::LIST_SIZE_INVALID_SIZED_FIELD,
                format!(
                    "sizedFields names fields of what \"{}\" returns, but \"{}\" has no fields.",
                    self.coordinate,
                    self.field.ty.inner_named_type()
                ),
                "remove sizedFields",
            );
            return;
        };
        for text in fields {
            match target.fields.get(text.as_str()) {
                None => self.push(
                    Code::LIST_SIZE_INVALID_SIZED_FIELD,
                    format!(
                        "sizedFields of \"{}\" names \"{text}\", but \"{}\" has no such field.",
                        self.coordinate, target.name
                    ),
                    "name a list field of the returned type",
                ),
                Some(field) if !field.ty.is_list() => self.push(
                    Code::LIST_SIZE_APPLIED_TO_NON_LIST,
                    format!(
                        "sizedFields of \"{}\" names \"{}.{text}\", which is not a list.",
                        self.coordinate, target.name
                    ),
                    "name a list field of the returned type",
                ),
                Some(_) => {}
            }
        }
    }
}
