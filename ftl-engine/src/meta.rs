//! `meta` tasks: done by the dispatcher itself, between the tasks of workers.

use std::sync::Arc;

use ftl_core::event::{Event, HostResult};
use ftl_core::id::HostId;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::Map;
use ftl_playbook::graph::{Meta, TaskKind};

use crate::play_run::{InventoryChange, PlayRun};
use crate::process::Fatal;
use crate::step::Step;
use crate::task::resolve_target;

/// What a meta task did, in Ansible's words.
enum Done {
    Ran(String),
    Skipped(String),
}

impl PlayRun {
    pub(crate) async fn run_meta(&mut self, step: Step, meta: Meta) -> Result<(), Fatal> {
        let implicit = step.task.implicit;
        self.emit(Event::TaskStarted(step.info.clone()));
        if matches!(meta, Meta::Noop | Meta::RefreshInventory | Meta::ResetConnection)
            && !step.task.keywords.when.is_empty()
        {
            self.warn(format!("{} task does not support when conditional", name(meta)));
        }
        let done = self.perform(&step, meta).await?;
        let (text, skipped) = match done {
            Done::Ran(text) => (text, false),
            Done::Skipped(text) => (text, true),
        };
        if !implicit {
            self.emit(Event::Meta { text: text.clone() });
        }
        if skipped {
            let mut result = Map::new();
            result.insert("msg", name(meta));
            result.insert("skipped", true);
            result.insert("skip_reason", text);
            self.emit(Event::HostFinished(HostResult {
                task: step.info.clone(),
                host: step.host_name.clone(),
                delegated: None,
                status: Status::Skipped,
                ignored: false,
                result: Arc::new(result),
                item: None,
                looped: false,
                error: None,
                messages: vec![],
                detail: None,
            }));
        }
        Ok(())
    }

