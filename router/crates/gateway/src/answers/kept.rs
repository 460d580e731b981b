//! Whole answers that are kept for clients of whom nothing is known. Knows nothing of how they are made.

use std::sync::Arc;

use braid_cache_store::{Store, now};
use braid_executor::Response;
use braid_request_context::Cacheability;
use braid_request_context::headers::SubgraphHeaders;
use braid_telemetry::metrics::Metrics;
use quick_cache::Weighter;

use super::config::AnswersSetup;
use super::reuse::for_another;
use super::same::SameKey;
use crate::sharded::{Sharded, sharded};

/// The answers of one version.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    answers: Sharded<SameKey, Arc<KeptAnswer>, Weight>,
    max_answer: usize,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

/// An answer.
#[derive(Debug)]
struct KeptAnswer {
    response: Response<SubgraphHeaders>,
    cacheability: Cacheability,
}

#[derive(Debug, Clone)]
struct Weight;

/// What an answer takes beside its bytes, and what each subgraph's part of it takes.
const OVERHEAD: usize = 512;

impl Weighter<SameKey, Arc<KeptAnswer>> for Weight {
    fn weight(&self, key: &SameKey, answer: &Arc<KeptAnswer>) -> u64 {
        let tags = |of: &Cacheability| {
            let given: usize = of.tags.iter().map(|tag| tag.len() + 32).sum();
            given + of.depends_on.as_ref().map_or(0, |depends_on| depends_on.tags.len() * 8)
        };
        let parts = answer.response.subgraph_answers.iter();
        let parts = parts.map(|(_, headers)| OVERHEAD + headers.cacheability.as_deref().map_or(0, tags));
        let total = key.weight() + answer.response.bytes.len() + tags(&answer.cacheability) + parts.sum::<usize>();
        (OVERHEAD + total) as u64
    }
}

impl KeptAnswers {
    /// None yet, with room for as many bytes as the settings say; `None` if they keep none.
    pub(crate) fn new(setup: &AnswersSetup, metrics: &Arc<Metrics>) -> Option<Self> {
        let config = Some(&setup.config).filter(|config| config.keep)?;
        let answers = sharded(config.memory.0 as u64, Weight);
        let (store, metrics) = (setup.store.clone(), metrics.clone());
        Some(Self { answers, max_answer: config.max_answer.0, store, metrics })
    }

    /// The answer to an equal request, if it is fresh and nothing in it was thrown out.
    pub(crate) fn get(&self, key: &SameKey) -> Option<Response<SubgraphHeaders>> {
        let found = self.answers.get(key).filter(|answer| {
            let is_true = self.is_true(answer);
            if !is_true {
                self.answers.remove(key);
            }
            is_true
        });
        let metrics = &self.metrics.answers;
        if found.is_some() {
            metrics.hits.inc()
        } else {
            metrics.misses.inc()
        };
        Some(found?.response.clone())
    }

    fn is_true(&self, answer: &KeptAnswer) -> bool {
        let Cacheability { fresh_until, depends_on: Some(depends_on), .. } = &answer.cacheability else { return false };
        if now() >= *fresh_until {
            return false;
        }
        let invalidations = &self.store.invalidations;
        let is_untouched = invalidations.last() <= depends_on.position
            || invalidations.last_of(depends_on.tags.iter().copied()) <= depends_on.position;
        is_untouched && self.store.may_serve()
    }

    /// Keeps an answer that may be kept by anybody, if it can be told when it is not true any more.
    pub(crate) fn put(&self, key: SameKey, response: &Response<SubgraphHeaders>, cacheability: Cacheability) {
        let is_lasting = cacheability.depends_on.is_some() && now() < cacheability.fresh_until;
        if !is_lasting || response.bytes.len() > self.max_answer {
            return;
        }
        self.answers.insert(key, Arc::new(KeptAnswer { response: for_another(response), cacheability }));
        self.metrics.answers.kept_bytes.set(self.answers.weight() as i64);
    }
}
