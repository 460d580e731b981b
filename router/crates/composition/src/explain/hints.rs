//! Hints: what composes, but may not be meant.

use super::entry::Entry;
use crate::codes::Code;

pub(super) const TEXTS: &[Entry] = &[
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE,
        "Clients see the most general of the types. Write the same type in all subgraphs to make it clear what they get.",
        "# a: size: Int! @shareable     b: size: Int @shareable     → Int",
    ),
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE,
        "Clients see the strictest of the types, since every subgraph must be able to take the value.",
        "# a: find(id: ID!): T     b: find(id: ID): T     → ID!",
    ),
    (
        Code::INCONSISTENT_ENTITY,
        "A subgraph without the key can return the type, but the router can't ask it for the fields of a particular object. This may be intended.",
        "# a: type User @key(fields: \"id\") { id: ID! }     b: type User { id: ID! @shareable }",
    ),
    (
        Code::OVERRIDDEN_FIELD_CAN_BE_REMOVED,
        "Another subgraph has taken the field over. Once that is deployed, the router no longer asks for the old field, and it can be removed.",
        "# a: n: Int @override(from: \"b\")     b: n: Int   ← can go",
    ),
    (
        Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
        "The other subgraph no longer resolves the field, so there is nothing left to take over. Remove @override.",
        "# a: n: Int @override(from: \"b\")   ← the directive can go",
    ),
    (
        Code::OVERRIDE_MIGRATION_IN_PROGRESS,
        "Both subgraphs resolve the field, and the label decides per request which of them is asked. When the migration is done, remove the label, then the old field.",
        "n: Int @override(from: \"b\", label: \"percent(10)\")",
    ),
    (
        Code::MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
        "Subgraphs give the directive different arguments, and its specification says how to combine them: the highest cost, for example, or all scopes together.",
        "# a: @cost(weight: 5)     b: @cost(weight: 10)     → 10",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_INFO,
        "Subgraphs link different major versions of a specification. This is harmless as long as none of its directives is composed. The code is also used for a @composeDirective of a directive that is composed anyway.",
        "# a: @link(url: \"https://example.com/mine/v1.0\")     b: @link(url: \"https://example.com/mine/v2.0\")",
    ),
    (
        Code::IMPLICITLY_UPGRADED_FEDERATION_VERSION,
        "The subgraph links a specification that needs a newer version of Federation than the subgraphs link. The supergraph uses the newer version.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\") @link(url: \"https://specs.apollo.dev/cost/v0.1\")",
    ),
    (
        Code::HINT_CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "The router fills the argument in for one subgraph, so clients no longer see it and can't give it to the others either.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String): Int @shareable",
    ),
    (
        Code::INCONSISTENT_DEFAULT_VALUE_PRESENCE,
        "A default must be the same in every subgraph that may be asked. If only some have it, clients get none.",
        "# a: list(first: Int = 10): [T]     b: list(first: Int): [T]     → no default",
    ),
    (
        Code::INCONSISTENT_INPUT_OBJECT_FIELD,
        "A subgraph that does not know the field would refuse the whole input, so the supergraph does not have it.",
        "# a: input I { a: Int b: Int }     b: input I { a: Int }     → input I { a: Int }",
    ),
    (
        Code::INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM,
        "A subgraph that does not know the value would refuse it, so the supergraph does not have it.",
        "# a: enum E { A B }     b: enum E { A }     → enum E { A }",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE,
        "A directive in a query may be sent to any subgraph, so clients can use only those that all of them define.",
        "# a: directive @live on QUERY     b: nothing",
    ),
    (
        Code::NO_EXECUTABLE_DIRECTIVE_INTERSECTION,
        "The subgraphs allow the directive at different locations, and none is allowed by all. So clients can't use it.",
        "# a: directive @live on QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
        "If one subgraph accepts the directive only once per element, clients can't repeat it.",
        "# a: directive @live repeatable on FIELD     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
        "Clients can use the directive only at the locations that all subgraphs allow.",
        "# a: directive @live on FIELD | QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_DESCRIPTION,
        "Clients see the description that most subgraphs have; on a tie, that of the first subgraph by name.",
        "# a: \"A person.\" type User …     b: \"A customer.\" type User …",
    ),
    (
        Code::INCONSISTENT_ARGUMENT_PRESENCE,
        "A subgraph that does not know the argument would refuse the query, so the supergraph does not have it.",
        "# a: list(first: Int): [T] @shareable     b: list: [T] @shareable",
    ),
    (
        Code::FROM_SUBGRAPH_DOES_NOT_EXIST,
        "Without such a subgraph nothing is taken over. Correct the name, or remove @override if the subgraph no longer exists.",
        "n: Int @override(from: \"prodcuts\")   # products",
    ),
    (
        Code::INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
        "The supergraph can have the directive only once, with the arguments that most subgraphs use; on a tie, with those of the first subgraph by name.",
        "# a: @deprecated(reason: \"x\")     b: @deprecated(reason: \"y\")",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_WARN,
        "The supergraph has the directive under one name. Its applications in a subgraph that imports it under another name are dropped.",
        "# a: import: [\"@mine\"], composed     b: import: [{ name: \"@mine\", as: \"@ours\" }]",
    ),
    (
        Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
        "Subgraphs that share a field must return the same object, but some have possible types that others don't. The field must never return those.",
        "# a: union U = X | Y   u: U @shareable     b: union U = X   u: U @shareable",
    ),
    (
        Code::INCONSISTENT_OBJECT_VALUE_TYPE_FIELD,
        "The router can't fetch missing fields of a type without a @key from another subgraph. So clients can select this field only where the object comes from a subgraph that has it.",
        "# a: type Money @shareable { amount: Int currency: String }     b: type Money @shareable { amount: Int }",
    ),
    (
        Code::INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD,
        "The supergraph's interface has the field, so every implementation must, though some subgraphs' interfaces don't mention it.",
        "# a: interface I { a: Int b: Int }     b: interface I { a: Int }",
    ),
    (
        Code::INCONSISTENT_UNION_MEMBER,
        "Clients see the members of all subgraphs together.",
        "# a: union U = X | Y     b: union U = X",
    ),
    (
        Code::INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM,
        "Clients only receive this enum, so the supergraph has all its values.",
        "# a: enum E { A B }     b: enum E { A }     (used by fields only)",
    ),
    (Code::UNUSED_ENUM_TYPE, "No field or argument has this enum's type.", "enum E { A B }   # and nothing uses E"),
];
