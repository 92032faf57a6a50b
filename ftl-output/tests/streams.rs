//! What displays do beside printing events: masks, terminals, logs, extra displays, and streams that break.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftl_core::event::{Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::port::EventSink;
use ftl_core::result::{HostStats, Status};
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr_str};
use ftl_output::{Colouring, LogSettings, OutputSettings, ResultFormat, open};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A stream that fails.
struct Broken(ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(Error::from(self.0))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Err(Error::from(self.0))
    }
}

fn task(title: &str, action: &str) -> Arc<TaskInfo> {
    Arc::new(TaskInfo {
        id: TaskId(1),
        title: title.into(),
        name: String::new(),
        action: action.into(),
        origin: None,
        handler: false,
        check: false,
        diff: true,
        shown_args: None,
        implicit: false,
        detail: None,
    })
}

fn result(task: &Arc<TaskInfo>, status: Status, entries: &[(&str, Value)]) -> HostResult {
    HostResult {
        task: task.clone(),
        host: "h".into(),
        delegated: None,
        status,
        ignored: false,
        result: Arc::new(entries.iter().map(|(k, v)| (*k, v.clone())).collect::<Map>()),
        item: None,
        looped: false,
        error: None,
        messages: vec![],
        detail: None,
    }
}

fn recap() -> Event {
    Event::RunFinished {
        stats: BTreeMap::from([("h".into(), HostStats { ok: 1, ..Default::default() })]),
        custom: None,
    }
}

/// stdout and stderr of a script of events.
fn shown(mut settings: OutputSettings, events: Vec<Event>, secrets: &[&str]) -> (String, String) {
    let (out, err) = (Captured::default(), Captured::default());
    settings.writers = Some((Box::new(out.clone()), Box::new(err.clone())));
    let display = open(settings);
    display.begin(None).unwrap();
    secrets.iter().for_each(|secret| display.masks().add(secret));
    events.into_iter().for_each(|event| display.emit(event));
    assert_eq!(display.finish(), None);
    let text = |captured: Captured| String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    (text(out), text(err))
}

fn play() -> Event {
    Event::PlayStarted { name: "p".into(), check: false, free: false, hosts: 1, detail: None }
}

#[test]
fn secrets_are_masked_in_results_diffs_errors_and_logs() {
    let folder = std::env::temp_dir().join(format!("ftl-output-log-{}", std::process::id()));
    let _ = fs::remove_file(&folder);
    let secret = "the ca\"nary\n1 of many";
    let t = task(&format!("uses {secret}"), "command");
    let diff: Map = [("before", Value::str("")), ("after", Value::str(secret))].into_iter().collect();
    let mut failed = result(&t, Status::Failed, &[("msg", Value::str(secret)), ("repr", Value::str(repr_str(secret)))]);
    failed.error = Some(Box::new(Diagnostic::error(format!("Task failed: {secret}"))));
    let events = vec![
        play(),
        Event::TaskStarted(t.clone()),
        Event::HostFinished(result(&t, Status::Changed, &[("changed", true.into()), ("diff", Value::dict(diff))])),
        Event::HostFinished(failed),
        Event::Message(Diagnostic::warning(format!("about {secret}"))),
        Event::Verbose { level: 1, host: None, text: secret.into() },
    ];
    let log = LogSettings { path: folder.clone(), verbosity: Some(3), user: "someone".into() };
    let settings = OutputSettings { log: Some(log), ..OutputSettings::default() };
    let (out, err) = shown(settings, events, &[secret]);
    let logged = fs::read_to_string(&folder).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&folder).unwrap();
    for text in [&out, &err, &logged] {
        assert!(!text.contains("nary") && !text.contains("many"), "{text}");
        assert!(text.contains("********"), "{text}");
    }
    let line = logged.lines().find(|line| line.contains("PLAY")).unwrap();
    let (time, rest) = line.split_at(23);
    assert!(time.chars().filter(char::is_ascii_digit).count() == 17 && time.contains(','), "{time}");
    assert_eq!(rest, format!(" p={} u=someone n=ansible INFO| PLAY [p] {}", std::process::id(), "*".repeat(71)));
    assert!(logged.contains("n=ansible WARNING| [WARNING]: about"));
    assert!(logged.contains("n=ansible ERROR| [ERROR]: Task failed"));
}

