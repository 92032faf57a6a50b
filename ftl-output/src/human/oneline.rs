//! Ansible's `oneline` display (`-o`): one line per result.

use std::sync::Arc;

use ftl_core::event::{Event, HostResult};
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text};

use super::callback_result::{is_raw, is_true, visible};
use super::dump::Dumper;
use crate::colour::Tone;
use crate::display::View;
use crate::screen::Screen;
use crate::settings::OutputSettings;

pub(crate) struct Oneline {
    dumper: Dumper,
    verbosity: u8,
}

/// What stock says in place of a Python traceback, of which FTL has none.
const NO_TRACEBACK: &str = "(traceback unavailable)";

impl Oneline {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> Oneline {
        Oneline { dumper: Dumper::json(&settings), verbosity: settings.verbosity }
    }

    pub(crate) fn note() -> Diagnostic {
        Diagnostic::deprecation(
            "The oneline callback plugin is deprecated. This feature will be removed from ansible-core version 2.23.",
        )
    }

    fn result(&self, result: &HostResult, screen: &mut Screen) {
        let host = &result.host;
        let shown = visible(result);
        let dump = || self.dumper.dump(&shown, Some(0)).replace('\n', "");
        match result.status {
            Status::Ok | Status::Changed => {
                let (word, tone) = match is_true(&shown, "changed") {
                    true => ("CHANGED", Tone::Changed),
                    false => ("SUCCESS", Tone::Ok),
                };
                if is_raw(result) && !shown.contains_key("ansible_job_id") {
                    screen.line(&printed(host, &shown, word), tone);
                } else {
                    screen.line(&format!("{host} | {word} => {}", dump()), tone);
                }
            }
            Status::Failed => {
                if result.error.is_some() || shown.contains_key("exception") {
                    self.exception(result, &shown, screen);
                }
                screen.line(&format!("{host} | FAILED! => {}", dump()), Tone::Error);
            }
            Status::Skipped => screen.line(&format!("{host} | SKIPPED"), Tone::Skip),
            Status::Unreachable => {
                let msg = shown.get("msg").map(to_text).unwrap_or_default();
                screen.line(&format!("{host} | UNREACHABLE!: {msg}"), Tone::Unreachable);
            }
        }
    }

    fn exception(&self, result: &HostResult, shown: &Map, screen: &mut Screen) {
        if is_raw(result) && !shown.contains_key("module_stderr") {
            screen.line(&printed(&result.host, shown, "FAILED"), Tone::Error);
            return;
        }
        let trace = shown.get("exception").map_or_else(|| NO_TRACEBACK.into(), to_text);
        let text = if self.verbosity < 3 {
            let last = trace.trim().rsplit('\n').next().unwrap_or_default();
            format!(
                "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: {last}"
            )
        } else {
            let trace = trace.replace('\n', "");
            format!("An exception occurred during task execution. The full traceback is:\n{trace}")
        };
        screen.line(&text, Tone::Error);
    }
}

fn printed(host: &str, shown: &Map, word: &str) -> String {
    let text = |key: &str| shown.get(key).map(to_text).unwrap_or_default().replace('\n', "\\n").replace('\r', "\\r");
    let rc = to_text(&shown.get("rc").cloned().unwrap_or(Value::Int(-1)));
    let (out, err) = (text("stdout"), text("stderr"));
    match err.is_empty() {
        true => format!("{host} | {word} | rc={rc} | (stdout) {out}"),
        false => format!("{host} | {word} | rc={rc} | (stdout) {out} (stderr) {err}"),
    }
}

impl View for Oneline {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        if let Event::HostFinished(result) = event {
            self.result(result, screen);
        }
    }
}
