//! Imports products from a CSV file into the database: all of the file in one transaction. Knows no GraphQL.
//!
//! Lines are read one after the other and written in batches, so the memory that an import needs does not grow with the file, apart
//! from the SKUs, which are kept to find those that the file has twice.

mod lines;

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::database::Transaction;
use service::{Database, Error, Result, clock};
use uuid::Uuid;

use self::lines::{Line, Lines};
use crate::catalog::search;
use crate::changes;
use crate::entity::{category, product};

/// What to import, and how.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) file: PathBuf,
    /// Imports the valid lines of a file that has others too.
    pub(crate) skip_invalid: bool,
}

/// What an import has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Outcome {
    lines: u64,
    created: u64,
    updated: u64,
    invalid: Invalid,
}

/// The lines that could not be imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Invalid {
    count: u64,
    /// What is wrong with the first of them.
    shown: Vec<String>,
}

/// Imports the file, and returns what to tell the person who did. An error, and no change, if a line can't be imported, unless such
/// lines are to be skipped.
pub(crate) async fn products(database: &Database, import: &Import) -> anyhow::Result<String> {
    let began = Instant::now();
    let done = database.write(|tx| run(tx, import.clone())).await?;
    let mut report = done.invalid.report();
    report.push_str(&format!("{} products are new, {} were changed.\n", done.created, done.updated));
    report.push_str(&speed(done.lines, began.elapsed()));
    Ok(report)
}

fn speed(lines: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("{lines} lines in {seconds:.1} s: {:.0} a second.\n", lines as f64 / seconds.max(f64::EPSILON))
}

async fn run(tx: Transaction, import: Import) -> Result<Outcome> {
    let categories = categories(&tx).await?;
    let mut lines = open(&import.file)?;
    let mut outcome = Outcome::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut seen: HashMap<String, u64> = HashMap::new();
    while let Some(line) = lines.next()? {
        outcome.lines += 1;
        if line.number % PROGRESS == 0 {
            // Nobody may be looking.
            let _ = writeln!(std::io::stderr(), "line {} …", line.number);
        }
        match row(&line, &categories, &mut seen) {
            Ok(row) => batch.push(row),
            Err(error) => outcome.invalid.add(line.number, &error),
        }
        let writes = import.skip_invalid || outcome.invalid.count == 0;
        if batch.len() == BATCH {
            if writes {
                write(&tx, std::mem::take(&mut batch), &categories, &mut outcome).await?;
            }
            batch.clear();
        }
    }
    if !import.skip_invalid && outcome.invalid.count > 0 {
        return Err(Error::bad_input(format!(
            "nothing was imported, because some lines can't be:\n{}Correct them, or skip them with --skip-invalid.",
            outcome.invalid.report()
        )));
    }
    write(&tx, batch, &categories, &mut outcome).await?;
    if outcome.created + outcome.updated > 0 {
        changes::imported(&tx).await?;
    }
    Ok(outcome)
}

fn open(file: &Path) -> Result<Lines> {
    let opened = std::fs::File::open(file)
        .map_err(|error| Error::bad_input(format!("{} can't be opened: {error}.", file.display())))?;
    Lines::read(opened)
}

/// The categories by slug, locked, so that none is renamed until the words of its products are written.
async fn categories(tx: &DatabaseTransaction) -> Result<HashMap<String, category::Model>> {
    let all = category::Entity::find().order_by_asc(category::Column::Id).lock_shared().all(tx).await?;
    Ok(all.into_iter().map(|row| (row.slug.clone(), row)).collect())
}

/// The line as a row; an error about what is wrong with it.
fn row(
    line: &Line,
    categories: &HashMap<String, category::Model>,
    seen: &mut HashMap<String, u64>,
) -> Result<product::Model> {
    let cells = line.cells()?;
    let category = categories.get(cells.category).map(|category| category.id);
    let category = category.ok_or_else(|| {
        let slug: String = cells.category.chars().take(60).collect();
        lines::wrong("category", format!("there is no category with the slug {slug:?}"))
    })?;
    let row = cells.product(Uuid::new_v4(), category, clock::now_millis())?.checked_row()?;
    match seen.get(&row.sku) {
        Some(earlier) => Err(lines::wrong("sku", format!("line {earlier} has the same SKU"))),
        None => {
            seen.insert(row.sku.clone(), line.number);
            Ok(row)
        }
    }
}

/// Writes products that are new, and changes those whose SKU is there.
async fn write(
    tx: &DatabaseTransaction,
    rows: Vec<product::Model>,
    categories: &HashMap<String, category::Model>,
    outcome: &mut Outcome,
) -> Result<()> {
    use product::Column::{
        CategoryId, CostCurrency, CostMinor, Description, Id, Name, NameKey, PriceCurrency, PriceMinor, Sku, UpdatedAt,
        WeightGrams,
    };
    if rows.is_empty() {
        return Ok(());
    }
    let changed = OnConflict::column(Sku)
        .update_columns([
            Name,
            NameKey,
            Description,
            CategoryId,
            PriceMinor,
            PriceCurrency,
            CostMinor,
            CostCurrency,
            WeightGrams,
            UpdatedAt,
        ])
        .to_owned();
    product::Entity::insert_many(rows.iter().cloned().map(IntoActiveModel::into_active_model))
        .on_conflict(changed)
        .exec_without_returning(tx)
        .await?;
    let skus = rows.iter().map(|row| row.sku.as_str());
    let ids =
        product::Entity::find().select_only().columns([Sku, Id]).filter(Sku.is_in(skus)).into_tuple::<(String, Uuid)>();
    let ids: HashMap<String, Uuid> = ids.all(tx).await?.into_iter().collect();
    let names: HashMap<Uuid, &str> = categories.values().map(|row| (row.id, row.name.as_str())).collect();
    let mut terms = Vec::with_capacity(rows.len());
    for mut row in rows {
        let id = ids.get(&row.sku).copied().unwrap_or(row.id);
        *(if id == row.id { &mut outcome.created } else { &mut outcome.updated }) += 1;
        row.id = id;
        terms.push(search::terms(&row, names.get(&row.category_id).copied().unwrap_or_default()));
    }
    search::write(tx, terms).await
}

impl Invalid {
    fn add(&mut self, line: u64, error: &Error) {
        self.count += 1;
        if self.shown.len() >= MOST_SHOWN {
            return;
        }
        let shown = match error {
            Error::Caller { message, field: Some(field), .. } => {
                let column = field.iter().skip(1).map(|name| lines::column(name)).collect::<Vec<_>>().join(".");
                format!("line {line}: {column}: {message}")
            }
            other => format!("line {line}: {other}"),
        };
        self.shown.push(shown);
    }

    /// One line for each of them.
    fn report(&self) -> String {
        let mut report: String = self.shown.iter().map(|shown| format!("{shown}\n")).collect();
        let more = self.count.saturating_sub(self.shown.len() as u64);
        if more > 0 {
            report.push_str(&format!("… and {more} more lines\n"));
        }
        if self.count > 0 {
            report.push_str(&format!("{} lines can't be imported.\n", self.count));
        }
        report
    }
}

/// How many products are written with one statement.
const BATCH: usize = 500;
const MOST_SHOWN: usize = 1000;
/// After how many lines a person sees that it goes on.
const PROGRESS: u64 = 10_000;
