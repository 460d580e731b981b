//! Starting: migrations and sample data run once, even if many instances start at the same time; and the SDL.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use service::Config;
use service::testing::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_migrate_and_fill_once() {
    for database in TestDatabase::each().await.unwrap() {
        let mut config = Config::new(&inventory::INFO);
        config.database = database.config.clone();
        config.database.connections = 3;
        config.sample_data = Some(true);
        let started = Instant::now();
        let opened = join_all((0..5).map(|_| inventory::open(&config))).await;
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        let opened: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
        let reader = opened[0].reader();
        let count = Statement::from_string(reader.get_database_backend(), "SELECT COUNT(*) AS n FROM products");
        let products: i64 = reader.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap();
        assert_eq!(products, service::sample::products().len() as i64);
        join_all(opened.iter().map(service::Database::close)).await;
        database.drop_it().await.unwrap();
    }
}

#[test]
fn the_sdl_is_the_same_every_time() {
    let sdl = inventory::sdl();
    assert_eq!(sdl, inventory::sdl());
    for part in [
        "type Product implements Node @key(fields: \"id\") @key(fields: \"sku\") {",
        "type Warehouse implements Node @key(fields: \"id\") {",
        "  cost: Money @inaccessible @tag(name: \"internal\")",
        "type PageInfo @shareable {",
        "  ): ReserveStockResult! @inaccessible @tag(name: \"internal\")",
        "union ReserveStockResult @inaccessible =",
        "interface Node {",
        "input ProductBy @oneOf {",
        "type CatalogUserError implements UserError",
    ] {
        assert!(sdl.contains(part), "{part}");
    }
}