#[test]
fn a_terminal_gets_its_width_its_colours_and_no_foreign_controls() {
    let t = task("t", "command");
    let evil = "\u{1b}]0;title\u{7}\u{9b}2Jok\ttab\r\nnext";
    let events = vec![Event::HostFinished(result(&t, Status::Ok, &[("rc", 0i64.into()), ("stdout", evil.into())]))];
    let settings = |tty| OutputSettings { display: "minimal".into(), stdout_tty: tty, ..OutputSettings::default() };
    let (out, _) = shown(settings(true), events.clone(), &[]);
    assert_eq!(out, "h | SUCCESS | rc=0 >>\n]0;title2Jok\ttab\nnext\n");
    let (out, _) = shown(settings(false), events, &[]);
    assert!(out.contains('\u{1b}'));

    for (columns, tty, term, colouring, expected) in [
        (
            Some(100),
            true,
            "xterm",
            Colouring::Auto,
            format!("\nPLAY [p] {}\n\u{1b}[0;36mskipping: no hosts matched\u{1b}[0m\n", "*".repeat(91)),
        ),
        (
            Some(40),
            true,
            "xterm",
            Colouring::Never,
            format!("\nPLAY [p] {}\nskipping: no hosts matched\n", "*".repeat(71)),
        ),
        (
            Some(100),
            true,
            "dumb",
            Colouring::Auto,
            format!("\nPLAY [p] {}\nskipping: no hosts matched\n", "*".repeat(91)),
        ),
        (
            Some(100),
            false,
            "xterm",
            Colouring::Auto,
            format!("\nPLAY [p] {}\nskipping: no hosts matched\n", "*".repeat(71)),
        ),
    ] {
        let settings =
            OutputSettings { columns, stdout_tty: tty, term: Some(term.into()), colouring, ..Default::default() };
        assert_eq!(shown(settings, vec![play(), Event::NoHostsMatched], &[]).0, expected);
    }
}

#[test]
fn the_live_line_is_gone_before_anything_else_is_printed() {
    let t = task("work", "command");
    let events = || {
        vec![
            play(),
            Event::TaskStarted(t.clone()),
            Event::HostStarted { task: t.clone(), host: "h".into() },
            Event::HostFinished(result(&t, Status::Ok, &[])),
        ]
    };
    let settings = |tty, term: &str| OutputSettings {
        progress: Some(Duration::ZERO),
        stdout_tty: tty,
        columns: Some(80),
        term: Some(term.into()),
        colouring: Colouring::Never,
        ..Default::default()
    };
    let (out, _) = shown(settings(true, "xterm"), events(), &[]);
    assert!(
        out.contains("\r\u{1b}[K[0:00] work | 0/1 hosts done, 1 running for 0:00: h\r\u{1b}[Kok: [h]\n"),
        "{out:?}"
    );
    assert!(out.ends_with("ok: [h]\n"));
    for (tty, term) in [(false, "xterm"), (true, "dumb")] {
        assert!(!shown(settings(tty, term), events(), &[]).0.contains('\u{1b}'));
    }
}

#[test]
fn a_result_that_is_secret_is_never_shown_even_if_the_engine_forgot() {
    let t = task("t", "command");
    let item: Map = [("_ansible_no_log", Value::Bool(true)), ("stdout", "canary".into())].into_iter().collect();
    let entries = [
        ("_ansible_no_log", Value::Bool(true)),
        ("changed", Value::Bool(false)),
        ("stdout", "canary".into()),
        ("results", Value::list(vec![Value::dict(item)])),
    ];
    for name in ["default", "minimal", "oneline"] {
        for status in [Status::Ok, Status::Failed, Status::Unreachable, Status::Skipped] {
            let settings = OutputSettings { verbosity: 3, display: name.into(), ..Default::default() };
            let mut shown_result = result(&t, status, &entries);
            shown_result.item = Some("canary".into());
            let events = vec![
                Event::TaskStarted(t.clone()),
                Event::ItemFinished(shown_result.clone()),
                Event::Retrying { result: shown_result.clone(), attempts_left: 1 },
                Event::HostFinished(shown_result),
            ];
            let (out, err) = shown(settings, events, &[]);
            assert!(!(out + &err).contains("canary"), "{name} {status:?}");
        }
    }
}

#[test]
fn broken_streams_do_not_end_a_run() {
    for (kind, lost) in [(ErrorKind::BrokenPipe, false), (ErrorKind::StorageFull, true)] {
        let err = Captured::default();
        let writers: (ftl_output::Writer, ftl_output::Writer) = (Box::new(Broken(kind)), Box::new(err.clone()));
        let display = open(OutputSettings { writers: Some(writers), ..Default::default() });
        display.begin(None).unwrap();
        for _ in 0..3 {
            display.emit(play());
        }
        display.error_text("still here");
        assert_eq!(display.finish().is_some(), lost);
        assert_eq!(*err.0.lock().unwrap(), b"[ERROR]: still here\n");
    }
}

