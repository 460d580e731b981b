//! Whether a view is a valid schema where hiding could have made it invalid. Knows no tag.

use braid_graphql::compiler::ast::{InputValueDefinition, Value};
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::schema::fields_of;
use braid_graphql::view::ApiView;

use crate::ContractError;

/// Checks the arguments of implementations, and defaults.
pub(crate) fn check(view: ApiView<'_>) -> Result<(), ContractError> {
    for ty in view.types() {
        let interfaces = match ty {
            ExtendedType::Object(object) => &object.implements_interfaces,
            ExtendedType::Interface(interface) => &interface.implements_interfaces,
            ExtendedType::InputObject(input) => {
                for field in view.input_fields(input) {
                    check_default(view, field, &|| format!("{}.{}", input.name, field.name))?;
                }
                continue;
            }
            _ => continue,
        };
        for interface in interfaces.iter().filter_map(|name| view.ty(name)) {
            check_implementation(view, ty, interface)?;
        }
        for (number, field) in view.fields(ty) {
            for argument in view.arguments(Some(number), &field.arguments) {
                check_default(view, argument, &|| format!("{}.{}({}:)", ty.name(), field.name, argument.name))?;
            }
        }
    }
    Ok(())
}

/// *IsValidImplementation* (<https://spec.graphql.org/September2025/#IsValidImplementation()>), of what can be hidden.
fn check_implementation<'a>(
    view: ApiView<'a>,
    ty: &'a ExtendedType,
    interface: &'a ExtendedType,
) -> Result<(), ContractError> {
    // Most have no arguments.
    if !fields_of(interface).is_some_and(|fields| fields.values().any(|field| !field.arguments.is_empty())) {
        return Ok(());
    }
    for (number, field) in view.fields(interface) {
        let Some((own_number, own)) = view.field(ty, &field.name) else {
            let message =
                format!("{}.{} is hidden, and the interface {} has it", ty.name(), field.name, interface.name());
            return Err(ContractError::Invalid(message));
        };
        let due = view.arguments(Some(number), &field.arguments);
        let mut given = view.arguments(Some(own_number), &own.arguments);
        if let Some(missing) = due.clone().find(|due| !given.clone().any(|given| given.name == due.name)) {
            let (ty, field, interface) = (ty.name(), &field.name, interface.name());
            let message = format!("{ty}.{field}({}:) is hidden, and the interface {interface} has it", missing.name);
            return Err(ContractError::Invalid(message));
        }
        if let Some(more) = given.find(|given| given.is_required() && !due.clone().any(|due| due.name == given.name)) {
            let (ty, field, interface) = (ty.name(), &field.name, interface.name());
            let message =
                format!("{ty}.{field}({}:) must be given, and is hidden of the interface {interface}", more.name);
            return Err(ContractError::Invalid(message));
        }
    }
    Ok(())
}

fn check_default(
    view: ApiView<'_>,
    input: &InputValueDefinition,
    coordinate: &dyn Fn() -> String,
) -> Result<(), ContractError> {
    match &input.default_value {
        Some(default) if !is_visible(view, input.ty.inner_named_type(), default) => {
            Err(ContractError::Invalid(format!("the default of {} has something that is hidden", coordinate())))
        }
        _ => Ok(()),
    }
}

fn is_visible(view: ApiView<'_>, ty: &str, value: &Value) -> bool {
    match (value, view.ty(ty)) {
        (Value::List(items), _) => items.iter().all(|item| is_visible(view, ty, item)),
        (Value::Enum(name), Some(ExtendedType::Enum(definition))) => view.has_value(definition, name),
        (Value::Object(fields), Some(ExtendedType::InputObject(input))) => fields.iter().all(|(name, value)| {
            let field = view.input_field(input, name);
            field.is_some_and(|field| is_visible(view, field.ty.inner_named_type(), value))
        }),
        _ => true,
    }
}
