//! What `ftl` and its companions do that Ansible does not.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program in an empty directory with nothing in its environment; answers exit code, stdout and stderr.
fn run(program: &str, words: &[&str], home: &Path) -> (i32, String, String) {
    let output = Command::new(program)
        .args(words)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const FTL: &str = env!("CARGO_BIN_EXE_ftl");
const LOCALHOST: &str = env!("CARGO_BIN_EXE_ftl-localhost");

#[test]
fn eval_shows_values_and_errors() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("vars.json"), r#"{"a": [1, {"b": "{{ 1 + 1 }}"}]}"#).unwrap();
    let check = |words: &[&str], code: i32, stdout: &str, stderr: &str| {
        let words: Vec<&str> = std::iter::once("eval").chain(words.iter().copied()).collect();
        assert_eq!(run(FTL, &words, home.path()), (code, stdout.into(), stderr.into()), "{words:?}");
    };
    check(&["6 * 7"], 0, "42\n", "");
    check(&["a{{ 1 }}", "[1, 2] | map('string')"], 0, "a1\n[\"1\", \"2\"]\n", "");
    check(&["a[1].b", "--vars", "vars.json"], 0, "2\n", "");
    check(&["b", "-e", "b=x"], 0, "x\n", "");
    check(&["inventory_hostname ~ groups.all | length", "-i", "h1,h2,", "-l", "h2"], 0, "h22\n", "");
    check(&["--json", "{{ 1 + 1 }}"], 0, "{\"t\":\"{{ 1 + 1 }}\",\"ok\":2,\"type\":\"int\"}\n", "");
    check(&["nope"], 1, "", "[ERROR]: 'nope' is undefined\n");
}

#[test]
fn ftl_takes_its_own_options_and_those_of_ansible() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("args.json"), r#"{"msg": ["from", "file"]}"#).unwrap();
    let check = |words: &[&str], code: i32, part: &str| {
        let (rc, stdout, stderr) = run(FTL, words, home.path());
        assert!(rc == code && (stdout.contains(part) || stderr.contains(part)), "{words:?}: {rc}\n{stdout}{stderr}");
    };
    check(&["-i", "h1,", "-m", "debug", "-a", "msg=hi"], 0, "h1 | SUCCESS => {\n    \"msg\": \"hi\"");
    check(&["-i", "h1,", "-m", "debug", "-a", "@args.json"], 0, "\"file\"");
    check(&["h1", "-i", "h1,", "-f", "3", "-m", "debug", "-a", "var=ansible_forks"], 0, "\"ansible_forks\": 3");
    check(&["-m", "debug"], 2, "ftl: error: the following arguments are required: pattern");
    check(&["--version"], 0, "compatible with ansible-core 2.19.14");
}

/// What nobody could read is no success, whatever it is; a reader that had enough is no error.
#[test]
fn output_that_is_lost_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("site.yml"), "- hosts: h1\n  gather_facts: false\n  tasks: [debug: {}]\n").unwrap();
    let lines: [(&str, &[&str]); 7] = [
        ("ansible-playbook", &["-i", "h1,", "site.yml"]),
        ("ansible-playbook", &["-i", "h1,", "site.yml", "--list-tasks"]),
        ("ansible-playbook", &["--version"]),
        ("ansible-playbook", &["--help"]),
        ("ansible", &["-i", "h1,", "all", "--list-hosts"]),
        ("ansible-inventory", &["-i", "h1,", "--list"]),
        ("ftl-localhost", &[]),
    ];
    for (name, words) in lines {
        let program = home.path().join(name);
        std::os::unix::fs::symlink(FTL, &program).unwrap();
        let run = |stdout: Stdio| {
            let mut command = Command::new(&program);
            command.args(words).current_dir(home.path()).env_clear().env("HOME", home.path()).stdin(Stdio::null());
            let output = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let error = "[ERROR]: The output could not be written: No space left on device (os error 28)\n";
        assert_eq!(run(full.into()), (Some(1), error.into()), "{name} {words:?}");
        let (reader, unread) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(unread.into()), (Some(0), String::new()), "{name} {words:?}");
        std::fs::remove_file(&program).unwrap();
    }
}

#[test]
fn localhost_never_overwrites() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("hosts.yml");
    let write = |words: &[&str]| run(LOCALHOST, words, home.path());
    let (code, text, _) = write(&[]);
    assert_eq!(code, 0);
    assert!(text.starts_with("all:\n  hosts:\n    localhost:\n      ansible_connection: local\n"), "{text}");
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(write(&["--write", "hosts.yml"]).0, 5);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(write(&["--write", "hosts.yml", "--force"]).0, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}
