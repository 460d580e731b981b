//! Writes the supergraph of subgraphs that are known to compose. Checks nothing and does not replace composition: as a second,
//! independent way to a supergraph, it shows mistakes that composition and planner would otherwise make together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::{Directive, InputValueDefinition, Type};
use braid_graphql::compiler::schema::{ExtendedType, FieldDefinition};

use crate::subgraph::{Ownership, read_all, source};

const HEADER: &str = r#"schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
"#;

/// The supergraph of these subgraphs, given as (name, SDL).
pub fn merge(subgraphs: &[(String, String)]) -> String {
    let parts: Vec<_> = subgraphs
        .iter()
        .zip(read_all(subgraphs, &BTreeSet::new()))
        .map(|((name, sdl), ownership)| Part { name: name.clone(), schema: source(name, sdl), ownership })
        .collect();
    let mut merger = Merger { parts: &parts, out: HEADER.to_owned() };
    merger.roots();
    merger.graphs();
    let names: BTreeSet<_> = parts.iter().flat_map(|part| part.own_types().map(|(name, _)| name.to_owned())).collect();
    for name in &names {
        merger.ty(name);
    }
    merger.out
}

struct Part {
    name: String,
    schema: Schema,
    ownership: Ownership,
}

impl Part {
    fn own_types(&self) -> impl Iterator<Item = (&str, &ExtendedType)> {
        let own = |name: &str, ty: &ExtendedType| !ty.is_built_in() && !name.contains("__");
        self.schema.types.iter().map(|(name, ty)| (name.as_str(), ty)).filter(move |(name, ty)| own(name, ty))
    }

    fn graph(&self) -> String {
        self.name.to_uppercase().replace('-', "_")
    }

    /// Whether an overridden field stays in this subgraph because of its keys, requirements, provisions or interfaces.
    fn uses(&self, parent: &str, field: &str) -> bool {
        let implemented = self.schema.get_object(parent).map(|object| &object.implements_interfaces);
        if implemented.into_iter().flatten().any(|interface| self.schema.type_field(interface, field).is_ok()) {
            return true;
        }
        self.ownership.is_used(&(parent.to_owned(), field.to_owned()))
    }
}

struct Merger<'a> {
    parts: &'a [Part],
    out: String,
}

