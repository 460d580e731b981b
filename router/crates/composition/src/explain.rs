//! A paragraph and an example for every code, for people who have not read the documents of federation. One long list on
//! purpose: each entry is looked up by its code and read by itself.

use std::fmt::Write;

use crate::codes::{Code, summary};
use crate::diagnostic::Level;

/// What a code means and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// One sentence.
    pub summary: &'static str,
    /// Why it matters and how to fix it.
    pub text: &'static str,
    /// SDL that raises it, and what is right.
    pub example: &'static str,
}

/// Explains a code.
pub fn explain(code: Code) -> Explanation {
    let (text, example) =
        TEXTS.iter().find(|(c, ..)| *c == code).map_or(("", ""), |(_, text, example)| (*text, *example));
    Explanation { code, summary: summary(code), text, example }
}

/// The page of all codes, in Markdown.
pub fn codes_page() -> String {
    let mut page = String::from(
        "# Composition codes\n\nGenerated from the code by a test of `braid-composition`; `braid compose --explain CODE` prints one entry.\n",
    );
    for (title, wanted) in [("Errors", true), ("Hints", false)] {
        let _ = write!(page, "\n## {title}\n");
        for code in Code::ALL.iter().copied().filter(|c| (c.level() == Level::Error) == wanted) {
            let Explanation { summary, text, example, .. } = explain(code);
            let level = match code.level() {
                Level::Error => "",
                Level::Warn => " (warning)",
                Level::Info => " (information)",
                Level::Debug => " (detail)",
            };
            let _ = write!(page, "\n### {code}{level}\n\n{summary} {text}\n\n```graphql\n{example}\n```\n");
        }
    }
    page
}

