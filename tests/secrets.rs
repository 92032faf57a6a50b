//! Passwords and what was in vaults: used as they are, never shown, but by `debug`.

use ftl_tests::sandbox::{Outcome, Sandbox};

/// `file_secret: file-canary-2`, `host_name: web1.example.com`, `tree: {deep: [deep-canary-3]}`, `asked_for: asked-canary-7`.
const VARS: &str = "\
$ANSIBLE_VAULT;1.1;AES256
64333432363166663538663162623761333333663064643132306365323762336634376531306562
3536326138373933626433323565656334333864363137610a643332316535346538653533343364
66646337626339633038643937303030623030343436313936663038633866313839383135333634
3463386330653832300a633831393663643931656332656630303730313266653463323837323765
31306531333036343865383838636538363438396461653932323438306666383739636566363866
66326134636337393237356165373139633633323136643831306432343434363331656332636562
61666262613632653530386362383866396435643262393761663237643761366561336532313662
63333064396532643866383730643537623633663962663934343438613362373665386665633064
37333032366138656332346632663566633566333062363764353638333835316530
";

/// `key-canary-4`, `second-canary-5`.
const KEY: &str = "\
$ANSIBLE_VAULT;1.1;AES256
37646562373161393530363130316439306434353734393965316639366462623534643135316235
6362646338633263303131666265373637383933363964380a343637623232326366343363376531
66396338316264383063353664326337623635333538303235616333366264613636613238326132
3930383739646266660a313231326338666133313163363864656563363361646639383237376335
63353264656330356336353230626431336438666331653131656439333663323435
";

const HOSTS: &str = "web1.example.com ansible_connection=local ansible_become_password=become-canary-6\n";

/// `inline-canary-"1"` is the value of `inline_secret`.
const PLAYBOOK: &str = r#"
- hosts: all
  gather_facts: false
  vars_files: [secret.yml]
  vars:
    inline_secret: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      39623139383439643536633436626332616237326565303332313639303933343538373330643465
      3764623237663231656130633536653835366234343362390a333633613337656666386135333962
      30353037313536386265396536613837333632323437643830376333363761393036393134646263
      6235393231653638660a386638633036616330613863643165333336373764353038643363636666
      38306135336430666332646638303534383538623835393734633262383934653137
    all_secrets: "{{ inline_secret }} {{ file_secret }} {{ tree.deep[0] }} {{ ansible_become_password }} {{ others }}"
    others: opening-word passfile-canary-8
  tasks:
    - name: Say {{ file_secret }}
      command: {argv: [echo, "{{ all_secrets }}", "{{ file_secret | b64encode }} {{ inline_secret | urlencode }}"]}
      register: said
    - assert: {that: ["file_secret in said.stdout", "said.stdout.startswith(inline_secret ~ ' file-canary-2')"]}
    - copy: {content: "{{ all_secrets }} {{ host_name }}\n", dest: "{{ playbook_dir }}/written"}
      diff: true
    - copy: {src: key, dest: "{{ playbook_dir }}/written-key"}
      diff: true
    - command: echo {{ item }}
      loop: ["{{ file_secret }}", {a: "{{ inline_secret }}"}]
    - command: sh -c 'echo "{{ file_secret }}" >&2; exit 1'
      register: tried
      until: tried.rc == 0
      retries: 1
      delay: 0
      ignore_errors: true
    - file: {path: "/dev/null/{{ file_secret }}", state: directory}
      ignore_errors: true
    - fail: {msg: "{{ all_secrets }}"}
      ignore_errors: true
    - set_fact: {kept: "{{ all_secrets }}"}
    - debug: {msg: "{{ file_secret.nope }}"}
      ignore_errors: true
    - assert: {that: kept == 'x', fail_msg: "{{ kept }}"}
      ignore_errors: true
    - debug: {var: asked_for}
"#;

const CANARIES: [&str; 9] = [
    "inline-canary-",
    "file-canary-2",
    "deep-canary-3",
    "key-canary-4",
    "second-canary-5",
    "become-canary-6",
    "opening-word",
    "passfile-canary-8",
    // file-canary-2 in Base64
    "ZmlsZS1jYW5hcnkt",
];

