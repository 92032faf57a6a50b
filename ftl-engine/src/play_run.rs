//! One batch of one play while it runs: who is where, who failed, which handlers wait. Owned by the dispatcher alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use ftl_core::event::{Event, TaskInfo};
use ftl_core::id::{BlockId, HostId, TaskId};
use ftl_core::result::HostStats;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text};
use ftl_inventory::{AddedHost, GroupedHost};
use ftl_playbook::graph::is_selected;
use ftl_playbook::graph::{PlaySpec, TaskGraph, TaskKind, TaskSpec};
use ftl_template::{Placeholders, Renderer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::cursor::{Cursor, Filter, tasks_of};
use crate::detail;
use crate::run::Run;
use crate::step::Step;
use crate::vars::{PlayVars, RoleVars, TaskScope, World};

/// What outlives a play: facts, failures, counters.
pub(crate) struct Ledger {
    pub world: World,
    pub stats: BTreeMap<Arc<str>, HostStats>,
    pub failed: FxHashSet<HostId>,
    pub unreachable: FxHashSet<HostId>,
    pub custom_stats: BTreeMap<String, Map>,
    pub start_at_done: bool,
    /// What tasks did to the inventory, to be done again when it is read anew.
    pub inventory_changes: Vec<InventoryChange>,
}

/// `add_host`, or `group_by` for a host.
#[derive(Clone, Debug)]
pub(crate) enum InventoryChange {
    Host(AddedHost),
    Group(Arc<str>, GroupedHost),
}

/// The state of a batch.
pub(crate) struct PlayRun {
    pub run: Arc<Run>,
    pub spec: Arc<PlaySpec>,
    pub graph: Arc<TaskGraph>,
    pub play: Arc<PlayVars>,
    pub ledger: Ledger,
    /// The hosts of this batch, in order.
    pub hosts: Vec<HostId>,
    pub cursors: FxHashMap<HostId, Cursor>,
    pub handlers: Arc<Vec<TaskId>>,
    /// Handlers to run, by host.
    pub notified: FxHashSet<(TaskId, HostId)>,
    /// Notifications not yet turned into handlers, by host, in order.
    pub notifications: FxHashMap<HostId, Vec<String>>,
    /// All tasks in the order they are written, for lock step; includes are put in where they happen.
    pub order: Vec<TaskId>,
    pub order_next: usize,
    /// By task: do the tags select it?
    selected: Vec<Option<bool>>,
    role_vars: Vec<Option<Arc<RoleVars>>>,
    pub role_ran: FxHashSet<(u64, HostId)>,
    pub role_completed: FxHashSet<(u64, HostId)>,
    handler_names: FxHashMap<TaskId, Option<String>>,
    pub end_play: bool,
    /// The play's `hosts:`.
    pub patterns: Vec<String>,
    pub any_errors_fatal: bool,
    pub max_fail_percentage: Option<f64>,
}

/// The cursor's questions about one host.
pub(crate) struct HostFilter<'a> {
    run: &'a PlayRun,
    host: HostId,
}

impl Filter for HostFilter<'_> {
    fn wanted(&self, task: TaskId) -> bool {
        let run = self.run;
        if !run.selected.get(task.index()).copied().flatten().unwrap_or(true) {
            return false;
        }
        let spec = run.graph.task(task);
        if spec.implicit && matches!(spec.kind, TaskKind::Meta(ftl_playbook::graph::Meta::FlushHandlers)) {
            // Nothing waits for this host: the flush would do nothing.
            return run.notifications.get(&self.host).is_some_and(|n| !n.is_empty()) || !run.notified.is_empty();
        }
        match spec.role {
            Some(id) => {
                let role = run.graph.role(id);
                role.allow_duplicates || !run.role_completed.contains(&(role.identity, self.host))
            }
            None => true,
        }
    }

    fn notified(&self, handler: TaskId) -> bool {
        self.run.notified.contains(&(handler, self.host))
    }
}

