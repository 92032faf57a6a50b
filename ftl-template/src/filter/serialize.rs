//! Filters from and to JSON and YAML.

use ftl_core::Value;
use ftl_core::value::{JsonOptions, to_text, type_name, write_json};
use ftl_core::yaml::{self, DumpOptions, QuoteStyle};

use super::argument::{defined, index, strict_text, wholly_defined};
use super::json_text::parse_json;
use crate::{Arguments, Evaluation, Failure, FailureKind};

type Answer = Result<Value, Failure>;

pub(super) fn from_json(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let profile = args.take("profile", 0);
    check_profile(profile)?;
    let text = match &value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => strict_text(other, |kind| format!("the JSON object must be str, bytes or bytearray, not {kind}"))?
            .to_string(),
    };
    parse_json(&text)
}

/// Indentation is not worth more than this many characters a level.
const MAX_INDENT: i64 = 10_000;

/// `profile` chooses a coder; the one for plain data is the only one here.
fn check_profile(profile: Option<Value>) -> Result<(), Failure> {
    const OTHERS: [&str; 8] = [
        "cache_persistence",
        "fallback_to_str",
        "inventory_legacy",
        "legacy",
        "module_legacy_c2m",
        "module_legacy_m2c",
        "module_modern_c2m",
        "module_modern_m2c",
    ];
    match profile.filter(Value::is_true) {
        None => Ok(()),
        Some(Value::Str(name)) if name.as_str() == "tagless" => Ok(()),
        Some(Value::Str(name)) if OTHERS.contains(&name.as_str()) => {
            Err(Failure::unsupported(format!("the JSON profile '{}'", name.as_str())))
        }
        Some(Value::Str(name)) => Err(Failure::value_error(format!("Unknown profile name '{}'.", name.as_str()))),
        Some(other) => Err(Failure::type_error(format!(
            "Name is <class '{}'> instead of <class 'str'> or <class 'module'>.",
            type_name(&other)
        ))),
    }
}

/// The options of `json.dumps`; `indent` and `sort_keys` come with the caller's defaults.
fn json_options(
    args: &mut Arguments,
    indent: Option<Value>,
    sort_keys: bool,
    separators: Option<Value>,
) -> Result<JsonOptions, Failure> {
    let indent = match indent.filter(|v| !v.is_none()) {
        None => None,
        Some(Value::Str(text)) => Some(text.as_str().to_string()),
        Some(number) => Some(" ".repeat(index(&number)?.clamp(0, MAX_INDENT) as usize)),
    };
    let mut options = JsonOptions::default();
    if indent.as_ref().is_some_and(|indent| indent.len() >= MAX_INDENT as usize) {
        return Err(Failure::new(FailureKind::Limit, "The indentation is beyond the budget."));
    }
    if indent.is_some() {
        options = JsonOptions { indent, ..JsonOptions::indented(0) };
    }
    options.sort_keys = sort_keys;
    options.ensure_ascii = args.take_named("ensure_ascii").is_none_or(|v| v.is_true());
    if let Some(separators) = separators.filter(|v| !v.is_none()) {
        let pair = super::argument::iterate(&separators)?;
        let [item, key] = pair.as_slice() else {
            let complaint = match pair.len() {
                n if n > 2 => "too many values to unpack (expected 2)".to_string(),
                n => format!("not enough values to unpack (expected 2, got {n})"),
            };
            return Err(Failure::value_error(complaint));
        };
        options.item_separator = to_text(item);
        options.key_separator = to_text(key);
    }
    check_profile(args.take_named("profile"))?;
    for ignored in ["vault_to_text", "preprocess_unsafe", "skipkeys", "check_circular", "allow_nan", "cls"] {
        let _ = args.take_named(ignored);
    }
    args.finish("JSONEncoder.__init__")?;
    Ok(options)
}

pub(super) fn to_json(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    if let Some(profile) = args.take("profile", 0) {
        args.push_named("profile", profile);
    }
    let indent = args.take_named("indent");
    let sort_keys = args.take_named("sort_keys").is_some_and(|v| v.is_true());
    let separators = args.take_named("separators");
    let options = json_options(&mut args, indent, sort_keys, separators)?;
    dump_json(evaluation, &value, &options)
}

pub(super) fn to_nice_json(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let indent = args.take("indent", 0).unwrap_or(Value::Int(4));
    let sort_keys = args.take("sort_keys", 1).is_none_or(|v| v.is_true());
    let _ = args.take_named("separators");
    let separators = Value::Tuple([Value::str(","), Value::str(": ")].into());
    let options = json_options(&mut args, Some(indent), sort_keys, Some(separators))?;
    dump_json(evaluation, &value, &options)
}

fn dump_json(evaluation: &Evaluation<'_>, value: &Value, options: &JsonOptions) -> Answer {
    wholly_defined(value)?;
    serializable(value)?;
    let text = write_json(value, options);
    evaluation.check_text(text.len())?;
    Ok(Value::str(text))
}

