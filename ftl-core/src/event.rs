//! What happens in a run, in order: the only output of the engine. Every display is a fold over these.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::TaskId;
use crate::result::{HostStats, Status};
use crate::source::{Diagnostic, Origin};
use crate::value::Map;

/// What only callback plugins in Python want to know, under Ansible's names; nothing when a run has none of them.
pub type Detail = Option<Arc<Map>>;

/// Self-contained: a display needs nothing else. Results are already censored (`no_log`).
#[derive(Clone, Debug)]
pub enum Event {
    PlaybookStarted {
        file: String,
    },
    /// `free`: hosts run on their own (strategies `free`, `host_pinned`), so the title of a task comes with its results.
    PlayStarted {
        name: String,
        check: bool,
        free: bool,
        hosts: usize,
        detail: Detail,
    },
    /// The play's pattern matched nothing.
    NoHostsMatched,
    /// Every host has failed.
    NoHostsRemaining,
    TaskStarted(Arc<TaskInfo>),
    /// A host began the task (for progress displays).
    HostStarted {
        task: Arc<TaskInfo>,
        host: Arc<str>,
    },
    ItemFinished(HostResult),
    HostFinished(HostResult),
    Retrying {
        result: HostResult,
        attempts_left: u32,
    },
    AsyncPoll {
        result: Box<HostResult>,
        job: String,
        started: bool,
        finished: bool,
    },
    AsyncOk {
        result: Box<HostResult>,
        job: String,
    },
    AsyncFailed {
        result: Box<HostResult>,
        job: String,
    },
    /// A file or role was included for these hosts.
    Included {
        file: String,
        hosts: Vec<Arc<str>>,
        label: Option<String>,
        task: Arc<TaskInfo>,
        detail: Detail,
    },
    /// `-vv`: `NOTIFIED HANDLER x for host`.
    Notified {
        handler: String,
        host: Arc<str>,
        task: Option<Arc<TaskInfo>>,
    },
    /// The operator is about to be asked for a variable; the detail says how.
    VarsPrompt {
        detail: Detail,
    },
    /// `-vv`: `META: …`.
    Meta {
        text: String,
    },
    /// Warnings, deprecations and errors outside a host's result.
    Message(Diagnostic),
    /// Verbose text, shown from the given `-v` level on.
    Verbose {
        level: u8,
        host: Option<Arc<str>>,
        text: String,
    },
    /// Custom statistics of `set_stats` (shown only when the setting asks for them).
    RunFinished {
        stats: BTreeMap<Arc<str>, HostStats>,
        custom: Option<BTreeMap<String, Map>>,
    },
}

/// What displays need to know of a task.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    pub id: TaskId,
    /// `role : name`, or the action as written when the task has no name.
    pub title: String,
    /// The `name:` alone, rendered; empty when the task has none (for the retry line).
    pub name: String,
    pub action: Arc<str>,
    pub origin: Option<Origin>,
    pub handler: bool,
    pub check: bool,
    /// The task runs with `diff`: a `diff` in its result is shown.
    pub diff: bool,
    /// `display_args_to_stdout`: ` key=value, …` already cut and censored.
    pub shown_args: Option<String>,
    /// Made by FTL, so that displays do not show that it begins (`meta: flush_handlers`).
    pub implicit: bool,
    /// The task as it is written.
    pub detail: Detail,
}

/// How the task (or an item of its loop) ended on one host.
#[derive(Clone, Debug)]
pub struct HostResult {
    pub task: Arc<TaskInfo>,
    pub host: Arc<str>,
    /// The host it was delegated to, and its address when that differs.
    pub delegated: Option<(String, Option<String>)>,
    pub status: Status,
    /// `ignore_errors` (or `ignore_unreachable`) applies.
    pub ignored: bool,
    /// Keys as the callbacks of Ansible see them, `_ansible_*` included (`_ansible_verbose_always`, `_ansible_no_log`).
    pub result: Arc<Map>,
    /// For items: the label.
    pub item: Option<String>,
    /// The task looped, so the final result of a host repeats what its items already said.
    pub looped: bool,
    /// The `[ERROR]: …` block printed before a failure, when there is one.
    pub error: Option<Box<Diagnostic>>,
    /// Warnings and deprecations that came with the result.
    pub messages: Vec<Diagnostic>,
    /// The task's keywords as they were rendered for the host; not those of `no_log` tasks.
    pub detail: Detail,
}
