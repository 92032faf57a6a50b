//! Steps under way: bounded by `forks` and `throttle`, answering by message.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use ftl_core::event::Event;
use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::step::{Outcome, Step};
use crate::task::{TaskFailure, run_step};

/// Workers of one strategy.
pub(super) struct Workers {
    set: JoinSet<(Step, Outcome)>,
    forks: Arc<Semaphore>,
}

impl Workers {
    pub(super) fn new(forks: usize) -> Workers {
        Workers { set: JoinSet::new(), forks: Arc::new(Semaphore::new(forks.max(1))) }
    }

    /// Begins a step. What needs no host is done here and now, in the order of the hosts and without a task of its own;
    /// its answer is the result.
    pub(super) async fn start(&mut self, step: Step, throttle: Option<Arc<Semaphore>>) -> Option<(Step, Outcome)> {
        step.emit(Event::HostStarted { task: step.info.clone(), host: step.host_name.clone() });
        let forks = self.forks.clone();
        let mut work = Box::pin(async move {
            let _slot = match throttle {
                Some(throttle) => throttle.acquire_owned().await.ok(),
                None => None,
            };
            let _fork = forks.acquire_owned().await.ok();
            guarded(step).await
        });
        // Polled here, so that hosts that must wait stand in line in their order.
        if let Poll::Ready(done) = futures::poll!(&mut work) {
            return Some(done);
        }
        self.set.spawn(work);
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub(super) async fn next(&mut self) -> Option<(Step, Outcome)> {
        loop {
            match self.set.join_next().await? {
                Ok(done) => return Some(done),
                Err(_) => continue,
            }
        }
    }

    /// What has already ended, without waiting.
    pub(super) fn try_next(&mut self) -> Option<(Step, Outcome)> {
        self.set.try_join_next()?.ok()
    }
}

/// A panic in one host's task must not take the others down: it becomes that host's failure.
async fn guarded(step: Step) -> (Step, Outcome) {
    let outcome = AssertUnwindSafe(run_step(&step)).catch_unwind().await.unwrap_or_else(|_| panicked(&step));
    (step, outcome)
}

fn panicked(step: &Step) -> Outcome {
    let mut outcome = Outcome::default();
    let failure =
        TaskFailure::message("Unexpected failure during task execution: this is a bug in FTL, please report it");
    crate::task::fail(failure, step.task.origin.clone(), &mut outcome);
    outcome
}
