//! Files and roles that tasks include: loaded once for all hosts that ask alike, then put before what comes next.

use std::sync::Arc;

use ftl_core::event::{Event, TaskInfo};
use ftl_core::id::{BlockId, HostId, TaskId};
use ftl_core::result::Status;
use ftl_core::value::{Map, Value, to_text};
use ftl_playbook::graph::{IncludeKind, TaskKind, TaskSpec};
use ftl_playbook::{LoadError, ProblemKind};

use crate::cursor::tasks_of;
use crate::debugger;
use crate::play_run::PlayRun;
use crate::process::{Fatal, Finished};
use crate::report;

/// One inclusion, for the hosts that want it alike.
struct Included {
    task: Arc<TaskSpec>,
    info: Arc<TaskInfo>,
    role: bool,
    /// File, or role name.
    what: String,
    args: Map,
    vars: Map,
    label: Option<String>,
    hosts: Vec<HostId>,
    results: Vec<usize>,
}

impl PlayRun {
    /// Loads what `results` include and lets the hosts go on there; gives the hosts whose includes failed.
    pub(crate) fn graft_includes(&mut self, results: &[Finished], hosts_left: &[HostId]) -> Result<Vec<HostId>, Fatal> {
        let included = self.gather(results);
        if included.is_empty() {
            return Ok(vec![]);
        }
        let mut blocks: Vec<(HostId, Vec<BlockId>)> = hosts_left.iter().map(|h| (*h, vec![])).collect();
        let mut order: Vec<TaskId> = vec![];
        let mut failed: Vec<HostId> = vec![];
        for include in &included {
            match self.load(include) {
                Ok(block) => {
                    let mut tasks = vec![];
                    tasks_of(&self.graph, block, &mut tasks);
                    let new = tasks.iter().map(|id| self.graph.task(*id).as_ref());
                    if let Some(error) = debugger::refusal_of(&self.run.settings, new) {
                        return Err(Fatal(error));
                    }
                    if include.task.is_handler && !include.role {
                        self.include_handlers(include, &tasks);
                        order.extend(&tasks);
                    } else {
                        self.select(&tasks);
                        order.extend(&tasks);
                        for (host, list) in &mut blocks {
                            if include.hosts.contains(host) {
                                list.push(block);
                            }
                        }
                    }
                    self.say_included(include);
                }
                Err(error) if error.kind() == ProblemKind::Parse => return Err(first(error)),
                Err(error) => {
                    self.include_failed(include, results, &error);
                    failed.extend(&include.hosts);
                }
            }
        }
        failed.sort_unstable();
        failed.dedup();
        for host in &failed {
            self.ledger.failed.insert(*host);
            self.mark_failed(*host);
        }
        for (host, list) in blocks {
            if let Some(cursor) = self.cursors.get_mut(&host) {
                cursor.insert(&list);
            }
        }
        let at = self.order_next.min(self.order.len());
        self.order.splice(at..at, order);
        Ok(failed)
    }

    /// Equal inclusions of several hosts are one; a host that includes the same twice has two.
    fn gather(&self, results: &[Finished]) -> Vec<Included> {
        let mut out: Vec<Included> = vec![];
        for (index, done) in results.iter().enumerate() {
            let TaskKind::Include(include) = &done.step.task.kind else { continue };
            if matches!(done.status, Status::Unreachable) {
                continue;
            }
            let items = match done.outcome.looped {
                true => done.outcome.items(),
                false => vec![Value::dict(done.outcome.map.clone())],
            };
            for item in items {
                let truth = |key: &str| item.get(key).is_some_and(|v| v.is_true());
                if truth("skipped") || truth("failed") {
                    continue;
                }
                let mut new = Included {
                    task: done.step.task.clone(),
                    info: done.step.info.clone(),
                    role: include.kind == IncludeKind::Role,
                    what: item.get("include").map(|v| to_text(&v)).unwrap_or_default(),
                    args: item.get("include_args").and_then(|v| v.as_map()).map(|m| (*m).clone()).unwrap_or_default(),
                    vars: special_vars(&item),
                    label: item.get("_ansible_item_label").map(|v| to_text(&v)).filter(|_| done.outcome.looped),
                    hosts: vec![],
                    results: vec![],
                };
                if new.role {
                    let name = new.args.remove("name").or_else(|| new.args.remove("role"));
                    new.what = name.map(|v| to_text(&v)).unwrap_or_default();
                }
                let host = done.step.host;
                let same = |known: &&mut Included| {
                    known.task.id == new.task.id
                        && known.what == new.what
                        && Value::dict(known.args.clone()) == Value::dict(new.args.clone())
                        && Value::dict(known.vars.clone()) == Value::dict(new.vars.clone())
                        && !known.hosts.contains(&host)
                };
                match out.iter_mut().find(same) {
                    Some(known) => {
                        known.hosts.push(host);
                        known.results.push(index);
                    }
                    None => {
                        new.hosts.push(host);
                        new.results.push(index);
                        out.push(new);
                    }
                }
            }
        }
        out
    }

