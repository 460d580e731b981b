//! Asks again for what was served stale, in the background. Knows nothing of who was served.

use std::borrow::Cow;
use std::sync::Arc;

use braid_executor::kept::{Keep, ValuesRead};
use braid_executor::request::Document;
use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use crate::keeper::{Keeper, place_of};

/// How many refreshes a router runs at once; what is not refreshed now is refreshed by whoever is served it next.
const MAX_REFRESHES: usize = 256;

/// The refreshes of a router.
#[derive(Debug, Clone)]
pub(crate) struct Refreshes(Arc<Semaphore>);

impl Default for Refreshes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_REFRESHES)))
    }
}

impl Refreshes {
    /// Runs a refresh, unless too many run already.
    pub(crate) fn spawn(&self, refresh: impl Future<Output = ()> + Send + 'static) {
        if let Ok(permit) = self.0.clone().try_acquire_owned() {
            tokio::spawn(async move {
                refresh.await;
                drop(permit);
            });
        }
    }
}

/// Keeps the values of a response that no executor reads.
pub(crate) fn keep(keeper: &Keeper, body: &Bytes) {
    let read = || -> Option<()> {
        let Body { data, errors, extensions } = serde_json::from_slice(body).ok()?;
        if errors.is_some_and(|errors| errors.get() != "null") {
            return None;
        }
        let data = data?;
        let values = match keeper.document.entities.is_empty() {
            true => fields(body, &data),
            false => lists(body, &data, &keeper.document)?,
        };
        let extensions = extensions.and_then(|extensions| place_of(body, extensions.get()));
        keeper.keep(body, &ValuesRead { extensions, ..values });
        Some(())
    };
    // What can't be read is not kept.
    let _ = read();
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    data: Option<IndexMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
}

fn fields<'a>(body: &Bytes, data: &'a IndexMap<Cow<'_, str>, &RawValue>) -> ValuesRead<'a> {
    let field = |(key, value): (&'a Cow<'_, str>, &&RawValue)| Some((key.as_bytes(), place_of(body, value.get())?));
    ValuesRead { fields: data.iter().filter_map(field).collect(), ..ValuesRead::default() }
}

fn lists<'a>(body: &Bytes, data: &IndexMap<Cow<'_, str>, &RawValue>, document: &Document) -> Option<ValuesRead<'a>> {
    let list = |alias: &str| {
        let items: Vec<&RawValue> = serde_json::from_str(data.get(alias)?.get()).ok()?;
        items.iter().map(|item| place_of(body, item.get())).collect::<Option<Vec<_>>>()
    };
    let lists = document.entities.iter().map(|asked| list(&asked.alias)).collect();
    Some(ValuesRead { lists, ..ValuesRead::default() })
}
