//! Lint: whether schemas follow the conventions that a team chose. Knows the SDL as it is written, not what it composes to:
//! all files are looked at together, so that a type which one subgraph defines and another uses is used.
//!
//! ```text
//! Sources ──view──▶ elements ──rules/*──▶ findings ──suppression──▶ what is reported
//! ```

mod config;
mod finding;
mod registry;
mod rules;
mod suppression;
mod view;

pub use self::config::{Level, LintConfig, Preset, RuleConfig, RuleSetting};
pub use self::finding::Finding;
pub use self::registry::{ALL as RULES, Rule};
use crate::problem::Problem;
use crate::sources::Sources;

/// The result of linting.
#[derive(Debug, Default)]
pub struct Linted {
    /// What is wrong, in the order of the files.
    pub findings: Vec<Finding>,
    /// How many findings a comment or directive suppressed.
    pub suppressed: usize,
    /// What of the configuration cannot be used.
    pub problems: Vec<Problem>,
}

/// Checks the sources against all rules of the configuration.
pub fn lint(sources: &Sources, config: &LintConfig) -> Linted {
    let view = view::View::of(sources);
    let mut linted = Linted { problems: unknown_rules(config), ..Linted::default() };
    let mut suppressions = suppression::Suppressions::read(sources, &view);
    for rule in registry::ALL {
        let setting = config.setting(rule.name, rule.recommended);
        if setting.level == Level::Off {
            continue;
        }
        for raw in (rule.check)(&view, &setting) {
            let element = &view.elements[raw.element];
            if suppressions.covers(rule.name, element) {
                linted.suppressed += 1;
                continue;
            }
            let Some(location) = sources.location(element.file, element.span) else { continue };
            linted.findings.push(Finding {
                rule: rule.name.to_owned(),
                level: setting.level,
                coordinate: element.coordinate.clone(),
                message: raw.message,
                help: raw.help,
                location,
            });
        }
    }
    linted.findings.extend(suppressions.findings());
    linted.findings.sort_by(|a, b| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    linted
}

/// The rules of the configuration that do not exist.
fn unknown_rules(config: &LintConfig) -> Vec<Problem> {
    let known = |name: &str| registry::ALL.iter().any(|rule| rule.name == name);
    let problem = |name: &String| {
        let message = format!("there is no lint rule \"{name}\"; `braid lint --list` lists them");
        Problem::new("UNKNOWN_LINT_RULE", message)
    };
    config.rules.keys().filter(|name| !known(name)).map(problem).collect()
}

/// Keeps only what `old` does not have: findings are the same when rule and coordinate are.
pub fn only_new(findings: Vec<Finding>, old: &[Finding]) -> Vec<Finding> {
    let known: ahash::AHashSet<(&str, &str)> =
        old.iter().map(|finding| (finding.rule.as_str(), finding.coordinate.as_str())).collect();
    findings.into_iter().filter(|new| !known.contains(&(new.rule.as_str(), new.coordinate.as_str()))).collect()
}
