//! `async` with `poll`: asks for the job until it is done or its time is up.

use std::time::Duration;

use ftl_core::event::{Detail, Event, HostResult};
use ftl_core::value::{Map, Value, to_text};

use super::TaskFailure;
use super::execute::pause;
use crate::action::{ActionContext, async_status};
use crate::report;
use crate::step::Outcome;

pub(super) async fn poll(context: &ActionContext<'_>, started: Map, detail: &Detail) -> Result<Map, TaskFailure> {
    let step = context.step;
    let Some(job) = started.get("ansible_job_id").map(to_text) else {
        let mut map = Map::new();
        map.insert("failed", true);
        map.insert("msg", "No job id was returned by the async task");
        return Ok(map);
    };
    let limit = context.keywords.async_seconds as i64;
    let poll = context.keywords.poll.max(1) as i64;
    let mut left = limit;
    let mut answer = Map::new();
    while left > 0 && !step.run.cancel.is_cancelled() {
        pause(step, Duration::from_secs(poll as u64)).await;
        left -= poll;
        match async_status::ask(context, job.clone(), "status".into()).await {
            Ok(map) => answer = map,
            // Hosts reboot and links break while a job runs; the next poll may reach it again.
            Err(failure) if left <= 0 => return Err(failure),
            Err(_) => continue,
        }
        if truth(&answer, "finished") || truth(&answer, "skipped") {
            break;
        }
        if truth(&answer, "failed") && answer.contains_key("ansible_job_id") {
            break;
        }
        step.emit(Event::AsyncPoll {
            result: told(context, &answer, detail),
            job: job.clone(),
            started: truth(&answer, "started"),
            finished: truth(&answer, "finished"),
        });
    }
    let mut map = Map::new();
    if truth(&answer, "finished") {
        // The answer is complete; the file that held it is of no further use.
        let _ = async_status::ask(context, job.clone(), "cleanup".into()).await;
        map = answer;
    } else {
        map.insert("failed", true);
        map.insert("msg", format!("async task did not complete within the requested time - {limit}s"));
        map.insert("async_result", Value::dict(answer));
    }
    let (result, failed) = (told(context, &map, detail), truth(&map, "failed"));
    step.emit(if failed { Event::AsyncFailed { result, job } } else { Event::AsyncOk { result, job } });
    Ok(map)
}

fn told(context: &ActionContext<'_>, map: &Map, detail: &Detail) -> Box<HostResult> {
    let outcome =
        Outcome { map: map.clone(), no_log: context.keywords.no_log, detail: detail.clone(), ..Outcome::default() };
    Box::new(report::host_result(context.step, &outcome))
}

fn truth(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(Value::is_true)
}
