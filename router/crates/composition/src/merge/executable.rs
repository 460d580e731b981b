//! Directives that clients use: only what every subgraph defines, since a part of a query may go to any of them.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::DirectiveLocation;
use braid_graphql::directives::is_executable;
use braid_supergraph::join_spec::draft::DraftDirective;

use super::merger::Merger;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Location};
use crate::subgraph::model::{DirectiveDef, Set};

impl<'a> Merger<'a> {
    pub(super) fn merge_executable_directives(&mut self) {
        let subgraphs = self.subgraphs;
        let mut names = Set::default();
        for subgraph in subgraphs {
            let executable = subgraph
                .schema
                .directives
                .values()
                .filter(|d| d.known.is_none() && d.locations.iter().any(|l| is_executable(*l)));
            names.extend(executable.map(|d| d.name.clone()));
        }
        names.sort();
        for name in names {
            self.merge_executable(&name);
        }
    }

    fn merge_executable(&mut self, name: &Name) {
        let subgraphs = self.subgraphs;
        let having: Vec<(usize, &'a DirectiveDef)> = subgraphs
            .iter()
            .enumerate()
            .filter_map(|(i, s)| Some((i, s.schema.directives.get(name)?)))
            .filter(|(_, d)| d.locations.iter().any(|l| is_executable(*l)))
            .collect();
        let at: Vec<Location> = having.iter().filter_map(|(i, d)| self.locate(*i, d.span)).collect();
        let hint = |code, message: String, help: &str| {
            Diagnostic::new(code, message).on(format!("@{name}")).at(at.clone()).help(help)
        };
        if having.len() < self.subgraphs.len() {
            let lacking = (0..self.subgraphs.len()).filter(|i| having.iter().all(|(h, _)| h != i));
            let message = format!(
                "Clients can't use the directive \"@{name}\": a part of their query may go to any subgraph, but it is defined in {} and not in {}.",
                self.names(having.iter().map(|(i, _)| *i)),
                self.names(lacking)
            );
            self.hints.push(hint(
                Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE,
                message,
                "define the directive in all subgraphs, or in none",
            ));
            return;
        }
        let locations: Vec<DirectiveLocation> = having[0]
            .1
            .locations
            .iter()
            .copied()
            .filter(|l| is_executable(*l) && having.iter().all(|(_, d)| d.locations.contains(l)))
            .collect();
        if locations.is_empty() {
            let message = format!(
                "Clients can't use the directive \"@{name}\": the subgraphs allow it at different locations, and none is allowed by all of them."
            );
            self.hints.push(hint(
                Code::NO_EXECUTABLE_DIRECTIVE_INTERSECTION,
                message,
                "define the directive with the same locations in all subgraphs",
            ));
            return;
        }
        let executable = |d: &DirectiveDef| d.locations.iter().filter(|l| is_executable(**l)).count();
        if having.iter().any(|(_, d)| executable(d) != locations.len()) {
            let message = format!(
                "The subgraphs allow the directive \"@{name}\" at different locations. Clients may use it only where all of them allow it."
            );
            self.hints.push(hint(
                Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
                message,
                "define the directive with the same locations in all subgraphs",
            ));
        }
        let repeatable = having.iter().all(|(_, d)| d.repeatable);
        if !repeatable && having.iter().any(|(_, d)| d.repeatable) {
            let message = format!(
                "Clients can't repeat the directive \"@{name}\" on one element: not every subgraph defines it as repeatable."
            );
            self.hints.push(hint(
                Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
                message,
                "make it repeatable in all subgraphs, or in none",
            ));
        }
        let texts: Vec<_> = having.iter().map(|(i, d)| (*i, d.description.as_ref())).collect();
        let description = self.merge_description(&format!("@{name}"), &texts);
        let sources: Vec<_> = having.iter().map(|(i, d)| (*i, &d.args)).collect();
        let args = self.merge_arguments(&format!("@{name}"), &sources);
        self.draft.directives.insert(
            name.clone(),
            DraftDirective { name: name.clone(), description, args, repeatable, locations, internal: false },
        );
    }
}
