//! Command lines and what ansible-core 2.19.14 answered to them (`record.py` recorded it): the programs answer the same.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What stock prints and FTL does not: the help behind a usage error, the traceback of a configuration error, versions of
/// Python and its libraries, and the one task of an ad-hoc run as Python writes it.
fn shortened(text: &str) -> String {
    let text = text.split("\n \n").next().unwrap_or_default();
    let text = text.split("\n\nTraceback").next().unwrap_or_default();
    let is_version = |line: &str| {
        let names = ["ansible python", "executable", "python version", "jinja", "pyyaml", "compatible with"];
        [" [core ", " [FTL "].iter().any(|mark| line.contains(mark))
            || line.strip_prefix("  ").is_some_and(|rest| names.iter().any(|name| rest.starts_with(name)))
    };
    let lines: Vec<&str> = text.lines().filter(|line| !is_version(line)).collect();
    let text = lines.join("\n");
    match text.find("\n\n{'action': ").and_then(|at| Some((at, at + 2 + text[at + 2..].find('\n')?))) {
        Some((from, to)) => format!("{}{}", &text[..from], &text[to..]),
        None => text,
    }
    .trim_end()
    .to_string()
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => std::fs::copy(entry.path(), &target).map(|_| ()).unwrap(),
        }
    }
}

/// Runs one case in a directory of its own; answers exit code, stdout and stderr.
fn run(argv: &[&str], env: &[(&str, &str)]) -> (i64, String, String) {
    let base = tempfile::tempdir().unwrap();
    let base = base.path().canonicalize().unwrap();
    let work = base.join("work");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/project"), &work);
    std::fs::create_dir(base.join("home")).unwrap();
    std::fs::create_dir(base.join("bin")).unwrap();
    let program = base.join("bin").join(argv[0]);
    symlink(env!("CARGO_BIN_EXE_ftl-play"), &program).unwrap();
    let mut command = Command::new(program);
    command.args(&argv[1..]).current_dir(&work).env_clear().stdin(Stdio::null());
    command.env("HOME", base.join("home")).env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("COLUMNS", "80");
    command.env("ANSIBLE_LOCALHOST_WARNING", "0");
    for (name, value) in env {
        match *name {
            "WORLD_WRITABLE" => std::fs::set_permissions(&work, PermissionsExt::from_mode(0o777)).unwrap(),
            name => {
                command.env(name, value);
            }
        }
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*base.to_string_lossy(), "{DIR}");
    (output.status.code().unwrap_or(-1).into(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn command_lines_are_answered_as_ansible_does() {
    let answers: Vec<Value> = serde_json::from_str(include_str!("data/answers.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &answers {
        let argv: Vec<&str> = case["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let env: Vec<(&str, &str)> =
            case["env"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        let (rc, stdout, stderr) = run(&argv, &env);
        let expected = |stream: &str| case[stream].as_str().unwrap().to_string();
        let equal = rc == case["rc"].as_i64().unwrap()
            && shortened(&stdout) == shortened(&expected("stdout"))
            && shortened(&stderr) == shortened(&expected("stderr"));
        if !equal {
            wrong.push(format!(
                "{env:?} {}\n--- expected rc {}\n{}{}\n--- got rc {rc}\n{stdout}{}\n",
                argv.join(" "),
                case["rc"],
                expected("stdout"),
                shortened(&expected("stderr")),
                shortened(&stderr)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), answers.len(), wrong.join("\n"));
}
