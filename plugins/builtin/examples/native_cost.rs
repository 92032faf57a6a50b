//! What a call of a native module costs: `cargo run --release -p ftl-builtin --example native_cost`.

use std::sync::Arc;
use std::time::Instant;

use ftl_sdk::{Host, Object, Settings, Value, json};

#[allow(clippy::print_stdout, clippy::unwrap_used)]
fn main() {
    let directory = std::env::temp_dir().join("ftl-native-cost");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("f");
    std::fs::write(&file, "hello\n").unwrap();
    let file = file.to_str().unwrap();
    let settings = Settings {
        environment: Arc::new(std::env::vars_os().collect()),
        cwd: directory.clone(),
        umask: 0o022,
        shell: "/bin/sh".into(),
        ..Settings::default()
    };
    for (name, args) in [
        ("ping", json!({})),
        ("file", json!({"path": file, "state": "file", "mode": "0644"})),
        ("stat", json!({"path": file, "get_mime": false, "get_attributes": false})),
        ("stat", json!({"path": file})),
        ("slurp", json!({"src": file})),
        ("lineinfile", json!({"path": file, "line": "hello", "regexp": "^h"})),
        ("copy", json!({"src": file, "dest": format!("{file}2"), "remote_src": true})),
        ("command", json!({"_raw_params": "true"})),
        ("command", json!({"_raw_params": "true", "_uses_shell": true})),
        ("setup", json!({"gather_subset": "!all"})),
        ("setup", json!({})),
    ] {
        let module = ftl_builtin::find(name).unwrap();
        let args: Object = args.as_object().cloned().unwrap();
        let runs = if matches!(name, "setup") { 10 } else { 200 };
        let start = Instant::now();
        for _ in 0..runs {
            let result = module.call(args.clone(), &Host::new(name, settings.clone()));
            assert_ne!(result.get("failed"), Some(&Value::Bool(true)), "{result:?}");
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(runs);
        println!("{name:12} {each:9.1} us  {}", Value::Object(args));
    }
    std::fs::remove_dir_all(&directory).ok();
}
