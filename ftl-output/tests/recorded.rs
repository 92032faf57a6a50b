//! Replays recorded events (tests/cases, made by tests/record/record.sh) and compares with what ansible-core printed.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ftl_core::event::{Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::port::EventSink;
use ftl_core::result::{HostStats, Status};
use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Value, from_json};
use ftl_output::{Colouring, OutputSettings};
use serde_json::Value as Json;

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

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The settings a case was recorded with: `NAME=value` lines, then the arguments.
fn settings(args: &str, adhoc: bool, values: BTreeMap<String, String>) -> OutputSettings {
    let mut settings = OutputSettings {
        display: if adhoc { "minimal" } else { "default" }.into(),
        read_file: Arc::new(move |path| {
            if let Some(value) = values.get(path) {
                return Some(value.clone());
            }
            let path = path.strip_prefix("/cases/")?;
            fs::read_to_string(cases().join(path)).ok()
        }),
        ..OutputSettings::default()
    };
    for line in args.lines() {
        let on = |value: &str| value == "1";
        match line.split_once('=').filter(|(name, _)| name.starts_with("ANSIBLE_")) {
            Some(("ANSIBLE_FORCE_COLOR", _)) => settings.colouring = Colouring::Always,
            Some(("ANSIBLE_CALLBACK_RESULT_FORMAT", format)) => settings.result_format = format.parse().unwrap(),
            Some(("ANSIBLE_CALLBACK_FORMAT_PRETTY", value)) => settings.pretty_results = Some(on(value)),
            Some(("ANSIBLE_DIFF_CONTEXT", value)) => settings.diff_context = value.parse().unwrap(),
            Some(("ANSIBLE_CHECK_MODE_MARKERS", value)) => settings.check_mode_markers = on(value),
            Some(("ANSIBLE_SHOW_CUSTOM_STATS", value)) => settings.show_custom_stats = on(value),
            Some(("ANSIBLE_DISPLAY_OK_HOSTS", value)) => settings.display_ok_hosts = on(value),
            Some(("ANSIBLE_DISPLAY_SKIPPED_HOSTS", value)) => settings.display_skipped_hosts = on(value),
            Some(("ANSIBLE_DISPLAY_FAILED_STDERR", value)) => settings.display_failed_stderr = on(value),
            Some(("ANSIBLE_SHOW_PER_HOST_START", value)) => settings.show_per_host_start = on(value),
            Some(("ANSIBLE_SHOW_TASK_PATH_ON_FAILURE", value)) => settings.show_task_path_on_failure = on(value),
            Some(("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", value)) => settings.display_args_to_stdout = on(value),
            Some(("ANSIBLE_FORKS" | "ANSIBLE_ASYNC_DIR", _)) => {}
            Some((name, _)) => panic!("the test does not know {name}"),
            None => {
                for word in line.split_whitespace() {
                    match word {
                        "--check" => settings.check = true,
                        "-o" => {
                            settings.display = "oneline".into();
                            // The command line says this itself.
                            settings.notes.push(
                                Diagnostic::deprecation(
                                    "The '-o' argument is deprecated. This feature will be removed from ansible-core \
                                     version 2.23.",
                                )
                                .hint("Use callback configuration to enable the oneline callback instead."),
                            );
                        }
                        "-v" | "-vv" | "-vvv" => settings.verbosity = word.len() as u8 - 1,
                        _ => {}
                    }
                }
            }
        }
    }
    settings
}

fn text(json: &Json, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_string()
}

fn map(json: &Json) -> Map {
    from_json(json).as_map().map(|m| (*m).clone()).unwrap_or_default()
}

fn origin(place: &str) -> Origin {
    let mut parts = place.rsplitn(3, ':');
    match (parts.next().and_then(|n| n.parse().ok()), parts.next().and_then(|n| n.parse().ok()), parts.next()) {
        (Some(column), Some(line), Some(file)) => Origin::new(file, line, column),
        (Some(line), None, _) => Origin::new(place.rsplit_once(':').unwrap().0, line, 0),
        _ => Origin::file(place),
    }
}

