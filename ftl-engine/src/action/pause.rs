//! `pause`: for a time, or until the operator says something.

use std::time::{Duration, Instant};

use ftl_core::event::Event;
use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};
use crate::run::Question;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["echo", "minutes", "prompt", "seconds"])?;
        let minutes = number(context, "minutes")?;
        let seconds = number(context, "seconds")?;
        if minutes.is_some() && seconds.is_some() {
            return Err(TaskFailure::plain("parameters are mutually exclusive: minutes|seconds"));
        }
        let unit = if seconds.is_some() { "seconds" } else { "minutes" };
        let limit = minutes.map(|m| m * 60).or(seconds).map(|s| s.max(1) as u64);
        let echo = context.flag("echo", true);
        let begin = Instant::now();
        let started = now();
        let answer = wait(context, limit, echo).await?;
        let elapsed = begin.elapsed().as_secs_f64();
        let shown = if unit == "minutes" { elapsed / 60.0 } else { elapsed };
        let shown = ftl_core::value::repr_float((shown * 100.0).round() / 100.0);
        let mut result = Map::new();
        result.insert("changed", false);
        result.insert("rc", 0i64);
        result.insert("stderr", "");
        result.insert("stdout", format!("Paused for {shown} {unit}"));
        result.insert("start", started);
        result.insert("stop", now());
        result.insert("delta", elapsed as i64);
        result.insert("echo", echo);
        result.insert("user_input", answer);
        Ok(result)
    })
}

fn number(context: &ActionContext<'_>, name: &str) -> Result<Option<i64>, TaskFailure> {
    let Some(value) = context.arg(name) else { return Ok(None) };
    let parsed = match value {
        Value::Int(i) => Some(*i),
        Value::Float(f) => Some(*f as i64),
        other => to_text(other).trim().parse().ok(),
    };
    parsed.map(Some).ok_or_else(|| {
        TaskFailure::plain(format!(
            "argument '{name}' is of type {} and we were unable to convert to int: invalid literal for int() with base 10: {}",
            ftl_core::value::type_name(value),
            ftl_core::value::repr(value)
        ))
    })
}

fn now() -> String {
    let now = jiff::tz::TimeZone::system().to_datetime(jiff::Timestamp::now());
    let time = now.time();
    format!(
        "{} {:02}:{:02}:{:02}.{:06}",
        now.date(),
        time.hour(),
        time.minute(),
        time.second(),
        time.subsec_nanosecond() / 1000
    )
}

async fn wait(context: &ActionContext<'_>, limit: Option<u64>, echo: bool) -> Result<String, TaskFailure> {
    let step = context.step;
    let say = |text: String| step.emit(Event::Verbose { level: 0, host: None, text });
    let hidden = if echo { "" } else { " (output is hidden)" };
    let written = context.text("prompt");
    let title = step.info.title.trim().to_string();
    let asked = written.clone().unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".into());
    let mut prompt = format!("[{title}]\n{asked}{hidden}:");
    if let Some(seconds) = limit {
        say(format!("Pausing for {seconds} seconds{hidden}"));
        match &written {
            Some(_) => say("(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r".into()),
            None => prompt = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r".into(),
        }
        say(prompt);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = step.run.cancel.cancelled() => {}
        }
        return Ok(String::new());
    }
    let Some(terminal) = step.run.prompt.clone() else {
        say(prompt);
        step.warn("Not waiting for response to prompt as stdin is not interactive");
        return Ok(String::new());
    };
    let question = Question { text: prompt, private: !echo, seconds: None };
    let answer = tokio::task::spawn_blocking(move || terminal.ask(&question)).await;
    match answer {
        Ok(Some(text)) => Ok(text),
        _ => {
            step.warn("Not waiting for response to prompt as stdin is not interactive");
            Ok(String::new())
        }
    }
}
