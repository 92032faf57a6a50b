//! From a module's output to an answer: the texts for what cannot be understood are ansible-core 2.19's.

use std::borrow::Cow;

use ftl_core::call::ModuleAnswer;
use ftl_core::value::{Map, Value, repr, to_text};

use ftl_gate::launch::{self, says_missing};

use super::json::{self, JsonError};
use super::{output, summary};

/// What a finished module left behind.
pub struct Raw<'a> {
    pub stdout: &'a [u8],
    pub stderr: &'a [u8],
    pub rc: i32,
    /// The program that read the module, when it is not Python.
    pub interpreter: Option<&'a str>,
}

/// Bytes that are no UTF-8 are carried as characters nobody uses, and found again in the parsed strings.
const ESCAPE: u32 = 0x10dc00;

/// Reads an answer. `lenient`: text that is not UTF-8 is replaced instead of refused.
pub fn read(raw: &Raw, lenient: bool) -> ModuleAnswer {
    let escaped = escape(raw.stdout);
    let (text, warning) = match output::filter(&escaped) {
        Ok(found) => found,
        Err(reason) => return not_understood(raw, reason),
    };
    let parsed = match json::parse(&text) {
        Ok(value) => value,
        Err(JsonError::Syntax(reason)) => return not_understood(raw, &reason),
        Err(JsonError::TooDeep) => {
            return refused(
                "maximum recursion depth exceeded while decoding a JSON array from a unicode string (depth > 512)",
            );
        }
        Err(JsonError::Surrogate(unit, place)) => return refused(&not_utf8(u32::from(unit), place)),
    };
    // Only bytes that were escaped above can make such characters worth looking for.
    let parsed = match (matches!(escaped, Cow::Owned(_)), lenient) {
        (false, _) => parsed,
        (true, true) => replace_escaped(parsed),
        (true, false) => match find_escaped(&parsed) {
            Some((unit, place)) => return refused(&not_utf8(unit, place)),
            None => parsed,
        },
    };
    match summary::decode(parsed) {
        Err(reason) => refused(&reason),
        Ok(value) => match value.as_map() {
            Some(map) => plain((*map).clone(), warning),
            None => not_understood(raw, "Malformed result."),
        },
    }
}

fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|b| char::from_u32(ESCAPE + u32::from(*b))));
    }
    Cow::Owned(out)
}

fn is_escaped(letter: char) -> bool {
    (ESCAPE + 0x80..ESCAPE + 0x100).contains(&(letter as u32))
}

fn find_escaped(value: &Value) -> Option<(u32, usize)> {
    match value {
        Value::Str(text) => {
            let (place, letter) = text.as_str().chars().enumerate().find(|(_, c)| is_escaped(*c))?;
            Some((letter as u32 - ESCAPE + 0xdc00, place))
        }
        Value::List(list) => list.items().iter().find_map(find_escaped),
        Value::Dict(dict) => dict.entries().iter().find_map(|(k, v)| find_escaped(k).or_else(|| find_escaped(v))),
        _ => None,
    }
}

fn replace_escaped(value: Value) -> Value {
    match &value {
        Value::Str(text) if text.as_str().chars().any(is_escaped) => {
            Value::str(text.as_str().replace(is_escaped, "\u{fffd}"))
        }
        Value::List(list) => Value::list(list.items().iter().cloned().map(replace_escaped).collect()),
        Value::Dict(dict) => Value::dict(
            dict.entries().iter().map(|(k, v)| (replace_escaped(k.clone()), replace_escaped(v.clone()))).collect(),
        ),
        _ => value,
    }
}

/// For answers of native modules, which carry such bytes in the same way: what Ansible says of them.
pub fn refused_bytes(result: &Value) -> Option<ModuleAnswer> {
    let (unit, place) = find_escaped(result)?;
    Some(refused(&not_utf8(unit, place)))
}

fn not_utf8(unit: u32, place: usize) -> String {
    format!(
        "Refusing to deserialize an invalid UTF8 string value: 'utf-8' codec can't encode character '\\u{unit:04x}' in position \
         {place}: surrogates not allowed"
    )
}

/// A failed answer that does not come from the module.
pub fn failed(message: impl Into<String>) -> Map {
    let mut result = Map::new();
    result.insert("failed", true);
    result.insert("msg", message.into());
    result.insert("exception", NO_TRACEBACK);
    result
}

const NO_TRACEBACK: &str = "(traceback unavailable)";

fn refused(reason: &str) -> ModuleAnswer {
    ModuleAnswer { result: failed(format!("Task failed: {reason}")), ..ModuleAnswer::default() }
}

