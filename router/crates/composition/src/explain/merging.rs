//! Errors between subgraphs: what each of them says is fine, but it can't be merged.

use super::entry::Entry;
use crate::codes::Code;

pub(super) const TEXTS: &[Entry] = &[
    (
        Code::NO_QUERIES,
        "Clients start every query at the fields of the type Query. At least one subgraph must define it, with at least one field.",
        "type User @key(fields: \"id\") { id: ID! }   # and no type Query anywhere",
    ),
    (
        Code::TYPE_KIND_MISMATCH,
        "In the supergraph a name means one thing, so it can't be an object type in one subgraph and an enum in another. Rename one of them.",
        "# subgraph a\ntype Status { code: Int }\n# subgraph b\nenum Status { ON OFF }",
    ),
    (
        Code::EXTERNAL_TYPE_MISMATCH,
        "An @external field only repeats what another subgraph defines, so its type must be the same. Copy the type from there.",
        "# subgraph a\ntype T @key(fields: \"id\") { id: ID! weight: Int }\n# subgraph b\ntype T @key(fields: \"id\") { id: ID! weight: String @external s: Int @requires(fields: \"weight\") }",
    ),
    (
        Code::EXTERNAL_ARGUMENT_MISSING,
        "An @external field only repeats what another subgraph defines, so it must have the same arguments. Add the missing one.",
        "# subgraph a\ntype T @key(fields: \"id\") { id: ID! size(unit: String): Int }\n# subgraph b\ntype T @key(fields: \"id\") { id: ID! size: Int @external s: Int @requires(fields: \"size\") }",
    ),
    (
        Code::EXTERNAL_ARGUMENT_TYPE_MISMATCH,
        "An @external field only repeats what another subgraph defines, so its arguments must have the same types. Copy the type from there.",
        "# a: size(unit: String): Int     b: size(unit: Int): Int @external",
    ),
    (
        Code::EXTERNAL_ARGUMENT_DEFAULT_MISMATCH,
        "An @external field only repeats what another subgraph defines, so its arguments must have the same defaults. Copy the default from there.",
        "# a: size(unit: String = \"cm\"): Int     b: size(unit: String = \"m\"): Int @external",
    ),
    (
        Code::MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL,
        "@tag, @inaccessible and the like describe the field in the supergraph, and apply only in subgraphs that resolve the field. On an @external field they would be lost. Move them to a subgraph that resolves it.",
        "type T @key(fields: \"id\") { id: ID! w: Int @external @tag(name: \"x\") s: Int @requires(fields: \"w\") }",
    ),
    (
        Code::FIELD_TYPE_MISMATCH,
        "A field has one type in the supergraph. Types may differ in nullability, or one may be an interface or union that contains the other; beyond that, make them equal.",
        "# subgraph a\ntype T @shareable { size: Int }\n# subgraph b\ntype T @shareable { size: String }",
    ),
    (
        Code::FIELD_ARGUMENT_TYPE_MISMATCH,
        "An argument has one type in the supergraph. Subgraphs may differ in nullability only.",
        "# a: find(id: ID): T @shareable     b: find(id: Int): T @shareable",
    ),
    (
        Code::INPUT_FIELD_DEFAULT_MISMATCH,
        "An omitted value must mean the same in every subgraph. Use one default, or none.",
        "# a: input I { n: Int = 1 }     b: input I { n: Int = 2 }",
    ),
    (
        Code::FIELD_ARGUMENT_DEFAULT_MISMATCH,
        "An omitted value must mean the same in every subgraph. Use one default, or none.",
        "# a: list(first: Int = 10): [T]     b: list(first: Int = 20): [T]",
    ),
    (
        Code::EXTENSION_WITH_NO_BASE,
        "`extend type` adds to a type that is defined elsewhere; here no subgraph defines it. Drop the word `extend` in the subgraph where the type belongs. Also check the spelling.",
        "extend type User @key(fields: \"id\") { id: ID! }   # in every subgraph",
    ),
    (
        Code::EXTERNAL_MISSING_ON_BASE,
        "Every subgraph that has the field says that another one resolves it. Remove @external in the one that does.",
        "# a: type T @key(fields: \"id\") { id: ID! w: Int @external … }     b: the same",
    ),
    (
        Code::INVALID_FIELD_SHARING,
        "By default a field is resolved by one subgraph, so that two teams can't give one name different meanings by accident. If all of them return the same value, mark it @shareable in each. If one has taken it over from another, use @override. If one only refers to it, use @external. Where a subgraph lacks fields of the type that others have, the type also needs a @key.",
        "# subgraph a\ntype Product @key(fields: \"id\") { id: ID! name: String @shareable }\n# subgraph b\ntype Product @key(fields: \"id\") { id: ID! name: String }   # @shareable here too",
    ),
    (
        Code::LINK_IMPORT_NAME_MISMATCH,
        "A composed directive has one name in the supergraph. Import it under the same name in all subgraphs.",
        "# a: import: [\"@tag\"]     b: import: [{ name: \"@tag\", as: \"@label\" }]",
    ),
    (
        Code::REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH,
        "The supergraph has only the arguments that all subgraphs with the field have, but one subgraph requires this one. Add it in the others, or make it optional.",
        "# a: find(id: ID!): T @shareable     b: find: T @shareable",
    ),
    (
        Code::REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH,
        "The supergraph has only the input fields that all subgraphs with the input have, but one subgraph requires this one. Add it in the others, or make it optional.",
        "# a: input I { a: Int b: Int! }     b: input I { a: Int }",
    ),
    (
        Code::EMPTY_MERGED_INPUT_TYPE,
        "The supergraph has only the input fields that all subgraphs with the input have. Here that leaves none.",
        "# a: input I { a: Int }     b: input I { b: Int }",
    ),
    (
        Code::ENUM_VALUE_MISMATCH,
        "Clients both send and receive this enum, so every subgraph must know every value. Add the missing ones, or mark them @inaccessible while you roll them out.",
        "# a: enum E { A B }     b: enum E { A }     (used by an argument and by a field)",
    ),
    (
        Code::EMPTY_MERGED_ENUM_TYPE,
        "An enum that clients send has only the values that all subgraphs with the enum know. Here that leaves none.",
        "# a: enum E { A }     b: enum E { B }     (used by an argument only)",
    ),
    (
        Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@override makes this subgraph resolve a field instead of another one. That contradicts @external here, and is not possible while the field of the other subgraph has @requires or @provides, or is on an interface object.",
        "type T @key(fields: \"id\") { id: ID! n: Int @external @override(from: \"b\") }",
    ),
    (
        Code::OVERRIDE_FROM_SELF_ERROR,
        "A subgraph can't take a field over from itself. Name the subgraph that had it before.",
        "# in subgraph a\ntype T { n: Int @override(from: \"a\") }",
    ),
    (
        Code::OVERRIDE_SOURCE_HAS_OVERRIDE,
        "Two subgraphs take the field over from each other, or in a chain, so it is unclear which of them resolves it. Keep one @override.",
        "# a: n: Int @override(from: \"b\")     b: n: Int @override(from: \"a\")",
    ),
    (
        Code::OVERRIDE_ON_INTERFACE,
        "An interface's field has no resolver that could be taken over. Put @override on the implementing types.",
        "interface I { n: Int @override(from: \"b\") }",
    ),
    (
        Code::OVERRIDE_LABEL_INVALID,
        "A label is a letter followed by letters, digits and any of _-:./, or percent(x) with x from 0 to 100.",
        "n: Int @override(from: \"b\", label: \"50 %\")   # \"percent(50)\"",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_ERROR,
        "@composeDirective keeps a directive of your own in the supergraph. The directive must be defined, imported by a @link to a specification of your own, named with its @, and the same in all subgraphs that ask for it.",
        "extend schema @composeDirective(name: \"@mine\")   # @link(url: \"https://example.com/mine/v1.0\", import: [\"@mine\"]) is missing",
    ),
    (
        Code::INTERFACE_OBJECT_USAGE_ERROR,
        "With @interfaceObject a subgraph adds fields to all implementations of an interface without knowing them. It needs the interface's @key, another subgraph must define the interface, and this subgraph can't define the implementations.",
        "type Media @interfaceObject { id: ID! rating: Int }   # @key(fields: \"id\") is missing",
    ),
    (
        Code::INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE,
        "Through a key on an interface the router may ask the subgraph for any object of that interface, so the subgraph must define all implementations. Define the missing ones, or write `resolvable: false` in the key.",
        "# a: interface Media @key(fields: \"id\"), Book     b: type Film implements Media",
    ),
    (
        Code::CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "Clients don't see an argument that the router fills in. Where it is an ordinary argument it would never get a value, so it must be optional there.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String!): Int @shareable",
    ),
    (
        Code::AUTH_REQUIREMENTS_TOO_COMPLEX,
        "A client must satisfy the scopes and policies that each subgraph, and each implementation behind an interface, demands. Where they list different alternatives, every combination of them is an alternative of its own, and their number doubles and triples with each list. Write the same alternatives everywhere, or give each list an alternative in common, such as an administrator's scope.",
        "# in each of 10 subgraphs, with other names: f: Int @shareable @requiresScopes(scopes: [[\"a1\"], [\"b1\"]])",
    ),
];
