//! Modules through the real Python gate, over a pipe.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ftl_core::call::{Background, Discovery, Interpreter, ModuleAnswer, Target};
use ftl_core::port::ModuleRuntime;
use ftl_core::result::HostError;
use ftl_core::value::{Value, repr};
use support::{Lab, gone, processes, text};

fn shown(answer: ModuleAnswer) -> String {
    repr(&Value::dict(answer.result))
}

/// A new-style module with this body of `main`.
fn new_style(body: &str) -> String {
    let body = body.replace('\n', "\n    ");
    format!(
        "#!/usr/bin/python\nimport os, sys, time\nfrom ansible.module_utils.basic import AnsibleModule\n\n\n\
         def main():\n    m = AnsibleModule(dict(x=dict()), supports_check_mode=True)\n    {body}\n\n\n\
         if __name__ == '__main__':\n    main()\n"
    )
}

#[tokio::test]
async fn ping_locally_and_with_packs() {
    let lab = Lab::new();
    for target in [lab.local(), lab.remote()] {
        let answer = lab.run(&target, "ping", &[("data", Value::str("hé"))]).await.unwrap();
        assert_eq!(shown(answer), "{'ping': 'hé', 'invocation': {'module_args': {'data': 'hé'}}}");
    }
    lab.runtime.close().await;
    // Nothing stays on the host but the pack.
    let left: Vec<_> = std::fs::read_dir(lab.path("remote")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].to_string_lossy().starts_with("ftl-packs-"));
}

#[tokio::test]
async fn every_kind_of_module() {
    let lab = Lab::new();
    lab.write(
        "library/old.sh",
        "#!/bin/sh\n. \"$1\"\necho \"{\\\"x\\\": \\\"$x\\\", \\\"v\\\": \\\"$_ansible_version\\\"}\"\n",
    );
    lab.write(
        "library/want.py",
        "#!/usr/bin/python\n# WANT_JSON\nimport json, sys\na = json.load(open(sys.argv[1]))\nprint('noise')\n\
         print(json.dumps({'x': a['x'], 'name': a['_ansible_module_name']}))\nprint('tail')\n",
    );
    lab.write("library/subst.sh", "#!/bin/sh\ncat <<'END'\n{\"got\": <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>}\nEND\n");
    lab.write("library/fresh.py", new_style("m.exit_json(x=m.params['x'], fqn=sys.modules['__main__']._module_fqn)"));
    lab.write("library/bare.py", "print('{}')\n");
    let source = lab.write(
        "bin.c",
        "#include <stdio.h>\nint main(int c, char **v) { char b[99]; FILE *f = fopen(v[1], \"r\"); \
        fgets(b, 9, f); printf(\"{\\\"first\\\": \\\"%.1s\\\", \\\"argc\\\": %d}\\n\", b, c); return 0; }\n",
    );
    let compiled = std::process::Command::new("cc").arg(&source).arg("-o").arg(lab.path("library/bin")).status();
    assert!(compiled.unwrap().success());
    let target = lab.remote();
    let x = [("x", Value::str("a b"))];
    let run = async |module: &str| lab.run(&target, module, &x).await.unwrap();
    assert_eq!(shown(run("old").await), "{'x': 'a b', 'v': '2.19.14'}");
    let want = run("want").await;
    assert_eq!(want.warnings, ["Module invocation had junk after the JSON data: tail"]);
    assert_eq!(shown(want), "{'x': 'a b', 'name': 'want'}");
    let subst = run("subst").await;
    assert_eq!(subst.result.get("got").and_then(|got| got.get("x")), Some(Value::str("a b")));
    assert_eq!(
        shown(run("fresh").await),
        "{'x': 'a b', 'fqn': 'ansible.legacy.fresh', 'invocation': {'module_args': {'x': 'a b'}}}"
    );
    assert_eq!(shown(run("bin").await), "{'first': '{', 'argc': 2}");
    let bare = run("bare").await;
    assert_eq!(text(&bare.result, "msg"), "Task failed: module (bare) is missing interpreter line");
    lab.runtime.close().await;
}

