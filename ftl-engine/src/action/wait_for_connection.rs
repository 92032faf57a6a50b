//! `wait_for_connection`: until the host answers a `ping`.

use std::time::{Duration, Instant};

use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};
use crate::argument_spec::convert;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        // Hosts are tried as `timeout` of the connection says; the argument must be a number all the same.
        whole(context, "connect_timeout", 5)?;
        let (delay, pause) = (whole(context, "delay", 0)?, whole(context, "sleep", 1)?);
        let timeout = whole(context, "timeout", 600)?.max(0).unsigned_abs();
        let mut result = Map::new();
        if context.keywords.check {
            result.insert("skipped", true);
            return Ok(result);
        }
        let begin = Instant::now();
        context.only(&["connect_timeout", "delay", "sleep", "timeout"])?;
        let (Ok(delay), Ok(pause)) = (u64::try_from(delay), u64::try_from(pause)) else {
            return Err(TaskFailure::message("sleep length must be non-negative"));
        };
        sleep(context, delay).await;
        if let Err(last) = until_pong(context, timeout, pause).await {
            result.insert("failed", true);
            result.insert("msg", format!("timed out waiting for ping module test: {last}"));
        }
        result.insert("elapsed", begin.elapsed().as_secs() as i64);
        Ok(result)
    })
}

/// As Python's `int` reads it.
pub(super) fn whole(context: &ActionContext<'_>, name: &str, default: i64) -> Result<i64, TaskFailure> {
    let Some(given) = context.args.get(name) else { return Ok(default) };
    match convert("whole", given).map_err(TaskFailure::message)? {
        Value::Int(number) => Ok(number),
        other => Err(TaskFailure::message(format!("{}: {} is too large", name, to_text(&other)))),
    }
}

pub(super) async fn sleep(context: &ActionContext<'_>, seconds: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        () = context.step.run.cancel.cancelled() => {}
    }
}

/// Connects anew and pings until it works; the last error when the time is up.
pub(super) async fn until_pong(context: &ActionContext<'_>, timeout: u64, pause: u64) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(timeout);
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let last = match tokio::time::timeout(left, ping(context)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => words(failure),
            Err(_) => "no answer".into(),
        };
        if Instant::now() >= end || context.step.run.cancel.is_cancelled() {
            return Err(last);
        }
        sleep(context, pause).await;
    }
}

fn words(failure: TaskFailure) -> String {
    match failure {
        TaskFailure::Host(error) => error.message(),
        TaskFailure::Error(error) | TaskFailure::Contributed { error, .. } => error.one_line(),
        TaskFailure::Skipped(_) => "skipped".into(),
    }
}

async fn ping(context: &ActionContext<'_>) -> Result<(), TaskFailure> {
    let target = context.target()?;
    context.step.run.runtime.reset(target).await?;
    let module = context.find_module("ansible.legacy.ping")?;
    let answer = context.run_foreground(module, Map::new()).await?;
    match answer.get("ping").map(to_text).as_deref() {
        Some("pong") => Ok(()),
        _ => Err(TaskFailure::message("ping test failed")),
    }
}
