//! The page of a type.

use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::schema::{TypeId, TypeKind};
use maud::{Markup, html};

use super::Page;
use crate::facts;
use crate::site::Site;
use crate::view::{Field, Kind};

/// More back links of one sort than these are counted, not listed.
const MOST_USES: usize = 100;

pub(crate) fn type_page(site: &Site<'_>, id: TypeId) -> Markup {
    let (view, kind) = (site.view, site.view.kind(id));
    let mut page = Page::inner(site, view.name(id));
    let definition = view.definition(id);
    let members = match kind {
        Kind::Object | Kind::Interface => page.fields(id),
        Kind::Input => page.input_type(id),
        Kind::Enum => page.values(id),
        Kind::Union | Kind::Scalar => html! {},
    };
    page.whole(html! {
        header.title {
            (page.kind(kind))
            h1 { (view.name(id)) (page.hidden_mark(view.is_hidden(id))) }
        }
        (page.description(definition.and_then(ExtendedType::description), Some(id)))
        (page.about(id))
        (members)
        (page.possible(id))
        (page.used_by(id))
    })
}

impl<'s> Page<'s> {
    /// Which subgraphs have a type, by which keys, and what else is to be known of it.
    fn about(&self, id: TypeId) -> Markup {
        let view = self.site.view;
        let joins = &view.supergraph.ty(id).subgraphs;
        let definition = view.definition(id);
        let implements: Vec<TypeId> =
            view.supergraph.schema.ty(id).implements().iter().copied().filter(|id| view.shows(*id)).collect();
        let url = definition
            .and_then(|ty| ty.directives().get("specifiedBy"))
            .and_then(|directive| directive.specified_argument_by_name("url").and_then(|url| url.as_str()));
        let web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        html! {
            dl.about {
                div {
                    dt { @if joins.len() == 1 { "Subgraph" } @else { "Subgraphs" } }
                    dd { @for join in joins {
                        (self.chip(join.subgraph))
                        @if join.interface_object { " " small { "as an object type" } }
                        " "
                    } }
                }
                @for join in joins {
                    @let keys = facts::keys(view, id, join.subgraph);
                    @if !keys.is_empty() {
                        div {
                            dt { @if keys.len() == 1 { "Key" } @else { "Keys" } " in " (view.supergraph.subgraph(join.subgraph).name) }
                            dd { @for (index, (key, resolvable)) in keys.iter().enumerate() {
                                @if index > 0 { ", " }
                                code { (key) }
                                @if !resolvable { " " small { "(only refers)" } }
                            } }
                        }
                    }
                }
                @if !implements.is_empty() {
                    div { dt { "Implements" } dd { @for (index, id) in implements.iter().enumerate() {
                        @if index > 0 { ", " } (self.type_link(*id))
                    } } }
                }
                @if let Some(url) = url {
                    div { dt { "Specified by" } dd {
                        @if web(&url) { a href=(url) rel="noreferrer" { (url) } } @else { (url) }
                    } }
                }
                @if matches!(view.supergraph.schema.ty(id).kind, TypeKind::InputObject { one_of: true, .. }) {
                    div { dt { "Input" } dd { "exactly one of the fields has to be given" } }
                }
            }
            (self.facts(&facts::of_type(view, &self.site.names, id)))
        }
    }

    fn fields(&mut self, id: TypeId) -> Markup {
        let view = self.site.view;
        let fields = view.fields(id);
        // A chip at each field says nothing where one subgraph has them all.
        let several = view.supergraph.ty(id).subgraphs.len() > 1;
        self.places =
            fields.iter().map(|field| (field.definition.name.to_string(), field.definition.name.to_string())).collect();
        html! {
            h2 { "Fields" }
            @for field in fields { (self.field(field, id, several)) }
        }
    }

    fn field(&self, field: Field<'s>, parent: TypeId, chips: bool) -> Markup {
        let definition = field.definition;
        let arguments = self.site.view.arguments(field);
        let examples = self.site.examples.using(field.id);
        html! {
            section.field id=(definition.name) {
                div.heading {
                    h3 {
                        code { a.anchor href={ "#" (definition.name) } { (definition.name) } span.signature { (self.signature(field)) } }
                        (self.hidden_mark(field.hidden))
                    }
                    @if chips { (self.resolvers(field)) }
                }
                (self.deprecation(&definition.directives, Some(parent)))
                (self.description(definition.description.as_ref(), Some(parent)))
                (self.facts(&facts::of_field(self.site.view, &self.site.names, field)))
                @if !arguments.is_empty() { h4 { "Arguments" } (self.inputs(&arguments, Some(parent), false)) }
                (self.used_in(examples))
            }
        }
    }

