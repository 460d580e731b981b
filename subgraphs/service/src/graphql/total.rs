//! How many items a list has, counted only for those who ask. Knows no entity.

use std::fmt;
use std::sync::Arc;

use async_graphql::{Context, Object};
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Alias, Asterisk, Expr, Func, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryTrait, Select, Statement};
use serde::Deserialize;

use super::schema::database;
use crate::error::{Error, Result};

/// Up to here a list is counted; above, PostgreSQL estimates it.
const COUNTED: u64 = 10_000;

/// The number of items of a list: the field `totalCount` of its connection.
#[derive(Clone)]
pub struct Total {
    count: Arc<Count>,
}

/// Counts the items. Called once for each time that the field is selected.
type Count = dyn for<'a> Fn(&'a Context<'_>) -> BoxFuture<'a, Result<u64>> + Send + Sync;

#[Object]
impl Total {
    /// How many items the whole list has, on all pages. Exact up to 10,000; more may be an estimate.
    async fn total_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        // A list of two billion items is as long for everybody who reads it.
        Some((self.count)(ctx).await.map(|count| i32::try_from(count).unwrap_or(i32::MAX)))
    }
}

impl Total {
    /// Counts the rows of a select, whose order and columns don't matter.
    pub fn of<E: EntityTrait>(select: Select<E>) -> Self {
        Self::rows(select.into_query())
    }

    /// Counts the rows of a statement, whose order and columns don't matter.
    pub fn rows(mut select: SelectStatement) -> Self {
        select.clear_selects().clear_order_by().expr(Expr::val(1));
        Self::with(move |ctx| {
            let select = select.clone();
            Box::pin(async move { count(database(ctx)?.reader(), select).await })
        })
    }

    /// Counts in another way, such as by a loader for the lists of many parents.
    pub fn with(count: impl for<'a> Fn(&'a Context<'_>) -> BoxFuture<'a, Result<u64>> + Send + Sync + 'static) -> Self {
        Self { count: Arc::new(count) }
    }
}

impl fmt::Debug for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Total")
    }
}

/// The number of rows: exact up to [`COUNTED`], and on SQLite always.
async fn count(database: &DatabaseConnection, mut select: SelectStatement) -> Result<u64> {
    let backend = database.get_database_backend();
    let estimates = backend == DbBackend::Postgres;
    let everything = select.clone();
    if estimates {
        select.limit(COUNTED + 1);
    }
    let counting =
        Query::select().expr(Func::count(Expr::col(Asterisk))).from_subquery(select, Alias::new("rows")).take();
    let row = database.query_one(&counting).await?;
    let counted: i64 =
        row.ok_or_else(|| Error::internal(anyhow::anyhow!("a count has no row")))?.try_get_by_index(0)?;
    let counted = u64::try_from(counted).unwrap_or_default();
    if estimates && counted > COUNTED {
        return Ok(counted.max(estimate(database, &everything).await?));
    }
    Ok(counted)
}

/// What PostgreSQL's planner expects.
async fn estimate(database: &DatabaseConnection, select: &SelectStatement) -> Result<u64> {
    let mut statement: Statement = DbBackend::Postgres.build(select);
    statement.sql = format!("EXPLAIN (FORMAT JSON) {}", statement.sql);
    let row = database.query_one_raw(statement).await?;
    let plan: serde_json::Value =
        row.ok_or_else(|| Error::internal(anyhow::anyhow!("a plan has no row")))?.try_get_by_index(0)?;
    let [plan]: [Explained; 1] =
        serde_json::from_value(plan).map_err(|error| Error::internal(anyhow::Error::new(error)))?;
    Ok(plan.plan.rows as u64)
}

#[derive(Deserialize)]
struct Explained {
    #[serde(rename = "Plan")]
    plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    #[serde(rename = "Plan Rows")]
    rows: f64,
}
