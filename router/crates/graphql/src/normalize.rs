//! Turns a valid document's operation into the flat [`Operation`] model: fragments inlined, equal fields merged, literal
//! conditions folded. Knows nothing of subgraphs.

use ahash::{AHashMap, AHashSet};
use apollo_compiler::ast::Argument;
use apollo_compiler::{Name, Node, name};

use crate::deferred::Parts;
use crate::incremental::{DEFER, STREAM};
use crate::introspection::meta_type;
use crate::operation::{Condition, DeferId, Field, FieldRef, Literal, Operation, SelectionSet, Stream};
use crate::parse::ParseLimits;
use crate::schema::{Schema, TypeId};
use crate::syntax::{self, Directive, Document, Many, OperationDefinition, Selection, Value};
use crate::type_set::TypeSet;

/// Bounds on what fragments may expand to.
#[derive(Debug, Clone, Copy)]
pub struct NormalizeLimits {
    /// The most fields that an operation may have once its fragments are inlined.
    pub max_fields: usize,
    /// The deepest nesting of fields and fragments.
    pub max_depth: usize,
    /// The most deferred fragments and streamed lists that an operation may have once its fragments are inlined.
    pub max_deferred: usize,
}

impl Default for NormalizeLimits {
    fn default() -> Self {
        Self { max_fields: 50_000, max_depth: 200, max_deferred: 100 }
    }
}

/// An operation that cannot be brought into normal form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormalizeError {
    /// Fragments expand to more fields than the limit.
    #[error(
        "the operation expands to more than {limit} fields; ask for less, or spread fewer fragments into one another"
    )]
    TooManyFields {
        /// The limit that was passed.
        limit: usize,
    },
    /// Fields and fragments nest deeper than the limit.
    #[error("the operation nests deeper than {limit} levels")]
    TooDeep {
        /// The limit that was passed.
        limit: usize,
    },
    /// More fragments are deferred, or lists streamed, than the limit.
    #[error("the operation has more than {limit} deferred fragments and streamed lists; defer fewer")]
    TooManyDeferred {
        /// The limit that was passed.
        limit: usize,
    },
    /// The operation names something that the schema does not have; validation against that schema would have said so.
    #[error("{what} is not in the schema")]
    Unknown {
        /// What is missing.
        what: String,
    },
}

/// Brings `operation` of a valid `document` into normal form over `schema`.
///
/// `schema` may have more than the schema that the document was validated against (the router validates against the API
/// schema and plans over the supergraph), but not less.
pub fn normalize(
    document: &Document<'_>,
    operation: &OperationDefinition<'_>,
    schema: &Schema,
    limits: NormalizeLimits,
) -> Result<Operation, NormalizeError> {
    normalize_with(operation, Context::new(document, schema, limits))
}

/// As [`normalize`], for an answer in parts: `@defer` and `@stream` are kept, and what depends on Boolean variables is decided by
/// their `values`.
pub fn normalize_in_parts(
    document: &Document<'_>,
    operation: &OperationDefinition<'_>,
    schema: &Schema,
    limits: NormalizeLimits,
    values: &dyn Fn(&str) -> bool,
) -> Result<Operation, NormalizeError> {
    let parts = Some(Parts::new(values, document, &operation.variables));
    normalize_with(operation, Context { parts, ..Context::new(document, schema, limits) })
}

/// Brings a field set (as in `@key(fields: "id organization { id }")`, with or without braces around it) on `parent` into normal form.
pub fn normalize_field_set(text: &str, parent: TypeId, schema: &Schema) -> Result<SelectionSet, NormalizeError> {
    let unreadable = || NormalizeError::Unknown { what: format!("the field set \"{text}\"") };
    let braced = format!("{{{text}}}");
    let limits = ParseLimits::default();
    let document = syntax::parse(&braced, &limits).or_else(|_| syntax::parse(text, &limits));
    let document = document.map_err(|_| unreadable())?;
    let operation = document.operations.first().ok_or_else(unreadable)?;
    let mut context = Context::new(&document, schema, NormalizeLimits::default());
    let mut selections = Selections::default();
    let scope = Scope::new(schema.ty(parent).possible.clone());
    context.collect(operation.selection_set, parent, &scope, &mut selections)?;
    Ok(selections.finish())
}

