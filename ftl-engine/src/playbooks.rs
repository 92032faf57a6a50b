//! A whole run: playbook after playbook, play after play, and the exit code in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ftl_core::event::Event;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_inventory::{Inventory, Limit};
use ftl_playbook::graph::Playbook;
use rustc_hash::FxHashSet;

use crate::debugger;
use crate::facts_cache;
use crate::play::{OK, PlayEnd, run_play};
use crate::play_run::Ledger;
use crate::run::Run;
use crate::vars::{InventoryLayers, World};

/// What is to be run.
pub struct Plan {
    pub playbooks: Vec<Playbook>,
    pub inventory: Inventory,
    pub layers: InventoryLayers,
    pub limit: Option<Limit>,
}

/// How it went.
#[derive(Debug)]
pub struct Finish {
    pub exit_code: u8,
    /// An error that ended the run; the caller prints it.
    pub error: Option<Diagnostic>,
    /// Hosts for the retry file.
    pub failed_hosts: Vec<String>,
}

/// What stands for the file of the play that a single module is.
pub const ADHOC: &str = "__adhoc_playbook__";

const GENERAL: u8 = 1;
const INTERRUPTED: u8 = 99;
/// For removals that are under way when all tasks are done.
const CLEANUP_PATIENCE: Duration = Duration::from_secs(5);

/// Runs everything. Never panics on what playbooks or hosts do.
pub async fn run_playbooks(run: Arc<Run>, plan: Plan) -> Finish {
    let mut ledger = Ledger {
        world: World::new(plan.inventory, plan.layers),
        stats: BTreeMap::new(),
        failed: FxHashSet::default(),
        unreachable: FxHashSet::default(),
        custom_stats: BTreeMap::new(),
        start_at_done: false,
        inventory_changes: vec![],
    };
    let mut plays = plan.playbooks.iter().flat_map(|playbook| &playbook.plays);
    if let Some(error) = plays.find_map(|play| debugger::refusal(&run.settings, play)) {
        return Finish { exit_code: GENERAL, error: Some(error), failed_hosts: vec![] };
    }
    facts_cache::load(&run, &mut ledger.world);
    let mut finish = Finish { exit_code: OK, error: None, failed_hosts: vec![] };
    'playbooks: for playbook in plan.playbooks {
        run.sink.emit(Event::PlaybookStarted { file: playbook.file.clone() });
        if playbook.file != ADHOC {
            let text = format!("{} plays in {}", playbook.plays.len(), playbook.file);
            run.sink.emit(Event::Verbose { level: 2, host: None, text });
        }
        let mut result = OK;
        for spec in playbook.plays {
            match run_play(&run, Arc::new(spec), plan.limit.as_ref(), ledger).await {
                Ok((back, end, code)) => {
                    ledger = back;
                    result = code.unwrap_or(result);
                    if end == PlayEnd::Stop || run.cancel.is_cancelled() {
                        break;
                    }
                }
                Err((back, fatal)) => {
                    ledger = back;
                    finish.error = Some(fatal.0);
                    finish.exit_code = GENERAL;
                    break 'playbooks;
                }
            }
        }
        finish.exit_code = result;
        let custom = (!ledger.custom_stats.is_empty()).then(|| ledger.custom_stats.clone());
        run.sink.emit(Event::RunFinished { stats: ledger.stats.clone(), custom });
        if result != OK || run.cancel.is_cancelled() {
            break;
        }
    }
    facts_cache::save(&run, &ledger.world);
    if !run.cancel.is_cancelled() {
        run.cleanups.finish(CLEANUP_PATIENCE).await;
    }
    if run.cancel.is_cancelled() {
        finish.exit_code = INTERRUPTED;
    }
    let inventory = &ledger.world.inventory;
    let mut lost: Vec<String> =
        ledger.failed.union(&ledger.unreachable).map(|h| inventory.host_name(*h).to_string()).collect();
    lost.sort();
    finish.failed_hosts = lost;
    if let Some(name) = run.settings.start_at_task.as_ref().filter(|_| !ledger.start_at_done) {
        run.sink.emit(Event::Message(Diagnostic::error(format!(
            "No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."
        ))));
    }
    finish
}

/// `ansible_version`, as a dict.
pub fn version_value(full: &str) -> Value {
    let mut parts = full.split('.').map(|p| p.parse::<i64>().unwrap_or(0));
    let (major, minor, revision) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let mut map = Map::new();
    map.insert("full", full);
    map.insert("major", major);
    map.insert("minor", minor);
    map.insert("revision", revision);
    map.insert("string", full);
    Value::dict(map)
}
