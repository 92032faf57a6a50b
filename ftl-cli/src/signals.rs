//! Ctrl-C and its like: once ends the run in order, twice ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use ftl_engine::Cancel;
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit, terminal};

/// How long the end in order may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a signal made of the run.
#[derive(Clone, Default)]
pub struct Interruption(Arc<AtomicU8>);

impl Interruption {
    /// The exit code the first signal asked for.
    pub fn exit_code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }
}

/// Watches for signals from now on; the runtime must be entered.
pub fn watch(cancel: &Cancel) -> Interruption {
    let interruption = Interruption::default();
    let mut watched = vec![(SignalKind::interrupt(), exit::INTERRUPTED), (SignalKind::terminate(), exit::TERMINATED)];
    if !ignores_hangup() {
        watched.push((SignalKind::hangup(), exit::HUNG_UP));
    }
    for (kind, code) in watched {
        let Ok(mut stream) = signal(kind) else { continue };
        let (cancel, interruption) = (cancel.clone(), interruption.clone());
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if interruption.0.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                    leave(code);
                }
                cancel.cancel();
                tokio::spawn(async move {
                    tokio::time::sleep(PATIENCE).await;
                    leave(code);
                });
            }
        });
    }
    interruption
}

/// Gates end by themselves when their pipes close.
#[allow(clippy::exit)]
fn leave(code: u8) -> ! {
    terminal::restore();
    std::process::exit(code.into())
}

/// `nohup` starts programs with the signal ignored: that must stay so.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 1 != 0)
}
