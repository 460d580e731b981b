//! The text of one operation with its fragments, without the strings and numbers in it: what is personal is not logged, and operations
//! that differ in nothing else are the same. Valid where the operation is.

use std::fmt::Write;

use ahash::AHashSet;
use braid_graphql::syntax::{Argument, Directive, Document, Many, OperationDefinition, Selection, SelectionSet, Value};

/// The text of an operation of a valid document, in one line.
pub fn signature(document: &Document<'_>, operation: &OperationDefinition<'_>) -> String {
    let mut printer = Printer { document, out: String::new(), spread: Vec::new(), seen: AHashSet::new() };
    printer.operation(operation);
    let mut next = 0;
    while let Some(name) = printer.spread.get(next).copied() {
        next += 1;
        if let Some(fragment) = document.fragment(name) {
            // Writing to a string can't fail, here and below.
            let _ = write!(printer.out, " fragment {name} on {}", fragment.type_condition);
            printer.directives(fragment.directives);
            printer.out.push(' ');
            printer.selections(fragment.selection_set);
        }
    }
    printer.out
}

struct Printer<'d> {
    document: &'d Document<'d>,
    out: String,
    /// The fragments that are needed, in the order in which they are first spread.
    spread: Vec<&'d str>,
    seen: AHashSet<&'d str>,
}

impl<'d> Printer<'d> {
    fn operation(&mut self, operation: &OperationDefinition<'d>) {
        self.out.push_str(operation.kind.name());
        if let Some(name) = operation.name {
            self.out.push(' ');
            self.out.push_str(name);
        }
        for (at, variable) in operation.variables.iter().enumerate() {
            let _ = write!(self.out, "{}${}: {}", if at == 0 { "(" } else { ", " }, variable.name, variable.ty);
            if let Some(default) = &variable.default {
                self.out.push_str(" = ");
                self.value(default.value);
            }
            self.directives(variable.directives);
        }
        if !operation.variables.is_empty() {
            self.out.push(')');
        }
        self.directives(operation.directives);
        self.out.push(' ');
        self.selections(operation.selection_set);
    }

    /// Recursive as deep as the grammar, which parsing bounds.
    fn selections(&mut self, set: SelectionSet<'d>) {
        let document = self.document;
        self.out.push_str("{ ");
        for selection in &document[set] {
            match selection {
                Selection::Field(field) => {
                    if let Some(alias) = field.alias {
                        let _ = write!(self.out, "{alias}: ");
                    }
                    self.out.push_str(field.name);
                    self.arguments(field.arguments, false);
                    self.directives(field.directives);
                    if let Some(set) = field.selection_set {
                        self.out.push(' ');
                        self.selections(set);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.out.push_str("...");
                    if let Some(name) = fragment.type_condition {
                        let _ = write!(self.out, " on {name}");
                    }
                    self.directives(fragment.directives);
                    self.out.push(' ');
                    self.selections(fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    let _ = write!(self.out, "...{}", spread.name);
                    self.directives(spread.directives);
                    if self.seen.insert(spread.name) {
                        self.spread.push(spread.name);
                    }
                }
            }
            self.out.push(' ');
        }
        self.out.push('}');
    }

    fn directives(&mut self, directives: Many<Directive<'d>>) {
        let document = self.document;
        for directive in &document[directives] {
            let _ = write!(self.out, " @{}", directive.name);
            // Labels must differ, and are a program's own.
            self.arguments(directive.arguments, matches!(directive.name, "defer" | "stream"));
        }
    }

    fn arguments(&mut self, arguments: Many<Argument<'d>>, as_written: bool) {
        let document = self.document;
        for (at, argument) in document[arguments].iter().enumerate() {
            let _ = write!(self.out, "{}{}: ", if at == 0 { "(" } else { ", " }, argument.name);
            match as_written {
                true => self.out.push_str(argument.value.text),
                false => self.value(argument.value.value),
            }
        }
        if !arguments.is_empty() {
            self.out.push(')');
        }
    }

    /// A number can be a `Float` or an `ID` too, and so can 0.
    fn value(&mut self, value: Value<'d>) {
        let document = self.document;
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Boolean(value) => self.out.push_str(if value { "true" } else { "false" }),
            Value::Int(_) | Value::Float(_) => self.out.push('0'),
            Value::String(_) => self.out.push_str("\"\""),
            Value::Enum(name) => self.out.push_str(name),
            Value::Variable(name) => {
                let _ = write!(self.out, "${name}");
            }
            Value::List(items) => self.list(&document[items]),
            Value::Object(fields) => {
                self.out.push('{');
                for (at, field) in document[fields].iter().enumerate() {
                    let _ = write!(self.out, "{}{}: ", if at == 0 { "" } else { ", " }, field.name);
                    self.value(field.value);
                }
                self.out.push('}');
            }
        }
    }

    /// Of several equal items, one says it all.
    fn list(&mut self, items: &[Value<'d>]) {
        self.out.push('[');
        let mut last = None;
        for item in items {
            let start = self.out.len();
            if last.is_some() {
                self.out.push_str(", ");
            }
            let at = self.out.len();
            self.value(*item);
            match &last {
                Some(last) if *last == self.out[at..] => self.out.truncate(start),
                _ => last = Some(self.out[at..].to_owned()),
            }
        }
        self.out.push(']');
    }
}

#[cfg(test)]
mod tests {
    use braid_graphql::parse::ParseLimits;
    use braid_graphql::syntax;

    use super::*;

    fn check(text: &str, expected: &str) {
        let document = syntax::parse(text, &ParseLimits::default()).unwrap();
        let printed = signature(&document, &document.operations[0]);
        assert_eq!(printed, expected);
        // It says the same when it is read again.
        let again = syntax::parse(&printed, &ParseLimits::default()).unwrap();
        assert_eq!(signature(&again, &again.operations[0]), printed);
    }

    #[test]
    fn strings_and_numbers_are_left_out() {
        check(
            "{ user(name: \"Ada\", note: \"\"\"so\"\"\" age: 36, size: 1.5e3) { id } }",
            "query { user(name: \"\", note: \"\", age: 0, size: 0) { id } }",
        );
        check(
            "{ a(in: [1, 2, 3], by: [{ k: \"x\" }, { k: \"y\" }, NAME], ok: true, no: null) }",
            "query { a(in: [0], by: [{k: \"\"}, NAME], ok: true, no: null) }",
        );
        check(
            "query Q($a: [Int!]! = [5] @x(y: \"z\"), $b: S) @live { f: a(x: $b) }",
            "query Q($a: [Int!]! = [0] @x(y: \"\"), $b: S) @live { f: a(x: $b) }",
        );
    }

    #[test]
    fn only_the_operation_and_what_it_needs_is_there() {
        check(
            "query A { ...F @include(if: $x) ... on B @defer(label: \"l\") { c ...F } ... { d } } fragment F on B { ...G } query Z { no } fragment G on B { g } fragment H on B { h }",
            "query A { ...F @include(if: $x) ... on B @defer(label: \"l\") { c ...F } ... { d } } fragment F on B { ...G } fragment G on B { g }",
        );
    }
}