#[test]
fn a_full_log_is_told_once() {
    let log = LogSettings { path: "/dev/full".into(), verbosity: None, user: "someone".into() };
    let settings = OutputSettings { log: Some(log), ..Default::default() };
    let (out, err) = shown(settings, vec![play(), Event::NoHostsMatched], &[]);
    assert!(out.contains("PLAY [p]") && out.contains("skipping"), "{out}");
    assert_eq!(err, "[WARNING]: The log file could not be written: No space left on device (os error 28)\n");
}

#[test]
fn the_live_line_fits_into_the_terminal() {
    let t = task("工作 with a name", "command");
    for columns in [10, 17, 40, 200] {
        let settings = OutputSettings {
            progress: Some(Duration::ZERO),
            stdout_tty: true,
            columns: Some(columns),
            term: Some("xterm".into()),
            ..Default::default()
        };
        let events = vec![Event::TaskStarted(t.clone()), Event::HostStarted { task: t.clone(), host: "h".into() }];
        let (out, _) = shown(settings, events, &[]);
        let lines = out.split("\r\u{1b}[K").filter(|line| line.starts_with('['));
        let width = |line: &str| line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
        let widest = lines.map(width).max().unwrap();
        assert!(widest < columns.into() && widest >= usize::from(columns.min(40)) - 2, "{columns}: {widest}");
    }
}

#[test]
fn messages_are_said_once() {
    let twice = |d: Diagnostic| vec![Event::Message(d.clone()), Event::Message(d)];
    for (diagnostic, expected) in [
        (Diagnostic::warning("w"), "[WARNING]: w\n"),
        (Diagnostic::error("e\nf"), "[ERROR]: e\nf\n\n"),
        (
            Diagnostic::deprecation("d"),
            "[WARNING]: Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.\n\
             [DEPRECATION WARNING]: d\n",
        ),
    ] {
        assert_eq!(shown(OutputSettings::default(), twice(diagnostic), &[]), (String::new(), expected.to_string()));
    }
    let quiet = OutputSettings { deprecation_warnings: false, ..Default::default() };
    assert_eq!(shown(quiet, twice(Diagnostic::deprecation("d")), &[]).1, "");
}

#[test]
fn displays_by_name() {
    for (name, error) in [
        ("default", None),
        ("ansible.builtin.default", None),
        ("ansible.builtin.minimal", None),
        ("community.general.yaml", None),
        ("debug", None),
        ("community.general.unixy", Some("Could not load 'community.general.unixy' callback plugin.")),
        ("nonsense", Some("Could not load 'nonsense' callback plugin.")),
    ] {
        let answer = open(OutputSettings {
            display: name.into(),
            writers: Some((Box::new(std::io::sink()), Box::new(std::io::sink()))),
            ..Default::default()
        })
        .begin(None);
        assert_eq!(answer.err().map(|e| e.message).as_deref(), error, "{name}");
    }
    let t = task("t", "ping");
    let events = vec![Event::HostFinished(result(&t, Status::Failed, &[("msg", "a\nb".into())]))];
    let (out, err) = shown(OutputSettings { display: "yaml".into(), ..Default::default() }, events, &[]);
    assert!(out.ends_with("fatal: [h]: FAILED! => \n    msg: |-\n        a\n        b\n"), "{out}");
    assert!(err.contains("result_format=yaml"));
    assert_eq!("yaml".parse::<ResultFormat>(), Ok(ResultFormat::Yaml));
}

#[test]
fn extra_displays_add_their_lines() {
    let folder = std::env::temp_dir().join(format!("ftl-output-junit-{}", std::process::id()));
    let t = task("a task", "ping");
    let settings = OutputSettings {
        enabled: vec!["ansible.posix.timer".into(), "profile_tasks".into(), "junit".into(), "mail".into()],
        extra: BTreeMap::from([("JUNIT_OUTPUT_DIR".to_string(), folder.display().to_string())]),
        ..Default::default()
    };
    let events = vec![
        Event::PlaybookStarted { file: "/x/site.yml".into() },
        play(),
        Event::TaskStarted(t.clone()),
        Event::HostFinished(result(&t, Status::Ok, &[("ping", "<pong>".into())])),
        recap(),
    ];
    let (out, err) = shown(settings, events, &[]);
    assert!(out.contains("Playbook run took 0 days, 0 hours, 0 minutes, 0 seconds\n"), "{out}");
    assert!(out.contains(&format!("\na task {} 0.0", "-".repeat(66))), "{out}");
    assert_eq!(err, "[WARNING]: Skipping callback plugin 'mail', unable to load\n");
    let report = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert!(report.file_name().unwrap().to_string_lossy().starts_with("site-"));
    let report = fs::read_to_string(report).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        report
            .contains("<testsuite disabled=\"0\" errors=\"0\" failures=\"0\" name=\"site\" skipped=\"0\" tests=\"1\"")
    );
    assert!(report.contains("name=\"[h] p: a task\"") && report.contains("&lt;pong&gt;"), "{report}");
}
