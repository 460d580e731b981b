//! The report for people at a terminal, section by section.

use super::verdict_line::verdict_line;
use crate::change::{Change, First, Severity};
use crate::lint::Level;
use crate::operations::OperationsReport;
use crate::report::{Report, Verdict, shortened};

pub(super) fn table(report: &Report, color: bool) -> String {
    let mut table = Table { text: String::new(), color };
    table.problems(report);
    table.composition(report);
    if report.base.is_some() {
        table.changes("Changes", &report.changes);
    }
    if let Some(operations) = &report.operations {
        table.operations("Operations", operations);
    }
    table.lint(report);
    table.plans(report);
    for (name, contract) in &report.contracts {
        if let Some(error) = &contract.error {
            table.heading(&format!("Contract {name}"));
            table.line(Paint::Red, "✖", &error.to_string());
        }
        if contract.error.is_none() {
            table.changes(&format!("Contract {name}"), &contract.changes);
        }
        for operations in contract.operations.iter().filter(|operations| !operations.broken.is_empty()) {
            table.operations(&format!("Operations on contract {name}"), operations);
        }
    }
    for note in &report.notes {
        table.line(Paint::Dim, "·", note);
    }
    table.verdict(report);
    table.text
}

struct Table {
    text: String,
    color: bool,
}

#[derive(Clone, Copy)]
enum Paint {
    Red,
    Yellow,
    Green,
    Dim,
    Bold,
}

impl Table {
    fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Red => "31",
            Paint::Yellow => "33",
            Paint::Green => "32",
            Paint::Dim => "2",
            Paint::Bold => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Text of schemas can have control characters, which must not reach a terminal.
    fn push(&mut self, text: &str) {
        let clean = text.chars().map(|c| if c.is_control() && c != '\u{1b}' { ' ' } else { c });
        self.text.extend(clean);
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.paint(Paint::Bold, text);
        self.push(&heading);
    }

    fn line(&mut self, paint: Paint, mark: &str, text: &str) {
        let mark = self.paint(paint, mark);
        self.push(&format!("  {mark} {}", without_escapes(text)));
    }

    fn under(&mut self, text: &str) {
        let text = self.paint(Paint::Dim, &without_escapes(text));
        self.push(&format!("      {text}"));
    }

    fn problems(&mut self, report: &Report) {
        if report.problems.is_empty() && report.warnings.is_empty() {
            return;
        }
        self.heading("Input");
        for problem in &report.problems {
            self.line(Paint::Red, "✖", &problem.to_string());
        }
        for warning in &report.warnings {
            self.line(Paint::Yellow, "▲", &warning.to_string());
        }
    }

    fn composition(&mut self, report: &Report) {
        let Some(composition) = &report.composition else { return };
        self.heading("Composition");
        if composition.ok {
            self.line(Paint::Green, "✔", "The subgraphs compose.");
        }
        let errors = composition.errors.iter().map(|error| (Paint::Red, "✖", error));
        let hints = composition.hints.iter().map(|hint| (Paint::Dim, "·", hint));
        for (paint, mark, diagnostic) in errors.chain(hints) {
            self.line(paint, mark, &format!("{}  {}", diagnostic.code, diagnostic.message));
            for at in &diagnostic.locations {
                self.under(&format!("at {at}"));
            }
            if let Some(help) = &diagnostic.help {
                self.under(&format!("help: {help}"));
            }
        }
    }

    fn changes(&mut self, heading: &str, changes: &[Change]) {
        self.heading(heading);
        if changes.is_empty() {
            self.line(Paint::Green, "✔", "Nothing changed.");
        }
        let mut sorted: Vec<&Change> = changes.iter().collect();
        sorted.sort_by_key(|change| std::cmp::Reverse(change.severity));
        let width = sorted.iter().map(|change| change.kind.name().len()).max().unwrap_or_default();
        for change in sorted {
            self.change(change, width);
        }
    }

