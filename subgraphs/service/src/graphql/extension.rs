//! The schema extension that all subgraphs have: what is done with a request before it runs, and with its errors
//! afterwards. Knows the order of the steps; each step has a file of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextPrepareRequest, NextRequest, NextSubscribe,
    NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    CacheControl, Request, Response, ServerError, ServerResult, ValidationResult, Variables, async_trait,
};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::caching::{self, CacheTags, EntityTags};
use super::{entities, omitted, present, text};

/// The extension, with the limit of a request's complexity.
#[derive(Debug, Clone, Copy)]
pub(super) struct AllRequests {
    pub(super) max_complexity: usize,
}

impl ExtensionFactory for AllRequests {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OneRequest { max_complexity: self.max_complexity, ..OneRequest::default() })
    }
}

#[derive(Default)]
struct OneRequest {
    max_complexity: usize,
    /// The length of the request's longest list of representations.
    entities: AtomicUsize,
    /// Whether the request may change something.
    may_write: AtomicBool,
    tags: CacheTags,
    /// The tags of each entity, if there is one list of them.
    entity_tags: Mutex<Vec<Vec<String>>>,
}

#[async_trait::async_trait]
impl Extension for OneRequest {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        response.errors.iter_mut().for_each(present::present);
        self.tags.write(&mut response, &self.entity_tags.lock().unwrap_or_else(PoisonError::into_inner));
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let presented = next.run(ctx, stream).map(|mut response| {
            response.errors.iter_mut().for_each(present::present);
            response
        });
        presented.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        omitted::fill_in(&mut request);
        next.run(ctx, request.data(self.tags.clone())).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        text::check(query, &document, variables)?;
        let lists = entities::lists(&document, variables);
        self.entities.store(lists.iter().map(Vec::len).max().unwrap_or(0), Ordering::Relaxed);
        self.may_write.store(!caching::only_reads(&document), Ordering::Relaxed);
        if let ([list], Some(tags)) = (lists.as_slice(), ctx.data_opt::<EntityTags>()) {
            *self.entity_tags.lock().unwrap_or_else(PoisonError::into_inner) = caching::of_entities(*tags, list);
        }
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let mut valid = next.run(ctx).await?;
        let entities = self.entities.load(Ordering::Relaxed);
        if self.may_write.load(Ordering::Relaxed) {
            valid.cache_control = CacheControl::default();
        }
        valid.complexity = entities::complexity(valid.complexity, entities, self.max_complexity)?;
        Ok(valid)
    }
}
