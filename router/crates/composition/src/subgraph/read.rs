//! Folds parsed SDL into a `Schema`. Checks only what must hold for that: the rules are in `validate`.

use std::sync::Arc;

use braid_graphql::compiler::ast::{self, Definition, DirectiveList, Document, OperationType};
use braid_graphql::compiler::{Name, Node};

use super::definitions;
use super::link::{self, LinkProblem};
use super::model::{
    Applied, BUILT_IN_SCALARS, DirectiveDef, EnumValue, FederationVersion, Field, FieldFacts, InputValue, Kind, Map,
    Schema, Span, Subgraph, TypeDef, locate,
};
use super::root_names::RootNames;
use super::sdl::SubgraphSdl;
use super::syntax;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit};

/// A subgraph with its federation definitions still in it, as GraphQL validation needs it.
pub(crate) struct Read {
    pub(crate) subgraph: Subgraph,
    /// Federation's own types, to be dropped before merging.
    pub(crate) internal_types: Vec<Name>,
    /// Problems that are reported once GraphQL's own rules hold.
    pub(crate) root_clashes: Vec<Diagnostic>,
    /// Violations of GraphQL's rules found while folding, such as duplicate definitions.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Reads one subgraph. Errors here make every later check meaningless.
pub(crate) fn read(input: &SubgraphSdl) -> Result<Read, Vec<Diagnostic>> {
    let document = syntax::parse(input)?;
    let reader = Reader {
        name: input.name.as_str().into(),
        url: input.url.as_str().into(),
        file: input.file().into(),
        document: &document,
    };
    reader.run()
}

struct Reader<'a> {
    name: Arc<str>,
    url: Arc<str>,
    file: Arc<str>,
    document: &'a Document,
}

impl Reader<'_> {
    fn run(&self) -> Result<Read, Vec<Diagnostic>> {
        let schema_directives = self.schema_directives();
        let links = link::read_links(&schema_directives)
            .map_err(|problems| problems.into_iter().map(|p| self.link_problem(p)).collect::<Vec<_>>())?;
        let (roots, root_clashes) = self.roots();
        let mut folding = Folding { reader: self, roots, schema: Schema::default(), problems: Vec::new(), part: 0 };
        for definition in &self.document.definitions {
            folding.definition(definition);
        }
        folding.part = 0;
        let on_schema: Vec<Node<ast::Directive>> =
            schema_directives.into_iter().filter(|d| d.name != links.link_name.as_str()).collect();
        folding.schema.applied = folding.applied(&DirectiveList(on_schema));
        let version = match links.federation {
            Some(minor) => FederationVersion::Two(minor),
            None => FederationVersion::One,
        };
        let mut problems = folding.problems;
        let mut subgraph = Subgraph {
            name: self.name.clone(),
            url: self.url.clone(),
            file: self.file.clone(),
            sources: self.document.sources.clone(),
            version,
            links,
            schema: folding.schema,
            used: Vec::new(),
        };
        let internal_types = match definitions::install(&mut subgraph) {
            Ok(internal) => internal,
            Err(errors) => {
                problems.extend(errors);
                return Err(problems);
            }
        };
        Ok(Read { subgraph, internal_types, root_clashes, problems })
    }

    fn diagnostic(&self, code: Code, message: impl std::fmt::Display, span: Span) -> Diagnostic {
        Diagnostic::new(code, format!("[{}] {message}", self.name)).at(locate(
            &self.name,
            &self.file,
            &self.document.sources,
            span,
        ))
    }

    fn link_problem(&self, problem: LinkProblem) -> Diagnostic {
        let diagnostic = self.diagnostic(problem.code, problem.message, problem.span);
        let diagnostic = match problem.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic.help("correct the @link on the schema"),
        };
        match (problem.replacement, problem.span) {
            (Some(text), Some(span)) => {
                let title = format!("write {text}");
                let edit = Edit { subgraph: self.name.to_string(), start: span.offset(), end: span.end_offset(), text };
                diagnostic.fix(title, [edit])
            }
            _ => diagnostic,
        }
    }

    fn schema_directives(&self) -> Vec<Node<ast::Directive>> {
        let mut directives = Vec::new();
        for definition in &self.document.definitions {
            match definition {
                Definition::SchemaDefinition(d) => directives.extend(d.directives.0.iter().cloned()),
                Definition::SchemaExtension(d) => directives.extend(d.directives.0.iter().cloned()),
                _ => {}
            }
        }
        directives
    }

    /// Which types are the roots, and which other types have the names that the roots need.
    fn roots(&self) -> (RootNames, Vec<Diagnostic>) {
        let mut explicit: Vec<(OperationType, Name)> = Vec::new();
        let mut defined = false;
        for definition in &self.document.definitions {
            let operations = match definition {
                Definition::SchemaDefinition(d) => {
                    defined = true;
                    &d.root_operations
                }
                Definition::SchemaExtension(d) => &d.root_operations,
                _ => continue,
            };
            explicit.extend(operations.iter().map(|o| (o.0, o.1.clone())));
        }
        let mut renames = Vec::new();
        let mut clashes = Vec::new();
        let roots = [
            (OperationType::Query, "Query", "query", Code::ROOT_QUERY_USED),
            (OperationType::Mutation, "Mutation", "mutation", Code::ROOT_MUTATION_USED),
            (OperationType::Subscription, "Subscription", "subscription", Code::ROOT_SUBSCRIPTION_USED),
        ];
        for (operation, standard, word, code) in roots {
            let own = explicit.iter().find(|(op, _)| *op == operation).map(|(_, name)| name);
            let other = self.type_span(standard);
            match own {
                Some(name) if name == standard => {}
                None if !defined => {}
                _ if other.is_some() => {
                    let clash = self.diagnostic(code, format_args!(
                        "\"{standard}\" is an ordinary type here, since the schema definition {}. In the supergraph the {word} root is called \"{standard}\", so no other type can have that name.",
                        match own {
                            Some(name) => format!("makes \"{name}\" the {word} root"),
                            None => format!("names no {word} root"),
                        }
                    ), other.flatten());
                    clashes.push(clash.on(standard).help(format!(
                        "rename the type \"{standard}\", or make it the {word} root in the schema definition"
                    )));
                }
                Some(name) => renames.push((name.clone(), standard)),
                None => {}
            }
        }
        (RootNames { renames }, clashes)
    }

    fn type_span(&self, name: &str) -> Option<Span> {
        self.document
            .definitions
            .iter()
            .find(|d| {
                !matches!(d, Definition::DirectiveDefinition(_) | Definition::DirectiveExtension(_))
                    && d.name().is_some_and(|n| n == name)
            })
            .map(|d| d.name().and_then(|n| n.location()))
    }
}

