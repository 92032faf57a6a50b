//! The module's arguments, and the file around its lines.

use std::io::Write;
use std::path::Path;

use ftl_sdk::{
    Answer, Args, Argument, Failure, Host, Module, Object, Outcome, Rules, Value, bytes_of, json, repr_text, text_of,
};

use super::lines::{self, Place, Search, Wanted};
use crate::attributes;
use crate::copy::{check_line, run_line};
use crate::pattern::Pattern;
use crate::replace::{self, Manner, back_up, fresh_file};
use crate::{paths, problem, tempfile};

pub(crate) const MODULE: Module = Module {
    file_arguments: true,
    rules: Rules {
        mutually_exclusive: &[
            &["insertbefore", "insertafter"],
            &["regexp", "search_string"],
            &["backrefs", "search_string"],
        ],
        ..Rules::NONE
    },
    covers,
    ..Module::new(
        "lineinfile",
        &[
            Argument::path("path").required().aliases(&["dest", "destfile", "name"]),
            Argument::text("state").or_text("present").choices(&["absent", "present"]),
            Argument::text("regexp").aliases(&["regex"]),
            Argument::text("search_string"),
            Argument::text("line").aliases(&["value"]),
            Argument::text("insertafter"),
            Argument::text("insertbefore"),
            Argument::flag("backrefs").or_bool(false),
            Argument::flag("create").or_bool(false),
            Argument::flag("backup").or_bool(false),
            Argument::flag("firstmatch").or_bool(false),
            Argument::text("validate"),
        ],
        run,
    )
};

/// Expressions that could mean something else in Python are Python's.
fn covers(given: &Object, selinux: bool) -> bool {
    let get = |names: &[&str]| names.iter().find_map(|name| given.get(*name)).filter(|value| !value.is_null());
    let understood = |value: Option<&Value>| match value {
        None => true,
        Some(Value::String(text)) => Pattern::new(text, false).is_some(),
        Some(_) => false,
    };
    let backrefs = given.get("backrefs").is_some_and(|flag| flag != &Value::Bool(false));
    let template = match (get(&["regexp", "regex"]), get(&["line", "value"])) {
        (Some(Value::String(regexp)), Some(Value::String(line))) if backrefs => {
            Pattern::new(regexp, false).is_some_and(|pattern| pattern.takes(line))
        }
        (_, line) => line.is_none_or(Value::is_string) || !backrefs,
    };
    let insertion = |name: &str| match given.get(name).and_then(Value::as_str) {
        Some("BOF" | "EOF") => true,
        Some("") => false,
        _ => understood(get(&[name])),
    };
    attributes::are_covered(given, selinux)
        && attributes::is_validation(given.get("validate"))
        && understood(get(&["regexp", "regex"]))
        && insertion("insertafter")
        && insertion("insertbefore")
        && template
}

fn run(args: &mut Args, host: &Host) -> Answer {
    warn_of_empty(args, host);
    let path = args.needed("path");
    if host.at(path).is_dir() {
        return Err(Failure::new(format!("Path {path} is a directory !")).with("rc", 256));
    }
    if args.needed("state") == "absent" {
        return absent(args, host);
    }
    if args.flag("backrefs") && args.text("regexp").is_none() {
        return Err(Failure::new("regexp is required with backrefs=true"));
    }
    match args.text("line") {
        Some(line) => present(args, host, line),
        None => Err(Failure::new("line is required with state=present")),
    }
}

fn warn_of_empty(args: &Args, host: &Host) {
    let what = match (args.text("regexp"), args.text("search_string")) {
        (Some(""), _) => "regular expression",
        (_, Some("")) => "search string",
        _ => return,
    };
    let mut text = format!(
        "The {what} is an empty string, which will match every line in the file. This may have unintended consequences, such as \
         replacing the last line in the file rather than appending."
    );
    if what == "regular expression" {
        text.push_str(" If this is desired, use '^' to match every line in the file and avoid this warning.");
    }
    host.warn(text);
}

fn pattern(text: &str) -> Result<Pattern, Failure> {
    Pattern::new(text, false)
        .ok_or_else(|| Failure::new(format!("The regular expression {} is not supported yet", repr_text(text))))
}

fn search(args: &Args) -> Result<Search, Failure> {
    Ok(match (args.text("regexp"), args.text("search_string")) {
        (Some(regexp), _) => Search::Regexp(pattern(regexp)?),
        (None, Some(text)) => Search::Text(bytes_of(text)),
        (None, None) => Search::Nothing,
    })
}

fn place(args: &Args) -> Result<Place, Failure> {
    Ok(match (args.text("insertafter"), args.text("insertbefore")) {
        (Some("BOF"), _) | (None, Some("BOF")) => Place::Begin,
        (Some("EOF"), _) | (None, None) => Place::End,
        (Some(after), _) => Place::After(pattern(after)?),
        (None, Some(before)) => Place::Before(pattern(before)?),
    })
}

