//! Runs one module on this machine and prints its answer: `run_module NAME JSON [PYTHON [LIBRARY]]`.
#[path = "../tests/support/mod.rs"]
mod support;

use ftl_core::call::{Interpreter, Target};
use ftl_core::port::ModuleRuntime;
use ftl_core::value::{JsonOptions, Value, write_json};
use support::Lab;

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout)]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut lab = Lab::new();
    lab.search.library.extend(args.get(3).map(Into::into));
    let python = args.get(2).cloned().unwrap_or_else(support::python);
    let target = Target { interpreter: Interpreter::Path(python), ..lab.local() };
    let json: serde_json::Value = serde_json::from_str(args.get(1).map_or("{}", String::as_str)).unwrap_or_default();
    let map = ftl_core::value::from_json(&json).as_map().unwrap_or_default();
    let given: Vec<(&str, Value)> = map.text_iter().map(|(key, value)| (key, value.clone())).collect();
    let name = args.first().map_or("ping", String::as_str);
    match lab.run(&target, name, &given).await {
        Ok(answer) => {
            let options = JsonOptions::indented(1);
            println!("{}", write_json(&Value::dict(answer.result), &options));
            println!(
                "warnings: {:?}\ndeprecations: {:?}\nexception: {:?}",
                answer.warnings, answer.deprecations, answer.exception
            );
        }
        Err(error) => println!("{error:?}"),
    }
    lab.runtime.close().await;
}
