//! What a service does beside requests, done once: by a command, or by a schedule that invokes a function. Does not know what it is.

use std::time::Duration;

use anyhow::bail;
use braid_telemetry::otlp::Exporter;

use super::{LAST_SPANS, Shutdown, Subgraph};
use crate::process::print;
use crate::trace::Current;
use crate::worker::Work;

/// How long the command takes at most: more than this is due again and again.
const MOST_TIME: Duration = Duration::from_secs(300);

/// Does what is due, prints how much that was, and closes the database.
pub(super) async fn run(subgraph: Subgraph, exporter: Option<Exporter>, shutdown: Shutdown) -> anyhow::Result<()> {
    let current = Current::new(exporter.clone());
    let done = tokio::select! {
        done = current.within(all_due(&subgraph.work, MOST_TIME)) => done,
        // What is left is due again, as after a crash.
        () = shutdown => Err(anyhow::anyhow!("it was told to stop")),
    };
    subgraph.database.close().await?;
    if let Some(exporter) = exporter {
        exporter.shut_down(LAST_SPANS).await;
    }
    let text: String = done?.into_iter().map(|(name, done)| format!("{name}: {done}\n")).collect();
    print(&text)
}

/// Does all that is due of all work within this time. Gives how much it was. If some of it fails, the rest is done all the same.
pub(super) async fn all_due(work: &[Work], time: Duration) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let deadline = tokio::time::Instant::now() + time;
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    for work in work.iter().filter(|work| work.has_turns()) {
        let name = work.name();
        match tokio::time::timeout_at(deadline, work.all_due()).await {
            Ok(Ok(done)) => all.push((name, done)),
            Ok(Err(error)) => failures.push(format!("the {name} failed: {error:#}")),
            Err(_) => failures.push(format!("the {name} was not done within {time:?}; the rest is due again")),
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(all)
}
