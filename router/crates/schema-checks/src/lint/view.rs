//! The SDL files as rules look at them: a flat list of elements, and the types by name across all files. Knows no rule.

use ahash::AHashMap;
use braid_graphql::compiler::ast::{
    Definition, DirectiveList, EnumValueDefinition, FieldDefinition, InputValueDefinition,
};
use braid_graphql::compiler::parser::SourceSpan;
use braid_graphql::{Name, Node, Type};

use crate::sources::Sources;

/// All files at once.
pub(super) struct View<'a> {
    pub(super) elements: Vec<Element<'a>>,
    /// For each type, its elements: one for each definition or extension.
    pub(super) types: AHashMap<&'a str, Vec<usize>>,
    /// The root types' names.
    pub(super) roots: Vec<&'a str>,
}

/// A type, field, argument, input field, value or directive, as written in one definition.
pub(super) struct Element<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) coordinate: String,
    /// The element that contains it.
    pub(super) parent: Option<usize>,
    /// Of a field, argument or input field.
    pub(super) ty: Option<&'a Type>,
    pub(super) described: bool,
    pub(super) directives: Option<&'a DirectiveList>,
    /// Interfaces of a type, or members of a union.
    pub(super) related: Vec<&'a str>,
    pub(super) extension: bool,
    pub(super) file: usize,
    /// The location of its name.
    pub(super) span: SourceSpan,
    /// The location of all of it, with description and content.
    pub(super) whole: SourceSpan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Interface,
    Union,
    Enum,
    Input,
    Scalar,
    Field,
    Argument,
    InputField,
    EnumValue,
    Directive,
    DirectiveArgument,
    Operation,
}

impl Kind {
    pub(super) fn is_type(self) -> bool {
        matches!(self, Self::Object | Self::Interface | Self::Union | Self::Enum | Self::Input | Self::Scalar)
    }

    /// The word in messages and in the option `kinds`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object | Self::Interface | Self::Union | Self::Enum | Self::Input | Self::Scalar => "type",
            Self::Field => "field",
            Self::Argument | Self::DirectiveArgument => "argument",
            Self::InputField => "input_field",
            Self::EnumValue => "enum_value",
            Self::Directive => "directive",
            Self::Operation => "operation",
        }
    }
}

impl<'a> View<'a> {
    pub(super) fn of(sources: &'a Sources) -> Self {
        let mut view = Self { elements: Vec::new(), types: AHashMap::new(), roots: Vec::new() };
        for (file, parsed) in sources.files().iter().enumerate() {
            for definition in &parsed.document.definitions {
                Builder { view: &mut view, file }.definition(definition);
            }
        }
        if view.roots.is_empty() {
            view.roots = vec!["Query", "Mutation", "Subscription"];
        }
        for (index, element) in view.elements.iter().enumerate().filter(|(_, element)| element.kind.is_type()) {
            view.types.entry(element.name).or_default().push(index);
        }
        view
    }

    /// Elements with their indices.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Element<'a>)> {
        self.elements.iter().enumerate()
    }

    /// What the element contains: fields, arguments, values.
    pub(super) fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Element<'a>)> {
        // Content follows what contains it.
        self.iter()
            .skip(parent + 1)
            .take_while(move |(_, child)| child.parent.is_some_and(|at| at >= parent))
            .filter(move |(_, child)| child.parent == Some(parent))
    }

    /// The fields of all definitions and extensions of a type.
    pub(super) fn fields_of(&self, ty: &str) -> impl Iterator<Item = (usize, &Element<'a>)> {
        self.types.get(ty).into_iter().flatten().flat_map(|at| self.children(*at))
    }

    pub(super) fn is_root(&self, name: &str) -> bool {
        self.roots.contains(&name)
    }

    /// The kind of a type, when some file defines it.
    pub(super) fn kind_of(&self, ty: &str) -> Option<Kind> {
        self.types.get(ty)?.first().map(|at| self.elements[*at].kind)
    }
}

