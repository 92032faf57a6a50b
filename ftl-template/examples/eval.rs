//! Answers templates like the oracle's `ask template`: JSON strings on standard input, one a line; variables from a file.
#![allow(clippy::print_stdout)]

use std::io::BufRead;
use std::sync::Arc;

use ftl_core::value::{Dict, List, from_json};
use ftl_core::{Map, Str, Value};
use ftl_template::{Renderer, Shared, eval_line};
use serde_json::Value as Json;

fn trusted(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Str(Str::trusted(text.as_str(), None)),
        Json::Array(items) => Value::List(List::loaded(items.iter().map(trusted).collect())),
        Json::Object(entries) => {
            Value::Dict(Dict::loaded(entries.iter().map(|(k, v)| (Value::str(k.as_str()), trusted(v))).collect()))
        }
        other => from_json(other),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut scope = Map::new();
    if let Some(file) = std::env::args().nth(1) {
        let json: Json = serde_json::from_slice(&std::fs::read(file)?)?;
        let variables = json.get("vars").unwrap_or(&json);
        for (name, value) in variables.as_object().into_iter().flatten() {
            scope.insert(name.as_str(), trusted(value));
        }
    }
    let scope = Arc::new(scope);
    let shared = Arc::new(Shared { working_dir: std::env::current_dir()?, ..Shared::default() });
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let renderer = Renderer::new(scope.clone(), shared.clone());
        println!("{}", eval_line(&renderer, &Str::trusted(text, None)));
    }
    Ok(())
}
