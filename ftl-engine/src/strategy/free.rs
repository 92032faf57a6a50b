//! Every host at its own pace (`free`), or a bounded number of hosts from beginning to end (`host_pinned`).

use std::sync::Arc;

use ftl_core::event::Event;
use ftl_core::id::{HostId, TaskId};
use ftl_core::source::Diagnostic;
use ftl_playbook::graph::TaskKind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::linear::End;
use super::workers::Workers;
use crate::play_run::PlayRun;
use crate::process::Fatal;
use crate::step::{Outcome, Step};

pub(crate) async fn run(play: &mut PlayRun, pinned: bool) -> Result<End, Fatal> {
    if play.max_fail_percentage.is_some() {
        play.warn(
            "Using max_fail_percentage with the free strategy is not supported, as tasks are executed independently \
             on each host",
        );
    }
    let mut workers = Workers::new(play.run.settings.forks);
    let mut busy: FxHashSet<HostId> = FxHashSet::default();
    let mut running: FxHashMap<TaskId, usize> = FxHashMap::default();
    // Pinned: the hosts that hold a place until they are through.
    let mut holders: Vec<HostId> = vec![];
    let mut done = vec![];
    loop {
        if play.run.cancel.is_cancelled() {
            break;
        }
        let hosts = play.hosts_left();
        if hosts.is_empty() {
            play.emit(Event::NoHostsRemaining);
            break;
        }
        let mut moved = false;
        for host in hosts {
            if busy.contains(&host) {
                continue;
            }
            if pinned && !holders.contains(&host) && holders.len() >= play.run.settings.forks {
                continue;
            }
            let Some((cursor, task)) = play.peek(host) else {
                holders.retain(|h| *h != host);
                continue;
            };
            if !throttle_allows(play, host, task, &running)? {
                continue;
            }
            if pinned && !holders.contains(&host) {
                holders.push(host);
            }
            play.cursors.insert(host, cursor);
            moved = true;
            done.extend(begin(play, host, task, &mut workers, &mut busy, &mut running).await?);
        }
        let mut results = std::mem::take(&mut done);
        if results.is_empty() {
            if workers.is_empty() && !moved {
                break;
            }
            if workers.is_empty() {
                continue;
            }
            results.extend(workers.next().await);
        }
        while let Some(more) = workers.try_next() {
            results.push(more);
        }
        let mut finished = vec![];
        for (step, outcome) in results {
            busy.remove(&step.host);
            if let Some(count) = running.get_mut(&step.task.id) {
                *count = count.saturating_sub(1);
            }
            finished.push(play.process(step, outcome)?);
        }
        let left = play.hosts_left();
        play.graft_includes(&finished, &left)?;
    }
    Ok(End::Through)
}

async fn begin(
    play: &mut PlayRun,
    host: HostId,
    task: TaskId,
    workers: &mut Workers,
    busy: &mut FxHashSet<HostId>,
    running: &mut FxHashMap<TaskId, usize>,
) -> Result<Option<(Step, Outcome)>, Fatal> {
    let info = play.task_info(host, task);
    let step = play.step(host, task, &info);
    if step.task.is_handler {
        play.notified.remove(&(task, host));
    }
    if let TaskKind::Meta(meta) = step.task.kind {
        play.run_meta(step, meta).await?;
        return Ok(None);
    }
    warn_unsupported(play, &step)?;
    play.emit(Event::TaskStarted(info));
    busy.insert(host);
    *running.entry(task).or_default() += 1;
    Ok(workers.start(step, None).await)
}

fn warn_unsupported(play: &PlayRun, step: &crate::step::Step) -> Result<(), Fatal> {
    if let TaskKind::Action(action) = &step.task.kind
        && crate::action::find(&action.name).bypass_host_loop
    {
        let name = &step.task.written_action;
        return Err(Fatal(
            Diagnostic::error(format!(
                "The '{name}' module bypasses the host loop, which is currently not supported in the free strategy and \
                 would instead execute for every host in the inventory list."
            ))
            .at(step.task.origin.clone()),
        ));
    }
    let words = &step.task.keywords;
    if words.run_once.as_ref().is_some_and(|v| v.to_bool_loose() == Some(true)) {
        play.warn(
            "Using run_once with the free strategy is not currently supported. This task will still be executed for \
             every host in the inventory list.",
        );
    }
    if words.any_errors_fatal.as_ref().is_some_and(|v| v.to_bool_loose() == Some(true)) {
        play.warn(
            "Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently on \
             each host",
        );
    }
    Ok(())
}

fn throttle_allows(
    play: &mut PlayRun,
    host: HostId,
    task: TaskId,
    running: &FxHashMap<TaskId, usize>,
) -> Result<bool, Fatal> {
    let spec = play.graph.task(task).clone();
    let Some(written) = &spec.keywords.throttle else { return Ok(true) };
    let info = play.task_info(host, task);
    let step = play.step(host, task, &info);
    let scope = Arc::new(step.scope_for(Some(host)));
    let value = step.renderer(&scope).render(written).map_err(Fatal)?;
    let limit: usize = ftl_core::value::to_text(&value).trim().parse().unwrap_or(0);
    Ok(limit == 0 || running.get(&task).copied().unwrap_or(0) < limit)
}