    fn condition_holds(&self, step: &Step) -> Result<bool, Fatal> {
        let scope = Arc::new(step.scope_for(Some(step.host)));
        let renderer = step.renderer(&scope);
        for condition in &step.task.keywords.when {
            if !renderer.condition(condition).map_err(Fatal)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn perform(&mut self, step: &Step, meta: Meta) -> Result<Done, Fatal> {
        let host = step.host;
        let host_name = &step.host_name;
        let conditional =
            !matches!(meta, Meta::Noop | Meta::RefreshInventory | Meta::ResetConnection | Meta::RoleComplete);
        if conditional && !self.condition_holds(step)? {
            let more = match meta {
                Meta::FlushHandlers => format!(", not running handlers for {host_name}"),
                Meta::ClearFacts => format!(", not clearing facts and fact cache for {host_name}"),
                Meta::ClearHostErrors => format!(", not clearing host error state for {host_name}"),
                Meta::EndBatch => ", continuing current batch".into(),
                Meta::EndPlay => ", continuing play".into(),
                Meta::EndHost => format!(", continuing execution for {host_name}"),
                Meta::EndRole => {
                    let role = step.role().map(|r| r.name.to_string()).unwrap_or_default();
                    format!("continuing role {role} for {host_name}")
                }
                _ => String::new(),
            };
            return Ok(Done::Skipped(format!("{} conditional evaluated to False{more}", name(meta))));
        }
        let text = match meta {
            Meta::Noop => "noop".into(),
            Meta::FlushHandlers => {
                self.flush_handlers(step)?;
                format!("triggered running handlers for {host_name}")
            }
            Meta::RefreshInventory => {
                self.refresh_inventory()?;
                "inventory successfully refreshed".into()
            }
            Meta::ClearFacts => {
                for host in self.hosts.clone() {
                    self.ledger.world.clear_facts(host);
                }
                "facts cleared".into()
            }
            Meta::ClearHostErrors => {
                for host in self.hosts.clone() {
                    self.ledger.failed.remove(&host);
                    self.ledger.unreachable.remove(&host);
                    self.ledger.world.restore_host(host);
                    if let Some(cursor) = self.cursors.get_mut(&host) {
                        cursor.clear_errors();
                    }
                }
                "cleared host errors".into()
            }
            Meta::EndBatch => {
                self.end_all();
                "ending batch".into()
            }
            Meta::EndPlay => {
                self.end_all();
                self.end_play = true;
                "ending play".into()
            }
            Meta::EndHost => {
                self.end_host(host);
                format!("ending play for {host_name}")
            }
            Meta::RoleComplete => {
                if let Some(role) = step.role().filter(|r| self.role_ran.contains(&(r.identity, host))) {
                    self.role_completed.insert((role.identity, host));
                }
                format!("role_complete for {host_name}")
            }
            Meta::EndRole => self.end_role(step)?,
            Meta::ResetConnection => {
                self.reset_connection(step).await?;
                "reset connection".into()
            }
        };
        Ok(Done::Ran(text))
    }

    fn end_all(&mut self) {
        for host in self.hosts.clone() {
            if !self.ledger.unreachable.contains(&host) {
                self.end_host(host);
            }
        }
    }

    fn end_host(&mut self, host: HostId) {
        if let Some(cursor) = self.cursors.get_mut(&host) {
            cursor.end();
        }
        self.ledger.world.remove_host(host);
    }

    /// Passes over what is left of the role, up to its end.
    fn end_role(&mut self, step: &Step) -> Result<String, Fatal> {
        let Some(role) = step.role().cloned() else {
            return Err(Fatal(
                Diagnostic::error("Cannot execute 'end_role' from outside of a role").at(step.task.origin.clone()),
            ));
        };
        while let Some((cursor, task)) = self.peek(step.host) {
            let spec = self.graph.task(task);
            let ends = matches!(spec.kind, TaskKind::Meta(Meta::RoleComplete))
                && spec.role.is_some_and(|id| self.graph.role(id).identity == role.identity);
            if ends {
                break;
            }
            self.cursors.insert(step.host, cursor);
        }
        Ok(format!("ending role {} for {}", role.name, step.host_name))
    }

    fn flush_handlers(&mut self, step: &Step) -> Result<(), Fatal> {
        let host = step.host;
        if self.cursors.get(&host).is_some_and(|c| c.in_handlers()) {
            return Err(Fatal(Diagnostic::error("flush_handlers cannot be used as a handler")));
        }
        for notification in self.notifications.remove(&host).unwrap_or_default() {
            for handler in self.handlers_for(&notification) {
                self.notify_host(handler, host);
            }
        }
        let handlers = self.handlers.clone();
        if !self.ledger.unreachable.contains(&host)
            && let Some(cursor) = self.cursors.get_mut(&host)
        {
            cursor.flush(handlers);
        }
        Ok(())
    }

    fn refresh_inventory(&mut self) -> Result<(), Fatal> {
        let Some(reload) = self.run.reload_inventory.clone() else { return Ok(()) };
        let (inventory, warnings) = reload().map_err(Fatal)?;
        for warning in warnings {
            self.emit(Event::Message(warning));
        }
        self.replace_inventory(inventory);
        Ok(())
    }

    /// Hosts keep what is known of them; their numbers may be others in the new inventory.
    fn replace_inventory(&mut self, mut inventory: ftl_inventory::Inventory) {
        let settings = &self.run.inventory_settings;
        for change in &self.ledger.inventory_changes {
            // It worked before; what no longer does is not worth stopping for.
            let _ = match change {
                InventoryChange::Host(added) => inventory.add_host(added, settings, &mut vec![]).map(|_| ()),
                InventoryChange::Group(host, grouped) => match inventory.find_host(host) {
                    Some(id) => inventory.group_host(id, grouped, settings, &mut vec![]).map(|_| ()),
                    None => Ok(()),
                },
            };
        }
        let old = self.ledger.world.inventory.clone();
        let mut world = self.ledger.world.renumbered(inventory);
        let number = |host: &HostId| world.inventory.find_host(old.host_name(*host));
        self.hosts = self.hosts.iter().filter_map(number).collect();
        let cursors = std::mem::take(&mut self.cursors);
        self.cursors = cursors.into_iter().filter_map(|(h, c)| number(&h).map(|h| (h, c))).collect();
        self.notified = self.notified.iter().filter_map(|(t, h)| number(h).map(|h| (*t, h))).collect();
        let waiting = std::mem::take(&mut self.notifications);
        self.notifications = waiting.into_iter().filter_map(|(h, n)| number(&h).map(|h| (h, n))).collect();
        self.ledger.failed = self.ledger.failed.iter().filter_map(number).collect();
        self.ledger.unreachable = self.ledger.unreachable.iter().filter_map(number).collect();
        self.role_ran = self.role_ran.iter().filter_map(|(r, h)| number(h).map(|h| (*r, h))).collect();
        self.role_completed = self.role_completed.iter().filter_map(|(r, h)| number(h).map(|h| (*r, h))).collect();
        let play = Arc::make_mut(&mut self.play);
        play.batch = play.batch.iter().filter_map(number).collect();
        let all = ftl_inventory::Selection::new(&world.inventory, settings).hosts(&self.patterns, None);
        play.hosts_all = all.unwrap_or_default();
        let removed = self.ledger.world.removed.iter().filter_map(number).collect();
        world.removed = Arc::new(removed);
        self.ledger.world = world;
    }

    async fn reset_connection(&self, step: &Step) -> Result<(), Fatal> {
        let scope = Arc::new(step.scope_for(Some(step.host)));
        let target = match resolve_target(step, &scope, &step.host_name) {
            Ok(resolution) => resolution.target,
            Err(_) => return Ok(()),
        };
        // A connection that cannot be closed is gone already; the next task says so if it cannot be opened again.
        let _ = self.run.runtime.reset(&target).await;
        Ok(())
    }
}

fn name(meta: Meta) -> &'static str {
    match meta {
        Meta::Noop => "noop",
        Meta::FlushHandlers => "flush_handlers",
        Meta::RefreshInventory => "refresh_inventory",
        Meta::ClearFacts => "clear_facts",
        Meta::ClearHostErrors => "clear_host_errors",
        Meta::EndPlay => "end_play",
        Meta::EndBatch => "end_batch",
        Meta::EndHost => "end_host",
        Meta::EndRole => "end_role",
        Meta::ResetConnection => "reset_connection",
        Meta::RoleComplete => "role_complete",
    }
}