#[tokio::test]
async fn what_a_module_changes_does_not_reach_the_next() {
    let lab = Lab::new();
    let target = lab.local();
    lab.write(
        "library/dirty.py",
        new_style(
            "os.environ['DIRT'] = '1'; os.chdir('/'); os.umask(0); m._name = 1; AnsibleModule.dirt = 1\nm.exit_json()",
        ),
    );
    lab.write(
        "library/clean.py",
        new_style(
            "mask = os.umask(0)\nm.exit_json(env=os.environ.get('DIRT'), dirt=hasattr(AnsibleModule, 'dirt'), \
             mask=mask, stdin=sys.stdin.read(), cwd=os.getcwd() == '/', tz=time.tzname[0], \
             mine=os.environ.get('MINE'), files=sorted(int(f) for f in os.listdir('/proc/self/fd'))[:4])",
        ),
    );
    lab.run(&target, "dirty", &[]).await.unwrap();
    let mut call = lab.call("clean", &[]);
    call.environment = vec![("MINE".into(), "é".into()), ("TZ".into(), "XYZ-3".into())];
    let answer = lab.runtime.run(&target, call).await.unwrap();
    let mask = std::process::Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
    let mask = i64::from_str_radix(String::from_utf8(mask).unwrap().trim(), 8).unwrap();
    let expected = format!(
        "{{'env': None, 'dirt': False, 'mask': {mask}, 'stdin': '', 'cwd': False, 'tz': 'XYZ', 'mine': 'é', 'files': [0, 1, 2, \
         3], 'invocation': {{'module_args': {{'x': None}}}}}}"
    );
    assert_eq!(shown(answer), expected);
    lab.runtime.close().await;
}

#[tokio::test]
async fn variables_only_read_at_start_get_a_new_python() {
    let lab = Lab::new();
    lab.write(
        "library/locale.py",
        new_style("m.exit_json(hash=sys.flags.hash_randomization, path='/nowhere' in sys.path)"),
    );
    let mut call = lab.call("locale", &[]);
    call.environment = vec![("PYTHONHASHSEED".into(), "0".into()), ("PYTHONPATH".into(), "/nowhere".into())];
    let answer = lab.runtime.run(&lab.local(), call).await.unwrap();
    assert_eq!(shown(answer), "{'hash': 0, 'path': True, 'invocation': {'module_args': {'x': None}}}");
    lab.runtime.close().await;
}

#[tokio::test]
async fn collections_bring_their_module_utils() {
    let lab = Lab::new();
    let base = "collections/ansible_collections/a/b/plugins";
    lab.write(
        &format!("{base}/modules/deep/one.py"),
        "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nfrom ...module_utils.sub.near import NEAR\n\
         from ansible_collections.a.b.plugins.module_utils.moved import FAR\n\
         try:\n    from ansible_collections.a.b.plugins.module_utils.missing import X\nexcept ImportError:\n    X = None\n\
         m = AnsibleModule({})\nm.exit_json(near=NEAR, far=FAR, x=X, name=__name__)\n",
    );
    lab.write(&format!("{base}/module_utils/sub/__init__.py"), "");
    lab.write(&format!("{base}/module_utils/sub/near.py"), "from .nearer import NEAR\n");
    lab.write(&format!("{base}/module_utils/sub/nearer.py"), "NEAR = 'near'\n");
    lab.write(
        "collections/ansible_collections/a/b/meta/runtime.yml",
        "plugin_routing:\n  module_utils:\n    moved:\n      redirect: c.d.place\n",
    );
    lab.write("collections/ansible_collections/c/d/plugins/module_utils/place.py", "FAR = 'far'\n");
    for target in [lab.local(), lab.remote()] {
        let answer = lab.run(&target, "a.b.deep.one", &[]).await.unwrap();
        let expected =
            "{'near': 'near', 'far': 'far', 'x': None, 'name': '__main__', 'invocation': {'module_args': {}}}";
        assert_eq!(shown(answer), expected);
    }
    lab.write(
        &format!("{base}/modules/lost.py"),
        "#!/usr/bin/python\nfrom ansible_collections.a.b.plugins.module_utils.gone import x\n",
    );
    let answer = lab.run(&lab.local(), "a.b.lost", &[]).await.unwrap();
    assert!(
        text(&answer.result, "msg").contains("Could not find imported module support code for ansible_collections.a.b")
    );
    lab.runtime.close().await;
}

