//! Every error and hint code that composition can raise, by name and level. The long explanations are in `explain`.

use std::fmt;

use serde::Serialize;

use crate::diagnostic::Level;

/// A stable code, as the field's tools print it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    name: &'static str,
    level: Level,
}

impl Code {
    /// The code as text.
    pub fn as_str(self) -> &'static str {
        self.name
    }

    /// The level of diagnostics with this code.
    pub fn level(self) -> Level {
        self.level
    }

    /// Looks a code up by its text.
    pub fn find(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name.eq_ignore_ascii_case(name))
    }
}

macro_rules! codes {
    ($($level:ident: $($name:ident $means:literal)+;)+) => {
        #[expect(missing_docs, reason = "each code's meaning is its text in `explain`")]
        impl Code {
            $($(pub const $name: Code = Code { name: stringify!($name), level: Level::$level };)+)+
            /// All codes: errors first, then hints.
            pub const ALL: &'static [Code] = &[$($(Code::$name,)+)+];
        }

        /// What a code means, in one line.
        pub fn summary(code: Code) -> &'static str {
            match code.name {
                $($(stringify!($name) => $means,)+)+
                _ => "",
            }
        }
    };
}

codes! {
    Error:
    INVALID_GRAPHQL "The SDL breaks a rule of GraphQL itself."
    DIRECTIVE_DEFINITION_INVALID "The schema defines a directive of GraphQL or federation differently from its specification."
    TYPE_DEFINITION_INVALID "The schema defines a type of federation differently from its specification."
    UNKNOWN_FEDERATION_LINK_VERSION "The linked version of Federation is not known."
    UNKNOWN_LINK_VERSION "The linked version of the link specification is not known."
    INVALID_SUBGRAPH_NAME "A subgraph's name can't be used."
    SUBGRAPH_TOO_LARGE "A subgraph's SDL is larger than the limit."
    NESTING_TOO_DEEP "A subgraph's SDL nests deeper than the limit."
    KEY_FIELDS_HAS_ARGS "@key selects a field that takes arguments."
    PROVIDES_FIELDS_HAS_ARGS "@provides selects a field that takes arguments."
    PROVIDES_FIELDS_MISSING_EXTERNAL "@provides selects a field that is not @external here."
    REQUIRES_FIELDS_MISSING_EXTERNAL "@requires selects a field that is not @external here."
    KEY_UNSUPPORTED_ON_INTERFACE "@key is used on an interface, which needs Federation 2.3."
    PROVIDES_UNSUPPORTED_ON_INTERFACE "@provides is used on a field of an interface."
    REQUIRES_UNSUPPORTED_ON_INTERFACE "@requires is used on a field of an interface."
    EXTERNAL_UNUSED "An @external field is used by nothing in its subgraph."
    EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE "An @external field also has @provides."
    TYPE_WITH_ONLY_UNUSED_EXTERNAL "All fields of a Federation 1 type are unused @external fields."
    PROVIDES_ON_NON_OBJECT_FIELD "@provides is used on a field that returns a scalar or enum."
    KEY_INVALID_FIELDS_TYPE "@key(fields:) is not a string."
    PROVIDES_INVALID_FIELDS_TYPE "@provides(fields:) is not a string."
    REQUIRES_INVALID_FIELDS_TYPE "@requires(fields:) is not a string."
    KEY_INVALID_FIELDS "@key(fields:) is not a valid selection of the type."
    PROVIDES_INVALID_FIELDS "@provides(fields:) is not a valid selection of the returned type."
    REQUIRES_INVALID_FIELDS "@requires(fields:) is not a valid selection of the type."
    KEY_FIELDS_SELECT_INVALID_TYPE "@key selects a field of an interface or union type."
    KEY_DIRECTIVE_IN_FIELDS_ARG "@key(fields:) contains a directive."
    PROVIDES_DIRECTIVE_IN_FIELDS_ARG "@provides(fields:) contains a directive."
    REQUIRES_DIRECTIVE_IN_FIELDS_ARG "@requires(fields:) contains a directive."
    ROOT_QUERY_USED "A type is called Query without being the query root."
    ROOT_MUTATION_USED "A type is called Mutation without being the mutation root."
    ROOT_SUBSCRIPTION_USED "A type is called Subscription without being the subscription root."
    NO_QUERIES "No subgraph offers a query."
    INTERFACE_FIELD_NO_IMPLEM "A type lacks a field that its interface has in another subgraph."
    TYPE_KIND_MISMATCH "Subgraphs define one name as different kinds of type."
    CONTEXT_NOT_SET "@fromContext names a context that is not set, or its argument has a default."
    CONTEXT_INVALID_SELECTION "@fromContext does not select exactly one suitable field."
    NO_CONTEXT_IN_SELECTION "@fromContext names no context."
    CONTEXT_NO_RESOLVABLE_KEY "A type with a contextual argument has no resolvable key."
    CONTEXT_NAME_INVALID "A context's name is not made of letters and digits only."
    EXTERNAL_TYPE_MISMATCH "An @external field's type does not fit the real field's."
    EXTERNAL_ARGUMENT_MISSING "An @external field lacks an argument of the real field."
    EXTERNAL_ARGUMENT_TYPE_MISMATCH "An @external field's argument has another type than the real field's."
    EXTERNAL_ARGUMENT_DEFAULT_MISMATCH "An @external field's argument has another default than the real field's."
    EXTERNAL_ON_INTERFACE "A field of an interface is @external."
    MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL "A composed directive is used on an @external field."
    FIELD_TYPE_MISMATCH "A field's types can't be merged."
    FIELD_ARGUMENT_TYPE_MISMATCH "An argument's types can't be merged."
    INPUT_FIELD_DEFAULT_MISMATCH "An input field has different defaults."
    FIELD_ARGUMENT_DEFAULT_MISMATCH "An argument has different defaults."
    EXTENSION_WITH_NO_BASE "A type is extended but defined nowhere."
    EXTERNAL_MISSING_ON_BASE "A field is @external in every subgraph that has it."
    INVALID_FIELD_SHARING "Several subgraphs resolve a field that is not @shareable in all of them."
    INVALID_SHAREABLE_USAGE "@shareable is used where it has no effect."
    INVALID_LINK_DIRECTIVE_USAGE "A @link application or one of its imports is wrong."
    INVALID_LINK_IDENTIFIER "A @link URL is not of the form host/name/vX.Y."
    LINK_IMPORT_NAME_MISMATCH "A composed directive has different names in different subgraphs."
    REFERENCED_INACCESSIBLE "A visible element refers to an @inaccessible type."
    DEFAULT_VALUE_USES_INACCESSIBLE "A visible default uses an @inaccessible value or field."
    QUERY_ROOT_TYPE_INACCESSIBLE "The query root is @inaccessible."
    REQUIRED_INACCESSIBLE "An @inaccessible element is required by a visible one."
    DISALLOWED_INACCESSIBLE "@inaccessible is used on an element that can't be hidden."
    IMPLEMENTED_BY_INACCESSIBLE "An @inaccessible element implements a visible one of an interface."
    ONLY_INACCESSIBLE_CHILDREN "A visible type has only @inaccessible children."
    REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH "A required argument is not known to every subgraph with the field."
    REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH "A required input field is not known to every subgraph with the input."
    EMPTY_MERGED_INPUT_TYPE "Subgraphs have no field of an input in common."
    ENUM_VALUE_MISMATCH "An enum used in both directions differs between subgraphs."
    EMPTY_MERGED_ENUM_TYPE "Subgraphs have no value of an input enum in common."
    SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES "A shared field returns disjoint sets of types."
    SATISFIABILITY_ERROR "A valid query can't be answered by the subgraphs."
    OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE "@override is used with a directive that it can't be combined with."
    OVERRIDE_FROM_SELF_ERROR "@override(from:) names its own subgraph."
    OVERRIDE_SOURCE_HAS_OVERRIDE "@override(from:) names a subgraph that overrides the field itself."
    OVERRIDE_ON_INTERFACE "@override is used on a field of an interface."
    OVERRIDE_LABEL_INVALID "@override(label:) is malformed."
    DIRECTIVE_COMPOSITION_ERROR "@composeDirective names a directive that can't be composed."
    INTERFACE_OBJECT_USAGE_ERROR "@interfaceObject is used wrongly."
    INTERFACE_KEY_NOT_ON_IMPLEMENTATION "An implementation lacks its interface's key."
    INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE "A subgraph with an interface key lacks an implementation."
    CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS "A contextual argument is a required, ordinary one elsewhere."
    COST_APPLIED_TO_INTERFACE_FIELD "@cost is used on a field of an interface."
    LIST_SIZE_APPLIED_TO_NON_LIST "@listSize is used on something that is not a list."
    LIST_SIZE_INVALID_ASSUMED_SIZE "@listSize(assumedSize:) is negative."
    LIST_SIZE_INVALID_SIZED_FIELD "@listSize(sizedFields:) names no field of the returned type."
    LIST_SIZE_INVALID_SLICING_ARGUMENT "@listSize(slicingArguments:) names no Int argument."
    MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED "Checking that all queries can be answered exceeded its budget."
    AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE "An authorization directive is used on an interface or interface object."
    MISSING_TRANSITIVE_AUTH_REQUIREMENTS "A field reads protected data without requiring the same authorization."
    AUTH_REQUIREMENTS_TOO_COMPLEX "The scopes or policies of an element combine into too many alternatives."
    CACHE_TAG_INVALID_FORMAT "@cacheTag(format:) is malformed."
    CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD "@cacheTag(format:) uses something other than the field's arguments."
    CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ENTITY "@cacheTag(format:) uses something other than fields of every key."
    CACHE_TAG_APPLIED_TO_NON_ROOT_FIELD "@cacheTag is used on a field that is not a root field."
    CACHE_TAG_ENTITY_NOT_RESOLVABLE "@cacheTag is used on a type without a resolvable key."
    INVALID_TAG_NAME "A tag's name is malformed.";
    Info:
    INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE "A field's types differ, but have a common one."
    INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE "An argument's types differ, but have a common one."
    INCONSISTENT_ENTITY "A type has a @key only in some of its subgraphs."
    OVERRIDDEN_FIELD_CAN_BE_REMOVED "An overridden field is no longer used."
    OVERRIDE_DIRECTIVE_CAN_BE_REMOVED "An @override is no longer needed."
    OVERRIDE_MIGRATION_IN_PROGRESS "A field is being moved by a labelled @override."
    MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS "A directive's differing arguments were merged."
    DIRECTIVE_COMPOSITION_INFO "Subgraphs link different major versions of a feature that is not composed."
    IMPLICITLY_UPGRADED_FEDERATION_VERSION "A linked feature implies a newer version of Federation."
    HINT_CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS "An argument is not in the API, since it is contextual in a subgraph.";
    Warn:
    INCONSISTENT_DEFAULT_VALUE_PRESENCE "Only some subgraphs give a default: none is used."
    INCONSISTENT_INPUT_OBJECT_FIELD "An optional input field is not known everywhere: it is dropped."
    INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM "A value of an input enum is not known everywhere: it is dropped."
    INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE "An executable directive is not known everywhere: it is dropped."
    NO_EXECUTABLE_DIRECTIVE_INTERSECTION "An executable directive has no common location: it is dropped."
    INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE "An executable directive is repeatable only in some subgraphs."
    INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS "An executable directive's locations are cut to the common ones."
    INCONSISTENT_DESCRIPTION "Descriptions differ."
    INCONSISTENT_ARGUMENT_PRESENCE "An optional argument is not known everywhere: it is dropped."
    FROM_SUBGRAPH_DOES_NOT_EXIST "@override(from:) names no subgraph."
    INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS "A directive's arguments differ: the most frequent are used."
    DIRECTIVE_COMPOSITION_WARN "A composed directive has another name in a subgraph that does not compose it."
    INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN "A shared field returns different sets of types.";
    Debug:
    INCONSISTENT_OBJECT_VALUE_TYPE_FIELD "A value type's field is not in every subgraph."
    INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD "An interface's field is not in every subgraph."
    INCONSISTENT_UNION_MEMBER "A union's member is not in every subgraph."
    INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM "A value of an output enum is not in every subgraph."
    UNUSED_ENUM_TYPE "An enum is used nowhere.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One code exists both as an error and as a hint.
        f.write_str(self.name.strip_prefix("HINT_").unwrap_or(self.name))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
