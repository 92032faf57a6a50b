//! What a result changes: cursors, counters, facts, notifications, the inventory.

use std::sync::Arc;

use ftl_core::event::Event;
use ftl_core::id::HostId;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text};
use ftl_inventory::{AddedHost, GroupedHost};
use ftl_playbook::graph::TaskKind;

use crate::play_run::{InventoryChange, PlayRun};
use crate::report;
use crate::step::{Outcome, Step};

/// A finished step, kept for what the strategy does next (includes, fatal errors).
pub(crate) struct Finished {
    pub step: Step,
    pub outcome: Outcome,
    pub status: Status,
}

/// A run that cannot go on.
#[derive(Debug)]
pub(crate) struct Fatal(pub Diagnostic);

impl PlayRun {
    /// Takes in the result of one step.
    pub(crate) fn process(&mut self, step: Step, mut outcome: Outcome) -> Result<Finished, Fatal> {
        let host = step.host;
        let is_include = matches!(step.task.kind, TaskKind::Include(_));
        let status = report::status(&outcome);
        let mut role_ran = false;
        if let Some(path) = &outcome.discovered {
            self.store_interpreter(&step, &outcome, path);
        }
        match status {
            Status::Failed => {
                role_ran = true;
                self.failed(&step, &outcome);
            }
            Status::Unreachable => {
                if outcome.ignore_unreachable {
                    let stats = self.stats(host);
                    stats.ok += 1;
                    stats.ignored += 1;
                } else {
                    self.ledger.unreachable.insert(host);
                    self.ledger.world.remove_host(host);
                    self.stats(host).unreachable += 1;
                }
            }
            Status::Skipped => self.stats(host).skipped += 1,
            Status::Ok | Status::Changed => {
                role_ran = true;
                self.succeeded(&step, &mut outcome)?;
                if !is_include {
                    let changed = outcome.is_changed();
                    let stats = self.stats(host);
                    stats.ok += 1;
                    stats.changed += changed as u32;
                }
            }
        }
        self.emit(Event::HostFinished(report::host_result(&step, &outcome)));
        if let Some(name) = outcome.register.clone() {
            self.warn_if_reserved(&name, step.task.register.as_ref());
            let clean = clean(&Value::dict(outcome.map.clone()));
            if let Value::Dict(d) = &clean {
                d.edit(|map| map.remove("invocation"));
            }
            for target in self.hosts_of_result(&step, &outcome) {
                self.ledger.world.set_fact(target, &name, clean.clone());
            }
        }
        if role_ran && let Some(role) = step.role() {
            self.role_ran.insert((role.identity, host));
        }
        Ok(Finished { step, outcome, status })
    }

    fn failed(&mut self, step: &Step, outcome: &Outcome) {
        let host = step.host;
        if outcome.ignore_errors {
            let changed = outcome.is_changed();
            let stats = self.stats(host);
            stats.ok += 1;
            stats.ignored += 1;
            stats.changed += changed as u32;
            return;
        }
        let rescuing = self.cursors.get(&host).is_some_and(|c| c.is_rescuing());
        if outcome.run_once {
            for other in self.hosts.clone() {
                if !self.ledger.unreachable.contains(&other) {
                    self.mark_failed(other);
                }
            }
        } else {
            self.mark_failed(host);
        }
        if self.is_failed(host) {
            self.ledger.failed.insert(host);
        }
        if rescuing {
            self.stats(host).rescued += 1;
            self.ledger.world.restore_host(host);
            let task = self.failed_task(step);
            self.ledger.world.set_fact(host, "ansible_failed_task", task);
            let result = clean(&Value::dict(outcome.map.clone())).untrusted();
            self.ledger.world.set_fact(host, "ansible_failed_result", result);
        } else {
            self.stats(host).failed += 1;
        }
    }

