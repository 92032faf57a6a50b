//! Runs every folder of `cases/` and compares what `ftl-play` printed with what `ansible-playbook` printed.
//!
//! A case is a folder `cases/TOPIC/NAME` with `playbook.yml`, `hosts`, `expected.out`, and if need be `args` (an
//! argument a line), `ansible.cfg`, roles, and files. `FTL_CASE=loops` runs those whose path holds the word.
//! `tests/record` writes `expected.out` with the real `ansible-playbook`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ftl_tests::sandbox::Sandbox;
use ftl_tests::{normalise, program};
use similar::TextDiff;

#[test]
fn recorded_cases() {
    let cases = chosen_cases();
    assert!(!cases.is_empty(), "no case was chosen");
    let recording = std::env::var_os("FTL_RECORD").is_some();
    let (queue, failures) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().expect("a queue").next() else { break };
                    if let Some(failure) = run_case(case, recording) {
                        failures.lock().expect("a list").push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("a list");
    failures.sort();
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn cases_are_complete() {
    for case in all_cases() {
        for file in ["playbook.yml", "hosts", "expected.out"] {
            assert!(case.join(file).is_file(), "{} has no {file}", case.display());
        }
    }
}

/// Runs one case; what differs is the answer. When recording, writes the expectation instead.
fn run_case(case: &Path, recording: bool) -> Option<String> {
    let sandbox = Sandbox::new();
    copy_tree(case, &sandbox.work());
    let tool = match recording {
        true => program::ansible().join("bin/ansible-playbook"),
        false => program::ftl_play().to_path_buf(),
    };
    let arguments = fs::read_to_string(case.join("args")).unwrap_or_default();
    let mut arguments: Vec<&str> = arguments.lines().collect();
    if !arguments.contains(&"-f") {
        // Hosts answer in the order of the inventory.
        arguments.extend(["-f", "1"]);
    }
    let mut command = sandbox.command(&tool);
    command.args(["-i", "hosts"]).args(&arguments).arg("playbook.yml");
    let outcome = sandbox.spawn(command).finish();
    let found = normalise::report(&outcome, sandbox.root());
    let expectation = case.join("expected.out");
    if recording {
        fs::write(&expectation, found).expect("a written expectation");
        return None;
    }
    let expected = fs::read_to_string(&expectation).unwrap_or_default();
    (expected != found).then(|| {
        let diff = TextDiff::from_lines(&expected, &found);
        format!("== {}\n{}", case.display(), diff.unified_diff().context_radius(2).header("ansible", "ftl"))
    })
}

fn chosen_cases() -> Vec<PathBuf> {
    let word = std::env::var("FTL_CASE").unwrap_or_default();
    all_cases().into_iter().filter(|case| case.to_string_lossy().contains(&word)).collect()
}

fn all_cases() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    folders(&top).iter().flat_map(|topic| folders(topic)).collect()
}

fn folders(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a case").flatten() {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.is_symlink() => {
                std::os::unix::fs::symlink(path.read_link().expect("a link"), target).expect("a new link")
            }
            path if path.is_dir() => copy_tree(&path, &target),
            path if path.ends_with("expected.out") => {}
            path => drop(fs::copy(path, target).expect("a copied file")),
        }
    }
}