impl Merger<'_> {
    fn roots(&mut self) {
        let has = |root: &str| self.parts.iter().any(|part| part.schema.types.contains_key(root));
        let roots = [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];
        let roots: Vec<_> = roots.iter().filter(|(_, ty)| has(ty)).map(|(kind, ty)| format!("{kind}: {ty}")).collect();
        writeln!(self.out, "{{ {} }}", roots.join(" ")).unwrap();
    }

    fn graphs(&mut self) {
        writeln!(self.out, "enum join__Graph {{").unwrap();
        for part in self.parts {
            let (graph, name) = (part.graph(), &part.name);
            writeln!(self.out, "  {graph} @join__graph(name: \"{name}\", url: \"http://{name}.test/graphql\")")
                .unwrap();
        }
        writeln!(self.out, "}}").unwrap();
    }

    fn ty(&mut self, name: &str) {
        let having: Vec<_> = self.parts.iter().filter_map(|part| Some((part, part.schema.types.get(name)?))).collect();
        let mut directives = String::new();
        for (part, ty) in &having {
            self.join_type(&mut directives, part, ty);
        }
        if having.iter().any(|(_, ty)| has(ty.directives(), "inaccessible")) {
            directives.push_str(" @inaccessible");
        }
        let first = having.iter().find(|(_, ty)| ty.is_interface()).unwrap_or(&having[0]).1;
        match first {
            ExtendedType::Scalar(_) => writeln!(self.out, "scalar {name}{directives}").unwrap(),
            ExtendedType::Enum(_) => self.enumeration(name, &directives),
            ExtendedType::Union(_) => self.union(name, directives),
            ExtendedType::InputObject(_) => self.input(name, &directives),
            ExtendedType::Object(_) => self.composite("type", name, directives),
            ExtendedType::Interface(_) => self.composite("interface", name, directives),
        }
    }

    fn join_type(&self, out: &mut String, part: &Part, ty: &ExtendedType) {
        let object = if has(ty.directives(), "interfaceObject") { ", isInterfaceObject: true" } else { "" };
        let graph = part.graph();
        let mut keyed = false;
        for key in ty.directives().iter().filter(|directive| is_named(directive, "key")) {
            let fields =
                key.specified_argument_by_name("fields").and_then(|fields| fields.as_str()).unwrap_or_default();
            let resolvable =
                key.specified_argument_by_name("resolvable").and_then(|value| value.to_bool()).unwrap_or(true);
            let resolvable = if resolvable { "" } else { ", resolvable: false" };
            write!(out, "\n  @join__type(graph: {graph}, key: {fields:?}{resolvable}{object})").unwrap();
            keyed = true;
        }
        if !keyed {
            write!(out, "\n  @join__type(graph: {graph}{object})").unwrap();
        }
    }

    fn enumeration(&mut self, name: &str, directives: &str) {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for (part, ty) in self.parts.iter().filter_map(|part| Some((part, part.schema.get_enum(name)?))) {
            for (value, definition) in &ty.values {
                let said = values.entry(value.to_string()).or_default();
                write!(said, " @join__enumValue(graph: {})", part.graph()).unwrap();
                if has(&definition.directives, "inaccessible") && !said.contains("@inaccessible") {
                    said.push_str(" @inaccessible");
                }
            }
        }
        let values: Vec<_> = values.iter().map(|(value, said)| format!("  {value}{said}\n")).collect();
        writeln!(self.out, "enum {name}{directives} {{\n{}}}", values.concat()).unwrap();
    }

    fn union(&mut self, name: &str, mut directives: String) {
        let mut members = BTreeSet::new();
        for (part, ty) in self.parts.iter().filter_map(|part| Some((part, part.schema.get_union(name)?))) {
            for member in &ty.members {
                write!(directives, "\n  @join__unionMember(graph: {}, member: \"{member}\")", part.graph()).unwrap();
                members.insert(member.to_string());
            }
        }
        let members: Vec<_> = members.into_iter().collect();
        writeln!(self.out, "union {name}{directives}\n  = {}", members.join(" | ")).unwrap();
    }

    fn input(&mut self, name: &str, directives: &str) {
        let having: Vec<_> = self.parts.iter().filter_map(|part| part.schema.get_input_object(name)).collect();
        let common =
            having[0].fields.values().filter(|field| having.iter().all(|ty| ty.fields.contains_key(&field.name)));
        let fields: Vec<_> = common.map(|field| format!("  {}\n", argument(field))).collect();
        writeln!(self.out, "input {name}{directives} {{\n{}}}", fields.concat()).unwrap();
    }

    fn composite(&mut self, keyword: &str, name: &str, mut directives: String) {
        let mut implemented = BTreeSet::new();
        for part in self.parts {
            let interfaces = match part.schema.types.get(name) {
                Some(ExtendedType::Object(object)) => &object.implements_interfaces,
                Some(ExtendedType::Interface(interface)) => &interface.implements_interfaces,
                _ => continue,
            };
            for interface in interfaces {
                write!(directives, "\n  @join__implements(graph: {}, interface: \"{interface}\")", part.graph())
                    .unwrap();
                implemented.insert(interface.to_string());
            }
        }
        let mut names: Vec<String> = Vec::new();
        for part in self.parts {
            for field in part.schema.types.get(name).into_iter().flat_map(fields) {
                if !names.contains(&field.name.to_string()) {
                    names.push(field.name.to_string());
                }
            }
        }
        let mut body = String::new();
        for field in &names {
            self.field(&mut body, name, field);
        }
        if keyword == "type" {
            self.given_fields(&mut body, &implemented, &names);
        }
        let implements: Vec<_> = implemented.into_iter().collect();
        let implements =
            if implements.is_empty() { String::new() } else { format!(" implements {}", implements.join(" & ")) };
        writeln!(self.out, "{keyword} {name}{implements}{directives} {{\n{body}}}").unwrap();
    }

    /// Fields that only interface objects have, on a type that implements their interface.
    fn given_fields(&self, body: &mut String, interfaces: &BTreeSet<String>, own: &[String]) {
        let mut known: BTreeSet<String> = own.iter().cloned().collect();
        for interface in interfaces {
            for part in self.parts {
                let object =
                    part.schema.types.get(interface.as_str()).filter(|ty| has(ty.directives(), "interfaceObject"));
                for field in object.into_iter().flat_map(fields) {
                    if known.insert(field.name.to_string()) {
                        writeln!(body, "  {} @join__field", signature(field, &field.ty)).unwrap();
                    }
                }
            }
        }
    }

    fn field(&self, body: &mut String, parent: &str, name: &str) {
        let having: Vec<_> = self
            .parts
            .iter()
            .filter_map(|part| Some((part, fields(part.schema.types.get(parent)?).find(|field| field.name == name)?)))
            .collect();
        let ty = self.merged_type(having.iter().map(|(_, field)| &field.ty));
        let mut out = signature(having[0].1, &ty);
        for (part, field) in &having {
            let coordinate = (parent.to_owned(), name.to_owned());
            let is_unresolved = part.ownership.is_unresolved(&coordinate);
            // A label decides between two subgraphs at run time, so both have the field.
            let label = having.iter().find_map(|(_, field)| {
                let applied = field.directives.iter().find(|applied| is_named(applied, "override"))?;
                let argument = |name: &str| Some(applied.specified_argument_by_name(name)?.as_str()?.to_owned());
                Some((argument("from")?, argument("label")?))
            });
            let is_external = is_unresolved
                && (has(&field.directives, "external") || has(part.schema.types[parent].directives(), "external"));
            if is_unresolved && !is_external && label.is_none() && !part.uses(parent, name) {
                // Overridden.
                continue;
            }
            let mut arguments = format!("graph: {}", part.graph());
            if field.ty != ty {
                write!(arguments, ", type: \"{}\"", field.ty).unwrap();
            }
            if is_external {
                arguments.push_str(", external: true");
            } else if let Some((_, label)) = label.as_ref().filter(|(from, _)| *from == part.name) {
                write!(arguments, ", overrideLabel: {label:?}").unwrap();
            } else if is_unresolved && label.is_none() {
                arguments.push_str(", usedOverridden: true");
            }
            for (directive, argument, said) in [
                ("requires", "fields", "requires"),
                ("provides", "fields", "provides"),
                ("override", "from", "override"),
                ("override", "label", "overrideLabel"),
            ] {
                let text = field.directives.iter().find(|applied| is_named(applied, directive));
                if let Some(text) = text.and_then(|applied| applied.specified_argument_by_name(argument)?.as_str()) {
                    write!(arguments, ", {said}: {text:?}").unwrap();
                }
            }
            write!(out, "\n    @join__field({arguments})").unwrap();
        }
        if having.iter().any(|(_, field)| has(&field.directives, "inaccessible")) {
            out.push_str(" @inaccessible");
        }
        writeln!(body, "  {out}").unwrap();
    }

    /// Nullable if any of them is, and the most general of the named types.
    fn merged_type<'t>(&self, types: impl Iterator<Item = &'t Type>) -> Type {
        let general = |a: &Type, b: &Type| {
            let (a_name, b_name) = (a.inner_named_type(), b.inner_named_type());
            let b_is_wider = self.parts.iter().any(|part| part.schema.is_subtype(b_name, a_name));
            let (wide, other) = if b_is_wider { (b, a) } else { (a, b) };
            loosest(wide, other)
        };
        types.cloned().reduce(|a, b| general(&a, &b)).expect("a field is somewhere")
    }
}