    /// What `ansible_failed_task` says.
    fn failed_task(&self, step: &Step) -> Value {
        let task = &step.task;
        let mut map = Map::new();
        map.insert("name", task.name.as_ref().map_or(Value::str(""), |n| n.untrusted()));
        map.insert("action", &*task.written_action);
        map.insert("args", Value::Dict(ftl_core::Dict::shared(task.args.clone())).untrusted());
        map.insert("delegate_to", task.keywords.delegate_to.clone().unwrap_or_default().untrusted());
        map.insert("register", task.register.clone().unwrap_or_default().untrusted());
        map.insert("when", Value::list(task.keywords.when.clone()).untrusted());
        map.insert("tags", Value::list(task.keywords.tags.clone()).untrusted());
        map.insert("ignore_errors", task.keywords.ignore_errors.clone().unwrap_or_default().untrusted());
        map.insert("path", task.origin.as_ref().map_or(Value::None, |o| Value::str(format!("{}:{}", o.file, o.line))));
        Value::dict(map)
    }

    /// The hosts whose variables a result changes: all of the batch for `run_once`.
    fn hosts_of_result(&self, step: &Step, outcome: &Outcome) -> Vec<HostId> {
        if outcome.run_once { self.hosts_left() } else { vec![step.host] }
    }

    fn succeeded(&mut self, step: &Step, outcome: &mut Outcome) -> Result<(), Fatal> {
        let changed = outcome.is_changed();
        let items = if outcome.looped { outcome.items() } else { vec![Value::dict(outcome.map.clone())] };
        let name = name_of(step);
        for item in &items {
            if changed && let Some(notify) = item.get("_ansible_notify").and_then(|n| n.as_items()) {
                for notification in notify.iter() {
                    self.notify(step, &to_text(notification))?;
                }
            }
            if item.get("add_host").is_some() || item.get("add_group").is_some() {
                let done = self.change_inventory(step, item)?;
                if let Value::Dict(d) = item {
                    d.insert("changed", done);
                }
                let changed = self.judge_again(step, outcome, item, done)?;
                if let Value::Dict(d) = item {
                    d.insert("changed", changed);
                }
                if outcome.looped {
                    let map = item.as_map().map(|m| (*m).clone()).unwrap_or_default();
                    let one = Outcome { map, no_log: outcome.no_log, ..Outcome::default() };
                    self.emit(Event::ItemFinished(report::item_result(step, &one)));
                    if changed {
                        outcome.map.insert("changed", true);
                    }
                } else {
                    outcome.map.insert("changed", changed);
                }
            }
            if let Some(Value::Dict(facts)) = item.get("ansible_facts")
                && name != "ansible.builtin.debug"
            {
                self.store_facts(step, outcome, item, &facts.entries(), &name);
            }
            if let Some(stats) = item.get("ansible_stats") {
                self.custom_stats(step, outcome, &stats);
            }
        }
        Ok(())
    }

    fn notify(&mut self, step: &Step, notification: &str) -> Result<(), Fatal> {
        let host = step.host;
        let handlers = self.handlers_for(notification);
        if handlers.is_empty() {
            let text = format!(
                "The requested handler '{notification}' was not found in either the main handlers list nor in the \
                 listening handlers list"
            );
            if self.run.settings.error_on_missing_handler {
                return Err(Fatal(Diagnostic::error(text)));
            }
            self.warn(text);
            return Ok(());
        }
        if self.cursors.get(&host).is_some_and(|c| c.in_handlers()) {
            for handler in handlers {
                self.notify_host(handler, host);
            }
        } else {
            let waiting = self.notifications.entry(host).or_default();
            if !waiting.iter().any(|n| n == notification) {
                waiting.push(notification.to_string());
            }
            let text = format!("Notification for handler {notification} has been saved.");
            self.emit(Event::Verbose { level: 2, host: None, text });
        }
        Ok(())
    }

    /// Notes that a handler is to run for a host.
    pub(crate) fn notify_host(&mut self, handler: ftl_core::id::TaskId, host: HostId) {
        if self.notified.insert((handler, host)) {
            let task = self.graph.task(handler);
            let title = task.name.as_ref().map(to_text).unwrap_or_default();
            let task = self.run.settings.detailed_events.then(|| self.task_info(host, handler));
            self.emit(Event::Notified { handler: title, host: self.name(host), task });
        }
    }

