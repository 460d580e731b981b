//! Relay pagination by keyset: bounds, cursors, and one statement per page. Knows no entity.

use async_graphql::OutputType;
use async_graphql::connection::{
    Connection, CursorType, DefaultConnectionName, DefaultEdgeName, Edge, EmptyFields, OpaqueCursor,
};
use sea_orm::sea_query::IntoValueTuple;
use sea_orm::{ConnectionTrait, Cursor, DbErr, SelectorTrait};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::total::Total;
use crate::error::{Error, Result};

/// The size of a page when the caller does not set it.
pub const DEFAULT_SIZE: i32 = 20;
/// The maximum size of a page.
pub const MAX_SIZE: i32 = 100;

/// What a page adds to a query's complexity: the selection below it, times the size of the page.
pub fn cost(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    // The resolver refuses sizes out of bounds. Here they only must not be free or overflow.
    let size = first.or(last).unwrap_or(DEFAULT_SIZE).clamp(1, MAX_SIZE);
    child.saturating_mul(size.unsigned_abs() as usize).saturating_add(1)
}

/// A Relay connection whose cursors contain a key of type `K`.
pub type PageConnection<K, N> =
    Connection<OpaqueCursor<K>, N, Total, EmptyFields, DefaultConnectionName, DefaultEdgeName>;

/// One page of a list that is ordered by a unique key `K`.
///
/// ```
/// use service::Page;
///
/// let page = Page::<(String, String)>::new(Some(2), None, None, None).unwrap();
/// assert_eq!(page.size(), 2);
/// assert!(Page::<(String, String)>::new(Some(1000), None, None, None).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Page<K> {
    size: usize,
    backward: bool,
    after: Option<K>,
    before: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads the four arguments of a Relay connection; an error if they are out of bounds.
    pub fn new(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Result<Self> {
        let (name, size, backward) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::bad_input("Give `first` or `last`, not both."));
            }
            (first, None) => ("first", first.unwrap_or(DEFAULT_SIZE), false),
            (None, Some(last)) => ("last", last, true),
        };
        let in_bounds = (0..=MAX_SIZE).contains(&size);
        let size = usize::try_from(size).ok().filter(|_| in_bounds);
        let size = size.ok_or_else(|| Error::bad_input(format!("`{name}` must be between 0 and {MAX_SIZE}.")))?;
        Ok(Self { size, backward, after: decode("after", after)?, before: decode("before", before)? })
    }
}

impl<K> Page<K> {
    /// The maximum number of items.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the page is the last part of the list (`last`) instead of the first (`first`).
    pub fn is_backward(&self) -> bool {
        self.backward
    }

    /// The key after which the page starts.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// The key before which the page ends.
    pub fn before(&self) -> Option<&K> {
        self.before.as_ref()
    }

    /// Reads the page with one statement, whose cursor is ordered by the columns of `K`.
    ///
    /// `key` returns the key of an item, in the order of those columns.
    pub async fn fetch<S>(
        &self,
        mut cursor: Cursor<S>,
        database: &impl ConnectionTrait,
        key: impl Fn(&S::Item) -> K,
    ) -> Result<Slice<K, S::Item>, DbErr>
    where
        S: SelectorTrait,
        K: IntoValueTuple + Clone,
    {
        if let Some(after) = &self.after {
            cursor.after(after.clone());
        }
        if let Some(before) = &self.before {
            cursor.before(before.clone());
        }
        // One more than the size shows whether there are more.
        let limit = self.size as u64 + 1;
        if self.backward {
            cursor.last(limit);
        } else {
            cursor.first(limit);
        }
        Ok(self.slice(cursor.all(database).await?, key))
    }

    /// Makes a page of items that were read elsewhere: in list order, with one more than the size if there are more.
    pub fn slice<N>(&self, mut items: Vec<N>, key: impl Fn(&N) -> K) -> Slice<K, N> {
        let more = items.len() > self.size;
        if more && self.backward {
            items.drain(..items.len() - self.size);
        } else {
            items.truncate(self.size);
        }
        Slice {
            has_previous: if self.backward { more } else { self.after.is_some() },
            has_next: if self.backward { self.before.is_some() } else { more },
            items: items.into_iter().map(|item| (key(&item), item)).collect(),
        }
    }
}

/// The items of a page, each with its key, and whether there is more on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<K, N> {
    /// Whether the list has items before these.
    pub has_previous: bool,
    /// Whether the list has items after these.
    pub has_next: bool,
    /// The items in list order.
    pub items: Vec<(K, N)>,
}

impl<K, N> Slice<K, N> {
    /// The slice as a Relay connection, with each item converted to its GraphQL type, and with the number of items of the whole list.
    pub fn into_connection<T: OutputType>(self, node: impl Fn(N) -> T, total: Total) -> PageConnection<K, T>
    where
        K: Serialize + DeserializeOwned + Send + Sync,
    {
        let mut connection = Connection::with_additional_fields(self.has_previous, self.has_next, total);
        connection.edges.extend(self.items.into_iter().map(|(key, item)| Edge::new(OpaqueCursor(key), node(item))));
        connection
    }
}

fn decode<K: Serialize + DeserializeOwned>(argument: &str, cursor: Option<String>) -> Result<Option<K>> {
    let decoded = cursor.map(|text| OpaqueCursor::<K>::decode_cursor(&text));
    let decoded = decoded.transpose().map_err(|_| {
        Error::bad_input(format!(
            "`{argument}` is not a cursor of this list. Use a cursor that this list returned, with the same sort."
        ))
    })?;
    Ok(decoded.map(|cursor| cursor.0))
}
