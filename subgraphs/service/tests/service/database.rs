//! Writing on both databases: once, in turn, all or nothing, and again when the database asks for it.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use service::database::{Filled, Lease};
use service::graphql::Total;
use service::testing::TestDatabase;
use service::{Code, Database, Error, Result};

async fn on_each<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    for place in TestDatabase::each().await.unwrap() {
        let database = Database::connect(&place.config).await.unwrap();
        let create = "CREATE TABLE counters (name VARCHAR(10) PRIMARY KEY, value BIGINT NOT NULL)";
        database.reader().execute_unprepared(create).await.unwrap();
        database.reader().execute_unprepared("INSERT INTO counters VALUES ('a', 0), ('b', 0)").await.unwrap();
        test(database.clone()).await;
        database.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}

async fn read(database: &impl ConnectionTrait, name: &str) -> Result<i64> {
    let sql = "SELECT value FROM counters WHERE name = $1";
    let statement = Statement::from_sql_and_values(database.get_database_backend(), sql, [name.into()]);
    let row = database.query_one_raw(statement).await?;
    Ok(row.ok_or_else(|| Error::not_found(name))?.try_get("", "value")?)
}

async fn add(tx: &DatabaseTransaction, name: &str) -> Result<()> {
    let sql = "UPDATE counters SET value = value + 1 WHERE name = $1";
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, [name.into()])).await?;
    Ok(())
}