    fn store_interpreter(&mut self, step: &Step, outcome: &Outcome, path: &str) {
        let host = self.delegate_of(outcome).unwrap_or(step.host);
        let mut facts = Map::new();
        facts.insert("discovered_interpreter_python", path);
        self.ledger.world.add_facts(host, &facts);
    }

    fn warn_if_reserved(&self, name: &str, written: Option<&Value>) {
        if ftl_playbook::keyword::is_reserved_variable(name) {
            let origin = match written {
                Some(Value::Str(written)) => written.origin().cloned(),
                _ => None,
            };
            let text = format!("Found variable using reserved name '{name}'.");
            self.emit(Event::Message(Diagnostic::warning(text).at(origin)));
        }
    }

    fn delegate_of(&self, outcome: &Outcome) -> Option<HostId> {
        self.ledger.world.inventory.find_host(&outcome.delegated.as_ref()?.0)
    }

    fn store_facts(&mut self, step: &Step, outcome: &Outcome, item: &Value, facts: &Map, name: &str) {
        let hosts = match self.delegate_of(outcome) {
            Some(host) if outcome.delegate_facts => vec![host],
            _ => self.hosts_of_result(step, outcome),
        };
        let elsewhere = outcome.delegated.is_some() && !outcome.delegate_facts;
        // What modules answered carries no trust; what `set_fact` was given keeps the trust it was written with.
        let facts: Map = facts
            .iter()
            // The interpreter is that of the host where the task ran; it is stored there already.
            .filter(|(k, _)| !(elsewhere && k.as_str().is_some_and(|k| k.starts_with("discovered_interpreter_"))))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if !matches!(name, "ansible.builtin.include_vars" | "ansible.builtin.set_fact") {
            for refused in crate::vars::Facts::refused(&facts) {
                self.warn(format!("Removed restricted key from module data: {refused}"));
            }
        }
        for (key, _) in &facts {
            let written = step.task.args.iter().map(|(key, _)| key).find(|written| *written == key);
            self.warn_if_reserved(&to_text(key), written.or(Some(key)));
        }
        let cacheable = item.get("_ansible_facts_cacheable").is_some_and(|v| v.is_true());
        for host in hosts {
            match name {
                "ansible.builtin.include_vars" => {
                    // Files of the operator keep their trust.
                    if let Some(Value::Dict(d)) = item.get("ansible_facts") {
                        for (key, value) in d.entries().iter() {
                            self.ledger.world.include_var(host, &to_text(key), value.clone());
                        }
                    }
                }
                "ansible.builtin.set_fact" => {
                    for (key, value) in &facts {
                        self.ledger.world.set_fact(host, &to_text(key), value.clone());
                    }
                    if cacheable {
                        self.ledger.world.add_facts(host, &facts);
                    }
                }
                _ => self.ledger.world.add_facts(host, &facts),
            }
        }
    }

    fn custom_stats(&mut self, step: &Step, outcome: &Outcome, stats: &Value) {
        let Some(Value::Dict(data)) = stats.get("data") else { return };
        let flag = |key: &str, default: bool| stats.get(key).map_or(default, |v| v.is_true());
        let hosts: Vec<String> = match flag("per_host", true) {
            true => self.hosts_of_result(step, outcome).iter().map(|h| self.name(*h).to_string()).collect(),
            false => vec!["_run".into()],
        };
        for host in hosts {
            let map = self.ledger.custom_stats.entry(host).or_default();
            for (key, value) in data.entries().iter() {
                let value = match (flag("aggregate", true), map.get_value(key)) {
                    (true, Some(old)) => aggregate(old, value),
                    _ => value.clone(),
                };
                map.insert(key.clone(), value);
            }
        }
    }

