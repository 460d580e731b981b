//! The list of all rules. A rule knows nothing of the others; only this file has them all.

use super::config::{Level, RuleConfig};
use super::rules::{Raw, affixes, deprecation, documentation, enums, naming, nullability, order, reach, relay, tags};
use super::view::View;

/// A lint rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name in configuration and reports.
    pub name: &'static str,
    /// Its level in the recommended preset.
    pub recommended: Level,
    /// What it asks for.
    pub summary: &'static str,
    pub(super) check: fn(&View<'_>, &RuleConfig) -> Vec<Raw>,
}

/// All rules, in the order of the documentation.
pub const ALL: &[Rule] = &[
    Rule {
        name: "FIELD_NAMES_SHOULD_BE_CAMEL_CASE",
        recommended: Level::Warn,
        summary: "Field names are in camelCase.",
        check: naming::fields,
    },
    Rule {
        name: "INPUT_ARGUMENT_NAMES_SHOULD_BE_CAMEL_CASE",
        recommended: Level::Warn,
        summary: "Names of arguments and input fields are in camelCase.",
        check: naming::arguments,
    },
    Rule {
        name: "TYPE_NAMES_SHOULD_BE_PASCAL_CASE",
        recommended: Level::Warn,
        summary: "Type names are in PascalCase.",
        check: naming::types,
    },
    Rule {
        name: "ENUM_VALUES_SHOULD_BE_SCREAMING_SNAKE_CASE",
        recommended: Level::Warn,
        summary: "Enum values are in SCREAMING_SNAKE_CASE.",
        check: naming::enum_values,
    },
    Rule {
        name: "DIRECTIVE_NAMES_SHOULD_BE_CAMEL_CASE",
        recommended: Level::Warn,
        summary: "Directive names are in camelCase.",
        check: naming::directives,
    },
    Rule {
        name: "RESTY_FIELD_NAMES",
        recommended: Level::Warn,
        summary: "Query fields are named by what they return, without get or list; mutations do not begin with put, post or patch.",
        check: naming::verbs,
    },
    Rule {
        name: "NO_TYPENAME_PREFIX_IN_TYPE_FIELDS",
        recommended: Level::Off,
        summary: "Field names do not repeat the name of their type.",
        check: naming::repeated_type,
    },
    Rule {
        name: "TYPE_PREFIX",
        recommended: Level::Warn,
        summary: "Type names do not begin with Type.",
        check: affixes::type_prefix,
    },
    Rule {
        name: "TYPE_SUFFIX",
        recommended: Level::Warn,
        summary: "Type names do not end in Type.",
        check: affixes::type_suffix,
    },
    Rule {
        name: "OBJECT_PREFIX",
        recommended: Level::Warn,
        summary: "Names of object types do not begin with Object.",
        check: affixes::object_prefix,
    },
    Rule {
        name: "OBJECT_SUFFIX",
        recommended: Level::Warn,
        summary: "Names of object types do not end in Object.",
        check: affixes::object_suffix,
    },
    Rule {
        name: "INTERFACE_PREFIX",
        recommended: Level::Warn,
        summary: "Names of interfaces do not begin with Interface.",
        check: affixes::interface_prefix,
    },
    Rule {
        name: "INTERFACE_SUFFIX",
        recommended: Level::Warn,
        summary: "Names of interfaces do not end in Interface.",
        check: affixes::interface_suffix,
    },
    Rule {
        name: "ENUM_PREFIX",
        recommended: Level::Warn,
        summary: "Names of enums do not begin with Enum.",
        check: affixes::enum_prefix,
    },
    Rule {
        name: "ENUM_SUFFIX",
        recommended: Level::Warn,
        summary: "Names of enums do not end in Enum.",
        check: affixes::enum_suffix,
    },
    Rule {
        name: "INPUT_TYPE_SUFFIX",
        recommended: Level::Warn,
        summary: "Names of input objects end in Input.",
        check: affixes::input_suffix,
    },
    Rule {
        name: "ENUM_USED_AS_INPUT_WITHOUT_SUFFIX",
        recommended: Level::Off,
        summary: "Enums that clients only send end in Input.",
        check: affixes::enum_input,
    },
    Rule {
        name: "ENUM_USED_AS_OUTPUT_DESPITE_SUFFIX",
        recommended: Level::Warn,
        summary: "Enums that end in Input are not returned.",
        check: affixes::enum_output,
    },
    Rule {
        name: "FORBIDDEN_PREFIX",
        recommended: Level::Warn,
        summary: "No name begins with one of the prefixes in the options.",
        check: affixes::forbidden_prefix,
    },
    Rule {
        name: "FORBIDDEN_SUFFIX",
        recommended: Level::Warn,
        summary: "No name ends in one of the suffixes in the options.",
        check: affixes::forbidden_suffix,
    },
    Rule {
        name: "ALL_ELEMENTS_REQUIRE_DESCRIPTION",
        recommended: Level::Off,
        summary: "Every element has a description; the option kinds limits which.",
        check: documentation::descriptions,
    },
    Rule {
        name: "DEPRECATED_DIRECTIVE_MISSING_REASON",
        recommended: Level::Error,
        summary: "@deprecated gives a reason.",
        check: deprecation::reason,
    },
    Rule {
        name: "REQUIRE_DEPRECATION_DATE",
        recommended: Level::Off,
        summary: "The reason of @deprecated names a date (YYYY-MM-DD) of removal.",
        check: deprecation::date,
    },
    Rule {
        name: "DEFINED_TYPES_ARE_UNUSED",
        recommended: Level::Warn,
        summary: "Every type is used by another or is a root.",
        check: reach::unused,
    },
    Rule {
        name: "UNREACHABLE_FIELDS",
        recommended: Level::Warn,
        summary: "Every field can be reached from a root or an entity's key.",
        check: reach::unreachable,
    },
    Rule {
        name: "RELAY_CONNECTION_TYPES",
        recommended: Level::Off,
        summary: "Types that end in Connection have edges and a pageInfo: PageInfo!.",
        check: relay::connections,
    },
    Rule {
        name: "RELAY_EDGE_TYPES",
        recommended: Level::Off,
        summary: "Types of a connection's edges have node and cursor.",
        check: relay::edges,
    },
    Rule {
        name: "RELAY_PAGE_INFO",
        recommended: Level::Off,
        summary: "PageInfo has the four fields of the Relay specification.",
        check: relay::page_info,
    },
    Rule {
        name: "RELAY_ARGUMENTS",
        recommended: Level::Off,
        summary: "Fields that return a connection take first and after, or last and before.",
        check: relay::arguments,
    },
    Rule {
        name: "LIST_ITEMS_SHOULD_BE_NON_NULL",
        recommended: Level::Off,
        summary: "Items of lists are non-null.",
        check: nullability::items,
    },
    Rule {
        name: "LISTS_SHOULD_BE_NON_NULL",
        recommended: Level::Off,
        summary: "Fields that return lists return an empty list rather than null.",
        check: nullability::lists,
    },
    Rule {
        name: "ROOT_FIELDS_SHOULD_BE_NULLABLE",
        recommended: Level::Off,
        summary: "Fields of root types are nullable, so that one failure does not null the others.",
        check: nullability::roots,
    },
    Rule {
        name: "ID_FIELDS_SHOULD_BE_NON_NULL_IDS",
        recommended: Level::Off,
        summary: "Fields called id are of type ID!.",
        check: nullability::ids,
    },
    Rule {
        name: "DISALLOW_CASE_INSENSITIVE_ENUM_VALUES",
        recommended: Level::Error,
        summary: "No two values of an enum differ only in case.",
        check: enums::case_insensitive,
    },
    Rule {
        name: "ORDER_FIELDS",
        recommended: Level::Off,
        summary: "Fields are in alphabetical order.",
        check: order::fields,
    },
    Rule {
        name: "ORDER_ENUM_VALUES",
        recommended: Level::Off,
        summary: "Enum values are in alphabetical order.",
        check: order::enum_values,
    },
    Rule {
        name: "QUERY_DOCUMENT_DECLARATION",
        recommended: Level::Error,
        summary: "Schema files hold no operations or fragments.",
        check: documentation::operations,
    },
    Rule {
        name: "TAG_DIRECTIVE_USES_UNKNOWN_NAME",
        recommended: Level::Warn,
        summary: "@tag uses only the names in the options, when there are any.",
        check: tags::unknown,
    },
];
