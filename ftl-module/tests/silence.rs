//! Ends that stop speaking: both sides notice by the clock. These tests take as long as the protocol says (30 s).

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ftl_core::port::ModuleRuntime;
use ftl_core::result::HostError;
use ftl_core::value::Value;
use support::{Lab, gone, processes};

/// A module that marks its processes and waits.
fn waits(lab: &Lab, mark: &str) {
    lab.write("library/waits.sh", format!("#!/bin/sh\nFTLMARK={mark} sleep 120\n"));
}

#[tokio::test]
async fn a_gate_ends_its_tasks_when_nobody_speaks_to_it() {
    let lab = Lab::new();
    let mark = format!("ftl-lease-{}", std::process::id());
    waits(&lab, &mark);
    let target = lab.remote();
    lab.run(&target, "ping", &[]).await.unwrap();
    let run = lab.run(&target, "waits", &[]);
    tokio::pin!(run);
    assert!(tokio::time::timeout(Duration::from_secs(3), &mut run).await.is_err());
    assert!(!processes(&mark).is_empty());
    lab.mute.store(true, Ordering::Relaxed);
    let begin = Instant::now();
    let error = run.await.unwrap_err();
    assert!((20..40).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert!(matches!(error, HostError::Failed { .. }), "{error:?}");
    assert!(gone(&mark, Duration::from_secs(5)).await, "{:?}", processes(&mark));
}

#[tokio::test]
async fn a_gate_that_hangs_is_given_up() {
    let lab = Lab::new();
    let mark = format!("ftl-hangs-{}", std::process::id());
    waits(&lab, &mark);
    lab.write(
        "library/parent.py",
        "#!/usr/bin/python\nimport os\nfrom ansible.module_utils.basic import AnsibleModule\n\
         AnsibleModule({}).exit_json(pid=os.getppid())\n",
    );
    let target = lab.remote();
    let parent = lab.run(&target, "parent", &[]).await.unwrap().result;
    let pid = parent.get("pid").and_then(Value::as_int).unwrap().to_string();
    let signal = |name: &str| std::process::Command::new("kill").args([name, &pid]).status().unwrap();
    let run = lab.run(&target, "waits", &[]);
    tokio::pin!(run);
    assert!(tokio::time::timeout(Duration::from_secs(3), &mut run).await.is_err());
    signal("-STOP");
    let begin = Instant::now();
    let error = run.await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(45), "{:?}", begin.elapsed());
    assert!(matches!(&error, HostError::Lost { message } if message.contains("did not answer")), "{error:?}");
    // The next task gets a gate that works.
    lab.run(&target, "ping", &[]).await.unwrap();
    assert!(gone(&mark, Duration::from_secs(6)).await, "{:?}", processes(&mark));
    lab.runtime.close().await;
}
