//! Data loaders with complete batches: all keys of one kind that a request needs at the same time cost one statement.
//! Knows no key and no table.
//!
//! async-graphql's loader waits for further keys for a fixed time. A long list or a busy machine takes longer than that,
//! and then N keys cost several statements. Here there is no timer: a request runs until none of its resolvers can make
//! progress, and only then are the batches loaded that they wait for. So the batches depend on the query alone.
//!
//! Each request has its own loader. With a shared one, a request could wait for a batch of another request that has been
//! aborted.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use async_graphql::dataloader::DataLoader;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest};
use async_graphql::runtime::Timer;
use async_graphql::{Request, Response, ServerResult};
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, poll_fn, ready};
use futures_util::stream::FuturesUnordered;
use futures_util::task::{FutureObj, Spawn, SpawnError};

use crate::database::Database;
use crate::error::Result;

use super::resource;

/// The schema extension that gives every request a loader that loads through a `T`.
#[derive(Debug, Clone)]
pub(super) struct Batches<T>(T);

impl<T: Clone + Send + Sync + 'static> Batches<T> {
    /// Every request gets a clone of `loader`.
    pub(super) fn new(loader: T) -> Self {
        Self(loader)
    }
}

/// The loader of the request that a resolver belongs to. A service implements `Loader` for [`Database`], once per kind of key.
pub fn loader<'a>(ctx: &async_graphql::Context<'a>) -> Result<&'a DataLoader<Database>> {
    resource(ctx)
}

/// The rows of each key, in the order in which they came.
pub fn grouped<K: Eq + Hash, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

impl<T: Clone + Send + Sync + 'static> ExtensionFactory for Batches<T> {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(RequestBatches { loader: self.0.clone(), waiting: Arc::default() })
    }
}

struct RequestBatches<T> {
    loader: T,
    waiting: Arc<Waiting>,
}

#[async_trait]
impl<T: Clone + Send + Sync + 'static> Extension for RequestBatches<T> {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let spawner = Spawner(Arc::clone(&self.waiting));
        let loader = DataLoader::new(self.loader.clone(), spawner, NoTimer).max_batch_size(MOST_KEYS);
        next.run(ctx, request.data(loader)).await
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        drive(next.run(ctx, operation_name), &self.waiting).await
    }
}

/// Batches whose loading has not begun.
#[derive(Default)]
struct Waiting(Mutex<Vec<FutureObj<'static, ()>>>);

impl Waiting {
    fn add(&self, batch: FutureObj<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    fn take(&self) -> Vec<FutureObj<'static, ()>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Spawner(Arc<Waiting>);

impl Spawn for Spawner {
    fn spawn_obj(&self, batch: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.add(batch);
        Ok(())
    }
}

struct NoTimer;

impl Timer for NoTimer {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }
}

/// Runs the request, and loads what it waits for whenever it can't make progress.
async fn drive<F: Future>(request: F, waiting: &Waiting) -> F::Output {
    let mut request = pin!(request);
    let mut loading = FuturesUnordered::new();
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(output) = poll_until_stuck(|cx| request.as_mut().poll(cx), cx) {
                return Poll::Ready(output);
            }
            loading.extend(waiting.take());
            // After a batch is loaded, resolvers can make progress.
            match loading.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Polls again as long as the future wakes itself, as a long list of futures does when it yields.
fn poll_until_stuck<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>, cx: &Context<'_>) -> Poll<T> {
    for _ in 0..MOST_YIELDS {
        let flag = Arc::new(Flag { raised: AtomicBool::new(false), outer: cx.waker().clone() });
        let waker = Waker::from(Arc::clone(&flag));
        let polled = poll(&mut Context::from_waker(&waker));
        if polled.is_ready() || !flag.raised.load(Ordering::Acquire) {
            return polled;
        }
    }
    Poll::Pending
}

/// Passes on a wake-up and remembers it.
struct Flag {
    raised: AtomicBool,
    outer: Waker,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raised.store(true, Ordering::Release);
        self.outer.wake_by_ref();
    }
}

/// SQLite binds 32,766 values at most.
const MOST_KEYS: usize = 10_000;
/// A list yields a few times. A future that wakes itself more often than this must give the thread back.
const MOST_YIELDS: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use async_graphql::dataloader::Loader;
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;
    use crate::error::Error;

    #[derive(Clone)]
    struct Squares(Arc<AtomicUsize>);

    impl Loader<u32> for Squares {
        type Value = u32;
        type Error = Error;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(keys.iter().map(|key| (*key, key.wrapping_mul(*key))).collect())
        }
    }

    struct Number(u32);

    #[Object]
    impl Number {
        async fn value(&self) -> u32 {
            self.0
        }

        async fn square(&self, ctx: &async_graphql::Context<'_>) -> Result<u32> {
            Ok(resource::<DataLoader<Squares>>(ctx)?.load_one(self.0).await?.unwrap_or_default())
        }

        async fn upto(&self, count: u32) -> Vec<Number> {
            // Longer than a loader's timer would wait.
            std::thread::sleep(Duration::from_micros(100));
            (0..count).map(|offset| Number(self.0 + offset)).collect()
        }
    }

    struct Query;

    #[Object]
    impl Query {
        async fn number(&self, start: u32) -> Number {
            Number(start)
        }
    }

    async fn check(query: &str, batches: usize) {
        let count = Arc::new(AtomicUsize::new(0));
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(Batches::new(Squares(Arc::clone(&count))))
            .finish();
        for _ in 0..3 {
            count.store(0, Ordering::SeqCst);
            let response = schema.execute(query).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            assert_eq!(count.load(Ordering::SeqCst), batches, "{query}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_kind_of_key_is_loaded_once_per_level() {
        check("{ number(start: 1) { value } }", 0).await;
        check("{ number(start: 1) { square } }", 1).await;
        check("{ a: number(start: 1) { square } b: number(start: 2) { square } }", 1).await;
        check("{ number(start: 1) { upto(count: 900) { square } } }", 1).await;
        check("{ number(start: 1) { upto(count: 100) { upto(count: 100) { square } } } }", 1).await;
        check("{ number(start: 1) { upto(count: 70) { square upto(count: 3) { upto(count: 40) { square } } } } }", 1)
            .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_aborted_request_harms_no_other() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(Batches::new(Squares(Arc::default())))
            .finish();
        let query = "{ number(start: 1) { upto(count: 10) { square } } }";
        let aborted = tokio::time::timeout(Duration::from_micros(1200), schema.execute(query));
        let (_, response) = tokio::join!(aborted, schema.execute(query));
        assert!(response.errors.is_empty());
        let response = tokio::time::timeout(Duration::from_secs(5), schema.execute(query)).await.unwrap();
        assert!(response.errors.is_empty());
    }
}
