//! A paragraph and an example for every code, for people who have not read the federation docs.

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
    /// Why it matters and how to mend it.
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
        "Before anything of federation is looked at, each subgraph must be valid GraphQL by itself: names exist, types are used where they may be, implementations have their interfaces' fields, directives take the arguments that they are given. The message names the rule. A directive counts as unknown too when it exists in federation but is not imported.",
        "type Query { user: Usr }   # no type Usr: did you mean User?\ntype User { id: ID! }",
    ),
    (
        Code::DIRECTIVE_DEFINITION_INVALID,
        "Composition knows the directives of GraphQL and federation; a subgraph may write their definitions out, but only as they are specified: no other arguments, no other places. Delete the definition.",
        "directive @key(field: String!) on OBJECT   # the argument is called `fields`",
    ),
    (
        Code::TYPE_DEFINITION_INVALID,
        "Some names, like FieldSet or _Any, belong to federation. A subgraph may define them only as what they are. Rename your own type.",
        "type _Any { id: ID }   # must be `scalar _Any`",
    ),
    (
        Code::UNKNOWN_FEDERATION_LINK_VERSION,
        "The version in the @link decides which directives exist. A version that was never published can't be composed. Use one from v2.0 to the newest that the message names.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\")   # v2.9, for example",
    ),
    (
        Code::UNKNOWN_LINK_VERSION,
        "There is one version of the link specification itself: v1.0.",
        "extend schema @link(url: \"https://specs.apollo.dev/link/v9.9\")",
    ),
    (
        Code::INVALID_SUBGRAPH_NAME,
        "Subgraphs are told apart by name, in plans, in errors and in the supergraph. Two can't share one, and \"_\" is reserved.",
        "# subgraphs: { users: …, users: … }",
    ),
    (
        Code::SUBGRAPH_TOO_LARGE,
        "A schema of this size is nearly always the wrong file. The limit keeps a mistake from eating all memory.",
        "# an 80 MB dump given as SDL",
    ),
    (
        Code::NESTING_TOO_DEEP,
        "Lists, objects and selections that nest beyond the limit can't be told from an attack on the parser.",
        "type Query { a: [[[[[[Int]]]]]] }   # and on, for hundreds of brackets",
    ),
    (
        Code::KEY_FIELDS_HAS_ARGS,
        "A key identifies an entity. With arguments a field has many values, so that it can't be part of an identity. Choose other fields.",
        "type User @key(fields: \"name\") { name(short: Boolean): String }",
    ),
    (
        Code::PROVIDES_FIELDS_HAS_ARGS,
        "What @provides promises must be one value, whatever arguments a query passes. Fields with arguments can't be promised.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name(short: Boolean): String @external }",
    ),
    (
        Code::PROVIDES_FIELDS_MISSING_EXTERNAL,
        "@provides says: on this path, this subgraph can also give a field that otherwise belongs to another one. A field that is not @external is this subgraph's own everywhere, so that there is nothing to promise. Mark it @external, or drop @provides.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name: String }   # name: String @external",
    ),
    (
        Code::REQUIRES_FIELDS_MISSING_EXTERNAL,
        "@requires asks the router to fetch fields from other subgraphs first. A field that is not @external is resolved right here: just use it in the resolver.",
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
        "An @external field is a mere mention: another subgraph resolves it. It is worth mentioning only if a key, @requires, @provides or an interface of this subgraph needs it. Otherwise delete the line, or delete @external if this subgraph does resolve the field.",
        "type User @key(fields: \"id\") { id: ID! name: String @external }   # nobody uses name",
    ),
    (
        Code::EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@external says that this subgraph does not resolve the field, @provides says what it gives when it does. Keep one.",
        "type T @key(fields: \"id\") { id: ID! u: U @external @provides(fields: \"n\") }",
    ),
    (
        Code::TYPE_WITH_ONLY_UNUSED_EXTERNAL,
        "In Federation 1 external fields that nothing uses are taken away. Here nothing was left of the type, but something still refers to it. Give it a key or a field of its own.",
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
        "The key must select fields that the type has in this subgraph, objects with a selection in braces, scalars without, no aliases.",
        "type User @key(fields: \"uid\") { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::PROVIDES_INVALID_FIELDS,
        "The set must select fields that the returned type has in this subgraph. Declare the field there and mark it @external.",
        "type Query { me: User @provides(fields: \"nam\") }\ntype User @key(fields: \"id\") { id: ID! name: String @external }",
    ),
    (
        Code::REQUIRES_INVALID_FIELDS,
        "The set must select fields that the type has in this subgraph (declare them and mark them @external), and may pass only arguments that all subgraphs with the field have.",
        "type T @key(fields: \"id\") { id: ID! s: Int @requires(fields: \"weigth\") weight: Int @external }",
    ),
    (
        Code::KEY_FIELDS_SELECT_INVALID_TYPE,
        "The value of a key is sent from subgraph to subgraph, and an interface or union has no one shape to send. Select fields of objects and scalars.",
        "union Owner = User | Team\ntype Repo @key(fields: \"owner { __typename }\") { owner: Owner }",
    ),
    (
        Code::KEY_DIRECTIVE_IN_FIELDS_ARG,
        "A field set selects fields, and nothing but fields.",
        "type T @key(fields: \"id @skip(if: true)\") { id: ID! }",
    ),
    (
        Code::PROVIDES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set selects fields, and nothing but fields.",
        "type Query { t: T @provides(fields: \"n @skip(if: true)\") }",
    ),
    (
        Code::REQUIRES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set selects fields, and nothing but fields.",
        "type T @key(fields: \"id\") { id: ID! w: Int @external s: Int @requires(fields: \"w @skip(if: true)\") }",
    ),
    (
        Code::ROOT_QUERY_USED,
        "Subgraphs may call their root types as they like; merged, the root is Query. So no other type can have that name. Rename it.",
        "schema { query: MyQuery }\ntype MyQuery { a: Int }\ntype Query { b: Int }",
    ),
    (
        Code::ROOT_MUTATION_USED,
        "Merged, the mutation root is called Mutation, so no other type can have that name. Rename it, or name it in the schema definition.",
        "schema { query: Query mutation: MyMutation }\ntype Mutation { b: Int }",
    ),
    (
        Code::ROOT_SUBSCRIPTION_USED,
        "Merged, the subscription root is called Subscription, so no other type can have that name. Rename it, or name it in the schema definition.",
        "schema { query: Query }\ntype Subscription { b: Int }",
    ),
    (
        Code::NO_QUERIES,
        "A GraphQL schema starts at its Query type. At least one subgraph must define it, with at least one field.",
        "type User @key(fields: \"id\") { id: ID! }   # and no type Query anywhere",
    ),
    (
        Code::INTERFACE_FIELD_NO_IMPLEM,
        "Merged, an interface has all fields that any subgraph gives it, and whoever implements it must have them all. Add the field to the implementing type where it can be resolved, or take it off the interface.",
        "# subgraph a\ninterface Media { id: ID! title: String }\n# subgraph b\ninterface Media { id: ID! }\ntype Book implements Media { id: ID! }   # Book.title is missing",
    ),
    (
        Code::TYPE_KIND_MISMATCH,
        "A name means one thing in the supergraph: an object in one subgraph and an enum in another can't be merged. Rename one of them.",
        "# subgraph a\ntype Status { code: Int }\n# subgraph b\nenum Status { ON OFF }",
    ),
    (
        Code::CONTEXT_NOT_SET,
        "@fromContext takes a value from an object further up in the query, which must be marked with @context of that name. A contextual argument can have no default and can't be part of an interface.",
        "type T @key(fields: \"id\") { id: ID! f(a: String @fromContext(field: \"$user { name }\")): Int }\n# type User @context(name: \"user\") is missing",
    ),
    (
        Code::CONTEXT_INVALID_SELECTION,
        "The argument gets one value, so that the selection must end in exactly one leaf of the argument's type, for every type that sets the context.",
        "f(a: String @fromContext(field: \"$user { name email }\")): Int   # one of the two",
    ),
    (
        Code::NO_CONTEXT_IN_SELECTION,
        "The text starts with a dollar sign and the context's name, then comes the selection.",
        "f(a: String @fromContext(field: \"{ name }\")): Int   # \"$user { name }\"",
    ),
    (
        Code::CONTEXT_NO_RESOLVABLE_KEY,
        "The router fetches the contextual value first and then comes back to the object through its key. So the type needs a @key that can be resolved.",
        "type T { f(a: String @fromContext(field: \"$user { name }\")): Int }   # type T @key(fields: \"id\")",
    ),
    (
        Code::CONTEXT_NAME_INVALID,
        "Context names are joined with subgraph names by underscores, so they can't contain any: letters and digits only.",
        "type User @context(name: \"my_user\") @key(fields: \"id\") { id: ID! }   # \"myUser\"",
    ),
    (
        Code::EXTERNAL_TYPE_MISMATCH,
        "An @external field is a copy of another subgraph's field, and copies must agree.",
        "# subgraph a\ntype T @key(fields: \"id\") { id: ID! weight: Int }\n# subgraph b\ntype T @key(fields: \"id\") { id: ID! weight: String @external s: Int @requires(fields: \"weight\") }",
    ),
    (
        Code::EXTERNAL_ARGUMENT_MISSING,
        "An @external field is a copy of another subgraph's field, with its arguments.",
        "# subgraph a\ntype T @key(fields: \"id\") { id: ID! size(unit: String): Int }\n# subgraph b\ntype T @key(fields: \"id\") { id: ID! size: Int @external s: Int @requires(fields: \"size\") }",
    ),
    (
        Code::EXTERNAL_ARGUMENT_TYPE_MISMATCH,
        "An @external field is a copy of another subgraph's field, with the same argument types.",
        "# a: size(unit: String): Int     b: size(unit: Int): Int @external",
    ),
    (
        Code::EXTERNAL_ARGUMENT_DEFAULT_MISMATCH,
        "An @external field is a copy of another subgraph's field, with the same argument defaults.",
        "# a: size(unit: String = \"cm\"): Int     b: size(unit: String = \"m\"): Int @external",
    ),
    (
        Code::EXTERNAL_ON_INTERFACE,
        "An interface's field is resolved by nobody, so that it can't be external. Mark the fields of the implementing types.",
        "interface Node { id: ID! name: String @external }",
    ),
    (
        Code::MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL,
        "@tag, @inaccessible and their like describe the field in the supergraph, and are taken from the subgraphs that resolve it. On an external copy they would be lost. Put them where the field is resolved.",
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
        "By default a field belongs to one subgraph, so that two teams do not define it in two ways by accident. If all of them really return the same, mark it @shareable in each. If one takes it over from another, use @override. If one only needs it, use @external.",
        "# subgraph a\ntype Product @key(fields: \"id\") { id: ID! name: String @shareable }\n# subgraph b\ntype Product @key(fields: \"id\") { id: ID! name: String }   # @shareable here too",
    ),
    (
        Code::INVALID_SHAREABLE_USAGE,
        "Interfaces have no resolvers to share, and saying it twice adds nothing.",
        "interface I { a: Int @shareable }",
    ),
    (
        Code::INVALID_LINK_DIRECTIVE_USAGE,
        "@link names a specification and what to import from it. The import must exist in the linked version (newer directives need a newer version), directive names start with @, each specification is linked once, and two imports can't give one name.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.0\", import: [\"@key\", \"@interfaceObject\"])   # needs v2.3",
    ),
    (
        Code::INVALID_LINK_IDENTIFIER,
        "The URL of a specification ends with its name and version.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2\")   # …/federation/v2.9",
    ),
    (
        Code::LINK_IMPORT_NAME_MISMATCH,
        "A directive that goes to the supergraph needs one name there, so that all subgraphs must import it under the same one.",
        "# a: import: [\"@tag\"]     b: import: [{ name: \"@tag\", as: \"@label\" }]",
    ),
    (
        Code::REFERENCED_INACCESSIBLE,
        "A type that is hidden from clients can't be the type of something that they see. Hide the field or argument too, or show the type.",
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
        "Clients could not give what they must give. Make the argument or field optional, give it a default, or show it.",
        "type Query { f(a: Int! @inaccessible): Int }",
    ),
    (
        Code::DISALLOWED_INACCESSIBLE,
        "Definitions of directives are not shown to clients in the first place, so that there is nothing to hide.",
        "directive @mine(x: Int @inaccessible) on FIELD_DEFINITION",
    ),
    (
        Code::IMPLEMENTED_BY_INACCESSIBLE,
        "Clients see the interface's field and may expect it on every implementation. Hide it on the interface too.",
        "interface I { a: Int }\ntype T implements I { a: Int @inaccessible b: Int }",
    ),
    (
        Code::ONLY_INACCESSIBLE_CHILDREN,
        "A type can't be empty for clients. Hide the type itself, or show something of it.",
        "type T { a: Int @inaccessible }",
    ),
    (
        Code::REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH,
        "Only arguments that all subgraphs with the field understand stay in the supergraph, but this one must be given. Add it everywhere, or make it optional.",
        "# a: find(id: ID!): T @shareable     b: find: T @shareable",
    ),
    (
        Code::REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH,
        "Only input fields that all subgraphs understand stay in the supergraph, but this one must be given. Add it everywhere, or make it optional.",
        "# a: input I { a: Int b: Int! }     b: input I { a: Int }",
    ),
    (
        Code::EMPTY_MERGED_INPUT_TYPE,
        "Only input fields that all subgraphs understand stay in the supergraph. Here that leaves none.",
        "# a: input I { a: Int }     b: input I { b: Int }",
    ),
    (
        Code::ENUM_VALUE_MISMATCH,
        "Clients both send and receive this enum, so that every subgraph must know every value. Add the missing ones, or mark them @inaccessible while you roll them out.",
        "# a: enum E { A B }     b: enum E { A }     (used by an argument and by a field)",
    ),
    (
        Code::EMPTY_MERGED_ENUM_TYPE,
        "Of an enum that clients only send, the values that all subgraphs understand stay. Here that leaves none.",
        "# a: enum E { A }     b: enum E { B }     (used by an argument only)",
    ),
    (
        Code::SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
        "Subgraphs that share a field must return the same thing. If they have no possible type in common, they can't.",
        "# a: union U = X   type Query { u: U @shareable }     b: union U = Y   type Query { u: U @shareable }",
    ),
    (
        Code::SATISFIABILITY_ERROR,
        "Each subgraph is fine by itself, but for the query shown the router finds no way: it stands in a subgraph that does not have the field, and it can't move to the one that has it. To move, the target needs a @key on the type whose fields can be had where the query stands. Add that key, or resolve the field where the query is.",
        "# subgraph a\ntype Query { user: User }\ntype User @shareable { id: ID! }\n# subgraph b\ntype User @shareable { id: ID! name: String }   # add @key(fields: \"id\") here",
    ),
    (
        Code::OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@override takes a field over. That makes no sense for a field that is @external here, and is not possible while the old field uses @requires or @provides or belongs to an interface object.",
        "type T @key(fields: \"id\") { id: ID! n: Int @external @override(from: \"b\") }",
    ),
    (
        Code::OVERRIDE_FROM_SELF_ERROR,
        "A subgraph can't take a field over from itself. Name the subgraph that had it before.",
        "# in subgraph a\ntype T { n: Int @override(from: \"a\") }",
    ),
    (
        Code::OVERRIDE_SOURCE_HAS_OVERRIDE,
        "Two subgraphs take the field over from each other or in a row, so that nobody knows who has it. Keep one @override.",
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
        "@composeDirective keeps a directive of your own in the supergraph. For that it must be defined, be imported by a @link to a specification of your own, start with @, and mean the same in all subgraphs that compose it.",
        "extend schema @composeDirective(name: \"@mine\")   # @link(url: \"https://example.com/mine/v1.0\", import: [\"@mine\"]) is missing",
    ),
    (
        Code::INTERFACE_OBJECT_USAGE_ERROR,
        "@interfaceObject lets a subgraph add fields to all implementations of an interface without knowing them. So it needs the interface's key, the real interface in another subgraph, and none of the implementations here.",
        "type Media @interfaceObject { id: ID! rating: Int }   # @key(fields: \"id\") is missing",
    ),
    (
        Code::INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
        "Whoever enters a subgraph by an interface's key gets one of its implementations, so that each must have that key.",
        "interface Media @key(fields: \"id\") { id: ID! }\ntype Book implements Media { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE,
        "A subgraph that can be entered by an interface's key may be asked for any implementation, so that it must define all of them. Define the missing ones, or make the key `resolvable: false`.",
        "# a: interface Media @key(fields: \"id\"), Book     b: type Film implements Media",
    ),
    (
        Code::CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "Clients do not see an argument that the router fills in. Where it is an ordinary argument, nobody would give it: it must be optional there.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String!): Int @shareable",
    ),
    (
        Code::COST_APPLIED_TO_INTERFACE_FIELD,
        "The cost depends on who resolves the field. Put @cost on the implementing types.",
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
        "Other composers enumerate paths and give up at some number. This one does not, so that the code stands here for completeness only.",
        "# never raised by this composer",
    ),
    (
        Code::AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE,
        "Who may read through an interface follows from the implementations, and is computed from them. Put the directive on the implementing types and fields.",
        "interface I @authenticated { a: Int }",
    ),
    (
        Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS,
        "Through @requires or a context a field's value depends on protected data. Without the same demand, somebody without rights could read it in disguise. Put the same directives on the field.",
        "type T @key(fields: \"id\") { id: ID! salary: Int @external bonus: Int @requires(fields: \"salary\") }   # if salary is @authenticated, bonus must be",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT,
        "A cache tag is text with variables in braces.",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.id\") }   # a brace is not closed",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD,
        "On a root field, a cache tag can use the field's arguments: nothing else is known when the answer is stored.",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.uid}\") }",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ENTITY,
        "On an entity, a cache tag can use fields that are in every key, since any of the keys may be used to ask for it.",
        "type User @key(fields: \"id\") @key(fields: \"email\") @cacheTag(format: \"user-{$key.id}\") { id: ID! email: String! }",
    ),
    (
        Code::CACHE_TAG_APPLIED_TO_NON_ROOT_FIELD,
        "Answers are cached for root fields and for entities. Put the tag on one of these.",
        "type User @key(fields: \"id\") { id: ID! name: String @cacheTag(format: \"name\") }",
    ),
    (
        Code::CACHE_TAG_ENTITY_NOT_RESOLVABLE,
        "Only what can be fetched by a key can be cached by it.",
        "type Money @cacheTag(format: \"money\") { amount: Int }",
    ),
    (
        Code::INVALID_TAG_NAME,
        "Tags are named in contracts and configuration: a letter or underscore, then letters, digits, underscores, hyphens and slashes, 128 characters at most.",
        "type T @tag(name: \"my tag\") { a: Int }   # \"my-tag\"",
    ),
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE,
        "The supergraph uses the most general of the types, which may surprise clients of one subgraph. Using the same type everywhere says what is meant.",
        "# a: size: Int! @shareable     b: size: Int @shareable     → Int",
    ),
    (
        Code::INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE,
        "The supergraph uses the strictest of the types, since all subgraphs must be able to take the value.",
        "# a: find(id: ID!): T     b: find(id: ID): T     → ID!",
    ),
    (
        Code::INCONSISTENT_ENTITY,
        "In the subgraphs without the key the type can be returned, but not entered. That may be meant.",
        "# a: type User @key(fields: \"id\") { id: ID! }     b: type User { id: ID! @shareable }",
    ),
    (
        Code::OVERRIDDEN_FIELD_CAN_BE_REMOVED,
        "The overriding subgraph has the field now. Once it is live, the old resolver is dead code.",
        "# a: n: Int @override(from: \"b\")     b: n: Int   ← can go",
    ),
    (
        Code::OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
        "The other subgraph no longer has the field. The migration is over.",
        "# a: n: Int @override(from: \"b\")   ← the directive can go",
    ),
    (
        Code::OVERRIDE_MIGRATION_IN_PROGRESS,
        "Both subgraphs resolve the field, and the label decides. Remove the label and then the old field when done.",
        "n: Int @override(from: \"b\", label: \"percent(10)\")",
    ),
    (
        Code::MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
        "The directive's specification says how differing arguments are merged, for example the highest cost, or all scopes together.",
        "# a: @cost(weight: 5)     b: @cost(weight: 10)     → 10",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_INFO,
        "A feature that is linked but not composed stays inside each subgraph, so that versions may differ. It is only worth knowing. It is also raised for asking to compose what is composed anyway.",
        "# a: @link(url: \"https://example.com/mine/v1.0\")     b: @link(url: \"https://example.com/mine/v2.0\")",
    ),
    (
        Code::IMPLICITLY_UPGRADED_FEDERATION_VERSION,
        "The subgraph links a feature that came with a newer version of Federation than it links. The supergraph uses the newer one.",
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\") @link(url: \"https://specs.apollo.dev/cost/v0.1\")",
    ),
    (
        Code::HINT_CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS,
        "The router fills the argument in for one subgraph, so that clients no longer see it. Other subgraphs get it no more.",
        "# a: f(a: String @fromContext(field: \"$c { p }\")): Int @shareable     b: f(a: String): Int @shareable",
    ),
    (
        Code::INCONSISTENT_DEFAULT_VALUE_PRESENCE,
        "A default that only some subgraphs know would not reach the others.",
        "# a: list(first: Int = 10): [T]     b: list(first: Int): [T]     → no default",
    ),
    (
        Code::INCONSISTENT_INPUT_OBJECT_FIELD,
        "A subgraph that does not know the field would refuse the whole input, so that clients can't be offered it.",
        "# a: input I { a: Int b: Int }     b: input I { a: Int }     → input I { a: Int }",
    ),
    (
        Code::INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM,
        "A subgraph that does not know the value would refuse it, so that clients can't be offered it.",
        "# a: enum E { A B }     b: enum E { A }     → enum E { A }",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE,
        "A directive in a query may be sent to any subgraph, so that all must know it.",
        "# a: directive @live on QUERY     b: nothing",
    ),
    (
        Code::NO_EXECUTABLE_DIRECTIVE_INTERSECTION,
        "The subgraphs allow the directive in different places, so that none is left where all understand it.",
        "# a: directive @live on QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
        "Where one subgraph takes the directive only once, the supergraph can't offer more.",
        "# a: directive @live repeatable on FIELD     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
        "Only the places that all subgraphs allow stay.",
        "# a: directive @live on FIELD | QUERY     b: directive @live on FIELD",
    ),
    (
        Code::INCONSISTENT_DESCRIPTION,
        "The text that most subgraphs have is used, and of equals the first by subgraph name.",
        "# a: \"A person.\" type User …     b: \"A customer.\" type User …",
    ),
    (
        Code::INCONSISTENT_ARGUMENT_PRESENCE,
        "A subgraph that does not know the argument would refuse the query, so that clients can't be offered it.",
        "# a: list(first: Int): [T] @shareable     b: list: [T] @shareable",
    ),
    (
        Code::FROM_SUBGRAPH_DOES_NOT_EXIST,
        "Nothing is overridden. Either the name is misspelt, or the subgraph is gone and @override can go too.",
        "n: Int @override(from: \"prodcuts\")   # products",
    ),
    (
        Code::INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
        "The directive can be there only once, so that one of the versions wins: the most frequent, or of equals the first by subgraph name.",
        "# a: @deprecated(reason: \"x\")     b: @deprecated(reason: \"y\")",
    ),
    (
        Code::DIRECTIVE_COMPOSITION_WARN,
        "The directive is composed under one name. Where it has another, it is not recognized as the same.",
        "# a: import: [\"@mine\"], composed     b: import: [{ name: \"@mine\", as: \"@ours\" }]",
    ),
    (
        Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
        "Subgraphs that share a field must return the same thing, but some types are known only to some. Those must never be returned from there.",
        "# a: union U = X | Y   u: U @shareable     b: union U = X   u: U @shareable",
    ),
    (
        Code::INCONSISTENT_OBJECT_VALUE_TYPE_FIELD,
        "A type without a key can't be completed from other subgraphs, so that a field that only some have is easily out of reach.",
        "# a: type Money @shareable { amount: Int currency: String }     b: type Money @shareable { amount: Int }",
    ),
    (
        Code::INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD,
        "All implementations must have the field anyway; the interfaces just do not say so in the same way.",
        "# a: interface I { a: Int b: Int }     b: interface I { a: Int }",
    ),
    (
        Code::INCONSISTENT_UNION_MEMBER,
        "The supergraph's union has all members.",
        "# a: union U = X | Y     b: union U = X",
    ),
    (
        Code::INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM,
        "Clients only receive this enum, so that all values stay.",
        "# a: enum E { A B }     b: enum E { A }     (used by fields only)",
    ),
    (Code::UNUSED_ENUM_TYPE, "No field or argument has this enum's type.", "enum E { A B }   # and nothing uses E"),
];
