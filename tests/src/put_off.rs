//! Puts `@defer` and `@stream` into an operation, and takes them out. Knows nothing of how parts are delivered.

use braid_graphql::compiler::ast::{
    Argument, Definition, Directive, DirectiveList, Document, Field, InlineFragment, OperationType, Selection, Value,
};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Node, Schema, name};
use braid_graphql::incremental::with_incremental_directives;
use braid_graphql::parse::{ParseLimits, parse_typed};

use crate::world::{Operation, Random};

/// The operation with some of its selections deferred and some of its lists streamed; `None` if none can be.
pub fn put_off(schema: &Valid<Schema>, operation: &Operation, random: &mut Random) -> Option<Operation> {
    let known = with_incremental_directives(schema.clone());
    for attempt in 0..6 {
        let mut document = Document::parse(operation.text.as_str(), "operation.graphql").ok()?;
        let mut writer =
            Writer { schema: &known, random, variables: Vec::new(), labels: 0, count: 0, streams: attempt < 3 };
        writer.document(&mut document);
        let count = writer.count;
        let text = document.to_string();
        if count > 0 && parse_typed(&known, &text, ParseLimits::default()).is_ok() {
            return Some(Operation { text, variables: operation.variables.clone() });
        }
    }
    None
}

/// The operation with one list streamed that nothing but objects are around; `None` if it has none.
pub fn stream_one(schema: &Valid<Schema>, operation: &Operation, random: &mut Random) -> Option<Operation> {
    let known = with_incremental_directives(schema.clone());
    let mut document = Document::parse(operation.text.as_str(), "operation.graphql").ok()?;
    let is_query = |definition: &Definition| match definition {
        Definition::OperationDefinition(operation) => operation.operation_type == OperationType::Query,
        _ => false,
    };
    let definition = document.definitions.iter_mut().find(|definition| is_query(definition))?;
    let Definition::OperationDefinition(query) = definition else { return None };
    let mut lists = Vec::new();
    outer_lists(&known, &mut query.make_mut().selection_set, "Query", &mut lists);
    if lists.is_empty() {
        return None;
    }
    let at = random.below(lists.len());
    let value = Node::new(Value::Int((random.below(4) as i32).into()));
    let arguments = vec![Node::new(Argument { name: name!("initialCount"), value })];
    lists[at].directives.push(Node::new(Directive { name: name!("stream"), arguments }));
    drop(lists);
    let text = document.to_string();
    parse_typed(&known, &text, ParseLimits::default()).ok()?;
    Some(Operation { text, variables: operation.variables.clone() })
}

/// The fields below a set whose values are lists of objects, with nothing but objects around them.
fn outer_lists<'a>(schema: &Schema, set: &'a mut [Selection], parent: &str, lists: &mut Vec<&'a mut Field>) {
    for selection in set {
        let Selection::Field(field) = selection else { continue };
        let Ok(definition) = schema.type_field(parent, &field.name) else { continue };
        let inner = definition.ty.inner_named_type().to_string();
        let (field, is_list) = (field.make_mut(), definition.ty.is_list());
        match is_list {
            true if field.selection_set.is_some() => lists.push(field),
            _ => outer_lists(schema, field.selection_set.as_deref_mut().unwrap_or_default(), &inner, lists),
        }
    }
}

/// The text of an operation without the directives.
pub fn whole(text: &str) -> String {
    let mut document = Document::parse(text, "operation.graphql").unwrap();
    let drop = |directives: &mut DirectiveList| directives.0.retain(|it| it.name != "defer" && it.name != "stream");
    for definition in &mut document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => each(&mut operation.make_mut().selection_set, drop),
            Definition::FragmentDefinition(fragment) => each(&mut fragment.make_mut().selection_set, drop),
            _ => {}
        }
    }
    document.to_string()
}

/// The text of an operation that also asks for the type of each object, under `key`.
pub fn with_type_names(text: &str, key: &Name) -> String {
    fn add(set: &mut Vec<Selection>, key: &Name) {
        for selection in set.iter_mut() {
            match selection {
                Selection::Field(field) if field.selection_set.is_some() => {
                    field.make_mut().selection_set.iter_mut().for_each(|set| add(set, key));
                }
                Selection::InlineFragment(fragment) => add(&mut fragment.make_mut().selection_set, key),
                Selection::Field(_) | Selection::FragmentSpread(_) => {}
            }
        }
        let field = Field {
            alias: Some(key.clone()),
            name: name!("__typename"),
            arguments: Vec::new(),
            directives: DirectiveList::default(),
            selection_set: None,
        };
        set.push(Selection::Field(Node::new(field)));
    }
    let mut document = Document::parse(text, "operation.graphql").unwrap();
    for definition in &mut document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => add(&mut operation.make_mut().selection_set, key),
            Definition::FragmentDefinition(fragment) => add(&mut fragment.make_mut().selection_set, key),
            _ => {}
        }
    }
    document.to_string()
}