fn play(arguments: &[&str], environment: &[(&str, &str)]) -> (Sandbox, Outcome) {
    let sandbox = Sandbox::new();
    for (name, text) in [("playbook.yml", PLAYBOOK), ("hosts", HOSTS), ("secret.yml", VARS), ("key", KEY)] {
        sandbox.write(name, text);
    }
    sandbox.write("vault-password", "opening-word\n");
    sandbox.write("become-password", "passfile-canary-8\n");
    let mut command = sandbox.command(ftl_tests::program::ftl_play());
    command.envs(environment.iter().copied()).env("ANSIBLE_LOG_PATH", "log").env("ANSIBLE_CALLBACKS_ENABLED", "junit");
    command.args([
        "-i",
        "hosts",
        "--vault-password-file",
        "vault-password",
        "--become-password-file",
        "become-password",
    ]);
    command.args(arguments).arg("playbook.yml");
    let outcome = sandbox.spawn(command).finish();
    outcome.expect_code(0);
    (sandbox, outcome)
}

/// Everything the run left for people to read, by name.
fn readable(sandbox: &Sandbox, outcome: &Outcome) -> Vec<(String, String)> {
    let mut found = vec![("stdout".into(), outcome.stdout.clone()), ("stderr".into(), outcome.stderr.clone())];
    found.push(("log".into(), sandbox.read("log")));
    let reports = std::fs::read_dir(sandbox.work().join(".ansible.log")).expect("junit's directory");
    found.extend(
        reports.flatten().map(|file| ("junit".into(), std::fs::read_to_string(file.path()).expect("a report"))),
    );
    assert!(found.len() == 4 && found.iter().all(|(name, text)| name == "stderr" || !text.is_empty()), "{found:?}");
    found
}

#[test]
fn secrets_are_used_and_not_shown() {
    for arguments in [&[][..], &["-v"], &["-vvv"], &["-vvvv", "--diff"]] {
        let (sandbox, outcome) = play(arguments, &[]);
        for (name, text) in readable(&sandbox, &outcome) {
            for canary in CANARIES {
                assert!(!text.contains(canary), "{canary} in {name} with {arguments:?}:\n{text}");
            }
            let asked_for = text.contains("asked-canary-7");
            assert_eq!(asked_for, name == "stdout", "what debug shows, in {name} with {arguments:?}:\n{text}");
        }
        outcome
            .expect_text("TASK [Say ********] ")
            .expect_text("(item=********)")
            .expect_text("ok: [web1.example.com]");
        let secrets = "inline-canary-\"1\" file-canary-2 deep-canary-3 become-canary-6 opening-word passfile-canary-8";
        assert_eq!(sandbox.read("written"), format!("{secrets} web1.example.com\n"));
        assert_eq!(sandbox.read("written-key"), "key-canary-4\nsecond-canary-5\n");
    }
}

#[test]
fn strict_compatibility_shows_what_ansible_shows() {
    let (_sandbox, outcome) = play(&["--diff"], &[("FTL_COMPAT", "strict")]);
    outcome.expect_text("TASK [Say file-canary-2] ").expect_text("+key-canary-4").expect_text("(item=file-canary-2)");
}

/// Runs a command on a terminal of its own, types Ctrl-C at its first question; prints whether the terminal echoed then and
/// does afterwards, and the exit code.
const INTERRUPT: &str = r#"
import fcntl, os, pty, sys, termios, time
master, slave = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
    os.execv(sys.argv[2], sys.argv[2:])
echoes = lambda: bool(termios.tcgetattr(slave)[3] & termios.ECHO)
text = b""
while sys.argv[1].encode() not in text:
    text += os.read(master, 1000)
deadline = time.time() + 20
while echoes() and time.time() < deadline:
    time.sleep(0.05)
asking = echoes()
os.write(master, b"\x03")
os.set_blocking(master, False)
while True:
    try:
        os.read(master, 1000)
    except BlockingIOError:
        time.sleep(0.05)
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
print(asking, echoes(), os.waitstatus_to_exitcode(status))
"#;

#[test]
fn a_question_that_is_interrupted_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.write("prompt.yml", "- hosts: all\n  vars_prompt: [{name: word, prompt: Say it}]\n  tasks: [debug: ]\n");
    for (question, option) in [("SSH password", "-k"), ("Say it", "-v"), ("Vault password (x)", "--vault-id=x@prompt")]
    {
        let mut command = sandbox.command(&ftl_tests::program::ansible().join("bin/python"));
        command.args(["-c", INTERRUPT, question]).arg(ftl_tests::program::ftl_play());
        command.args(["-i", "localhost,", "-c", "local", "prompt.yml", option]);
        let outcome = sandbox.spawn(command).within(60).finish();
        outcome.expect_code(0);
        assert_eq!(outcome.stdout, "False True 99\n", "{option}");
    }
}
