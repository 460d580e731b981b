//! A response that arrives, in batches of the items of its streamed list: each batch is a response of its own, with no other items. So it is read like
//! any response, and nothing that was delivered is held. Knows nothing of what items are.
//!
//! The response is read as it arrives only if all else that was asked stands before the list. Otherwise, and where errors come first, it
//! is read whole.

use std::time::Duration;

use braid_graphql::variables::Variables;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::cut::{Cutter, NoList, Seen};
use crate::compile::flow::Flow;
use crate::compile::operation::CompiledOperation;
use crate::compile::reading::{ReadField, Reading};
use crate::response::ExecuteLimits;
use crate::scanner::{ScanError, Scanner, unescape};
use crate::service::{ArrivingBody, SubgraphError, SubgraphErrorKind};

/// How much is looked at at once. There is never more than this behind a batch, beside a part of an item.
const PIECE: usize = 8 << 10;

/// How long items that are there wait for others to be delivered with them.
const LINGER: Duration = Duration::from_millis(10);

/// The rest of a response.
pub(crate) struct Arriving<'a> {
    flow: &'a Flow,
    body: ArrivingBody,
    /// What has arrived and is not in `batch`.
    chunk: Bytes,
    /// The next batch as far as it is there, and what follows it.
    batch: Vec<u8>,
    /// Where its items begin, where the last of them that is whole ends, and how far the cutter has come.
    start: usize,
    end: usize,
    at: usize,
    items: u32,
    cutter: Cutter,
    has_ended: bool,
    /// Why nothing more comes.
    failure: Option<SubgraphError>,
    max_batch: usize,
    max_nesting: usize,
}

/// Some items of the list.
pub(crate) struct Batch {
    /// A response with these items.
    pub(crate) body: Bytes,
    /// Whether there are no more. It has what follows the list too.
    pub(crate) is_last: bool,
}

impl<'a> Arriving<'a> {
    /// Waits for the response up to the first items of the list: as many as are delivered with it. Returns a response that has no other items, and
    /// the others; or all of the response, if its items can't be taken out while it arrives.
    pub(crate) async fn begin(
        flow: &'a Flow,
        operation: &CompiledOperation,
        variables: &Variables,
        body: ArrivingBody,
        limits: &ExecuteLimits,
    ) -> Result<(Bytes, Option<Self>), SubgraphError> {
        let mut arriving = Self {
            flow,
            body,
            chunk: Bytes::new(),
            batch: Vec::new(),
            start: 0,
            end: 0,
            at: 0,
            items: 0,
            cutter: Cutter::new(),
            has_ended: false,
            failure: None,
            max_batch: limits.max_memory,
            max_nesting: limits.max_nesting,
        };
        let search = Search { flow, operation, variables, max_nesting: limits.max_nesting };
        let initial = operation.program.projection.streams[flow.stream as usize].initial.count(variables);
        if arriving.find_list(&search).await? && arriving.first_items(initial).await? {
            let first = arriving.take();
            return Ok((first, Some(arriving)));
        }
        while arriving.more().await? {}
        Ok((arriving.batch.into(), None))
    }

