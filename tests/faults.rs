//! What happens when things break: connections, machines, modules, and the controller itself.
//!
//! Each test bears the number of a failure mode of the list that FTL was designed against. The far machine is a loopback
//! sshd; real machines are in `lab.rs`.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ftl_tests::processes::{self, wait_until};
use ftl_tests::proxy::Proxy;
use ftl_tests::sandbox::{Outcome, Sandbox};
use ftl_tests::sshd::{Sshd, files_below};
use rustix::process::Signal;

/// Tests that measure do so one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A sandbox whose inventory has the host `far` on a loopback sshd, and a playbook with these tasks.
fn far_tasks(tasks: &str) -> (Sandbox, Sshd) {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    sandbox.write("hosts", &format!("far {}\n", sshd.variables()));
    write_playbook(&sandbox, tasks);
    (sandbox, sshd)
}

fn write_playbook(sandbox: &Sandbox, tasks: &str) {
    let tasks = tasks.replace('\n', "\n    ");
    sandbox.write("site.yml", &format!("- hosts: all\n  gather_facts: false\n  tasks:\n    {tasks}\n"));
}

const PLAY: [&str; 3] = ["-i", "hosts", "site.yml"];

/// Works in a directory of its own until it is ended; its children do so too.
const WORKER: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")/busy\" || exit 1\nsleep 300 &\nsleep 300\n";

/// A far host whose task runs [`WORKER`] after a `ping`.
fn busy_far() -> (Sandbox, Sshd) {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    sandbox.write("hosts", &format!("far {}\n", sshd.variables()));
    busy_playbook(&sandbox, "");
    (sandbox, sshd)
}

fn busy_playbook(sandbox: &Sandbox, keywords: &str) {
    let worker = sandbox.write("worker", WORKER);
    sandbox.write("busy/here", "");
    write_playbook(
        sandbox,
        &format!("- ping:\n- name: busy\n  command: {}\n{keywords}- debug: {{msg: after}}", worker.display()),
    );
}

#[track_caller]
fn wait_for_worker(sandbox: &Sandbox) {
    let busy = sandbox.work().join("busy");
    assert!(wait_until(30.0, || processes::working_in(&busy).len() >= 3), "the worker does not start");
}

#[track_caller]
fn expect_worker_gone(sandbox: &Sandbox, seconds: f64) {
    let busy = sandbox.work().join("busy");
    let gone = wait_until(seconds, || processes::working_in(&busy).is_empty());
    let left = processes::working_in(&busy);
    for pid in &left {
        processes::signal(*pid, Signal::KILL);
    }
    assert!(gone, "left after {seconds} s: {}", processes::describe(&left));
}

/// Nothing stays on the far host but the packs of modules, which hold no argument and are private.
#[track_caller]
fn expect_no_leftovers(sshd: &Sshd) {
    let packs = |path: &std::path::PathBuf| {
        path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("ftl-packs-"))
    };
    let mut left = files_below(&sshd.remote_tmp());
    left.retain(|path| !packs(path));
    assert!(left.is_empty(), "left on the far host: {left:?}");
    for entry in std::fs::read_dir(sshd.remote_tmp()).into_iter().flatten().flatten() {
        use std::os::unix::fs::PermissionsExt;
        let mode = entry.metadata().expect("a directory").permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{:?}", entry.path());
    }
}

#[test]
fn f01_port_refused() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    sandbox.write("hosts", &format!("far ansible_host=127.0.0.1 ansible_port={free}\n"));
    write_playbook(&sandbox, "- ping:");
    let outcome = sandbox.play(&PLAY);
    outcome
        .expect_code(4)
        .expect_text("fatal: [far]: UNREACHABLE!")
        .expect_text("Connection refused")
        .expect_within(6.0);
    outcome.expect_text("unreachable=1");
}

#[test]
fn f04_session_killed_during_a_task() {
    let (sandbox, sshd) = busy_far();
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    let killed = Instant::now();
    sshd.kill_sessions();
    let outcome = running.finish();
    assert!(killed.elapsed() < Duration::from_secs(10), "noticed after {:?}", killed.elapsed());
    outcome.expect_code(4).expect_text("fatal: [far]: UNREACHABLE!").expect_text("its outcome is not known");
    outcome.expect_text("ok=1 ").expect_text("unreachable=1").expect_no_text("\"after\"");
    expect_worker_gone(&sandbox, 5.0);
}

