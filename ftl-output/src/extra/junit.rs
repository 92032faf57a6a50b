//! `junit`: an XML report per playbook, a case per task and host.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ftl_core::event::{Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Value, to_text};

use crate::display::View;
use crate::screen::Screen;
use crate::settings::OutputSettings;

pub(crate) struct Junit {
    settings: Arc<OutputSettings>,
    playbook: String,
    play: String,
    started: BTreeMap<(TaskId, Arc<str>), Instant>,
    task_started: Instant,
    cases: Vec<Case>,
    written: bool,
}

struct Case {
    name: String,
    class: String,
    seconds: f64,
    outcome: Outcome,
    output: String,
}

enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

impl Junit {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> Junit {
        Junit {
            settings,
            playbook: String::new(),
            play: String::new(),
            started: BTreeMap::new(),
            task_started: Instant::now(),
            cases: vec![],
            written: false,
        }
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.settings.extra.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    fn is_on(&self, name: &str) -> bool {
        Value::str(self.option(name).unwrap_or("false")).to_bool_loose() == Some(true)
    }

    fn class(&self, task: &TaskInfo) -> String {
        let file = task.origin.as_ref().map_or_else(|| self.playbook.clone(), ToString::to_string);
        match self.option("JUNIT_TASK_CLASS") {
            Some(_) if self.is_on("JUNIT_TASK_CLASS") => file.split(".yml").next().unwrap_or_default().to_string(),
            _ => file,
        }
    }

    fn add(&mut self, result: &HostResult) {
        let since = self.started.remove(&(result.task.id, result.host.clone())).unwrap_or(self.task_started);
        let prefix = self.option("JUNIT_TEST_CASE_PREFIX").unwrap_or_default();
        if !result.task.title.starts_with(prefix) {
            return;
        }
        let message = |key: &str| result.result.get(key).map(to_text).unwrap_or_default();
        let changed_fails = self.is_on("JUNIT_FAIL_ON_CHANGE") && result.status == Status::Changed;
        let ignored = result.ignored && !self.is_on("JUNIT_FAIL_ON_IGNORE");
        let outcome = match result.status {
            Status::Skipped => Outcome::Skipped(message("skip_reason")),
            Status::Failed | Status::Unreachable if !ignored => {
                let rc = message("rc");
                let text = message("msg");
                Outcome::Failed(if rc.is_empty() { text } else { format!("{text} (rc={rc})") })
            }
            _ if changed_fails => Outcome::Failed("the task changed the host".into()),
            _ => Outcome::Passed,
        };
        let output = match result.result.get("_ansible_no_log").is_some_and(Value::is_true) {
            true => String::new(),
            false => message("stdout"),
        };
        self.cases.push(Case {
            name: format!("[{}] {}: {}", result.host, self.play, result.task.title),
            class: self.class(&result.task),
            seconds: since.elapsed().as_secs_f64(),
            outcome,
            output,
        });
    }

    fn write(&mut self, screen: &mut Screen) {
        if std::mem::replace(&mut self.written, true) || self.playbook.is_empty() {
            return;
        }
        let name = self.playbook.rsplit('/').next().unwrap_or_default().trim_end_matches(".yml");
        let name = name.trim_end_matches(".yaml").to_string();
        let directory = PathBuf::from(self.option("JUNIT_OUTPUT_DIR").unwrap_or(".ansible.log"));
        let stamp = jiff::Timestamp::now().as_microsecond();
        let path = directory.join(format!("{name}-{}.{:06}.xml", stamp / 1_000_000, stamp % 1_000_000));
        let text = screen.masked(self.report(&name));
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, text));
        if let Err(problem) = written {
            let text = format!("The JUnit report could not be written to {}: {problem}", path.display());
            screen.message(&Diagnostic::warning(text));
        }
    }

    fn report(&self, name: &str) -> String {
        let count = |wanted: fn(&Outcome) -> bool| self.cases.iter().filter(|c| wanted(&c.outcome)).count();
        let failures = count(|o| matches!(o, Outcome::Failed(_)));
        let skipped = count(|o| matches!(o, Outcome::Skipped(_)));
        let seconds: f64 = self.cases.iter().map(|c| c.seconds).sum();
        let (name, tests) = (escaped(name), self.cases.len());
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        let _ = writeln!(
            out,
            "<testsuites disabled=\"0\" errors=\"0\" failures=\"{failures}\" tests=\"{tests}\" time=\"{seconds:.6}\">"
        );
        let _ = writeln!(
            out,
            "\t<testsuite name=\"{name}\" disabled=\"0\" errors=\"0\" failures=\"{failures}\" skipped=\"{skipped}\" \
             tests=\"{tests}\" time=\"{seconds:.6}\">"
        );
        for case in &self.cases {
            case.write(&mut out);
        }
        out.push_str("\t</testsuite>\n</testsuites>\n");
        out
    }
}

impl Case {
    fn write(&self, out: &mut String) {
        let (class, name) = (escaped(&self.class), escaped(&self.name));
        let _ = write!(out, "\t\t<testcase classname=\"{class}\" name=\"{name}\" time=\"{:.6}\">", self.seconds);
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::Skipped(reason) => {
                let _ = write!(out, "<skipped>{}</skipped>", escaped(reason));
            }
            Outcome::Failed(message) => {
                let message = escaped(message);
                let _ = write!(out, "<failure message=\"{message}\" type=\"failure\">{message}</failure>");
            }
        }
        if !self.output.is_empty() {
            let _ = write!(out, "<system-out>{}</system-out>", escaped(&self.output));
        }
        out.push_str("</testcase>\n");
    }
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
            Event::PlaybookStarted { file } => {
                self.write(screen);
                self.playbook = file.clone();
                self.cases.clear();
                self.written = false;
            }
            Event::PlayStarted { name, .. } => self.play = name.clone(),
            Event::TaskStarted(_) => self.task_started = Instant::now(),
            Event::HostStarted { task, host } => {
                self.started.insert((task.id, host.clone()), Instant::now());
            }
            Event::HostFinished(result) => self.add(result),
            Event::RunFinished { .. } => self.write(screen),
            _ => {}
        }
    }

    fn finish(&mut self, screen: &mut Screen) {
        self.write(screen);
    }
}
