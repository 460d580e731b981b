//! Values by name that those who take part in a request leave for one another. Knows no stage.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use braid_request_context::RequestContext;
use serde_json::{Map, Value};

/// What those who take part in a request know of it beside what the router knows: a slot in its context, whose content can change at any stage.
/// For what is written in other languages than Rust, and plugins that share values with it.
#[derive(Debug, Clone, Default)]
pub struct Entries(Arc<Mutex<Map<String, Value>>>);

impl Entries {
    /// Those of a request; `None` if nobody has laid the slot.
    pub fn of(context: &RequestContext) -> Option<Self> {
        context.extensions.get().cloned()
    }

    /// Those of a request, with the slot laid if it was not there.
    pub fn lay(context: &mut RequestContext) -> Self {
        context.extensions.get_or_insert_default::<Self>().clone()
    }

    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.locked().get(name).cloned()
    }

    /// Sets a value.
    pub fn set(&self, name: String, value: Value) {
        self.locked().insert(name, value);
    }

    /// Removes a value.
    pub fn remove(&self, name: &str) {
        self.locked().shift_remove(name);
    }

    /// All of them.
    pub fn all(&self) -> Map<String, Value> {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