fn normalize_with<'d>(
    operation: &'d OperationDefinition<'d>,
    mut context: Context<'d>,
) -> Result<Operation, NormalizeError> {
    let schema = context.schema;
    let root = schema
        .root(operation.kind)
        .ok_or_else(|| NormalizeError::Unknown { what: format!("the root type of a {}", operation.kind) })?;
    let mut selections = Selections::default();
    let scope = Scope::new(schema.ty(root).possible.clone());
    context.collect(operation.selection_set, root, &scope, &mut selections)?;
    Ok(Operation {
        kind: operation.kind,
        name: operation.name.map(Name::new_unchecked),
        variables: syntax::variable_definitions(context.document, operation),
        root,
        selection_set: selections.finish(),
        refused_types: TypeSet::empty(),
        streams: context.parts.as_ref().map_or(0, |parts| parts.streams),
        defers: context.parts.map(|parts| parts.defers).unwrap_or_default(),
    })
}

struct Context<'d> {
    document: &'d Document<'d>,
    schema: &'d Schema,
    limits: NormalizeLimits,
    fields: usize,
    /// The names that the schema does not have: aliases and variables.
    names: AHashMap<&'d str, Name>,
    /// What is kept of `@defer` and `@stream`, in an operation that is answered in parts.
    parts: Option<Parts<'d>>,
}

impl<'d> Context<'d> {
    fn new(document: &'d Document<'d>, schema: &'d Schema, limits: NormalizeLimits) -> Self {
        Self { document, schema, limits, fields: 0, names: AHashMap::new(), parts: None }
    }

    fn name(&mut self, text: &'d str) -> Name {
        self.names.entry(text).or_insert_with(|| Name::new_unchecked(text)).clone()
    }
}

/// Under what the selections being read apply.
#[derive(Clone)]
struct Scope {
    guard: TypeSet,
    condition: Condition,
    depth: usize,
    /// How many fields are above.
    level: u32,
    defer: Option<DeferId>,
    /// Whether the schema itself is selected, which is delivered in one piece.
    is_meta: bool,
}

impl Scope {
    fn new(guard: TypeSet) -> Self {
        Self { guard, condition: Condition::always(), depth: 0, level: 0, defer: None, is_meta: false }
    }
}

/// What is merged has these in common, a name first.
type MergeKey<'d> = (&'d str, TypeSet, Condition, Option<DeferId>);

/// A selection set under construction. Children stay open until all fields that merge into them were seen.
#[derive(Default)]
struct Selections<'d> {
    fields: Vec<(Field, Option<Selections<'d>>)>,
    /// Where a field is, once there are too many to look at each.
    by_key: AHashMap<MergeKey<'d>, usize>,
    /// A fragment spread twice under the same guard and condition adds nothing (*CollectFields*, visitedFragments).
    visited: AHashSet<MergeKey<'d>>,
}

/// Up to so many fields are looked at one by one.
const FEW: usize = 24;

impl<'d> Selections<'d> {
    /// The field with this key under this scope.
    fn find(&self, key: &'d str, scope: &Scope) -> Option<usize> {
        if self.fields.len() > FEW {
            return self.by_key.get(&(key, scope.guard.clone(), scope.condition.clone(), scope.defer)).copied();
        }
        self.fields.iter().rposition(|(field, _)| {
            field.response_key == key
                && field.defer == scope.defer
                && field.condition == scope.condition
                && field.guard == scope.guard
        })
    }

    fn push(&mut self, key: &'d str, field: Field) -> usize {
        let at = self.fields.len();
        if at >= FEW {
            self.by_key.insert((key, field.guard.clone(), field.condition.clone(), field.defer), at);
        }
        self.fields.push((field, None));
        at
    }

    /// Whether a later field shares the response key of the field at `at`, and both can be selected for one object.
    fn is_followed(&self, at: usize) -> bool {
        let (field, later) = (&self.fields[at].0, self.fields.iter().skip(at + 1));
        later.map(|(later, _)| later).any(|later| {
            later.response_key == field.response_key
                && !later.guard.is_disjoint(&field.guard)
                && later.condition.and_all(&field.condition).is_some()
        })
    }

    fn finish(self) -> SelectionSet {
        let close = |(mut field, children): (Field, Option<Selections<'_>>)| {
            field.selection_set = children.map(Selections::finish);
            field
        };
        SelectionSet { fields: self.fields.into_iter().map(close).collect() }
    }
}

