//! The pages of the root types and of their fields.

use braid_graphql::OperationType;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::schema::TypeId;
use maud::{Markup, html};

use super::{Page, plural};
use crate::facts;
use crate::highlight::graphql;
use crate::site::Site;
use crate::view::Field;

/// So many examples are shown in full on the page of a field.
const SHOWN_EXAMPLES: usize = 2;

/// All fields at which operations of a kind start.
pub(crate) fn root_type(site: &Site<'_>, kind: OperationType, id: TypeId) -> Markup {
    let page = Page::top(site, plural(kind));
    let fields = site.view.fields(id);
    let several = site.view.supergraph.ty(id).subgraphs.len() > 1;
    page.whole(html! {
        header.title { span.kind { (kind.name()) } h1 { (plural(kind)) } }
        (page.description(site.view.definition(id).and_then(ExtendedType::description), Some(id)))
        (page.root_fields(&fields, several))
    })
}

/// A field at which operations start.
pub(crate) fn root_field(site: &Site<'_>, kind: OperationType, field: Field<'_>) -> Markup {
    let (view, definition) = (site.view, field.definition);
    let schema_field = view.supergraph.schema.field(field.id);
    let parent = schema_field.parent;
    let page = Page::inner(site, definition.name.as_str());
    let arguments = view.arguments(field);
    let returned = view.definition(schema_field.inner).filter(|_| view.shows(schema_field.inner));
    let examples: Vec<usize> = site.examples.using(field.id).to_vec();
    page.whole(html! {
        header.title {
            span.kind { (kind.name()) }
            h1 { (definition.name) (page.hidden_mark(field.hidden)) }
        }
        pre.code.wrapped tabindex="0" { code { (definition.name) (page.signature(field)) } }
        (page.resolvers(field))
        (page.deprecation(&definition.directives, Some(parent)))
        (page.description(definition.description.as_ref(), Some(parent)))
        (page.facts(&facts::of_field(view, &site.names, field)))
        @if !arguments.is_empty() { h2 { "Arguments" } (page.inputs(&arguments, Some(parent), true)) }
        h2 { "Returns" }
        p { code { (page.ty(&definition.ty)) } " " (page.summary(returned.and_then(ExtendedType::description))) }
        @if !field.hidden {
            @let minimal = site.minimal.operation(kind, field);
            h2 { "Minimal operation" }
            (page.code(&minimal.text))
            @if !minimal.variables.is_empty() {
                p { "with the variables" }
                pre.code tabindex="0" { code { (minimal.variables) } }
            }
        }
        @if !examples.is_empty() {
            h2 { "Examples" }
            @for index in examples.iter().take(SHOWN_EXAMPLES) { (page.example_block(*index)) }
            (page.used_in(examples.get(SHOWN_EXAMPLES..).unwrap_or_default()))
        }
    })
}

impl Page<'_> {
    /// Root fields with what they are about.
    pub(super) fn root_fields(&self, fields: &[Field<'_>], chips: bool) -> Markup {
        html! {
            dl.roots {
                @for field in fields {
                    @if let Some(address) = self.site.addresses.of_root_field(*field) {
                        dt {
                            a href={ (self.root) (address) } { code { (field.definition.name) } }
                            (self.hidden_mark(field.hidden))
                            @if field.definition.directives.get("deprecated").is_some() { " " span.badge.old { "deprecated" } }
                            @if chips { " " (self.resolvers(*field)) }
                        }
                        dd { (self.summary(field.definition.description.as_ref())) }
                    }
                }
            }
        }
    }

    /// An example in full.
    pub(super) fn example_block(&self, index: usize) -> Markup {
        let site = self.site;
        let (Some(example), Some(page)) = (site.examples.all.get(index), site.addresses.examples.get(index)) else {
            return html! {};
        };
        html! {
            h3 { a href={ (self.root) (page) } { (example.operation.name) } }
            (self.linked(index))
        }
    }

    /// The text of an example, with links to what it uses.
    pub(super) fn linked(&self, index: usize) -> Markup {
        let site = self.site;
        let Some(example) = site.examples.all.get(index) else { return html! {} };
        let address = |at: usize| {
            let found = example.names.binary_search_by_key(&at, |(start, _)| *start).ok()?;
            let address = match &example.names.get(found)?.1 {
                crate::examples::Named::Field(id) => site.addresses.of_field(site.view, *id)?,
                crate::examples::Named::Type(name) => site.addresses.of_type(site.view.type_named(name)?)?.to_owned(),
            };
            Some(format!("{}{address}", self.root))
        };
        html! { pre.code tabindex="0" { code { (graphql(&example.operation.text, address)) } } }
    }
}
