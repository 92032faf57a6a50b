//! `junit`: an XML report per playbook, a case per task and host.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ftl_core::event::{Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;

use crate::display::View;
use crate::human::{Dumper, is_action, visible};
use crate::screen::Screen;
use crate::settings::OutputSettings;

pub(crate) struct Junit {
    settings: Arc<OutputSettings>,
    dumper: Dumper,
    playbook: String,
    play: String,
    tasks: Vec<Task>,
}

struct Task {
    id: TaskId,
    name: String,
    class: String,
    play: String,
    setup: bool,
    started: Instant,
    cases: Vec<Case>,
}

struct Case {
    host: String,
    seconds: f64,
    outcome: Outcome,
}

enum Outcome {
    Passed(String),
    Skipped(String),
    Failed { message: String, output: String },
    Error { message: String },
}

impl Junit {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> Junit {
        let dumper = Dumper::json(&settings);
        Junit { settings, dumper, playbook: String::new(), play: String::new(), tasks: vec![] }
    }

    fn option(&self, name: &str) -> &str {
        self.settings.extra.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.option(name).eq_ignore_ascii_case(value)
    }

    fn start(&mut self, task: &TaskInfo) {
        if self.tasks.iter().any(|known| known.id == task.id) {
            return;
        }
        let mut name = task.title.trim().to_string();
        if let Some(args) = task.shown_args.as_ref().filter(|_| !self.is("JUNIT_HIDE_TASK_ARGUMENTS", "true")) {
            name = format!("{name} {}", args.trim()).trim().to_string();
        }
        self.tasks.push(Task {
            id: task.id,
            name,
            class: self.class(task),
            play: self.play.clone(),
            setup: is_action(&task.action, &["setup", "gather_facts"]),
            started: Instant::now(),
            cases: vec![],
        });
    }

    fn class(&self, task: &TaskInfo) -> String {
        let Some(origin) = &task.origin else { return String::new() };
        let mut class = format!("{}:{}", origin.file, origin.line);
        let base = self.option("JUNIT_TASK_RELATIVE_PATH");
        if !base.is_empty() {
            class = relative(&class, base);
        }
        if let Some(prefix) = self.settings.extra.get("JUNIT_REPLACE_OUT_OF_TREE_PATH")
            && class.starts_with("../")
        {
            class = format!("{prefix}{}", class.rsplit('/').next().unwrap_or_default());
        }
        if self.is("JUNIT_TASK_CLASS", "true")
            && let Some((file, _)) = class.rsplit_once(".yml:")
        {
            class = file.to_string();
        }
        class
    }

    fn finish_task(&mut self, result: &HostResult) {
        self.start(&result.task);
        let failed = match result.status {
            Status::Failed => !result.ignored || self.is("JUNIT_FAIL_ON_IGNORE", "true"),
            Status::Ok | Status::Changed => {
                let changed = result.result.get("changed").is_some_and(ftl_core::Value::is_true);
                changed && self.is("JUNIT_FAIL_ON_CHANGE", "true")
            }
            Status::Skipped => false,
            Status::Unreachable => return,
        };
        let Some(at) = self.tasks.iter().position(|task| task.id == result.task.id) else { return };
        let name = &self.tasks[at].name;
        let failed = match () {
            () if failed && name.contains("EXPECTED FAILURE") => false,
            () if name.contains("TOGGLE RESULT") && result.status != Status::Skipped => !failed,
            () => failed,
        };
        if !failed && !name.starts_with(self.option("JUNIT_TEST_CASE_PREFIX")) {
            return;
        }
        let outcome = self.outcome(result, failed);
        let task = &mut self.tasks[at];
        let seconds = task.started.elapsed().as_secs_f64();
        task.cases.push(Case { host: result.host.to_string(), seconds, outcome });
    }

    fn outcome(&self, result: &HostResult, failed: bool) -> Outcome {
        let shown = visible(result);
        let text = |key: &str| shown.get(key).map(to_text);
        let dump = || self.dumper.dump(&shown, Some(0));
        match (&result.error, result.status) {
            (_, Status::Skipped) => Outcome::Skipped(text("skip_reason").unwrap_or_else(|| "skipped".into())),
            _ if !failed => Outcome::Passed(dump()),
            (Some(error), _) => Outcome::Error { message: error.one_line() },
            (None, _) => {
                let rc = || format!("rc={}", text("rc").unwrap_or_else(|| "0".into()));
                Outcome::Failed { message: text("msg").unwrap_or_else(rc), output: dump() }
            }
        }
    }