    /// The examples that use something.
    pub(super) fn used_in(&self, examples: &[usize]) -> Markup {
        const MOST: usize = 5;
        let all = &self.site.examples.all;
        html! {
            @if !examples.is_empty() {
                p.used-in {
                    "Used in "
                    @for (place, index) in examples.iter().take(MOST).enumerate() {
                        @if place > 0 { ", " }
                        @if let (Some(example), Some(address)) = (all.get(*index), self.site.addresses.examples.get(*index)) {
                            a href={ (self.root) (address) } { (example.operation.name) }
                        }
                    }
                    @if examples.len() > MOST { " and " (examples.len() - MOST) " more" }
                }
            }
        }
    }

    fn input_type(&mut self, id: TypeId) -> Markup {
        let fields = self.site.view.input_fields(id);
        let place = |name: &str| (name.to_owned(), name.to_owned());
        self.places = fields.iter().map(|field| place(&field.definition.name)).collect();
        html! { h2 { "Fields" } (self.inputs(&fields, Some(id), true)) }
    }

    fn values(&mut self, id: TypeId) -> Markup {
        let values = self.site.view.enum_values(id);
        let place = |name: &str| (name.to_owned(), name.to_owned());
        self.places = values.iter().map(|value| place(&value.definition.value)).collect();
        html! {
            h2 { "Values" }
            dl.inputs {
                @for value in values {
                    @let definition = value.definition;
                    dt id=(definition.value) {
                        code { a.anchor href={ "#" (definition.value) } { (definition.value) } }
                        (self.hidden_mark(value.hidden))
                    }
                    dd {
                        (self.description(definition.description.as_ref(), Some(id)))
                        (self.deprecation(&definition.directives, Some(id)))
                        (self.facts(&facts::of_directives(&self.site.names, &definition.directives)))
                    }
                }
            }
        }
    }

    /// What a value of an interface or union can be.
    fn possible(&self, id: TypeId) -> Markup {
        let view = self.site.view;
        let types = match view.kind(id) {
            Kind::Interface | Kind::Union => view.possible(id),
            _ => Vec::new(),
        };
        html! {
            @if !types.is_empty() {
                h2 { "Possible types" }
                (self.first(&types, MOST_USES, |id| self.type_summary(*id)))
            }
        }
    }

    fn used_by(&self, id: TypeId) -> Markup {
        let Some(uses) = self.site.uses.of(id) else { return html! {} };
        let view = self.site.view;
        let input = |(ty, name): &(TypeId, &braid_graphql::Name)| {
            let address = self.site.addresses.of_type(*ty).unwrap_or_default();
            html! { a href={ (self.root) (address) "#" (name) } { code { (view.name(*ty)) "." (name) } } }
        };
        let implementers: Vec<TypeId> = match view.kind(id) {
            // Listed above.
            Kind::Interface => {
                uses.implementers.iter().copied().filter(|id| view.kind(*id) == Kind::Interface).collect()
            }
            _ => Vec::new(),
        };
        html! {
            @if !uses.fields.is_empty() || !uses.arguments.is_empty() || !uses.input_fields.is_empty() || !uses.unions.is_empty() || !implementers.is_empty() {
                h2 #used-by { "Used by" }
            }
            @if !uses.fields.is_empty() {
                h3 { "Fields that return it" }
                (self.first(&uses.fields, MOST_USES, |id| self.coordinate(*id)))
            }
            @if !uses.arguments.is_empty() {
                h3 { "Arguments" }
                (self.first(&uses.arguments, MOST_USES, |(id, name)| html! { (self.coordinate(*id)) " " code { (name) } }))
            }
            @if !uses.input_fields.is_empty() {
                h3 { "Input fields" }
                (self.first(&uses.input_fields, MOST_USES, input))
            }
            @if !uses.unions.is_empty() {
                h3 { "Unions" }
                (self.first(&uses.unions, MOST_USES, |id| self.type_link(*id)))
            }
            @if !implementers.is_empty() {
                h3 { "Interfaces that implement it" }
                (self.first(&implementers, MOST_USES, |id| self.type_link(*id)))
            }
        }
    }
}
