//! The tags that a subgraph gives in `extensions` of its responses. Knows no entry.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What `extensions` has about tags. Other routers' subgraphs use the longer names.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct GivenTags {
    /// Those of the whole response.
    #[serde(default, rename = "cacheTags", alias = "apolloCacheTags")]
    pub(crate) of_all: Vec<Box<str>>,
    /// Those of each item of `_entities`, in a response with one list.
    #[serde(default, rename = "entityCacheTags", alias = "apolloEntityCacheTags")]
    pub(crate) of_items: Vec<Vec<Box<str>>>,
}

/// The most tags of a response that are used, and the most bytes of one.
const MAX_TAGS: usize = 1000;
const MAX_TAG: usize = 1024;

impl GivenTags {
    /// Reads `extensions`. `None` if they have tags that can't be used: what they are about must then not be kept, since it could not be
    /// thrown out.
    pub(crate) fn read(extensions: &[u8]) -> Option<Self> {
        let tags: Self = serde_json::from_slice(extensions).ok()?;
        let count = tags.of_all.len() + tags.of_items.iter().map(Vec::len).sum::<usize>();
        let all = || tags.of_all.iter().chain(tags.of_items.iter().flatten());
        (count <= MAX_TAGS && all().all(|tag| tag.len() <= MAX_TAG)).then_some(tags)
    }

    /// Those of a whole response body. `None` as for [`Self::read`].
    pub(crate) fn of_body(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow, default)]
            extensions: Option<&'a RawValue>,
        }
        let body: Body<'_> = serde_json::from_slice(body).ok()?;
        body.extensions.map_or_else(|| Some(Self::default()), |extensions| Self::read(extensions.get().as_bytes()))
    }
}