#[test]
fn f05_session_killed_between_tasks() {
    let (sandbox, sshd) =
        far_tasks("- ping:\n- command: ./wait-for-kill\n  delegate_to: localhost\n- ping:\n- debug: {msg: after}");
    sandbox.write("hosts", &format!("far {}\nlocalhost ansible_connection=local\n", sshd.variables()));
    let text = sandbox.read("site.yml").replace("hosts: all", "hosts: far");
    sandbox.write("site.yml", &text);
    sandbox.write("wait-for-kill", "#!/bin/sh\n>waiting; while [ -e waiting ]; do sleep 0.05; done\n");
    let text = sandbox.read("site.yml").replace("./wait", &format!("{}/wait", sandbox.work().display()));
    sandbox.write(
        "site.yml",
        &text.replace("delegate_to", &format!("args: {{chdir: {}}}\n      delegate_to", sandbox.work().display())),
    );
    let running = sandbox.start(&PLAY);
    assert!(wait_until(30.0, || sandbox.has("waiting")), "{}", running.stdout());
    sshd.kill_sessions();
    assert!(wait_until(5.0, || sshd.session_processes().is_empty()), "the sessions end");
    std::fs::remove_file(sandbox.work().join("waiting")).expect("a file to remove");
    let outcome = running.finish();
    outcome.expect_code(0).expect_text("ok=4 ").expect_text("unreachable=0").expect_no_text("UNREACHABLE");
}

#[test]
fn f06_silence_during_a_task() {
    let (sandbox, sshd) = busy_far();
    let proxy = Proxy::new(sshd.port);
    sshd.trust_port(proxy.port);
    sandbox.write("hosts", &format!("far {}\n", sshd.variables_with_port(proxy.port)));
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    let silent = Instant::now();
    proxy.fall_silent();
    let outcome = running.finish();
    assert!(silent.elapsed() <= Duration::from_secs(46), "noticed after {:?}", silent.elapsed());
    outcome.expect_code(4).expect_text("fatal: [far]: UNREACHABLE!").expect_text("unreachable=1");
    // The gate has heard nothing for its lease of 30 s.
    expect_worker_gone(&sandbox, 35.0);
}

#[test]
fn f08_short_silence_is_survived() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let proxy = Proxy::new(sshd.port);
    sshd.trust_port(proxy.port);
    sandbox.write("hosts", &format!("far {}\n", sshd.variables_with_port(proxy.port)));
    let count = sandbox.work().join("count");
    write_playbook(&sandbox, &format!("- shell: echo once >>{}; sleep 3\n- debug: {{msg: after}}", count.display()));
    let running = sandbox.start(&PLAY);
    assert!(wait_until(30.0, || count.exists()), "{}", running.stdout());
    proxy.fall_silent();
    std::thread::sleep(Duration::from_secs(12));
    proxy.speak_again();
    running.finish().expect_code(0).expect_text("ok=2 ").expect_text("unreachable=0");
    assert_eq!(sandbox.read("count"), "once\n");
}

#[test]
fn f11_more_connections_than_the_server_starts() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let sshd = Sshd::start_with(&sandbox, "MaxStartups 5:100:5");
    let hosts: String = (1..=40).map(|n| format!("far{n} {}\n", sshd.variables())).collect();
    sandbox.write("hosts", &hosts);
    write_playbook(&sandbox, "- ping:");
    let outcome = sandbox.start(&["-i", "hosts", "-f", "40", "site.yml"]).within(180).finish();
    outcome.expect_code(0).expect_no_text("UNREACHABLE");
    assert_eq!(outcome.stdout.matches("ok=1 ").count(), 40, "{}", outcome.stdout);
}

#[test]
fn f15_host_keys() {
    let (sandbox, sshd) = far_tasks("- ping:");
    sandbox.play(&PLAY).expect_code(0);
    for (why, known) in [
        ("unknown", String::new()),
        ("changed", sshd.known_line("other")),
        ("revoked", format!("@revoked {}", sshd.known_line("host"))),
    ] {
        sshd.trust(&known);
        let outcome = sandbox.play(&PLAY);
        assert_eq!(outcome.code, 4, "{why}: {}\n{}", outcome.stdout, outcome.stderr);
        outcome
            .expect_text("fatal: [far]: UNREACHABLE!")
            .expect_text("Host key verification failed")
            .expect_text("ok=0 ");
        assert!(wait_until(2.0, || sshd.session_processes().is_empty()), "{why}: something has begun there");
    }
}