fn not_understood(raw: &Raw, reason: &str) -> ModuleAnswer {
    let stdout = String::from_utf8_lossy(raw.stdout).into_owned();
    let mut stderr = String::from_utf8_lossy(raw.stderr).into_owned();
    if raw.rc < 0 {
        stderr.push_str(&format!("terminated by signal {}\n", -raw.rc));
    }
    let missing = raw.interpreter.filter(|path| says_missing(&stderr, path) || says_missing(&stdout, path));
    let message = match missing {
        Some(path) => launch::missing(path),
        None => format!("Module result deserialization failed: {reason}"),
    };
    let mut details = Map::new();
    details.insert("module_stdout", stdout);
    details.insert("module_stderr", stderr);
    details.insert("rc", i64::from(if raw.rc < 0 { 128 - raw.rc } else { raw.rc }));
    unanswered(message, details)
}

/// The answer for a module that did not run, or said nothing that can be understood.
pub fn unanswered(message: String, details: Map) -> ModuleAnswer {
    let hint = match message.ends_with("was not found.") {
        true => {
            "Consider overriding the configured interpreter path for this host. See stdout/stderr for the returned output."
        }
        false => "See stdout/stderr for the returned output.",
    };
    let mut error = Map::new();
    error.insert("msg", message.as_str());
    error.insert("help_text", hint);
    let mut result = failed(message);
    result.extend(details);
    ModuleAnswer { result, exception: Some(error), unanswered: true, ..ModuleAnswer::default() }
}

/// Takes the parts of a result that are not its data out of it, and adds what Ansible adds.
pub fn plain(mut result: Map, junk: Option<String>) -> ModuleAnswer {
    let mut warnings: Vec<String> = junk.into_iter().collect();
    let error = exception(&mut result);
    result.remove("_ansible_suppress_tmpdir_delete");
    rename_results(&mut result, &mut warnings);
    let internal = |key: &str| key.starts_with("_ansible_") || matches!(key, "add_host" | "add_group");
    let keys: Vec<String> = result.text_iter().map(|(k, _)| k.to_owned()).filter(|k| internal(k)).collect();
    for key in keys {
        if let Some(value) = result.remove(&key) {
            warnings.push(format!("Removed unexpected internal key in module return: {key} = {}", to_text(&value)));
        }
    }
    remove_discovered(&mut result);
    for name in ["stdout", "stderr"] {
        let lines = format!("{name}_lines");
        if let Some(text) = result.get(name).cloned().filter(|_| !result.contains_key(&lines)) {
            let text = if text.is_true() { to_text(&text) } else { String::new() };
            result.insert(lines, Value::list(output::split_lines(&text).map(Value::str).collect()));
        }
    }
    match result.remove("warnings") {
        Some(Value::List(list)) => warnings.extend(list.items().iter().map(summary::warning)),
        Some(value) if value.is_true() => warnings.push(summary::warning(&value)),
        _ => {}
    }
    let deprecations = match result.remove("deprecations") {
        Some(Value::List(list)) => list.items().iter().map(summary::deprecation).collect(),
        Some(value) if value.is_true() => vec![summary::deprecation(&value)],
        _ => Vec::new(),
    };
    ModuleAnswer { result, warnings, deprecations, exception: error, ..ModuleAnswer::default() }
}

/// Makes `exception` the text callbacks see; answers the event behind it.
fn exception(result: &mut Map) -> Option<Map> {
    let exception = result.remove("exception").unwrap_or_default();
    if !result.get("failed").is_some_and(Value::is_true) && !exception.is_true() {
        return None;
    }
    let event = exception.get("event").and_then(|event| event.as_map());
    let traceback = match &event {
        Some(event) => event.get("formatted_traceback").cloned().unwrap_or_default(),
        None => exception,
    };
    let text = if traceback.is_true() { to_text(&traceback) } else { String::new() };
    let text = match text.trim_end() {
        "" => NO_TRACEBACK.to_owned(),
        text => format!("{text}\n"),
    };
    if let Some(event) = &event
        && !result.contains_key("msg")
    {
        let mut messages = Vec::new();
        brief(event, &mut messages);
        result.insert("msg", format!("Task failed: Module failed: {}", join(messages)));
    }
    result.insert("exception", text);
    event.map(|event| (*event).clone())
}

/// The message of an error and those of its causes.
fn brief(event: &Map, messages: &mut Vec<String>) {
    messages.push(event.get("msg").map(to_text).unwrap_or_default());
    let chain = event.get("chain").filter(|chain| chain.get("follow").is_none_or(|follow| follow.is_true()));
    if let Some(cause) = chain.and_then(|chain| chain.get("event")?.as_map()) {
        brief(&cause, messages);
    }
}

/// One sentence of many: a cause that its error already names is not repeated.
fn join(messages: Vec<String>) -> String {
    let mut messages = messages.into_iter().rev();
    let first = messages.next().unwrap_or_default();
    messages.fold(first, |tail, message| match message.ends_with(&tail) {
        true => message,
        false => format!("{}: {tail}", message.trim_end_matches(['.', ' '])),
    })
}

fn rename_results(result: &mut Map, warnings: &mut Vec<String>) {
    let sequence = |value: &Value| matches!(value, Value::List(_) | Value::Tuple(_));
    if result.get("results").is_some_and(|value| !sequence(value))
        && let Some(value) = result.remove("results")
    {
        result.insert("ansible_module_results", value);
        warnings.push("Found internal 'results' key in module return, renamed to 'ansible_module_results'.".into());
    }
}

