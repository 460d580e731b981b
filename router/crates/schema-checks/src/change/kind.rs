//! The kinds of change, by the names that the field's tools use where they have one. Knows nothing of severities.

use serde::Serialize;

/// What happened to an element of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeKind {
    // Types.
    /// A type is new.
    TypeAdded,
    /// A type is gone.
    TypeRemoved,
    /// A type is of another kind, such as an enum that was a scalar.
    TypeKindChanged,
    /// A type has a description now.
    TypeDescriptionAdded,
    /// A type lost its description.
    TypeDescriptionRemoved,
    /// A type's description reads differently.
    TypeDescriptionChanged,
    /// An object or interface type implements one more interface.
    ObjectTypeInterfaceAdded,
    /// An object or interface type no longer implements an interface.
    ObjectTypeInterfaceRemoved,
    // Fields of object and interface types.
    /// A field is new.
    FieldAdded,
    /// A field is gone.
    FieldRemoved,
    /// A field has another type.
    FieldTypeChanged,
    /// A field has a description now.
    FieldDescriptionAdded,
    /// A field lost its description.
    FieldDescriptionRemoved,
    /// A field's description reads differently.
    FieldDescriptionChanged,
    /// A field is deprecated now.
    FieldDeprecationAdded,
    /// A field is no longer deprecated.
    FieldDeprecationRemoved,
    /// A deprecated field gives another reason.
    FieldDeprecationReasonChanged,
    // Arguments of fields.
    /// A field takes one more argument.
    FieldArgumentAdded,
    /// A field no longer takes an argument.
    FieldArgumentRemoved,
    /// An argument has another type.
    FieldArgumentTypeChanged,
    /// An argument's default appeared, went or changed.
    FieldArgumentDefaultChanged,
    /// An argument's description appeared, went or reads differently.
    FieldArgumentDescriptionChanged,
    /// An argument is deprecated now.
    FieldArgumentDeprecationAdded,
    /// An argument is no longer deprecated.
    FieldArgumentDeprecationRemoved,
    /// A deprecated argument gives another reason.
    FieldArgumentDeprecationReasonChanged,
    // Input object types.
    /// An input object takes one more field.
    InputFieldAdded,
    /// An input object no longer takes a field.
    InputFieldRemoved,
    /// An input field has another type.
    InputFieldTypeChanged,
    /// An input field's default appeared, went or changed.
    InputFieldDefaultValueChanged,
    /// An input field has a description now.
    InputFieldDescriptionAdded,
    /// An input field lost its description.
    InputFieldDescriptionRemoved,
    /// An input field's description reads differently.
    InputFieldDescriptionChanged,
    /// An input field is deprecated now.
    InputFieldDeprecationAdded,
    /// An input field is no longer deprecated.
    InputFieldDeprecationRemoved,
    /// A deprecated input field gives another reason.
    InputFieldDeprecationReasonChanged,
    /// Exactly one field of an input object must be given now (`@oneOf`).
    InputOneOfAdded,
    /// Several fields of an input object may be given now.
    InputOneOfRemoved,
    // Enums, unions, scalars.
    /// An enum has one more value.
    EnumValueAdded,
    /// An enum lost a value.
    EnumValueRemoved,
    /// A value's description appeared, went or reads differently.
    EnumValueDescriptionChanged,
    /// A value is deprecated now.
    EnumValueDeprecationAdded,
    /// A value is no longer deprecated.
    EnumValueDeprecationRemoved,
    /// A deprecated value gives another reason.
    EnumValueDeprecationReasonChanged,
    /// A union has one more member.
    UnionMemberAdded,
    /// A union lost a member.
    UnionMemberRemoved,
    /// A scalar names its specification now.
    ScalarSpecifiedByAdded,
    /// A scalar no longer names its specification.
    ScalarSpecifiedByRemoved,
    /// A scalar follows another specification.
    ScalarSpecifiedByChanged,
    // The schema itself.
    /// The query root is another type.
    SchemaQueryTypeChanged,
    /// The mutation root appeared, went or is another type.
    SchemaMutationTypeChanged,
    /// The subscription root appeared, went or is another type.
    SchemaSubscriptionTypeChanged,
    /// The schema's description appeared, went or reads differently.
    SchemaDescriptionChanged,
    // Directive definitions.
    /// A directive is new.
    DirectiveAdded,
    /// A directive is gone.
    DirectiveRemoved,
    /// A directive's description appeared, went or reads differently.
    DirectiveDescriptionChanged,
    /// A directive may stand at one more kind of place.
    DirectiveLocationAdded,
    /// A directive may no longer stand at a kind of place.
    DirectiveLocationRemoved,
    /// A directive may be repeated now.
    DirectiveRepeatableAdded,
    /// A directive may no longer be repeated.
    DirectiveRepeatableRemoved,
    /// A directive takes one more argument.
    DirectiveArgumentAdded,
    /// A directive no longer takes an argument.
    DirectiveArgumentRemoved,
    /// A directive's argument has another type.
    DirectiveArgumentTypeChanged,
    /// A directive's argument has another default.
    DirectiveArgumentDefaultValueChanged,
    /// A directive argument's description appeared, went or reads differently.
    DirectiveArgumentDescriptionChanged,
    // Directives applied to elements of the schema.
    /// A directive is applied that was not.
    DirectiveUsageAdded,
    /// A directive is no longer applied.
    DirectiveUsageRemoved,
    /// A directive is applied with other arguments.
    DirectiveUsageChanged,
    /// An element bears a tag that it did not.
    TagAdded,
    /// An element lost a tag.
    TagRemoved,
    /// An element is hidden from clients now.
    InaccessibleAdded,
    /// An element is no longer hidden from clients.
    InaccessibleRemoved,
    /// An element needs an authorization that it did not.
    AuthorizationAdded,
    /// An element needs no authorization any more.
    AuthorizationRemoved,
    /// An element needs another authorization.
    AuthorizationChanged,
    /// An element's cost or list size is estimated differently.
    CostChanged,
    // Between subgraphs.
    /// A subgraph joined.
    SubgraphAdded,
    /// A subgraph left.
    SubgraphRemoved,
    /// A subgraph is reached elsewhere.
    SubgraphUrlChanged,
    /// A subgraph defines a type that only others did.
    TypeAddedToSubgraph,
    /// A subgraph no longer defines a type that others have.
    TypeRemovedFromSubgraph,
    /// Entities of a type can be found by one more key in a subgraph.
    KeyAdded,
    /// Entities of a type can no longer be found by a key in a subgraph.
    KeyRemoved,
    /// A key began or ceased to be resolvable.
    KeyResolvableChanged,
    /// A subgraph sees an interface as an object now.
    InterfaceObjectAdded,
    /// A subgraph no longer sees an interface as an object.
    InterfaceObjectRemoved,
    /// Other subgraphs resolve a field, and none of the old ones.
    FieldMoved,
    /// One more subgraph resolves a field.
    FieldAddedToSubgraph,
    /// A subgraph no longer resolves a field that others do.
    FieldRemovedFromSubgraph,
    /// A field has another type in a subgraph.
    FieldSubgraphTypeChanged,
    /// A subgraph takes a field over from another.
    OverrideAdded,
    /// A subgraph no longer takes a field over from another.
    OverrideRemoved,
    /// A field is taken over from another subgraph, or under another label.
    OverrideChanged,
    /// A field needs fields of other subgraphs that it did not.
    RequiresAdded,
    /// A field no longer needs fields of other subgraphs.
    RequiresRemoved,
    /// A field needs other fields of other subgraphs.
    RequiresChanged,
    /// A field gives external fields along.
    ProvidesAdded,
    /// A field no longer gives external fields along.
    ProvidesRemoved,
    /// A field gives other external fields along.
    ProvidesChanged,
    /// An argument is taken from another context, from none, or no longer from the client.
    ContextArgumentChanged,
}