#[test]
fn f18_no_python() {
    let (sandbox, sshd) = far_tasks("- ping:\n  ignore_errors: true\n- raw: echo raw works\n- ping:");
    let hosts = format!("far {}\n", sshd.variables()).replace("/usr/bin/python3", "/nowhere/python3");
    sandbox.write("hosts", &hosts);
    let outcome = sandbox.play(&PLAY);
    outcome
        .expect_code(2)
        .expect_text("fatal: [far]: FAILED!")
        .expect_text("The module interpreter '/nowhere/python3' was not found");
    outcome.expect_text("ok=2 ").expect_text("changed=1").expect_text("failed=1").expect_text("unreachable=0");
}

/// What a module prints is checked here: name, the module, then the expectation.
fn module_output(script: &str, check: impl Fn(&Outcome)) {
    let (sandbox, _sshd) = far_tasks("- odd:\n  register: result\n- debug: {var: result.answer}");
    sandbox.write("library/odd", script);
    check(&sandbox.play(&PLAY));
}

#[test]
fn f28_junk_around_the_answer() {
    module_output("#!/bin/sh\necho a banner\necho '{\"answer\": 42}'\n", |outcome| {
        outcome.expect_code(0).expect_text("\"result.answer\": 42");
    });
    module_output("#!/bin/sh\necho '{\"answer\": 42}'\necho trailing words\n", |outcome| {
        outcome.expect_code(0).expect_text("\"result.answer\": 42");
        outcome.expect_text("[WARNING]: Module invocation had junk after the JSON data: trailing words");
    });
}

#[test]
fn f29_invalid_utf8() {
    module_output("#!/bin/sh\nprintf '{\"answer\": \"\\377\\376\"}\\n'\n", |outcome| {
        outcome
            .expect_code(2)
            .expect_text("fatal: [far]: FAILED!")
            .expect_text("Refusing to deserialize an invalid UTF8 string value");
    });
}

#[test]
fn f30_answers_that_are_none() {
    for print in ["echo '[1, 2]'", "echo '\"text\"'", "true", "echo no json", "echo '{\"a\": 1'"] {
        module_output(&format!("#!/bin/sh\n{print}\n"), |outcome| {
            outcome
                .expect_code(2)
                .expect_text("fatal: [far]: FAILED!")
                .expect_text("failed=1")
                .expect_no_text("panicked");
        });
    }
}

#[test]
fn f32_deep_answers() {
    let nested = "#!/usr/bin/python3\nprint('{\"answer\": ' + '[' * 100000 + ']' * 100000 + '}')\n";
    module_output(nested, |outcome| {
        outcome.expect_code(2).expect_text("fatal: [far]: FAILED!").expect_text("failed=1").expect_no_text("panicked");
    });
}

