//! Lock step: all hosts finish a task before any begins the next.

use std::sync::Arc;

use ftl_core::event::{Event, TaskInfo};
use ftl_core::id::{HostId, TaskId};
use ftl_core::result::Status;
use ftl_core::value::{Value, to_text};
use ftl_playbook::graph::{Meta, TaskKind};
use tokio::sync::Semaphore;

use super::workers::Workers;
use crate::cursor::Cursor;
use crate::play_run::PlayRun;
use crate::process::{Fatal, Finished};
use crate::task::render_bool;

/// How a batch ended, beyond what the ledger says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Through,
    /// `max_fail_percentage` was passed: no further batch.
    TooManyFailed,
}

pub(crate) async fn run(play: &mut PlayRun) -> Result<End, Fatal> {
    let mut end = End::Through;
    let mut workers = Workers::new(play.run.settings.forks);
    while !play.run.cancel.is_cancelled() {
        let hosts_left = play.hosts_left();
        let turn = lockstep(play, &hosts_left);
        let Some((task, hosts)) = turn else { break };
        let round = Round::of(play, task, hosts);
        let (results, fatal) = round.run(play, &mut workers).await?;
        let lost = play.graft_includes(&results, &hosts_left)?;
        any_errors_fatal(play, &results, &lost, fatal, &hosts_left);
        if too_many_failed(play, &results, &hosts_left) {
            end = End::TooManyFailed;
        }
        if end != End::Through && failed_in_batch(play) >= hosts_left.len() {
            play.emit(Event::NoHostsRemaining);
            break;
        }
    }
    Ok(end)
}

/// The next task in written order that any host is at, and the hosts that are at it (moved there).
fn lockstep(play: &mut PlayRun, hosts: &[HostId]) -> Option<(TaskId, Vec<HostId>)> {
    let mut ahead: Vec<(HostId, Cursor, TaskId)> = vec![];
    for host in hosts {
        if let Some((cursor, task)) = play.peek(*host) {
            ahead.push((*host, cursor, task));
        }
    }
    if ahead.is_empty() {
        return None;
    }
    let wanted: rustc_hash::FxHashSet<TaskId> = ahead.iter().map(|(_, _, t)| *t).collect();
    let n = play.order.len();
    let position = (0..n).map(|i| (play.order_next + i) % n.max(1)).find(|i| wanted.contains(&play.order[*i]));
    // A task that is nowhere in the order (it cannot happen) is taken as it comes, rather than waited for.
    let task = position.map_or(ahead[0].2, |i| play.order[i]);
    if let Some(i) = position {
        play.order_next = i + 1;
    }
    let mut turn = vec![];
    for (host, cursor, at) in ahead {
        if at == task {
            play.cursors.insert(host, cursor);
            turn.push(host);
        }
    }
    let flush = matches!(play.graph.task(task).kind, TaskKind::Meta(Meta::FlushHandlers));
    if flush {
        let (at, handlers) = (play.order_next.min(play.order.len()), play.handlers.clone());
        play.order.splice(at..at, handlers.iter().copied());
    }
    Some((task, turn))
}

/// One task for all hosts that are at it.
struct Round {
    task: TaskId,
    hosts: Vec<HostId>,
}

impl Round {
    fn of(_play: &PlayRun, task: TaskId, hosts: Vec<HostId>) -> Round {
        Round { task, hosts }
    }

    /// The results, and whether a failure in them is fatal for all hosts.
    async fn run(self, play: &mut PlayRun, workers: &mut Workers) -> Result<(Vec<Finished>, bool), Fatal> {
        let spec = play.graph.task(self.task).clone();
        if let TaskKind::Meta(meta) = spec.kind {
            // A handler is done once it ran, or the next flush would run it again.
            play.notified.retain(|(task, host)| *task != self.task || !self.hosts.contains(host));
            return self.run_meta(play, meta).await;
        }
        let mut results = vec![];
        let mut info: Option<Arc<TaskInfo>> = None;
        let mut throttle: Option<Option<Arc<Semaphore>>> = None;
        let mut fatal = false;
        for host in &self.hosts {
            let info = match &info {
                Some(info) => info.clone(),
                None => {
                    let made = play.task_info(*host, self.task);
                    play.emit(Event::TaskStarted(made.clone()));
                    info = Some(made.clone());
                    made
                }
            };
            let step = play.step(*host, self.task, &info);
            let once = runs_once(&step)?;
            fatal |= is_fatal(play, &step, once);
            let limit = match &throttle {
                Some(limit) => limit.clone(),
                None => {
                    let limit = throttle_of(&step)?;
                    throttle = Some(limit.clone());
                    limit
                }
            };
            if spec.is_handler {
                match once {
                    true => play.notified.retain(|(h, _)| *h != self.task),
                    false => {
                        play.notified.remove(&(self.task, *host));
                    }
                }
            }
            if let Some((step, outcome)) = workers.start(step, limit).await {
                results.push(play.process(step, outcome)?);
            }
            if once {
                break;
            }
            while let Some((step, outcome)) = workers.try_next() {
                results.push(play.process(step, outcome)?);
            }
        }
        while let Some((step, outcome)) = workers.next().await {
            results.push(play.process(step, outcome)?);
        }
        Ok((results, fatal))
    }

