//! Ansible's `minimal` display: one block per result, for ad-hoc commands.

use std::sync::Arc;

use ftl_core::event::{Event, HostResult};
use ftl_core::result::Status;
use ftl_core::value::{Map, Value, to_text};

use super::callback_result::{clean, is_raw, is_true, visible};
use super::default::show_messages;
use super::diff;
use super::dump::Dumper;
use crate::colour::Tone;
use crate::display::View;
use crate::screen::{Screen, Stream};
use crate::settings::OutputSettings;

pub(crate) struct Minimal {
    settings: Arc<OutputSettings>,
    dumper: Dumper,
}

impl Minimal {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> Minimal {
        let dumper = Dumper::new(&settings);
        Minimal { settings, dumper }
    }

    fn result(&self, result: &HostResult, screen: &mut Screen) {
        let host = &result.host;
        let mut shown = visible(result);
        if matches!(result.status, Status::Ok | Status::Changed) {
            self.diff(result, &shown, screen);
        }
        show_messages(result, Stream::Out, screen);
        match result.status {
            Status::Ok | Status::Changed => {
                clean(&mut shown, result);
                let (word, tone) = match is_true(&shown, "changed") {
                    true => ("CHANGED", Tone::Changed),
                    false => ("SUCCESS", Tone::Ok),
                };
                if is_raw(result) && !shown.contains_key("ansible_job_id") {
                    screen.line(&printed(host, &shown, word), tone);
                } else {
                    screen.line(&format!("{host} | {word} => {}", self.dumper.dump(&shown, Some(4))), tone);
                }
            }
            Status::Failed if is_raw(result) && !shown.contains_key("module_stderr") => {
                screen.line(&printed(host, &shown, "FAILED"), Tone::Error);
            }
            Status::Failed => {
                screen.line(&format!("{host} | FAILED! => {}", self.dumper.dump(&shown, Some(4))), Tone::Error);
            }
            Status::Skipped => screen.line(&format!("{host} | SKIPPED"), Tone::Skip),
            Status::Unreachable => {
                let text = format!("{host} | UNREACHABLE! => {}", self.dumper.dump(&shown, Some(4)));
                screen.line(&text, Tone::Unreachable);
            }
        }
    }

    fn diff(&self, result: &HostResult, shown: &Map, screen: &mut Screen) {
        let Some(diff) = shown.get("diff").filter(|d| result.task.diff && d.is_true()) else { return };
        let (painted, plain) = diff::text(diff, &self.dumper, self.settings.diff_context, screen);
        screen.painted(&painted, &plain);
    }
}

/// What a command printed.
fn printed(host: &str, shown: &Map, word: &str) -> String {
    let text = |key: &str| shown.get(key).map(to_text).unwrap_or_default();
    let rc = shown.get("rc").cloned().unwrap_or(Value::Int(-1));
    let (out, err, msg) = (text("stdout"), text("stderr"), text("msg"));
    format!("{host} | {word} | rc={} >>\n{out}{err}{msg}\n", to_text(&rc))
}

impl View for Minimal {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        if let Event::HostFinished(result) = event {
            self.result(result, screen);
        }
    }
}