fn loosest(wide: &Type, other: &Type) -> Type {
    match (wide, other) {
        (Type::NonNullNamed(_), Type::NonNullNamed(_)) => wide.clone(),
        (Type::NonNullNamed(name) | Type::Named(name), _) => Type::Named(name.clone()),
        (Type::NonNullList(a), Type::NonNullList(b)) => Type::NonNullList(Box::new(loosest(a, b))),
        (Type::NonNullList(a) | Type::List(a), Type::NonNullList(b) | Type::List(b)) => {
            Type::List(Box::new(loosest(a, b)))
        }
        _ => wide.clone(),
    }
}

fn signature(field: &FieldDefinition, ty: &Type) -> String {
    let arguments: Vec<_> = field.arguments.iter().map(|found| argument(found)).collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    format!("{}{arguments}: {ty}", field.name)
}

fn argument(definition: &InputValueDefinition) -> String {
    let default = definition.default_value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
    let hidden = if has(&definition.directives, "inaccessible") { " @inaccessible" } else { "" };
    format!("{}: {}{default}{hidden}", definition.name, definition.ty)
}

fn fields(ty: &ExtendedType) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match ty {
        ExtendedType::Object(object) => Some(&object.fields),
        ExtendedType::Interface(interface) => Some(&interface.fields),
        _ => None,
    };
    fields.into_iter().flat_map(|fields| fields.values()).map(|field| &**field)
}

