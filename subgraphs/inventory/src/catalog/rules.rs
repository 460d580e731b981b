//! What a product may be: the same for a mutation and for a file that is imported. Knows no database.

use service::{Error, Result};

use super::products::{Image, ProductOption};
use super::search::words;
use crate::entity::product;

/// An error about the first field that can't be used.
pub(super) fn product(row: &product::Model) -> Result<()> {
    let sku_letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    let sku_is_good = row.sku.len() <= 40 && row.sku.chars().all(sku_letters);
    if !sku_is_good || words(&row.sku).next().is_none() {
        return Err(wrong("sku", "`sku` must have 1 to 40 capitals, digits and hyphens, such as `KIT-0101`."));
    }
    text("name", &row.name, 1, 200)?;
    text("description", &row.description, 1, 4000)?;
    if row.price_minor < 0 {
        return Err(wrong("price", "`price` must not be negative."));
    }
    if row.cost_minor < 0 {
        return Err(wrong("cost", "`cost` must not be negative."));
    }
    if row.weight_grams < 0 {
        return Err(wrong("weightGrams", "`weightGrams` must not be negative."));
    }
    Ok(())
}

/// An error about the first option that can't be used.
pub(super) fn options(options: &[ProductOption]) -> Result<()> {
    if options.len() > MAX_OPTIONS {
        return Err(wrong("options", format!("A product can have at most {MAX_OPTIONS} options.")));
    }
    for (index, option) in options.iter().enumerate() {
        let at = |error: Error, field: &str| error.at(["input", "options", &index.to_string(), field]);
        bounds("name", &option.name, 1, 60).map_err(|error| at(error, "name"))?;
        bounds("value", &option.value, 1, 100).map_err(|error| at(error, "value"))?;
        if options.iter().take(index).any(|earlier| earlier.name == option.name) {
            return Err(at(Error::bad_input("A product has each option once."), "name"));
        }
    }
    Ok(())
}

/// An error about the first image that can't be used.
pub(super) fn images(images: &[Image]) -> Result<()> {
    if images.len() > MAX_IMAGES {
        return Err(wrong("images", format!("A product can have at most {MAX_IMAGES} images.")));
    }
    for (index, image) in images.iter().enumerate() {
        let at = |error: Error, field: &str| error.at(["input", "images", &index.to_string(), field]);
        let is_address = ["https://", "http://"].iter().any(|scheme| {
            image.url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if !is_address || image.url.len() > 2000 || image.url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let message = "`url` must begin with `https://` or `http://`, have at most 2000 bytes, and no spaces.";
            return Err(at(Error::bad_input(message), "url"));
        }
        bounds("alt", &image.alt, 0, 300).map_err(|error| at(error, "alt"))?;
    }
    Ok(())
}

/// An error unless the text has a number of characters within the bounds.
pub(super) fn text(field: &'static str, text: &str, least: usize, most: usize) -> Result<()> {
    bounds(field, text, least, most).map_err(|error| error.at(["input", field]))
}

fn bounds(field: &str, text: &str, least: usize, most: usize) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::bad_input(format!("`{field}` has the character U+0000, which can't be stored. Remove it.")));
    }
    // Of a text that is far too long, only so many are looked at.
    let letters = text.chars().take(most + 1).count();
    if (least > 0 && text.trim().is_empty()) || letters > most {
        return Err(Error::bad_input(format!("`{field}` must have {least} to {most} characters.")));
    }
    Ok(())
}

fn wrong(field: &'static str, message: impl Into<String>) -> Error {
    Error::bad_input(message).at(["input", field])
}

const MAX_OPTIONS: usize = 20;
const MAX_IMAGES: usize = 50;
