//! Ansible's `default` display.

use std::sync::Arc;

use ftl_core::event::{Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::result::Status;
use ftl_core::source::Severity;
use ftl_core::value::{Map, Value};

use super::callback_result::{clean, host_label, is_include, is_loop, is_true, is_verbose, item_label, visible};
use super::dump::Dumper;
use super::{diff, recap};
use crate::colour::Tone;
use crate::display::View;
use crate::screen::{Screen, Stream};
use crate::settings::OutputSettings;

pub(crate) struct Default {
    settings: Arc<OutputSettings>,
    dumper: Dumper,
    /// Hosts of the play run on their own, so banners come with results.
    free: bool,
    last_banner: Option<TaskId>,
    /// The title of the task that was started last: later, not all of it may be known.
    last_title: Option<String>,
}

impl Default {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> Default {
        let dumper = Dumper::new(&settings);
        Default { settings, dumper, free: false, last_banner: None, last_title: None }
    }

    fn errors(&self) -> Stream {
        if self.settings.display_failed_stderr { Stream::Err } else { Stream::Out }
    }

    fn marker(&self, check: bool) -> &'static str {
        if check && self.settings.check_mode_markers { " [CHECK MODE]" } else { "" }
    }

    fn playbook_started(&self, file: &str, screen: &mut Screen) {
        let settings = &self.settings;
        if settings.verbosity > 1 {
            screen.banner(&format!("PLAYBOOK: {}", file.rsplit('/').next().unwrap_or(file)));
        }
        if settings.verbosity > 3 {
            if !settings.positional_arguments.is_empty() {
                let text = format!("Positional arguments: {}", settings.positional_arguments.join(" "));
                screen.screen_line(&text, Some(Tone::Verbose));
            }
            for (name, value) in &settings.option_arguments {
                screen.screen_line(&format!("{name}: {value}"), Some(Tone::Verbose));
            }
        }
        self.dry_run(screen);
    }

    fn dry_run(&self, screen: &mut Screen) {
        if self.settings.check && self.settings.check_mode_markers {
            screen.banner("DRY RUN");
        }
    }

    fn task_started(&mut self, task: &TaskInfo, screen: &mut Screen) {
        if self.free {
            self.last_title = None;
            return;
        }
        self.last_title = Some(task.title.trim().to_string());
        if self.settings.display_skipped_hosts && self.settings.display_ok_hosts {
            self.banner(task, screen);
        }
    }

    fn banner(&mut self, task: &TaskInfo, screen: &mut Screen) {
        let prefix = if task.handler { "RUNNING HANDLER" } else { "TASK" };
        let title = self.last_title.as_deref().unwrap_or_else(|| task.title.trim());
        let args = match &task.shown_args {
            Some(args) if self.settings.display_args_to_stdout => format!(" {}", args.trim_start()),
            _ => String::new(),
        };
        screen.banner(&format!("{prefix} [{title}{args}]{}", self.marker(task.check)));
        if self.settings.verbosity >= 2 {
            task_path(task, screen);
        }
        self.last_banner = Some(task.id);
    }

    fn banner_once(&mut self, task: &TaskInfo, screen: &mut Screen) {
        if self.last_banner != Some(task.id) {
            self.banner(task, screen);
        }
    }

    /// What came with the result: warnings, deprecations, then the error.
    fn messages(&self, result: &HostResult, screen: &mut Screen) {
        show_messages(result, self.errors(), screen);
    }

    fn ignoring(&self, result: &HostResult, screen: &mut Screen) {
        if result.ignored {
            screen.line("...ignoring", Tone::Skip);
        }
    }

    fn finished(&mut self, result: &HostResult, screen: &mut Screen) {
        match result.status {
            Status::Ok | Status::Changed => {
                if result.task.diff && result.result.contains_key("diff") {
                    self.diff(result, screen);
                }
                self.ok(result, screen);
            }
            Status::Failed => self.failed(result, screen),
            Status::Skipped => self.skipped(result, screen),
            Status::Unreachable => self.unreachable(result, screen),
        }
    }

    fn ok(&mut self, result: &HostResult, screen: &mut Screen) {
        if is_include(result) {
            self.banner_once(&result.task, screen);
            return;
        }
        let Some((word, tone)) = self.outcome(result) else { return };
        self.banner_once(&result.task, screen);
        let mut text = format!("{word}: [{}]", host_label(result));
        self.messages(result, screen);
        if is_loop(result) {
            return;
        }
        if self.is_verbose(result, 0) {
            text.push_str(" => ");
            text.push_str(&self.dump_clean(result));
        }
        screen.line(&text, tone);
    }

    /// `None`: not to be shown.
    fn outcome(&self, result: &HostResult) -> Option<(&'static str, Tone)> {
        match result.status == Status::Changed || is_true(&result.result, "changed") {
            true => Some(("changed", Tone::Changed)),
            false => self.settings.display_ok_hosts.then_some(("ok", Tone::Ok)),
        }
    }

    fn failed(&mut self, result: &HostResult, screen: &mut Screen) {
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        let mut shown = visible(result);
        clean(&mut shown, result);
        if !(result.looped && shown.contains_key("results")) {
            if self.settings.verbosity < 2 && self.settings.show_task_path_on_failure {
                task_path(&result.task, screen);
            }
            let text = format!("fatal: [{}]: FAILED! => {}", host_label(result), self.dumper.dump(&shown, None));
            screen.line_to(&text, Tone::Error, self.errors());
        }
        self.ignoring(result, screen);
    }

    fn skipped(&mut self, result: &HostResult, screen: &mut Screen) {
        if !self.settings.display_skipped_hosts {
            return;
        }
        let mut shown = visible(result);
        clean(&mut shown, result);
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        if result.looped {
            shown.remove("results");
        }
        let mut text = format!("skipping: [{}]", result.host);
        if self.is_verbose(result, 0) {
            text.push_str(" => ");
            text.push_str(&self.dumper.dump(&shown, None));
        }
        screen.line(&text, Tone::Skip);
    }

    fn unreachable(&mut self, result: &HostResult, screen: &mut Screen) {
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        let dump = self.dumper.dump(&visible(result), None);
        let text = format!("fatal: [{}]: UNREACHABLE! => {dump}", host_label(result));
        screen.line_to(&text, Tone::Unreachable, self.errors());
        self.ignoring(result, screen);
    }

    fn item(&mut self, result: &HostResult, screen: &mut Screen) {
        match result.status {
            Status::Ok | Status::Changed => self.item_ok(result, screen),
            Status::Failed | Status::Unreachable => self.item_failed(result, screen),
            Status::Skipped => self.item_skipped(result, screen),
        }
    }

    fn item_ok(&mut self, result: &HostResult, screen: &mut Screen) {
        if result.task.diff && result.result.contains_key("diff") {
            self.diff(result, screen);
        }
        if is_include(result) {
            return;
        }
        let Some((word, tone)) = self.outcome(result) else { return };
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        let mut text = format!("{word}: [{}] => (item={})", host_label(result), item_label(result));
        if self.is_verbose(result, 0) {
            text.push_str(" => ");
            text.push_str(&self.dump_clean(result));
        }
        screen.line(&text, tone);
    }

    fn item_failed(&mut self, result: &HostResult, screen: &mut Screen) {
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        let (host, label) = (host_label(result), item_label(result));
        let text = format!("failed: [{host}] (item={label}) => {}", self.dump_clean(result));
        screen.line_to(&text, Tone::Error, self.errors());
    }

    fn item_skipped(&mut self, result: &HostResult, screen: &mut Screen) {
        if !self.settings.display_skipped_hosts {
            return;
        }
        self.banner_once(&result.task, screen);
        self.messages(result, screen);
        let mut text = format!("skipping: [{}] => (item={}) ", result.host, item_label(result));
        if self.is_verbose(result, 0) {
            text.push_str(" => ");
            text.push_str(&self.dump_clean(result));
        }
        screen.line(&text, Tone::Skip);
    }

    fn retrying(&self, result: &HostResult, left: u32, screen: &mut Screen) {
        let task = &result.task;
        let name = if task.name.is_empty() { &task.title } else { &task.name };
        let mut text = format!("FAILED - RETRYING: [{}]: {name} ({left} retries left).", host_label(result));
        if self.is_verbose(result, 2) {
            text.push_str("Result was: ");
            text.push_str(&self.dumper.dump(&visible(result), None));
        }
        screen.line(&text, Tone::Debug);
    }

    fn diff(&mut self, result: &HostResult, screen: &mut Screen) {
        // A censored result has no diff to show.
        let shown = visible(result);
        for part in changes(&shown, result.looped) {
            let (painted, plain) = diff::text(&part, &self.dumper, self.settings.diff_context, screen);
            if !plain.is_empty() {
                self.banner_once(&result.task, screen);
                screen.painted(&painted, &plain);
            }
        }
    }

    fn is_verbose(&self, result: &HostResult, level: u8) -> bool {
        is_verbose(&result.result, self.settings.verbosity, level)
    }

    fn dump_clean(&self, result: &HostResult) -> String {
        let mut shown = visible(result);
        clean(&mut shown, result);
        self.dumper.dump(&shown, None)
    }
}