impl ChangeKind {
    /// All kinds with their meanings, in the order of the documentation.
    pub const ALL: &[(Self, &str)] = &[
        (Self::TypeAdded, "A type is new."),
        (Self::TypeRemoved, "A type is gone."),
        (Self::TypeKindChanged, "A type is of another kind, such as an enum that was a scalar."),
        (Self::TypeDescriptionAdded, "A type has a description now."),
        (Self::TypeDescriptionRemoved, "A type lost its description."),
        (Self::TypeDescriptionChanged, "A type's description reads differently."),
        (Self::ObjectTypeInterfaceAdded, "An object or interface type implements one more interface."),
        (Self::ObjectTypeInterfaceRemoved, "An object or interface type no longer implements an interface."),
        (Self::FieldAdded, "A field is new."),
        (Self::FieldRemoved, "A field is gone."),
        (Self::FieldTypeChanged, "A field has another type."),
        (Self::FieldDescriptionAdded, "A field has a description now."),
        (Self::FieldDescriptionRemoved, "A field lost its description."),
        (Self::FieldDescriptionChanged, "A field's description reads differently."),
        (Self::FieldDeprecationAdded, "A field is deprecated now."),
        (Self::FieldDeprecationRemoved, "A field is no longer deprecated."),
        (Self::FieldDeprecationReasonChanged, "A deprecated field gives another reason."),
        (Self::FieldArgumentAdded, "A field takes one more argument."),
        (Self::FieldArgumentRemoved, "A field no longer takes an argument."),
        (Self::FieldArgumentTypeChanged, "An argument has another type."),
        (Self::FieldArgumentDefaultChanged, "An argument's default appeared, went or changed."),
        (Self::FieldArgumentDescriptionChanged, "An argument's description appeared, went or reads differently."),
        (Self::FieldArgumentDeprecationAdded, "An argument is deprecated now."),
        (Self::FieldArgumentDeprecationRemoved, "An argument is no longer deprecated."),
        (Self::FieldArgumentDeprecationReasonChanged, "A deprecated argument gives another reason."),
        (Self::InputFieldAdded, "An input object takes one more field."),
        (Self::InputFieldRemoved, "An input object no longer takes a field."),
        (Self::InputFieldTypeChanged, "An input field has another type."),
        (Self::InputFieldDefaultValueChanged, "An input field's default appeared, went or changed."),
        (Self::InputFieldDescriptionAdded, "An input field has a description now."),
        (Self::InputFieldDescriptionRemoved, "An input field lost its description."),
        (Self::InputFieldDescriptionChanged, "An input field's description reads differently."),
        (Self::InputFieldDeprecationAdded, "An input field is deprecated now."),
        (Self::InputFieldDeprecationRemoved, "An input field is no longer deprecated."),
        (Self::InputFieldDeprecationReasonChanged, "A deprecated input field gives another reason."),
        (Self::InputOneOfAdded, "Exactly one field of an input object must be given now (`@oneOf`)."),
        (Self::InputOneOfRemoved, "Several fields of an input object may be given now."),
        (Self::EnumValueAdded, "An enum has one more value."),
        (Self::EnumValueRemoved, "An enum lost a value."),
        (Self::EnumValueDescriptionChanged, "A value's description appeared, went or reads differently."),
        (Self::EnumValueDeprecationAdded, "A value is deprecated now."),
        (Self::EnumValueDeprecationRemoved, "A value is no longer deprecated."),
        (Self::EnumValueDeprecationReasonChanged, "A deprecated value gives another reason."),
        (Self::UnionMemberAdded, "A union has one more member."),
        (Self::UnionMemberRemoved, "A union lost a member."),
        (Self::ScalarSpecifiedByAdded, "A scalar names its specification now."),
        (Self::ScalarSpecifiedByRemoved, "A scalar no longer names its specification."),
        (Self::ScalarSpecifiedByChanged, "A scalar follows another specification."),
        (Self::SchemaQueryTypeChanged, "The query root is another type."),
        (Self::SchemaMutationTypeChanged, "The mutation root appeared, went or is another type."),
        (Self::SchemaSubscriptionTypeChanged, "The subscription root appeared, went or is another type."),
        (Self::SchemaDescriptionChanged, "The schema's description appeared, went or reads differently."),
        (Self::DirectiveAdded, "A directive is new."),
        (Self::DirectiveRemoved, "A directive is gone."),
        (Self::DirectiveDescriptionChanged, "A directive's description appeared, went or reads differently."),
        (Self::DirectiveLocationAdded, "A directive may stand at one more kind of place."),
        (Self::DirectiveLocationRemoved, "A directive may no longer stand at a kind of place."),
        (Self::DirectiveRepeatableAdded, "A directive may be repeated now."),
        (Self::DirectiveRepeatableRemoved, "A directive may no longer be repeated."),
        (Self::DirectiveArgumentAdded, "A directive takes one more argument."),
        (Self::DirectiveArgumentRemoved, "A directive no longer takes an argument."),
        (Self::DirectiveArgumentTypeChanged, "A directive's argument has another type."),
        (Self::DirectiveArgumentDefaultValueChanged, "A directive's argument has another default."),
        (
            Self::DirectiveArgumentDescriptionChanged,
            "A directive argument's description appeared, went or reads differently.",
        ),
        (Self::DirectiveUsageAdded, "A directive is applied that was not."),
        (Self::DirectiveUsageRemoved, "A directive is no longer applied."),
        (Self::DirectiveUsageChanged, "A directive is applied with other arguments."),
        (Self::TagAdded, "An element bears a tag that it did not."),
        (Self::TagRemoved, "An element lost a tag."),
        (Self::InaccessibleAdded, "An element is hidden from clients now."),
        (Self::InaccessibleRemoved, "An element is no longer hidden from clients."),
        (Self::AuthorizationAdded, "An element needs an authorization that it did not."),
        (Self::AuthorizationRemoved, "An element needs no authorization any more."),
        (Self::AuthorizationChanged, "An element needs another authorization."),
        (Self::CostChanged, "An element's cost or list size is estimated differently."),
        (Self::SubgraphAdded, "A subgraph joined."),
        (Self::SubgraphRemoved, "A subgraph left."),
        (Self::SubgraphUrlChanged, "A subgraph is reached elsewhere."),
        (Self::TypeAddedToSubgraph, "A subgraph defines a type that only others did."),
        (Self::TypeRemovedFromSubgraph, "A subgraph no longer defines a type that others have."),
        (Self::KeyAdded, "Entities of a type can be found by one more key in a subgraph."),
        (Self::KeyRemoved, "Entities of a type can no longer be found by a key in a subgraph."),
        (Self::KeyResolvableChanged, "A key began or ceased to be resolvable."),
        (Self::InterfaceObjectAdded, "A subgraph sees an interface as an object now."),
        (Self::InterfaceObjectRemoved, "A subgraph no longer sees an interface as an object."),
        (Self::FieldMoved, "Other subgraphs resolve a field, and none of the old ones."),
        (Self::FieldAddedToSubgraph, "One more subgraph resolves a field."),
        (Self::FieldRemovedFromSubgraph, "A subgraph no longer resolves a field that others do."),
        (Self::FieldSubgraphTypeChanged, "A field has another type in a subgraph."),
        (Self::OverrideAdded, "A subgraph takes a field over from another."),
        (Self::OverrideRemoved, "A subgraph no longer takes a field over from another."),
        (Self::OverrideChanged, "A field is taken over from another subgraph, or under another label."),
        (Self::RequiresAdded, "A field needs fields of other subgraphs that it did not."),
        (Self::RequiresRemoved, "A field no longer needs fields of other subgraphs."),
        (Self::RequiresChanged, "A field needs other fields of other subgraphs."),
        (Self::ProvidesAdded, "A field gives external fields along."),
        (Self::ProvidesRemoved, "A field no longer gives external fields along."),
        (Self::ProvidesChanged, "A field gives other external fields along."),
        (
            Self::ContextArgumentChanged,
            "An argument is taken from another context, from none, or no longer from the client.",
        ),
    ];

