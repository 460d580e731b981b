//! The kinds of change, named as other tools name them, where they do. Knows nothing of severities.

use serde::Serialize;

/// What happened to an element of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeKind {
    // Types.
    /// A type was added.
    TypeAdded,
    /// A type was removed.
    TypeRemoved,
    /// A type has another kind, such as an enum that was a scalar.
    TypeKindChanged,
    /// A type got a description.
    TypeDescriptionAdded,
    /// A type lost its description.
    TypeDescriptionRemoved,
    /// A type's description changed.
    TypeDescriptionChanged,
    /// An object or interface type implements another interface.
    ObjectTypeInterfaceAdded,
    /// An object or interface type no longer implements an interface.
    ObjectTypeInterfaceRemoved,
    // Fields of object and interface types.
    /// A field was added.
    FieldAdded,
    /// A field was removed.
    FieldRemoved,
    /// A field has another type.
    FieldTypeChanged,
    /// A field got a description.
    FieldDescriptionAdded,
    /// A field lost its description.
    FieldDescriptionRemoved,
    /// A field's description changed.
    FieldDescriptionChanged,
    /// A field was deprecated.
    FieldDeprecationAdded,
    /// A field is no longer deprecated.
    FieldDeprecationRemoved,
    /// A deprecated field has another reason.
    FieldDeprecationReasonChanged,
    // Arguments of fields.
    /// A field got an argument.
    FieldArgumentAdded,
    /// A field lost an argument.
    FieldArgumentRemoved,
    /// An argument has another type.
    FieldArgumentTypeChanged,
    /// An argument's default was added, removed or changed.
    FieldArgumentDefaultChanged,
    /// An argument's description was added, removed or changed.
    FieldArgumentDescriptionChanged,
    /// An argument was deprecated.
    FieldArgumentDeprecationAdded,
    /// An argument is no longer deprecated.
    FieldArgumentDeprecationRemoved,
    /// A deprecated argument has another reason.
    FieldArgumentDeprecationReasonChanged,
    // Input object types.
    /// An input object got a field.
    InputFieldAdded,
    /// An input object lost a field.
    InputFieldRemoved,
    /// An input field has another type.
    InputFieldTypeChanged,
    /// An input field's default was added, removed or changed.
    InputFieldDefaultValueChanged,
    /// An input field got a description.
    InputFieldDescriptionAdded,
    /// An input field lost its description.
    InputFieldDescriptionRemoved,
    /// An input field's description changed.
    InputFieldDescriptionChanged,
    /// An input field was deprecated.
    InputFieldDeprecationAdded,
    /// An input field is no longer deprecated.
    InputFieldDeprecationRemoved,
    /// A deprecated input field has another reason.
    InputFieldDeprecationReasonChanged,
    /// Exactly one field of an input object must be given now (`@oneOf`).
    InputOneOfAdded,
    /// Several fields of an input object may be given now.
    InputOneOfRemoved,
    // Enums, unions, scalars.
    /// An enum got a value.
    EnumValueAdded,
    /// An enum lost a value.
    EnumValueRemoved,
    /// A value's description was added, removed or changed.
    EnumValueDescriptionChanged,
    /// A value was deprecated.
    EnumValueDeprecationAdded,
    /// A value is no longer deprecated.
    EnumValueDeprecationRemoved,
    /// A deprecated value has another reason.
    EnumValueDeprecationReasonChanged,
    /// A union got a member.
    UnionMemberAdded,
    /// A union lost a member.
    UnionMemberRemoved,
    /// A scalar got a specification.
    ScalarSpecifiedByAdded,
    /// A scalar lost its specification.
    ScalarSpecifiedByRemoved,
    /// A scalar has another specification.
    ScalarSpecifiedByChanged,
    // The schema itself.
    /// The query root is another type.
    SchemaQueryTypeChanged,
    /// The mutation root was added, removed or is another type.
    SchemaMutationTypeChanged,
    /// The subscription root was added, removed or is another type.
    SchemaSubscriptionTypeChanged,
    /// The schema's description was added, removed or changed.
    SchemaDescriptionChanged,
    // Directive definitions.
    /// A directive was added.
    DirectiveAdded,
    /// A directive was removed.
    DirectiveRemoved,
    /// A directive's description was added, removed or changed.
    DirectiveDescriptionChanged,
    /// A directive got a location.
    DirectiveLocationAdded,
    /// A directive lost a location.
    DirectiveLocationRemoved,
    /// A directive became repeatable.
    DirectiveRepeatableAdded,
    /// A directive is no longer repeatable.
    DirectiveRepeatableRemoved,
    /// A directive got an argument.
    DirectiveArgumentAdded,
    /// A directive lost an argument.
    DirectiveArgumentRemoved,
    /// A directive's argument has another type.
    DirectiveArgumentTypeChanged,
    /// A directive's argument has another default.
    DirectiveArgumentDefaultValueChanged,
    /// A directive argument's description was added, removed or changed.
    DirectiveArgumentDescriptionChanged,
    // Directives applied to elements of the schema.
    /// A directive was applied.
    DirectiveUsageAdded,
    /// An applied directive was removed.
    DirectiveUsageRemoved,
    /// A directive is applied with other arguments.
    DirectiveUsageChanged,
    /// An element got a tag.
    TagAdded,
    /// An element lost a tag.
    TagRemoved,
    /// An element was hidden from clients.
    InaccessibleAdded,
    /// An element is no longer hidden from clients.
    InaccessibleRemoved,
    /// An element requires an authorization that it did not require.
    AuthorizationAdded,
    /// An element no longer requires an authorization.
    AuthorizationRemoved,
    /// An element requires another authorization.
    AuthorizationChanged,
    /// An element's cost or list size is estimated differently.
    CostChanged,
    // Between subgraphs.
    /// A subgraph was added.
    SubgraphAdded,
    /// A subgraph was removed.
    SubgraphRemoved,
    /// A subgraph has another URL.
    SubgraphUrlChanged,
    /// A subgraph defines a type that only others defined.
    TypeAddedToSubgraph,
    /// A subgraph no longer defines a type that others have.
    TypeRemovedFromSubgraph,
    /// Entities of a type can be found by one more key in a subgraph.
    KeyAdded,
    /// Entities of a type can no longer be found by a key in a subgraph.
    KeyRemoved,
    /// A key became resolvable, or no longer is.
    KeyResolvableChanged,
    /// A subgraph has an interface as an object now.
    InterfaceObjectAdded,
    /// A subgraph no longer has an interface as an object.
    InterfaceObjectRemoved,
    /// A field moved to other subgraphs.
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
    /// A field requires fields of other subgraphs that it did not require.
    RequiresAdded,
    /// A field no longer requires fields of other subgraphs.
    RequiresRemoved,
    /// A field requires other fields of other subgraphs.
    RequiresChanged,
    /// A field provides external fields.
    ProvidesAdded,
    /// A field no longer provides external fields.
    ProvidesRemoved,
    /// A field provides other external fields.
    ProvidesChanged,
    /// An argument is taken from another context, from none, or no longer from the client.
    ContextArgumentChanged,
}