fn diagnostic(json: &Json) -> Diagnostic {
    let message = text(json, "message");
    let mut made = match json["severity"].as_str() {
        Some("warning") => Diagnostic::warning(message),
        Some("deprecation") => Diagnostic::deprecation(message),
        _ => Diagnostic::error(message),
    };
    made = made.at(json["origin"].as_str().map(origin));
    if let Some(hint) = json["hint"].as_str() {
        made = made.hint(hint);
    }
    if !json["cause"].is_null() {
        made = made.caused_by(diagnostic(&json["cause"]));
    }
    made
}

fn task(json: &Json) -> Arc<TaskInfo> {
    let path = text(json, "path");
    Arc::new(TaskInfo {
        id: TaskId(json["id"].as_u64().unwrap_or_default() as u32),
        title: text(json, "title"),
        name: text(json, "name"),
        action: text(json, "action").into(),
        origin: path.rsplit_once(':').map(|(file, line)| Origin::new(file, line.parse().unwrap(), 0)),
        handler: json["handler"].as_bool().unwrap_or_default(),
        check: json["check"].as_bool().unwrap_or_default(),
        diff: json["diff"].as_bool().unwrap_or_default(),
        shown_args: json["args"].as_str().map(str::to_string),
        implicit: false,
        detail: None,
    })
}

fn result(json: &Json, status: Status) -> HostResult {
    let result = map(&json["result"]);
    let changed = result.get("changed").is_some_and(Value::is_true);
    HostResult {
        task: task(&json["task"]),
        host: text(json, "host").into(),
        delegated: json["delegated"]
            .as_array()
            .map(|d| (d[0].as_str().unwrap().to_string(), d[1].as_str().map(str::to_string))),
        status: if status == Status::Ok && changed { Status::Changed } else { status },
        ignored: json["ignored"].as_bool().unwrap_or_default(),
        result: Arc::new(result),
        item: json["label"].as_str().map(str::to_string),
        looped: json["looped"].as_bool().unwrap_or_default(),
        error: (!json["error"].is_null()).then(|| Box::new(diagnostic(&json["error"]))),
        messages: json["messages"].as_array().into_iter().flatten().map(diagnostic).collect(),
        detail: None,
    }
}

fn stats(json: &Json) -> BTreeMap<Arc<str>, HostStats> {
    let hosts = json.as_object().unwrap().iter();
    hosts
        .map(|(host, counts)| {
            let count = |key: &str| counts[key].as_u64().unwrap() as u32;
            let stats = HostStats {
                ok: count("ok"),
                changed: count("changed"),
                unreachable: count("unreachable"),
                failed: count("failures"),
                skipped: count("skipped"),
                rescued: count("rescued"),
                ignored: count("ignored"),
            };
            (host.as_str().into(), stats)
        })
        .collect()
}

fn event(json: &Json) -> Event {
    let host = || text(json, "host").into();
    let is = |key: &str| json[key].as_bool().unwrap_or_else(|| json[key].as_i64() == Some(1));
    match json["event"].as_str().unwrap() {
        "playbook" => Event::PlaybookStarted { file: text(json, "file") },
        "play" => Event::PlayStarted {
            name: text(json, "name"),
            check: is("check"),
            free: is("free"),
            hosts: 0,
            detail: None,
        },
        "no_hosts_matched" => Event::NoHostsMatched,
        "no_hosts_remaining" => Event::NoHostsRemaining,
        "task" => Event::TaskStarted(task(&json["task"])),
        "host_start" => Event::HostStarted { task: task(&json["task"]), host: host() },
        "ok" => Event::HostFinished(result(json, Status::Ok)),
        "failed" => Event::HostFinished(result(json, Status::Failed)),
        "skipped" => Event::HostFinished(result(json, Status::Skipped)),
        "unreachable" => Event::HostFinished(result(json, Status::Unreachable)),
        "item_ok" => Event::ItemFinished(result(json, Status::Ok)),
        "item_failed" => Event::ItemFinished(result(json, Status::Failed)),
        "item_skipped" => Event::ItemFinished(result(json, Status::Skipped)),
        "retry" => Event::Retrying {
            result: result(json, Status::Failed),
            attempts_left: json["left"].as_u64().unwrap() as u32,
        },
        "async_poll" => {
            let result = Box::new(result(json, Status::Ok));
            Event::AsyncPoll { result, job: text(json, "job"), started: is("started"), finished: is("finished") }
        }
        "async_ok" => Event::AsyncOk { result: Box::new(result(json, Status::Ok)), job: text(json, "job") },
        "async_failed" => Event::AsyncFailed { result: Box::new(result(json, Status::Failed)), job: text(json, "job") },
        "include" => Event::Included {
            file: text(json, "file"),
            hosts: json["hosts"].as_array().unwrap().iter().map(|h| h.as_str().unwrap().into()).collect(),
            label: json["label"].as_str().map(str::to_string),
            task: task(&json["task"]),
            detail: None,
        },
        "notify" => Event::Notified { handler: text(json, "handler"), host: host(), task: None },
        "message" => Event::Message(diagnostic(&json["message"])),
        "verbose" => Event::Verbose {
            level: json["level"].as_u64().unwrap() as u8,
            host: json["host"].as_str().map(Into::into),
            text: text(json, "text"),
        },
        "stats" => Event::RunFinished {
            stats: stats(&json["hosts"]),
            custom: json["custom"].as_object().map(|c| c.iter().map(|(host, s)| (host.clone(), map(s))).collect()),
        },
        other => panic!("unknown event {other}"),
    }
}