    /// `changed_when` of a task whose change is only known now.
    fn judge_again(&self, step: &Step, outcome: &Outcome, item: &Value, done: bool) -> Result<bool, Fatal> {
        if step.task.changed_when.is_empty() {
            return Ok(done);
        }
        let mut top = item.as_map().map(|m| (*m).clone()).unwrap_or_default();
        top.retain(|k, _| k.as_str().is_some_and(|k| !matches!(k, "changed" | "failed" | "add_host" | "add_group")));
        if let Some(name) = &outcome.register {
            top.insert(name.as_str(), item.clone());
        }
        let scope = Arc::new(step.scope_for(Some(step.host)).with(Arc::new(top)));
        let renderer = step.renderer(&scope);
        for condition in &step.task.changed_when {
            if !renderer.condition(condition).map_err(Fatal)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `add_host` and `group_by`; says whether anything changed.
    fn change_inventory(&mut self, step: &Step, item: &Value) -> Result<bool, Fatal> {
        let mut inventory = self.ledger.world.inventory.clone();
        let settings = &self.run.inventory_settings;
        let texts = |v: Option<Value>| -> Vec<String> {
            v.and_then(|g| g.as_items()).map(|l| l.iter().map(to_text).collect()).unwrap_or_default()
        };
        let mut warnings = vec![];
        let changed = if let Some(info) = item.get("add_host") {
            let added = AddedHost {
                name: host_name(info.get("host_name").unwrap_or_default())?,
                groups: texts(info.get("groups")),
                vars: info.get("host_vars").and_then(|v| v.as_map()).map(|m| (*m).clone()).unwrap_or_default(),
            };
            let (id, changed) = inventory.add_host(&added, settings, &mut warnings).map_err(Fatal)?;
            let play = Arc::make_mut(&mut self.play);
            if changed && !play.hosts_all.contains(&id) {
                play.hosts_all.push(id);
            }
            self.ledger.inventory_changes.push(InventoryChange::Host(added));
            changed
        } else {
            let grouped = GroupedHost {
                group: item.get("add_group").map(|v| to_text(&v)).unwrap_or_default(),
                parents: texts(item.get("parent_groups")),
            };
            let changed = inventory.group_host(step.host, &grouped, settings, &mut warnings).map_err(Fatal)?;
            self.ledger.inventory_changes.push(InventoryChange::Group(step.host_name.clone(), grouped));
            changed
        };
        for warning in warnings {
            self.emit(Event::Message(warning));
        }
        if changed {
            self.ledger.world.refresh(inventory);
        }
        Ok(changed)
    }
}

fn host_name(name: Value) -> Result<String, Fatal> {
    match name {
        Value::Str(name) => Ok(name.as_str().to_string()),
        other => Err(Fatal(Diagnostic::error(format!(
            "Invalid host name supplied, expected a string but got {} for {}",
            crate::argument_spec::class_of(&other),
            to_text(&other)
        )))),
    }
}

/// The canonical name of the task's action.
pub(crate) fn name_of(step: &Step) -> String {
    match &step.task.kind {
        TaskKind::Action(a) => a.name.to_string(),
        TaskKind::Module(m) => m.fqcn.to_string(),
        _ => step.task.written_action.to_string(),
    }
}

fn aggregate(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Dict(_), Value::Dict(_)) => crate::vars::combine(old, new),
        (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(*b)),
        (Value::List(a), Value::List(b)) => a.items().iter().chain(b.items().iter()).cloned().collect(),
        (Value::Str(a), Value::Str(b)) => Value::str(format!("{}{}", a.as_str(), b.as_str())),
        _ => new.clone(),
    }
}

/// Without internal keys, at any depth: what registered variables show.
pub(crate) fn clean(value: &Value) -> Value {
    match value {
        Value::Dict(d) => {
            let kept = d
                .entries()
                .iter()
                .filter(|(k, _)| !k.as_str().is_some_and(|k| k.starts_with("_ansible_")))
                .map(|(k, v)| (k.clone(), clean(v)))
                .collect();
            Value::dict(kept)
        }
        Value::List(l) => l.items().iter().map(clean).collect(),
        other => other.clone(),
    }
}