struct Folding<'a> {
    reader: &'a Reader<'a>,
    roots: RootNames,
    schema: Schema,
    problems: Vec<Diagnostic>,
    part: u32,
}

/// The header that all type definitions and extensions share.
struct Header<'a> {
    name: &'a Name,
    kind: Kind,
    description: Option<&'a Node<str>>,
    directives: &'a DirectiveList,
    extension: bool,
}

impl Folding<'_> {
    fn definition(&mut self, definition: &Definition) {
        let extension = definition.is_extension_definition();
        let head = |name, kind, description, directives| Header { name, kind, description, directives, extension };
        match definition {
            Definition::OperationDefinition(_) | Definition::FragmentDefinition(_) => {
                let problem = self.reader.diagnostic(
                    Code::INVALID_GRAPHQL,
                    "This is a query or fragment, not a part of a schema.",
                    definition.location(),
                );
                self.problems.push(problem.help("remove it"));
            }
            Definition::DirectiveDefinition(d) => self.directive(d),
            Definition::DirectiveExtension(_) => {}
            Definition::SchemaDefinition(d) => {
                self.schema.description = text(d.description.as_ref());
            }
            Definition::SchemaExtension(_) => {}
            Definition::ScalarTypeDefinition(d) => {
                self.header(head(&d.name, Kind::Scalar, d.description.as_ref(), &d.directives));
            }
            Definition::ScalarTypeExtension(d) => {
                self.header(head(&d.name, Kind::Scalar, None, &d.directives));
            }
            Definition::ObjectTypeDefinition(d) => {
                let name = self.header(head(&d.name, Kind::Object, d.description.as_ref(), &d.directives));
                self.composite(name, &d.implements_interfaces, &d.fields);
            }
            Definition::ObjectTypeExtension(d) => {
                let name = self.header(head(&d.name, Kind::Object, None, &d.directives));
                self.composite(name, &d.implements_interfaces, &d.fields);
            }
            Definition::InterfaceTypeDefinition(d) => {
                let name = self.header(head(&d.name, Kind::Interface, d.description.as_ref(), &d.directives));
                self.composite(name, &d.implements_interfaces, &d.fields);
            }
            Definition::InterfaceTypeExtension(d) => {
                let name = self.header(head(&d.name, Kind::Interface, None, &d.directives));
                self.composite(name, &d.implements_interfaces, &d.fields);
            }
            Definition::UnionTypeDefinition(d) => {
                let name = self.header(head(&d.name, Kind::Union, d.description.as_ref(), &d.directives));
                self.members(name, &d.members);
            }
            Definition::UnionTypeExtension(d) => {
                let name = self.header(head(&d.name, Kind::Union, None, &d.directives));
                self.members(name, &d.members);
            }
            Definition::EnumTypeDefinition(d) => {
                let name = self.header(head(&d.name, Kind::Enum, d.description.as_ref(), &d.directives));
                self.values(name, &d.values);
            }
            Definition::EnumTypeExtension(d) => {
                let name = self.header(head(&d.name, Kind::Enum, None, &d.directives));
                self.values(name, &d.values);
            }
            Definition::InputObjectTypeDefinition(d) => {
                let name = self.header(head(&d.name, Kind::Input, d.description.as_ref(), &d.directives));
                self.inputs(name, &d.fields);
            }
            Definition::InputObjectTypeExtension(d) => {
                let name = self.header(head(&d.name, Kind::Input, None, &d.directives));
                self.inputs(name, &d.fields);
            }
        }
    }

    fn problem(&mut self, message: impl std::fmt::Display, span: Span, help: &str) {
        let problem = self.reader.diagnostic(Code::INVALID_GRAPHQL, message, span);
        self.problems.push(problem.help(help));
    }

    /// Adds a type, or merges another definition into it; `None` if this definition can't be merged.
    fn header(&mut self, header: Header<'_>) -> Option<Name> {
        let name = self.roots.rename(header.name);
        let span = header.name.location();
        self.part = match header.extension {
            true => self.part.max(1) + 1,
            false => 0,
        };
        let applied = self.applied(header.directives);
        if let Some(existing) = self.schema.types.get(&name) {
            if existing.kind != header.kind {
                let message = format!(
                    "\"{name}\" is {} here, but {} elsewhere in the schema.",
                    header.kind.noun(),
                    existing.kind.noun()
                );
                self.problem(message, span, "give one of the two another name");
                return None;
            }
            if existing.defined && !header.extension {
                let message = format!("The schema defines \"{name}\" twice.");
                self.problem(message, span, "rename one of the two, or write `extend` before the second");
                return None;
            }
        }
        // Some servers print GraphQL's own scalars; that has no meaning.
        if BUILT_IN_SCALARS.contains(&name.as_str()) && header.kind == Kind::Scalar {
            return None;
        }
        let ty = self.schema.types.entry(name.clone()).or_insert_with(|| TypeDef::new(name.clone(), header.kind, span));
        if header.extension {
            ty.extended = true;
        } else {
            ty.defined = true;
            ty.span = span;
            ty.description = text(header.description);
        }
        ty.applied.extend(applied);
        Some(name)
    }

    fn composite(&mut self, name: Option<Name>, interfaces: &[Name], fields: &[Node<ast::FieldDefinition>]) {
        let Some(name) = name else { return };
        let read: Vec<Field> = fields.iter().map(|field| self.field(field)).collect();
        let mut doubled = Vec::new();
        if let Some(ty) = self.schema.types.get_mut(&name) {
            for interface in interfaces {
                let interface = self.roots.rename(interface);
                let span = interface.location();
                if ty.implements.insert(interface.clone(), span).is_some() {
                    doubled.push((format!("\"{name}\" lists the interface \"{interface}\" twice."), span));
                }
            }
            add_fields(ty, read, &mut doubled);
        }
        for (message, span) in doubled {
            self.problem(message, span, "remove one of the two");
        }
    }

    fn inputs(&mut self, name: Option<Name>, fields: &[Node<ast::InputValueDefinition>]) {
        let Some(name) = name else { return };
        let read: Vec<Field> = fields
            .iter()
            .map(|field| {
                let input = self.input(field);
                Field {
                    name: input.name,
                    description: input.description,
                    ty: input.ty,
                    args: Map::default(),
                    default: input.default,
                    applied: input.applied,
                    span: input.span,
                    part: self.part,
                    facts: FieldFacts::default(),
                }
            })
            .collect();
        let mut doubled = Vec::new();
        if let Some(ty) = self.schema.types.get_mut(&name) {
            add_fields(ty, read, &mut doubled);
        }
        for (message, span) in doubled {
            self.problem(message, span, "remove one of the two");
        }
    }

    fn members(&mut self, name: Option<Name>, members: &[Name]) {
        let Some(name) = name else { return };
        for member in members {
            let member = self.roots.rename(member);
            let span = member.location();
            let doubled = match self.schema.types.get_mut(&name) {
                Some(ty) => ty.members.insert(member.clone(), span).is_some(),
                None => false,
            };
            if doubled {
                let message = format!("The union \"{name}\" lists its member \"{member}\" twice.");
                self.problem(message, span, "remove one of the two");
            }
        }
    }

    fn values(&mut self, name: Option<Name>, values: &[Node<ast::EnumValueDefinition>]) {
        let Some(name) = name else { return };
        for value in values {
            let read = EnumValue {
                name: value.value.clone(),
                description: text(value.description.as_ref()),
                applied: self.applied(&value.directives),
                span: value.value.location(),
            };
            let span = read.span;
            let doubled = match self.schema.types.get_mut(&name) {
                Some(ty) => ty.values.insert(read.name.clone(), read).is_some(),
                None => false,
            };
            if doubled {
                let message = format!("The enum \"{name}\" defines its value \"{}\" twice.", value.value);
                self.problem(message, span, "remove one of the two");
            }
        }
    }

    fn field(&mut self, field: &Node<ast::FieldDefinition>) -> Field {
        Field {
            name: field.name.clone(),
            description: text(field.description.as_ref()),
            ty: self.roots.rename_type(&field.ty),
            args: self.arguments(&field.arguments, &format!("field \"{}\"", field.name)),
            default: None,
            applied: self.applied(&field.directives),
            span: field.name.location(),
            part: self.part,
            facts: FieldFacts::default(),
        }
    }

    fn arguments(&mut self, arguments: &[Node<ast::InputValueDefinition>], owner: &str) -> Map<InputValue> {
        let mut args = Map::default();
        args.reserve_exact(arguments.len());
        for argument in arguments {
            let input = self.input(argument);
            let span = input.span;
            if args.insert(input.name.clone(), input).is_some() {
                let message = format!("The {owner} has two arguments called \"{}\".", argument.name);
                self.problem(message, span, "remove one of the two");
            }
        }
        args
    }

    fn input(&mut self, input: &Node<ast::InputValueDefinition>) -> InputValue {
        InputValue {
            name: input.name.clone(),
            description: text(input.description.as_ref()),
            ty: self.roots.rename_type(&input.ty),
            default: input.default_value.clone(),
            applied: self.applied(&input.directives),
            span: input.name.location(),
        }
    }

    fn applied(&mut self, directives: &DirectiveList) -> Vec<Applied> {
        directives
            .0
            .iter()
            .map(|directive| Applied {
                name: directive.name.clone(),
                // Resolved by `definitions::install`, when all names are known.
                known: None,
                args: directive.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
                span: directive.location(),
                part: self.part,
            })
            .collect()
    }

    fn directive(&mut self, directive: &Node<ast::DirectiveDefinition>) {
        let definition = DirectiveDef {
            name: directive.name.clone(),
            known: None,
            description: text(directive.description.as_ref()),
            args: self.arguments(&directive.arguments, &format!("directive \"@{}\"", directive.name)),
            repeatable: directive.repeatable,
            locations: directive.locations.iter().copied().collect(),
            span: directive.name.location(),
        };
        let span = definition.span;
        if self.schema.directives.contains_key(&definition.name) {
            let message = format!("The schema defines the directive @{} twice.", definition.name);
            self.problem(message, span, "remove one of the definitions");
            return;
        }
        self.schema.directives.insert(definition.name.clone(), definition);
    }
}

fn add_fields(ty: &mut TypeDef, fields: Vec<Field>, doubled: &mut Vec<(String, Span)>) {
    ty.fields.reserve_exact(fields.len());
    for field in fields {
        let (name, span) = (field.name.clone(), field.span);
        if ty.fields.contains_key(&name) {
            doubled.push((format!("\"{}\" has two fields called \"{name}\".", ty.name), span));
        } else {
            ty.fields.insert(name, field);
        }
    }
}

fn text(description: Option<&Node<str>>) -> Option<Arc<str>> {
    description.map(|d| d.as_str().into())
}
