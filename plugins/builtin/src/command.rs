//! `command`, and `shell` with it: runs a program.

use std::io;
use std::path::{Path, PathBuf};

use ftl_sdk::{
    Answer, Args, Argument, Failure, Host, Kind, Module, Object, Outcome, Rules, bytes_of, repr_text, text_of,
};
use ftl_sdk::{Value, json};

use crate::process::{self, Finished, Program};
use crate::{glob, problem, times, words};

pub(crate) const MODULE: Module = Module {
    rules: Rules {
        required_one_of: &[&["_raw_params", "cmd", "argv"]],
        mutually_exclusive: &[&["_raw_params", "cmd", "argv"]],
        ..Rules::NONE
    },
    covers,
    ..Module::new(
        "command",
        &[
            Argument::text("_raw_params"),
            Argument::flag("_uses_shell").or_bool(false),
            Argument::text("cmd"),
            Argument::list("argv", Kind::Str),
            Argument::path("chdir"),
            Argument::text("executable"),
            Argument::flag("expand_argument_vars").or_bool(true),
            Argument::path("creates"),
            Argument::path("removes"),
            Argument::text("stdin"),
            Argument::flag("stdin_add_newline").or_bool(true),
            Argument::flag("strip_empty_ends").or_bool(true),
        ],
        run,
    )
};

/// Not a shell with a list of words, nor no words at all: Python's text about the latter depends on its version.
fn covers(given: &Object, _: bool) -> bool {
    // Python takes an empty name for the shell's.
    if given.get("executable").is_some_and(|executable| executable == "") {
        return false;
    }
    if given.contains_key("argv") && given.get("_uses_shell").is_some_and(|shell| shell != &Value::Bool(false)) {
        return false;
    }
    let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    let empty = |value: &Value| value.is_null() || blank(value) || value.as_array().is_some_and(Vec::is_empty);
    ["_raw_params", "cmd", "argv"].iter().filter_map(|name| given.get(*name)).any(|value| !empty(value))
}

/// What is to be run: a line for a shell, or words.
enum Order {
    Line(String),
    Words(Vec<String>),
}

fn run(args: &mut Args, host: &Host) -> Answer {
    let order = order(args, host)?;
    let command: Value = match &order {
        Order::Line(line) => line.clone().into(),
        Order::Words(words) => words.clone().into(),
    };
    let mut outcome = Outcome::changed(false).with("stdout", "").with("stderr", "").with("rc", Value::Null);
    outcome.set("cmd", command);
    for key in ["start", "end", "delta"] {
        outcome.set(key, Value::Null);
    }
    outcome.set("msg", "");
    let directory = match directory(args, host) {
        Ok(directory) => directory,
        Err(error) => {
            let chdir = args.needed("chdir");
            let cause = format!("{}: b{}", problem::bare(&error), repr_text(chdir));
            let failure = Failure::new("Unable to change directory before execution.").with_all(outcome.0);
            return Err(failure.because(cause));
        }
    };
    if let Some((message, said)) = needless(args, host, &directory) {
        outcome.set("msg", message);
        outcome.set("stdout", said);
        outcome.set("rc", 0);
        return Ok(outcome);
    }
    outcome.set("changed", true);
    if host.check() {
        outcome.set("rc", 0);
        outcome.set("msg", "Command would have run if not in check mode");
        if args.text("creates").is_none() && args.text("removes").is_none() {
            outcome.set("skipped", true);
            outcome.set("changed", false);
        }
        return Ok(outcome);
    }
    execute(args, host, &order, &directory, outcome)
}

fn order(args: &Args, host: &Host) -> Result<Order, Failure> {
    let shell = args.flag("_uses_shell");
    if let (false, Some(executable)) = (shell, args.text("executable")) {
        host.warn(format!(
            "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using \
             '{executable}'."
        ));
    }
    let line = args.text("_raw_params").filter(|line| !line.is_empty()).or_else(|| args.text("cmd"));
    match line.filter(|line| !line.is_empty()) {
        Some(line) if shell => Ok(Order::Line(line.to_owned())),
        Some(line) => match words::split(line) {
            Ok(words) if !words.is_empty() => Ok(Order::Words(words)),
            Ok(_) => Ok(Order::Words(args.list("argv").unwrap_or_default())),
            Err(reason) => Err(Failure::crash(reason)),
        },
        None => Ok(Order::Words(args.list("argv").unwrap_or_default())),
    }
}

