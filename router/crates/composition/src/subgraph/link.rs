//! `@link`: which specifications a schema links, in which version and under which names. Knows no type of the schema.

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, Value};

use super::link_url::{Version, read_url};
use super::model::Span;
use super::spec::{Feature, Known, NEWEST};
use crate::codes::Code;
use crate::diagnostic::excerpt;
use braid_graphql::suggest::did_you_mean;

/// A problem in a `@link`, not yet tied to a subgraph.
pub(crate) struct LinkProblem {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) span: Span,
    pub(crate) help: Option<String>,
    /// Replaces the text at `span`.
    pub(crate) replacement: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) identity: String,
    pub(crate) version: Version,
    pub(crate) feature: Option<Feature>,
    /// The prefix of names that are not imported; absent when the URL gives no usable name.
    pub(crate) namespace: Option<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) purpose: Option<String>,
    pub(crate) url: String,
    pub(crate) span: Span,
}

/// `name` and `alias` both carry their `@` if they name a directive.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) alias: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) list: Vec<Link>,
    /// What `@link` itself is called.
    pub(crate) link_name: String,
    /// Without a link to federation: Federation 1.
    pub(crate) federation: Option<u32>,
}

impl Link {
    /// What an element (`@name` or `Name`) of this feature is called in the schema, with its `@`.
    pub(crate) fn name_in_schema(&self, element: &str) -> Option<String> {
        if let Some(import) = self.imports.iter().find(|i| i.name == element) {
            return Some(import.alias.clone());
        }
        let namespace = self.namespace.as_deref()?;
        Some(match element.strip_prefix('@') {
            Some(name) if Some(name) == self.own_name() => format!("@{namespace}"),
            Some(name) => format!("@{namespace}__{name}"),
            None => format!("{namespace}__{element}"),
        })
    }

    /// The element of this feature that a directive name (without `@`) of the schema means.
    pub(crate) fn element_of(&self, directive: &str) -> Option<String> {
        if let Some(import) = self.imports.iter().find(|i| i.alias.strip_prefix('@') == Some(directive)) {
            return import.name.strip_prefix('@').map(str::to_string);
        }
        let namespace = self.namespace.as_deref()?;
        if directive == namespace {
            return self.own_name().map(str::to_string);
        }
        let element = directive.strip_prefix(namespace)?.strip_prefix("__")?;
        let imported = self.imports.iter().any(|i| i.name.strip_prefix('@') == Some(element));
        (!imported).then(|| element.to_string())
    }

    pub(crate) fn own_name(&self) -> Option<&str> {
        self.identity.rsplit('/').next().filter(|name| is_namespace(name))
    }
}

impl Links {
    /// The name of a federation directive in this schema, with its `@`.
    pub(crate) fn name_of(&self, known: Known) -> Option<String> {
        let element = format!("@{}", known.name());
        let own = |link: &&Link| match link.feature {
            Some(Feature::Own(_)) => offers(link, known),
            _ => false,
        };
        // A feature's own link wins over the same directive inside federation.
        self.list
            .iter()
            .find(own)
            .or_else(|| self.list.iter().find(|link| offers(link, known)))
            .and_then(|link| link.name_in_schema(&element))
    }

    pub(crate) fn of(&self, feature: Feature) -> Option<&Link> {
        self.list.iter().find(|link| link.feature == Some(feature))
    }

    /// The link that a directive of the schema comes from.
    pub(crate) fn source_of(&self, directive: &str) -> Option<(&Link, String)> {
        self.list.iter().find_map(|link| Some((link, link.element_of(directive)?)))
    }
}

fn offers(link: &Link, known: Known) -> bool {
    link.feature.is_some_and(|feature| feature.directives(link.version.minor).iter().any(|(k, _)| *k == known))
}

