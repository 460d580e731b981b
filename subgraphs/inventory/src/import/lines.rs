//! The lines of a CSV file of products: columns by name, texts and amounts. Knows no database.

use std::fs::File;
use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use service::{Error, Money, Result};
use uuid::Uuid;

use crate::catalog::products::NewProduct;

/// The columns, in the order of [`Cells`]. A file may have them in any order.
pub(super) const COLUMNS: [&str; 8] =
    ["sku", "name", "description", "category", "price", "cost", "currency", "weight_grams"];

/// Reads a file line by line.
pub(super) struct Lines {
    reader: Reader<Bounded>,
    /// Where each of [`COLUMNS`] is.
    places: [usize; COLUMNS.len()],
    record: ByteRecord,
}

/// A line of the file. One with line breaks in quotes is a line too.
pub(super) struct Line<'a> {
    /// Where it begins, from 1.
    pub(super) number: u64,
    record: &'a ByteRecord,
    places: &'a [usize; COLUMNS.len()],
}

/// The texts of a line.
pub(super) struct Cells<'a> {
    sku: &'a str,
    name: &'a str,
    description: &'a str,
    pub(super) category: &'a str,
    price: &'a str,
    cost: &'a str,
    currency: &'a str,
    weight_grams: &'a str,
}

impl Lines {
    /// Begins with the first line, which names the columns.
    pub(super) fn read(file: File) -> Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(Bounded { file, left: MAX_LINE_BYTES });
        let names = reader.byte_headers().map_err(|error| unreadable(1, &error))?.clone();
        let mut places = [None; COLUMNS.len()];
        for (place, name) in names.iter().enumerate() {
            let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
            let Some(known) = COLUMNS.iter().position(|column| *column == name) else {
                let shown: String = name.chars().take(60).collect();
                return Err(no_columns(&format!("There is no column {shown:?}")));
            };
            if places[known].replace(place).is_some() {
                return Err(no_columns(&format!("The column {name:?} is there twice")));
            }
        }
        let mut found = [0; COLUMNS.len()];
        for ((place, known), name) in found.iter_mut().zip(places).zip(COLUMNS) {
            *place = known.ok_or_else(|| no_columns(&format!("The column {name:?} is missing")))?;
        }
        Ok(Self { reader, places: found, record: ByteRecord::new() })
    }

    /// The next line, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>> {
        self.reader.get_mut().left = MAX_LINE_BYTES;
        let before = self.reader.position().line();
        let more = self.reader.read_byte_record(&mut self.record).map_err(|error| unreadable(before, &error))?;
        let number = self.record.position().map_or(before, csv::Position::line);
        Ok(more.then_some(Line { number, record: &self.record, places: &self.places }))
    }
}

impl<'a> Line<'a> {
    /// The texts; an error if there are not as many as columns, or one is no text.
    pub(super) fn cells(&self) -> Result<Cells<'a>> {
        let count = self.record.len();
        if count != COLUMNS.len() {
            return Err(Error::bad_input(format!("it has {count} columns instead of {}", COLUMNS.len())));
        }
        let cell = |column: usize| {
            let place = self.places.get(column).copied().unwrap_or_default();
            let text = std::str::from_utf8(self.record.get(place).unwrap_or_default());
            let name = COLUMNS.get(column).copied().unwrap_or_default();
            let text = text.map_err(|_| wrong(name, "it is not encoded in UTF-8"))?.trim();
            if text.contains('\0') { Err(wrong(name, "it has the character U+0000")) } else { Ok(text) }
        };
        Ok(Cells {
            sku: cell(0)?,
            name: cell(1)?,
            description: cell(2)?,
            category: cell(3)?,
            price: cell(4)?,
            cost: cell(5)?,
            currency: cell(6)?,
            weight_grams: cell(7)?,
        })
    }
}

impl Cells<'_> {
    /// The product, of which the amounts are checked.
    pub(super) fn product(&self, id: Uuid, category: Uuid, created_at: i64) -> Result<NewProduct> {
        Ok(NewProduct {
            id,
            sku: self.sku.to_owned(),
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            category,
            price: self.amount("price", self.price)?,
            cost: self.amount("cost", self.cost)?,
            weight_grams: self.weight_grams.parse().map_err(|_| {
                wrong("weight_grams", format!("{:?} is not a whole number of grams", short(self.weight_grams)))
            })?,
            created_at,
        })
    }

    fn amount(&self, column: &str, amount: &str) -> Result<Money> {
        let text = format!("{} {}", short(amount), short(self.currency));
        text.parse().map_err(|error: service::graphql::money::MoneyError| wrong(column, error.to_string()))
    }
}

/// An error about a column.
pub(super) fn wrong(column: &str, message: impl Into<String>) -> Error {
    Error::bad_input(message).at(["line", column])
}

/// The column that has this field.
pub(super) fn column(field: &str) -> &str {
    if field == "weightGrams" { "weight_grams" } else { field }
}

fn no_columns(what: &str) -> Error {
    Error::bad_input(format!("{what}. The first line must name these columns, in any order: {}.", COLUMNS.join(",")))
}

/// The file can't be read on: where the next line begins is not known.
fn unreadable(line: u64, error: &csv::Error) -> Error {
    Error::bad_input(format!("line {line}: {error}"))
}

/// A text as messages show it.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A file of which one line may have so many bytes: a quote that is not closed would read all of it as one line.
struct Bounded {
    file: File,
    left: usize,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left = self.left.checked_sub(read).ok_or_else(|| {
            std::io::Error::other(format!(
                "the line has more than {MAX_LINE_BYTES} bytes; a quote may be missing at its end"
            ))
        })?;
        Ok(read)
    }
}

const MAX_LINE_BYTES: usize = 1 << 20;
