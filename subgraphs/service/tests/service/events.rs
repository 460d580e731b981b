//! The outbox and its relay on both databases: every event is published, those of one entity in order, whichever of two instances writes and
//! publishes, and also when they are stopped in the middle.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigrationTrait;
use service::events::{CreateOutbox, Relay, Stream, add};
use service::testing::TestDatabase;
use service::{Database, EventBus, Metrics};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::World;

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateOutbox)]
}

/// Adds one to an entity's number and tells it, in one transaction, like a service does.
async fn change(database: &Database, entity: Uuid, prefix: &'static str) {
    let work = |tx: service::database::Transaction| async move {
        let backend = tx.get_database_backend();
        let raise = "UPDATE entities SET number = number + 1 WHERE id = $1 RETURNING number";
        let raise = Statement::from_sql_and_values(backend, raise, [entity.to_string().into()]);
        let number: i64 = tx.query_one_raw(raise).await?.unwrap().try_get_by_index(0)?;
        add(&tx, entity, format!("{prefix}.{entity}"), &serde_json::json!({ "number": number })).await
    };
    database.write(work).await.unwrap();
}

async fn prepared(database: &Database, entities: &[Uuid]) {
    database.migrate(migrations).await.unwrap();
    let create = "CREATE TABLE entities (id VARCHAR(36) PRIMARY KEY, number BIGINT NOT NULL)";
    database.reader().execute_unprepared(create).await.unwrap();
    for id in entities {
        database.reader().execute_unprepared(&format!("INSERT INTO entities VALUES ('{id}', 0)")).await.unwrap();
    }
}

/// A relay whose death is noticed soon.
fn relay(database: &Database, bus: EventBus) -> Relay {
    Relay::new(database.clone(), bus, &Metrics::new("test")).with_lease(Duration::from_millis(300))
}

async fn waiting(database: &Database) -> i64 {
    let count = Statement::from_string(database.reader().get_database_backend(), "SELECT COUNT(*) FROM outbox");
    database.reader().query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_publish_every_event_in_the_order_of_its_entity() {
    const ENTITIES: usize = 5;
    const CHANGES: usize = 40;
    let Ok(url) = std::env::var("NATS_URL") else {
        assert!(std::env::var_os("CI").is_none(), "CI must set NATS_URL");
        eprintln!("skipped: NATS_URL is not set");
        return;
    };
    for place in TestDatabase::each().await.unwrap() {
        // The name and the subjects of a service are constants; a test's are new each time.
        let run: &'static str = Uuid::new_v4().simple().to_string().leak();
        let prefix: &'static str = format!("test{run}").leak();
        let stream =
            Stream { name: format!("TEST_{run}").leak(), subjects: vec![&*format!("{prefix}.>").leak()].leak() };
        let entities: Vec<Uuid> = (0..ENTITIES).map(|_| Uuid::new_v4()).collect();
        let (one, other) =
            (Database::connect(&place.config).await.unwrap(), Database::connect(&place.config).await.unwrap());
        prepared(&one, &entities).await;
        let stop = CancellationToken::new();
        let relays = [one.clone(), other.clone()].map(|database| {
            let (url, stop) = (url.clone(), stop.clone());
            tokio::spawn(async move {
                let bus = EventBus::open(Some(&url), stream).await.unwrap();
                relay(&database, bus).run(stop).await;
            })
        });
        // A third one dies again and again.
        let unlucky = tokio::spawn({
            let (database, url) = (other.clone(), url.clone());
            async move {
                let bus = EventBus::open(Some(&url), stream).await.unwrap();
                loop {
                    let relay = relay(&database, bus.clone());
                    let died = relay.run(CancellationToken::new());
                    let _ = tokio::time::timeout(Duration::from_millis(70), died).await;
                }
            }
        });
        let writers = (0..4).map(|writer| {
            let database = if writer % 2 == 0 { one.clone() } else { other.clone() };
            let entities = entities.clone();
            tokio::spawn(async move {
                for number in 0..CHANGES * ENTITIES / 4 {
                    change(&database, entities[(number + writer) % ENTITIES], prefix).await;
                }
            })
        });
        join_all(writers).await.into_iter().for_each(Result::unwrap);
        let drained = async {
            while waiting(&one).await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), drained).await.expect("all events are published");
        unlucky.abort();
        stop.cancel();
        for relay in relays {
            relay.await.unwrap();
        }

        let jetstream = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
        let kept = jetstream.get_stream(stream.name).await.unwrap();
        let consumer = async_nats::jetstream::consumer::pull::OrderedConfig::default();
        let mut messages = kept.create_consumer(consumer).await.unwrap().messages().await.unwrap();
        let mut numbers: HashMap<String, Vec<u64>> = HashMap::new();
        for _ in 0..CHANGES * ENTITIES {
            let message =
                tokio::time::timeout(Duration::from_secs(10), messages.next()).await.unwrap().unwrap().unwrap();
            let payload: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            numbers.entry(message.subject.to_string()).or_default().push(payload["number"].as_u64().unwrap());
        }
        assert_eq!(kept.get_info().await.unwrap().state.messages, (CHANGES * ENTITIES) as u64, "each is kept once");
        assert_eq!(numbers.len(), ENTITIES);
        for (entity, numbers) in numbers {
            assert_eq!(numbers, (1..=CHANGES as u64).collect::<Vec<_>>(), "{entity}");
        }
        jetstream.delete_stream(stream.name).await.unwrap();
        one.close().await.unwrap();
        other.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_are_seen_in_the_metrics() {
    let world = World::start(None, |_| {}).await;
    let metrics = || async {
        let answer = world.client.get(format!("{}/metrics", world.url)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let entity = Uuid::new_v4();
    prepared(&world.database, &[entity]).await;
    change(&world.database, entity, "greetings").await;
    let published = async {
        while !metrics().await.contains("probe_events_published_total 1\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), published).await.expect("the event is published and counted");
    assert!(metrics().await.contains("probe_events_waiting 0\n"), "{}", metrics().await);
}