    fn write(&mut self, screen: &mut Screen) {
        let name = self.playbook.rsplit('/').next().unwrap_or_default();
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string();
        let directory = PathBuf::from(match self.option("JUNIT_OUTPUT_DIR") {
            "" => ".ansible.log",
            directory => directory,
        });
        let stamp = jiff::Timestamp::now().as_microsecond();
        let path = directory.join(format!("{name}-{}.{:06}.xml", stamp / 1_000_000, stamp % 1_000_000));
        let text = screen.masked(self.report(&name));
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, text));
        if let Err(problem) = written {
            let text = format!("The JUnit report could not be written to {}: {problem}", path.display());
            screen.message(&Diagnostic::warning(text));
        }
        self.tasks.clear();
    }

    fn report(&self, name: &str) -> String {
        let hide_setup = self.is("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", "false");
        let tasks = || self.tasks.iter().filter(|task| !(hide_setup && task.setup));
        let cases = || tasks().flat_map(|task| task.cases.iter());
        let count = |wanted: fn(&Outcome) -> bool| cases().filter(|case| wanted(&case.outcome)).count();
        let errors = count(|o| matches!(o, Outcome::Error { .. }));
        let failures = count(|o| matches!(o, Outcome::Failed { .. }));
        let skipped = count(|o| matches!(o, Outcome::Skipped(_)));
        let (tests, seconds) = (cases().count(), cases().map(|case| case.seconds).sum::<f64>());
        let name = escaped(name);
        let counts = format!("disabled=\"0\" errors=\"{errors}\" failures=\"{failures}\"");
        let totals = format!("tests=\"{tests}\" time=\"{seconds}\"");
        let mut out = format!("<?xml version=\"1.0\" ?>\n<testsuites {counts} {totals}>\n");
        let _ = writeln!(out, "\t<testsuite {counts} name=\"{name}\" skipped=\"{skipped}\" {totals}>");
        for task in tasks() {
            for case in &task.cases {
                case.write(task, &mut out);
            }
        }
        out.push_str("\t</testsuite>\n</testsuites>\n");
        out
    }
}

impl Case {
    fn write(&self, task: &Task, out: &mut String) {
        let name = escaped(&format!("[{}] {}: {}", self.host, task.play, task.name));
        let class = escaped(&task.class);
        let body = match &self.outcome {
            Outcome::Passed(output) => format!("<system-out>{}</system-out>", escaped(output)),
            Outcome::Skipped(reason) => format!("<skipped>{}</skipped>", escaped(reason)),
            Outcome::Failed { message, output } => {
                let (message, output) = (escaped(message), escaped(output));
                format!("<failure message=\"{message}\" type=\"failure\">{output}</failure>")
            }
            Outcome::Error { message } => {
                format!("<error message=\"{}\" type=\"error\">(traceback missing)\n</error>", escaped(message))
            }
        };
        let seconds = self.seconds;
        let _ = writeln!(out, "\t\t<testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds}\">");
        let _ = writeln!(out, "\t\t\t{body}\n\t\t</testcase>");
    }
}

/// `path` as seen from the directory `base`; both absolute.
fn relative(path: &str, base: &str) -> String {
    let path: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let base: Vec<&str> = base.split('/').filter(|p| !p.is_empty()).collect();
    let shared = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let mut parts = vec![".."; base.len() - shared];
    parts.extend(&path[shared..]);
    parts.join("/")
}

/// Text for XML: characters XML 1.0 cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

impl View for Junit {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        match event {
            Event::PlaybookStarted { file } => self.playbook = file.clone(),
            Event::PlayStarted { name, .. } => self.play = name.clone(),
            Event::TaskStarted(task) => self.start(task),
            Event::Included { file, hosts, .. } => {
                if let Some(task) = self.tasks.last_mut() {
                    let output = format!("{file} for {}", hosts.join(", "));
                    let seconds = task.started.elapsed().as_secs_f64();
                    task.cases.push(Case { host: "include".into(), seconds, outcome: Outcome::Passed(output) });
                }
            }
            Event::HostFinished(result) => self.finish_task(result),
            Event::RunFinished { .. } => self.write(screen),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_a_directory() {
        for (path, base, expected) in
            [("/a/b/c.yml:3", "/a", "b/c.yml:3"), ("/a/b", "/x/y", "../../a/b"), ("/a/b", "/a/b/c", "..")]
        {
            assert_eq!(relative(path, base), expected);
        }
    }
}
