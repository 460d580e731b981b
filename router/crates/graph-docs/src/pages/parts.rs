//! What several kinds of pages are made of: signatures, descriptions, facts, arguments.

use braid_graphql::compiler::ast::Directive;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::{Node, Type};
use braid_supergraph::SubgraphId;
use maud::{Markup, html};

use super::Page;
use crate::facts::{self, Fact};
use crate::highlight::graphql;
use crate::markdown::{markdown, summary};
use crate::picture::hue;
use crate::view::{Field, Input, Kind};

/// Longer default values are cut.
const LONGEST_DEFAULT: usize = 400;

impl Page<'_> {
    /// A type, with a link from the name in it.
    pub(super) fn ty(&self, ty: &Type) -> Markup {
        let name = ty.inner_named_type();
        let text = ty.to_string();
        let (before, after) = text.split_once(name.as_str()).unwrap_or((&text, ""));
        html! {
            (before)
            @match self.site.addresses.of_named(self.site.view, ty) {
                Some(address) => a href={ (self.root) (address) } { (name) },
                None => span.builtin { (name) },
            }
            (after)
        }
    }

    /// The name of a type, as a link.
    pub(super) fn type_link(&self, id: TypeId) -> Markup {
        let name = self.site.view.name(id);
        html! {
            @match self.site.addresses.of_type(id) {
                Some(address) => a href={ (self.root) (address) } { code { (name) } },
                None => code { (name) },
            }
        }
    }

    /// A field with its arguments' names and types, and its own.
    pub(super) fn signature(&self, field: Field<'_>) -> Markup {
        let arguments = self.site.view.arguments(field);
        html! {
            @if !arguments.is_empty() {
                "("
                @for (index, argument) in arguments.iter().enumerate() {
                    @if index > 0 { ", " }
                    span.argument { (argument.definition.name) ": " (self.ty(&argument.definition.ty)) }
                }
                ")"
            }
            ": " (self.ty(&field.definition.ty))
        }
    }

    /// `Type.field`, as a link.
    pub(super) fn coordinate(&self, id: FieldId) -> Markup {
        let text = self.site.view.supergraph.schema.coordinate(id);
        html! {
            @match self.site.addresses.of_field(self.site.view, id) {
                Some(address) => a href={ (self.root) (address) } { code { (text) } },
                None => code { (text) },
            }
        }
    }

    /// A description. Names in code marks lead to their places; those of fields are looked for in `of` first.
    pub(super) fn description(&self, text: Option<&Node<str>>, of: Option<TypeId>) -> Markup {
        let address = |code: &str| self.place_of(code, of).map(|address| format!("{}{address}", self.root));
        html! { @if let Some(text) = text { div.description { (markdown(text, address)) } } }
    }

    /// The first sentence of a description.
    pub(super) fn summary(&self, text: Option<&Node<str>>) -> Markup {
        html! { @if let Some(text) = text { (summary(text)) } }
    }

    fn place_of(&self, code: &str, of: Option<TypeId>) -> Option<String> {
        let view = self.site.view;
        let field = |id: TypeId, name: &str| {
            let id = view.supergraph.schema.field_named(id, name)?;
            self.site.addresses.of_field(view, id)
        };
        if let Some((ty, name)) = code.split_once('.') {
            return field(view.type_named(ty)?, name.split('(').next()?);
        }
        if let Some(id) = view.type_named(code) {
            return self.site.addresses.of_type(id).map(str::to_owned);
        }
        let roots = [view.supergraph.schema.query, view.supergraph.schema.mutation];
        of.into_iter().chain(roots.into_iter().flatten()).find_map(|id| field(id, code))
    }

    /// A mark for what clients don't see.
    pub(super) fn hidden_mark(&self, hidden: bool) -> Markup {
        html! { @if hidden { " " span.badge.internal title="Clients don't see it (@inaccessible)" { "internal" } } }
    }

    /// What is said of an element that should not be used any more.
    pub(super) fn deprecation(&self, directives: &DirectiveList, of: Option<TypeId>) -> Markup {
        let reason = |directive: &Node<Directive>| {
            let given = directive.specified_argument_by_name("reason").and_then(|reason| reason.as_str());
            Node::new_str(given.unwrap_or("No longer supported"))
        };
        html! {
            @if let Some(directive) = directives.get("deprecated") {
                div.deprecated { strong { "Deprecated" } (self.description(Some(&reason(directive)), of)) }
            }
        }
    }

    /// A subgraph, as a link with its colour.
    pub(super) fn chip(&self, id: SubgraphId) -> Markup {
        let name = &self.site.view.supergraph.subgraph(id).name;
        html! {
            a class={ "chip " (hue(id)) } href={ (self.root) (self.site.addresses.of_subgraph(id)) } { (name) }
        }
    }

    /// Who resolves a field.
    pub(super) fn resolvers(&self, field: Field<'_>) -> Markup {
        let resolvers = facts::resolvers(self.site.view, field);
        html! {
            @if !resolvers.is_empty() {
                p.resolvers {
                    span.visually-hidden { "Resolved by " }
                    @for (index, resolver) in resolvers.iter().enumerate() {
                        @if index > 0 { " " }
                        (self.chip(resolver.subgraph))
                        @if let Some((label, on)) = &resolver.label {
                            " " small { "where " code { (label) } @if *on { " is on" } @else { " is off" } }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn facts(&self, facts: &[Fact]) -> Markup {
        html! {
            @if !facts.is_empty() {
                ul.facts { @for fact in facts { li { strong { (fact.label) } " " (parts(fact)) } } }
            }
        }
    }

    /// Arguments or input fields, with anchors where `anchors` says so.
    pub(super) fn inputs(&self, inputs: &[Input<'_>], of: Option<TypeId>, anchors: bool) -> Markup {
        html! {
            dl.inputs {
                @for input in inputs {
                    @let definition = input.definition;
                    dt id=[anchors.then_some(&definition.name)] {
                        code {
                            @if anchors { a.anchor href={ "#" (definition.name) } { (definition.name) } }
                            @else { (definition.name) }
                            ": " (self.ty(&definition.ty))
                            @if let Some(default) = &definition.default_value {
                                " = " span.default { (default_value(default)) }
                            }
                        }
                        @if definition.is_required() { " " span.badge { "required" } }
                        (self.hidden_mark(input.hidden))
                    }
                    dd {
                        (self.description(definition.description.as_ref(), of))
                        (self.deprecation(&definition.directives, of))
                        (self.facts(&facts::of_directives(&self.site.names, &definition.directives)))
                    }
                }
            }
        }
    }

    /// The first so many items of a list, and how many more there are.
    pub(super) fn first<T>(&self, items: &[T], most: usize, item: impl Fn(&T) -> Markup) -> Markup {
        html! {
            ul.links { @for one in items.iter().take(most) { li { (item(one)) } } }
            @if items.len() > most { p.more { "and " (items.len() - most) " more" } }
        }
    }

    /// A block of GraphQL without links.
    pub(super) fn code(&self, text: &str) -> Markup {
        html! { pre.code tabindex="0" { code { (graphql(text, |_| None)) } } }
    }

    /// What a list says of a type.
    pub(super) fn type_summary(&self, id: TypeId) -> Markup {
        let view = self.site.view;
        html! {
            (self.type_link(id)) (self.hidden_mark(view.is_hidden(id)))
            " " (self.summary(view.definition(id).and_then(ExtendedType::description)))
        }
    }

    /// What kind of type it is, with the word that SDL has for it.
    pub(super) fn kind(&self, kind: Kind) -> Markup {
        html! { span.kind { (kind.name()) } }
    }
}

fn parts(fact: &Fact) -> Markup {
    html! { @for (index, part) in fact.parts.iter().enumerate() { @if index % 2 == 0 { (part) } @else { code { (part) } } } }
}

fn default_value(value: &braid_graphql::Value) -> String {
    crate::markdown::shortened(&value.serialize().no_indent().to_string(), LONGEST_DEFAULT)
}
