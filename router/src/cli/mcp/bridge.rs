//! The messages of a client on standard input, each passed on, and the answers on standard output. Knows no HTTP.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::message::{Message, error};
use super::upstream::Upstream;
use crate::cli::terminal::{Failure, complain, print};

/// A longer message is refused.
const MAX_LINE: u64 = 4 << 20;
/// How many requests of the client are under way at once; further ones wait.
const MAX_CONCURRENT: usize = 16;
/// The id of the bridge's own requests.
const OWN_ID: &str = "\"braid-bridge\"";

/// Passes messages until the client closes its side.
pub(super) async fn run(upstream: Upstream, poll: Option<Duration>) -> Result<(), Failure> {
    let upstream = Arc::new(upstream);
    let mut lines = lines();
    let mut running = JoinSet::new();
    let mut by_id: HashMap<String, AbortHandle> = HashMap::new();
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let output = Arc::new(Output::default());
    let mut polling: Option<AbortHandle> = None;
    while let Some(line) = lines.recv().await {
        while running.try_join_next().is_some() {}
        by_id.retain(|_, task| !task.is_finished());
        let line = match line {
            Ok(line) => Bytes::from(line),
            Err(problem) => {
                output.write(&[error(None, &problem)]).await?;
                continue;
            }
        };
        let message = match Message::read(&line) {
            Ok(message) => message,
            Err(problem) => {
                output.write(&[error(None, &format!("a message is not JSON-RPC: {problem}"))]).await?;
                continue;
            }
        };
        if let Some(given_up) = message.gives_up().and_then(|id| by_id.remove(&id)) {
            given_up.abort();
        }
        // What is agreed on at the beginning is needed for all that comes after it.
        if message.method.as_deref() == Some("initialize") {
            output.write(&upstream.send(&message, line.clone()).await).await?;
            continue;
        }
        if message.method.as_deref() == Some("notifications/initialized")
            && let Some(every) = poll.filter(|_| polling.is_none())
        {
            polling = Some(running.spawn(watch_tools(upstream.clone(), output.clone(), every)));
        }
        let id = message.id.map(|id| id.get().to_owned());
        // The semaphore is never closed.
        let permit = permits.clone().acquire_owned().await.ok();
        let (upstream, output) = (upstream.clone(), output.clone());
        let task = running.spawn(async move {
            let _permit = permit;
            let Ok(message) = Message::read(&line) else { return };
            let answers = upstream.send(&message, line.clone()).await;
            // A client that has gone has closed its input too.
            let _ = output.write(&answers).await;
        });
        by_id.extend(id.map(|id| (id, task)));
    }
    if let Some(polling) = polling {
        polling.abort();
    }
    // What was asked for is answered before the end.
    while running.join_next().await.is_some() {}
    upstream.end().await;
    Ok(())
}

/// Standard output, one message at a time.
#[derive(Debug, Default)]
struct Output(Mutex<()>);

impl Output {
    async fn write(&self, messages: &[Vec<u8>]) -> Result<(), Failure> {
        let _one_at_a_time = self.0.lock().await;
        messages.iter().try_for_each(|message| print(&format!("{}\n", String::from_utf8_lossy(message))))
    }
}

/// The lines of standard input, read by a thread: they can't be waited for otherwise.
fn lines() -> mpsc::Receiver<Result<Vec<u8>, String>> {
    let (sender, receiver) = mpsc::channel(MAX_CONCURRENT);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty()) {
                continue;
            }
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The next line, or why it can't be used; `None` at the end.
fn next_line(input: &mut impl BufRead) -> Option<Result<Vec<u8>, String>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
    match read {
        Ok(0) | Err(_) => None,
        Ok(_) if line.ends_with(b"\n") || (line.len() as u64) < MAX_LINE => Some(Ok(line)),
        Ok(_) => {
            // The rest of the line is skipped, a piece at a time.
            loop {
                line.clear();
                match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                    Ok(read) if read > 0 && !line.ends_with(b"\n") => {}
                    _ => break,
                }
            }
            Some(Err(format!("a message has more than {MAX_LINE} bytes")))
        }
    }
}

/// Tells the client whenever the list of tools is another than before: the server keeps no connection to say it over.
async fn watch_tools(upstream: Arc<Upstream>, output: Arc<Output>, every: Duration) {
    const CHANGED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let mut known = None;
    loop {
        if let Some(tools) = tools(&upstream).await {
            if known.as_ref().is_some_and(|known| *known != tools) && output.write(&[CHANGED.to_vec()]).await.is_err() {
                complain("braid: the client does not take messages any more\n");
                return;
            }
            known = Some(tools);
        }
        tokio::time::sleep(every).await;
    }
}

/// The list of tools, if the server gives it.
async fn tools(upstream: &Upstream) -> Option<Value> {
    let line = format!(r#"{{"jsonrpc":"2.0","id":{OWN_ID},"method":"tools/list"}}"#);
    let message = Message::read(line.as_bytes()).ok()?;
    let answers = upstream.send(&message, Bytes::from(line.clone())).await;
    let answer: Value = serde_json::from_slice(answers.last()?).ok()?;
    answer.get("result").cloned()
}
