//! Every folder of `cases/` is listed, and every file of `errors/` refused, as ansible-playbook does it (see `record.py`).

mod support;

use std::path::{Path, PathBuf};

use ftl_core::source::Loader;
use ftl_playbook::graph::{ListRequest, list_playbook, syntax_checked};
use ftl_playbook::{LoadError, load_playbook};

fn here(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(part)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What the command line of a case prints.
fn listing(dir: &Path, args: &str) -> Result<String, LoadError> {
    let (mut only, mut skip, mut extra, mut hosts) = (vec![], vec![], vec![], vec![]);
    let (mut tasks, mut tags, mut syntax, mut list_hosts) = (false, false, false, false);
    let mut file = "";
    let split = |text: &str| text.split(',').map(str::to_string).filter(|t| !t.is_empty()).collect::<Vec<_>>();
    let mut words = args.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--list-tasks" => tasks = true,
            "--list-tags" => tags = true,
            "--list-hosts" => list_hosts = true,
            "--syntax-check" => syntax = true,
            "--tags" => only = split(words.next().unwrap_or_default()),
            "--skip-tags" => skip = split(words.next().unwrap_or_default()),
            "-i" => hosts = split(words.next().unwrap_or_default()),
            "-e" => extra.extend(words.next().and_then(|e| e.split_once('='))),
            name => file = name,
        }
    }
    if tags && only.is_empty() && skip.is_empty() {
        only = vec!["never".into(), "all".into()];
    }
    let options = support::options(dir, &extra, false);
    let loader = Loader::new(dir, Default::default());
    let loaded = load_playbook(file, &loader, &options)?;
    if syntax {
        return Ok(syntax_checked(file));
    }
    // Without `--tags`, Ansible selects `all`.
    if only.is_empty() {
        only = vec!["all".into()];
    }
    let request =
        ListRequest { tasks, tags, hosts: list_hosts, only: &only, skip: &skip, find_hosts: &|_| hosts.clone() };
    Ok(list_playbook(&loaded.playbook, &request, &loader, &options).unwrap_or_else(|e| panic!("{}", e.one_line())))
}

#[test]
fn listings() {
    let mut failed = vec![];
    for entry in std::fs::read_dir(here("cases")).unwrap() {
        let dir = entry.unwrap().path();
        let expected = read(&dir.join("expected"));
        let got = listing(&dir, &read(&dir.join("args"))).unwrap_or_else(|e| e.to_string());
        if got != expected {
            failed.push(format!("{}\n--- expected\n{expected}\n--- got\n{got}", dir.display()));
        }
    }
    assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn errors() {
    let dir = here("errors");
    let mut failed = vec![];
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "expected") {
            continue;
        }
        let name = path.with_extension("yml").file_name().unwrap().to_string_lossy().into_owned();
        let expected = read(&path);
        let got = match listing(&dir, &format!("--syntax-check {name}")) {
            Ok(_) => "no error".to_string(),
            Err(error) => {
                let first = &error.diagnostics()[0];
                let origin = first.origin.as_ref().map_or("-".to_string(), |o| o.to_string());
                let text = format!("{}\n{}\n{origin}\n", error.kind().exit_code(), first.one_line());
                text.replace(&format!("{}/", dir.display()), "").replace(&*dir.to_string_lossy(), ".")
            }
        };
        // Where Ansible knows no place, any is better.
        let got = match expected.strip_suffix("<unknown>\n").or(expected.strip_suffix("-\n")) {
            Some(said) if got.starts_with(said) => expected.clone(),
            _ => got,
        };
        if got != expected {
            failed.push(format!("{name}\n--- expected\n{expected}--- got\n{got}"));
        }
    }
    assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
}
