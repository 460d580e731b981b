//! Writes `@inaccessible` onto the elements that a contract hides. Knows nothing of tags' meaning.

use braid_graphql::Name;
use braid_graphql::Node;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::Directive;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, FieldDefinition};

use super::hide::Hidden;
use super::names::Names;

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
    for (name, ty) in schema.types.iter_mut() {
        if !ty.is_built_in() && !name.contains("__") {
            marker.ty(&name.clone(), ty);
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
    fn put(&self, coordinate: &str, directives: &mut DirectiveList) {
        if self.hidden.has(coordinate) && !directives.has(&self.directive.name) {
            directives.push(self.directive.clone());
        }
    }

    fn ty(&self, name: &Name, ty: &mut ExtendedType) {
        let whole = self.hidden.has(name);
        match ty {
            ExtendedType::Scalar(scalar) if whole => self.put(name, &mut scalar.make_mut().directives),
            ExtendedType::Scalar(_) => {}
            ExtendedType::Union(union) if whole => self.put(name, &mut union.make_mut().directives),
            ExtendedType::Union(_) => {}
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                self.put(name, &mut object.directives);
                if !whole {
                    object.fields.values_mut().for_each(|field| self.field(name, field));
                }
            }
            ExtendedType::Interface(interface) => {
                let interface = interface.make_mut();
                self.put(name, &mut interface.directives);
                if !whole {
                    interface.fields.values_mut().for_each(|field| self.field(name, field));
                }
            }
            ExtendedType::Enum(definition) => {
                let definition = definition.make_mut();
                self.put(name, &mut definition.directives);
                for value in definition.values.values_mut().filter(|_| !whole) {
                    let coordinate = format!("{name}.{}", value.value);
                    self.put(&coordinate, &mut value.make_mut().directives);
                }
            }
            ExtendedType::InputObject(input) => {
                let input = input.make_mut();
                self.put(name, &mut input.directives);
                for field in input.fields.values_mut().filter(|_| !whole) {
                    let coordinate = format!("{name}.{}", field.name);
                    self.put(&coordinate, &mut field.make_mut().directives);
                }
            }
        }
    }

    fn field(&self, ty: &Name, field: &mut Node<FieldDefinition>) {
        let coordinate = format!("{ty}.{}", field.name);
        let field = field.make_mut();
        self.put(&coordinate, &mut field.directives);
        if self.hidden.has(&coordinate) {
            return;
        }
        for argument in &mut field.arguments {
            let coordinate = format!("{coordinate}({}:)", argument.name);
            self.put(&coordinate, &mut argument.make_mut().directives);
        }
    }
}
