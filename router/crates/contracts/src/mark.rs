//! Writes `@inaccessible` onto the elements that a contract hides. Knows nothing of tags' meaning.

use braid_graphql::Name;
use braid_graphql::Node;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::Directive;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, FieldDefinition};
use braid_graphql::view::Hidden;

use crate::members::is_own;
use crate::names::Names;

/// What a supergraph without the feature needs for it.
const FEATURE: &str = r#"
schema @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { query: Query }
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
type Query { a: Int }
"#;

/// The supergraph with everything hidden marked. Inside of a hidden type, nothing more is marked.
pub(super) fn mark(source: &Schema, hidden: &Hidden, names: &Names) -> Schema {
    let mut schema = source.clone();
    if names.inaccessible.is_none() {
        link_feature(&mut schema);
    }
    let name = names.inaccessible.as_deref().unwrap_or("inaccessible");
    let Ok(name) = Name::new(name) else { return schema };
    let marker = Marker { hidden, directive: Node::new(Directive::new(name)) };
    // Features that were linked have no types.
    for (number, (name, ty)) in schema.types.iter_mut().enumerate() {
        if is_own(name, ty) {
            marker.ty(number, ty);
        }
    }
    schema
}

fn link_feature(schema: &mut Schema) {
    // A syntax error here would be ours; the marks would then be refused as undefined, not ignored.
    let feature = match Schema::parse(FEATURE, "inaccessible.graphql") {
        Ok(feature) => feature,
        Err(failure) => failure.partial,
    };
    for (name, definition) in feature.directive_definitions.iter().filter(|(name, _)| *name == "inaccessible") {
        schema.directive_definitions.insert(name.clone(), definition.clone());
    }
    let links = feature.schema_definition.directives.iter().cloned();
    schema.schema_definition.make_mut().directives.0.extend(links);
}

struct Marker<'a> {
    hidden: &'a Hidden,
    directive: Node<Directive>,
}

impl Marker<'_> {
    fn put(&self, directives: &mut DirectiveList) {
        if !directives.has(&self.directive.name) {
            directives.push(self.directive.clone());
        }
    }

    fn ty(&self, number: usize, ty: &mut ExtendedType) {
        if self.hidden.has_type(number) {
            return match ty {
                ExtendedType::Scalar(scalar) => self.put(&mut scalar.make_mut().directives),
                ExtendedType::Union(union) => self.put(&mut union.make_mut().directives),
                ExtendedType::Object(object) => self.put(&mut object.make_mut().directives),
                ExtendedType::Interface(interface) => self.put(&mut interface.make_mut().directives),
                ExtendedType::Enum(definition) => self.put(&mut definition.make_mut().directives),
                ExtendedType::InputObject(input) => self.put(&mut input.make_mut().directives),
            };
        }
        let member = |at: usize| self.hidden.elements().member(number, at);
        match ty {
            ExtendedType::Scalar(_) | ExtendedType::Union(_) => {}
            ExtendedType::Object(object) => {
                let fields = object.make_mut().fields.values_mut();
                fields.enumerate().for_each(|(at, field)| self.field(member(at), field));
            }
            ExtendedType::Interface(interface) => {
                let fields = interface.make_mut().fields.values_mut();
                fields.enumerate().for_each(|(at, field)| self.field(member(at), field));
            }
            ExtendedType::Enum(definition) => {
                let values = definition.make_mut().values.values_mut().enumerate();
                for (_, value) in values.filter(|(at, _)| self.hidden.has_member(member(*at))) {
                    self.put(&mut value.make_mut().directives);
                }
            }
            ExtendedType::InputObject(input) => {
                let fields = input.make_mut().fields.values_mut().enumerate();
                for (_, field) in fields.filter(|(at, _)| self.hidden.has_member(member(*at))) {
                    self.put(&mut field.make_mut().directives);
                }
            }
        }
    }

    fn field(&self, number: usize, field: &mut Node<FieldDefinition>) {
        if self.hidden.has_member(number) {
            return self.put(&mut field.make_mut().directives);
        }
        for at in 0..field.arguments.len() {
            if self.hidden.has_argument(self.hidden.elements().argument(number, at)) {
                self.put(&mut field.make_mut().arguments[at].make_mut().directives);
            }
        }
    }
}