fn present(args: &Args, host: &Host, line: &str) -> Answer {
    let path = args.needed("path");
    let file = host.at(path);
    let content = match file.exists() {
        true => std::fs::read(&file).map_err(|error| problem::crash(&error, Path::new(path)))?,
        false if !args.flag("create") => {
            return Err(Failure::new(format!("Destination {path} does not exist !")).with("rc", 257));
        }
        false => {
            make_directory(host, path)?;
            Vec::new()
        }
    };
    let mut all = lines::split(&content);
    let (backrefs, first) = (args.flag("backrefs"), args.flag("firstmatch"));
    let wanted = Wanted { line, search: search(args)?, place: place(args)?, backrefs, first };
    let message = lines::ensure_present(&mut all, &wanted);
    let after = all.concat();
    let changed = !message.is_empty();
    let diff = content_diff(host, path, &content, &after);
    let backup = save(args, host, changed, &after)?;
    let mut outcome = Outcome::changed(changed).with("msg", message).with("backup", backup);
    outcome.set("diff", diff);
    if host.check() && !file.exists() {
        return Ok(outcome);
    }
    finish(args, host, outcome)
}

fn make_directory(host: &Host, path: &str) -> Result<(), Failure> {
    let directory = paths::directory(path);
    let place = host.at(directory);
    if directory.is_empty() || place.exists() || host.check() {
        return Ok(());
    }
    std::fs::create_dir_all(&place).map_err(|error| {
        let text = problem::about_bytes(&error, Path::new(directory));
        Failure::new(format!("Error creating {directory} ({text})"))
    })
}

fn absent(args: &Args, host: &Host) -> Answer {
    if ["regexp", "search_string", "line"].iter().all(|name| args.text(name).is_none()) {
        return Err(Failure::new("one of line, search_string, or regexp is required with state=absent"));
    }
    let path = args.needed("path");
    let file = host.at(path);
    if !file.exists() {
        return Ok(Outcome::changed(false).with("msg", "file not present"));
    }
    let content = std::fs::read(&file).map_err(|error| problem::crash(&error, Path::new(path)))?;
    let mut all = lines::split(&content);
    let found = lines::ensure_absent(&mut all, &search(args)?, args.needed("line"));
    let after = all.concat();
    let diff = content_diff(host, path, &content, &after);
    let backup = save(args, host, found > 0, &after)?;
    let message = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
    let mut outcome = Outcome::changed(found > 0).with("found", found).with("msg", message).with("backup", backup);
    outcome.set("diff", diff);
    finish(args, host, outcome)
}

fn content_diff(host: &Host, path: &str, before: &[u8], after: &[u8]) -> Value {
    let shown = |content: &[u8]| if host.diff() { text_of(content) } else { String::new() };
    let header = format!("{path} (content)");
    json!({"before": shown(before), "after": shown(after), "before_header": header, "after_header": header})
}

/// Writes the file where anything changed; answers the name of the backup.
fn save(args: &Args, host: &Host, changed: bool, content: &[u8]) -> Result<String, Failure> {
    if !changed || host.check() {
        return Ok(String::new());
    }
    let path = args.needed("path");
    let backup = match args.flag("backup") {
        true => back_up(host, path)?,
        false => String::new(),
    };
    let directory = tempfile::private_directory(host);
    let crash = |error: std::io::Error| Failure::crash(problem::about(&error, &host.shown(&directory)));
    let (mut file, ready) = fresh_file(&directory, "tmp", "").map_err(crash)?;
    let written = file.write_all(content).map_err(crash).and_then(|()| {
        drop(file);
        validate(args, host, &ready)?;
        let target = paths::real(&host.cwd().join(host.at(path)));
        let manner = Manner { keep: true, unsafe_writes: args.flag("unsafe_writes"), bytes: false };
        replace::put(host, &ready, &target, &host.shown(&target), manner)
    });
    if written.is_err() {
        std::fs::remove_file(&ready).ok();
    }
    written.map(|()| backup)
}

fn validate(args: &Args, host: &Host, ready: &Path) -> Result<(), Failure> {
    let Some(line) = args.text("validate").filter(|line| !line.is_empty()) else { return Ok(()) };
    let finished = run_line(&check_line(line, &host.shown(ready))?, host)?;
    if finished.rc != 0 {
        let error = text_of(finished.stderr);
        return Err(Failure::new(format!("failed to validate: rc:{} error:{error}", finished.rc)));
    }
    Ok(())
}

/// Owner and mode, and what is said of them.
fn finish(args: &Args, host: &Host, mut outcome: Outcome) -> Answer {
    let path = args.needed("path");
    let mut diff = Object::new();
    let changed = outcome.0.get("changed") == Some(&Value::Bool(true));
    if attributes::Wanted::of(args, path, host).apply(host, false, Some(&mut diff))? {
        let message = outcome.0.get("msg").and_then(Value::as_str).unwrap_or_default();
        let and = if changed { " and " } else { "" };
        let message = format!("{message}{and}ownership, perms or SE linux context changed");
        outcome.set("msg", message);
        outcome.set("changed", true);
    }
    let header = Value::from(format!("{path} (file attributes)"));
    diff.insert("before_header".into(), header.clone());
    diff.insert("after_header".into(), header);
    let content = outcome.0.get("diff").cloned().unwrap_or_default();
    outcome.set("diff", vec![content, Value::Object(diff)]);
    Ok(outcome)
}
