//! The inputs of the mutations, and how they are read. Knows no database.

use async_graphql::{ID, InputObject};
use service::graphql::{MoneyInput, id};
use service::{Error, Money, Result};
use uuid::Uuid;

use crate::address::Address;
use crate::offer::{WantedLine, path_of};
use crate::saga::place::{Agreement, Wanted};
use crate::saga::{By, fulfill, refund};

/// What to quote.
#[derive(InputObject)]
pub(crate) struct QuoteOrderInput {
    /// The products. Each product may be in one line only.
    pub(super) lines: Vec<OrderLineInput>,
    /// Where to send it: shipping and tax depend on the country.
    pub(super) shipping_address: ShippingAddressInput,
}

/// What to order, and what was agreed to. Give `quoteId`, or `expectedTotal` with `lines` and `shippingAddress`.
#[derive(InputObject)]
pub(crate) struct PlaceOrderInput {
    /// A key that the caller generates for each order, such as a UUID. Requests with the same key place only one order, and all of
    /// them return it. So it is safe to repeat a request whose response was lost.
    idempotency_key: String,
    /// The quote that the buyer has accepted. It has the lines and the address.
    quote_id: Option<ID>,
    /// The total that the buyer has accepted, with shipping and tax. If the order does not cost exactly that, it is not placed.
    expected_total: Option<MoneyInput>,
    /// The products. Each product may be in one line only.
    lines: Option<Vec<OrderLineInput>>,
    /// Where to send it.
    shipping_address: Option<ShippingAddressInput>,
    /// The token that the payment provider's form gave for the buyer's card or account. The sandbox accepts every text but
    /// `pm_card_declined`.
    payment_method: String,
}

/// A product and a number of units.
#[derive(InputObject)]
pub(crate) struct OrderLineInput {
    /// The product's id.
    product_id: ID,
    /// The number of units.
    quantity: i32,
}

/// Where to send an order.
#[derive(InputObject)]
pub(crate) struct ShippingAddressInput {
    /// Who receives it.
    name: String,
    /// The street and the number.
    line1: String,
    /// What more the carrier needs, such as a floor.
    line2: Option<String>,
    /// The postal code, in countries that have them.
    postal_code: Option<String>,
    /// The city.
    city: String,
    /// The state, province or region, in countries where an address has one.
    region: Option<String>,
    /// The country by its two letters of ISO 3166-1, such as `DE`.
    country_code: String,
    /// For the carrier.
    phone: Option<String>,
}

/// Which order to cancel.
#[derive(InputObject)]
pub(crate) struct CancelOrderInput {
    /// The order's id.
    pub(super) id: ID,
    /// The reason, for the order's history.
    pub(super) reason: Option<String>,
}

/// A parcel that was sent.
#[derive(InputObject)]
pub(crate) struct FulfillOrderInput {
    /// The order's id.
    pub(super) order_id: ID,
    /// A key that the caller generates for each parcel, such as a UUID. A repeated request with the same key sends nothing more.
    idempotency_key: String,
    /// What is in the parcel. Without it, all that is still to be sent.
    lines: Option<Vec<OrderLineInput>>,
    /// Who brings it, such as `DHL`.
    carrier: Option<String>,
    /// The carrier's number, with which the buyer can follow it.
    tracking_number: Option<String>,
}

/// A parcel that has arrived.
#[derive(InputObject)]
pub(crate) struct MarkDeliveredInput {
    /// The parcel's id.
    pub(super) fulfillment_id: ID,
}

/// What to pay back.
#[derive(InputObject)]
pub(crate) struct RefundOrderInput {
    /// The order's id.
    pub(super) order_id: ID,
    /// A key that the caller generates for each refund, such as a UUID. A repeated request with the same key pays nothing more.
    idempotency_key: String,
    /// Units that came back or will not be sent. They count as sold no longer. Those that were not sent are taken first.
    lines: Option<Vec<OrderLineInput>>,
    /// Whether to pay back shipping too.
    #[graphql(default)]
    shipping: bool,
    /// How much to pay back. Without it, what the lines and shipping have cost, with their tax.
    amount: Option<MoneyInput>,
    /// Whether the units go back on the shelf once they are paid back. Without it, those do that were not sent.
    restock: Option<bool>,
    /// The reason, for the buyer and the order's history.
    reason: String,
}

/// Which order to try again.
#[derive(InputObject)]
pub(crate) struct RetryOrderInput {
    /// The order's id.
    pub(super) id: ID,
}

const MAX_TEXT_BYTES: usize = 500;
const MAX_LABEL_CHARS: usize = 100;

