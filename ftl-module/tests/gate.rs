//! Modules through the real Python gate, over a pipe.

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ftl_core::call::Interpreter;
use ftl_core::port::ModuleRuntime;
use ftl_core::result::HostError;
use ftl_core::value::{Value, repr};
use support::{Lab, gone, processes, text};

#[tokio::test]
async fn ping_locally_and_with_packs() {
    let lab = Lab::new();
    for target in [lab.local(), lab.remote()] {
        let answer = lab.run(&target, "ping", &[("data", Value::str("hé"))]).await.unwrap();
        let expected = "{'ping': 'hé', 'invocation': {'module_args': {'data': 'hé'}}}";
        assert_eq!(repr(&Value::dict(answer.result)), expected);
    }
    lab.runtime.close().await;
}
