//! Errors of one subgraph by itself: its GraphQL, its links, its field sets, and how it uses federation's directives.

use super::entry::Entry;
use crate::codes::Code;

pub(super) const TEXTS: &[Entry] = &[
    (
        Code::INVALID_GRAPHQL,
        "Each subgraph's schema must be valid GraphQL by itself before federation's rules apply: every type that is named exists, implementations have the fields of their interfaces, directives are known and take the arguments that they are given. A directive of federation is known only if the schema links federation and imports it.",
        "type Query { user: Usr }   # no type Usr: did you mean User?\ntype User { id: ID! }",
    ),
    (
        Code::DIRECTIVE_DEFINITION_INVALID,
        "The directives of GraphQL and federation are known without a definition. A subgraph may still define them, but only as specified: with the same arguments and at the same locations. Delete the definition.",
        "directive @key(field: String!) on OBJECT   # the argument is called `fields`",
    ),
    (
        Code::TYPE_DEFINITION_INVALID,
        "Some names, such as FieldSet and _Any, belong to federation. A subgraph may define them only as federation does. Rename your own type.",
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
        "Plans, errors and the supergraph identify subgraphs by name. Two can't have the same name, and \"_\" is reserved.",
        "# subgraphs: { users: …, users: … }",
    ),
    (
        Code::SUBGRAPH_TOO_LARGE,
        "A schema of this size is nearly always the wrong file. The limit keeps such a mistake from using up all memory.",
        "# an 80 MB dump given as SDL",
    ),
    (
        Code::NESTING_TOO_DEEP,
        "No real schema nests lists, objects or selections this deep, but an attack on the parser would. Write it with fewer levels.",
        "type Query { a: [[[[[[Int]]]]]] }   # and so on, for hundreds of brackets",
    ),
    (
        Code::KEY_FIELDS_HAS_ARGS,
        "A key identifies an object. The value of a field with arguments depends on them, so it can't identify an object. Choose fields without arguments.",
        "type User @key(fields: \"name\") { name(short: Boolean): String }",
    ),
    (
        Code::PROVIDES_FIELDS_HAS_ARGS,
        "@provides promises that the subgraph can return a field here. The value of a field with arguments depends on them, so the subgraph can't promise it. Select fields without arguments.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name(short: Boolean): String @external }",
    ),
    (
        Code::PROVIDES_FIELDS_MISSING_EXTERNAL,
        "With @provides a subgraph says that it can return, here only, a field that another subgraph resolves otherwise. A field that is not @external is resolved by this subgraph everywhere, so @provides adds nothing. Mark the field @external, or remove @provides.",
        "type Query { me: User @provides(fields: \"name\") }\ntype User @key(fields: \"id\") { id: ID! name: String }   # name: String @external",
    ),
    (
        Code::REQUIRES_FIELDS_MISSING_EXTERNAL,
        "With @requires a field asks the router to fetch fields of other subgraphs first. A field that is not @external is resolved by this subgraph, whose resolver can simply use it. Mark it @external if only another subgraph resolves it, or remove it from @requires.",
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
        "An @external field is only declared here: another subgraph resolves it. It needs to be declared only if a @key, @requires, @provides or an interface of this subgraph mentions it. Remove the field, or @external if this subgraph does resolve it.",
        "type User @key(fields: \"id\") { id: ID! name: String @external }   # nothing uses name",
    ),
    (
        Code::EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE,
        "@external says that this subgraph does not resolve the field, and @provides says what comes with it when it does. Keep one of the two.",
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
        "A key names fields that the type has in this subgraph: scalars by their name alone, objects with the relevant fields in braces, and without aliases.",
        "type User @key(fields: \"uid\") { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::PROVIDES_INVALID_FIELDS,
        "@provides names fields that the returned type has in this subgraph. Declare the field there, and mark it @external.",
        "type Query { me: User @provides(fields: \"nam\") }\ntype User @key(fields: \"id\") { id: ID! name: String @external }",
    ),
    (
        Code::REQUIRES_INVALID_FIELDS,
        "@requires names fields that the type has in this subgraph: declare them, and mark them @external. It may pass only arguments that all subgraphs with the field have.",
        "type T @key(fields: \"id\") { id: ID! s: Int @requires(fields: \"weigth\") weight: Int @external }",
    ),
    (
        Code::KEY_FIELDS_SELECT_INVALID_TYPE,
        "The router passes the value of a key from one subgraph to another. An interface or union has no fixed set of fields to pass. Select fields that return objects and scalars.",
        "union Owner = User | Team\ntype Repo @key(fields: \"owner { __typename }\") { owner: Owner }",
    ),
    (
        Code::KEY_DIRECTIVE_IN_FIELDS_ARG,
        "A field set can contain fields only. Remove the directive.",
        "type T @key(fields: \"id @skip(if: true)\") { id: ID! }",
    ),
    (
        Code::PROVIDES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set can contain fields only. Remove the directive.",
        "type Query { t: T @provides(fields: \"n @skip(if: true)\") }",
    ),
    (
        Code::REQUIRES_DIRECTIVE_IN_FIELDS_ARG,
        "A field set can contain fields only. Remove the directive.",
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
        Code::CONTEXT_NOT_SET,
        "@fromContext takes a value from an object further up in the query, whose type must have @context with that name. A contextual argument can't have a default and can't be part of an interface.",
        "type T @key(fields: \"id\") { id: ID! f(a: String @fromContext(field: \"$user { name }\")): Int }\n# type User @context(name: \"user\") is missing",
    ),
    (
        Code::CONTEXT_INVALID_SELECTION,
        "An argument has one value, so the text must select exactly one field, of the argument's type, on every type that sets the context.",
        "f(a: String @fromContext(field: \"$user { name email }\")): Int   # one of the two",
    ),
    (
        Code::NO_CONTEXT_IN_SELECTION,
        "The text must start with a dollar sign and the name of the context, followed by the selection.",
        "f(a: String @fromContext(field: \"{ name }\")): Int   # \"$user { name }\"",
    ),
    (
        Code::CONTEXT_NO_RESOLVABLE_KEY,
        "The router fetches the contextual value first and then comes back to the object through its key. So the type needs a @key that can be resolved.",
        "type T { f(a: String @fromContext(field: \"$user { name }\")): Int }   # type T @key(fields: \"id\")",
    ),
    (
        Code::CONTEXT_NAME_INVALID,
        "In the supergraph a context's name is the subgraph's name and its own, joined by underscores, so its own name can't contain any: use letters and digits.",
        "type User @context(name: \"my_user\") @key(fields: \"id\") { id: ID! }   # \"myUser\"",
    ),
    (
        Code::EXTERNAL_ON_INTERFACE,
        "The fields of an interface are resolved by the implementing types, so @external has no meaning there. Mark the fields of those types.",
        "interface Node { id: ID! name: String @external }",
    ),
    (
        Code::INVALID_SHAREABLE_USAGE,
        "@shareable says that several subgraphs may resolve a field, and an interface's field is resolved by the implementing types. Repeating it on one element adds nothing.",
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
        Code::INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
        "When the router asks for an object by an interface's key, it gets one of the implementations. So each of them must have that key.",
        "interface Media @key(fields: \"id\") { id: ID! }\ntype Book implements Media { id: ID! }   # @key(fields: \"id\")",
    ),
    (
        Code::COST_APPLIED_TO_INTERFACE_FIELD,
        "The cost of an interface's field comes from the implementing types. Put @cost there.",
        "interface I { a: Int @cost(weight: 5) }",
    ),
    (
        Code::LIST_SIZE_APPLIED_TO_NON_LIST,
        "@listSize says how long a list will be. The field, or each of sizedFields, must be a list.",
        "type Query { a: Int @listSize(assumedSize: 10) }",
    ),
    (
        Code::LIST_SIZE_INVALID_ASSUMED_SIZE,
        "A list can't have fewer than 0 items.",
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
        Code::AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE,
        "What a client needs to read through an interface is computed from what its implementations require. Put the directive on the implementing types and fields.",
        "interface I @authenticated { a: Int }",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT,
        "A cache tag is text with variables in braces, such as \"user-{$key.id}\".",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.id\") }   # a brace is not closed",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD,
        "On a root field a cache tag can use the field's arguments. Nothing else is known when the response is cached.",
        "type Query { user(id: ID!): User @cacheTag(format: \"user-{$args.uid}\") }",
    ),
    (
        Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ENTITY,
        "On a type with keys a cache tag can use the fields that every key has, since the router may use any key.",
        "type User @key(fields: \"id\") @key(fields: \"email\") @cacheTag(format: \"user-{$key.id}\") { id: ID! email: String! }",
    ),
    (
        Code::CACHE_TAG_APPLIED_TO_NON_ROOT_FIELD,
        "Responses are cached for root fields and for types with a @key. Put the tag on one of these.",
        "type User @key(fields: \"id\") { id: ID! name: String @cacheTag(format: \"name\") }",
    ),
    (
        Code::CACHE_TAG_ENTITY_NOT_RESOLVABLE,
        "Objects of a type are cached by their key. Give it a @key, or remove the tag.",
        "type Money @cacheTag(format: \"money\") { amount: Int }",
    ),
    (
        Code::INVALID_TAG_NAME,
        "Tags are named in contracts and configuration: a letter or underscore, then letters, digits, underscores, hyphens and slashes, 128 characters at most.",
        "type T @tag(name: \"my tag\") { a: Int }   # \"my-tag\"",
    ),
];
