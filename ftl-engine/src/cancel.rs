//! Ctrl-C, told to everyone at once.

use std::sync::Arc;

use tokio::sync::watch;

/// Cloned freely; cancelled once.
#[derive(Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Cancel {
        Cancel(Arc::new(watch::channel(false).0))
    }
}

impl Cancel {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is cancelled.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`, so this can only end by a value.
        let _ = receiver.wait_for(|cancelled| *cancelled).await;
    }
}
