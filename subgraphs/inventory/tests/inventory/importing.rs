//! Importing products from a file: what is new, what is changed, and what is wrong by line.

use std::path::PathBuf;

use inventory::{Command, ImportCommand};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use service::Viewer::Anonymous;
use service::events::Event;
use service::testing::TestDatabase;
use service::{Config, EventBus};

use super::shop::Shop;

const HEADER: &str = "sku,name,description,category,price,cost,currency,weight_grams\n";

/// A file for a database with the sample data.
struct Files {
    config: Config,
    folder: tempfile::TempDir,
}

impl Files {
    async fn import(&self, content: &[u8], skip_invalid: bool) -> Result<String, String> {
        let file = self.folder.path().join("products.csv");
        std::fs::write(&file, content).unwrap();
        self.import_file(file, skip_invalid).await
    }

    #[expect(clippy::print_stdout, reason = "how fast a long file was is what somebody runs the test for")]
    async fn import_file(&self, file: PathBuf, skip_invalid: bool) -> Result<String, String> {
        let command = Command::Import(ImportCommand::Products { file, skip_invalid });
        let report = inventory::command(self.config.clone(), command).await.map_err(|error| format!("{error:#}"))?;
        // How fast it was differs each time.
        let (report, speed) = report.trim_end().rsplit_once('\n').expect("two lines");
        assert!(speed.contains(" lines in ") && speed.ends_with(" a second."), "{speed}");
        println!("{speed}");
        Ok(format!("{report}\n"))
    }
}

async fn on_each<F: Future<Output = ()>>(test: impl Fn(Shop, Files) -> F) {
    for database in TestDatabase::each().await.unwrap() {
        let mut config = Config::new(&inventory::INFO);
        config.database = database.config.clone();
        config.sample_data = Some(true);
        let opened = inventory::open(&config).await.unwrap();
        let events = EventBus::in_process();
        let schema = inventory::schema(&config, &opened, events.clone());
        let shop = Shop { schema, database: opened.clone(), events };
        test(shop, Files { config, folder: tempfile::tempdir().unwrap() }).await;
        opened.close().await.unwrap();
        database.drop_it().await.unwrap();
    }
}

async fn products(shop: &Shop, search: &str) -> serde_json::Value {
    let query = "query($s: String!) { products(filter: { search: $s }, sort: NAME) { nodes {
      sku name category { slug } price { amount currency } weightGrams stock
    } } }";
    shop.data(Anonymous, query, json!({ "s": search })).await["products"]["nodes"].take()
}

