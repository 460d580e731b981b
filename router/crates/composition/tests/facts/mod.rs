//! Takes schemas apart into facts that can be compared whatever their order and format.

use std::collections::{BTreeMap, BTreeSet};

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::{Directive, DirectiveList, FieldDefinition, InputValueDefinition, Type, Value};
use braid_graphql::compiler::schema::ExtendedType;

type Facts = BTreeSet<String>;

pub fn differences(expected: &Facts, got: &Facts) -> Vec<String> {
    let missing = expected.difference(got).map(|f| format!("- {f}"));
    let extra = got.difference(expected).map(|f| format!("+ {f}"));
    missing.chain(extra).collect()
}

fn parse(sdl: &str) -> Schema {
    match Schema::builder().adopt_orphan_extensions().parse(sdl, "schema").build() {
        Ok(schema) => schema,
        Err(partial) => partial.partial,
    }
}

fn value(v: &Value) -> String {
    match v {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().map(|(n, v)| (n.to_string(), value(v))).collect();
            format!("{sorted:?}")
        }
        Value::List(items) => format!("[{}]", items.iter().map(|v| value(v)).collect::<Vec<_>>().join(", ")),
        Value::Int(_) | Value::Float(_) => format!("{:?}", v.to_f64()),
        other => other.to_string(),
    }
}

fn shown(directives: &DirectiveList) -> String {
    let kept = directives.0.iter().filter(|d| matches!(d.name.as_str(), "deprecated" | "oneOf" | "specifiedBy"));
    let texts: BTreeSet<String> = kept.map(|d| application(d, &|n| n.to_string())).collect();
    texts.into_iter().map(|t| format!(" {t}")).collect()
}

fn application(d: &Directive, rename: &dyn Fn(&str) -> String) -> String {
    let args: BTreeSet<String> = d
        .arguments
        .iter()
        .filter(|a| !(d.name == "deprecated" && a.value.as_str() == Some("No longer supported")))
        .map(|a| {
            let text = value(&a.value);
            format!("{}: {text}", a.name)
        })
        .collect();
    format!("@{}({})", rename(&d.name), args.into_iter().collect::<Vec<_>>().join(", "))
}

fn input(owner: &str, i: &InputValueDefinition, facts: &mut Facts) {
    let default = i.default_value.as_ref().map(|v| format!(" = {}", value(v))).unwrap_or_default();
    facts.insert(format!("{owner} {}: {}{default}{}", i.name, i.ty, shown(&i.directives)));
}

fn field(owner: &str, f: &FieldDefinition, facts: &mut Facts) {
    facts.insert(format!("{owner}.{}: {}{}", f.name, f.ty, shown(&f.directives)));
    for argument in &f.arguments {
        input(&format!("{owner}.{} argument", f.name), argument, facts);
    }
}

/// What a client sees.
pub fn api(sdl: &str) -> Facts {
    let schema = parse(sdl);
    let mut facts = Facts::new();
    for (name, ty) in schema.types.iter().filter(|(_, t)| !t.is_built_in()) {
        match ty {
            ExtendedType::Scalar(t) => {
                facts.insert(format!("scalar {name}{}", shown(&t.directives)));
            }
            ExtendedType::Object(t) => {
                facts.insert(format!("type {name}"));
                facts.extend(t.implements_interfaces.iter().map(|i| format!("{name} implements {}", **i)));
                t.fields.values().for_each(|f| field(name, f, &mut facts));
            }
            ExtendedType::Interface(t) => {
                facts.insert(format!("interface {name}"));
                facts.extend(t.implements_interfaces.iter().map(|i| format!("{name} implements {}", **i)));
                t.fields.values().for_each(|f| field(name, f, &mut facts));
            }
            ExtendedType::Union(t) => {
                facts.extend(t.members.iter().map(|m| format!("union {name} has {}", **m)));
            }
            ExtendedType::Enum(t) => {
                for v in t.values.values() {
                    facts.insert(format!("enum {name} has {}{}", v.value, shown(&v.directives)));
                }
            }
            ExtendedType::InputObject(t) => {
                facts.insert(format!("input {name}{}", shown(&t.directives)));
                t.fields.values().for_each(|f| input(name, f, &mut facts));
            }
        }
    }
    for (name, d) in schema.directive_definitions.iter().filter(|(_, d)| !d.is_built_in()) {
        let locations: BTreeSet<&str> = d.locations.iter().map(|l| l.name()).collect();
        facts.insert(format!("directive @{name} repeatable {} on {locations:?}", d.repeatable));
        d.arguments.iter().for_each(|a| input(&format!("@{name}"), a, &mut facts));
    }
    facts
}