const TEXTS: &[(Code, &str, &str)] = &[
    (
        Code::INVALID_GRAPHQL,
        "Each subgraph's schema must be valid GraphQL by itself before federation's rules apply: every type that is named exists, implementations have the fields of their interfaces, directives are known and take the arguments that they are given. A directive of federation is known only if the schema links federation and imports it.",
        "type Query { user: Usr }   # no type Usr: did you mean User?\ntype User { id: ID! }",
    ),
    (
        Code::DIRECTIVE_DEFINITION_INVALID,
        "The directives of GraphQL and federation are known without a definition. A subgraph may define them all the same, but only as they are specified: with the same arguments and at the same locations. Delete the definition.",
        "directive @key(field: String!) on OBJECT   # the argument is called `fields`",
    ),
    (
        Code::TYPE_DEFINITION_INVALID,
        "Some names, such as FieldSet and _Any, belong to federation. A subgraph may define them only as what they are there. Rename your own type.",
        "type _Any { id: ID }   # must be `scalar _Any`",
    ),
    (
        Code::UNKNOWN_FEDERATION_LINK_VERSION,
        "The version in the @link says which directives exist, and this one is not known. Link a version from v2.0 to the newest that the help names.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\")   # v2.9, for example",
    ),
    (
        Code::UNKNOWN_LINK_VERSION,
        "There is one version of the link specification itself: v1.0.",
        "extend schema @link(url: \"https://specs.apollo.dev/link/v9.9\")",
    ),
    (
        Code::INVALID_SUBGRAPH_NAME,
        "Plans, errors and the supergraph tell subgraphs apart by name. Two can't have the same, and \"_\" is reserved.",
        "# subgraphs: { users: …, users: … }",
    ),
    (
        Code::SUBGRAPH_TOO_LARGE,
        "A schema of this size is nearly always the wrong file. The limit keeps such a mistake from filling the memory.",
        "# an 80 MB dump given as SDL",
    ),
    (
        Code::NESTING_TOO_DEEP,
        "No real schema nests lists, objects or selections this deep, but an attack on the parser would. Write it with fewer levels.",
        "type Query { a: [[[[[[Int]]]]]] }   # and on, for hundreds of brackets",
    ),
    (
        Code::KEY_FIELDS_HAS_ARGS,
        "A key identifies an object. A field with arguments has many values, so it identifies nothing. Choose fields without arguments.",
        "type User @key(fields: \"name\") { name(short: Boolean): String }",
    ),
    (
        Code::PROVIDES_FIELDS_HAS_ARGS,
        "@provides promises that a value is at hand. A field with arguments has many values, of which the subgraph can't have all at hand. Select fields without arguments.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name(short: Boolean): String @external }",
    ),
    (
        Code::PROVIDES_FIELDS_MISSING_EXTERNAL,
        "By @provides a subgraph says that here, and only here, it can return a field that otherwise another subgraph resolves. A field that is not @external is one that it resolves everywhere, so there is nothing to add. Mark the field @external, or remove @provides.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name: String }   # name: String @external",
    ),
    (
        Code::REQUIRES_FIELDS_MISSING_EXTERNAL,
        "By @requires a field asks the router to fetch other subgraphs' fields first. A field that is not @external is resolved by this subgraph, whose resolver can simply use it. Mark it @external if only another subgraph resolves it, or remove it from @requires.",
        "type Product @key(fields: \"id\") {\n  id: ID!\n  weight: Int            # weight: Int @external\n  shipping: Int @requires(fields: \"weight\")\n}",
    ),
    (
        Code::KEY_UNSUPPORTED_ON_INTERFACE,
        "Keys on interfaces came with Federation 2.3. Link a newer version, or put the keys on the implementing types.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.0\", import: [\"@key\"])\ninterface Media @key(fields: \"id\") { id: ID! }",
    ),
    (
        Code::PROVIDES_UNSUPPORTED_ON_INTERFACE,
        "An interface's field has no resolver of its own. Put @provides on the fields of the implementing types.",
        "interface Node { owner: User @provides(fields: \"name\") }",
    ),
    (
        Code::REQUIRES_UNSUPPORTED_ON_INTERFACE,
        "An interface's field has no resolver of its own. Put @requires on the fields of the implementing types.",
        "interface Node { cost: Int @requires(fields: \"weight\") }",
    ),
    (
        Code::EXTERNAL_UNUSED,
        "An @external field is only declared here: another subgraph resolves it. There is no reason to declare it unless a @key, @requires, @provides or an interface of this subgraph mentions it. Remove the field, or @external if this subgraph does resolve it.",
        "type User @key(fields: \"id\") { id: ID! name: String @external }   # nothing uses name",
    ),
    (
        Code::EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@external says that this subgraph does not resolve the field, and @provides what comes with it when it does. Keep one of the two.",
        "type T @key(fields: \"id\") { id: ID! u: U @external @provides(fields: \"n\") }",
    ),
    (
        Code::TYPE_WITH_ONLY_UNUSED_EXTERNAL,
        "In a Federation 1 schema, @external fields that nothing uses are removed. Here that leaves no field of a type that others refer to. Give it a key, or a field that this subgraph resolves.",
        "extend type User { name: String @external }\ntype Query { me: User }",
    ),
    (
        Code::PROVIDES_ON_NON_OBJECT_FIELD,
        "@provides selects fields of what the field returns. A scalar or enum has none.",
        "type Query { count: Int @provides(fields: \"n\") }",
    ),
    (
        Code::KEY_INVALID_FIELDS_TYPE,
        "A field set is one string with names separated by spaces.",
        "type User @key(fields: [\"id\", \"org\"]) { id: ID! org: ID! }   # @key(fields: \"id org\")",
    ),
    (
        Code::PROVIDES_INVALID_FIELDS_TYPE,
        "A field set is one string with names separated by spaces.",
        "type Query { me: User @provides(fields: [\"name\"]) }   # @provides(fields: \"name\")",
    ),
    (
        Code::REQUIRES_INVALID_FIELDS_TYPE,
        "A field set is one string with names separated by spaces.",
        "type T @key(fields: \"id\") { id: ID! w: Int @external s: Int @requires(fields: w) }   # @requires(fields: \"w\")",
    ),
    (
        Code::KEY_INVALID_FIELDS,
        "A key names fields that the type has in this subgraph: scalars by their name alone, objects with the fields that count in braces, and without aliases.",
        "type User @key(fields: \"uid\") { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::PROVIDES_INVALID_FIELDS,
        "@provides names fields that the returned type has in this subgraph. Declare the field there, and mark it @external.",
        "type Query { me: User @provides(fields: \"nam\") }\ntype User @key(fields: \"id\") { id: ID! name: String @external }",
    ),
    (
        Code::REQUIRES_INVALID_FIELDS,
        "@requires names fields that the type has in this subgraph: declare them, and mark them @external. It may give them only arguments that all subgraphs with the field have.",
        "type T @key(fields: \"id\") { id: ID! s: Int @requires(fields: \"weigth\") weight: Int @external }",
    ),
    (
        Code::KEY_FIELDS_SELECT_INVALID_TYPE,
        "The router passes the value of a key from one subgraph to another. An interface or union has no fixed fields to pass. Select fields that return objects and scalars.",
        "union Owner = User | Team\ntype Repo @key(fields: \"owner { __typename }\") { owner: Owner }",
    ),
    (
        Code::KEY_DIRECTIVE_IN_FIELDS_ARG,
        "A field set names fields and nothing else. Remove the directive.",
        "type T @key(fields: \"id @skip(if: true)\") { id: ID! }",
    ),
    (
        Code::PROVIDES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set names fields and nothing else. Remove the directive.",
        "type Query { t: T @provides(fields: \"n @skip(if: true)\") }",
    ),
    (
        Code::REQUIRES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set names fields and nothing else. Remove the directive.",
        "type T @key(fields: \"id\") { id: ID! w: Int @external s: Int @requires(fields: \"w @skip(if: true)\") }",
    ),
    (
        Code::ROOT_QUERY_USED,
        "A subgraph may give its query root any name, but in the supergraph the root is called Query, so no other type can have that name. Rename the other type.",
        "schema { query: MyQuery }\ntype MyQuery { a: Int }\ntype Query { b: Int }",
    ),
    (
        Code::ROOT_MUTATION_USED,
        "In the supergraph the mutation root is called Mutation, so no other type can have that name. Rename the type, or make it the mutation root in the schema definition.",
        "schema { query: Query mutation: MyMutation }\ntype Mutation { b: Int }",
    ),
    (
        Code::ROOT_SUBSCRIPTION_USED,
        "In the supergraph the subscription root is called Subscription, so no other type can have that name. Rename the type, or make it the subscription root in the schema definition.",
        "schema { query: Query }\ntype Subscription { b: Int }",
    ),
    (
        Code::NO_QUERIES,
        "Clients start every query at the fields of the type Query. At least one subgraph must define it, with at least one field.",
        "type User @key(fields: \"id\") { id: ID! }   # and no type Query anywhere",
    ),
    (
        Code::INTERFACE_FIELD_NO_IMPLEM,
        "In the supergraph an interface has the fields that all subgraphs together give it, and every type that implements it must have them. Add the field to that type in a subgraph that can resolve it, or remove it from the interface.",
        "# subgraph a\ninterface Media { id: ID! title: String }\n# subgraph b\ninterface Media { id: ID! }\ntype Book implements Media { id: ID! }   # Book.title is missing",
    ),
    (
        Code::TYPE_KIND_MISMATCH,
        "In the supergraph a name means one thing, so it can't be an object type in one subgraph and an enum in another. Rename one of them.",
        "# subgraph a\ntype Status { code: Int }\n# subgraph b\nenum Status { ON OFF }",
    ),
    (
        Code::CONTEXT_NOT_SET,
        "@fromContext takes a value from an object further up in the query, which must be marked with @context of that name. A contextual argument can have no default and can't be part of an interface.",
        "type T @key(fields: \"id\") { id: ID! f(a: String @fromContext(field: \"$user { name }\")): Int }\n# type User @context(name: \"user\") is missing",
    ),
    (
        Code::CONTEXT_INVALID_SELECTION,
        "An argument has one value. So the text must select exactly one field, of the argument's type, on every type that sets the context.",
        "f(a: String @fromContext(field: \"$user { name email }\")): Int   # one of the two",
    ),
    (
        Code::NO_CONTEXT_IN_SELECTION,
        "The text starts with a dollar sign and the name of the context; the selection follows.",
        "f(a: String @fromContext(field: \"{ name }\")): Int   # \"$user { name }\"",
    ),
    (
        Code::CONTEXT_NO_RESOLVABLE_KEY,
        "The router fetches the contextual value first and then comes back to the object through its key. So the type needs a @key that can be resolved.",
        "type T { f(a: String @fromContext(field: \"$user { name }\")): Int }   # type T @key(fields: \"id\")",
    ),
    (
        Code::CONTEXT_NAME_INVALID,
        "In the supergraph a context is called by the subgraph's name and its own, with underscores between, so its own name can't contain any: use letters and digits.",
        "type User @context(name: \"my_user\") @key(fields: \"id\") { id: ID! }   # \"myUser\"",
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
        Code::EXTERNAL_ON_INTERFACE,
        "The fields of an interface are resolved by the implementing types, so they are neither external nor not. Mark the fields of those types.",
        "interface Node { id: ID! name: String @external }",
    ),
    (
        Code::MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL,
        "@tag, @inaccessible and the like describe the field in the supergraph, and count only in subgraphs that resolve the field. On an @external field they would be lost. Move them to a subgraph that resolves it.",
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
        "What a client leaves out can't mean two things. Use one default, or none.",
        "# a: input I { n: Int = 1 }     b: input I { n: Int = 2 }",
    ),
    (
        Code::FIELD_ARGUMENT_DEFAULT_MISMATCH,
        "What a client leaves out can't mean two things. Use one default, or none.",
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
        "By default one subgraph resolves a field, lest two teams define the same name with different meanings by accident. If all of them return the same, mark it @shareable in each. If one has taken it over from another, use @override. If one only refers to it, use @external. Where a subgraph lacks fields of the type that others have, the type also needs a @key.",
        "# subgraph a\ntype Product @key(fields: \"id\") { id: ID! name: String @shareable }\n# subgraph b\ntype Product @key(fields: \"id\") { id: ID! name: String }   # @shareable here too",
    ),
    (
        Code::INVALID_SHAREABLE_USAGE,
        "@shareable says that several subgraphs may resolve a field, and an interface's field is resolved by the implementing types. Saying it twice of one element adds nothing.",
        "interface I { a: Int @shareable }",
    ),
    (
        Code::INVALID_LINK_DIRECTIVE_USAGE,
        "@link names a specification and what to import from it. The import must exist in the linked version (newer directives need a newer version), directive names start with @, each specification is linked once, and two imports can't have one name.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.0\", import: [\"@key\", \"@interfaceObject\"])   # needs v2.3",
    ),
    (
        Code::INVALID_LINK_IDENTIFIER,
        "The URL of a specification ends in its name and version, as in https://example.com/name/v1.0.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2\")   # …/federation/v2.9",
    ),
    (
        Code::LINK_IMPORT_NAME_MISMATCH,
        "A directive that goes to the supergraph has one name there. Import it under the same name in all subgraphs.",
        "# a: import: [\"@tag\"]     b: import: [{ name: \"@tag\", as: \"@label\" }]",
    ),
    (
        Code::REFERENCED_INACCESSIBLE,
        "A type that is hidden from clients can't be the type of something that they see. Mark the field or argument @inaccessible too, or remove it from the type.",
        "type Secret @inaccessible { x: Int }\ntype Query { secret: Secret }   # secret: Secret @inaccessible",
    ),
    (
        Code::DEFAULT_VALUE_USES_INACCESSIBLE,
        "A default is part of the schema that clients see, so it can't name something hidden.",
        "enum E { A B @inaccessible }\ntype Query { f(e: E = B): Int }",
    ),
    (
        Code::QUERY_ROOT_TYPE_INACCESSIBLE,
        "Without a Query type there is no schema for clients. Hide single fields instead.",
        "type Query @inaccessible { a: Int }",
    ),
    (
        Code::REQUIRED_INACCESSIBLE,
        "Clients would have to give a value for something that they don't see. Make the argument or field optional, give it a default, or remove @inaccessible.",
        "type Query { f(a: Int! @inaccessible): Int }",
    ),
    (
        Code::DISALLOWED_INACCESSIBLE,
        "Clients don't see the directives that schemas use, so there is nothing to hide. Remove @inaccessible.",
        "directive @mine(x: Int @inaccessible) on FIELD_DEFINITION",
    ),
    (
        Code::IMPLEMENTED_BY_INACCESSIBLE,
        "Clients see the interface's field and may select it on any implementation. Mark it @inaccessible on the interface too, or nowhere.",
        "interface I { a: Int }\ntype T implements I { a: Int @inaccessible b: Int }",
    ),
    (
        Code::ONLY_INACCESSIBLE_CHILDREN,
        "GraphQL knows no empty types, so a type can't be visible with everything in it hidden. Mark the type @inaccessible, or leave something of it visible.",
        "type T { a: Int @inaccessible }",
    ),
    (
        Code::REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH,
        "Clients are offered only the arguments that all subgraphs with the field have, but one subgraph insists on this one. Add it in the others, or make it optional.",
        "# a: find(id: ID!): T @shareable     b: find: T @shareable",
    ),
    (
        Code::REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH,
        "Clients are offered only the input fields that all subgraphs with the input have, but one subgraph insists on this one. Add it in the others, or make it optional.",
        "# a: input I { a: Int b: Int! }     b: input I { a: Int }",
    ),
    (
        Code::EMPTY_MERGED_INPUT_TYPE,
        "Clients are offered only the input fields that all subgraphs with the input have. Here that leaves none.",
        "# a: input I { a: Int }     b: input I { b: Int }",
    ),
    (
        Code::ENUM_VALUE_MISMATCH,
        "Clients both send and receive this enum, so every subgraph must know every value. Add the missing ones, or mark them @inaccessible while you roll them out.",
        "# a: enum E { A B }     b: enum E { A }     (used by an argument and by a field)",
    ),
    (
        Code::EMPTY_MERGED_ENUM_TYPE,
        "Of an enum that clients send, they are offered only the values that all subgraphs with the enum know. Here that leaves none.",
        "# a: enum E { A }     b: enum E { B }     (used by an argument only)",
    ),
    (
        Code::SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
        "Subgraphs that share a field must be able to return the same object, since the router asks whichever suits it. Here they know no common type that the object could have.",
        "# a: union U = X   type Query { u: U @shareable }     b: union U = Y   type Query { u: U @shareable }",
    ),
    (
        Code::SATISFIABILITY_ERROR,
        "Each subgraph is valid by itself, but the router could not answer the query that the message shows: the object comes from a subgraph that does not have the field, and the subgraph that has it can't be asked for this object. To be asked, it needs a @key on the type, made of fields that the first subgraph has. Add that key, or resolve the field in the first subgraph too.",
        "# subgraph a\ntype Query { user: User }\ntype User @shareable { id: ID! }\n# subgraph b\ntype User @shareable { id: ID! name: String }   # add @key(fields: \"id\") here",
    ),
    (
        Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@override makes this subgraph resolve a field instead of another one. That contradicts @external here, and is not possible while the field of the other subgraph has @requires or @provides, or belongs to an interface object.",
        "type T @key(fields: \"id\") { id: ID! n: Int @external @override(from: \"b\") }",
    ),
    (
        Code::OVERRIDE_FROM_SELF_ERROR,
        "A subgraph can't take a field over from itself. Name the subgraph that had it before.",
        "# in subgraph a\ntype T { n: Int @override(from: \"a\") }",
    ),
    (
        Code::OVERRIDE_SOURCE_HAS_OVERRIDE,
        "Two subgraphs take the field over from each other, or one from the next, so it is unclear which of them resolves it. Keep one @override.",
        "# a: n: Int @override(from: \"b\")     b: n: Int @override(from: \"a\")",
    ),
    (
        Code::OVERRIDE_ON_INTERFACE,
        "An interface's field has no resolver that could be taken over. Put @override on the implementing types.",
        "interface I { n: Int @override(from: \"b\") }",
    ),
    (
        Code::OVERRIDE_LABEL_INVALID,
        "A label starts with a letter and goes on with letters, digits and _-:./, or it is percent(x) with x from 0 to 100.",
        "n: Int @override(from: \"b\", label: \"50 %\")   # \"percent(50)\"",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_ERROR,
        "@composeDirective keeps a directive of your own in the supergraph. For that the directive must be defined, imported by a @link to a specification of your own, named with its @, and the same in all subgraphs that ask for it.",
        "extend schema @composeDirective(name: \"@mine\")   # @link(url: \"https://example.com/mine/v1.0\", import: [\"@mine\"]) is missing",
    ),
    (
        Code::INTERFACE_OBJECT_USAGE_ERROR,
        "By @interfaceObject a subgraph adds fields to all implementations of an interface without knowing them. For that it needs the interface's @key, the interface itself in another subgraph, and no definition of the implementations here.",
        "type Media @interfaceObject { id: ID! rating: Int }   # @key(fields: \"id\") is missing",
    ),
    (
        Code::INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
        "When the router asks for an object by an interface's key, it gets one of the implementations. So each of them must have that key.",
        "interface Media @key(fields: \"id\") { id: ID! }\ntype Book implements Media { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE,
        "By a key on an interface the router may ask the subgraph for any object of that interface, so the subgraph must define all implementations. Define the missing ones, or write `resolvable: false` in the key.",
        "# a: interface Media @key(fields: \"id\"), Book     b: type Film implements Media",
    ),
    (
        Code::CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "Clients don't see an argument that the router fills in. In a subgraph where it is an ordinary argument it would never get a value, so it must be optional there.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String!): Int @shareable",
    ),
    (
        Code::COST_APPLIED_TO_INTERFACE_FIELD,
        "A field of an interface costs what it costs on the implementing types. Put @cost there.",
        "interface I { a: Int @cost(weight: 5) }",
    ),
    (
        Code::LIST_SIZE_APPLIED_TO_NON_LIST,
        "@listSize says how long a list will be. The field, or each of sizedFields, must be a list.",
        "type Query { a: Int @listSize(assumedSize: 10) }",
    ),
    (
        Code::LIST_SIZE_INVALID_ASSUMED_SIZE,
        "A list has no fewer than 0 items.",
        "type Query { a: [Int] @listSize(assumedSize: -1) }",
    ),
    (
        Code::LIST_SIZE_INVALID_SIZED_FIELD,
        "sizedFields names list fields of the type that the field returns.",
        "type Query { page: Page @listSize(slicingArguments: [\"first\"], sizedFields: [\"item\"]) }\ntype Page { items: [Int] }",
    ),
    (
        Code::LIST_SIZE_INVALID_SLICING_ARGUMENT,
        "slicingArguments names arguments of the field, of type Int, that say how many items a client wants.",
        "type Query { a(first: String): [Int] @listSize(slicingArguments: [\"first\"]) }",
    ),
    (
        Code::MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED,
        "Checking that every query can be answered does not follow single paths, and its work grows with the size of the schemas. Where thousands of keys, @requires and @provides all depend on each other it can still grow out of hand. The check then ends after a fixed amount of work, a few seconds.",
        "# many keys, @requires and @provides that depend on each other: use fewer and shorter ones",
    ),
    (
        Code::AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE,
        "What a client needs to read through an interface is computed from what its implementations require. Put the directive on the implementing types and fields.",
        "interface I @authenticated { a: Int }",
    ),
    (
        Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS,
        "By @requires or @fromContext the field is computed from protected fields. If it is less protected itself, clients could learn through it what they may not read. Put the same directives on the field.",
        "type T @key(fields: \"id\") { id: ID! salary: Int @external bonus: Int @requires(fields: \"salary\") }   # if salary is @authenticated, bonus must be",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT,
        "A cache tag is text with variables in braces, such as \"user-{$key.id}\".",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.id\") }   # a brace is not closed",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD,
        "On a root field a cache tag can use the field's arguments. Nothing else is known when the answer is stored.",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.uid}\") }",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ENTITY,
        "On a type with keys a cache tag can use the fields that are in each of them, since the router may ask by any key.",
        "type User @key(fields: \"id\") @key(fields: \"email\") @cacheTag(format: \"user-{$key.id}\") { id: ID! email: String! }",
    ),
    (
        Code::CACHE_TAG_APPLIED_TO_NON_ROOT_FIELD,
        "Answers are cached for root fields and for types with a @key. Put the tag on one of these.",
        "type User @key(fields: \"id\") { id: ID! name: String @cacheTag(format: \"name\") }",
    ),
    (
        Code::CACHE_TAG_ENTITY_NOT_RESOLVABLE,
        "A type is cached by the key that the router asks with. Give it a @key, or remove the tag.",
        "type Money @cacheTag(format: \"money\") { amount: Int }",
    ),
    (
        Code::INVALID_TAG_NAME,
        "Tags are named in contracts and configuration: a letter or underscore, then letters, digits, underscores, hyphens and slashes, 128 characters at most.",
        "type T @tag(name: \"my tag\") { a: Int }   # \"my-tag\"",
    ),
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE,
        "Clients see the most general of the types, which may surprise those who know one subgraph only. Write the same type in all subgraphs to make it plain.",
        "# a: size: Int! @shareable     b: size: Int @shareable     → Int",
    ),
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE,
        "Clients see the strictest of the types, since every subgraph must be able to take the value.",
        "# a: find(id: ID!): T     b: find(id: ID): T     → ID!",
    ),
    (
        Code::INCONSISTENT_ENTITY,
        "A subgraph without the key can return the type, but the router can't ask it for the fields of a given object. That may be intended.",
        "# a: type User @key(fields: \"id\") { id: ID! }     b: type User { id: ID! @shareable }",
    ),
    (
        Code::OVERRIDDEN_FIELD_CAN_BE_REMOVED,
        "Another subgraph has taken the field over. Once that is deployed, the old field is no longer asked for and can be removed.",
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
        "Subgraphs link different major versions of a specification. That does no harm as long as none of its directives is composed. The code is also used for a @composeDirective of a directive that is composed anyway.",
        "# a: @link(url: \"https://example.com/mine/v1.0\")     b: @link(url: \"https://example.com/mine/v2.0\")",
    ),
    (
        Code::IMPLICITLY_UPGRADED_FEDERATION_VERSION,
        "The subgraph links a specification that came with a newer version of Federation than the subgraphs link. The supergraph is made for the newer version.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\") @link(url: \"https://specs.apollo.dev/cost/v0.1\")",
    ),
    (
        Code::HINT_CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "The router fills the argument in for one subgraph, so clients no longer see it and can't give it to the others either.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String): Int @shareable",
    ),
    (
        Code::INCONSISTENT_DEFAULT_VALUE_PRESENCE,
        "A default must hold in every subgraph that may be asked. Where only some have it, clients get none.",
        "# a: list(first: Int = 10): [T]     b: list(first: Int): [T]     → no default",
    ),
    (
        Code::INCONSISTENT_INPUT_OBJECT_FIELD,
        "A subgraph that does not know the field would refuse the whole input, so clients can't be offered it.",
        "# a: input I { a: Int b: Int }     b: input I { a: Int }     → input I { a: Int }",
    ),
    (
        Code::INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM,
        "A subgraph that does not know the value would refuse it, so clients can't be offered it.",
        "# a: enum E { A B }     b: enum E { A }     → enum E { A }",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE,
        "A directive in a query may go to any subgraph, so clients can use only what all of them define.",
        "# a: directive @live on QUERY     b: nothing",
    ),
    (
        Code::NO_EXECUTABLE_DIRECTIVE_INTERSECTION,
        "The subgraphs allow the directive at different locations, and none is allowed by all. So clients can't use it.",
        "# a: directive @live on QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
        "If one subgraph takes the directive only once, clients can't use it more often.",
        "# a: directive @live repeatable on FIELD     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
        "Clients can use the directive only at the locations that all subgraphs allow.",
        "# a: directive @live on FIELD | QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_DESCRIPTION,
        "Clients see the description that most subgraphs have; if several are as frequent, that of the first subgraph by name.",
        "# a: \"A person.\" type User …     b: \"A customer.\" type User …",
    ),
    (
        Code::INCONSISTENT_ARGUMENT_PRESENCE,
        "A subgraph that does not know the argument would refuse the query, so clients can't be offered it.",
        "# a: list(first: Int): [T] @shareable     b: list: [T] @shareable",
    ),
    (
        Code::FROM_SUBGRAPH_DOES_NOT_EXIST,
        "Without such a subgraph nothing is taken over. Correct the name, or remove @override if the subgraph no longer exists.",
        "n: Int @override(from: \"prodcuts\")   # products",
    ),
    (
        Code::INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
        "The supergraph can have the directive only once, with the arguments that most subgraphs use; if several are as frequent, with those of the first subgraph by name.",
        "# a: @deprecated(reason: \"x\")     b: @deprecated(reason: \"y\")",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_WARN,
        "The directive goes to the supergraph under one name. A subgraph that imports it under another name is not asked for it.",
        "# a: import: [\"@mine\"], composed     b: import: [{ name: \"@mine\", as: \"@ours\" }]",
    ),
    (
        Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
        "Subgraphs that share a field must return the same object, but some know types that others don't. The field must never return those.",
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
        "Clients only receive this enum, so they are told all values.",
        "# a: enum E { A B }     b: enum E { A }     (used by fields only)",
    ),
    (Code::UNUSED_ENUM_TYPE, "No field or argument has this enum's type.", "enum E { A B }   # and nothing uses E"),
];