/// The types and tags that the router is told to ask for again.
async fn untrue(shop: &Shop) -> serde_json::Value {
    let sql = "SELECT subject, payload FROM outbox ORDER BY position";
    let reader = shop.database.reader();
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await.unwrap();
    let text = |row: &sea_orm::QueryResult, column: &str| row.try_get("", column).unwrap();
    let event = |row| Event { id: String::new(), subject: text(row, "subject"), payload: text(row, "payload") };
    let items = rows.iter().flat_map(|row| inventory::untrue(&event(row)));
    items.map(|item| item.get("type").unwrap_or(&item["cache_tag"]).clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_creates_and_changes_by_sku() {
    on_each(|shop, files| async move {
        let file = format!(
            "\u{feff}{HEADER}IMP-1,\"Wombat, small\",\"It \"\"digs\"\".\nAt night.\",garden,9.90,4,EUR,250\r\n IMP-2 ,Wombat 大,-,tools,1000,1,JPY,0\n"
        );
        assert_eq!(files.import(file.as_bytes(), false).await.unwrap(), "2 products are new, 0 were changed.\n");
        let expected = json!([
            { "sku": "IMP-2", "name": "Wombat 大", "category": { "slug": "tools" }, "price": { "amount": "1000", "currency": "JPY" }, "weightGrams": 0, "stock": 0 },
            { "sku": "IMP-1", "name": "Wombat, small", "category": { "slug": "garden" }, "price": { "amount": "9.90", "currency": "EUR" }, "weightGrams": 250, "stock": 0 },
        ]);
        assert_eq!(products(&shop, "wombat").await, expected);
        assert_eq!(untrue(&shop).await, json!(["Product", "products"]));
        // The columns may be in another order.
        let again = "name,sku,currency,price,cost,weight_grams,category,description\nBandicoot,IMP-1,EUR,1,1,1,tools,new\n";
        assert_eq!(files.import(again.as_bytes(), false).await.unwrap(), "0 products are new, 1 were changed.\n");
        assert_eq!(products(&shop, "bandicoot").await[0]["sku"], "IMP-1");
        assert_eq!(products(&shop, "wombat").await.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_line_is_named_and_nothing_is_imported() {
    on_each(|shop, files| async move {
        let mut file = HEADER.as_bytes().to_vec();
        let long = "x".repeat(201);
        for (line, _) in broken(&long) {
            file.extend(line);
            file.push(b'\n');
        }
        file.extend(b"GOOD-1,Numbat,-,tools,1,1,EUR,1\n");
        let report = files.import(&file, false).await.unwrap_err();
        for (number, (_, expected)) in (2..).zip(broken(&long)).skip(1) {
            let found = report.lines().find(|line| line.starts_with(&format!("line {number}: ")));
            let expected = format!("line {number}: {expected}");
            assert!(found.is_some_and(|found| found.starts_with(&expected)), "{expected}\n{report}");
        }
        assert!(report.contains("nothing was imported") && report.contains("--skip-invalid"), "{report}");
        assert_eq!(products(&shop, "numbat").await, json!([]));
        let skipped = files.import(&file, true).await.unwrap();
        let count = broken(&long).len() - 1;
        assert!(
            skipped.ends_with(&format!("{count} lines can't be imported.\n2 products are new, 0 were changed.\n")),
            "{skipped}"
        );
        assert_eq!(products(&shop, "numbat").await.as_array().unwrap().len(), 2);
    })
    .await;
}

/// Lines, and how the report about each begins. The first one is good.
fn broken(long: &str) -> Vec<(Vec<u8>, &'static str)> {
    let mut lines: Vec<(Vec<u8>, &'static str)> = [
        ("FEW-1,Numbat,-,tools,1,1,EUR".to_owned(), "it has 7 columns instead of 8"),
        ("MANY-1,Numbat,-,tools,1,1,EUR,1,1".to_owned(), "it has 9 columns instead of 8"),
        ("lower,Numbat,-,tools,1,1,EUR,1".to_owned(), "sku: "),
        ("SAME-1,Numbat,-,tools,1,1,EUR,1".to_owned(), "sku: line 2 has the same SKU"),
        (",Numbat,-,tools,1,1,EUR,1".to_owned(), "sku: "),
        ("A-1,,-,tools,1,1,EUR,1".to_owned(), "name: "),
        (format!("A-1,{long},-,tools,1,1,EUR,1"), "name: "),
        (format!("A-1,Numbat,{},tools,1,1,EUR,1", long.repeat(20)), "description: "),
        ("A-1,Nu\0mbat,-,tools,1,1,EUR,1".to_owned(), "name: it has the character U+0000"),
        ("A-1,Numbat,-,nowhere,1,1,EUR,1".to_owned(), "category: there is no category with the slug \"nowhere\""),
        ("A-1,Numbat,-,tools,cheap,1,EUR,1".to_owned(), "price: "),
        ("A-1,Numbat,-,tools,1.999,1,EUR,1".to_owned(), "price: EUR has at most 2 decimal digits"),
        ("A-1,Numbat,-,tools,-1,1,EUR,1".to_owned(), "price: `price` must not be negative."),
        ("A-1,Numbat,-,tools,1,99999999999999999999,EUR,1".to_owned(), "cost: "),
        ("A-1,Numbat,-,tools,1,1,euro,1".to_owned(), "price: "),
        ("A-1,Numbat,-,tools,1,1,EUR,heavy".to_owned(), "weight_grams: \"heavy\" is not a whole number of grams"),
        ("A-1,Numbat,-,tools,1,1,EUR,-1".to_owned(), "weight_grams: "),
        ("A-1,Numbat,-,tools,1,1,EUR,99999999999".to_owned(), "weight_grams: "),
    ]
    .into_iter()
    .map(|(line, expected)| (line.into_bytes(), expected))
    .collect();
    lines.push((b"A-1,Num\xffbat,-,tools,1,1,EUR,1".to_vec(), "name: it is not encoded in UTF-8"));
    // What the SKU that is there twice refers to.
    lines.insert(0, (b"SAME-1,Numbat,-,tools,1,1,EUR,1".to_vec(), ""));
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_list_of_products_is_refused() {
    on_each(|_shop, files| async move {
        let unclosed = format!("{HEADER}A-1,\"{}", "x,\n".repeat(1 << 19));
        for (file, expected) in [
            ("".to_owned(), "The column \"sku\" is missing"),
            ("sku,name\n".to_owned(), "The column \"description\" is missing"),
            (format!("colour,{HEADER}"), "There is no column \"colour\""),
            (format!("sku,{HEADER}"), "The column \"sku\" is there twice"),
            (unclosed, "line 2: the line has more than 1048576 bytes"),
            ("x".repeat(3 << 20), "line 1: the line has more than 1048576 bytes"),
        ] {
            for skip_invalid in [false, true] {
                let report = files.import(file.as_bytes(), skip_invalid).await.unwrap_err();
                assert!(report.contains(expected), "{expected}: {report}");
            }
        }
        let missing = files.import_file(files.folder.path().join("no.csv"), false).await.unwrap_err();
        assert!(missing.contains("can't be opened"), "{missing}");
        assert_eq!(files.import(HEADER.as_bytes(), false).await.unwrap(), "0 products are new, 0 were changed.\n");
    })
    .await;
}

/// `IMPORT_LINES=200000` imports so many.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_imported_in_batches() {
    let lines: usize = std::env::var("IMPORT_LINES").ok().and_then(|lines| lines.parse().ok()).unwrap_or(3000);
    on_each(|shop, files| async move {
        let line = |n: usize| format!("LONG-{n},Quokka {n},Number {n}.,tools,{n}.50,1,EUR,{n}\n");
        let file = HEADER.to_owned() + &(0..lines).map(line).collect::<String>();
        let report = files.import(file.as_bytes(), false).await.unwrap();
        assert_eq!(report, format!("{lines} products are new, 0 were changed.\n"));
        assert_eq!(products(&shop, &format!("quokka {}", lines - 1)).await[0]["sku"], format!("LONG-{}", lines - 1));
        let report = files.import(file.as_bytes(), false).await.unwrap();
        assert_eq!(report, format!("0 products are new, {lines} were changed.\n"));
    })
    .await;
}
