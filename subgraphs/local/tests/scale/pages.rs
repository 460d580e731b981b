//! Visitors who open product pages, at a rate that does not wait for the answers.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::fill::{Rows, sku};
use crate::report::percentiles;
use crate::shop::Shop;

const PAGE: &str = include_str!("../../../../schema/operations/product-page.graphql");
/// From how many addresses they come.
const VISITORS: u32 = 40;

/// Opens so many pages a second, each of another product, such that the router has kept none of them. A page's time counts from when it
/// should have begun.
pub(crate) async fn visit(shop: &Shop, rows: &Rows, a_second: u32, time: Duration) {
    let visitors: Vec<_> = (0..VISITORS).map(|number| shop.client(100 + number)).collect();
    // Connections are open already when somebody visits a second page.
    for visitor in &visitors {
        visitor.data("{ __typename }", json!({})).await;
    }
    let pages = a_second * u32::try_from(time.as_secs()).unwrap();
    let began = Instant::now();
    let mut open = JoinSet::new();
    for page in 0..pages {
        let due = began + Duration::from_secs(1) * page / a_second;
        tokio::time::sleep_until(due.into()).await;
        let visitor = visitors[(page % VISITORS) as usize].clone();
        // 7,919 is a prime, so no product comes again before all have.
        let product = sku(1 + u32::try_from(u64::from(page) * 7919 % u64::from(rows.products)).unwrap());
        open.spawn(async move {
            let data = visitor.data(PAGE, json!({ "sku": product })).await;
            assert_eq!(data["product"]["sku"], product);
            due.elapsed()
        });
    }
    let took = open.join_all().await;
    println!("{a_second} product pages a second, each of another product: {}\n", percentiles(took));
}