    /// The name in reports and allow-lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::TypeAdded => "TYPE_ADDED",
            Self::TypeRemoved => "TYPE_REMOVED",
            Self::TypeKindChanged => "TYPE_KIND_CHANGED",
            Self::TypeDescriptionAdded => "TYPE_DESCRIPTION_ADDED",
            Self::TypeDescriptionRemoved => "TYPE_DESCRIPTION_REMOVED",
            Self::TypeDescriptionChanged => "TYPE_DESCRIPTION_CHANGED",
            Self::ObjectTypeInterfaceAdded => "OBJECT_TYPE_INTERFACE_ADDED",
            Self::ObjectTypeInterfaceRemoved => "OBJECT_TYPE_INTERFACE_REMOVED",
            Self::FieldAdded => "FIELD_ADDED",
            Self::FieldRemoved => "FIELD_REMOVED",
            Self::FieldTypeChanged => "FIELD_TYPE_CHANGED",
            Self::FieldDescriptionAdded => "FIELD_DESCRIPTION_ADDED",
            Self::FieldDescriptionRemoved => "FIELD_DESCRIPTION_REMOVED",
            Self::FieldDescriptionChanged => "FIELD_DESCRIPTION_CHANGED",
            Self::FieldDeprecationAdded => "FIELD_DEPRECATION_ADDED",
            Self::FieldDeprecationRemoved => "FIELD_DEPRECATION_REMOVED",
            Self::FieldDeprecationReasonChanged => "FIELD_DEPRECATION_REASON_CHANGED",
            Self::FieldArgumentAdded => "FIELD_ARGUMENT_ADDED",
            Self::FieldArgumentRemoved => "FIELD_ARGUMENT_REMOVED",
            Self::FieldArgumentTypeChanged => "FIELD_ARGUMENT_TYPE_CHANGED",
            Self::FieldArgumentDefaultChanged => "FIELD_ARGUMENT_DEFAULT_CHANGED",
            Self::FieldArgumentDescriptionChanged => "FIELD_ARGUMENT_DESCRIPTION_CHANGED",
            Self::FieldArgumentDeprecationAdded => "FIELD_ARGUMENT_DEPRECATION_ADDED",
            Self::FieldArgumentDeprecationRemoved => "FIELD_ARGUMENT_DEPRECATION_REMOVED",
            Self::FieldArgumentDeprecationReasonChanged => "FIELD_ARGUMENT_DEPRECATION_REASON_CHANGED",
            Self::InputFieldAdded => "INPUT_FIELD_ADDED",
            Self::InputFieldRemoved => "INPUT_FIELD_REMOVED",
            Self::InputFieldTypeChanged => "INPUT_FIELD_TYPE_CHANGED",
            Self::InputFieldDefaultValueChanged => "INPUT_FIELD_DEFAULT_VALUE_CHANGED",
            Self::InputFieldDescriptionAdded => "INPUT_FIELD_DESCRIPTION_ADDED",
            Self::InputFieldDescriptionRemoved => "INPUT_FIELD_DESCRIPTION_REMOVED",
            Self::InputFieldDescriptionChanged => "INPUT_FIELD_DESCRIPTION_CHANGED",
            Self::InputFieldDeprecationAdded => "INPUT_FIELD_DEPRECATION_ADDED",
            Self::InputFieldDeprecationRemoved => "INPUT_FIELD_DEPRECATION_REMOVED",
            Self::InputFieldDeprecationReasonChanged => "INPUT_FIELD_DEPRECATION_REASON_CHANGED",
            Self::InputOneOfAdded => "INPUT_ONE_OF_ADDED",
            Self::InputOneOfRemoved => "INPUT_ONE_OF_REMOVED",
            Self::EnumValueAdded => "ENUM_VALUE_ADDED",
            Self::EnumValueRemoved => "ENUM_VALUE_REMOVED",
            Self::EnumValueDescriptionChanged => "ENUM_VALUE_DESCRIPTION_CHANGED",
            Self::EnumValueDeprecationAdded => "ENUM_VALUE_DEPRECATION_ADDED",
            Self::EnumValueDeprecationRemoved => "ENUM_VALUE_DEPRECATION_REMOVED",
            Self::EnumValueDeprecationReasonChanged => "ENUM_VALUE_DEPRECATION_REASON_CHANGED",
            Self::UnionMemberAdded => "UNION_MEMBER_ADDED",
            Self::UnionMemberRemoved => "UNION_MEMBER_REMOVED",
            Self::ScalarSpecifiedByAdded => "SCALAR_SPECIFIED_BY_ADDED",
            Self::ScalarSpecifiedByRemoved => "SCALAR_SPECIFIED_BY_REMOVED",
            Self::ScalarSpecifiedByChanged => "SCALAR_SPECIFIED_BY_CHANGED",
            Self::SchemaQueryTypeChanged => "SCHEMA_QUERY_TYPE_CHANGED",
            Self::SchemaMutationTypeChanged => "SCHEMA_MUTATION_TYPE_CHANGED",
            Self::SchemaSubscriptionTypeChanged => "SCHEMA_SUBSCRIPTION_TYPE_CHANGED",
            Self::SchemaDescriptionChanged => "SCHEMA_DESCRIPTION_CHANGED",
            Self::DirectiveAdded => "DIRECTIVE_ADDED",
            Self::DirectiveRemoved => "DIRECTIVE_REMOVED",
            Self::DirectiveDescriptionChanged => "DIRECTIVE_DESCRIPTION_CHANGED",
            Self::DirectiveLocationAdded => "DIRECTIVE_LOCATION_ADDED",
            Self::DirectiveLocationRemoved => "DIRECTIVE_LOCATION_REMOVED",
            Self::DirectiveRepeatableAdded => "DIRECTIVE_REPEATABLE_ADDED",
            Self::DirectiveRepeatableRemoved => "DIRECTIVE_REPEATABLE_REMOVED",
            Self::DirectiveArgumentAdded => "DIRECTIVE_ARGUMENT_ADDED",
            Self::DirectiveArgumentRemoved => "DIRECTIVE_ARGUMENT_REMOVED",
            Self::DirectiveArgumentTypeChanged => "DIRECTIVE_ARGUMENT_TYPE_CHANGED",
            Self::DirectiveArgumentDefaultValueChanged => "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED",
            Self::DirectiveArgumentDescriptionChanged => "DIRECTIVE_ARGUMENT_DESCRIPTION_CHANGED",
            Self::DirectiveUsageAdded => "DIRECTIVE_USAGE_ADDED",
            Self::DirectiveUsageRemoved => "DIRECTIVE_USAGE_REMOVED",
            Self::DirectiveUsageChanged => "DIRECTIVE_USAGE_CHANGED",
            Self::TagAdded => "TAG_ADDED",
            Self::TagRemoved => "TAG_REMOVED",
            Self::InaccessibleAdded => "INACCESSIBLE_ADDED",
            Self::InaccessibleRemoved => "INACCESSIBLE_REMOVED",
            Self::AuthorizationAdded => "AUTHORIZATION_ADDED",
            Self::AuthorizationRemoved => "AUTHORIZATION_REMOVED",
            Self::AuthorizationChanged => "AUTHORIZATION_CHANGED",
            Self::CostChanged => "COST_CHANGED",
            Self::SubgraphAdded => "SUBGRAPH_ADDED",
            Self::SubgraphRemoved => "SUBGRAPH_REMOVED",
            Self::SubgraphUrlChanged => "SUBGRAPH_URL_CHANGED",
            Self::TypeAddedToSubgraph => "TYPE_ADDED_TO_SUBGRAPH",
            Self::TypeRemovedFromSubgraph => "TYPE_REMOVED_FROM_SUBGRAPH",
            Self::KeyAdded => "KEY_ADDED",
            Self::KeyRemoved => "KEY_REMOVED",
            Self::KeyResolvableChanged => "KEY_RESOLVABLE_CHANGED",
            Self::InterfaceObjectAdded => "INTERFACE_OBJECT_ADDED",
            Self::InterfaceObjectRemoved => "INTERFACE_OBJECT_REMOVED",
            Self::FieldMoved => "FIELD_MOVED",
            Self::FieldAddedToSubgraph => "FIELD_ADDED_TO_SUBGRAPH",
            Self::FieldRemovedFromSubgraph => "FIELD_REMOVED_FROM_SUBGRAPH",
            Self::FieldSubgraphTypeChanged => "FIELD_SUBGRAPH_TYPE_CHANGED",
            Self::OverrideAdded => "OVERRIDE_ADDED",
            Self::OverrideRemoved => "OVERRIDE_REMOVED",
            Self::OverrideChanged => "OVERRIDE_CHANGED",
            Self::RequiresAdded => "REQUIRES_ADDED",
            Self::RequiresRemoved => "REQUIRES_REMOVED",
            Self::RequiresChanged => "REQUIRES_CHANGED",
            Self::ProvidesAdded => "PROVIDES_ADDED",
            Self::ProvidesRemoved => "PROVIDES_REMOVED",
            Self::ProvidesChanged => "PROVIDES_CHANGED",
            Self::ContextArgumentChanged => "CONTEXT_ARGUMENT_CHANGED",
        }
    }
}
