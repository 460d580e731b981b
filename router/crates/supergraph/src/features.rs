//! The features that a schema links (`@link`, or `@core` before it), and the names that their elements have in it.
//! Knows nothing of what a feature does.

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::Schema;

/// The features of one schema.
#[derive(Debug, Default)]
pub(crate) struct Features(Vec<Feature>);

/// A linked feature.
#[derive(Debug)]
pub(crate) struct Feature {
    /// The URL without its version.
    identity: String,
    /// Major and minor version.
    pub(crate) version: (u32, u32),
    /// The prefix of its elements.
    pub(crate) namespace: String,
    /// Elements that were imported: the name in the feature, the name here.
    imports: Vec<(String, String)>,
    /// What a reader that does not know the feature must do (`SECURITY`, `EXECUTION`).
    purpose: Option<String>,
}

impl Features {
    pub(crate) fn read(schema: &Schema) -> Self {
        let applications = schema.schema_definition.directives.iter();
        Self(applications.filter_map(Feature::read).collect())
    }

    /// Features with a purpose that reading alone does not fulfil, as `identity/vN.M`.
    pub(crate) fn demanded(&self) -> Vec<String> {
        const FULFILLED: [&str; 5] = ["link", "core", "join", "inaccessible", "context"];
        let fulfilled =
            |feature: &Feature| feature.identity.rsplit('/').next().is_some_and(|name| FULFILLED.contains(&name));
        let demanded = self.0.iter().filter(|feature| feature.purpose.is_some() && !fulfilled(feature));
        demanded.map(|feature| format!("{}/v{}.{}", feature.identity, feature.version.0, feature.version.1)).collect()
    }

    /// The feature with this name at the end of its identity, such as `join`.
    pub(crate) fn named(&self, name: &str) -> Option<&Feature> {
        let matches = |feature: &&Feature| feature.identity.rsplit('/').next() == Some(name);
        self.0.iter().find(matches)
    }

    /// The name here of a feature's directive that is called as the feature, such as `@inaccessible`.
    pub(crate) fn directive_named(&self, feature: &str) -> Option<String> {
        self.named(feature).map(|found| found.name_of_directive(feature))
    }

    /// Whether a type or directive of this name belongs to a feature rather than to the graph.
    pub(crate) fn owns(&self, name: &str) -> bool {
        self.0.iter().any(|feature| {
            name.strip_prefix(feature.namespace.as_str()).is_some_and(|rest| rest.starts_with("__"))
                || feature.imports.iter().any(|(_, here)| here == name)
        })
    }

    /// Whether a directive of this name belongs to a feature.
    pub(crate) fn owns_directive(&self, name: &str) -> bool {
        let imported = |feature: &Feature| feature.imports.iter().any(|(_, here)| here.strip_prefix('@') == Some(name));
        self.0.iter().any(|feature| name == feature.namespace || imported(feature)) || self.owns(name)
    }
}

impl Feature {
    fn read(directive: &Node<Directive>) -> Option<Self> {
        let argument = |name: &str| directive.specified_argument_by_name(name);
        let text = |name: &str| argument(name).and_then(|value| value.as_str());
        let url = match directive.name.as_str() {
            "link" => text("url"),
            "core" => text("feature"),
            // A bootstrap link may have renamed the directive itself.
            _ => text("url").filter(|url| url.contains("/link/v")),
        }?;
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
            purpose: argument("for").and_then(|value| value.as_enum()).map(|name| name.to_string()),
        })
    }

    fn name_of_directive(&self, name: &str) -> String {
        let imported = self.imports.iter().find(|(there, _)| there.strip_prefix('@') == Some(name));
        match imported.and_then(|(_, here)| here.strip_prefix('@')) {
            Some(here) => here.to_owned(),
            None if self.identity.rsplit('/').next() == Some(name) => self.namespace.clone(),
            None => format!("{}__{name}", self.namespace),
        }
    }
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
