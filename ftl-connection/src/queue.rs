//! A byte queue between a task that always drains a stream and whoever reads it later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftl_core::port::{BoxFuture, ByteSource};
use ftl_core::result::HostError;
use tokio::sync::Notify;

/// What happens when nobody reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overflow {
    /// The stream ends with an error: bytes that matter are never dropped.
    Fail,
    /// The oldest bytes go: for messages.
    DropOldest,
}

/// The end that is filled; it may be cloned.
#[derive(Clone)]
pub(crate) struct Feeder(Arc<Shared>);

/// The end that is read.
pub(crate) struct Drain(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    ready: Notify,
    limit: usize,
    overflow: Overflow,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    end: Option<Result<(), HostError>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A queue that holds at most `limit` bytes.
pub(crate) fn queue(limit: usize, overflow: Overflow) -> (Feeder, Drain) {
    let shared = Arc::new(Shared { state: Mutex::default(), ready: Notify::new(), limit, overflow });
    (Feeder(shared.clone()), Drain(shared))
}

impl Feeder {
    /// Adds bytes; never waits.
    pub(crate) fn push(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.0.state();
        if state.end.is_some() {
            return;
        }
        state.bytes += bytes.len();
        state.chunks.push_back(bytes);
        if state.bytes > self.0.limit {
            match self.0.overflow {
                Overflow::DropOldest => {
                    while state.bytes > self.0.limit && state.chunks.len() > 1 {
                        let gone = state.chunks.pop_front().map_or(0, |chunk| chunk.len());
                        state.bytes -= gone;
                    }
                }
                Overflow::Fail => {
                    let limit = self.0.limit >> 20;
                    let message = format!("the host sent more than {limit} MiB that nobody asked for");
                    state.end = Some(Err(HostError::Lost { message }));
                }
            }
        }
        drop(state);
        self.0.ready.notify_one();
    }

    /// Ends the queue; what is in it can still be read. Only the first end counts.
    pub(crate) fn finish(&self, end: Result<(), HostError>) {
        self.0.state().end.get_or_insert(end);
        self.0.ready.notify_one();
    }
}

impl Drain {
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, HostError> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(chunk) = state.chunks.pop_front() {
                    state.bytes -= chunk.len();
                    return Ok(Some(chunk));
                }
                if let Some(end) = &state.end {
                    return end.clone().map(|()| None);
                }
            }
            self.0.ready.notified().await;
        }
    }
}

impl ByteSource for Drain {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn drained(limit: usize, overflow: Overflow, chunks: &[&str]) -> (String, bool) {
        let (feeder, mut drain) = queue(limit, overflow);
        for chunk in chunks {
            feeder.push(chunk.as_bytes().to_vec());
        }
        feeder.finish(Ok(()));
        let mut text = String::new();
        loop {
            match drain.next().await {
                Ok(Some(chunk)) => text.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) => return (text, true),
                Err(_) => return (text, false),
            }
        }
    }

    #[tokio::test]
    async fn keeps_order_and_bounds() {
        let check = async |limit, overflow, chunks: &[&str], expected: (&str, bool)| {
            assert_eq!(drained(limit, overflow, chunks).await, (expected.0.to_string(), expected.1), "{chunks:?}");
        };
        check(10, Overflow::Fail, &["ab", "cd"], ("abcd", true)).await;
        check(3, Overflow::Fail, &["ab", "cd", "ef"], ("abcd", false)).await;
        check(3, Overflow::DropOldest, &["ab", "cd", "e"], ("cde", true)).await;
        check(3, Overflow::DropOldest, &["abcdef"], ("abcdef", true)).await;
        check(3, Overflow::Fail, &[], ("", true)).await;
    }
}