impl<'d> Context<'d> {
    fn collect(
        &mut self,
        selection_set: syntax::SelectionSet<'d>,
        parent: TypeId,
        scope: &Scope,
        into: &mut Selections<'d>,
    ) -> Result<(), NormalizeError> {
        if scope.depth > self.limits.max_depth {
            return Err(NormalizeError::TooDeep { limit: self.limits.max_depth });
        }
        let document = self.document;
        for selection in &document[selection_set] {
            let Some(condition) = self.with_directives(&scope.condition, selection.directives()) else { continue };
            let mut scope = Scope { condition, guard: scope.guard.clone(), depth: scope.depth + 1, ..*scope };
            match selection {
                Selection::Field(field) => self.collect_field(field, parent, &scope, into)?,
                Selection::InlineFragment(fragment) => {
                    scope.defer = self.deferred(fragment.directives, &scope)?;
                    self.collect_fragment(fragment.type_condition, fragment.selection_set, parent, scope, into)?;
                }
                Selection::FragmentSpread(spread) => {
                    scope.defer = self.deferred(spread.directives, &scope)?;
                    let key = (spread.name, scope.guard.clone(), scope.condition.clone(), scope.defer);
                    if !into.visited.insert(key) {
                        continue;
                    }
                    let fragment = document
                        .fragment(spread.name)
                        .ok_or_else(|| NormalizeError::Unknown { what: format!("fragment \"{}\"", spread.name) })?;
                    let condition = Some(fragment.type_condition);
                    self.collect_fragment(condition, fragment.selection_set, parent, scope, into)?;
                }
            }
        }
        Ok(())
    }

    fn collect_fragment(
        &mut self,
        type_condition: Option<&str>,
        selection_set: syntax::SelectionSet<'d>,
        parent: TypeId,
        mut scope: Scope,
        into: &mut Selections<'d>,
    ) -> Result<(), NormalizeError> {
        let mut inner = parent;
        if let Some(name) = type_condition {
            inner = self.schema.type_named(name).ok_or_else(|| unknown_type(name))?;
            scope.guard = scope.guard.intersection(&self.schema.ty(inner).possible);
        }
        // No runtime type can get here, so nothing below is ever selected.
        if scope.guard.is_empty() {
            return Ok(());
        }
        self.collect(selection_set, inner, &scope, into)
    }

    fn collect_field(
        &mut self,
        field: &'d syntax::Field<'d>,
        parent: TypeId,
        scope: &Scope,
        into: &mut Selections<'d>,
    ) -> Result<(), NormalizeError> {
        let definition = self.look_up(parent, field.name)?;
        let key = field.response_key();
        let at = match into.find(key, scope) {
            // Merging must not move what is below before what stands between.
            Some(at) if field.selection_set.is_none() || !into.is_followed(at) => at,
            _ => {
                self.fields += 1;
                if self.fields > self.limits.max_fields {
                    return Err(NormalizeError::TooManyFields { limit: self.limits.max_fields });
                }
                let normal = Field {
                    response_key: self.response_key(field, definition),
                    definition,
                    parent,
                    guard: scope.guard.clone(),
                    condition: scope.condition.clone(),
                    arguments: self.arguments(field, definition),
                    selection_set: None,
                    defer: scope.defer,
                    stream: self.streamed(field.directives, scope)?,
                };
                into.push(key, normal)
            }
        };
        let Some(selection_set) = field.selection_set else { return Ok(()) };
        let own = self.schema;
        let inner = match definition {
            FieldRef::Field(id) => own.field(id).inner,
            // What is below is of the schema of the introspection types.
            meta => {
                let Some((schema, inner)) = meta_type(meta) else { return Ok(()) };
                self.schema = schema;
                inner
            }
        };
        // Whether the field itself is selected is said once, on the field; below it, conditions start from nothing.
        let scope = Scope {
            guard: self.schema.ty(inner).possible.clone(),
            condition: Condition::always(),
            level: scope.level + 1,
            is_meta: scope.is_meta || definition.id().is_none(),
            ..*scope
        };
        let mut children = into.fields[at].1.take().unwrap_or_default();
        self.collect(selection_set, inner, &scope, &mut children)?;
        into.fields[at].1 = Some(children);
        self.schema = own;
        Ok(())
    }

