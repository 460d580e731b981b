//! The commands for operators. Knows no HTTP.

use std::path::PathBuf;

use clap::Subcommand;
use service::process::Printing;
use service::{Config, Database};

use crate::import::{self, Import};
use crate::migration;

/// What can be done beside serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write what is in a file to the database
    #[command(subcommand)]
    Import(ImportCommand),
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Create the products of a CSV file, and change those whose SKU is there
    ///
    /// The first line names the columns: sku, name, description, category (its slug), price, cost, currency, weight_grams.
    /// The text is UTF-8. Lines that can't be imported are listed; then nothing is imported.
    Products {
        /// The file
        file: PathBuf,
        /// Import the other lines if some can't be
        #[arg(long)]
        skip_invalid: bool,
    },
}

/// Runs a command on the database of the configuration, and returns what it prints.
pub fn command(config: Config, command: Command) -> Printing {
    Box::pin(async move {
        let database = Database::connect(&config.database).await?;
        database.migrate(migration::steps).await?;
        let Command::Import(ImportCommand::Products { file, skip_invalid }) = command;
        let done = import::products(&database, &Import { file, skip_invalid }).await;
        database.close().await?;
        done
    })
}
