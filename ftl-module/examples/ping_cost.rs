//! What one `ping` costs: CPU of this process and of the gate with its children, per task.
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use ftl_core::port::ModuleRuntime;
use support::Lab;

/// The same, as user, system, children's user and system.
fn parts(pid: &str) -> Vec<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).map(|ticks| ticks * 10).collect()
}

/// CPU milliseconds of a process, with its reaped children; the clock ticks 100 times a second.
fn cpu(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10
}

fn own() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10
}

async fn gate_of(lab: &Lab, target: &ftl_core::call::Target) -> String {
    lab.write(
        "library/parent.py",
        "#!/usr/bin/python\nimport os\nfrom ansible.module_utils.basic import AnsibleModule\n\
        AnsibleModule({}).exit_json(pid=os.getppid())\n",
    );
    let answer = lab.run(target, "parent", &[]).await.unwrap_or_default();
    answer.result.get("pid").map(ftl_core::value::to_text).unwrap_or_default()
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout)]
async fn main() {
    let module = std::env::args().nth(1).unwrap_or_else(|| "ping".into());
    let count: u32 = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(500);
    let lab = Lab::new();
    let target = lab.local();
    for round in ["cold pack", "warm pack"] {
        let (begin, before) = (Instant::now(), own());
        let answer = lab.run(&target, "ping", &[]).await;
        let (took, own) = (begin.elapsed(), own() - before);
        let gate = cpu(&gate_of(&lab, &target).await);
        println!("{round}: {took:?}, own {own} ms, gate {gate} ms, ok {}", answer.is_ok());
        if round == "cold pack" {
            let _ = lab.runtime.reset(&target).await;
        }
    }
    let gate = gate_of(&lab, &target).await;
    println!("gate {gate}");
    let (begin, before, there) = (Instant::now(), own(), cpu(&gate));
    let args: &[(&str, ftl_core::Value)] = match module.as_str() {
        "stat" => &[("path", ftl_core::Value::Bool(true))],
        "command" => &[("_raw_params", ftl_core::Value::Bool(true))],
        _ => &[],
    };
    for _ in 0..count {
        let _ = lab.run(&target, &module, args).await;
    }
    println!("gate user, system, children's user, system: {:?} ms", parts(&gate));
    let each = |ms: u64| ms as f64 / f64::from(count);
    println!(
        "{module}: {:?} each; controller {:.3} ms, host {:.2} ms CPU each",
        begin.elapsed() / count,
        each(own() - before),
        each(cpu(&gate) - there)
    );
    lab.runtime.close().await;
}