    /// The schema's own name where that is the key.
    fn response_key(&mut self, field: &syntax::Field<'d>, definition: FieldRef) -> Name {
        match (field.alias, definition) {
            (None, FieldRef::Field(id)) => self.schema.field(id).name.clone(),
            (None, FieldRef::Typename) => name!("__typename"),
            _ => self.name(field.response_key()),
        }
    }

    fn arguments(&self, field: &syntax::Field<'d>, definition: FieldRef) -> Vec<Node<Argument>> {
        if field.arguments.is_empty() {
            return Vec::new();
        }
        let known = definition.id().map(|id| &self.schema.field(id).arguments);
        syntax::arguments(self.document, field.arguments, |name| {
            let known = known.and_then(|known| known.get_key_value(name));
            known.map_or_else(|| Name::new_unchecked(name), |(name, _)| name.clone())
        })
    }

    fn look_up(&self, parent: TypeId, name: &str) -> Result<FieldRef, NormalizeError> {
        match name {
            "__typename" => Ok(FieldRef::Typename),
            "__schema" => Ok(FieldRef::IntrospectSchema),
            "__type" => Ok(FieldRef::IntrospectType),
            _ => self.schema.field_named(parent, name).map(FieldRef::Field).ok_or_else(|| NormalizeError::Unknown {
                what: format!("field \"{}.{name}\"", self.schema.ty(parent).name),
            }),
        }
    }
}

impl<'d> Context<'d> {
    /// The innermost deferred fragment within one with these directives.
    fn deferred(&mut self, directives: Many<Directive<'d>>, scope: &Scope) -> Result<Option<DeferId>, NormalizeError> {
        let Some(parts) = self.parts.as_mut().filter(|_| !scope.is_meta) else { return Ok(scope.defer) };
        let defer = self.document.directive(directives, DEFER);
        let Some(defer) = defer.filter(|defer| parts.applies(defer)) else { return Ok(scope.defer) };
        let id = parts.add_defer(defer, scope.defer, scope.level);
        self.bounded().map(|()| Some(id))
    }

    fn streamed(
        &mut self,
        directives: Many<Directive<'d>>,
        scope: &Scope,
    ) -> Result<Option<Box<Stream>>, NormalizeError> {
        let Some(parts) = self.parts.as_mut().filter(|_| !scope.is_meta) else { return Ok(None) };
        let stream = self.document.directive(directives, STREAM);
        let Some(stream) = stream.filter(|stream| parts.applies(stream)) else { return Ok(None) };
        let stream = parts.add_stream(stream);
        self.bounded().map(|()| Some(Box::new(stream)))
    }

    fn bounded(&self) -> Result<(), NormalizeError> {
        let limit = self.limits.max_deferred;
        match self.parts.as_ref().is_some_and(|parts| parts.len() > limit) {
            true => Err(NormalizeError::TooManyDeferred { limit }),
            false => Ok(()),
        }
    }

    /// `@skip` and `@include` added to `condition`; `None` when the selection can never apply.
    fn with_directives(&mut self, condition: &Condition, directives: Many<Directive<'d>>) -> Option<Condition> {
        let mut all = condition.clone();
        let document = self.document;
        for directive in &document[directives] {
            let included = match directive.name {
                "include" => true,
                "skip" => false,
                _ => continue,
            };
            match document.argument(directive, "if").map(|literal| literal.value) {
                Some(Value::Boolean(value)) if value != included => return None,
                Some(Value::Variable(variable)) => {
                    all = all.and(Literal { variable: self.name(variable), value: included })?;
                }
                _ => {}
            }
        }
        match &self.parts {
            None => Some(all),
            Some(parts) => all.holds(|name| (parts.values)(name)).then(Condition::always),
        }
    }
}

