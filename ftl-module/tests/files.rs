//! Files through a gate, and other users behind sudo.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ftl_core::call::{Become, ExecRequest, FileRequest, Secret, Source, Target};
use ftl_core::port::ModuleRuntime;
use ftl_core::value::{Value, to_text};
use support::{Lab, text};

#[tokio::test]
async fn large_files_travel_in_pieces() {
    let lab = Lab::new();
    let target = lab.remote();
    let size = 100_000_000;
    let bytes: Vec<u8> = (0..size).map(|n: u32| (n.wrapping_mul(2654435761) >> 13) as u8).collect();
    let from = lab.write("from", &bytes);
    drop(bytes);
    let before = peak_memory();
    let there = lab.path("there").to_string_lossy().into_owned();
    lab.runtime.put(&target, Source::File(from.clone()), &there, 0o640).await.unwrap();
    let back = lab.path("back");
    let checksum = lab.runtime.get(&target, &there, &back).await.unwrap();
    assert!(peak_memory() - before < 40_000, "{} KiB", peak_memory() - before);
    let same = std::process::Command::new("cmp").args([&from, &back]).status().unwrap();
    assert!(same.success());
    assert_eq!(std::fs::metadata(&there).unwrap().permissions().mode() & 0o7777, 0o640);
    let stat = FileRequest::Stat { path: there.clone(), follow: true, checksum: true };
    let stat = lab.runtime.file(&target, stat).await.unwrap();
    assert_eq!(stat.get("checksum"), Some(Value::str(checksum)));
    assert_eq!(stat.get("size"), Some(Value::Int(i64::from(size))));
    lab.runtime.close().await;
}

/// The high-water mark of this process, in KiB.
fn peak_memory() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn small_work_on_files() {
    let lab = Lab::new();
    let target = lab.remote();
    let ask = async |request: FileRequest| lab.runtime.file(&target, request).await;
    let directory = to_text(&ask(FileRequest::TempDir).await.unwrap());
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let path = format!("{directory}/f");
    lab.runtime.put(&target, Source::Bytes(b"hello".as_slice().into()), &path, 0o600).await.unwrap();
    let stat = async |path: &str| {
        let request = FileRequest::Stat { path: path.into(), follow: false, checksum: true };
        lab.runtime.file(&target, request).await.unwrap()
    };
    let seen = stat(&path).await;
    assert_eq!(seen.get("mode"), Some(Value::str("0600")));
    assert_eq!(seen.get("checksum"), Some(Value::str("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")));
    ask(FileRequest::Chmod { path: path.clone(), mode: 0o4755 }).await.unwrap();
    assert_eq!(stat(&path).await.get("mode"), Some(Value::str("4755")));
    let walk = ask(FileRequest::Walk { path: directory.clone() }).await.unwrap();
    assert_eq!(ftl_core::value::repr(&walk), "[{'path': 'f', 'kind': 'file'}]");
    let home = ask(FileRequest::ExpandUser { path: "~/x".into() }).await.unwrap();
    assert!(to_text(&home).starts_with('/'));
    ask(FileRequest::Remove { path: directory.clone() }).await.unwrap();
    assert_eq!(ftl_core::value::repr(&stat(&directory).await), "{'exists': False}");
    let error = ask(FileRequest::Walk { path: directory }).await.unwrap_err().message();
    assert!(error.contains("No such file or directory"), "{error}");
    let missing = lab.path("no/such/file").to_string_lossy().into_owned();
    let put = lab.runtime.put(&target, Source::Bytes(b"x".as_slice().into()), &missing, 0o600).await.unwrap_err();
    assert!(put.message().contains("No such file or directory"), "{}", put.message());
    let back = lab.path("back");
    let get = lab.runtime.get(&target, &missing, &back).await.unwrap_err();
    assert!(get.message().contains("No such file or directory"), "{}", get.message());
    assert!(!back.exists());
    lab.runtime.close().await;
}

fn becoming(lab: &Lab, exe: Option<String>, password: Option<&str>) -> Target {
    let wanted =
        Become { method: "sudo".into(), user: "nobody".into(), password: password.map(Secret::new), exe, flags: None };
    Target { become_as: Some(wanted), ..lab.local() }
}

