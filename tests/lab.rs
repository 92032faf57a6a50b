//! A day's work on three real machines (two Debian releases, systemd, sshd): `ftl-play` must leave them as
//! `ansible-playbook` does, say the same in its recap, and change nothing the second time.
//!
//! The machines come from the lab script (`FTL_LAB`, or `../shared/lab/lab` beside the repository). It needs root and
//! Debian; where that is missing the test says so on stderr.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ftl_tests::processes::wait_until;
use ftl_tests::program;
use ftl_tests::sandbox::{Outcome, Sandbox};
use similar::TextDiff;

/// What is compared: every file below these, but what differs between two machines of the same making.
const SNAPSHOT: &str = r#"
import grp, hashlib, json, os, pwd, re, stat, subprocess
TREES = ["/etc", "/srv", "/home", "/root", "/var/www", "/usr/local", "/opt"]
VOLATILE = re.compile(r"^/opt/apt|^/etc/(ld\.so\.cache|machine-id|resolv\.conf|hostname|mtab|\.pwd\.lock|.*-)$|^/etc/ssh/ssh_host_"
                      r"|^/(root|home/\w+)/\.(ssh|ansible|ansible_async|cache)(/|$)|/\.bash_history$|^/etc/ssl/certs/java")
def name(look, number):
    try: return look(number)[0]
    except KeyError: return number
found = {}
def note(path):
    if VOLATILE.search(path): return
    s = os.lstat(path)
    what = "link " + os.readlink(path) if stat.S_ISLNK(s.st_mode) else "directory" if stat.S_ISDIR(s.st_mode) else \
        hashlib.sha256(open(path, "rb").read()).hexdigest() if stat.S_ISREG(s.st_mode) else "special"
    found[path] = "%o %s:%s %s" % (stat.S_IMODE(s.st_mode), name(pwd.getpwuid, s.st_uid), name(grp.getgrgid, s.st_gid), what)
for tree in TREES:
    for directory, _, files in os.walk(tree):
        note(directory)
        for f in files: note(os.path.join(directory, f))
        for d in os.listdir(directory):
            if os.path.islink(os.path.join(directory, d)): note(os.path.join(directory, d))
run = lambda *c: subprocess.run(c, stdout=subprocess.PIPE, universal_newlines=True).stdout
for line in run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n").splitlines():
    found["package " + line.split()[0]] = line
for line in run("systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager").splitlines():
    words = line.split(); found["unit " + words[0]] = words[1]
for line in run("systemctl", "list-units", "--type=service", "--state=running", "--no-legend", "--no-pager", "--plain").splitlines():
    unit = line.split()[0]
    if not re.match(r"user@|session|systemd-(hostnamed|timedated|localed)|polkit", unit): found["running " + unit] = "yes"
print(json.dumps(found))
"#;

