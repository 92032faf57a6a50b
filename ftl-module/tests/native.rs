//! Native modules answer as Ansible's do, and run only where they may.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ftl_core::call::{Become, ModuleOptions, Target};
use ftl_core::port::ModuleRuntime;
use ftl_core::result::HostError;
use ftl_core::value::{Map, Value, repr};
use ftl_module::BuiltinModules;
use support::Lab;

fn natives() -> Arc<BuiltinModules> {
    let environment: BTreeMap<_, _> = std::env::vars_os().collect();
    Arc::new(BuiltinModules::new(environment, std::env::current_dir().unwrap(), 0o022))
}

/// What both must agree on: all but times.
fn stable(result: &Map) -> String {
    let mut result = result.clone();
    for key in ["start", "end", "delta"] {
        result.remove(key);
    }
    if let Some(stat) = result.get("stat").and_then(Value::as_map) {
        let mut stat = (*stat).clone();
        stat.remove("atime");
        result.insert("stat", stat);
    }
    repr(&Value::dict(result))
}

#[tokio::test]
async fn natives_answer_as_ansibles_modules() {
    let lab = Lab::with_natives(natives());
    let file = lab.write("f", "hello\n").to_string_lossy().into_owned();
    let text = |text: &str| Value::str(text);
    let calls: Vec<(&str, Vec<(&str, Value)>)> = vec![
        ("ping", vec![("data", text("x"))]),
        ("slurp", vec![("src", text(&file))]),
        ("stat", vec![("path", text(&file)), ("get_mime", false.into()), ("get_attributes", false.into())]),
        ("command", vec![("_raw_params", text("echo a b")), ("_uses_shell", false.into())]),
        ("command", vec![("_raw_params", text("echo $HOME; exit 3")), ("_uses_shell", true.into())]),
    ];
    for (name, args) in calls {
        let mut answers = Vec::new();
        for native in ["off", "auto"] {
            let mut call = lab.call(name, &args);
            call.options = Arc::new(ModuleOptions { native: native.into(), ..ModuleOptions::default() });
            assert!(call.module.native);
            answers.push(stable(&lab.runtime.run(&lab.local(), call).await.unwrap().result));
        }
        assert_eq!(answers[1], answers[0], "{name}");
    }
    lab.runtime.close().await;
}

#[tokio::test]
async fn natives_need_no_gate_and_serve_this_user_only() {
    let lab = Lab::with_natives(natives());
    let run = async |target: &Target, args: &[(&str, Value)]| {
        let mut call = lab.call("ping", args);
        call.options = Arc::new(ModuleOptions { native: "auto".into(), ..ModuleOptions::default() });
        lab.runtime.run(target, call).await.unwrap()
    };
    let started = || lab.opened.load(Ordering::Relaxed);
    run(&lab.local(), &[]).await;
    assert_eq!(started(), 0);
    // Unknown arguments are for Ansible's module to refuse.
    run(&lab.local(), &[("nonsense", true.into())]).await;
    assert_eq!(started(), 1);
    let nobody = Become { method: "sudo".into(), user: "nobody".into(), password: None, exe: None, flags: None };
    run(&Target { become_as: Some(nobody), ..lab.local() }, &[]).await;
    assert_eq!(started(), 2);
    run(&lab.remote(), &[]).await;
    assert_eq!(started(), 3);
    lab.runtime.close().await;
}

#[tokio::test]
async fn a_timeout_ends_what_a_native_module_started() {
    let lab = Lab::with_natives(natives());
    let mark = format!("ftl-native-{}", std::process::id());
    let args = [("_raw_params", Value::str(format!("FTLMARK={mark} sleep 60"))), ("_uses_shell", true.into())];
    let mut call = lab.call("command", &args);
    call.options = Arc::new(ModuleOptions { native: "auto".into(), ..ModuleOptions::default() });
    call.timeout = Some(Duration::from_secs(1));
    let begin = Instant::now();
    let error = lab.runtime.run(&lab.local(), call).await.unwrap_err();
    assert!(matches!(error, HostError::TimedOut { seconds: 1 }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(support::gone(&mark, Duration::from_secs(4)).await, "{:?}", support::processes(&mark));
    assert_eq!(lab.opened.load(Ordering::Relaxed), 0);
}