    /// Waits for the next items: of about so many bytes, unless the others take their time.
    pub(crate) async fn next(&mut self, enough: usize) -> Result<Batch, SubgraphError> {
        let filled = match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.fill(enough).await,
        };
        match filled {
            Err(failure) if self.items == 0 => return Err(failure),
            Err(failure) => self.failure = Some(failure),
            Ok(()) if self.has_ended => {
                return Ok(Batch { body: std::mem::take(&mut self.batch).into(), is_last: true });
            }
            Ok(()) => {}
        }
        Ok(Batch { body: self.take(), is_last: false })
    }

    async fn fill(&mut self, enough: usize) -> Result<(), SubgraphError> {
        // As large as it becomes, unless an item is larger: growing would hold it twice.
        self.batch.reserve_exact((enough + 2 * PIECE).saturating_sub(self.batch.len()));
        let mut since = None;
        while !self.cut(u32::MAX, enough).map_err(|NoList| malformed("the list in the answer is not JSON"))? {
            let has_more = match self.items {
                0 => self.more().await?,
                _ => match timeout_at(*since.get_or_insert_with(Instant::now) + LINGER, self.more()).await {
                    Ok(has_more) => has_more?,
                    Err(_) => return Ok(()),
                },
            };
            if !has_more {
                return Err(malformed("the answer ends within the list"));
            }
        }
        if self.has_ended {
            // What follows is delivered with the last items, such as errors about them.
            while self.more().await? {}
            let rest = [&self.flow.head, &self.batch[self.end..]].concat();
            let is_json = Scanner::new(&rest, self.max_nesting).and_then(|mut scanner| {
                scanner.value()?;
                scanner.end()
            });
            // Otherwise reading would fail for the items too.
            is_json.map_err(|_| malformed("what follows the list in the answer is not JSON"))?;
        }
        Ok(())
    }

    /// Whether the list begins, with all else that was asked before it.
    async fn find_list(&mut self, search: &Search<'_>) -> Result<bool, SubgraphError> {
        // Each time more of it has arrived by a share of what was there, so that all that is looked at again is bounded.
        let mut next_look = 0;
        while self.more().await? {
            if self.batch.len() < next_look {
                continue;
            }
            next_look = self.batch.len() + self.batch.len() / 4 + 32;
            match search.look(&self.batch) {
                Found::NotYet => {}
                Found::Never => return Ok(false),
                Found::At(start) => {
                    (self.start, self.end, self.at) = (start, start, start);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether the list has so many items.
    async fn first_items(&mut self, count: u32) -> Result<bool, SubgraphError> {
        loop {
            match self.cut(count, usize::MAX) {
                Ok(true) => return Ok(!self.has_ended || self.items >= count),
                Ok(false) if self.more().await? => {}
                Ok(false) | Err(NoList) => return Ok(false),
            }
        }
    }

    /// Looks for so many items or bytes of items; `false` if there are fewer yet.
    fn cut(&mut self, max_items: u32, enough: usize) -> Result<bool, NoList> {
        while self.items < max_items && self.end - self.start < enough && !self.has_ended {
            match self.cutter.next(&self.batch, &mut self.at)? {
                None => return Ok(false),
                Some(Seen::Item) => (self.items, self.end) = (self.items + 1, self.at),
                // The items before it are gone.
                Some(Seen::Comma) if self.items == 0 => self.batch[self.at - 1] = b' ',
                Some(Seen::Comma) => {}
                Some(Seen::End) => self.has_ended = true,
            }
        }
        Ok(true)
    }

    /// The items that are there. What follows them begins the next batch.
    fn take(&mut self) -> Bytes {
        let (head, end) = (&self.flow.head, self.end);
        let rest = &self.batch[end..];
        let mut next = Vec::with_capacity(head.len() + rest.len());
        next.extend_from_slice(head);
        next.extend_from_slice(rest);
        let seen = head.len()..head.len() + self.at - end;
        (self.start, self.end, self.at, self.items) = (seen.start, seen.start, seen.end, 0);
        // A comma that was seen already separates the next item from one that is gone.
        let first = next[seen].iter_mut().find(|byte| !byte.is_ascii_whitespace());
        first.into_iter().filter(|first| **first == b',').for_each(|comma| *comma = b' ');
        let mut taken = std::mem::replace(&mut self.batch, next);
        taken.truncate(end);
        self.flow.close(&mut taken);
        taken.into()
    }

    /// Waits for more; `false` at the end of the response.
    async fn more(&mut self) -> Result<bool, SubgraphError> {
        while self.chunk.is_empty() {
            match self.body.next().await {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(false),
            }
        }
        let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
        if self.batch.len() + piece.len() > self.max_batch {
            let message =
                "what must be held of the answer is larger than the memory that a request may hold".to_owned();
            return Err(SubgraphError { kind: SubgraphErrorKind::TooLarge, message, retryable: false });
        }
        self.batch.extend_from_slice(&piece);
        Ok(true)
    }
}

fn malformed(message: &str) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Malformed, message: message.to_owned(), retryable: false }
}

/// Looks for the list in the beginning of a response.
struct Search<'a> {
    flow: &'a Flow,
    operation: &'a CompiledOperation,
    variables: &'a Variables,
    max_nesting: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    NotYet,
    /// Its items can't be taken out while the response arrives.
    Never,
    /// The first item begins here.
    At(usize),
}

