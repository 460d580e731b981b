//! The features that a schema links (`@link`, or `@core` before it), and the names that their elements have in it.
//! Knows nothing of what a feature does.

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::Schema;

/// Where the specifications are that a reader of supergraphs knows.
const HOST: &str = "https://specs.apollo.dev/";
/// Where this project's own are.
const OWN_HOST: &str = "https://github.com/braid-graphql/specs/";

/// The features of one schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Features {
    known: Vec<Feature>,
    /// The URLs of links with a purpose that are of no known form, so that what they require is unknown.
    unread: Vec<String>,
}

/// A linked feature.
#[derive(Debug, Clone)]
pub(crate) struct Feature {
    /// The URL without its version.
    identity: String,
    /// Major and minor version.
    pub(crate) version: (u32, u32),
    /// The prefix of its elements.
    pub(crate) namespace: String,
    /// Elements that were imported: the name in the feature, the name here.
    imports: Vec<(String, String)>,
    /// Whether a reader that does not know the feature must refuse the schema (`for: SECURITY` or `EXECUTION`).
    has_purpose: bool,
}

impl Features {
    pub(crate) fn read(schema: &Schema) -> Self {
        let applied = &schema.schema_definition.directives;
        // The link to the link specification may rename the directive itself.
        let renamed = |directive: &&Node<Directive>| url(directive).is_some_and(|url| url.contains("/link/v"));
        let mut names: Vec<&str> = applied.iter().filter(renamed).map(|directive| directive.name.as_str()).collect();
        names.extend(["link", "core"]);
        let mut features = Self::default();
        for directive in applied.iter().filter(|directive| names.contains(&directive.name.as_str())) {
            match Feature::read(directive) {
                Some(feature) => features.known.push(feature),
                None if has_purpose(directive) => {
                    features.unread.push(url(directive).unwrap_or_default().to_owned());
                }
                None => {}
            }
        }
        features
    }

    /// Features with a purpose that neither this crate fulfils nor authorization does, as `identity/vN.M`, or by their URL if that has another form.
    pub(crate) fn demanded(&self) -> Vec<String> {
        // Each with its major version and the newest minor version that is known.
        const FULFILLED: [(&str, u32, u32); 9] = [
            ("link", 1, 0),
            ("core", 0, 2),
            ("join", 0, 5),
            ("inaccessible", 0, 2),
            ("context", 0, 1),
            ("authenticated", 0, 1),
            ("cacheTag", 0, 1),
            ("requiresScopes", 0, 1),
            ("policy", 0, 1),
        ];
        let fulfilled = |feature: &Feature| {
            let (major, minor) = feature.version;
            let is = |(name, of, newest): &(&str, u32, u32)| {
                feature.own_name() == Some(name) && major == *of && minor <= *newest
            };
            FULFILLED.iter().any(is)
        };
        let demanded = self.known.iter().filter(|feature| feature.has_purpose && !fulfilled(feature));
        let demanded =
            demanded.map(|feature| format!("{}/v{}.{}", feature.identity, feature.version.0, feature.version.1));
        demanded.chain(self.unread.iter().cloned()).collect()
    }

    /// The feature of this name, such as `join`. Other URLs that end in the same name do not count.
    pub(crate) fn named(&self, name: &str) -> Option<&Feature> {
        self.known.iter().find(|feature| feature.own_name() == Some(name))
    }

    /// The name here of a feature's directive that is called as the feature, such as `@inaccessible`.
    pub(crate) fn directive_named(&self, feature: &str) -> Option<String> {
        self.named(feature).map(|found| found.name_of_directive(feature))
    }

    /// Whether a type or directive of this name belongs to a feature rather than to the graph.
    pub(crate) fn owns(&self, name: &str) -> bool {
        self.known.iter().any(|feature| {
            name.strip_prefix(feature.namespace.as_str()).is_some_and(|rest| rest.starts_with("__"))
                || feature.imports.iter().any(|(_, here)| here == name)
        })
    }

    /// Whether a directive of this name belongs to a feature.
    pub(crate) fn owns_directive(&self, name: &str) -> bool {
        let imported = |feature: &Feature| feature.imports.iter().any(|(_, here)| here.strip_prefix('@') == Some(name));
        self.known.iter().any(|feature| name == feature.namespace || imported(feature)) || self.owns(name)
    }
}

/// What a supergraph calls the directive that one of the known specifications is named after, such as `tag` or `inaccessible`. `None` if
/// it does not link the specification.
pub fn directive_of(schema: &Schema, specification: &str) -> Option<String> {
    Features::read(schema).directive_named(specification)
}

impl Feature {
    fn read(directive: &Node<Directive>) -> Option<Self> {
        let argument = |name: &str| directive.specified_argument_by_name(name);
        let text = |name: &str| argument(name).and_then(|value| value.as_str());
        let url = url(directive)?;
        let (identity, version) = url.rsplit_once("/v")?;
        let (major, minor) = version.split_once('.')?;
        let default_namespace = identity.rsplit('/').next()?;
        Some(Self {
            identity: identity.to_owned(),
            version: (major.parse().ok()?, minor.parse().ok()?),
            namespace: text("as").unwrap_or(default_namespace).to_owned(),
            imports: argument("import")
                .and_then(|value| value.as_list())
                .unwrap_or_default()
                .iter()
                .filter_map(import)
                .collect(),
            has_purpose: has_purpose(directive),
        })
    }

    /// Its name, if it is one of the specifications that a reader of supergraphs knows.
    fn own_name(&self) -> Option<&str> {
        self.identity.strip_prefix(HOST).or_else(|| self.identity.strip_prefix(OWN_HOST))
    }

    /// The name here of one of its directives.
    pub(crate) fn name_of_directive(&self, name: &str) -> String {
        let imported = self.imports.iter().find(|(there, _)| there.strip_prefix('@') == Some(name));
        match imported.and_then(|(_, here)| here.strip_prefix('@')) {
            Some(here) => here.to_owned(),
            None if self.identity.rsplit('/').next() == Some(name) => self.namespace.clone(),
            None => format!("{}__{name}", self.namespace),
        }
    }
}

/// `url` of `@link`, `feature` of `@core`.
fn url(directive: &Directive) -> Option<&str> {
    let argument = if directive.name == "core" { "feature" } else { "url" };
    directive.specified_argument_by_name(argument).and_then(|value| value.as_str())
}

fn has_purpose(directive: &Directive) -> bool {
    directive.specified_argument_by_name("for").is_some_and(|purpose| !purpose.is_null())
}

fn import(value: &Node<Value>) -> Option<(String, String)> {
    match value.as_ref() {
        Value::String(name) => Some((name.clone(), name.clone())),
        Value::Object(fields) => {
            let field = |key: &str| fields.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str());
            let name = field("name")?;
            Some((name.to_owned(), field("as").unwrap_or(name).to_owned()))
        }
        _ => None,
    }
}