    async fn run_meta(self, play: &mut PlayRun, meta: Meta) -> Result<(Vec<Finished>, bool), Fatal> {
        let per_host = matches!(
            meta,
            Meta::Noop
                | Meta::ResetConnection
                | Meta::EndHost
                | Meta::RoleComplete
                | Meta::FlushHandlers
                | Meta::EndRole
        );
        let mut fatal = false;
        for host in &self.hosts {
            let info = play.task_info(*host, self.task);
            let step = play.step(*host, self.task, &info);
            fatal |= is_fatal(play, &step, !per_host);
            play.run_meta(step, meta).await?;
            if !per_host {
                break;
            }
        }
        Ok((vec![], fatal))
    }
}

/// `run_once`, or an action that works for all hosts at once.
fn runs_once(step: &crate::step::Step) -> Result<bool, Fatal> {
    let bypass = match &step.task.kind {
        TaskKind::Action(a) => crate::action::find(&a.name).bypass_host_loop,
        _ => false,
    };
    if bypass {
        return Ok(true);
    }
    let Some(written) = &step.task.keywords.run_once else { return Ok(false) };
    let scope = Arc::new(step.scope_for(Some(step.host)));
    let renderer = step.renderer(&scope);
    // An error here comes again, with its place, when the task renders its keywords.
    Ok(render_bool(&renderer, "run_once", &Some(written.clone()), false).unwrap_or(false))
}

fn is_fatal(play: &PlayRun, step: &crate::step::Step, once: bool) -> bool {
    let truth = |v: &Option<Value>, default: bool| v.as_ref().map_or(default, |v| v.to_bool_loose().unwrap_or(false));
    let words = &step.task.keywords;
    let fatal = truth(&words.any_errors_fatal, play.any_errors_fatal);
    (fatal || once) && !truth(&words.ignore_errors, false)
}

fn throttle_of(step: &crate::step::Step) -> Result<Option<Arc<Semaphore>>, Fatal> {
    let Some(written) = &step.task.keywords.throttle else { return Ok(None) };
    let scope = Arc::new(step.scope_for(Some(step.host)));
    let value = step.renderer(&scope).render(written).map_err(Fatal)?;
    let count: Option<i64> = match &value {
        Value::Omit | Value::None => Some(0),
        other => to_text(other).trim().parse().ok(),
    };
    match count {
        Some(n) if n > 0 => Ok(Some(Arc::new(Semaphore::new(n as usize)))),
        Some(_) => Ok(None),
        None => Err(Fatal(ftl_core::source::Diagnostic::error("Failed to convert the throttle value to an integer."))),
    }
}

fn any_errors_fatal(play: &mut PlayRun, results: &[Finished], lost: &[HostId], fatal: bool, hosts_left: &[HostId]) {
    let mut failed: Vec<HostId> = results.iter().filter(|r| r.status == Status::Failed).map(|r| r.step.host).collect();
    failed.extend(lost);
    let unreachable = results.iter().any(|r| r.status == Status::Unreachable);
    if fatal && (!failed.is_empty() || unreachable) {
        for host in hosts_left {
            if !failed.contains(host) {
                play.ledger.failed.insert(*host);
                play.mark_failed(*host);
            }
        }
    }
}

/// Hosts that failed in earlier batches do not count in this one.
fn failed_in_batch(play: &PlayRun) -> usize {
    play.hosts.iter().filter(|host| play.ledger.failed.contains(host)).count()
}

fn too_many_failed(play: &mut PlayRun, results: &[Finished], hosts_left: &[HostId]) -> bool {
    let Some(limit) = play.max_fail_percentage else { return false };
    if results.is_empty() {
        return false;
    }
    let share = failed_in_batch(play) as f64 / play.hosts.len().max(1) as f64;
    if share <= limit / 100.0 {
        return false;
    }
    let failed: Vec<HostId> = results.iter().filter(|r| r.status == Status::Failed).map(|r| r.step.host).collect();
    for host in hosts_left {
        if !failed.contains(host) {
            play.ledger.failed.insert(*host);
            play.mark_failed(*host);
        }
    }
    play.emit(Event::NoHostsRemaining);
    true
}