impl Search<'_> {
    fn look(&self, bytes: &[u8]) -> Found {
        let whole = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            // A character of which a part has arrived.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Found::Never,
        };
        let mut scanner = Scanner { bytes: &bytes[..whole], at: 0, max_nesting: self.max_nesting };
        match self.list(&mut scanner) {
            Ok(Some(start)) => Found::At(start),
            // What ends too early is not told from what is wrong. The latter is seen when the response is read whole.
            Err(ScanError::Malformed(_)) => Found::NotYet,
            Ok(None) | Err(_) => Found::Never,
        }
    }

    fn list(&self, scanner: &mut Scanner<'_>) -> Result<Option<usize>, ScanError> {
        scanner.blanks();
        if !self.data(scanner)? {
            return Ok(None);
        }
        let fetch = &self.operation.program.fetches[self.flow.fetch];
        for (reading, number) in &self.flow.way {
            if !self.field(scanner, fetch.readings.get(*reading), *number)? {
                return Ok(None);
            }
        }
        match scanner.peek() {
            Some(b'[') => Ok(Some(scanner.at + 1)),
            Some(_) => Ok(None),
            None => scanner.malformed(),
        }
    }

    /// Moves to the value of `data`; `false` if there is none, or errors come first.
    fn data(&self, scanner: &mut Scanner<'_>) -> Result<bool, ScanError> {
        scanner.expect(b'{')?;
        scanner.blanks();
        loop {
            let key = scanner.key()?;
            match &*unescape(scanner.bytes, key) {
                b"data" => return Ok(true),
                b"errors" => {
                    let start = scanner.at;
                    scanner.value()?;
                    let text = scanner.bytes[start..scanner.at].iter().filter(|byte| !byte.is_ascii_whitespace());
                    if !(text.clone().eq(b"null") || text.eq(b"[]")) {
                        return Ok(false);
                    }
                }
                _ => scanner.value()?,
            }
            if !scanner.another(b'}')? {
                return Ok(false);
            }
        }
    }

    /// Moves to the value of a field; `false` if it is not there, or before something else that was asked.
    fn field(&self, scanner: &mut Scanner<'_>, reading: &Reading, number: usize) -> Result<bool, ScanError> {
        match scanner.peek() {
            Some(b'{') => scanner.at += 1,
            Some(_) => return Ok(false),
            None => return scanner.malformed(),
        }
        scanner.blanks();
        let mut seen = vec![false; reading.fields.len()];
        seen[number] = true;
        loop {
            let key = scanner.key()?;
            match reading.look_up(&unescape(scanner.bytes, key)) {
                Some(at) if at == number => break,
                Some(at) => seen[at] = true,
                None => {}
            }
            scanner.value()?;
            if !scanner.another(b'}')? {
                return Ok(false);
            }
        }
        Ok(!reading.fields.iter().zip(seen).any(|(field, seen)| !seen && self.is_asked(reading, field)))
    }

    fn is_asked(&self, reading: &Reading, field: &ReadField) -> bool {
        let shape = self.operation.program.shapes.get(reading.shape);
        let mut conditions = field.targets.iter().flat_map(|target| &shape.slot(target.slot).asked);
        conditions.any(|condition| condition.holds(self.variables))
    }
}
