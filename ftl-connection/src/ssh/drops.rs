//! When to try a connection again, and how many may be in the making at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tokio::sync::Semaphore;

use super::message::Failure;

/// How long a busy host is asked again once it took at least one connection of this run.
const BUSY_BUDGET: Duration = Duration::from_secs(90);
/// How often a host that never took any is asked again.
const STRANGER_TRIES: u32 = 4;

/// What this run knows of one address.
pub(crate) struct Address {
    pub(crate) window: Semaphore,
    pub(crate) accepted: AtomicBool,
}

/// All addresses of this run.
pub(crate) struct Addresses {
    known: Mutex<HashMap<String, Arc<Address>>>,
    window: usize,
}

impl Addresses {
    pub(crate) fn new(window: usize) -> Addresses {
        Addresses { known: Mutex::default(), window: window.max(1) }
    }

    pub(crate) fn get(&self, address: &str) -> Arc<Address> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Address { window: Semaphore::new(self.window), accepted: AtomicBool::new(false) });
        known.entry(address.to_string()).or_insert_with(fresh).clone()
    }
}

/// The tries of one connection.
pub(crate) struct Tries {
    started: Instant,
    done: u32,
    /// `ansible_ssh_retries`: tries for failures of any kind but a wrong password.
    asked: u32,
}

impl Tries {
    pub(crate) fn new(asked: u32) -> Tries {
        Tries { started: Instant::now(), done: 0, asked }
    }

    /// How long to wait before the next try; `None` to give up.
    pub(crate) fn pause(&mut self, failure: &Failure, address: &Address) -> Option<Duration> {
        self.done += 1;
        let asked = (self.done <= self.asked).then(|| Duration::from_secs((1u64 << (self.done - 1).min(5)) - 1));
        match failure {
            Failure::Dropped(_) | Failure::Short(_) => {
                let familiar = address.accepted.load(Ordering::Relaxed);
                let within = if familiar { self.started.elapsed() < BUSY_BUDGET } else { self.done < STRANGER_TRIES };
                let longest = 4000.min(1000 << self.done.min(3));
                let jitter = Duration::from_millis(rand::rng().random_range(500..=longest));
                if within { Some(jitter) } else { asked }
            }
            Failure::Refused(_) if self.done == 1 => Some(Duration::from_millis(400)),
            Failure::Refused(_) | Failure::Final(_) => asked,
            Failure::Password(_) | Failure::NeedsProgram(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_in_time() {
        let address = Address { window: Semaphore::new(1), accepted: AtomicBool::new(false) };
        let count = |failure: Failure, asked: u32, expected: usize| {
            let mut tries = Tries::new(asked);
            let pauses = (0..50).take_while(|_| tries.pause(&failure, &address).is_some()).count();
            assert_eq!(pauses, expected, "{failure:?} {asked}");
        };
        count(Failure::Dropped(String::new()), 0, 3);
        count(Failure::Refused(String::new()), 0, 1);
        count(Failure::Refused(String::new()), 3, 3);
        count(Failure::Final(String::new()), 2, 2);
        count(Failure::Password(String::new()), 5, 0);
        address.accepted.store(true, Ordering::Relaxed);
        count(Failure::Dropped(String::new()), 0, 50);
    }
}
