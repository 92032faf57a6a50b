//! How long typical templates take: `cargo run --release --example speed`.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use ftl_core::value::{Dict, List};
use ftl_core::{Map, Str, Value};
use ftl_template::{Renderer, Shared};

fn text(text: &str) -> Value {
    Value::Str(Str::trusted(text, None))
}

fn main() {
    let mut map = Map::new();
    map.insert("i", Value::Int(42));
    map.insert("a", text("{{ i + 1 }}"));
    map.insert("b", text("{{ a }}"));
    let user = |n: i64| {
        let entries: Map =
            [("name", text(&format!("user{n}"))), ("uid", Value::Int(n)), ("admin", Value::Bool(n % 2 == 0))]
                .into_iter()
                .collect();
        Value::Dict(Dict::loaded(entries))
    };
    map.insert("users", Value::List(List::loaded((0..20).map(user).collect())));
    let facts: Map = (0..300).map(|n| (Value::from(format!("fact{n}")), Value::from(n as i64))).collect();
    map.insert("facts", Value::Dict(Dict::loaded(facts)));
    let scope: Arc<Map> = Arc::new(map);
    let shared = Arc::new(Shared::default());
    let file = "{% for u in users %}\n{{ loop.index }}: {{ u.name | upper }} ({{ u.uid }}){% if u.admin %} admin{% endif %}\n{% endfor %}\n{{ facts.fact7 }} {{ b }}\n";
    for (label, template) in [
        ("plain", "{{ i + 1 }}"),
        ("chain", "{{ b }}"),
        ("fact", "{{ facts.fact250 }}"),
        ("select", "{{ users | selectattr('admin') | map(attribute='name') | list }}"),
        ("mutate", "{% set x = [] %}{% for u in users %}{% set _ = x.append(u.name) %}{% endfor %}{{ x }}"),
        ("file", file),
    ] {
        let template = Str::trusted(template, None);
        let count = 20_000;
        let begin = Instant::now();
        for _ in 0..count {
            let renderer = Renderer::new(scope.clone(), shared.clone());
            std::hint::black_box(renderer.render_str(&template).expect("value"));
        }
        println!("{label:8} {:>9.2} us", begin.elapsed().as_secs_f64() * 1e6 / count as f64);
    }
    let condition = text("i == 42 and users | length > 3");
    let begin = Instant::now();
    for _ in 0..20_000 {
        let renderer = Renderer::new(scope.clone(), shared.clone());
        std::hint::black_box(renderer.condition(&condition).expect("bool"));
    }
    println!("when     {:>9.2} us", begin.elapsed().as_secs_f64() * 1e6 / 20_000.0);
}
