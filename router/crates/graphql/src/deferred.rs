//! The deferred fragments and streamed lists of an operation, as they are met. Knows nothing of selections.

use apollo_compiler::Name;

use crate::operation::{Defer, DeferId, InitialCount, Stream, StreamId};
use crate::syntax::{self, Directive, Document, Value, VariableDefinition};

/// What may be delivered later.
pub(crate) struct Parts<'d> {
    /// The Boolean variables of the request.
    pub(crate) values: &'d dyn Fn(&str) -> bool,
    pub(crate) defers: Vec<Defer>,
    pub(crate) streams: u32,
    document: &'d Document<'d>,
    variables: &'d [VariableDefinition<'d>],
}

impl<'d> Parts<'d> {
    /// Nothing yet, for these values of the Boolean variables.
    pub(crate) fn new(
        values: &'d dyn Fn(&str) -> bool,
        document: &'d Document<'d>,
        variables: &'d [VariableDefinition<'d>],
    ) -> Self {
        Self { values, defers: Vec::new(), streams: 0, document, variables }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.defers.len() + self.streams as usize
    }

    /// Adds a fragment that is deferred by a directive.
    pub(crate) fn add_defer(&mut self, defer: &Directive<'d>, parent: Option<DeferId>, depth: u32) -> DeferId {
        let id = DeferId(self.defers.len() as u32);
        self.defers.push(Defer { label: self.label(defer), parent, depth });
        id
    }

    /// Adds a list that is streamed by a directive.
    pub(crate) fn add_stream(&mut self, stream: &Directive<'d>) -> Stream {
        let id = StreamId(self.streams);
        self.streams += 1;
        Stream { id, label: self.label(stream), initial_count: self.initial_count(stream) }
    }

    /// Whether `if` is not false.
    pub(crate) fn applies(&self, directive: &Directive<'d>) -> bool {
        match self.document.argument(directive, "if").map(|literal| literal.value) {
            Some(Value::Boolean(value)) => value,
            Some(Value::Variable(variable)) => (self.values)(variable),
            _ => true,
        }
    }

    fn initial_count(&self, stream: &Directive<'d>) -> InitialCount {
        // A number that is negative counts as none.
        let number = |value: Value<'_>| match value {
            Value::Int(text) => text.parse::<i32>().ok().and_then(|count| count.try_into().ok()).unwrap_or(0),
            _ => 0,
        };
        match self.document.argument(stream, "initialCount").map(|literal| literal.value) {
            None => InitialCount::Fixed(0),
            Some(Value::Variable(name)) => {
                let defined = self.variables.iter().find(|variable| variable.name == name);
                let default = defined.and_then(|variable| variable.default.as_ref());
                InitialCount::Variable(Name::new_unchecked(name), default.map_or(0, |default| number(default.value)))
            }
            Some(value) => InitialCount::Fixed(number(value)),
        }
    }

    fn label(&self, directive: &Directive<'d>) -> Option<String> {
        syntax::string(self.document.argument(directive, "label")?)
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema as SourceSchema;

    use crate::normalize::{NormalizeError, NormalizeLimits, normalize, normalize_in_parts};
    use crate::operation::{Field, SelectionSet};
    use crate::parse::{ParseLimits, choose_operation, parse_operation};
    use crate::schema::Schema;

    const SCHEMA: &str = "
        type Query { node: Node dog: Dog pets(first: Int): [Pet] }
        interface Node { id: ID }
        interface Pet { name: String friend: Pet }
        type Dog implements Node & Pet { id: ID name: String friend: Pet barks: Boolean }
        type Cat implements Node & Pet { id: ID name: String friend: Pet meows: Boolean }
        type Rock implements Node { id: ID }
    ";

    /// Fields with the fragments that put them off, as `^0`; `*` for a streamed list.
    fn show_parts(set: &SelectionSet) -> String {
        let field = |field: &Field| {
            let defer = field.defer.map(|defer| format!("^{}", defer.0)).unwrap_or_default();
            let stream = if field.stream.is_some() { "*" } else { "" };
            let below = field.selection_set.as_ref().map(|set| format!("{{{}}}", show_parts(set)));
            format!("{}{stream}{defer}{}", field.response_key, below.unwrap_or_default())
        };
        set.fields.iter().map(field).collect::<Vec<_>>().join(" ")
    }

    fn check_parts(text: &str, expected: &str, parents: &[(Option<u32>, u32)]) {
        let source = SourceSchema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let source = crate::incremental::with_incremental_directives(source);
        let schema = Schema::new(&source).unwrap();
        let document = parse_operation(&source, &schema, text, ParseLimits::default()).unwrap();
        let chosen = choose_operation(&document, None).unwrap();
        let limits = NormalizeLimits::default();
        let normal = normalize_in_parts(&document, chosen, &schema, limits, &|name| name == "yes").unwrap();
        assert_eq!(show_parts(&normal.selection_set), expected, "{text}");
        let found: Vec<_> = normal.defers.iter().map(|defer| (defer.parent.map(|id| id.0), defer.depth)).collect();
        assert_eq!(found, parents, "{text}");
        let whole = normalize(&document, chosen, &schema, limits).unwrap();
        assert!(!whole.has_parts() && whole.defers.is_empty());
    }

    #[test]
    fn deferred_fragments_and_streamed_lists() {
        check_parts("{ dog { id ... @defer { name } } }", "dog{id name^0}", &[(None, 1)]);
        check_parts(
            "{ dog { id } ... @defer { dog { name ... @defer { barks } } } }",
            "dog{id} dog^0{name^0 barks^1}",
            &[(None, 0), (Some(0), 1)],
        );
        check_parts(
            "query($yes: Boolean!, $no: Boolean!) { dog { ... @defer(if: $no) { id } ...F @defer(if: $yes) ...F @skip(if: $yes) name @include(if: $yes) } } fragment F on Dog { barks }",
            "dog{id barks^0 name}",
            &[(None, 1)],
        );
        check_parts("{ pets @stream(initialCount: 2) { name } }", "pets*{name}", &[]);
        check_parts("{ __schema { ... @defer { types { name } } } }", "__schema{types{name}}", &[]);
    }

    #[test]
    fn too_many_deferred_fragments_are_refused() {
        let source = SourceSchema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let source = crate::incremental::with_incremental_directives(source);
        let text = format!("{{ dog {{ {} }} }}", "... @defer { id } ".repeat(4));
        let schema = Schema::new(&source).unwrap();
        let document = parse_operation(&source, &schema, &text, ParseLimits::default()).unwrap();
        let chosen = choose_operation(&document, None).unwrap();
        let limits = NormalizeLimits { max_deferred: 3, ..NormalizeLimits::default() };
        let error = normalize_in_parts(&document, chosen, &schema, limits, &|_| true).unwrap_err();
        assert_eq!(error, NormalizeError::TooManyDeferred { limit: 3 });
    }
}