/// Changes the directives of all selections.
fn each(set: &mut [Selection], change: fn(&mut DirectiveList)) {
    for selection in set {
        match selection {
            Selection::Field(field) => {
                let field = field.make_mut();
                change(&mut field.directives);
                field.selection_set.iter_mut().for_each(|set| each(set, change));
            }
            Selection::InlineFragment(fragment) => {
                let fragment = fragment.make_mut();
                change(&mut fragment.directives);
                each(&mut fragment.selection_set, change);
            }
            Selection::FragmentSpread(spread) => change(&mut spread.make_mut().directives),
        }
    }
}

struct Writer<'a> {
    schema: &'a Schema,
    random: &'a mut Random,
    /// Those that may stand in `if`.
    variables: Vec<Name>,
    labels: usize,
    count: usize,
    streams: bool,
}

impl Writer<'_> {
    fn document(&mut self, document: &mut Document) {
        for definition in &mut document.definitions {
            if let Definition::OperationDefinition(operation) = definition {
                let operation = operation.make_mut();
                let flags =
                    operation.variables.iter().filter(|it| it.ty.inner_named_type() == "Boolean" && !it.ty.is_list());
                let flags =
                    flags.filter(|it| it.ty.is_non_null() || it.default_value.as_ref().is_some_and(|v| !v.is_null()));
                self.variables = flags.map(|it| it.name.clone()).collect();
                let (root, may_defer) = match operation.operation_type {
                    OperationType::Query => ("Query", true),
                    OperationType::Mutation => ("Mutation", false),
                    OperationType::Subscription => continue,
                };
                self.selections(&mut operation.selection_set, root, may_defer);
            }
        }
        for definition in &mut document.definitions {
            if let Definition::FragmentDefinition(fragment) = definition {
                let fragment = fragment.make_mut();
                let on = fragment.type_condition.clone();
                self.selections(&mut fragment.selection_set, &on, on != "Mutation");
            }
        }
    }

    fn selections(&mut self, set: &mut Vec<Selection>, parent: &str, may_defer: bool) {
        for selection in set.iter_mut() {
            match selection {
                Selection::Field(field) => self.field(field.make_mut(), parent, may_defer),
                Selection::InlineFragment(fragment) => {
                    let fragment = fragment.make_mut();
                    let on = fragment.type_condition.clone();
                    self.selections(&mut fragment.selection_set, on.as_deref().unwrap_or(parent), may_defer);
                    if may_defer && self.random.chance(30) {
                        let directive = self.directive(name!("defer"));
                        fragment.directives.push(directive);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if may_defer && self.random.chance(30) {
                        let directive = self.directive(name!("defer"));
                        spread.make_mut().directives.push(directive);
                    }
                }
            }
        }
        if may_defer && self.random.chance(35) {
            let from = self.random.below(set.len());
            let to = self.random.between(from + 1, set.len());
            let within: Vec<Selection> = match self.random.chance(70) {
                true => set.drain(from..to).collect(),
                // Selected both at once and later.
                false => set[from..to].to_vec(),
            };
            // A copy may not have the same labels.
            let within = match set.len() >= to {
                true => without_labels(within),
                false => within,
            };
            let directives = DirectiveList(vec![self.directive(name!("defer"))]);
            let fragment = InlineFragment { type_condition: None, directives, selection_set: within };
            let at = self.random.below(set.len() + 1);
            set.insert(at, Selection::InlineFragment(Node::new(fragment)));
        }
    }

    fn field(&mut self, field: &mut Field, parent: &str, may_stream: bool) {
        if field.selection_set.is_none() || field.name.starts_with("__") {
            return;
        }
        let Ok(definition) = self.schema.type_field(parent, &field.name) else { return };
        let (is_list, inner) = (definition.ty.is_list(), definition.ty.inner_named_type().to_string());
        if is_list && may_stream && self.streams && self.random.chance(30) {
            let mut directive = self.directive(name!("stream"));
            if self.random.chance(70) {
                let count = Value::Int((self.random.below(4) as i32).into());
                let argument = Argument { name: name!("initialCount"), value: Node::new(count) };
                directive.make_mut().arguments.push(Node::new(argument));
            }
            field.directives.push(directive);
        }
        if let Some(set) = &mut field.selection_set {
            self.selections(set, &inner, true);
        }
    }

    fn directive(&mut self, name: Name) -> Node<Directive> {
        self.count += 1;
        let mut arguments = Vec::new();
        if self.random.chance(40) {
            self.labels += 1;
            let label = Value::String(format!("l{}", self.labels));
            arguments.push(Node::new(Argument { name: name!("label"), value: Node::new(label) }));
        }
        if self.random.chance(20) {
            let value = match self.variables.is_empty() || self.random.chance(40) {
                true => Value::Boolean(self.random.chance(70)),
                false => Value::Variable(self.random.pick(&self.variables).clone()),
            };
            arguments.push(Node::new(Argument { name: name!("if"), value: Node::new(value) }));
        }
        Node::new(Directive { name, arguments })
    }
}

fn without_labels(mut set: Vec<Selection>) -> Vec<Selection> {
    each(&mut set, |directives| {
        for directive in &mut directives.0 {
            directive.make_mut().arguments.retain(|argument| argument.name != "label");
        }
    });
    set
}
