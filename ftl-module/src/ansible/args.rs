//! The arguments as modules get them: what `_ansible_*` says, and the three ways to write them down.

use ftl_core::call::{ModuleCall, Target};
use ftl_core::value::{JsonOptions, Map, Value, to_json, to_text, write_json};

/// The arguments with what ansible-core 2.19 adds. `name` is the action as the module is told it.
pub fn complete(target: &Target, call: &ModuleCall, name: &str, version: &str) -> Map {
    let mut args = call.args.as_map().map(|map| (*map).clone()).unwrap_or_default();
    let options = &call.options;
    let text = |value: &Option<String>| value.as_deref().map_or(Value::None, Value::str);
    let filesystems = options.selinux_special_fs.iter().map(|fs| Value::str(fs.as_str())).collect();
    args.insert("_ansible_check_mode", call.check);
    args.insert("_ansible_no_log", call.no_log);
    args.insert("_ansible_debug", options.debug);
    args.insert("_ansible_diff", call.diff);
    args.insert("_ansible_verbosity", i64::from(call.verbosity));
    args.insert("_ansible_version", version);
    args.insert("_ansible_module_name", name);
    args.insert("_ansible_syslog_facility", or(&options.syslog_facility, "LOG_USER"));
    args.insert("_ansible_selinux_special_fs", Value::list(filesystems));
    args.insert("_ansible_socket", Value::None);
    args.insert("_ansible_shell_executable", or(&options.shell_executable, "/bin/sh"));
    args.insert("_ansible_keep_remote_files", options.keep_remote_files);
    args.insert("_ansible_tmpdir", Value::None);
    args.insert("_ansible_remote_tmp", target.remote_tmp());
    args.insert("_ansible_ignore_unknown_opts", false);
    args.insert("_ansible_target_log_info", text(&options.target_log_info));
    let events = options.tracebacks_for.iter().map(|event| Value::str(event.as_str())).collect();
    args.insert("_ansible_tracebacks_for", Value::list(events));
    args
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// For new-style modules.
pub fn new_style(args: Map) -> Vec<u8> {
    let mut outer = Map::new();
    outer.insert("ANSIBLE_MODULE_ARGS", args);
    to_json(&Value::dict(outer)).into_bytes()
}

/// For `WANT_JSON` and binary modules: the content of their argument file.
pub fn json(args: Map) -> Vec<u8> {
    to_json(&Value::dict(args)).into_bytes()
}

/// For old-style modules: `key=quoted ` pairs.
pub fn pairs(args: &Map) -> Vec<u8> {
    let pair =
        |(key, value): (&Value, &Value)| format!("{}={} ", to_text(key), ftl_gate::launch::quote(&python_text(value)));
    args.iter().map(pair).collect::<String>().into_bytes()
}

/// Python's `str()`.
fn python_text(value: &Value) -> String {
    to_text(value)
}

/// For modules that carry a placeholder: the text of the module with its arguments in it.
pub fn substitute(module: &[u8], args: Map, version: &str, facility: &str, filesystems: &[String]) -> Vec<u8> {
    let json = write_json(&Value::dict(args), &JsonOptions::default());
    // Python's repr of the JSON as bytes.
    let literal = format!("b{}", ftl_core::value::repr_str(&json));
    let text = replace(module, b"\"<<ANSIBLE_VERSION>>\"", ftl_core::value::repr_str(version).as_bytes());
    let text = replace(&text, b"\"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>\"", literal.as_bytes());
    let text = replace(&text, b"<<SELINUX_SPECIAL_FILESYSTEMS>>", filesystems.join(",").as_bytes());
    let text = replace(&text, super::style::JSON_ARGS, json.as_bytes());
    replace(&text, b"syslog.LOG_USER", format!("syslog.{}", or(facility, "LOG_USER")).as_bytes())
}

pub(crate) fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + with.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|w| w == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_style_pairs_are_quoted() {
        let args: Map = [
            ("plain", Value::str("a/b")),
            ("spaced", Value::str("a b'c")),
            ("flag", Value::Bool(true)),
            ("none", Value::None),
            ("list", Value::list(vec![Value::str("x"), Value::Int(1)])),
            ("empty", Value::str("")),
        ]
        .into_iter()
        .collect();
        let expected = "plain=a/b spaced='a b'\"'\"'c' flag=True none=None list='['\"'\"'x'\"'\"', 1]' empty='' ";
        assert_eq!(String::from_utf8(pairs(&args)).unwrap(), expected);
    }

    #[test]
    fn placeholders_are_replaced() {
        let args: Map = [("a", Value::Int(1))].into_iter().collect();
        let module = b"x='<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>' v=\"<<ANSIBLE_VERSION>>\" syslog.LOG_USER <<SELINUX_SPECIAL_FILESYSTEMS>>";
        let text = substitute(module, args, "2.19.14", "LOG_LOCAL0", &["nfs".into(), "9p".into()]);
        assert_eq!(String::from_utf8(text).unwrap(), "x='{\"a\": 1}' v='2.19.14' syslog.LOG_LOCAL0 nfs,9p");
    }
}