/// Needs to run as root (or with a rule for nobody in sudoers).
#[tokio::test]
async fn sudo_starts_a_gate_for_another_user() {
    let lab = Lab::new();
    lab.write(
        "library/me.py",
        "#!/usr/bin/python\nimport os\nfrom ansible.module_utils.basic import AnsibleModule\n\
        m = AnsibleModule({})\nm.exit_json(uid=os.getuid(), home=os.environ['HOME'], user=os.environ['SUDO_USER'])\n",
    );
    let target = becoming(&lab, None, None);
    let nobody =
        String::from_utf8(std::process::Command::new("id").args(["-u", "nobody"]).output().unwrap().stdout).unwrap();
    let answer = lab.run(&target, "me", &[]).await.unwrap();
    assert_eq!(answer.result.get("uid").map(to_text).as_deref(), Some(nobody.trim()), "{answer:?}");
    assert_eq!(text(&answer.result, "user"), "root");
    let request = ExecRequest {
        command: "id -u; echo $V; cat; exit 3".into(),
        stdin: b"in".to_vec(),
        environment: vec![("V".into(), "a b".into())],
        ..ExecRequest::default()
    };
    let output = lab.runtime.exec(&target, request).await.unwrap();
    assert_eq!((output.rc, String::from_utf8(output.stdout).unwrap()), (3, format!("{}\na b\nin", nobody.trim())));
    lab.runtime.close().await;
    assert!(support::gone("FTLxNOBODY", Duration::from_secs(1)).await);
}

#[tokio::test]
async fn other_users_share_the_only_channel() {
    let lab = Lab::new();
    lab.single.store(true, std::sync::atomic::Ordering::Relaxed);
    lab.run(&lab.local(), "ping", &[]).await.unwrap();
    let target = becoming(&lab, None, None);
    for _ in 0..3 {
        assert_eq!(text(&lab.run(&target, "ping", &[]).await.unwrap().result, "ping"), "pong");
    }
    let bytes: Vec<u8> = vec![b'x'; 5_000_000];
    let there = lab.path("tunnelled");
    std::fs::create_dir(&there).unwrap();
    std::fs::set_permissions(&there, PermissionsExt::from_mode(0o777)).unwrap();
    let file = there.join("f").to_string_lossy().into_owned();
    lab.runtime.put(&target, Source::Bytes(bytes.into()), &file, 0o600).await.unwrap();
    let back = lab.path("back");
    lab.runtime.get(&target, &file, &back).await.unwrap();
    assert_eq!(std::fs::metadata(&back).unwrap().len(), 5_000_000);
    lab.runtime.close().await;
}

/// A sudo that asks as the real one does, and knows one password.
const FAKE_SUDO: &str = r#"#!/bin/bash
prompt=
while [ $# -gt 0 ]; do
  case "$1" in
    -p) prompt=$2; shift 2;;
    -u) shift 2;;
    -n) echo "sudo: a password is required" >&2; exit 1;;
    -*) shift;;
    *) break;;
  esac
done
for try in 1 2 3; do
  printf '%s' "$prompt" >&2
  IFS= read -r answer || { echo "sudo: no password was provided" >&2; exit 1; }
  [ "$answer" = geheim ] && exec "$@"
  echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2
exit 1
"#;

#[tokio::test]
async fn sudo_gets_its_password_once_and_only_when_it_asks() {
    let lab = Lab::new();
    let sudo = lab.write("sudo", FAKE_SUDO);
    std::fs::set_permissions(&sudo, PermissionsExt::from_mode(0o755)).unwrap();
    let sudo = sudo.to_string_lossy().into_owned();
    let run = async |password: Option<&str>| lab.run(&becoming(&lab, Some(sudo.clone()), password), "ping", &[]).await;
    assert_eq!(text(&run(Some("geheim")).await.unwrap().result, "ping"), "pong");
    assert_eq!(run(Some("falsch")).await.unwrap_err().message(), "Incorrect sudo password");
    assert_eq!(run(None).await.unwrap_err().message(), "Missing sudo password");
    let exec = async |password: Option<&str>| {
        let target = becoming(&lab, Some(sudo.clone()), password);
        let request = ExecRequest { command: "echo out; echo err >&2; exit 4".into(), ..ExecRequest::default() };
        lab.runtime.exec(&target, request).await
    };
    let output = exec(Some("geheim")).await.unwrap();
    assert_eq!((output.rc, output.stdout, output.stderr), (4, b"out\n".to_vec(), b"err\n".to_vec()));
    assert_eq!(exec(Some("falsch")).await.unwrap_err().message(), "Incorrect sudo password");
    assert_eq!(exec(None).await.unwrap_err().message(), "Missing sudo password");
    lab.runtime.close().await;
}

#[tokio::test]
async fn scripts_reach_hosts_without_python() {
    let lab = Lab::new();
    let target = Target { interpreter: ftl_core::call::Interpreter::Path("/nope/python".into()), ..lab.remote() };
    let directory = to_text(&lab.runtime.file(&target, FileRequest::TempDir).await.unwrap());
    let path = format!("{directory}/a b");
    lab.runtime.put(&target, Source::Bytes(b"echo hi\n".as_slice().into()), &path, 0o700).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read(&path).unwrap(), b"echo hi\n");
    lab.runtime.file(&target, FileRequest::Remove { path: directory.clone() }).await.unwrap();
    assert!(!std::path::Path::new(&directory).exists());
    let stat = FileRequest::Stat { path, follow: true, checksum: false };
    let error = lab.runtime.file(&target, stat).await.unwrap_err().message();
    assert_eq!(error, "The module interpreter '/nope/python' was not found.");
    lab.runtime.close().await;
}