impl PlayRun {
    pub(crate) fn new(
        run: &Arc<Run>,
        spec: &Arc<PlaySpec>,
        graph: Arc<TaskGraph>,
        body: Vec<BlockId>,
        play: Arc<PlayVars>,
        ledger: Ledger,
        hosts: Vec<HostId>,
    ) -> PlayRun {
        let top = Arc::new(body);
        let cursors = hosts.iter().map(|h| (*h, Cursor::new(top.clone()))).collect();
        let mut out = PlayRun {
            run: run.clone(),
            spec: spec.clone(),
            play,
            ledger,
            hosts,
            cursors,
            handlers: Arc::new(spec.handlers.clone()),
            notified: FxHashSet::default(),
            notifications: FxHashMap::default(),
            order: vec![],
            order_next: 0,
            selected: vec![],
            role_vars: vec![],
            role_ran: FxHashSet::default(),
            role_completed: FxHashSet::default(),
            handler_names: FxHashMap::default(),
            end_play: false,
            patterns: vec![],
            any_errors_fatal: false,
            max_fail_percentage: None,
            graph,
        };
        for block in top.iter() {
            let mut tasks = vec![];
            tasks_of(&out.graph, *block, &mut tasks);
            out.select(&tasks);
            out.order.extend(tasks);
        }
        out
    }

    /// Decides by tags which of `tasks` run.
    pub(crate) fn select(&mut self, tasks: &[TaskId]) {
        let settings = &self.run.settings;
        self.selected.resize(self.graph.tasks.len(), None);
        let everything = settings.skip_tags.is_empty() && (settings.tags.is_empty() || settings.tags == ["all"]);
        let scope = Arc::new(TaskScope::new(&self.run, &self.play, &self.ledger.world, None, None));
        let renderer = Renderer::new(scope, self.run.template.clone());
        for id in tasks {
            let task = self.graph.task(*id);
            if task.implicit || (everything && task.keywords.tags.is_empty()) {
                continue;
            }
            let mut own = vec![];
            for tag in &task.keywords.tags {
                let value = renderer.render(tag).unwrap_or_else(|_| tag.clone());
                flatten_tags(&value, &mut own);
            }
            self.selected[id.index()] = Some(is_selected(&own, &settings.tags, &settings.skip_tags));
        }
    }