/// A module may not say which interpreter was discovered.
fn remove_discovered(result: &mut Map) {
    if let Some(Value::Dict(facts)) = result.get("ansible_facts") {
        let starts = ["discovered_interpreter_", "ansible_discovered_interpreter_"];
        facts.edit(|map| map.retain(|key, _| !key.as_str().is_some_and(|k| starts.iter().any(|s| k.starts_with(s)))));
    }
}

/// For messages: a value as Python shows it.
pub fn shown(value: &Value) -> String {
    repr(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stdout: &[u8]) -> ModuleAnswer {
        read(&Raw { stdout, stderr: b"err", rc: 3, interpreter: Some("/bin/x") }, false)
    }

    #[test]
    fn what_is_no_answer_fails_with_ansibles_words() {
        let check = |stdout: &str, reason: &str| {
            let expected = format!(
                "{{'failed': True, 'msg': {}, 'exception': '(traceback unavailable)', 'module_stdout': {}, 'module_stderr': \
                 'err', 'rc': 3}}",
                repr(&Value::str(format!("Module result deserialization failed: {reason}"))),
                repr(&Value::str(stdout))
            );
            assert_eq!(repr(&Value::dict(answer(stdout.as_bytes()).result)), expected);
        };
        check("", "No start of json char found");
        check("[1,2]\n", "No start of json char found");
        check("{\"a\":1,\n", "No end of json char found");
        check("{\"a\":1, b}\n", "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)");
        check("{\"a\":1}\n{\"b\":2}\n", "Extra data: line 2 column 1 (char 8)");
    }

    #[test]
    fn a_missing_interpreter_is_named() {
        let check = |stderr: &str, expected: &str| {
            let raw = Raw { stdout: b"", stderr: stderr.as_bytes(), rc: 127, interpreter: Some("/bin/x") };
            let answer = read(&raw, false);
            assert!(answer.unanswered);
            assert_eq!(answer.result.get("msg").map(to_text).as_deref(), Some(expected), "{stderr}");
        };
        check("/bin/sh: 1: /bin/x: not found\n", "The module interpreter '/bin/x' was not found.");
        check("bash: /bin/x: No such file or directory\n", "The module interpreter '/bin/x' was not found.");
        check("/bin/y: not found\n", "Module result deserialization failed: No start of json char found");
    }

    #[test]
    fn what_is_refused_says_why() {
        let check = |stdout: &[u8], reason: &str| {
            assert_eq!(answer(stdout).result.get("msg").map(to_text), Some(format!("Task failed: {reason}")));
        };
        let utf8 = "Refusing to deserialize an invalid UTF8 string value: 'utf-8' codec can't encode character";
        check(b"{\"a\":\"x\xff\"}", &format!("{utf8} '\\udcff' in position 1: surrogates not allowed"));
        check(b"{\"a\":\"\\ud8f3\"}", &format!("{utf8} '\\ud8f3' in position 0: surrogates not allowed"));
        check(
            br#"{"a": {"__ansible_type": "TrustedAsTemplate"}}"#,
            "Object of type 'TrustedAsTemplate' is not JSON deserializable by the 'module_legacy_m2c' profile.",
        );
    }

    #[test]
    fn answers_are_taken_apart() {
        let text = br#"junk
{"changed": true, "stdout": "a\nb", "warnings": ["w"], "deprecations": [{"msg": "d"}], "results": "s", "_ansible_x": 1}
tail"#;
        let answer = answer(text);
        assert_eq!(
            repr(&Value::dict(answer.result)),
            "{'changed': True, 'stdout': 'a\\nb', 'ansible_module_results': 's', 'stdout_lines': ['a', 'b']}"
        );
        assert_eq!(
            answer.warnings,
            [
                "Module invocation had junk after the JSON data: tail",
                "Found internal 'results' key in module return, renamed to 'ansible_module_results'.",
                "Removed unexpected internal key in module return: _ansible_x = 1",
                "w"
            ]
        );
        assert_eq!(answer.deprecations.len(), 1);
    }

    #[test]
    fn causes_are_joined() {
        let check = |messages: &[&str], expected: &str| {
            assert_eq!(join(messages.iter().map(|m| m.to_string()).collect()), expected);
        };
        check(&["one.", "two"], "one: two");
        check(&["one: two", "two"], "one: two");
        check(&["one"], "one");
    }

    #[test]
    fn an_exception_without_message_becomes_one() {
        let text = br#"{"failed": true, "exception": {"event": {"msg": "boom", "__ansible_type": "Event"}, "__ansible_type": "ErrorSummary"}}"#;
        let answer = answer(text);
        let expected =
            "{'failed': True, 'msg': 'Task failed: Module failed: boom', 'exception': '(traceback unavailable)'}";
        assert_eq!(repr(&Value::dict(answer.result)), expected);
        assert!(answer.exception.is_some());
    }
}