/// Three machines that run until this is dropped. One lab at a time: its network has fixed names.
struct Lab {
    script: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl Lab {
    /// The script, or what is missing.
    fn script() -> Result<PathBuf, String> {
        let script = match std::env::var_os("FTL_LAB") {
            Some(named) => PathBuf::from(named),
            None => program::repository().join("../shared/lab/lab"),
        };
        if !script.is_file() {
            return Err(format!("no lab script at {} (FTL_LAB names another)", script.display()));
        }
        if !rustix::process::geteuid().is_root() {
            return Err("the lab needs root".into());
        }
        if !Path::new("/etc/debian_version").exists() {
            return Err("the lab needs Debian".into());
        }
        Ok(script)
    }

    fn up(sandbox: &Sandbox, script: &Path, arguments: &[&str]) -> Lab {
        let lock = File::create(std::env::temp_dir().join("ftl-lab.lock")).expect("a lock file");
        lock.lock().expect("the lock of the lab");
        let directory = sandbox.root().join("lab");
        let lab = Lab { script: script.to_path_buf(), directory, _lock: lock };
        let output = lab.command("up").args(arguments).output().expect("the lab script starts");
        assert!(output.status.success(), "lab up: {}", String::from_utf8_lossy(&output.stderr));
        lab
    }

    fn command(&self, verb: &str) -> Command {
        let wrapper = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/bin");
        let mut command = Command::new("python3");
        command.arg(&self.script).arg(verb).arg("--dir").arg(&self.directory);
        command.env("PATH", format!("{}:{}", wrapper.display(), std::env::var("PATH").unwrap_or_default()));
        command
    }

    /// `cut`, `heal`, `freeze` or `thaw`.
    fn fault(&self, verb: &str, host: &str) {
        let status = self.command(verb).arg(host).status().expect("the lab script starts");
        assert!(status.success(), "lab {verb} {host}");
    }

    fn run(&self, host: &str, words: &[&str]) -> String {
        let output = self.command("exec").arg(host).arg("--").args(words).output().expect("the lab script starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Files, packages and services of a machine.
    fn snapshot(&self, host: &str) -> BTreeMap<String, String> {
        let text = self.run(host, &["python3", "-c", SNAPSHOT]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("no snapshot of {host}: {error}: {text}"))
    }

    fn inventory(&self) -> String {
        self.directory.join("inventory.yml").display().to_string()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}

/// Says loudly that a test did not run; libtest would swallow what `eprintln!` says.
fn lab_or_reason() -> Option<PathBuf> {
    match Lab::script() {
        Ok(script) => Some(script),
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "\n*** NOT TESTED on real machines: {reason} ***\n");
            None
        }
    }
}

/// What one tool says and leaves behind.
struct Visit {
    first: Outcome,
    second: Outcome,
    machines: BTreeMap<String, BTreeMap<String, String>>,
    fetched: BTreeMap<String, String>,
}

const HOSTS: [&str; 3] = ["h1", "h2", "h3"];

fn visit(script: &Path, tool: &Path) -> Visit {
    let sandbox = Sandbox::new();
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("lab"), &sandbox.work());
    let lab = Lab::up(&sandbox, script, &["--hosts", "3", "--init", "systemd", "--suites", "bookworm,bullseye"]);
    let play = || {
        let mut command = sandbox.command(tool);
        command.args(["-i", &lab.inventory(), "-i", "hosts.yml", "--vault-password-file", "vault-password"]);
        // Makes ansible-playbook twice as fast, and nothing else.
        command.env("ANSIBLE_PIPELINING", "1");
        command.args(["-e", &format!("fetched={}", sandbox.work().join("fetched").display()), "--diff", "site.yml"]);
        sandbox.spawn(command).within(500).finish()
    };
    let first = play();
    let machines = HOSTS.iter().map(|host| (host.to_string(), lab.snapshot(host))).collect();
    let second = play();
    let mut fetched = BTreeMap::new();
    for path in ftl_tests::sshd::files_below(&sandbox.work().join("fetched")) {
        let name = path.strip_prefix(sandbox.work()).expect("a path below").display().to_string();
        fetched.insert(name, fs::read_to_string(&path).unwrap_or_default());
    }
    Visit { first, second, machines, fetched }
}

#[test]
fn machines_end_up_equal() {
    let Some(script) = lab_or_reason() else { return };
    let ours = visit(&script, program::ftl_play());
    ours.first.expect_code(0);
    for line in recap(&ours.second) {
        assert!(line.contains("changed=0 "), "the second run changes something: {line}\n{}", ours.second.stdout);
    }
    ours.second.expect_code(0);
    let theirs = visit(&script, &program::ansible().join("bin/ansible-playbook"));
    theirs.first.expect_code(0);
    let _ = writeln!(
        std::io::stderr(),
        "lab: ftl {:.1} s and {:.1} s, ansible {:.1} s and {:.1} s; {} things compared",
        ours.first.seconds,
        ours.second.seconds,
        theirs.first.seconds,
        theirs.second.seconds,
        ours.machines.values().map(BTreeMap::len).sum::<usize>()
    );
    for host in HOSTS {
        assert_same(host, &theirs.machines[host], &ours.machines[host]);
        assert!(ours.machines[host].len() > 300, "hardly anything was compared on {host}");
    }
    assert_same("fetched", &theirs.fetched, &ours.fetched);
    assert_eq!(recap(&theirs.first), recap(&ours.first), "the first run");
    assert_eq!(recap(&theirs.second), recap(&ours.second), "the second run");
}

/// F06 with a real network: packets to one of three machines are dropped while it works.
#[test]
fn f06_lost_machine_is_noticed() {
    let Some(script) = lab_or_reason() else { return };
    let sandbox = Sandbox::new();
    let lab = Lab::up(&sandbox, &script, &["--hosts", "3", "--init", "sshd"]);
    sandbox.write(
        "site.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n    - name: busy\n      command: sleep 77\n      when: inventory_hostname == 'h2'\n    - command: echo after\n",
    );
    let running = sandbox.start(&["-i", &lab.inventory(), "site.yml"]);
    let at_work = || lab.run("h2", &["pgrep", "-fx", "sleep 77"]).trim().parse::<u32>().is_ok();
    assert!(wait_until(30.0, at_work), "{}", running.stdout());
    let cut = Instant::now();
    lab.fault("cut", "h2");
    let outcome = running.finish();
    let noticed = cut.elapsed();
    outcome.expect_code(4).expect_text("fatal: [h2]: UNREACHABLE!");
    for host in ["h1", "h3"] {
        assert!(
            recap(&outcome).iter().any(|line| line.starts_with(host) && line.contains("ok=2 ")),
            "{}",
            outcome.stdout
        );
    }
    assert!(noticed <= Duration::from_secs(45), "noticed after {noticed:?}");
    // Without its controller the far end cleans up by itself.
    let gone = wait_until(45.0, || !at_work());
    let left = lab.run("h2", &["ps", "-ef"]);
    assert!(gone, "still at work: {left}");
}

/// F07: the far machine stops, without a word, and comes back.
#[test]
fn f07_frozen_machine_is_noticed() {
    let Some(script) = lab_or_reason() else { return };
    let sandbox = Sandbox::new();
    let lab = Lab::up(&sandbox, &script, &["--hosts", "1", "--init", "sshd"]);
    sandbox.write("site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n    - command: sleep 77\n");
    let running = sandbox.start(&["-i", &lab.inventory(), "site.yml"]);
    let at_work = || lab.run("h1", &["pgrep", "-fx", "sleep 77"]).trim().parse::<u32>().is_ok();
    assert!(wait_until(30.0, at_work), "{}", running.stdout());
    let frozen = Instant::now();
    lab.fault("freeze", "h1");
    let outcome = running.finish();
    let noticed = frozen.elapsed();
    lab.fault("thaw", "h1");
    outcome.expect_code(4).expect_text("fatal: [h1]: UNREACHABLE!");
    assert!(noticed <= Duration::from_secs(45), "noticed after {noticed:?}");
}

/// F18: a machine without any Python.
#[test]
fn f18_machine_without_python() {
    let Some(script) = lab_or_reason() else { return };
    let sandbox = Sandbox::new();
    let lab = Lab::up(&sandbox, &script, &["--hosts", "1", "--no-python", "1"]);
    sandbox.write(
        "site.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - raw: echo raw works\n      register: said\n    - debug: {var: said.stdout_lines}\n    - stat: {path: /}\n",
    );
    let outcome = sandbox.play(&["-i", &lab.inventory(), "site.yml"]);
    outcome.expect_code(2).expect_text("raw works").expect_text("fatal: [h1]: FAILED!").expect_text("ok=2 ");
}

fn recap(outcome: &Outcome) -> Vec<String> {
    outcome
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("PLAY RECAP"))
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(str::to_string)
        .collect()
}