/// Python's encoder writes data, not objects.
fn serializable(value: &Value) -> Result<(), Failure> {
    match value {
        Value::List(list) => list.items().iter().try_for_each(serializable),
        Value::Tuple(items) => items.iter().try_for_each(serializable),
        Value::Dict(dict) => dict.entries().iter().try_for_each(|(key, value)| {
            if matches!(key, Value::Tuple(_) | Value::Bytes(_)) {
                let kind = type_name(key);
                return Err(Failure::type_error(format!("keys must be str, int, float, bool or None, not {kind}")));
            }
            serializable(value)
        }),
        Value::Object(object) if object.to_data().is_none() => {
            let kind = object.type_name();
            Err(Failure::type_error(format!(
                "Object of type {kind} is not JSON serializable by the 'tagless' profile."
            )))
        }
        Value::TimeDelta(_) => {
            Err(Failure::type_error("Object of type timedelta is not JSON serializable by the 'tagless' profile."))
        }
        _ => Ok(()),
    }
}

fn not_text(evaluation: &Evaluation<'_>, filter: &str, value: Value) -> Answer {
    defined(&value)?;
    let kind = type_name(&value);
    evaluation.deprecate(format!("The {filter} filter ignored non-string input of type '{kind}'."), "2.23");
    Ok(value)
}

pub(super) fn from_yaml(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("from_yaml")?;
    let Value::Str(text) = &value else {
        return if value.is_none() { Ok(value) } else { not_text(evaluation, "from_yaml", value) };
    };
    let loaded = yaml::from_text(text.as_str())?;
    loaded.warnings.into_iter().for_each(|w| evaluation.warn(w));
    Ok(loaded.root.untrusted())
}

pub(super) fn from_yaml_all(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("from_yaml_all")?;
    let Value::Str(text) = &value else {
        return if value.is_none() { Ok(Value::list(vec![])) } else { not_text(evaluation, "from_yaml_all", value) };
    };
    let loaded = yaml::from_text_all(text.as_str())?;
    loaded.warnings.into_iter().for_each(|w| evaluation.warn(w));
    Ok(loaded.root.iter().map(Value::untrusted).collect())
}

/// The arguments of `yaml.dump` that are left when the filter has taken its own.
fn dump_options(args: &mut Arguments) -> Result<DumpOptions, Failure> {
    // No aliases: a list that two templates gave back is two lists in Ansible, and one here.
    let mut options = DumpOptions::default();
    let whole = |value: Option<Value>| match value.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(number) => index(&number).map(|n| Some(n.clamp(i32::MIN as i64, i32::MAX as i64) as i32)),
    };
    options.indent = whole(args.take_named("indent"))?;
    options.width = whole(args.take_named("width"))?;
    let mut truth = |name: &str, default: bool| args.take_named(name).map_or(default, |v| v.is_true());
    options.sort_keys = truth("sort_keys", true);
    options.explicit_start = truth("explicit_start", false);
    options.explicit_end = truth("explicit_end", false);
    options.canonical = truth("canonical", false);
    if let Some(style) = args.take_named("default_style").filter(|v| !v.is_none()) {
        options.default_style = QuoteStyle::parse(&to_text(&style));
    }
    if args.take_named("allow_unicode").is_some() {
        return Err(Failure::type_error("yaml.dump() got multiple values for keyword argument 'allow_unicode'"));
    }
    // Tags, versions and encodings of the stream say nothing about plain data.
    for ignored in ["line_break", "encoding", "version", "tags", "vault_to_text", "preprocess_unsafe"] {
        let _ = args.take_named(ignored);
    }
    if let Some((name, _)) = args.rest_named().first() {
        return Err(Failure::type_error(format!("dump_all() got an unexpected keyword argument '{name}'")));
    }
    Ok(options)
}

fn dump_yaml(evaluation: &Evaluation<'_>, value: &Value, options: &DumpOptions) -> Answer {
    wholly_defined(value)?;
    let text = yaml::dump(value, options)?;
    evaluation.check_text(text.len())?;
    Ok(Value::str(text))
}

/// `None`, or Python's truth.
fn flow_style(value: Option<Value>, default: Option<bool>) -> Option<bool> {
    match value {
        None => default,
        Some(Value::None) => None,
        Some(value) => Some(value.is_true()),
    }
}

pub(super) fn to_yaml(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let flow = flow_style(args.take_named("default_flow_style"), None);
    let mut options = dump_options(&mut args)?;
    options.default_flow_style = flow;
    dump_yaml(evaluation, &value, &options)
}

pub(super) fn to_nice_yaml(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let indent = args.take("indent", 0).unwrap_or(Value::Int(4));
    let flow = flow_style(args.take_named("default_flow_style"), Some(false));
    let mut options = dump_options(&mut args)?;
    options.default_flow_style = flow;
    options.indent = if indent.is_none() { None } else { Some(index(&indent)?.clamp(0, 1000) as i32) };
    dump_yaml(evaluation, &value, &options)
}