#[test]
fn f33_far_too_much_output() {
    let _alone = alone();
    let (sandbox, sshd) = far_tasks("- flood:");
    sandbox.write("library/flood", "#!/bin/sh\nhead -c 200000000 /dev/zero | tr '\\0' x\n");
    let outcome = sandbox.play(&PLAY);
    outcome.expect_code(2).expect_text("fatal: [far]: FAILED!").expect_within(12.0);
    assert!(outcome.peak_kib < 150 * 1024, "{} MiB of memory", outcome.peak_kib / 1024);
    assert!(
        wait_until(3.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
}

#[test]
fn f34_endless_output() {
    let (sandbox, sshd) = far_tasks("- flood:");
    sandbox.write("library/flood", "#!/bin/sh\nexec yes\n");
    sandbox.play(&PLAY).expect_code(2).expect_text("fatal: [far]: FAILED!");
    assert!(
        wait_until(3.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
}

#[test]
fn f37_timeout_ends_the_work() {
    let _alone = alone();
    let (sandbox, _sshd) = busy_far();
    busy_playbook(
        &sandbox,
        "  timeout: 4\n  register: late\n  ignore_errors: true\n- debug: {var: late.timedout.period}\n",
    );
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    let outcome = running.finish();
    outcome.expect_code(0).expect_text("Timed out after 4 second(s).");
    outcome.expect_text("\"late.timedout.period\": 4").expect_text("\"after\"").expect_within(12.0);
    expect_worker_gone(&sandbox, 3.0);
}

#[test]
fn f38_timeout_of_one_that_ignores_sigterm() {
    let (sandbox, _sshd) = busy_far();
    busy_playbook(&sandbox, "  timeout: 3\n  ignore_errors: true\n");
    sandbox.write("worker", &WORKER.replace("cd ", "trap '' TERM INT HUP\ncd "));
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    running.finish().expect_code(0).expect_text("ignored=1").expect_text("\"after\"");
    expect_worker_gone(&sandbox, 5.0);
}

#[test]
fn f39_daemon_that_keeps_stdout() {
    let _alone = alone();
    let (sandbox, _sshd) = far_tasks("- daemon:\n- ping:");
    let busy = sandbox.write("busy/here", "").parent().expect("a directory").display().to_string();
    sandbox.write("library/daemon", &format!("#!/bin/sh\ncd {busy}\nsleep 60 &\necho '{{\"changed\": true}}'\n"));
    let outcome = sandbox.play(&PLAY);
    outcome.expect_code(0).expect_text("ok=2 ").expect_within(8.0);
    let left = processes::working_in(&sandbox.work().join("busy"));
    assert_eq!(left.len(), 1, "the daemon lives on");
    processes::signal(left[0], Signal::KILL);
}

#[test]
fn f43_interrupted() {
    let _alone = alone();
    let (sandbox, sshd) = busy_far();
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    let interrupted = Instant::now();
    running.signal(Signal::INT);
    let outcome = running.finish();
    assert!(interrupted.elapsed() <= Duration::from_secs(5), "ended after {:?}", interrupted.elapsed());
    outcome.expect_code(99).expect_text("PLAY RECAP").expect_no_text("\"after\"");
    expect_worker_gone(&sandbox, 3.0);
    assert!(
        wait_until(3.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
    expect_no_leftovers(&sshd);
}

#[test]
fn f44_interrupted_twice() {
    let (sandbox, sshd) = busy_far();
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    running.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(20));
    running.signal(Signal::INT);
    let outcome = running.within(10).finish();
    assert!([99, -2, 130].contains(&outcome.code), "{}", outcome.code);
    expect_worker_gone(&sandbox, 5.0);
    assert!(
        wait_until(5.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
}

#[test]
fn f45_terminated() {
    let (sandbox, sshd) = busy_far();
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    running.signal(Signal::TERM);
    let outcome = running.within(10).finish();
    assert_eq!(outcome.code, 143, "{}\n{}", outcome.stdout, outcome.stderr);
    expect_worker_gone(&sandbox, 5.0);
    assert!(
        wait_until(3.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
}

#[test]
fn f47_controller_killed() {
    let (sandbox, sshd) = busy_far();
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    running.signal(Signal::KILL);
    let outcome = running.finish();
    assert_eq!(outcome.code, -9);
    expect_worker_gone(&sandbox, 4.0);
    assert!(
        wait_until(3.0, || sshd.session_processes().is_empty()),
        "{}",
        processes::describe(&sshd.session_processes())
    );
    expect_no_leftovers(&sshd);
}

#[test]
fn f19_broken_python() {
    let (sandbox, sshd) = far_tasks("- ping:\n  ignore_errors: true\n- raw: echo raw works");
    let broken = sandbox.write("broken-python", "#!/bin/sh\necho this python is broken >&2\nexit 1\n");
    let hosts = format!("far {}\n", sshd.variables()).replace("/usr/bin/python3", &broken.display().to_string());
    sandbox.write("hosts", &hosts);
    let outcome = sandbox.play(&PLAY);
    outcome.expect_code(0).expect_text("this python is broken").expect_text("ignored=1").expect_text("changed=1");
}

#[test]
fn f26_gate_killed_during_a_task() {
    let (sandbox, sshd) = busy_far();
    busy_playbook(&sandbox, "  ignore_unreachable: true\n  ignore_errors: true\n- ping:\n");
    let running = sandbox.start(&PLAY);
    wait_for_worker(&sandbox);
    let is_python =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("python"));
    // Parents come first: the gate, then its guard and the module.
    let gate = sshd.session_processes().into_iter().find(is_python).expect("a gate");
    processes::signal(gate, Signal::KILL);
    let outcome = running.finish();
    // Lost, not run again; the next task has a new gate.
    outcome.expect_text("fatal: [far]").expect_text("\"after\"");
    assert_ne!(outcome.stdout.matches("TASK [busy]").count(), 0);
    expect_worker_gone(&sandbox, 5.0);
}

#[test]
fn f31_numbers_that_json_lacks() {
    module_output("#!/bin/sh\necho '{\"answer\": NaN, \"b\": Infinity, \"answer\": 7}'\n", |outcome| {
        outcome.expect_code(0).expect_text("\"result.answer\": 7");
    });
}

#[test]
fn f40_module_kills_its_parent() {
    let (sandbox, _sshd) =
        far_tasks("- kills:\n  ignore_errors: true\n  ignore_unreachable: true\n- ping:\n- debug: {msg: after}");
    sandbox.write("library/kills", "#!/bin/sh\nkill -9 $PPID\nsleep 1\necho '{}'\n");
    let outcome = sandbox.play(&PLAY);
    outcome.expect_text("fatal: [far]").expect_text("\"after\"").expect_within(20.0);
}

#[test]
fn f41_module_crashes() {
    module_output("#!/bin/sh\nkill -SEGV $$\n", |outcome| {
        outcome.expect_code(2).expect_text("fatal: [far]: FAILED!").expect_no_text("UNREACHABLE");
    });
}

#[test]
fn f48_nobody_reads_the_output() {
    let sandbox = Sandbox::new();
    let marks = sandbox.work().join("marks");
    sandbox.write("hosts", "h1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n");
    let tasks: String = (0..20).map(|_| format!("- shell: echo x >>{}\n", marks.display())).collect();
    write_playbook(&sandbox, tasks.trim_end());
    let mut command = sandbox.command(std::path::Path::new("/bin/bash"));
    let play = ftl_tests::program::ftl_play().display().to_string();
    command.args(["-c", &format!("{play} -i hosts site.yml | head -1; exit ${{PIPESTATUS[0]}}")]);
    let outcome = sandbox.spawn(command).finish();
    assert_eq!(sandbox.read("marks").lines().count(), 20, "{outcome:?}");
    outcome.expect_code(0);
}

#[test]
fn f50_few_files_may_be_open() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let hosts: String = (1..=20).map(|n| format!("far{n} {}\n", sshd.variables())).collect();
    sandbox.write("hosts", &hosts);
    write_playbook(&sandbox, "- ping:");
    let mut command = sandbox.command(std::path::Path::new("/bin/bash"));
    let play = ftl_tests::program::ftl_play().display().to_string();
    command.args(["-c", &format!("ulimit -Sn 48; ulimit -Hn 4096; exec {play} -i hosts -f 20 site.yml")]);
    let outcome = sandbox.spawn(command).finish();
    outcome.expect_code(0);
    assert_eq!(outcome.stdout.matches("ok=1 ").count(), 20, "{}", outcome.stdout);
}

#[test]
fn f55_names_that_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let (sandbox, _sshd) = far_tasks("- debug: {msg: placeholder}");
    let to = sandbox.work().join("there");
    sandbox.write("tree/plain", "plain\n");
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(sandbox.work().join("tree").join(odd), "odd\n").expect("a file");
    write_playbook(&sandbox, &format!("- copy: {{src: tree/, dest: {}/}}", to.display()));
    let outcome = sandbox.play(&PLAY);
    // Copied as it is, or a failure that says so: never left out in silence.
    assert!(outcome.code == 2 || to.join(odd).exists(), "{outcome:?}");
}

#[test]
fn f58_f60_vaults_that_do_not_open() {
    let good = "$ANSIBLE_VAULT;1.1;AES256\n\
        33363965326261303234626463613664306136386232653734663530663666303861383030383164\n";
    for (why, text) in [
        ("truncated", good.to_string()),
        ("no hex", good.replace("3336", "zzzz")),
        ("version", good.replace(";1.1;", ";9.9;")),
        ("empty", "$ANSIBLE_VAULT;1.1;AES256\n".to_string()),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("hosts", "h1 ansible_connection=local\n");
        sandbox.write("password", "secret\n");
        sandbox.write("group_vars/all.yml", &text);
        write_playbook(&sandbox, "- debug: {msg: ran}");
        let outcome = sandbox.play(&["-i", "hosts", "--vault-password-file", "password", "site.yml"]);
        assert_ne!(outcome.code, 0, "{why}: {outcome:?}");
        outcome.expect_no_text("\"ran\"").expect_no_text("panicked").expect_text("ERROR");
    }
}

#[test]
fn f64_f65_odd_yaml() {
    let deep = format!("- hosts: all\n  vars:\n    x: {}{}\n  tasks: []\n", "[".repeat(5000), "]".repeat(5000));
    for (why, text) in [("deep", deep.as_str()), ("tab", "- hosts: all\n\ttasks: []\n"), ("NUL", "- hosts: \0all\n")] {
        let sandbox = Sandbox::new();
        sandbox.write("hosts", "h1 ansible_connection=local\n");
        sandbox.write("site.yml", text);
        let outcome = sandbox.play(&PLAY);
        assert!([4, 250].contains(&outcome.code), "{why}: {outcome:?}");
        outcome.expect_no_text("panicked").expect_text("ERROR").expect_within(10.0);
    }
}

#[test]
fn f67_f69_templates_without_end() {
    let _alone = alone();
    for (template, seconds) in [
        ("{{ 'a' * 10 ** 10 }}", 5.0),
        ("{{ range(10 ** 12) | list }}", 5.0),
        ("{{ ('a' * 30 ~ '!') is match('(a+)+$') }}", 5.0),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 5.0),
        ("{{ own }}", 5.0),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("hosts", "h1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n");
        write_playbook(
            &sandbox,
            &format!("- debug: {{msg: \"{template}\"}}\n  vars: {{own: \"{{{{ own }}}}\"}}\n  register: big"),
        );
        let outcome = sandbox.play(&PLAY);
        outcome.expect_no_text("panicked").expect_within(seconds).expect_text("PLAY RECAP");
        assert!(outcome.code == 2 || template.contains("match"), "{template}: {}\n{}", outcome.stdout, outcome.stderr);
        assert!(outcome.peak_kib < 700 * 1024, "{template}: {} MiB", outcome.peak_kib / 1024);
    }
}

#[test]
fn f70_f71_inventories_that_fail() {
    for (why, script, words) in [
        ("fails", "#!/bin/sh\necho broken inventory >&2\nexit 3\n", "broken inventory"),
        ("junk", "#!/bin/sh\necho this is no json\n", "[WARNING]"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("inventory.sh", script);
        write_playbook(&sandbox, "- debug: {msg: ran}");
        let outcome = sandbox.play(&["-i", "inventory.sh", "site.yml"]);
        outcome.expect_text(words).expect_no_text("\"ran\"").expect_no_text("panicked");
        assert_ne!(outcome.code, 0, "{why}: nothing was done, and that is no success: {outcome:?}");
    }
}

#[test]
fn f74_unreachable_hosts_are_not_rescued() {
    let sandbox = Sandbox::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    sandbox.write("hosts", &format!("far ansible_host=127.0.0.1 ansible_port={free}\n"));
    write_playbook(
        &sandbox,
        "- block: [{ping: }]\n  rescue: [{debug: {msg: rescue}}]\n  always: [{debug: {msg: always}}]",
    );
    let outcome = sandbox.play(&PLAY);
    outcome.expect_code(4).expect_no_text("\"rescue\"").expect_no_text("\"always\"").expect_text("rescued=0");
    write_playbook(&sandbox, "- ping:\n  ignore_unreachable: true\n- debug: {msg: on}");
    sandbox.play(&PLAY).expect_code(0).expect_text("ok=2 ").expect_text("ignored=1").expect_text("unreachable=0");
}

#[test]
fn f75_callback_plugins_that_hang_or_die() {
    let plugin = "import os, time\n\
                  from ansible.plugins.callback import CallbackBase\n\
                  class CallbackModule(CallbackBase):\n    \
                      CALLBACK_TYPE = 'stdout'\n    \
                      CALLBACK_NAME = 'bad'\n    \
                      def v2_runner_on_ok(self, result):\n        \
                          os.kill(os.getpid(), 9) if os.path.exists('kill') else time.sleep(100)\n";
    for (kill, expected) in [(true, "it was ended by signal 9."), (false, "it did not answer for 1 seconds.")] {
        let sandbox = Sandbox::new();
        sandbox.write("callback_plugins/bad.py", plugin);
        sandbox.write("hosts", "h1 ansible_connection=local\n");
        write_playbook(&sandbox, "- command: echo\n- command: touch done\n- command: /bin/false");
        if kill {
            sandbox.write("kill", "");
        }
        let mut command = sandbox.command(ftl_tests::program::ftl_play());
        command
            .args(["-i", "hosts", "site.yml"])
            .env("ANSIBLE_STDOUT_CALLBACK", "bad")
            .env("FTL_CALLBACK_TIMEOUT", "1");
        let outcome = sandbox.spawn(command).finish();
        assert!(sandbox.has("done"), "{outcome:?}");
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
        assert!(outcome.stdout.contains("failed=1"), "{}", outcome.stdout);
        outcome.expect_code(2);
    }
}