    pub(crate) fn filter(&self, host: HostId) -> HostFilter<'_> {
        HostFilter { run: self, host }
    }

    pub(crate) fn name(&self, host: HostId) -> Arc<str> {
        self.ledger.world.inventory.host_name(host).clone()
    }

    pub(crate) fn emit(&self, event: Event) {
        self.run.sink.emit(event);
    }

    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Message(Diagnostic::warning(text)));
    }

    /// Hosts that can still be worked with.
    pub(crate) fn hosts_left(&self) -> Vec<HostId> {
        self.hosts.iter().copied().filter(|h| !self.ledger.unreachable.contains(h)).collect()
    }

    pub(crate) fn stats(&mut self, host: HostId) -> &mut HostStats {
        let name = self.name(host);
        self.ledger.stats.entry(name).or_default()
    }

    pub(crate) fn role_vars(&mut self, task: &TaskSpec) -> Option<Arc<RoleVars>> {
        let id = task.role?;
        if self.role_vars.len() <= id.index() {
            self.role_vars.resize(self.graph.roles.len().max(id.index() + 1), None);
        }
        let slot = &mut self.role_vars[id.index()];
        Some(slot.get_or_insert_with(|| Arc::new(RoleVars::of(&self.graph, id))).clone())
    }

    /// A host's turn at a task.
    pub(crate) fn step(&mut self, host: HostId, task: TaskId, info: &Arc<TaskInfo>) -> Step {
        let task = self.graph.task(task).clone();
        let step = Step {
            run: self.run.clone(),
            play: self.play.clone(),
            world: self.ledger.world.clone(),
            graph: self.graph.clone(),
            host,
            host_name: self.name(host),
            role_vars: self.role_vars(&task),
            task,
            info: info.clone(),
        };
        if step.task.keywords.outer.is_none() {
            return step;
        }
        let renderer = step.renderer(&Arc::new(step.scope_for(Some(host))));
        step.without_omitted(&renderer).unwrap_or(step)
    }

    /// Variables of a task without any host.
    pub(crate) fn play_renderer(&mut self, task: Option<&Arc<TaskSpec>>) -> Renderer {
        let role_vars = task.and_then(|t| self.role_vars(t));
        let about = task.map(|t| {
            let role = t.role.map(|id| self.graph.role(id).as_ref());
            (t.as_ref(), role_vars.as_deref(), role)
        });
        let scope = TaskScope::new(&self.run, &self.play, &self.ledger.world, None, about);
        Renderer::new(Arc::new(scope), self.run.template.clone())
    }

    /// A name with words for what is missing in it, and a warning that says so.
    fn rendered_name(&self, written: &Value, renderer: &Renderer) -> String {
        let (name, warnings) = renderer.with_placeholders(Placeholders::All, |renderer| renderer.render(written));
        for warning in warnings {
            self.emit(Event::Message(warning));
        }
        match name {
            Ok(Value::Omit | Value::None) => String::new(),
            Ok(value) => to_text(&value),
            Err(_) => to_text(written),
        }
    }

    /// Title and all that displays need, from the first host's point of view.
    pub(crate) fn task_info(&mut self, host: HostId, id: TaskId) -> Arc<TaskInfo> {
        let placeholder = Arc::new(TaskInfo {
            id,
            title: String::new(),
            name: String::new(),
            diff: self.run.settings.diff,
            action: self.graph.task(id).written_action.clone(),
            origin: self.graph.task(id).origin.clone(),
            handler: self.graph.task(id).is_handler,
            check: self.run.settings.check,
            shown_args: None,
            implicit: self.graph.task(id).implicit && matches!(self.graph.task(id).kind, TaskKind::Meta(_)),
            detail: detail::written(&self.run, &self.graph, self.graph.task(id)),
        });
        let step = self.step(host, id, &placeholder);
        let scope = Arc::new(step.scope_for(Some(host)));
        let renderer = step.renderer(&scope);
        let is_meta = matches!(step.task.kind, TaskKind::Meta(_));
        let name = step.task.name.as_ref().map(|written| match is_meta {
            true => to_text(written),
            false => self.rendered_name(written, &renderer),
        });
        let title = title(&self.graph, &step.task, name.as_deref());
        let words = &step.task.keywords;
        let check = crate::task::render_bool(&renderer, "check_mode", &words.check_mode, self.run.settings.check);
        let diff = crate::task::render_bool(&renderer, "diff", &words.diff, self.run.settings.diff);
        let no_log = crate::task::render_bool(&renderer, "no_log", &words.no_log, false).unwrap_or(true);
        let shown_args = (self.run.settings.display_args && !no_log).then(|| shown_args(&step.task));
        Arc::new(TaskInfo {
            title,
            name: name.unwrap_or_default(),
            diff: diff.unwrap_or(self.run.settings.diff),
            check: check.unwrap_or(self.run.settings.check),
            shown_args,
            ..Arc::unwrap_or_clone(placeholder)
        })
    }

    /// All handlers, those loaded last first; of one file, the first stay first.
    fn handlers_by_precedence(&self) -> Vec<TaskId> {
        let place = |id: &TaskId| {
            let task = self.graph.task(*id);
            (task.role, task.origin.as_ref().map(|origin| origin.file.clone()))
        };
        let files: Vec<&[TaskId]> = self.handlers.chunk_by(|a, b| place(a) == place(b)).collect();
        files.into_iter().rev().flatten().copied().collect()
    }

    /// The handlers a notification means: the one of that name that takes precedence, and all that listen.
    pub(crate) fn handlers_for(&mut self, notification: &str) -> Vec<TaskId> {
        let mut found = vec![];
        let all = self.handlers_by_precedence();
        for id in &all {
            let Some(name) = self.handler_name(*id) else { continue };
            let task = self.graph.task(*id);
            let role = task.role.map(|r| self.graph.role(r));
            let qualified = role.map(|r| {
                let short = r.name.rsplit('.').next().unwrap_or(&r.name);
                (format!("{short} : {name}"), format!("{} : {name}", r.name))
            });
            let hit = name == notification
                || qualified.is_some_and(|(short, long)| short == notification || long == notification);
            if hit {
                found.push(*id);
                break;
            }
        }
        let mut seen = FxHashSet::default();
        for id in &all {
            let task = self.graph.task(*id).clone();
            let listens = task.listen.iter().any(|l| listens_to(l, notification));
            if listens {
                let name = self.handler_name(*id);
                if name.as_ref().is_some_and(|n| !seen.insert(n.clone())) || found.contains(id) {
                    continue;
                }
                found.push(*id);
            }
        }
        found
    }

    fn handler_name(&mut self, id: TaskId) -> Option<String> {
        if let Some(known) = self.handler_names.get(&id) {
            return known.clone();
        }
        let task = self.graph.task(id).clone();
        let name = match &task.name {
            None => None,
            Some(written) => match self.play_renderer(Some(&task)).render(written) {
                Ok(value) if !value.is_undefined() => Some(to_text(&value)),
                failed => {
                    if task.listen.is_empty() {
                        let why = match failed {
                            Err(error) => error.one_line(),
                            Ok(_) => "undefined".into(),
                        };
                        self.warn(format!(
                            "Handler '{}' is unusable because it has no listen topics and the name could not be \
                             templated (host-specific variables are not supported in handler names). The error: {why}",
                            to_text(written)
                        ));
                    }
                    None
                }
            },
        };
        self.handler_names.insert(id, name.clone());
        name
    }

    /// Marks a host failed at its place; `rescue` and `always` may still follow.
    pub(crate) fn mark_failed(&mut self, host: HostId) {
        if let Some(cursor) = self.cursors.get_mut(&host) {
            cursor.fail();
        }
        self.ledger.world.remove_host(host);
    }

    /// Where a host goes next, without going there.
    pub(crate) fn peek(&self, host: HostId) -> Option<(Cursor, TaskId)> {
        let cursor = self.cursors.get(&host)?;
        let (ahead, task) = cursor.peek(&self.graph, &self.filter(host));
        task.map(|t| (ahead, t))
    }

    pub(crate) fn is_failed(&self, host: HostId) -> bool {
        let Some(cursor) = self.cursors.get(&host) else { return false };
        // After the last task of an `always` the failure is known only by going on: peeking does not move the cursor.
        cursor.is_failed() || matches!(cursor.peek(&self.graph, &self.filter(host)), (end, None) if end.is_failed())
    }
}