impl PlaceOrderInput {
    /// The input in the saga's types.
    pub(super) fn wanted(self, buyer: Uuid) -> Result<Wanted> {
        let agreement = match (self.quote_id, self.expected_total) {
            (Some(quote), None) => {
                if self.lines.is_some() || self.shipping_address.is_some() {
                    return Err(Error::bad_input("The quote has the lines and the address. Leave them out here.")
                        .at(["input", "quoteId"]));
                }
                let quote = id::parse("Quote", &quote);
                Agreement::Quote(quote.ok_or_else(|| no_such("quote", ["input", "quoteId"]))?)
            }
            (None, Some(total)) => {
                let total = total.read(["input", "expectedTotal"])?;
                let missing =
                    |field| Error::bad_input(format!("With `expectedTotal`, give `{field}` too.")).at(["input", field]);
                let lines = self.lines.ok_or_else(|| missing("lines"))?;
                let address = self.shipping_address.ok_or_else(|| missing("shippingAddress"))?;
                Agreement::Total { lines: read_lines(lines)?, address: address.read()?, total }
            }
            _ => {
                let message = "Say what the buyer has agreed to: either `quoteId` or `expectedTotal`.";
                return Err(Error::bad_input(message).at(["input"]));
            }
        };
        let (idempotency_key, payment_method) = (self.idempotency_key, self.payment_method);
        Ok(Wanted { buyer, idempotency_key, payment_method, agreement })
    }
}

impl FulfillOrderInput {
    /// The input in the saga's types.
    pub(super) fn wanted(self, order: Uuid, by: By) -> Result<fulfill::Wanted> {
        Ok(fulfill::Wanted {
            order,
            idempotency_key: key(self.idempotency_key)?,
            lines: read_lines(self.lines.unwrap_or_default())?,
            carrier: label("carrier", self.carrier)?,
            tracking_number: label("trackingNumber", self.tracking_number)?,
            by,
        })
    }
}

impl RefundOrderInput {
    /// The input in the saga's types.
    pub(super) fn wanted(self, order: Uuid, by: By) -> Result<refund::Wanted> {
        let amount: Option<Money> = self.amount.map(|amount| amount.read(["input", "amount"])).transpose()?;
        Ok(refund::Wanted {
            order,
            idempotency_key: key(self.idempotency_key)?,
            lines: read_lines(self.lines.unwrap_or_default())?,
            shipping: self.shipping,
            amount,
            restock: self.restock,
            reason: text("reason", self.reason)?,
            by,
        })
    }
}

impl ShippingAddressInput {
    /// The address, if it can be one.
    pub(super) fn read(self) -> Result<Address> {
        let Self { name, line1, line2, postal_code, city, region, country_code, phone } = self;
        let address = Address { name, line1, line2, postal_code, city, region, country_code, phone };
        address.checked(&["input", "shippingAddress"])
    }
}

/// The lines in the saga's types.
pub(super) fn read_lines(lines: Vec<OrderLineInput>) -> Result<Vec<WantedLine>> {
    let lines = lines.into_iter().enumerate();
    lines.map(|(index, line)| read_line(index, &line.product_id, line.quantity)).collect()
}

/// A line in the saga's types.
pub(super) fn read_line(index: usize, product: &ID, quantity: i32) -> Result<WantedLine> {
    let product = id::parse("Product", product);
    let product =
        product.ok_or_else(|| Error::bad_input("This is not the id of a product.").at(path_of(index, "productId")))?;
    Ok(WantedLine { product, quantity })
}

/// A reason, as it is kept in the history.
pub(super) fn text(field: &str, text: String) -> Result<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > MAX_TEXT_BYTES {
        return Err(Error::bad_input(format!("`{field}` must have 1 to {MAX_TEXT_BYTES} bytes.")).at(["input", field]));
    }
    Ok(trimmed.to_owned())
}

/// Nothing has this id that the user may see.
pub(super) fn no_such<'a>(what: &str, path: impl IntoIterator<Item = &'a str>) -> Error {
    Error::not_found(format!("You have no {what} with this id.")).at(path)
}

/// The caller's key of a request.
pub(super) fn key(key: String) -> Result<String> {
    if key.trim().is_empty() || key.len() > 255 {
        let message = "`idempotencyKey` must have 1 to 255 bytes. Make a new one, such as a UUID.";
        return Err(Error::bad_input(message).at(["input", "idempotencyKey"]));
    }
    Ok(key)
}

/// What is printed on a parcel.
fn label(field: &str, label: Option<String>) -> Result<Option<String>> {
    let Some(label) = label.as_deref().map(str::trim).filter(|label| !label.is_empty()) else { return Ok(None) };
    if label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
        let message = format!("`{field}` may have at most {MAX_LABEL_CHARS} characters, on one line.");
        return Err(Error::bad_input(message).at(["input", field]));
    }
    Ok(Some(label.to_owned()))
}