fn directory(args: &Args, host: &Host) -> io::Result<PathBuf> {
    let Some(chdir) = args.text("chdir").filter(|chdir| !chdir.is_empty()) else { return Ok(host.cwd().to_owned()) };
    let path = host.at(chdir);
    if !std::fs::metadata(&path)?.is_dir() {
        return Err(rustix::io::Errno::NOTDIR.into());
    }
    rustix::fs::access(&path, rustix::fs::Access::EXEC_OK)?;
    Ok(path)
}

/// `creates` and `removes`: why the command need not run, and what is said instead.
fn needless(args: &Args, host: &Host, directory: &Path) -> Option<(String, String)> {
    let did = if host.check() { "Would" } else { "Did" };
    let given = |name| args.text(name).filter(|pattern: &&str| !pattern.is_empty());
    if let Some(pattern) = given("creates").filter(|pattern| glob::any(pattern, directory)) {
        return Some((
            format!("{did} not run command since '{pattern}' exists"),
            format!("skipped, since {pattern} exists"),
        ));
    }
    let pattern = given("removes").filter(|pattern| !glob::any(pattern, directory))?;
    Some((
        format!("{did} not run command since '{pattern}' does not exist"),
        format!("skipped, since {pattern} does not exist"),
    ))
}

fn execute(args: &Args, host: &Host, order: &Order, directory: &Path, mut outcome: Outcome) -> Answer {
    let words = program(args, host, order);
    let input = args.text("stdin").filter(|text| !text.is_empty()).map(|text| {
        let mut input = bytes_of(text);
        input.extend(args.flag("stdin_add_newline").then_some(b'\n'));
        input
    });
    let start = times::now(host);
    let finished = process::run(Program { words: &words, directory, input, locale: None }, host);
    let end = times::now(host);
    let Finished { rc, stdout, stderr } = finished.map_err(|error| not_started(&error, &words))?;
    let strip = args.flag("strip_empty_ends");
    let text = |bytes: &[u8]| {
        let text = text_of(bytes);
        if strip { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
    };
    outcome.set("stdout", text(&stdout));
    outcome.set("stderr", text(&stderr));
    outcome.set("rc", rc);
    outcome.set("start", times::shown(&start));
    outcome.set("end", times::shown(&end));
    outcome.set("delta", times::elapsed(&start, &end));
    if rc != 0 {
        return Err(Failure::new("non-zero return code").with_all(outcome.0));
    }
    Ok(outcome)
}

/// The words of the program that is started at last.
fn program(args: &Args, host: &Host, order: &Order) -> Vec<String> {
    match order {
        Order::Line(line) => {
            let shell = args.text("executable").filter(|shell| !shell.is_empty()).unwrap_or(host.shell());
            vec![if shell.is_empty() { "/bin/sh" } else { shell }.to_owned(), "-c".into(), line.clone()]
        }
        Order::Words(words) if args.flag("expand_argument_vars") => {
            words.iter().map(|word| host.expand(word)).collect()
        }
        Order::Words(words) => words.clone(),
    }
}

fn not_started(error: &io::Error, words: &[String]) -> Failure {
    // It was started, and ended by us.
    if error.raw_os_error().is_none() {
        return Failure::new(error.to_string());
    }
    let name = words.first().map(String::as_str).unwrap_or_default();
    let shown = words::without_passwords(words);
    let fields = json!({"rc": error.raw_os_error(), "stdout": "", "stderr": "", "cmd": shown});
    let fields = fields.as_object().cloned().unwrap_or_default();
    Failure::new("Error executing command.").with_all(fields).because(format!(
        "{}: b{}",
        problem::bare(error),
        repr_text(name)
    ))
}