fn is_named(directive: &Directive, name: &str) -> bool {
    directive.name.strip_prefix("federation__").unwrap_or(&directive.name) == name
}

fn has<'d>(directives: impl IntoIterator<Item = &'d braid_graphql::Node<Directive>>, name: &str) -> bool {
    directives.into_iter().any(|directive| is_named(directive, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Suite;
    use crate::world::World;
    use braid_supergraph::Supergraph;

    #[test]
    fn supergraphs_of_worlds_are_read() {
        for seed in 0..60 {
            let world = World::random(seed);
            let sdl = merge(&world.subgraphs);
            Supergraph::read(&sdl).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{sdl}"));
        }
    }

    /// What a supergraph says about types, to compare with those of the public suites.
    #[test]
    fn supergraphs_of_the_public_suites_are_as_published() {
        let mut differences = Vec::new();
        for suite in Suite::all() {
            let Some(published) = &suite.supergraph else { continue };
            let subgraphs: Vec<_> = suite.subgraphs.iter().map(|file| (file.name.clone(), file.sdl.clone())).collect();
            let (ours, theirs) = (Supergraph::read(&merge(&subgraphs)), Supergraph::read(published).unwrap());
            let ours = ours.unwrap_or_else(|error| panic!("{}: {error}", suite.name));
            for (id, field) in theirs.schema.fields() {
                let name = theirs.schema.coordinate(id);
                let parent = ours.schema.type_named(&theirs.schema.ty(field.parent).name);
                let ours_id = parent.and_then(|parent| ours.schema.field_named(parent, &field.name));
                let show = |graph: &Supergraph, joined: &braid_supergraph::FieldInSubgraph| {
                    let name = &graph.subgraph(joined.subgraph).name;
                    format!("{name} {} {} {:?}", joined.ty, joined.external, joined.requires.is_some())
                };
                let theirs_said: BTreeSet<_> =
                    theirs.field(id).subgraphs.iter().map(|joined| show(&theirs, joined)).collect();
                let ours_said: BTreeSet<_> = ours_id
                    .iter()
                    .flat_map(|id| &ours.field(*id).subgraphs)
                    .map(|joined| show(&ours, joined))
                    .collect();
                if ours_said != theirs_said {
                    differences.push(format!("{} {name}: {ours_said:?} != {theirs_said:?}", suite.name));
                }
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
