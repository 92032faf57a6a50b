//! `wait_for_connection`: until the host answers a `ping`.

use std::time::{Duration, Instant};

use ftl_core::value::{Map, Value, repr_str, to_text};

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["connect_timeout", "delay", "sleep", "timeout"])?;
        let mut result = Map::new();
        if context.keywords.check {
            result.insert("skipped", true);
            return Ok(result);
        }
        let begin = Instant::now();
        let (delay, timeout) = (whole(context, "delay", 0)?, whole(context, "timeout", 600)?);
        let pause = whole(context, "sleep", 1)?;
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
fn whole(context: &ActionContext<'_>, name: &str, default: u64) -> Result<u64, TaskFailure> {
    let number = match context.args.get(name) {
        None => return Ok(default),
        Some(Value::Float(number)) => *number as i64,
        Some(given) => {
            let text = to_text(given);
            text.trim().parse().map_err(|_| {
                TaskFailure::plain(format!("invalid literal for int() with base 10: {}", repr_str(&text)))
            })?
        }
    };
    Ok(number.max(0).unsigned_abs())
}

pub(super) fn seconds(context: &ActionContext<'_>, name: &str, default: u64) -> u64 {
    context.text(name).and_then(|t| t.trim().parse::<f64>().ok()).map_or(default, |f| f.max(0.0) as u64)
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