fn unknown_type(name: &str) -> NormalizeError {
    NormalizeError::Unknown { what: format!("type \"{name}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{choose_operation, parse_operation};
    use apollo_compiler::Schema as SourceSchema;

    const SCHEMA: &str = "
        type Query { node: Node dog: Dog pets(first: Int): [Pet] }
        interface Node { id: ID }
        interface Pet { name: String friend: Pet }
        type Dog implements Node & Pet { id: ID name: String friend: Pet barks: Boolean }
        type Cat implements Node & Pet { id: ID name: String friend: Pet meows: Boolean }
        type Rock implements Node { id: ID }
    ";

    fn show(set: &SelectionSet, schema: &Schema, position: &TypeSet, out: &mut String) {
        for field in &set.fields {
            if !out.is_empty() && !out.ends_with('{') {
                out.push(' ');
            }
            if field.guard != *position {
                let names: Vec<_> = field.guard.iter().map(|id| schema.ty(id).name.as_str()).collect();
                out.push_str(&format!("[{}]", names.join(",")));
            }
            out.push_str(&field.response_key);
            for literal in field.condition.literals() {
                out.push_str(&format!("{}{}", if literal.value { "?" } else { "!" }, literal.variable));
            }
            if let (Some(children), Some(id)) = (&field.selection_set, field.definition.id()) {
                out.push('{');
                show(children, schema, &schema.ty(schema.field(id).inner).possible, out);
                out.push('}');
            }
        }
    }

    fn normal(text: &str) -> (Schema, Result<Operation, NormalizeError>) {
        let source = SourceSchema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let schema = Schema::new(&source).unwrap();
        let document = parse_operation(&source, &schema, text, ParseLimits::default()).unwrap();
        let operation = choose_operation(&document, None).unwrap();
        let normal = normalize(&document, operation, &schema, NormalizeLimits::default());
        (schema, normal)
    }

    fn check(operation: &str, expected: &str) {
        let (schema, normal) = normal(operation);
        let normal = normal.unwrap();
        let mut shown = String::new();
        show(&normal.selection_set, &schema, &schema.ty(normal.root).possible, &mut shown);
        assert_eq!(shown, expected);
    }

    #[test]
    fn fragments_become_guards() {
        check(
            "{ node { id ... on Pet { name } ...D } } fragment D on Dog { barks }",
            "node{id [Dog,Cat]name [Dog]barks}",
        );
        check("{ pets { ... on Node { ... on Dog { barks } ... on Pet { name } } } }", "pets{[Dog]barks name}");
    }

    #[test]
    fn impossible_branches_leave_the_field() {
        check("{ dog { ... on Node { ... on Pet { ... on Cat { meows } } } } }", "dog{}");
    }

    #[test]
    fn equal_fields_merge_at_the_first_place() {
        check("{ dog { id } node { id } dog { name id } }", "dog{id name} node{id}");
        check(
            "{ node { ... on Dog { id } ... on Pet { name } ... on Dog { id barks } } }",
            "node{[Dog]id [Dog,Cat]name [Dog]barks}",
        );
    }

    #[test]
    fn conditions_fold_and_combine() {
        check("{ dog { id @skip(if: true) name @include(if: true) } }", "dog{name}");
        check(
            "query($a: Boolean!, $b: Boolean!) { dog @include(if: $a) { id @skip(if: $b) } ... @include(if: $b) { dog @skip(if: $b) { name } } }",
            "dog?a{id!b}",
        );
        check("query($a: Boolean!) { dog @include(if: $a) { id } dog { id name } }", "dog?a{id} dog{id name}");
    }

    #[test]
    fn merging_moves_no_key() {
        check(
            "query($a: Boolean!) { dog { id } dog @include(if: $a) { name } dog { barks } }",
            "dog{id} dog?a{name} dog{barks}",
        );
        check(
            "{ node { ... on Pet { friend { id: name } } ... on Dog { friend { name } } ... on Pet { friend { last: name } } } }",
            "node{[Dog,Cat]friend{id} [Dog]friend{name} [Dog,Cat]friend{last}}",
        );
        check(
            "query($a: Boolean!) { dog @include(if: $a) { id } dog @skip(if: $a) { name } dog @include(if: $a) { barks } }",
            "dog?a{id barks} dog!a{name}",
        );
    }

    #[test]
    fn a_fragment_bomb_is_refused() {
        let mut text = String::from("{ dog { friend { ...F0 } } }");
        for i in 0..30 {
            let next = i + 1;
            text.push_str(&format!("fragment F{i} on Pet {{ a: friend {{ ...F{next} }} b: friend {{ ...F{next} }} }}"));
        }
        text.push_str("fragment F30 on Pet { name }");
        let error = normal(&text).1.unwrap_err();
        assert_eq!(error, NormalizeError::TooManyFields { limit: 50_000 });
    }
}