fn listens_to(listen: &Value, notification: &str) -> bool {
    match listen {
        Value::List(l) => l.items().iter().any(|v| listens_to(v, notification)),
        other => other.as_str() == Some(notification),
    }
}

pub(crate) fn flatten_tags(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::List(l) => l.items().iter().for_each(|v| flatten_tags(v, into)),
        Value::None | Value::Omit | Value::Undefined(_) => {}
        other => into.extend(to_text(other).split(',').map(|t| t.trim().to_string()).filter(|t| !t.is_empty())),
    }
}

/// `role : name`; a task without a name is called by its action.
fn title(graph: &TaskGraph, task: &TaskSpec, name: Option<&str>) -> String {
    let included = || task.args.get("name").or_else(|| task.args.get("role")).map(to_text);
    let short = match (name.filter(|n| !n.is_empty()), &task.kind) {
        (Some(name), _) => name.to_string(),
        (None, TaskKind::Include(_)) if task.written_action.ends_with("include_role") => match included() {
            Some(role) => format!("{} : {role}", task.written_action),
            None => task.written_action.to_string(),
        },
        (None, _) => task.written_action.to_string(),
    };
    match task.role.map(|id| graph.role(id)) {
        Some(role) => format!("{} : {short}", role.name),
        None => short,
    }
}

fn shown_args(task: &TaskSpec) -> String {
    let parts: Vec<String> = task.args.iter().map(|(k, v)| format!("{}={}", to_text(k), to_text(v))).collect();
    if parts.is_empty() { String::new() } else { format!(" {}", parts.join(", ")) }
}
