//! `pause`: for a time, or until the operator says something.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ftl_core::event::Event;
use ftl_core::value::{Map, Value};

use super::{ActionContext, ActionFuture, Specification};
use crate::run::Question;
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"echo": {"type": "bool", "default": true}, "minutes": {"type": "whole"}, "seconds": {"type": "whole"}, "prompt": {"type": "str"}}"#,
        r#"{"mutually_exclusive": [["minutes", "seconds"]]}"#,
    )
});

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let args = context.checked(&SPECIFICATION)?;
        let number = |name: &str| match args.get(name) {
            Some(Value::Int(i)) => Some(*i),
            _ => None,
        };
        let (minutes, seconds) = (number("minutes"), number("seconds"));
        let unit = if seconds.is_some() { "seconds" } else { "minutes" };
        let limit = minutes.map(|m| m * 60).or(seconds).map(|s| s.max(1) as u64);
        let echo = args.get("echo").is_none_or(Value::is_true);
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
        if step.run.prompt.is_some() {
            say(prompt);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = step.run.cancel.cancelled() => {}
        }
        return Ok(String::new());
    }
    let Some(terminal) = step.run.prompt.clone() else {
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