struct Builder<'v, 'a> {
    view: &'v mut View<'a>,
    file: usize,
}

impl<'a> Builder<'_, 'a> {
    fn definition(&mut self, definition: &'a Definition) {
        match definition {
            Definition::SchemaDefinition(schema) => {
                self.view.roots.extend(schema.root_operations.iter().map(|root| root.1.as_str()));
            }
            Definition::SchemaExtension(schema) => {
                self.view.roots.extend(schema.root_operations.iter().map(|root| root.1.as_str()));
            }
            Definition::OperationDefinition(_) | Definition::FragmentDefinition(_) => self.operation(definition),
            Definition::DirectiveDefinition(directive) if !is_machinery(&directive.name) => {
                let described = directive.description.is_some();
                let coordinate = format!("@{}", directive.name);
                let whole = definition.location();
                let at = self.add(Kind::Directive, &directive.name, coordinate, None, described, None, whole);
                self.inputs(at, Kind::DirectiveArgument, &directive.arguments);
            }
            _ => self.type_definition(definition),
        }
    }

    fn operation(&mut self, definition: &'a Definition) {
        let Some(whole) = definition.location() else { return };
        let name = definition.name().map_or("", Name::as_str);
        self.view.elements.push(Element {
            kind: Kind::Operation,
            name,
            coordinate: name.to_owned(),
            parent: None,
            ty: None,
            described: false,
            directives: None,
            related: Vec::new(),
            extension: false,
            file: self.file,
            span: whole,
            whole,
        });
    }

    fn type_definition(&mut self, definition: &'a Definition) {
        use Definition as D;
        let Some(name) = definition.name() else { return };
        if is_machinery(name) {
            return;
        }
        let (kind, described) = match definition {
            D::ScalarTypeDefinition(ty) => (Kind::Scalar, ty.description.is_some()),
            D::ObjectTypeDefinition(ty) => (Kind::Object, ty.description.is_some()),
            D::InterfaceTypeDefinition(ty) => (Kind::Interface, ty.description.is_some()),
            D::UnionTypeDefinition(ty) => (Kind::Union, ty.description.is_some()),
            D::EnumTypeDefinition(ty) => (Kind::Enum, ty.description.is_some()),
            D::InputObjectTypeDefinition(ty) => (Kind::Input, ty.description.is_some()),
            D::ScalarTypeExtension(_) => (Kind::Scalar, false),
            D::ObjectTypeExtension(_) => (Kind::Object, false),
            D::InterfaceTypeExtension(_) => (Kind::Interface, false),
            D::UnionTypeExtension(_) => (Kind::Union, false),
            D::EnumTypeExtension(_) => (Kind::Enum, false),
            D::InputObjectTypeExtension(_) => (Kind::Input, false),
            _ => return,
        };
        let directives = Some(definition.directives());
        let at = self.add(kind, name, name.to_string(), None, described, directives, definition.location());
        let Some(at) = at else { return };
        self.view.elements[at].extension = definition.is_extension_definition();
        self.view.elements[at].related = related(definition);
        self.content(at, definition);
    }

    fn content(&mut self, at: usize, definition: &'a Definition) {
        match definition {
            Definition::ObjectTypeDefinition(ty) => self.fields(at, &ty.fields),
            Definition::ObjectTypeExtension(ty) => self.fields(at, &ty.fields),
            Definition::InterfaceTypeDefinition(ty) => self.fields(at, &ty.fields),
            Definition::InterfaceTypeExtension(ty) => self.fields(at, &ty.fields),
            Definition::EnumTypeDefinition(ty) => self.values(at, &ty.values),
            Definition::EnumTypeExtension(ty) => self.values(at, &ty.values),
            Definition::InputObjectTypeDefinition(ty) => self.inputs(Some(at), Kind::InputField, &ty.fields),
            Definition::InputObjectTypeExtension(ty) => self.inputs(Some(at), Kind::InputField, &ty.fields),
            _ => {}
        }
    }

    fn fields(&mut self, parent: usize, fields: &'a [Node<FieldDefinition>]) {
        for field in fields.iter().filter(|field| !field.name.starts_with('_')) {
            let coordinate = format!("{}.{}", self.view.elements[parent].name, field.name);
            let (described, directives) = (field.description.is_some(), Some(&field.directives));
            let whole = field.location();
            let at = self.add(Kind::Field, &field.name, coordinate, Some(parent), described, directives, whole);
            if let Some(at) = at {
                self.view.elements[at].ty = Some(&field.ty);
            }
            self.inputs(at, Kind::Argument, &field.arguments);
        }
    }

    fn inputs(&mut self, parent: Option<usize>, kind: Kind, inputs: &'a [Node<InputValueDefinition>]) {
        let Some(parent) = parent else { return };
        for input in inputs {
            let outer = &self.view.elements[parent].coordinate;
            let coordinate = match kind {
                Kind::InputField => format!("{outer}.{}", input.name),
                _ => format!("{outer}({}:)", input.name),
            };
            let (described, directives) = (input.description.is_some(), Some(&input.directives));
            let whole = input.location();
            let at = self.add(kind, &input.name, coordinate, Some(parent), described, directives, whole);
            if let Some(at) = at {
                self.view.elements[at].ty = Some(&input.ty);
            }
        }
    }

    fn values(&mut self, parent: usize, values: &'a [Node<EnumValueDefinition>]) {
        for value in values {
            let coordinate = format!("{}.{}", self.view.elements[parent].name, value.value);
            let (described, directives) = (value.description.is_some(), Some(&value.directives));
            let whole = value.location();
            self.add(Kind::EnumValue, &value.value, coordinate, Some(parent), described, directives, whole);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of an element, spelled out by five callers")]
    fn add(
        &mut self,
        kind: Kind,
        name: &'a Name,
        coordinate: String,
        parent: Option<usize>,
        described: bool,
        directives: Option<&'a DirectiveList>,
        whole: Option<SourceSpan>,
    ) -> Option<usize> {
        let (span, file) = (name.location()?, self.file);
        self.view.elements.push(Element {
            kind,
            name: name.as_str(),
            coordinate,
            parent,
            ty: None,
            described,
            directives,
            related: Vec::new(),
            extension: false,
            file,
            span,
            whole: whole.unwrap_or(span),
        });
        Some(self.view.elements.len() - 1)
    }
}

fn related(definition: &Definition) -> Vec<&str> {
    let names: &[Name] = match definition {
        Definition::ObjectTypeDefinition(ty) => &ty.implements_interfaces,
        Definition::ObjectTypeExtension(ty) => &ty.implements_interfaces,
        Definition::InterfaceTypeDefinition(ty) => &ty.implements_interfaces,
        Definition::InterfaceTypeExtension(ty) => &ty.implements_interfaces,
        Definition::UnionTypeDefinition(ty) => &ty.members,
        Definition::UnionTypeExtension(ty) => &ty.members,
        _ => &[],
    };
    names.iter().map(Name::as_str).collect()
}

/// Names that federation brings into a subgraph's SDL; a team does not choose them.
fn is_machinery(name: &str) -> bool {
    const OWN: [&str; 25] = [
        "key",
        "external",
        "requires",
        "provides",
        "shareable",
        "override",
        "extends",
        "inaccessible",
        "tag",
        "link",
        "core",
        "composeDirective",
        "interfaceObject",
        "authenticated",
        "requiresScopes",
        "policy",
        "context",
        "fromContext",
        "cost",
        "listSize",
        "cacheTag",
        "FieldSet",
        "deprecated",
        "specifiedBy",
        "oneOf",
    ];
    name.starts_with('_') || name.contains("__") || OWN.contains(&name)
}
