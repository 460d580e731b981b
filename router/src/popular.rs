//! Shares which operations are used most with other routers, and compiles theirs before this one serves. If Redis is away, each router
//! does without. Knows no request.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use braid_popular_operations::config::SharedOperationsConfig;
use braid_popular_operations::{PopularOperation, PopularOperations, PopularOperationsError};
use braid_telemetry::metrics::Metrics;
use tokio::task::JoinHandle;

use crate::assemble::{Front, Version};
use braid_config::Config;

/// Compiles what is used at other routers, within the time for it.
pub(crate) async fn warm_up(
    version: &Version,
    config: &Config,
    metrics: &Metrics,
) -> Result<(), PopularOperationsError> {
    let Some(config) = &config.reload.shared_operations else { return Ok(()) };
    let shared = PopularOperations::new(config, metrics)?;
    let began = Instant::now();
    let (mut compiled, mut invalid) = (0_usize, 0_usize);
    let warming = async {
        for operation in shared.read().await {
            match version.gateway.warm(&operation.query, operation.operation_name.as_deref()).await {
                true => compiled += 1,
                false => invalid += 1,
            }
        }
    };
    let in_time = tokio::time::timeout(config.max_wait.0, warming).await.is_ok();
    let took = began.elapsed();
    tracing::info!(compiled, invalid, ?took, in_time, "Operations that other routers use were compiled");
    Ok(())
}

/// Tells other routers what is used at this one.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    config: Option<SharedOperationsConfig>,
    task: Option<JoinHandle<()>>,
}

impl Sharing {
    /// Shares as configured from now on.
    pub(crate) fn follow(&mut self, front: &Arc<Front>, config: &Config) {
        let config = config.reload.shared_operations.as_ref();
        if self.config.as_ref() == config {
            return;
        }
        self.stop();
        self.config = config.cloned();
        let Some(config) = config else { return };
        match PopularOperations::new(config, front.metrics()) {
            Ok(shared) => self.task = Some(tokio::spawn(share(Arc::downgrade(front), shared, config.clone()))),
            Err(error) => {
                let error = braid_net::chain(&error);
                tracing::error!(error, "Operations are not shared with other routers");
            }
        }
    }

    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn share(front: Weak<Front>, shared: PopularOperations, config: SharedOperationsConfig) {
    // How often each was used when it was last shared.
    let mut known: HashMap<PopularOperation, u64> = HashMap::new();
    loop {
        tokio::time::sleep(config.every.0).await;
        let Some(front) = front.upgrade() else { return };
        let used = front.current().gateway.most_used(config.most);
        drop(front);
        let mut now = HashMap::with_capacity(used.len());
        let mut new = Vec::new();
        for operation in used {
            let key = PopularOperation { query: operation.query, operation_name: operation.operation_name };
            let before = known.get(&key).copied().unwrap_or(0);
            // A new version counts anew.
            let uses = if operation.uses < before { operation.uses } else { operation.uses - before };
            if uses > 0 {
                new.push((key.clone(), uses));
            }
            now.insert(key, operation.uses);
        }
        known = now;
        if !new.is_empty() {
            shared.add(&new).await;
        }
    }
}