/// Reads all links of a schema from the directives applied to it.
pub(crate) fn read_links(applied: &[Node<Directive>]) -> Result<Links, Vec<LinkProblem>> {
    let link_name = bootstrap_name(applied);
    let mut links = Links { link_name: link_name.clone(), ..Links::default() };
    let mut problems = Vec::new();
    for directive in applied.iter().filter(|d| d.name == link_name.as_str()) {
        match read_link(directive) {
            Ok(Some(link)) => {
                if let Err(problem) = admit(&links, &link, directive) {
                    problems.push(problem);
                } else {
                    check_imports(&link, directive, &mut problems);
                    links.list.push(link);
                }
            }
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    check_import_conflicts(&links, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    links.federation = links.of(Feature::Federation).map(|link| link.version.minor);
    if links.of(Feature::Link).is_none() {
        links.list.insert(0, implied_link(&link_name));
    }
    Ok(links)
}

fn implied_link(name: &str) -> Link {
    Link {
        identity: "https://specs.apollo.dev/link".into(),
        version: Version { major: 1, minor: 0 },
        feature: Some(Feature::Link),
        namespace: Some(name.to_string()),
        imports: Vec::new(),
        purpose: None,
        url: "https://specs.apollo.dev/link/v1.0".into(),
        span: None,
    }
}

/// What `@link` is called: the application that links the link specification may rename itself.
fn bootstrap_name(applied: &[Node<Directive>]) -> String {
    applied
        .iter()
        .find_map(|directive| {
            let url = str_arg(directive, "url")?;
            let rest = url.strip_prefix("https://specs.apollo.dev/link/v")?;
            rest.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
            let name = str_arg(directive, "as").unwrap_or("link");
            let imported = imported_link_name(directive);
            (directive.name == name || imported.as_deref() == Some(&directive.name)).then(|| directive.name.to_string())
        })
        .unwrap_or_else(|| "link".to_string())
}

fn imported_link_name(directive: &Directive) -> Option<String> {
    let imports = directive.specified_argument_by_name("import")?.as_list()?;
    imports.iter().find_map(|import| match &**import {
        Value::String(name) if name == "@link" => Some("link".to_string()),
        Value::Object(fields) => {
            let get = |key: &str| fields.iter().find(|(k, _)| k == key).and_then(|(_, v)| v.as_str());
            (get("name") == Some("@link")).then(|| get("as").unwrap_or("@link").trim_start_matches('@').to_string())
        }
        _ => None,
    })
}

fn read_link(directive: &Node<Directive>) -> Result<Option<Link>, Box<LinkProblem>> {
    let Some(url) = directive.specified_argument_by_name("url") else {
        return Err(usage(
            directive.location(),
            "This @link has no \"url\", so it does not say which specification it links.",
        ));
    };
    let Some(text) = url.as_str() else {
        return Err(usage(url.location(), "The \"url\" of this @link is not a string."));
    };
    let (identity, version) = read_url(text).map_err(|(message, replacement)| {
        Box::new(LinkProblem {
            code: Code::INVALID_LINK_IDENTIFIER,
            message,
            span: url.location(),
            help: Some(
                "end the URL in the specification's name and version, for example https://specs.apollo.dev/federation/v2.9".into(),
            ),
            replacement: replacement.map(|r| format!("\"{r}\"")),
        })
    })?;
    let feature = Feature::find(&identity);
    let alias = str_arg(directive, "as");
    let last = identity.rsplit('/').next().unwrap_or_default();
    let namespace = alias.map(str::to_string).or_else(|| is_namespace(last).then(|| last.to_string()));
    Ok(Some(Link {
        namespace,
        version,
        feature,
        imports: read_imports(directive)?,
        purpose: directive.specified_argument_by_name("for").and_then(|v| v.as_enum()).map(|n| n.to_string()),
        url: text.to_string(),
        span: directive.location(),
        identity,
    }))
}

/// Whether names can begin with it.
pub(crate) fn is_namespace(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

fn read_imports(directive: &Directive) -> Result<Vec<Import>, Box<LinkProblem>> {
    let Some(argument) = directive.specified_argument_by_name("import") else {
        return Ok(Vec::new());
    };
    match &**argument {
        Value::Null => Ok(Vec::new()),
        Value::List(items) => items.iter().map(read_import).collect(),
        // GraphQL coerces a single value to a list of one.
        _ => Ok(vec![read_import(argument)?]),
    }
}

fn read_import(item: &Node<Value>) -> Result<Import, Box<LinkProblem>> {
    let span = item.location();
    match &**item {
        Value::String(name) => Ok(Import { name: name.clone(), alias: name.clone() }),
        Value::Object(fields) => read_import_object(fields, span),
        _ => Err(usage(
            span,
            &format!(
                "This @link imports {}, which is neither a name such as \"@key\" nor a renaming such as {{ name: \"@key\", as: \"@myKey\" }}.",
                excerpt(&item.to_string())
            ),
        )),
    }
}

fn read_import_object(
    fields: &[(braid_graphql::compiler::Name, Node<Value>)],
    span: Span,
) -> Result<Import, Box<LinkProblem>> {
    let mut name = None;
    let mut alias = None;
    for (key, value) in fields {
        let slot = match key.as_str() {
            "name" => &mut name,
            "as" => &mut alias,
            _ => {
                return Err(usage(
                    span,
                    &format!("An import of this @link has a field \"{key}\"; it can have only \"name\" and \"as\"."),
                ));
            }
        };
        let Some(text) = value.as_str() else {
            return Err(usage(span, &format!("In an import of this @link, \"{key}\" is not a string.")));
        };
        *slot = Some(text.to_string());
    }
    let Some(name) = name else {
        return Err(usage(span, "An import of this @link has no \"name\", so it does not say what it imports."));
    };
    let alias = alias.unwrap_or_else(|| name.clone());
    if name.starts_with('@') != alias.starts_with('@') {
        let (what, right) = match name.starts_with('@') {
            true => (
                format!(
                    "The directive \"{name}\" is imported as \"{alias}\", which is the name of a type: it has no @."
                ),
                format!("@{alias}"),
            ),
            false => (
                format!(
                    "The type \"{name}\" is imported as \"{alias}\", which is the name of a directive. (If you mean the directive, call it \"@{name}\" in `name` too.)"
                ),
                alias.trim_start_matches('@').to_string(),
            ),
        };
        let mut problem = usage(span, &what);
        problem.replacement = Some(format!("{{ name: \"{name}\", as: \"{right}\" }}"));
        return Err(problem);
    }
    Ok(Import { name, alias })
}

/// Refuses linking a feature twice, and unknown versions.
fn admit(links: &Links, link: &Link, directive: &Node<Directive>) -> Result<(), LinkProblem> {
    let span = directive.location();
    if links.list.iter().any(|other| other.identity == link.identity) {
        return Err(*usage(
            span,
            &format!(
                "The schema links \"{}\" twice, so it is unclear which version and which names apply.",
                excerpt(&link.identity)
            ),
        ));
    }
    let same_namespace = links.list.iter().find(|other| other.namespace.is_some() && other.namespace == link.namespace);
    if let (Some(other), Some(namespace)) = (same_namespace, &link.namespace) {
        return Err(*usage(
            span,
            &format!(
                "Two linked specifications are both called \"{}\" in this schema: \"{}\" and \"{}\". Give one of them another name with `as`.",
                excerpt(namespace),
                excerpt(&other.identity),
                excerpt(&link.identity)
            ),
        ));
    }
    let Version { major, minor } = link.version;
    match link.feature {
        Some(Feature::Federation) if major != 2 || minor > NEWEST => Err(LinkProblem {
            code: Code::UNKNOWN_FEDERATION_LINK_VERSION,
            message: format!("The schema links federation v{major}.{minor}, a version that is not known."),
            span: directive.specified_argument_by_name("url").and_then(|v| v.location()),
            help: Some(format!("link a version from v2.0 to v2.{NEWEST}")),
            replacement: Some(format!("\"{}/v2.{NEWEST}\"", link.identity)),
        }),
        Some(Feature::Link) if (major, minor) != (1, 0) => Err(LinkProblem {
            code: Code::UNKNOWN_LINK_VERSION,
            message: format!(
                "The schema links v{major}.{minor} of the link specification, but the only version is v1.0."
            ),
            span: directive.specified_argument_by_name("url").and_then(|v| v.location()),
            help: Some("link https://specs.apollo.dev/link/v1.0".into()),
            replacement: Some(format!("\"{}/v1.0\"", link.identity)),
        }),
        _ => Ok(()),
    }
}

/// Every import must exist in the feature, if we know the feature.
fn check_imports(link: &Link, directive: &Node<Directive>, problems: &mut Vec<LinkProblem>) {
    let Some(feature) = link.feature else { return };
    let directives = feature.directives(link.version.minor);
    let mut elements: Vec<String> = directives.iter().map(|(k, _)| format!("@{}", k.name())).collect();
    elements.extend(feature.types(link.version.minor).into_iter().map(str::to_string));
    for (import, span) in link.imports.iter().zip(import_spans(directive)) {
        if elements.contains(&import.name) {
            continue;
        }
        let as_directive = format!("@{}", import.name);
        let (hint, replacement) = if elements.contains(&as_directive) {
            (format!(" Did you mean the directive, \"{as_directive}\"?"), Some(format!("\"{as_directive}\"")))
        } else {
            (did_you_mean(&import.name, elements.iter().map(String::as_str)), None)
        };
        let since = introduced(import.name.trim_start_matches('@'))
            .filter(|since| feature == Feature::Federation && *since > link.version.minor);
        problems.push(LinkProblem {
            code: Code::INVALID_LINK_DIRECTIVE_USAGE,
            message: format!(
                "This @link imports \"{}\", which v{}.{} of the specification does not have.{hint}",
                excerpt(&import.name),
                link.version.major,
                link.version.minor
            ),
            span: if since.is_some() {
                directive.specified_argument_by_name("url").and_then(|v| v.location())
            } else {
                span
            },
            help: Some(match since {
                Some(since) => format!("link federation v2.{since} or newer, which has \"{}\"", import.name),
                None => format!("correct the name, or remove \"{}\" from the import list", excerpt(&import.name)),
            }),
            replacement: match since {
                Some(since) => Some(format!("\"{}/v2.{since}\"", link.identity)),
                None => replacement,
            },
        });
    }
}

/// The minor version of Federation 2 that introduced an element.
pub(crate) fn introduced(element: &str) -> Option<u32> {
    (0..=NEWEST).find(|minor| {
        Feature::Federation.directives(*minor).iter().any(|(k, _)| k.name() == element)
            || Feature::Federation.types(*minor).contains(&element)
    })
}

fn import_spans(directive: &Directive) -> Vec<Span> {
    match directive.specified_argument_by_name("import") {
        Some(argument) => match &**argument {
            Value::List(items) => items.iter().map(Node::location).collect(),
            _ => vec![argument.location()],
        },
        None => Vec::new(),
    }
}

/// Two imports can't have the same name, and an import can't look like a name in another specification's namespace.
fn check_import_conflicts(links: &Links, problems: &mut Vec<LinkProblem>) {
    let mut seen: Vec<(&str, &Import, &Link)> = Vec::new();
    for link in &links.list {
        for import in &link.imports {
            let clash = seen.iter().find(|(alias, other, from)| {
                *alias == import.alias && !(other.name == import.name && from.identity == link.identity)
            });
            if let Some((_, other, _)) = clash {
                problems.push(*usage(
                    link.span,
                    &format!("Two imports of the schema are both called \"{}\": \"{}\" of \"{}\", and \"{}\" before it. Give one of them another name with `as`.", excerpt(&import.alias), excerpt(&import.name), excerpt(&link.identity), excerpt(&other.name)),
                ));
            }
            if let Some(other) = confusable(links, link, import) {
                problems.push(*usage(
                    link.span,
                    &format!("\"{}\" of \"{}\" is imported as \"{}\", but names that start like this belong to another linked specification, \"{}\". Import it under another name with `as`.", excerpt(&import.name), excerpt(&link.identity), excerpt(&import.alias), excerpt(&other.identity)),
                ));
            }
            seen.push((&import.alias, import, link));
        }
    }
}

fn confusable<'a>(links: &'a Links, link: &Link, import: &Import) -> Option<&'a Link> {
    let alias = import.alias.trim_start_matches('@');
    let (prefix, element) = match alias.split_once("__") {
        Some((prefix, element)) => (prefix, Some(element)),
        None => (alias, None),
    };
    let imported = import.name.trim_start_matches('@');
    links.list.iter().find(|other| {
        let Some(namespace) = other.namespace.as_deref() else { return false };
        if namespace != prefix {
            return false;
        }
        match element {
            // An element under its own namespaced name can be confused with nothing.
            Some(element) => !(other.identity == link.identity && imported == element),
            None => import.alias.starts_with('@') && other.identity != link.identity,
        }
    })
}

fn usage(span: Span, message: &str) -> Box<LinkProblem> {
    Box::new(LinkProblem {
        code: Code::INVALID_LINK_DIRECTIVE_USAGE,
        message: message.to_string(),
        span,
        help: None,
        replacement: None,
    })
}

fn str_arg<'a>(directive: &'a Directive, name: &str) -> Option<&'a str> {
    directive.specified_argument_by_name(name).and_then(|v| v.as_str())
}
