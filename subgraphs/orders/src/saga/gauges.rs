//! How many orders are under way now, in the database of all instances. Knows no step's work.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use service::{Database, Metrics, Result};

use crate::entity::order::{Column, Entity, Step};
use crate::entity::{refund, restock};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    step: &'static str,
}

/// The gauges.
#[derive(Clone, Debug, Default)]
struct Gauges {
    incomplete: Family<Labels, Gauge>,
    stuck: Gauge,
    refunds: Gauge,
    restocks: Gauge,
}

/// Shows them at `/metrics`; they are read each time that somebody asks.
pub(crate) fn show(database: &Database, metrics: &Metrics) {
    let gauges = Gauges::default();
    metrics.add("incomplete", "Orders that are not complete, by the step that is next", gauges.incomplete.clone());
    metrics.add("stuck_now", "Orders that need a person", gauges.stuck.clone());
    metrics.add("refunds_pending", "Refunds that the payment provider has not confirmed", gauges.refunds.clone());
    metrics.add("restocks_pending", "Returns to stock that inventory has not confirmed", gauges.restocks.clone());
    let database = database.clone();
    metrics.measure("orders that are under way", move || {
        let (gauges, database) = (gauges.clone(), database.clone());
        async move { gauges.read(&database).await }
    });
}

impl Gauges {
    async fn read(&self, database: &Database) -> Result<()> {
        let reader = database.reader();
        // The conditions are written out, for the indexes that have only these rows.
        let by_step: Vec<(Step, i64)> = Entity::find()
            .select_only()
            .column(Column::Step)
            .column_as(Column::Id.count(), "orders")
            .filter(Expr::cust("step <> 'DONE'"))
            .group_by(Column::Step)
            .into_tuple()
            .all(reader)
            .await?;
        for step in [Step::Reserve, Step::Authorize, Step::Commit, Step::Capture, Step::Void, Step::Release] {
            let orders = by_step.iter().find(|(found, _)| *found == step).map_or(0, |(_, orders)| *orders);
            self.incomplete.get_or_create(&Labels { step: name(step) }).set(orders);
        }
        let pending = || Expr::cust("status = 'PENDING'");
        let count = |counted: u64| i64::try_from(counted).unwrap_or(i64::MAX);
        self.stuck.set(count(Entity::find().filter(Column::StuckSince.is_not_null()).count(reader).await?));
        self.refunds.set(count(refund::Entity::find().filter(pending()).count(reader).await?));
        self.restocks.set(count(restock::Entity::find().filter(pending()).count(reader).await?));
        Ok(())
    }
}

const fn name(step: Step) -> &'static str {
    match step {
        Step::Reserve => "reserve",
        Step::Authorize => "authorize",
        Step::Commit => "commit",
        Step::Capture => "capture",
        Step::Void => "void",
        Step::Release => "release",
        Step::Done => "done",
    }
}