struct Joined<'a> {
    graphs: BTreeMap<String, String>,
    /// A directive's name here → `specification:element`.
    names: BTreeMap<String, String>,
    schema: &'a Schema,
}

/// What a planner sees.
pub fn joins(sdl: &str) -> Facts {
    let schema = parse(sdl);
    let mut facts = Facts::new();
    let joined = Joined { graphs: graphs(&schema), names: names(&schema), schema: &schema };
    joined.custom("schema", &schema.schema_definition.directives, &mut facts);
    for (name, ty) in schema.types.iter().filter(|(_, t)| !t.is_built_in()) {
        if name.starts_with("join__") || name.starts_with("link__") || name.starts_with("core__") {
            continue;
        }
        let on_type = ty.directives();
        for d in on_type.get_all("join__type") {
            let key = text(d, "key").map(|k| format!(" key {}", field_set(&k))).unwrap_or_default();
            let resolvable = flag(d, "resolvable", true);
            let interface_object = flag(d, "isInterfaceObject", false);
            let graph = joined.graph(d);
            let extension = if flag(d, "extension", false) { " of an extension" } else { "" };
            facts.insert(format!("{name} in {graph}{key}{extension}{}{}", no(resolvable), io(interface_object)));
        }
        for d in on_type.get_all("join__implements") {
            facts.insert(format!("{name} in {} implements {:?}", joined.graph(d), text(d, "interface")));
        }
        for d in on_type.get_all("join__unionMember") {
            facts.insert(format!("{name} in {} has {:?}", joined.graph(d), text(d, "member")));
        }
        joined.custom(name, on_type, &mut facts);
        let graphs: BTreeSet<String> = on_type.get_all("join__type").map(|d| joined.graph(d)).collect();
        match ty {
            ExtendedType::Object(t) => t.fields.values().for_each(|f| joined.field(name, &graphs, f, &mut facts)),
            ExtendedType::Interface(t) => t.fields.values().for_each(|f| joined.field(name, &graphs, f, &mut facts)),
            ExtendedType::InputObject(t) => {
                for f in t.fields.values() {
                    joined.placed(name, &f.name, &graphs, &f.ty, &f.directives, &mut facts);
                }
            }
            ExtendedType::Enum(t) => {
                for v in t.values.values() {
                    for d in v.directives.get_all("join__enumValue") {
                        facts.insert(format!("{name}.{} in {}", v.value, joined.graph(d)));
                    }
                    joined.custom(&format!("{name}.{}", v.value), &v.directives, &mut facts);
                }
            }
            _ => {}
        }
    }
    facts
}

fn no(resolvable: bool) -> &'static str {
    if resolvable { "" } else { " not resolvable" }
}

fn io(interface_object: bool) -> &'static str {
    if interface_object { " as interface object" } else { "" }
}

fn text(d: &Directive, name: &str) -> Option<String> {
    d.specified_argument_by_name(name).and_then(|v| v.as_str()).map(str::to_string)
}

fn flag(d: &Directive, name: &str, default: bool) -> bool {
    d.specified_argument_by_name(name).and_then(|v| v.to_bool()).unwrap_or(default)
}

/// Field sets, whatever their spacing and order.
fn field_set(text: &str) -> String {
    let document = braid_graphql::compiler::ast::Document::parse(format!("{{{text}}}"), "set");
    let document = match document {
        Ok(d) => d,
        Err(partial) => partial.partial,
    };
    match document.definitions.first() {
        Some(braid_graphql::compiler::ast::Definition::OperationDefinition(op)) => selection(&op.selection_set),
        _ => text.to_string(),
    }
}

fn selection(items: &[braid_graphql::compiler::ast::Selection]) -> String {
    use braid_graphql::compiler::ast::Selection;
    let set: BTreeSet<String> = items
        .iter()
        .flat_map(|item| match item {
            Selection::Field(f) => {
                let args: Vec<String> =
                    f.arguments.iter().map(|a| format!("{}: {}", a.name, value(&a.value))).collect();
                let inner = f.selection_set.as_ref().map(|s| selection(s)).unwrap_or_default();
                vec![format!("{}({}){inner}", f.name, args.join(","))]
            }
            Selection::InlineFragment(f) => {
                vec![format!("...{:?}{}", f.type_condition, selection(&f.selection_set))]
            }
            Selection::FragmentSpread(f) => vec![format!("...{}", f.fragment_name)],
        })
        .collect();
    format!("{{{}}}", set.into_iter().collect::<Vec<_>>().join(" "))
}

fn graphs(schema: &Schema) -> BTreeMap<String, String> {
    let mut graphs = BTreeMap::new();
    if let Some(ExtendedType::Enum(t)) = schema.types.get("join__Graph") {
        for v in t.values.values() {
            let name = v.directives.get("join__graph").and_then(|d| text(d, "name")).unwrap_or_default();
            graphs.insert(v.value.to_string(), name);
        }
    }
    graphs
}

