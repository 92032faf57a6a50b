//! Documents that are meant to do harm, or are just odd: always an answer, soon, and never a panic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;
use ftl_core::yaml::{DumpOptions, DuplicateKeys, LoadOptions, Loaded, Node, dump, load, load_all, load_value};

fn read(text: &str) -> Result<Loaded<Node>, Diagnostic> {
    load(text, &LoadOptions::new("f.yml", &Arc::default()))
}

fn message(text: &str) -> String {
    let error = read(text).unwrap_err();
    let shown = format!("{} @ {}", error.message, error.origin.map(|o| o.to_string()).unwrap_or_default());
    shown.trim_start_matches("YAML parsing failed: ").to_string()
}

#[test]
fn laughs_are_limited() {
    let laughs = |levels: usize| {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..levels {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
        }
        text
    };
    let started = Instant::now();
    assert_eq!(message(&laughs(9)), "aliases expand to more than 10000000 nodes @ f.yml");
    let shared = read(&laughs(6)).unwrap().root.to_value();
    assert_eq!(shared.as_map().unwrap().len(), 6);
    let merges = format!("a: &a {{{}}}\nb:\n{}", many_keys(2000), "  - <<: *a\n".repeat(2000));
    assert_eq!(message(&merges), "merge keys expand to more than 2000000 entries @ f.yml");
    assert!(started.elapsed() < Duration::from_secs(20));
}

fn many_keys(count: usize) -> String {
    (0..count).map(|i| format!("k{i}: {i}, ")).collect()
}

