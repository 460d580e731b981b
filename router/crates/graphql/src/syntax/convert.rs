//! What of a document outlives its text: arguments and variables, as values of their own. Knows no schema.

use apollo_compiler::ast::{self, Definition, FloatValue, IntValue};
use apollo_compiler::{Name, Node};

use super::{Document, Literal, Many, OperationDefinition, Value};

/// The arguments at `arguments`, in the order of their names. `name` gives a name that is known already for one that is written.
pub(crate) fn arguments<'a>(
    document: &Document<'a>,
    arguments: Many<super::Argument<'a>>,
    mut name: impl FnMut(&str) -> Name,
) -> Vec<Node<ast::Argument>> {
    let mut all: Vec<_> = document[arguments]
        .iter()
        .map(|argument| {
            let value = literal(document, &argument.value);
            Node::new(ast::Argument { name: name(argument.name), value: Node::new(value) })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The variables of an operation.
pub fn variable_definitions<'a>(
    document: &Document<'a>,
    operation: &OperationDefinition<'a>,
) -> Vec<Node<ast::VariableDefinition>> {
    let definition = |variable: &super::VariableDefinition<'a>| {
        Node::new(ast::VariableDefinition {
            description: None,
            name: Name::new_unchecked(variable.name),
            ty: Node::new(variable.ty.clone()),
            default_value: variable.default.as_ref().map(|default| Node::new(literal(document, default))),
            directives: Default::default(),
        })
    };
    operation.variables.iter().map(definition).collect()
}

/// What a literal says if it is a string.
pub(crate) fn string(literal: &Literal<'_>) -> Option<String> {
    match literal.value {
        Value::String(text) => match plain(text) {
            Some(plain) => Some(plain.to_owned()),
            None => unescaped(text).as_str().map(str::to_owned),
        },
        _ => None,
    }
}

fn literal(document: &Document<'_>, literal: &Literal<'_>) -> ast::Value {
    value(document, literal.value).unwrap_or_else(|| unescaped(literal.text))
}

/// `None` if it has a string with escapes, or a block string.
fn value(document: &Document<'_>, of: Value<'_>) -> Option<ast::Value> {
    Some(match of {
        Value::Null => ast::Value::Null,
        Value::Boolean(value) => ast::Value::Boolean(value),
        Value::Int(text) => ast::Value::Int(IntValue::new_parsed(text)),
        Value::Float(text) => ast::Value::Float(FloatValue::new_parsed(text)),
        Value::Enum(name) => ast::Value::Enum(Name::new_unchecked(name)),
        Value::Variable(name) => ast::Value::Variable(Name::new_unchecked(name)),
        Value::String(text) => ast::Value::String(plain(text)?.to_owned()),
        Value::List(items) => {
            let items = document[items].iter().map(|item| value(document, *item).map(Node::new));
            ast::Value::List(items.collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let field = |field: &super::ObjectField<'_>| {
                Some((Name::new_unchecked(field.name), Node::new(value(document, field.value)?)))
            };
            ast::Value::Object(document[fields].iter().map(field).collect::<Option<_>>()?)
        }
    })
}

/// What a string says that has neither escapes nor three quotes.
fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['\\', '"'])).then_some(inner)
}

/// The library reads a value whose strings are not as they are written.
pub(crate) fn unescaped(text: &str) -> ast::Value {
    let document = ast::Document::parse(format!("{{a(b:{text})}}"), "value.graphql");
    let definition = document.ok().and_then(|document| document.definitions.into_iter().next());
    let field = definition.as_ref().and_then(|definition| match definition {
        Definition::OperationDefinition(operation) => operation.selection_set.first()?.as_field(),
        _ => None,
    });
    // The text was read before, so there is a value.
    field.and_then(|field| field.arguments.first()).map_or(ast::Value::Null, |argument| (*argument.value).clone())
}
