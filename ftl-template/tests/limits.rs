//! Templates that ask for too much end in an error, soon, and never in a crash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::{Map, Str, Value};
use ftl_template::{Budget, Renderer, Shared};

fn renderer(variables: &[(&str, &str)]) -> Renderer {
    let mut map = Map::new();
    for (name, text) in variables {
        map.insert(*name, Value::Str(Str::trusted(*text, None)));
    }
    // Small enough that reaching it takes no time.
    let budget = Budget { text: 16 << 20, ..Budget::default() };
    Renderer::new(Arc::new(map), Arc::new(Shared { budget, ..Shared::default() }))
}

fn error(text: &str, variables: &[(&str, &str)]) -> String {
    match renderer(variables).render_str(&Str::trusted(text, None)) {
        Err(error) => error.one_line(),
        Ok(value) => panic!("{text:.60} gave {value:?}"),
    }
}

#[test]
fn budgets() {
    for text in [
        "{{ 'a' * 10 ** 10 }}",
        "{{ ['a'] * 10 ** 10 }}",
        "{{ range(10 ** 12) | list }}",
        "{{ 9 ** (9 ** (9 ** 9)) }}",
        "{{ 2 ** (10 ** 9) }}",
        "{{ 1.__lshift__(10 ** 9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999d}'.format(1) }}",
        "{{ 'a'.ljust(10 ** 12) }}",
        "{{ 'a' | indent(10 ** 12) }}",
        "{% for x in range(10 ** 12) %}{{ x }}{% endfor %}",
        "{% set ns = namespace(s='a') %}{% for x in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{% set x = [] %}{% set _ = x.append(x) %}{{ x }}",
        "{% set x = {} %}{% set _ = x.update(a=[x]) %}{{ x }}",
    ] {
        let begin = Instant::now();
        let message = error(text, &[]);
        assert!(!message.is_empty());
        assert!(begin.elapsed() < Duration::from_secs(10), "{text}: {:?}", begin.elapsed());
    }
}

#[test]
fn nesting() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| {
        format!("{{{{ {}{inner}{} }}}}", open.repeat(n), close.repeat(n))
    };
    for text in [
        nested("(", "1", ")", 100_000),
        nested("[", "1", "]", 100_000),
        nested("not ", "1", "", 100_000),
        nested("-", "1", "", 100_000),
        nested("1 if ", "1", "", 100_000),
        nested("1+", "1", "", 100_000),
        nested("", "x", ".a", 100_000),
        nested("", "x", "|upper", 100_000),
        nested("", "x", "()", 100_000),
        nested("(1+", "1", ")", 100_000),
        nested("{'a':", "1", "}", 100_000),
        nested("f(", "1", ")", 100_000),
        "{% if 1 %}".repeat(100_000),
        "{% for x in y %}".repeat(100_000),
    ] {
        assert!(error(&text, &[]).starts_with("Syntax error in template"), "{text:.40}");
    }
}

#[test]
fn recursion() {
    for (text, variables) in [
        ("{{ a }}", vec![("a", "{{ b }}"), ("b", "{{ a }}")]),
        ("{{ a }}", vec![("a", "x{{ a }}")]),
        ("{{ a | default('x') }}", vec![("a", "{{ b }}"), ("b", "{{ a }}")]),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", vec![]),
        ("{% macro m(x) %}{% call m(x) %}{% endcall %}{{ caller() }}{% endmacro %}{{ m(1) }}", vec![]),
        ("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", vec![]),
    ] {
        let message = error(text, &variables);
        assert!(message.starts_with("Recursive loop detected in template"), "{text}: {message}");
    }
}

#[test]
fn long_chains_of_variables() {
    let names: Vec<String> = (0..60).map(|n| format!("v{n}")).collect();
    let texts: Vec<String> = (1..=60).map(|n| format!("{{{{ v{n} }}}}")).collect();
    let mut variables: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    variables.push(("v60", "end"));
    let found = renderer(&variables).render_str(&Str::trusted("{{ v0 }}", None)).expect("value");
    assert_eq!(found, Value::str("end"));
}

#[test]
fn deadline() {
    let renderer = renderer(&[]).with_deadline(Instant::now() + Duration::from_millis(200));
    let begin = Instant::now();
    let text = "{% for x in range(100000) %}{% for y in range(100000) %}{% set z = y %}{% endfor %}{% endfor %}";
    let error = renderer.render_str(&Str::trusted(text, None)).expect_err("too slow");
    assert!(error.one_line().contains("Timed out"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}