#[tokio::test]
async fn module_utils_of_a_playbook_add_and_replace() {
    let mut lab = Lab::new();
    lab.write(
        "library/user.py",
        new_style(
            "from ansible.module_utils.extra import E\nfrom ansible.module_utils.common.more import M\n\
        m.exit_json(e=E, more=M, marked=hasattr(AnsibleModule, 'marked'))",
        ),
    );
    lab.write("add/extra.py", "E = 'extra'\n");
    lab.write("add/common/more.py", "M = 'more'\n");
    lab.search.module_utils = vec![lab.path("add")];
    let expected = |marked| {
        format!("{{'e': 'extra', 'more': 'more', 'marked': {marked}, 'invocation': {{'module_args': {{'x': None}}}}}}")
    };
    assert_eq!(shown(lab.run(&lab.local(), "user", &[]).await.unwrap()), expected("False"));
    let basic = std::fs::read_to_string(support::ansible().join("ansible/module_utils/basic.py")).unwrap();
    lab.write("replace/basic.py", format!("{basic}\nAnsibleModule.marked = True\n"));
    lab.search.module_utils.push(lab.path("replace"));
    assert_eq!(shown(lab.run(&lab.local(), "user", &[]).await.unwrap()), expected("True"));
    assert_eq!(
        shown(lab.run(&lab.local(), "ping", &[]).await.unwrap()),
        "{'ping': 'pong', 'invocation': {'module_args': {'data': 'pong'}}}"
    );
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_module_may_continue_in_another_python() {
    let lab = Lab::new();
    let base = "collections/ansible_collections/a/b/plugins";
    lab.write(
        &format!("{base}/modules/again.py"),
        "#!/usr/bin/python\nimport sys\nfrom ansible.module_utils.basic import AnsibleModule\n\
         from ansible.module_utils.common.respawn import has_respawned, respawn_module, probe_interpreters_for_module\n\
         from ansible_collections.a.b.plugins.module_utils.u import U\nm = AnsibleModule(dict(x=dict()))\n\
         if not has_respawned():\n    respawn_module(probe_interpreters_for_module(['/usr/bin/python3'], 'json'))\n\
         m.exit_json(u=U, x=m.params['x'], again=has_respawned())\n",
    );
    lab.write(&format!("{base}/module_utils/u.py"), "U = 1\n");
    for target in [lab.local(), lab.remote()] {
        let answer = lab.run(&target, "a.b.again", &[("x", Value::str("y"))]).await.unwrap();
        assert_eq!(shown(answer), "{'u': 1, 'x': 'y', 'again': True, 'invocation': {'module_args': {'x': 'y'}}}");
    }
    lab.runtime.close().await;
}

#[tokio::test]
async fn failures_and_warnings_arrive_plain() {
    let lab = Lab::new();
    lab.write(
        "library/fails.py",
        new_style(
            "m.warn('careful'); m.deprecate('old', version='2.99')\n\
        try:\n    1 / 0\nexcept Exception as e:\n    m.fail_json(msg='it failed', exception=e)",
        ),
    );
    lab.write("library/raises.py", new_style("raise ValueError('boom')"));
    lab.write("library/dies.py", new_style("os.kill(os.getpid(), 11)"));
    let target = lab.local();
    let answer = lab.run(&target, "fails", &[]).await.unwrap();
    assert_eq!(answer.warnings, ["careful"]);
    assert_eq!(
        repr(&Value::dict(answer.deprecations[0].clone())),
        "{'msg': 'old', 'collection_name': 'ansible.legacy', 'version': '2.99', \
         'deprecator': {'resolved_name': 'ansible.legacy.fails', 'type': 'module'}}"
    );
    assert!(answer.exception.is_some());
    assert_eq!(text(&answer.result, "msg"), "it failed");
    assert_eq!(text(&lab.run(&target, "raises", &[]).await.unwrap().result, "msg"), "Task failed: Module failed: boom");
    let died = lab.run(&target, "dies", &[]).await.unwrap();
    assert_eq!(died.result.get("rc"), Some(&Value::Int(139)));
    assert!(text(&died.result, "module_stderr").contains("terminated by signal 11"));
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_timeout_ends_everything() {
    let lab = Lab::new();
    lab.write("library/stubborn.py", new_style("import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        os.environ['FTLMARK'] = m.params['x']\nsubprocess.call(['sh', '-c', 'trap \"\" TERM; while :; do sleep 1; done'])"));
    let mark = format!("ftl-timeout-{}", std::process::id());
    let mut call = lab.call("stubborn", &[("x", Value::str(mark.as_str()))]);
    call.timeout = Some(Duration::from_secs(1));
    let begin = Instant::now();
    let error = lab.runtime.run(&lab.local(), call).await.unwrap_err();
    assert!(matches!(error, HostError::TimedOut { seconds: 1 }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
    assert!(gone(&mark, Duration::from_secs(3)).await, "{:?}", processes(&mark));
    assert!(lab.run(&lab.local(), "ping", &[]).await.is_ok());
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_gate_without_controller_leaves_nothing() {
    let lab = Lab::new();
    lab.write("library/waits.sh", "#!/bin/sh\nFTLMARK=$(cut -c1-40 \"$0\") exec sleep 60\n");
    let target = lab.remote();
    let mark = lab.path("remote").to_string_lossy().into_owned();
    let run = tokio::time::timeout(Duration::from_secs(2), lab.run(&target, "waits", &[])).await;
    assert!(run.is_err());
    let Lab { directory, runtime, .. } = lab;
    drop(runtime);
    assert!(gone(&mark, Duration::from_secs(5)).await, "{:?}", processes(&mark));
    let left = || std::fs::read_dir(directory.path().join("remote")).unwrap().flatten().map(|e| e.file_name());
    let until = Instant::now() + Duration::from_secs(3);
    while left().any(|name| !name.to_string_lossy().starts_with("ftl-packs")) {
        assert!(Instant::now() < until, "{:?}", left().collect::<Vec<_>>());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_killed_gate_is_replaced_and_its_tasks_end() {
    let lab = Lab::new();
    let mark = format!("ftl-killed-{}", std::process::id());
    lab.write(
        "library/killer.py",
        new_style(
            "import signal, subprocess\nos.environ['FTLMARK'] = m.params['x']\n\
        os.kill(os.getppid(), signal.SIGKILL)\nsubprocess.call(['sleep', '60'])",
        ),
    );
    let target = lab.local();
    let error = lab.run(&target, "killer", &[("x", Value::str(mark.as_str()))]).await.unwrap_err();
    assert!(matches!(&error, HostError::Failed { message, .. } if message.contains("not known")), "{error:?}");
    assert!(gone(&mark, Duration::from_secs(4)).await, "{:?}", processes(&mark));
    assert!(lab.run(&target, "ping", &[]).await.is_ok());
    lab.runtime.close().await;
}

#[tokio::test]
async fn too_much_output_is_a_clean_failure() {
    let lab = Lab::new();
    lab.write("library/floods.sh", "#!/bin/sh\nexec head -c 200000000 /dev/zero\n");
    lab.write("library/noisy.sh", "#!/bin/sh\nhead -c 50000000 /dev/zero >&2\necho end >&2\necho '{\"a\": 1}'\n");
    let begin = Instant::now();
    let answer = lab.run(&lab.local(), "floods", &[]).await.unwrap();
    assert_eq!(
        text(&answer.result, "msg"),
        "The module printed more than 64 MiB and was ended; nothing of it was used."
    );
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert_eq!(shown(lab.run(&lab.local(), "noisy", &[]).await.unwrap()), "{'a': 1}");
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_daemon_that_keeps_the_pipes_does_not_hold_the_task() {
    let lab = Lab::new();
    let mark = format!("ftl-daemon-{}", std::process::id());
    lab.write("library/leaves.sh", format!("#!/bin/sh\nFTLMARK={mark} sleep 20 &\necho '{{\"a\": 1}}'\n"));
    let begin = Instant::now();
    assert_eq!(shown(lab.run(&lab.local(), "leaves", &[]).await.unwrap()), "{'a': 1}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let alive = processes(&mark);
    assert_eq!(alive.len(), 1, "{alive:?}");
    lab.runtime.close().await;
    assert_eq!(processes(&mark), alive);
    std::process::Command::new("kill").arg(alive[0].to_string()).status().unwrap();
}

#[tokio::test]
async fn jobs_in_the_background_are_those_of_async_wrapper() {
    let lab = Lab::new();
    lab.write(
        "library/slow.py",
        new_style("time.sleep(float(m.params['x']))\nprint('junk')\nm.exit_json(changed=False, done=1)"),
    );
    lab.write("library/slow_old.sh", "#!/bin/sh\n. \"$1\"\nsleep $x\necho '{\"done\": 2}'\n");
    let target = lab.remote();
    let jobs = lab.path("jobs").to_string_lossy().into_owned();
    let start = async |module: &str, x: &str, limit: u64| {
        let mut call = lab.call(module, &[("x", Value::str(x))]);
        call.background = Some(Background { limit: Duration::from_secs(limit), directory: jobs.clone() });
        lab.runtime.run(&target, call).await.unwrap()
    };
    let status = async |job: &str| {
        let args = [("jid", Value::str(job)), ("_async_dir", Value::str(jobs.as_str()))];
        lab.run(&target, "async_status", &args).await.unwrap()
    };
    let first = start("slow", "1", 30).await;
    let job = text(&first.result, "ansible_job_id").to_owned();
    let file = format!("{jobs}/{job}");
    assert_eq!(
        shown(first),
        format!(
            "{{'failed': False, 'started': True, 'finished': False, 'ansible_job_id': '{job}', 'results_file': '{file}', \
             'changed': True}}"
        )
    );
    let running = status(&job).await;
    assert_eq!(running.result.get("finished"), Some(&Value::Bool(false)), "{running:?}");
    let mode =
        |path: &str| std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777;
    assert_eq!((mode(&file), mode(&jobs)), (0o600, 0o700));
    let late = start("slow", "30", 1).await;
    let old = start("slow_old", "0.1", 30).await;
    // They outlive the gate.
    lab.runtime.reset(&target).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3000)).await;
    let done = status(&job).await;
    assert_eq!(done.result.get("done"), Some(&Value::Int(1)), "{done:?}");
    assert_eq!(done.result.get("finished"), Some(&Value::Bool(true)), "{done:?}");
    let late = status(text(&late.result, "ansible_job_id")).await;
    assert_eq!(text(&late.result, "msg"), "Timeout exceeded");
    let old = status(text(&old.result, "ansible_job_id")).await;
    assert_eq!(old.result.get("done"), Some(&Value::Int(2)), "{old:?}");
    let left: Vec<_> = std::fs::read_dir(&jobs).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
    lab.runtime.close().await;
}

#[tokio::test]
async fn fifty_at_once_share_one_gate() {
    let lab = Lab::new();
    lab.write("library/naps.py", new_style("time.sleep(0.5)\nm.exit_json(x=m.params['x'])"));
    let targets: Vec<Target> = (0..50).map(|n| Target { host: format!("h{n}").into(), ..lab.local() }).collect();
    lab.run(&targets[0], "ping", &[]).await.unwrap();
    let begin = Instant::now();
    let args: Vec<_> = (0..50).map(|n| [("x", Value::str(n.to_string()))]).collect();
    let runs = targets.iter().zip(&args).map(|(target, args)| lab.run(target, "naps", args));
    for (n, answer) in futures::future::join_all(runs).await.into_iter().enumerate() {
        assert_eq!(text(&answer.unwrap().result, "x"), n.to_string());
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(lab.opened.load(Ordering::Relaxed), 1);
    lab.runtime.close().await;
}

#[tokio::test]
async fn the_python_is_discovered_once_per_host() {
    let lab = Lab::new();
    let discover = |silent| {
        let discovery = Discovery::new(if silent { "auto_silent" } else { "auto" });
        Target { interpreter: Interpreter::Discover(Arc::new(discovery)), ..lab.local() }
    };
    let first = lab.run(&discover(false), "ping", &[]).await.unwrap();
    let path = first.discovered_interpreter.unwrap();
    // Two where the first Python found does not start.
    let opened = lab.opened.load(Ordering::Relaxed);
    assert!(path.starts_with('/') && path.contains("python3"), "{path}");
    let expected = format!(
        "Host 'localhost' is using the discovered Python interpreter at '{path}', but future installation of another Python \
         interpreter could cause a different interpreter to be discovered. See \
         https://docs.ansible.com/ansible-core/2.19/reference_appendices/interpreter_discovery.html for more information."
    );
    assert_eq!(first.warnings, [expected]);
    assert_eq!(lab.run(&discover(false), "ping", &[]).await.unwrap().discovered_interpreter.as_ref(), Some(&path));
    let other = Target { host: "other".into(), ..discover(true) };
    let other = lab.run(&other, "ping", &[]).await.unwrap();
    assert_eq!((other.discovered_interpreter, other.warnings.len()), (Some(path.clone()), 0));
    let known = Target { interpreter: Interpreter::Path(path), ..lab.local() };
    lab.run(&known, "ping", &[]).await.unwrap();
    assert_eq!(lab.opened.load(Ordering::Relaxed), opened);
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_missing_or_old_python_is_named() {
    let lab = Lab::new();
    let with = |path: String| Target { interpreter: Interpreter::Path(path), ..lab.local() };
    for path in ["/nope/python", "nope", "/bin/sh -e"] {
        let answer = lab.run(&with(path.into()), "ping", &[]).await.unwrap();
        assert!(answer.unanswered);
        assert_eq!(text(&answer.result, "msg"), format!("The module interpreter '{path}' was not found."));
        assert_eq!(text(&answer.result, "module_stderr"), format!("/bin/sh: 1: {path}: not found\n"));
        assert_eq!(answer.result.get("rc"), Some(&Value::Int(127)));
    }
    let old = lab.write("old one", "#!/bin/sh\necho \"$3 2.7.18 $6\"\n");
    let broken = lab.write("broken", "#!/bin/sh\necho oops >&2\nexit 1\n");
    for path in [&old, &broken] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let old = lab.run(&with(old.to_string_lossy().into()), "ping", &[]).await.unwrap();
    let message = text(&old.result, "msg");
    assert!(message.contains("has version 2.7.18, but modules need 3.8 or newer"), "{message}");
    let broken = lab.run(&with(broken.to_string_lossy().into()), "ping", &[]).await.unwrap();
    assert_eq!(text(&broken.result, "msg"), "Module result deserialization failed: No start of json char found");
    assert_eq!(text(&broken.result, "module_stderr"), "oops\n");
    lab.runtime.close().await;
}
