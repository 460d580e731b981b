//! Errors of the merged schema: what it lacks or hides, and which queries it can't answer.

use super::entry::Entry;
use crate::codes::Code;

pub(super) const TEXTS: &[Entry] = &[
    (
        Code::INTERFACE_FIELD_NO_IMPLEM,
        "In the supergraph an interface has the fields that all subgraphs together give it, and every type that implements it must have them. Add the field to that type in a subgraph that can resolve it, or remove it from the interface.",
        "# subgraph a\ninterface Media { id: ID! title: String }\n# subgraph b\ninterface Media { id: ID! }\ntype Book implements Media { id: ID! }   # Book.title is missing",
    ),
    (
        Code::REFERENCED_INACCESSIBLE,
        "A type that is hidden from clients can't be the type of something that they see. Mark the field or argument @inaccessible too, or remove it from the type.",
        "type Secret @inaccessible { x: Int }\ntype Query { secret: Secret }   # secret: Secret @inaccessible",
    ),
    (
        Code::DEFAULT_VALUE_USES_INACCESSIBLE,
        "A default is part of the schema that clients see, so it can't refer to something hidden.",
        "enum E { A B @inaccessible }\ntype Query { f(e: E = B): Int }",
    ),
    (
        Code::QUERY_ROOT_TYPE_INACCESSIBLE,
        "Without a Query type there is no schema for clients. Hide individual fields instead.",
        "type Query @inaccessible { a: Int }",
    ),
    (
        Code::REQUIRED_INACCESSIBLE,
        "Clients would have to set something that they don't see. Make the argument or field optional, give it a default, or remove @inaccessible.",
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
        "GraphQL does not allow empty types, so a type can't be visible while everything in it is hidden. Mark the type @inaccessible, or leave something of it visible.",
        "type T { a: Int @inaccessible }",
    ),
    (
        Code::SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
        "Subgraphs that share a field must be able to return the same object, since the router may ask any of them. Here they have no possible type in common.",
        "# a: union U = X   type Query { u: U @shareable }     b: union U = Y   type Query { u: U @shareable }",
    ),
    (
        Code::SATISFIABILITY_ERROR,
        "Each subgraph is valid on its own, but the router can't answer the query in the message. Usually the object comes from a subgraph that does not have the field, and the subgraph that has it can't be asked for this object. For that, the type needs a @key there whose fields the first subgraph has too. Add that key, or resolve the field in the first subgraph too. If the field takes an argument from a context, every way to it must lead through a type that sets the context.",
        "# subgraph a\ntype Query { user: User }\ntype User @shareable { id: ID! }\n# subgraph b\ntype User @shareable { id: ID! name: String }   # add @key(fields: \"id\") here",
    ),
    (
        Code::MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED,
        "The work of checking that every query can be answered grows with the size of the schemas, not with the number of paths. Where thousands of keys, @requires and @provides depend on each other it can still become too much. The check then stops after a fixed amount of work, a few seconds.",
        "# many keys, @requires and @provides that depend on each other: use fewer and shorter ones",
    ),
    (
        Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS,
        "The field is computed from protected fields (@requires or @fromContext). If it is less protected itself, clients could learn through it what they may not read. Put the same directives on the field.",
        "type T @key(fields: \"id\") { id: ID! salary: Int @external bonus: Int @requires(fields: \"salary\") }   # if salary is @authenticated, bonus must be",
    ),
];