/// The values of places that are no files.
fn sources(events: &[Json]) -> BTreeMap<String, String> {
    let errors = events.iter().filter(|json| json["error"]["source"].is_string());
    errors.map(|json| (text(&json["error"], "origin"), text(&json["error"], "source"))).collect()
}

/// stdout and stderr of a replay.
fn replay(case: &Path) -> (String, String) {
    let read = |name: &str| fs::read_to_string(case.join(name)).unwrap_or_default();
    let (out, err) = (Captured::default(), Captured::default());
    let events: Vec<Json> = read("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut settings = settings(&read("args"), !case.join("playbook.yml").exists(), sources(&events));
    settings.writers = Some((Box::new(out.clone()), Box::new(err.clone())));
    let display = ftl_output::open(settings);
    display.begin(None).unwrap();
    // The display says by itself which screens were not chosen.
    let said = |json: &&Json| json["text"].as_str().is_some_and(|text| text.starts_with("Skipping callback '"));
    for json in events.iter().filter(|json| !said(json)) {
        display.emit(event(json));
    }
    assert_eq!(display.finish(), None);
    (out.text(), err.text())
}

/// With `-v`, programs say something about themselves before the first event is recorded.
fn is_prologue(text: &str) -> bool {
    let parts =
        ["ansible", "  ", "No config file", "host_list declined", "script declined", "auto declined", "Parsed "];
    let parts = parts.iter().chain(&["redirecting ", "statically imported: ", "\u{1b}[0;34m", "Using "]);
    text.lines().all(|line| parts.clone().any(|part| line.starts_with(part)))
}

fn difference(expected: &str, replayed: &str) -> Option<String> {
    if expected.strip_suffix(replayed).is_some_and(is_prologue) {
        return None;
    }
    // What was printed before is not part of the comparison.
    let first = replayed.lines().next().unwrap_or_default();
    let skipped = expected.lines().take_while(|line| *line != first || first.is_empty() && !line.is_empty()).count();
    let expected = &expected.lines().skip(skipped).collect::<Vec<_>>().join("\n");
    let at = expected.lines().zip(replayed.lines()).position(|(a, b)| a != b);
    let at = at.unwrap_or(expected.lines().count().min(replayed.lines().count()));
    let part = |text: &str| {
        let from = at.saturating_sub(2);
        text.lines().skip(from).take(6).map(|l| format!("    {l:?}\n")).collect::<String>()
    };
    Some(format!("line {}\n  expected:\n{}  replayed:\n{}", at + 1, part(expected), part(replayed)))
}

#[test]
fn recorded_runs_look_the_same() {
    let mut names: Vec<PathBuf> = fs::read_dir(cases()).unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|path| path.join("events.jsonl").exists());
    names.sort();
    assert!(names.len() > 60);
    let mut wrong = vec![];
    for case in &names {
        let (out, err) = replay(case);
        for (stream, replayed) in [("stdout", out), ("stderr", err)] {
            let expected = fs::read_to_string(case.join(stream)).unwrap();
            if let Some(difference) = difference(&expected, &replayed) {
                wrong.push(format!("{} {stream}: {difference}", case.file_name().unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} streams of {} runs differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}
