//! Steps under way: bounded by `forks` and `throttle`, answering by message.

use std::sync::Arc;

use ftl_core::event::Event;
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
    pub fn new(forks: usize) -> Workers {
        Workers { set: JoinSet::new(), forks: Arc::new(Semaphore::new(forks.max(1))) }
    }

    pub fn start(&mut self, step: Step, throttle: Option<Arc<Semaphore>>) {
        let forks = self.forks.clone();
        self.set.spawn(async move {
            let _slot = match &throttle {
                Some(throttle) => throttle.acquire().await.ok(),
                None => None,
            };
            let _fork = forks.acquire().await.ok();
            step.emit(Event::HostStarted { task: step.info.clone(), host: step.host_name.clone() });
            // A panic in one host's task must not take the others down: it becomes that host's failure.
            let inner = step.clone();
            let outcome = match tokio::spawn(async move { run_step(&inner).await }).await {
                Ok(outcome) => outcome,
                Err(_) => panicked(&step),
            };
            (step, outcome)
        });
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub async fn next(&mut self) -> Option<(Step, Outcome)> {
        loop {
            match self.set.join_next().await? {
                Ok(done) => return Some(done),
                Err(_) => continue,
            }
        }
    }

    /// What has already ended, without waiting.
    pub fn try_next(&mut self) -> Option<(Step, Outcome)> {
        self.set.try_join_next()?.ok()
    }
}

fn panicked(step: &Step) -> Outcome {
    let mut outcome = Outcome::default();
    let failure = TaskFailure::message("Unexpected failure during task execution: this is a bug in FTL, please report it");
    crate::task::fail(failure, step.task.origin.clone(), &mut outcome);
    outcome
}