fn names(schema: &Schema) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for d in schema.schema_definition.directives.get_all("link") {
        let Some(url) = text(d, "url") else { continue };
        let Some((identity, _)) = url.rsplit_once('/') else { continue };
        let own = identity.rsplit('/').next().unwrap_or_default().to_string();
        let spec = identity.strip_prefix("https://specs.apollo.dev/").unwrap_or(identity);
        let alias = text(d, "as").unwrap_or_else(|| own.clone());
        names.insert(alias.clone(), format!("{spec}:{own}"));
        if own == "cost" {
            names.insert("cost__listSize".into(), "cost:listSize".into());
        }
        let imports = d.specified_argument_by_name("import").and_then(|v| v.as_list()).unwrap_or_default();
        for import in imports {
            let (name, alias) = match &**import {
                Value::String(name) => (name.clone(), name.clone()),
                Value::Object(fields) => {
                    let get = |k: &str| fields.iter().find(|(n, _)| n == k).and_then(|(_, v)| v.as_str());
                    let name = get("name").unwrap_or_default().to_string();
                    (name.clone(), get("as").map_or(name, str::to_string))
                }
                _ => continue,
            };
            let element = name.trim_start_matches('@');
            names.insert(alias.trim_start_matches('@').to_string(), format!("{spec}:{element}"));
        }
    }
    names
}

impl Joined<'_> {
    fn graph(&self, d: &Directive) -> String {
        let value = d.specified_argument_by_name("graph").and_then(|v| v.as_enum());
        value.map_or("-".to_string(), |v| self.graphs.get(v.as_str()).cloned().unwrap_or_default())
    }

    fn field(&self, owner: &str, graphs: &BTreeSet<String>, f: &FieldDefinition, facts: &mut Facts) {
        self.placed(owner, &f.name, graphs, &f.ty, &f.directives, facts);
        for argument in &f.arguments {
            self.custom(&format!("{owner}.{}({}:)", f.name, argument.name), &argument.directives, facts);
        }
    }

    fn placed(
        &self,
        owner: &str,
        name: &str,
        graphs: &BTreeSet<String>,
        ty: &Type,
        directives: &DirectiveList,
        facts: &mut Facts,
    ) {
        let coordinate = format!("{owner}.{name}");
        let joins: Vec<_> = directives.get_all("join__field").collect();
        if joins.is_empty() {
            facts.extend(graphs.iter().map(|g| format!("{coordinate} in {g}")));
        }
        for d in joins {
            let mut fact = format!("{coordinate} in {}", self.graph(d));
            for set in ["requires", "provides"] {
                if let Some(text) = text(d, set) {
                    fact += &format!(" {set} {}", field_set(&text));
                }
            }
            if let Some(own) = text(d, "type").filter(|t| *t != ty.to_string()) {
                fact += &format!(" type {own}");
            }
            for name in ["external", "usedOverridden"] {
                if flag(d, name, false) {
                    fact += &format!(" {name}");
                }
            }
            for name in ["override", "overrideLabel"] {
                if let Some(text) = text(d, name) {
                    fact += &format!(" {name} {text}");
                }
            }
            if let Some(contexts) = d.specified_argument_by_name("contextArguments").and_then(|v| v.as_list()) {
                for entry in contexts {
                    let get = |k: &str| {
                        let fields = entry.as_object().unwrap_or_default();
                        fields
                            .iter()
                            .find(|(n, _)| n == k)
                            .and_then(|(_, v)| v.as_str())
                            .unwrap_or_default()
                            .to_string()
                    };
                    let chosen = field_set(get("selection").trim().trim_start_matches('{').trim_end_matches('}'));
                    fact += &format!(" context {} {} {chosen}", get("context"), get("name"));
                }
            }
            facts.insert(fact);
        }
        self.custom(&coordinate, directives, facts);
    }

    /// Directives other than those of join and link.
    fn custom(&self, element: &str, directives: &DirectiveList, facts: &mut Facts) {
        for d in &directives.0 {
            let name = d.name.as_str();
            if (name.starts_with("join__") && name != "join__directive") || matches!(name, "link" | "core") {
                continue;
            }
            let mut d = (**d).clone();
            // Defaults are not worth a difference.
            let definition = self.schema.directive_definitions.get(name);
            d.arguments.retain(|a| {
                let default = definition.and_then(|x| x.argument_by_name(&a.name)?.default_value.as_ref());
                default != Some(&a.value)
            });
            let rename = |n: &str| self.names.get(n).cloned().unwrap_or_else(|| n.to_string());
            facts.insert(format!("{element} {}", application(&d, &rename)));
        }
    }
}