    fn change(&mut self, change: &Change, width: usize) {
        let (paint, mark, word) = match change.severity {
            Severity::Breaking | Severity::Dangerous if change.allowed.is_some() => (Paint::Yellow, "◌", "allowed"),
            Severity::Breaking => (Paint::Red, "✖", "breaking"),
            Severity::Dangerous => (Paint::Yellow, "▲", "dangerous"),
            Severity::Safe => (Paint::Green, "✔", "safe"),
        };
        self.line(paint, mark, &format!("{word:<9}  {:<width$}  {}", change.kind.name(), change.message));
        if change.severity == Severity::Safe && !change.usage.as_ref().is_some_and(|usage| usage.unused) {
            return;
        }
        self.under(&change.reason);
        for at in &change.locations {
            self.under(&format!("at {at}"));
        }
        if let Some(usage) = &change.usage {
            for (verb, operations) in [("breaks", &usage.broken), ("may affect", &usage.affected)] {
                if !operations.is_empty() {
                    self.under(&format!("{verb} {}", shortened(operations, 5)));
                }
            }
            if !usage.clients.is_empty() {
                self.under(&format!("sent by {}, {} times", shortened(&usage.clients, 5), usage.count));
            }
        }
        if let Some(rollout) = &change.rollout {
            let order = match rollout.first {
                First::Subgraph => "deploy the subgraph first, then the router",
                First::Router => "deploy the router first, then the subgraph",
                First::Either => "in any order",
            };
            let mixed = if rollout.mixed_versions { "" } else { "; old and new instances cannot serve together" };
            self.under(&format!("rollout: {order}{mixed}. {}", rollout.note));
        }
        match &change.allowed {
            Some(allowed) => self.under(&format!("allowed: {}", allowed.reason)),
            None if change.severity > Severity::Safe => self.under(&format!("id: {}", change.id)),
            None => {}
        }
    }

    fn operations(&mut self, heading: &str, operations: &OperationsReport) {
        self.heading(heading);
        for operation in &operations.broken {
            let clients = if operation.clients.is_empty() {
                String::new()
            } else {
                format!("  ({}; {} times)", shortened(&operation.clients, 3), operation.count)
            };
            self.line(Paint::Red, "✖", &format!("broken    {}{clients}", operation.id));
            for error in operation.errors.iter().take(3) {
                self.under(&format!("{}:{}:{}: {}", error.file, error.line, error.column, error.message));
            }
        }
        if !operations.affected.is_empty() {
            let names = shortened(&operations.affected, 10);
            self.line(Paint::Yellow, "▲", &format!("affected  {names}"));
        }
        if !operations.already_invalid.is_empty() {
            let names: Vec<String> = operations.already_invalid.iter().map(|operation| operation.id.clone()).collect();
            self.line(Paint::Dim, "·", &format!("not valid before the change either: {}", shortened(&names, 10)));
        }
        let fine = operations.total - operations.broken.len() - operations.already_invalid.len();
        self.line(Paint::Green, "✔", &format!("{fine} of {} known operations stay valid.", operations.total));
    }

    fn lint(&mut self, report: &Report) {
        if report.lint.is_empty() {
            return;
        }
        self.heading("Lint");
        for finding in &report.lint {
            let (paint, mark) = match finding.level {
                Level::Error => (Paint::Red, "✖"),
                Level::Warn => (Paint::Yellow, "▲"),
                Level::Info | Level::Off => (Paint::Dim, "·"),
            };
            self.line(paint, mark, &format!("{}  {} {}", finding.rule, finding.message, finding.help));
            self.under(&format!("at {}", finding.location));
        }
    }

    fn plans(&mut self, report: &Report) {
        if report.plans.is_empty() {
            return;
        }
        self.heading("Plans");
        for plan in &report.plans {
            let (paint, mark) = if plan.slower { (Paint::Yellow, "▲") } else { (Paint::Green, "✔") };
            self.line(paint, mark, &plan.message());
        }
    }

    fn verdict(&mut self, report: &Report) {
        let (paint, mark) = match report.verdict {
            Verdict::Pass => (Paint::Green, "✔"),
            Verdict::Warn => (Paint::Yellow, "▲"),
            Verdict::Fail => (Paint::Red, "✖"),
        };
        self.text.push('\n');
        let line = self.paint(paint, &format!("{mark} {}", verdict_line(report)));
        self.push(&line);
    }
}

fn without_escapes(text: &str) -> String {
    text.replace('\u{1b}', " ")
}