#[test]
fn depth_is_limited_and_what_is_allowed_can_be_used() {
    let nested = |depth: usize| format!("{}x{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(message(&nested(513)), "Exceeded the maximum nesting depth of 512. @ f.yml:1:513");
    assert_eq!(message(&"[".repeat(100_000)), "Exceeded the maximum nesting depth of 512. @ f.yml:1:513");
    assert_eq!(message(&"{a: ".repeat(5000)), "Exceeded the maximum nesting depth of 512. @ f.yml:1:2049");
    assert_eq!(message(&"- ".repeat(5000)), "Exceeded the maximum nesting depth of 512. @ f.yml:1:1025");
    let json = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(message(&json).starts_with("Exceeded the maximum nesting depth"));
    for text in [nested(512), format!("{}1{}", "[".repeat(390), "]".repeat(390))] {
        let value = read(&text).unwrap().root.to_value();
        assert!(dump(&value, &DumpOptions::default()).unwrap().starts_with("- - - "));
        assert!(value.has_template() || value.is_true());
    }
}

#[test]
fn self_reference_is_an_error() {
    assert_eq!(message("a: &a [*a]"), "Found unconstructable recursive node. @ f.yml:1:4");
    assert_eq!(message("&a {b: *a}"), "Found unconstructable recursive node. @ f.yml:1:1");
    assert_eq!(to_text(&read("a: &a\n  <<: *a\n").unwrap().root.to_value()), "{'a': {}}");
}

#[test]
fn odd_bytes_are_told_as_ansible_tells_them() {
    assert_eq!(
        message("a: é\0"),
        "unacceptable character #x0000: control characters are not allowed in \"<unicode string>\", position 5 @ f.yml"
    );
    assert_eq!(message("a:\n\tb: 1\n"), "Tabs are usually invalid in YAML. @ f.yml:2:1");
    assert_eq!(to_text(&read("\u{feff}a: 1\r\nb: 2\r\n").unwrap().root.to_value()), "{'a': 1, 'b': 2}");
    assert_eq!(to_text(&read("\u{ff9f}: 1").unwrap().root.to_value()), "{'\u{ff9f}': 1}");
    assert_eq!(to_text(&read("[!!str, !unsafe , a]").unwrap().root.to_value()), "['', None, 'a']");
}

#[test]
fn mistakes_are_guessed_as_ansible_guesses_them() {
    let check = |text: &str, wanted: &str| assert_eq!(message(text), wanted, "{text:?}");
    check("a: {{ b }}", "This may be an issue with missing quotes around a template block. @ f.yml:1:4");
    check("- a: {{ b }} c", "This may be an issue with missing quotes around a template block. @ f.yml:1:6");
    check("a: b: c", "Colons in unquoted values must be followed by a non-space character. @ f.yml:1:5");
    check("a: \"foo\" in bar", "Values starting with a quote must end with the same quote. @ f.yml:1:4");
    check(
        "a: \"foo\" in \"bar\"",
        "Values starting with a quote must end with the same quote, and not contain that quote. @ f.yml:1:4",
    );
    check("a: 'foo\n", "While scanning a quoted scalar found unexpected end of stream. @ f.yml:2:1");
    check("a: !foo b", "Could not determine a constructor for the tag '!foo'. @ f.yml:1:4");
    check("a: !!int abc", "invalid literal for int() with base 10: 'abc' @ f.yml");
    check("- {&a <<: {}}\n- *a\n", "Colons in unquoted values must be followed by a non-space character. @ f.yml:1:9");
    check("a: !vault [x]", "The '!vault' tag requires a string value. @ f.yml:1:4");
}

#[test]
fn the_mistake_reported_is_the_one_pyyaml_meets_first() {
    // The scanner's mistake before any constructor's, then the shallowest.
    assert_eq!(message("a: !foo b\nc: @\n").split(" @ ").nth(1), Some("f.yml:2:4"));
    assert_eq!(
        message("a: [!foo b]\nc: !bar d\n"),
        "Could not determine a constructor for the tag '!bar'. @ f.yml:2:4"
    );
}

#[test]
fn duplicate_keys_are_told_or_refused() {
    let secrets = Arc::default();
    let text = "x: {b: 1, b: 2}\na: 1\na: 2\n";
    let with =
        |duplicate_keys| load_value(text, &LoadOptions { duplicate_keys, ..LoadOptions::new("f.yml", &secrets) });
    let warnings = with(DuplicateKeys::Warn).unwrap().warnings;
    let shown: Vec<String> = warnings.iter().map(|w| format!("{} {}", w.message, w.origin.as_ref().unwrap())).collect();
    assert_eq!(shown, ["Found duplicate mapping key 'a'. f.yml:3:1", "Found duplicate mapping key 'b'. f.yml:1:11"]);
    assert!(with(DuplicateKeys::Ignore).unwrap().warnings.is_empty());
    let error = with(DuplicateKeys::Error).unwrap_err();
    assert_eq!(error.message, "YAML parsing failed: Found duplicate mapping key 'a'.");
}

#[test]
fn trust_comes_from_the_loader_and_unsafe_takes_it_away() {
    let secrets = Arc::default();
    let text = "a: '{{ x }}'\nb: !unsafe '{{ x }}'\nc: !unsafe {d: ['{{ x }}']}\n";
    let value = load_value(text, &LoadOptions::new("f.yml", &secrets)).unwrap().root;
    let templates = |key: &str| value.get(key).unwrap().has_template();
    assert_eq!((templates("a"), templates("b"), templates("c")), (true, false, false));
    let untrusted = load_value(text, &LoadOptions { trusted: false, ..LoadOptions::new("f.yml", &secrets) }).unwrap();
    assert!(!untrusted.root.has_template());
    let json = load_value(r#"{"a": "{{ x }}"}"#, &LoadOptions::new("f.yml", &secrets)).unwrap().root;
    assert!(json.has_template());
    let json = load_value(r#"{"a": {"__ansible_unsafe": "{{ x }}"}}"#, &LoadOptions::new("f.yml", &secrets)).unwrap();
    assert!(!json.root.has_template());
}

#[test]
fn every_document_of_a_stream_is_read() {
    let secrets = Arc::default();
    let all = load_all("--- a\n--- [b]\n---\n", &LoadOptions::new("<x>", &secrets)).unwrap().root;
    let shown: Vec<String> = all.iter().map(|node| to_text(&node.to_value())).collect();
    assert_eq!(shown, ["a", "['b']", "None"]);
}

#[test]
fn places_count_characters_from_one() {
    let root = read("é: [ü, 'x']\nk:\n  - {a: !unsafe b}\n").unwrap().root;
    let place = |node: &Node| format!("{}:{}", node.origin.line, node.origin.column);
    let (key, items) = &root.as_map().unwrap()[0];
    assert_eq!((place(key), place(items)), ("1:1".into(), "1:4".into()));
    assert_eq!(place(&items.as_seq().unwrap()[1]), "1:8");
    let inner = &root.get("k").unwrap().as_seq().unwrap()[0];
    assert_eq!((place(inner), place(inner.get("a").unwrap())), ("3:5".into(), "3:9".into()));
}

#[test]
fn documents_may_end_anywhere() {
    // Each prefix of a document is a document or an error; libyaml-safer 0.3.0 panicked on some.
    let text = "%YAML 1.1\n--- !!map\na: |2-\n   x\nb: \"\\u263a\\\n  y\\\"\" # c\nc: &x !unsafe [!!str, 'd''', *x]\n? >+\n e\n: <<\n...\n";
    for (end, _) in text.char_indices() {
        if let Err(error) = read(&text[..end]) {
            assert!(!error.message.contains("unexpectedly"), "{:?}", &text[..end]);
        }
    }
    assert_eq!(to_text(&read("a: |\n  x").unwrap().root.to_value()), "{'a': 'x'}");
}

#[test]
fn filters_read_data_and_fail_with_pyyamls_words() {
    let check = |text: &str, wanted: &str| {
        let got = ftl_core::yaml::from_text(text).map(|l| to_text(&l.root)).unwrap_or_else(|error| error.message);
        assert_eq!(got, wanted.replace("@", "  in \"<unicode string>\", line 1, column "), "{text:?}");
    };
    check("a: b: c", "mapping values are not allowed in this context\n@5");
    check("a: \"x", "while scanning a quoted scalar\n@4\nfound unexpected end of stream\n@6");
    check("*u", "found undefined alias\n@1");
    check("{a: 1}: 2", "while constructing a mapping\nfound unhashable key\n@1");
    check("{a: {b: {[]: x}}}", "while constructing a mapping\n@9\nfound unhashable key\n@10");
    check("!unsafe x", "could not determine a constructor for the tag '!unsafe'\n@1");
    check(
        "{<<: 5}",
        "while constructing a mapping\n@1\nexpected a mapping or list of mappings for merging, but found scalar\n@6",
    );
    check("&a [&a 1]", "found duplicate anchor; first occurrence\n@1\nsecond occurrence\n@5");
    check("!!pairs [a]", "while constructing pairs\n@1\nexpected a mapping of length 1, but found scalar\n@10");
    check("!!int x", "invalid literal for int() with base 10: 'x'");
    check(
        "a: \0",
        "unacceptable character #x0000: control characters are not allowed\n  in \"<unicode string>\", position 3",
    );
    check(
        "a: 1\n---\nb: 2",
        "expected a single document in the stream\n@1\nbut found another document\n  in \"<unicode string>\", line 2, \
         column 1",
    );
    check("1e3", "1e3");
    check("", "None");
    assert_eq!(ftl_core::yaml::from_text_all("a\n---\nb").unwrap().root.len(), 2);
}
