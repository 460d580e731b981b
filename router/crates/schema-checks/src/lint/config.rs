//! Which rules are on, how much each matters, and its options. Knows no rule by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule is not looked at.
    #[serde(alias = "ignored", alias = "ignore")]
    Off,
    /// For information.
    Info,
    /// Shown, but the check passes.
    #[serde(alias = "warning")]
    Warn,
    /// The check fails.
    Error,
}

/// The lint section of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LintConfig {
    /// Where to start from.
    pub extends: Preset,
    /// What differs from there.
    pub rules: BTreeMap<String, RuleSetting>,
}

/// A choice of rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The rules that most teams agree on, at their usual levels.
    #[default]
    Recommended,
    /// Every rule, at least as a warning.
    All,
    /// No rule but those that are named.
    None,
}

/// The configuration of a rule: its level, or more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum RuleSetting {
    /// Only its level.
    #[serde(deserialize_with = "level")]
    Level(Level),
    /// Its level and options.
    Config(RuleConfig),
}

/// A rule's level and options. Each rule reads those that mean something to it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// How much it matters.
    #[serde(deserialize_with = "level")]
    pub level: Level,
    /// The prefixes that the rule is about.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// The suffixes that the rule is about.
    #[serde(default)]
    pub suffixes: Vec<String>,
    /// Names that are fine, as tags or as exceptions.
    #[serde(default)]
    pub names: Vec<String>,
    /// The kinds of element that the rule looks at: `type`, `field`, `argument`, `input_field`, `enum_value`, `directive`.
    #[serde(default)]
    pub kinds: Vec<String>,
}

/// A level; `off` also as YAML readers of the older kind understand it, where it is the Boolean false.
fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Level(Level),
        Off(bool),
    }
    match Written::deserialize(deserializer)? {
        Written::Level(level) => Ok(level),
        Written::Off(false) => Ok(Level::Off),
        Written::Off(true) => Err(serde::de::Error::custom("`on` is no level; write info, warn or error")),
    }
}

impl LintConfig {
    /// What holds for a rule, given its level in the recommended preset.
    pub(super) fn setting(&self, rule: &str, recommended: Level) -> RuleConfig {
        let level = match self.extends {
            Preset::Recommended => recommended,
            Preset::All => recommended.max(Level::Warn),
            Preset::None => Level::Off,
        };
        match self.rules.get(rule) {
            Some(RuleSetting::Level(level)) => RuleConfig::new(*level),
            Some(RuleSetting::Config(config)) => config.clone(),
            None => RuleConfig::new(level),
        }
    }
}

impl RuleConfig {
    fn new(level: Level) -> Self {
        Self { level, prefixes: Vec::new(), suffixes: Vec::new(), names: Vec::new(), kinds: Vec::new() }
    }
}

impl Level {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Info => "info",
            Self::Warn => "warning",
            Self::Error => "error",
        }
    }
}