    fn load(&mut self, include: &Included) -> Result<BlockId, LoadError> {
        let loader = self.run.loader.clone();
        let options = self.run.parse.clone();
        let graph = Arc::make_mut(&mut self.graph);
        let (block, warnings) = if include.role {
            let grafted = ftl_playbook::graph::graft_role(
                graph,
                &self.spec,
                &include.task,
                &include.what,
                &include.args,
                &include.vars,
                &loader,
                &options,
            )?;
            self.run.runtime.add_plugin_directory(&self.graph.role(grafted.role).path);
            let mut handlers = (*self.handlers).clone();
            handlers.extend(grafted.handlers);
            self.handlers = Arc::new(handlers);
            if self.graph.role(grafted.role).public {
                let role = self.graph.role(grafted.role).clone();
                let play = Arc::make_mut(&mut self.play);
                play.role_defaults.push(role.defaults.clone());
                play.role_vars.push(role.vars.clone());
            }
            (grafted.block, grafted.warnings)
        } else {
            ftl_playbook::graph::graft_tasks(
                graph,
                &self.spec,
                &include.task,
                &include.what,
                &include.vars,
                &loader,
                &options,
            )?
        };
        for warning in warnings {
            self.emit(Event::Message(warning));
        }
        Ok(block)
    }

    /// Tasks a handler includes are handlers that are notified already.
    fn include_handlers(&mut self, include: &Included, tasks: &[TaskId]) {
        for task in tasks {
            for host in &include.hosts {
                self.notified.insert((*task, *host));
            }
        }
        for host in &include.hosts {
            if let Some(cursor) = self.cursors.get_mut(host) {
                cursor.insert_handlers(tasks);
            }
        }
    }

    fn say_included(&mut self, include: &Included) {
        for host in &include.hosts {
            self.stats(*host).ok += 1;
        }
        self.emit(Event::Included {
            file: self.shown(include),
            hosts: include.hosts.iter().map(|h| self.name(*h)).collect(),
            label: include.label.clone(),
            task: include.info.clone(),
            detail: self.run.settings.detailed_events.then(|| {
                let vars = [("args", &include.args), ("vars", &include.vars)];
                let mut map: Map = vars.map(|(k, v)| (k, Value::dict(v.clone()).untrusted())).into_iter().collect();
                map.insert("is_role", include.role);
                Arc::new(map)
            }),
        });
    }

    fn shown(&self, include: &Included) -> String {
        if include.role {
            return include.what.clone();
        }
        ftl_playbook::graph::included_file(&self.graph, &self.spec, &include.task, &include.what, &self.run.parse)
            .to_string_lossy()
            .into_owned()
    }

    fn include_failed(&mut self, include: &Included, results: &[Finished], error: &LoadError) {
        let diagnostics = error.diagnostics();
        let reason = diagnostics.first().map(|d| d.one_line()).unwrap_or_default();
        for diagnostic in diagnostics {
            self.emit(Event::Message(diagnostic));
        }
        for index in &include.results {
            let done = &results[*index];
            let mut outcome = done.outcome.clone();
            outcome.map.remove("include_args");
            outcome.map.insert("failed", true);
            outcome.map.insert("reason", reason.as_str());
            // A host without its tasks cannot go on, whatever the task ignores.
            outcome.ignore_errors = false;
            self.stats(done.step.host).failed += 1;
            self.emit(Event::HostFinished(report::host_result(&done.step, &outcome)));
        }
    }
}

fn first(error: LoadError) -> Fatal {
    let mut all = error.diagnostics();
    Fatal(if all.is_empty() {
        ftl_core::source::Diagnostic::error("included file cannot be loaded")
    } else {
        all.remove(0)
    })
}

/// Loop variables of the include are variables of what it includes.
fn special_vars(item: &Value) -> Map {
    let mut vars = Map::new();
    let mut take = |key: &str| {
        if let Some(value) = item.get(key) {
            vars.insert(key, value);
        }
    };
    let loop_var = item.get("ansible_loop_var").map(|v| to_text(&v));
    if let Some(name) = &loop_var {
        take(name);
        take("ansible_loop_var");
    }
    if let Some(name) = item.get("ansible_index_var").map(|v| to_text(&v)) {
        take(&name);
        take("ansible_index_var");
    }
    take("_ansible_item_label");
    take("ansible_loop");
    vars
}