#[track_caller]
fn assert_same(what: &str, expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) {
    let text = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| format!("{k} = {v}\n")).collect::<String>();
    let (expected, found) = (text(expected), text(found));
    let diff = TextDiff::from_lines(&expected, &found);
    let diff = diff.unified_diff().context_radius(0).header("ansible", "ftl").to_string();
    assert!(diff.is_empty(), "{what} differs:\n{diff}");
}

fn copy_tree(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().expect("cp starts");
    assert!(status.success(), "{} is copied", from.display());
}

/// F61: become passwords that are wrong or missing; one attempt, and no password in what is printed.
#[test]
fn f61_become_passwords() {
    let Some(script) = lab_or_reason() else { return };
    let sandbox = Sandbox::new();
    let lab = Lab::up(&sandbox, &script, &["--hosts", "1", "--init", "sshd"]);
    sandbox.write(
        "site.yml",
        "- hosts: all\n  gather_facts: false\n  become: true\n  vars: {ansible_user: ops}\n  vars_files: [secret.yml]\n  tasks:\n    - command: id -un\n      register: me\n    - debug: {var: me.stdout}\n",
    );
    let inventory = lab.inventory();
    let play = |secret: &str| {
        sandbox.write("secret.yml", secret);
        sandbox.play(&["-i", inventory.as_str(), "-vvvv", "site.yml"])
    };
    let outcome = play("ansible_become_password: not-the-secret\n");
    outcome.expect_code(2).expect_text("Incorrect sudo password").expect_no_text("not-the-secret").expect_within(30.0);
    let outcome = play("none: 1\n");
    outcome.expect_code(2).expect_text("Missing sudo password").expect_within(30.0);
    let outcome = play("ansible_become_password: ops-secret\n");
    outcome.expect_code(0).expect_text("\"me.stdout\": \"root\"").expect_no_text("ops-secret");
}

/// F22: no room on the far machine; work that needs none goes on, a copy fails and leaves nothing behind.
#[test]
fn f22_no_room() {
    let Some(script) = lab_or_reason() else { return };
    let sandbox = Sandbox::new();
    let lab = Lab::up(&sandbox, &script, &["--hosts", "1", "--tiny", "1", "--init", "sshd"]);
    lab.run("h1", &["sh", "-c", "head -c 17000000 /dev/zero >/tmp/filler; true"]);
    let big = sandbox.write("big", &"0123456789abcdef".repeat(250_000)).display().to_string();
    sandbox.write(
        "site.yml",
        &format!("- hosts: all\n  gather_facts: false\n  vars: {{ansible_remote_tmp: /tmp/ansible}}\n  tasks:\n    - command: echo works\n    - copy: {{src: {big}, dest: /tmp/big}}\n"),
    );
    let outcome = sandbox.play(&["-i", &lab.inventory(), "site.yml"]);
    outcome
        .expect_code(2)
        .expect_text("fatal: [h1]: FAILED!")
        .expect_text("ok=1 ")
        .expect_text("No space left on device");
    assert_eq!(lab.run("h1", &["ls", "/tmp/big"]), "");
}
