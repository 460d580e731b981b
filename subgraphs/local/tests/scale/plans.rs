//! How PostgreSQL runs the statements that the services have sent. Knows no operation and no table.
//!
//! A statement is planned for its values, as it is the first five times, and for any values, as it may be later. In neither plan may a large
//! table be read from its beginning to its end, and no part of a plan may read more rows of one than a list is counted up to.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value as SqlValue};
use serde_json::Value;
use service::testing::Sent;

use crate::databases::connect;

/// A table with so many rows is large.
const LARGE: f32 = 5_000.0;
/// Lists are counted up to 10,000.
const MOST_ROWS: f64 = 10_100.0;
/// A statement is explained with so many different values.
const MOST_TIMES: usize = 4;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Plans {
    databases: HashMap<String, Examined>,
    times: HashMap<(String, String), usize>,
    pub(crate) found: Vec<String>,
    pub(crate) statements: usize,
}

struct Examined {
    connection: DatabaseConnection,
    large: HashSet<String>,
}

impl Plans {
    /// Looks at the plans of statements that an operation has sent.
    pub(crate) async fn check(&mut self, operation: &str, sent: &[Sent]) {
        for Sent { database, statement, .. } in sent {
            let word = statement.sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            if !["SELECT", "WITH", "UPDATE", "DELETE"].contains(&word.as_str()) {
                continue;
            }
            let times = self.times.entry((database.to_string(), statement.sql.clone())).or_default();
            *times += 1;
            if *times > MOST_TIMES {
                continue;
            }
            let is_first = *times == 1;
            if !self.databases.contains_key(&**database) {
                self.databases.insert(database.to_string(), Examined::open(database).await);
            }
            let examined = &self.databases[&**database];
            self.statements += usize::from(is_first);
            // What changes something is only planned.
            let reads = word == "SELECT" || word == "WITH";
            let found = examined.check(statement, reads, is_first).await;
            self.found.extend(found.into_iter().map(|found| format!("{operation}: {found}")));
        }
    }

    pub(crate) async fn close(self) {
        for examined in self.databases.into_values() {
            examined.connection.close().await.unwrap();
        }
    }
}

impl Examined {
    async fn open(url: &str) -> Self {
        let connection = connect(url).await;
        let sql = "SELECT relname::text, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        let large = rows.iter().filter(|row| row.try_get_by_index::<f32>(1).unwrap() >= LARGE);
        let large = large.map(|row| row.try_get_by_index(0).unwrap()).collect();
        Self { connection, large }
    }

    /// What is wrong with the plans of a statement.
    async fn check(&self, statement: &Statement, reads: bool, generic_too: bool) -> Vec<String> {
        let plan = self.explain(if reads { "ANALYZE, " } else { "" }, statement.clone()).await;
        let mut wrong = self.wrong_in(&plan);
        if generic_too {
            let generic = self.generic(statement).await;
            // As PostgreSQL decides it: planning anew costs as much as this.
            let planning = 2.5 * (nodes(&plan).filter(|node| node.get("Relation Name").is_some()).count() + 1) as f64;
            if cost(&generic) < cost(&plan) + planning {
                wrong.extend(self.wrong_in(&generic).into_iter().map(|wrong| format!("{wrong} by the generic plan")));
            }
        }
        if wrong.is_empty() {
            return Vec::new();
        }
        let shown = self.shown(statement.clone()).await;
        let wrong: Vec<String> = wrong.into_iter().collect();
        vec![format!("{}\n{statement}\n{shown}\n", wrong.join(", "))]
    }

    fn wrong_in(&self, plan: &Value) -> BTreeSet<String> {
        let mut wrong = BTreeSet::new();
        for node in nodes(plan) {
            let Some(table) = node["Relation Name"].as_str().filter(|table| self.large.contains(*table)) else {
                continue;
            };
            if node["Node Type"].as_str().is_some_and(|kind| kind.ends_with("Seq Scan")) {
                wrong.insert(format!("{table} is read as a whole"));
            }
            let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
            let rows = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
            if rows > MOST_ROWS {
                wrong.insert(format!("{rows} rows of {table} are read"));
            }
        }
        wrong
    }

    async fn explain(&self, options: &str, mut statement: Statement) -> Value {
        statement.sql = format!("EXPLAIN ({options}FORMAT JSON) {}", statement.sql);
        let row = self.connection.query_one_raw(statement.clone()).await;
        let row = row.unwrap_or_else(|error| panic!("{statement}: {error}")).expect("a plan is a row");
        let mut plan: Value = row.try_get_by_index(0).unwrap();
        plan[0]["Plan"].take()
    }

    /// The plan for any values.
    async fn generic(&self, statement: &Statement) -> Value {
        let values: &[SqlValue] = statement.values.as_ref().map_or(&[], |values| &values.0);
        let types: Vec<&str> = values.iter().map(type_of).collect();
        let list = |items: Vec<&str>| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
        let run = async |sql: &str| {
            self.connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
        };
        run("SET plan_cache_mode = force_generic_plan").await;
        run(&format!("PREPARE examined {} AS {}", list(types), statement.sql)).await;
        let execute = format!("EXECUTE examined {}", list(vec!["NULL"; values.len()]));
        let plan = self.explain("", Statement::from_string(DbBackend::Postgres, execute)).await;
        run("DEALLOCATE examined").await;
        run("RESET plan_cache_mode").await;
        plan
    }

    /// The plan for the values, as text for people.
    async fn shown(&self, mut statement: Statement) -> String {
        statement.sql = format!("EXPLAIN {}", statement.sql);
        let rows = self.connection.query_all_raw(statement).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        lines.join("\n")
    }
}

/// All parts of a plan.
fn nodes(plan: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let below = plan["Plans"].as_array().into_iter().flatten();
    Box::new(std::iter::once(plan).chain(below.flat_map(nodes)))
}

fn cost(plan: &Value) -> f64 {
    plan["Total Cost"].as_f64().unwrap()
}

/// As which type a value is sent.
fn type_of(value: &SqlValue) -> &'static str {
    match value {
        SqlValue::Bool(_) => "boolean",
        SqlValue::SmallInt(_) => "smallint",
        SqlValue::Int(_) => "integer",
        SqlValue::BigInt(_) | SqlValue::Unsigned(_) | SqlValue::BigUnsigned(_) => "bigint",
        SqlValue::String(_) | SqlValue::Char(_) => "text",
        SqlValue::Bytes(_) => "bytea",
        SqlValue::Json(_) => "jsonb",
        SqlValue::Uuid(_) => "uuid",
        other => panic!("no statement has had a value like {other:?} before"),
    }
}