/// The two rows are locked in both orders: PostgreSQL ends such circles by giving one up, which is then tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deadlocks_are_tried_again() {
    on_each(|database| async move {
        let writers = (0..6).map(|n| {
            let database = database.clone();
            tokio::spawn(async move {
                let names = if n % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
                let work = |tx: service::database::Transaction| async move {
                    add(&tx, names[0]).await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    add(&tx, names[1]).await
                };
                database.write(work).await
            })
        });
        join_all(writers).await.into_iter().for_each(|done| done.unwrap().unwrap());
        assert_eq!(read(database.reader(), "a").await.unwrap(), 6);
        assert_eq!(read(database.reader(), "b").await.unwrap(), 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_takes_everything_back() {
    on_each(|database| async move {
        let work = |tx: service::database::Transaction| async move {
            add(&tx, "a").await?;
            Err::<(), _>(Error::conflict("No."))
        };
        assert!(database.write(work).await.is_err());
        assert_eq!(read(database.reader(), "a").await.unwrap(), 0);
    })
    .await;
}

fn sample(tx: service::database::Transaction) -> service::database::Work {
    Box::pin(async move {
        tx.execute_unprepared("INSERT INTO accounts VALUES ('sample')").await?;
        Ok(())
    })
}

fn broken(tx: service::database::Transaction) -> service::database::Work {
    Box::pin(async move {
        tx.execute_unprepared("INSERT INTO accounts VALUES ('half')").await?;
        Err(Error::conflict("No."))
    })
}

/// A database with two empty tables.
async fn empty(database: &Database) {
    database.reader().execute_unprepared("DROP TABLE counters").await.unwrap();
    for name in ["accounts", "other"] {
        database.reader().execute_unprepared(&format!("CREATE TABLE {name} (name TEXT)")).await.unwrap();
    }
}

async fn accounts(database: &Database) -> i64 {
    let backend = database.reader().get_database_backend();
    let count = Statement::from_string(backend, "SELECT COUNT(*) AS n FROM accounts");
    database.reader().query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_data_is_written_once_and_a_failure_does_not_count() {
    on_each(|database| async move {
        empty(&database).await;
        assert!(database.fill(broken).await.is_err());
        let all = (0..8).map(|_| database.fill(sample));
        let done: Vec<Filled> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|done| **done == Filled::Now).count(), 1);
        assert_eq!(done.iter().filter(|done| **done == Filled::Before).count(), 7);
        assert_eq!(accounts(&database).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_data_never_joins_other_data() {
    on_each(|database| async move {
        empty(&database).await;
        database.reader().execute_unprepared("INSERT INTO other VALUES ('real')").await.unwrap();
        let table = "other".to_owned();
        assert_eq!(database.fill(sample).await.unwrap(), Filled::HasData { table });
        assert_eq!(accounts(&database).await, 0);
        // Emptied again, it is as good as new.
        database.reader().execute_unprepared("DELETE FROM other").await.unwrap();
        assert_eq!(database.fill(sample).await.unwrap(), Filled::Now);
    })
    .await;
}

/// U+0000 in a text is the caller's mistake, and trying again does not help.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_can_not_be_stored_is_bad_input() {
    on_each(|database| async move {
        let before = database.statements();
        let written = database.write(|tx| async move { add(&tx, "a\0").await }).await;
        if database.reader().get_database_backend() == DbBackend::Postgres {
            assert_eq!(written.unwrap_err().code(), Code::BadUserInput);
        } else {
            written.unwrap();
        }
        assert_eq!(database.statements() - before, 1);
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_opened_says_why() {
    for (url, says) in [
        ("mysql://host/db", "DATABASE_URL must begin with"),
        ("sqlite::memory:", "must be a file"),
        ("sqlite:///proc/none/x.db?mode=rwc", "could not create the folder"),
        ("postgres://me:secret@127.0.0.1:1/db", "could not open the database postgres://…@127.0.0.1:1/db"),
    ] {
        let config = service::config::DatabaseConfig { url: url.to_owned(), connections: 2 };
        let error = format!("{:#}", Database::connect(&config).await.unwrap_err());
        assert!(error.contains(says) && !error.contains("secret"), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_instance_at_a_time_has_a_lease() {
    on_each(|database| async move {
        database.migrate(Vec::new).await.unwrap();
        let take = |length| Lease::take(&database, "work", Duration::from_millis(length));
        let all = join_all((0..8).map(|_| take(60_000))).await;
        let mut taken: Vec<Lease> = all.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(taken.len(), 1);
        let mut first = taken.pop().unwrap();
        assert!(first.renew().await.unwrap());
        let before = database.statements();
        assert!(first.keep().await.unwrap());
        assert_eq!(database.statements(), before, "more than half is left");
        assert!(Lease::take(&database, "other work", Duration::from_secs(60)).await.unwrap().is_some());
        first.release().await.unwrap();
        // This one dies.
        drop(take(1).await.unwrap().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut late = take(1).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut next = take(60_000).await.unwrap().unwrap();
        assert!(!late.keep().await.unwrap(), "another instance has taken over");
        late.release().await.unwrap();
        assert!(next.renew().await.unwrap(), "giving back what one does not have changes nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_another_version_is_refused() {
    fn known() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        vec![Box::new(service::events::CreateOutbox)]
    }
    on_each(|database| async move {
        database.migrate(known).await.unwrap();
        database.migrate(known).await.unwrap();
        let error = database.migrate(Vec::new).await.unwrap_err().to_string();
        assert!(error.contains("m0002_create_event_outbox") && error.contains("use another database"), "{error}");
    })
    .await;
}

/// While a newer version takes over, instances of the old one must be able to start again: one migration ahead is tolerated, two are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_one_step_ahead_is_used() {
    struct Next(&'static str);

    impl sea_orm_migration::MigrationName for Next {
        fn name(&self) -> &str {
            self.0
        }
    }

    #[async_trait::async_trait]
    impl sea_orm_migration::MigrationTrait for Next {
        async fn up(&self, _: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm::DbErr> {
            Ok(())
        }
    }

    fn old() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        vec![Box::new(service::events::CreateOutbox)]
    }

    fn new() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        old().into_iter().chain([Box::new(Next("m0003_next")) as Box<dyn sea_orm_migration::MigrationTrait>]).collect()
    }

    fn newest() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        new().into_iter().chain([Box::new(Next("m0004_next")) as Box<dyn sea_orm_migration::MigrationTrait>]).collect()
    }

    on_each(|database| async move {
        database.migrate(old).await.unwrap();
        database.migrate(new).await.unwrap();
        database.migrate(old).await.unwrap();
        database.migrate(newest).await.unwrap();
        database.migrate(new).await.unwrap();
        let error = database.migrate(old).await.unwrap_err().to_string();
        assert!(error.contains("m0003_next"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_counted_or_estimated() {
    struct Query;

    #[async_graphql::Object]
    impl Query {
        async fn list(&self, most: i64) -> Total {
            let mut rows = sea_orm::sea_query::Query::select();
            rows.column("value").from("numbers").and_where(Expr::col("value").lte(most)).order_by("value", Order::Desc);
            Total::rows(rows.take())
        }
    }

    on_each(|database| async move {
        let reader = database.reader();
        reader.execute_unprepared("CREATE TABLE numbers (value BIGINT PRIMARY KEY)").await.unwrap();
        let fill = "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 30000) \
                    INSERT INTO numbers SELECT v FROM n";
        reader.execute_unprepared(fill).await.unwrap();
        reader.execute_unprepared("ANALYZE numbers").await.unwrap();
        let limits = service::config::Limits::default();
        let schema =
            service::graphql::builder(Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription, &limits);
        let schema = service::graphql::with_database(schema, &database).finish();
        let response =
            schema.execute("{ few: list(most: 9999) { totalCount } many: list(most: 25000) { totalCount } }").await;
        let data = response.into_result().unwrap().data.into_json().unwrap();
        assert_eq!(data["few"]["totalCount"], 9999);
        let many = data["many"]["totalCount"].as_i64().unwrap();
        assert!((20_000..=30_000).contains(&many), "{many}");
        if reader.get_database_backend() == DbBackend::Sqlite {
            assert_eq!(many, 25_000);
        }
    })
    .await;
}
