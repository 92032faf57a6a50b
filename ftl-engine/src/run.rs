//! What all parts of a run share, and nothing that changes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftl_core::port::{EventSink, ModuleRuntime};
use ftl_core::source::{Diagnostic, Loader};
use ftl_inventory::{Inventory, InventorySettings};
use ftl_playbook::ParseOptions;
use ftl_template::Shared;
use tokio::task::JoinSet;

use crate::cancel::Cancel;
use crate::settings::EngineSettings;

/// Settings and ports. Workers hold it by `Arc`.
pub struct Run {
    pub settings: EngineSettings,
    pub runtime: Arc<dyn ModuleRuntime>,
    pub sink: Arc<dyn EventSink>,
    pub template: Arc<Shared>,
    pub loader: Arc<Loader>,
    pub cancel: Cancel,
    pub inventory_settings: InventorySettings,
    /// Grafts included files into the graph.
    pub parse: ParseOptions,
    /// Reads the inventory sources again (`meta: refresh_inventory`).
    pub reload_inventory: Option<ReloadInventory>,
    /// Asks the operator (`pause`, `vars_prompt`); `None` when there is no terminal.
    pub prompt: Option<Arc<dyn Prompt>>,
    /// Work on hosts that no task waits for.
    pub cleanups: Cleanups,
}

/// Removals of temporary files, done while the play goes on, so that they cost no round trip.
#[derive(Default)]
pub struct Cleanups(Mutex<JoinSet<()>>);

impl Cleanups {
    pub(crate) fn add(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut pending = self.0.lock().unwrap_or_else(|e| e.into_inner());
        while pending.try_join_next().is_some() {}
        pending.spawn(work);
    }

    /// Waits for all of them, for a while: what stays is removed with the gates' own directories.
    pub(crate) async fn finish(&self, patience: Duration) {
        let mut pending = std::mem::take(&mut *self.0.lock().unwrap_or_else(|e| e.into_inner()));
        let all = async { while pending.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(patience, all).await;
    }
}

/// A new inventory from the same sources, and what is to be said about it.
pub type ReloadInventory = Arc<dyn Fn() -> Result<(Inventory, Vec<Diagnostic>), Diagnostic> + Send + Sync>;

/// A question to the operator.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub text: String,
    /// Not echoed.
    pub private: bool,
    pub seconds: Option<u64>,
}

/// The operator's terminal. Blocking: the engine calls it from a blocking thread.
pub trait Prompt: Send + Sync {
    /// The answer; `None` when the time ran out or input ended.
    fn ask(&self, question: &Question) -> Option<String>;
}
