//! Results as text: what is left out, and the two formats.

use std::sync::Arc;

use ftl_core::value::{JsonOptions, Map, Str, Value, write_json};
use ftl_core::yaml::{DumpOptions, MultiLine};

use super::callback_result::is_true;
use crate::settings::{OutputSettings, ResultFormat};

/// Said by messages of their own.
const MESSAGES: [&str; 3] = ["exception", "warnings", "deprecations"];
const OMITTED: &str = "<omitted>";

#[derive(Clone)]
pub(crate) struct Dumper {
    format: ResultFormat,
    pretty: Option<bool>,
    verbosity: u8,
}

impl Dumper {
    pub(crate) fn new(settings: &OutputSettings) -> Dumper {
        Dumper { format: settings.result_format, pretty: settings.pretty_results, verbosity: settings.verbosity }
    }

    /// For displays that know no formats.
    pub(crate) fn json(settings: &OutputSettings) -> Dumper {
        Dumper { format: ResultFormat::Json, pretty: None, ..Dumper::new(settings) }
    }

    /// The result as displays print it. `indent` of 0 breaks lines without indenting, as Python does.
    pub(crate) fn dump(&self, result: &Map, indent: Option<usize>) -> String {
        let mut indent = indent;
        let wants_indent = is_true(result, "_ansible_verbose_always")
            || (self.pretty.is_none() && self.format != ResultFormat::Json)
            || self.pretty == Some(true)
            || self.verbosity > 2;
        if indent.unwrap_or(0) == 0 && wants_indent {
            indent = Some(4);
        }
        if self.pretty == Some(false) {
            indent = None;
        }
        let mut shown = without_internal(result);
        if self.verbosity < 3 {
            shown.remove("invocation");
            shown.remove("diff");
        }
        for key in MESSAGES {
            shown.remove(key);
        }
        match self.format {
            ResultFormat::Json => {
                let layout = match indent {
                    Some(indent) => JsonOptions::indented(indent),
                    None => JsonOptions::default(),
                };
                write_json(&Value::dict(shown), &JsonOptions { sort_keys: true, ensure_ascii: false, ..layout })
            }
            ResultFormat::Yaml => self.dump_yaml(shown, indent),
        }
    }

    fn dump_yaml(&self, mut shown: Map, indent: Option<usize>) -> String {
        let lossy = self.pretty != Some(false);
        if lossy {
            for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
                if shown.contains_key(text) && shown.contains_key(lines) {
                    shown.insert(lines, OMITTED);
                }
            }
        }
        let text = yaml(&Value::dict(shown), indent, lossy);
        format!("\n{}", indented(&text, indent.filter(|i| *i > 0).unwrap_or(4)))
    }

    /// One side of a diff that is a dict.
    pub(crate) fn diff_side(&self, value: &Value) -> String {
        match self.format {
            ResultFormat::Json => {
                write_json(value, &JsonOptions { sort_keys: true, ..JsonOptions::indented(4) }) + "\n"
            }
            ResultFormat::Yaml => {
                format!("{}\n", indented(&yaml(value, Some(4), self.pretty != Some(false)), 4))
            }
        }
    }
}

fn yaml(value: &Value, indent: Option<usize>, lossy: bool) -> String {
    let options = DumpOptions {
        default_flow_style: Some(false),
        indent: indent.map(|i| i as i32),
        multi_line: if lossy { MultiLine::BlockLossy } else { MultiLine::Block },
        ..DumpOptions::default()
    };
    ftl_core::yaml::dump(value, &options).unwrap_or_else(|problem| format!("# {problem}\n"))
}

/// Every line that is more than blanks is moved to the right.
fn indented(text: &str, by: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            out.extend(std::iter::repeat_n(' ', by));
        }
        out.push_str(line);
    }
    out
}

/// A copy without the keys that are nobody's business, at any depth.
fn without_internal(map: &Map) -> Map {
    map.iter()
        .filter(|(key, _)| !key.as_str().is_some_and(|k| k.starts_with("_ansible_")))
        .map(|(key, value)| (key.clone(), stripped(value)))
        .collect()
}

fn stripped(value: &Value) -> Value {
    match value {
        Value::Dict(d) => {
            let entries: Arc<Map> = d.entries();
            Value::dict(without_internal(&entries))
        }
        Value::List(l) => Value::list(l.items().iter().map(stripped).collect()),
        Value::Tuple(t) => Value::list(t.iter().map(stripped).collect()),
        // Marks tell where text was written; what is shown has none.
        Value::Str(s) if s.mark().is_some() => Value::Str(Str::plain(s.shared())),
        other => other.clone(),
    }
}
