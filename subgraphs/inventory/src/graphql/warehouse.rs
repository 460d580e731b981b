//! A warehouse in the graph.

use async_graphql::{ID, Object};
use service::graphql::id;

use crate::entity::warehouse;

/// A warehouse that products are shipped from.
pub(crate) struct Warehouse(warehouse::Model);

impl From<warehouse::Model> for Warehouse {
    fn from(row: warehouse::Model) -> Self {
        Self(row)
    }
}

/// A warehouse that products are shipped from.
#[Object(cache_control(max_age = 60))]
impl Warehouse {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Warehouse", self.0.id)
    }

    /// The short name, such as `BER`.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The city that it is in.
    async fn city(&self) -> &str {
        &self.0.city
    }

    /// The country that it is in, as a two-letter code (ISO 3166).
    async fn country(&self) -> &str {
        &self.0.country
    }

    /// Whether it takes goods. One that is closed has none, apart from those that buyers send back.
    async fn active(&self) -> bool {
        self.0.active
    }
}