/// The `diff`s of changes: that of the result, or of each item.
fn changes(shown: &Map, looped: bool) -> Vec<Value> {
    let of = |map: &Map| match map.get("diff") {
        Some(diff) if diff.is_true() && is_true(map, "changed") => Some(diff.clone()),
        _ => None,
    };
    match shown.get("results").and_then(Value::as_items) {
        Some(items) if looped => items.iter().filter_map(|item| item.as_map().and_then(|map| of(&map))).collect(),
        _ => of(shown).into_iter().collect(),
    }
}

/// Warnings, deprecations, then the error of a result.
pub(super) fn show_messages(result: &HostResult, errors: Stream, screen: &mut Screen) {
    for severity in [Severity::Warning, Severity::Deprecation] {
        for message in result.messages.iter().filter(|m| m.severity == severity) {
            screen.message(message);
        }
    }
    if let Some(error) = &result.error {
        screen.message_to(error, errors);
    }
}

fn task_path(task: &TaskInfo, screen: &mut Screen) {
    if let Some(origin) = &task.origin {
        screen.line(&format!("task path: {}:{}", origin.file, origin.line), Tone::Debug);
    }
}

impl View for Default {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        match event {
            Event::PlaybookStarted { file } => self.playbook_started(file, screen),
            Event::PlayStarted { name, check, free, .. } => {
                self.free = *free;
                let marker = self.marker(*check);
                match name.trim() {
                    "" => screen.banner(&format!("PLAY{marker}")),
                    name => screen.banner(&format!("PLAY [{name}]{marker}")),
                }
            }
            Event::NoHostsMatched => screen.line("skipping: no hosts matched", Tone::Skip),
            Event::NoHostsRemaining => screen.banner("NO MORE HOSTS LEFT"),
            Event::TaskStarted(task) => self.task_started(task, screen),
            Event::HostStarted { task, host } => {
                if self.settings.show_per_host_start {
                    let kind = if task.handler { "HANDLER" } else { "TASK" };
                    screen.line(&format!(" [started {kind}: {} on {host}]", task.title), Tone::Ok);
                }
            }
            Event::ItemFinished(result) => self.item(result, screen),
            Event::HostFinished(result) => self.finished(result, screen),
            Event::Retrying { result, attempts_left } => self.retrying(result, *attempts_left, screen),
            Event::AsyncPoll { result, job, started, finished } => {
                let (host, started, finished) = (&result.host, python(*started), python(*finished));
                let text = format!("ASYNC POLL on {host}: jid={job} started={started} finished={finished}");
                screen.line(&text, Tone::Debug);
            }
            Event::AsyncOk { result, job } => {
                screen.line(&format!("ASYNC OK on {}: jid={job}", result.host), Tone::Debug);
            }
            Event::AsyncFailed { result, job } => {
                screen.line(&format!("ASYNC FAILED on {}: jid={job}", result.host), Tone::Debug);
            }
            Event::Included { file, hosts, label, .. } => {
                let mut text = format!("included: {file} for {}", hosts.join(", "));
                if let Some(label) = label.as_ref().filter(|l| !l.is_empty()) {
                    text.push_str(&format!(" => (item={label})"));
                }
                screen.line(&text, Tone::Included);
            }
            Event::Notified { handler, host, .. } => {
                if self.settings.verbosity > 1 {
                    screen.screen_line(&format!("NOTIFIED HANDLER {handler} for {host}"), Some(Tone::Verbose));
                }
            }
            Event::RunFinished { stats, custom } => {
                recap::show(stats, screen);
                if let Some(custom) = custom.as_ref().filter(|c| !c.is_empty() && self.settings.show_custom_stats) {
                    recap::show_custom(custom, &self.dumper, screen);
                }
                self.dry_run(screen);
            }
            Event::Message(_) | Event::Verbose { .. } | Event::Meta { .. } | Event::VarsPrompt { .. } => {}
        }
    }
}

fn python(truth: bool) -> &'static str {
    if truth { "True" } else { "False" }
}