impl ChangeKind {
    /// All kinds with their meanings, in the order of the documentation.
    pub const ALL: &[(Self, &str)] = &[
        (Self::TypeAdded, "A type was added."),
        (Self::TypeRemoved, "A type was removed."),
        (Self::TypeKindChanged, "A type has another kind, such as an enum that was a scalar."),
        (Self::TypeDescriptionAdded, "A type got a description."),
        (Self::TypeDescriptionRemoved, "A type lost its description."),
        (Self::TypeDescriptionChanged, "A type's description changed."),
        (Self::ObjectTypeInterfaceAdded, "An object or interface type implements another interface."),
        (Self::ObjectTypeInterfaceRemoved, "An object or interface type no longer implements an interface."),
        (Self::FieldAdded, "A field was added."),
        (Self::FieldRemoved, "A field was removed."),
        (Self::FieldTypeChanged, "A field has another type."),
        (Self::FieldDescriptionAdded, "A field got a description."),
        (Self::FieldDescriptionRemoved, "A field lost its description."),
        (Self::FieldDescriptionChanged, "A field's description changed."),
        (Self::FieldDeprecationAdded, "A field was deprecated."),
        (Self::FieldDeprecationRemoved, "A field is no longer deprecated."),
        (Self::FieldDeprecationReasonChanged, "A deprecated field has another reason."),
        (Self::FieldArgumentAdded, "A field got an argument."),
        (Self::FieldArgumentRemoved, "A field lost an argument."),
        (Self::FieldArgumentTypeChanged, "An argument has another type."),
        (Self::FieldArgumentDefaultChanged, "An argument's default was added, removed or changed."),
        (Self::FieldArgumentDescriptionChanged, "An argument's description was added, removed or changed."),
        (Self::FieldArgumentDeprecationAdded, "An argument was deprecated."),
        (Self::FieldArgumentDeprecationRemoved, "An argument is no longer deprecated."),
        (Self::FieldArgumentDeprecationReasonChanged, "A deprecated argument has another reason."),
        (Self::InputFieldAdded, "An input object got a field."),
        (Self::InputFieldRemoved, "An input object lost a field."),
        (Self::InputFieldTypeChanged, "An input field has another type."),
        (Self::InputFieldDefaultValueChanged, "An input field's default was added, removed or changed."),
        (Self::InputFieldDescriptionAdded, "An input field got a description."),
        (Self::InputFieldDescriptionRemoved, "An input field lost its description."),
        (Self::InputFieldDescriptionChanged, "An input field's description changed."),
        (Self::InputFieldDeprecationAdded, "An input field was deprecated."),
        (Self::InputFieldDeprecationRemoved, "An input field is no longer deprecated."),
        (Self::InputFieldDeprecationReasonChanged, "A deprecated input field has another reason."),
        (Self::InputOneOfAdded, "Exactly one field of an input object must be given now (`@oneOf`)."),
        (Self::InputOneOfRemoved, "Several fields of an input object may be given now."),
        (Self::EnumValueAdded, "An enum got a value."),
        (Self::EnumValueRemoved, "An enum lost a value."),
        (Self::EnumValueDescriptionChanged, "A value's description was added, removed or changed."),
        (Self::EnumValueDeprecationAdded, "A value was deprecated."),
        (Self::EnumValueDeprecationRemoved, "A value is no longer deprecated."),
        (Self::EnumValueDeprecationReasonChanged, "A deprecated value has another reason."),
        (Self::UnionMemberAdded, "A union got a member."),
        (Self::UnionMemberRemoved, "A union lost a member."),
        (Self::ScalarSpecifiedByAdded, "A scalar got a specification."),
        (Self::ScalarSpecifiedByRemoved, "A scalar lost its specification."),
        (Self::ScalarSpecifiedByChanged, "A scalar has another specification."),
        (Self::SchemaQueryTypeChanged, "The query root is another type."),
        (Self::SchemaMutationTypeChanged, "The mutation root was added, removed or is another type."),
        (Self::SchemaSubscriptionTypeChanged, "The subscription root was added, removed or is another type."),
        (Self::SchemaDescriptionChanged, "The schema's description was added, removed or changed."),
        (Self::DirectiveAdded, "A directive was added."),
        (Self::DirectiveRemoved, "A directive was removed."),
        (Self::DirectiveDescriptionChanged, "A directive's description was added, removed or changed."),
        (Self::DirectiveLocationAdded, "A directive got a location."),
        (Self::DirectiveLocationRemoved, "A directive lost a location."),
        (Self::DirectiveRepeatableAdded, "A directive became repeatable."),
        (Self::DirectiveRepeatableRemoved, "A directive is no longer repeatable."),
        (Self::DirectiveArgumentAdded, "A directive got an argument."),
        (Self::DirectiveArgumentRemoved, "A directive lost an argument."),
        (Self::DirectiveArgumentTypeChanged, "A directive's argument has another type."),
        (Self::DirectiveArgumentDefaultValueChanged, "A directive's argument has another default."),
        (
            Self::DirectiveArgumentDescriptionChanged,
            "A directive argument's description was added, removed or changed.",
        ),
        (Self::DirectiveUsageAdded, "A directive was applied."),
        (Self::DirectiveUsageRemoved, "An applied directive was removed."),
        (Self::DirectiveUsageChanged, "A directive is applied with other arguments."),
        (Self::TagAdded, "An element got a tag."),
        (Self::TagRemoved, "An element lost a tag."),
        (Self::InaccessibleAdded, "An element was hidden from clients."),
        (Self::InaccessibleRemoved, "An element is no longer hidden from clients."),
        (Self::AuthorizationAdded, "An element requires an authorization that it did not require."),
        (Self::AuthorizationRemoved, "An element no longer requires an authorization."),
        (Self::AuthorizationChanged, "An element requires another authorization."),
        (Self::CostChanged, "An element's cost or list size is estimated differently."),
        (Self::SubgraphAdded, "A subgraph was added."),
        (Self::SubgraphRemoved, "A subgraph was removed."),
        (Self::SubgraphUrlChanged, "A subgraph has another URL."),
        (Self::TypeAddedToSubgraph, "A subgraph defines a type that only others defined."),
        (Self::TypeRemovedFromSubgraph, "A subgraph no longer defines a type that others have."),
        (Self::KeyAdded, "Entities of a type can be found by one more key in a subgraph."),
        (Self::KeyRemoved, "Entities of a type can no longer be found by a key in a subgraph."),
        (Self::KeyResolvableChanged, "A key became resolvable, or no longer is."),
        (Self::InterfaceObjectAdded, "A subgraph has an interface as an object now."),
        (Self::InterfaceObjectRemoved, "A subgraph no longer has an interface as an object."),
        (Self::FieldMoved, "A field moved to other subgraphs."),
        (Self::FieldAddedToSubgraph, "One more subgraph resolves a field."),
        (Self::FieldRemovedFromSubgraph, "A subgraph no longer resolves a field that others do."),
        (Self::FieldSubgraphTypeChanged, "A field has another type in a subgraph."),
        (Self::OverrideAdded, "A subgraph takes a field over from another."),
        (Self::OverrideRemoved, "A subgraph no longer takes a field over from another."),
        (Self::OverrideChanged, "A field is taken over from another subgraph, or under another label."),
        (Self::RequiresAdded, "A field requires fields of other subgraphs that it did not require."),
        (Self::RequiresRemoved, "A field no longer requires fields of other subgraphs."),
        (Self::RequiresChanged, "A field requires other fields of other subgraphs."),
        (Self::ProvidesAdded, "A field provides external fields."),
        (Self::ProvidesRemoved, "A field no longer provides external fields."),
        (Self::ProvidesChanged, "A field provides other external fields."),
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
