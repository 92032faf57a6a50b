//! Calls filters, tests and lookups by name, with the rules for markers that all of them share.

use ftl_core::source::Diagnostic;
use ftl_core::{Map, Value};

use crate::Evaluation;
use crate::call::{Arguments, Failure, FailureKind};
use crate::evaluate::{Machine, find_marker, from_failure, looks_like_template};

/// Filters that look at markers themselves.
const FILTERS_OF_MARKERS: [&str; 7] =
    ["ansible._protomatter.dump_object", "d", "default", "mandatory", "ternary", "type_debug", "unvault"];
/// Filters that may meet markers inside containers: they hand items on, or do not touch them all.
const FILTERS_OF_LAZY: &[&str] = &[
    "community.general.json_query",
    "count",
    "extract",
    "first",
    "float",
    "from_yaml",
    "int",
    "items2dict",
    "last",
    "length",
    "map",
    "random",
    "reject",
    "rejectattr",
    "rekey_on_member",
    "select",
    "selectattr",
    "shuffle",
    "subelements",
    "to_nice_yaml",
    "to_yaml",
];
/// Filters that touch every item of a container, but nothing inside the items.
const FILTERS_OF_ITEMS: &[&str] =
    &["batch", "combinations", "list", "permutations", "product", "reverse", "slice", "unique", "zip", "zip_longest"];
/// Tests that look at markers themselves.
const TESTS_OF_MARKERS: [&str; 4] = ["defined", "undefined", "vault_encrypted", "vaulted_file"];
/// Tests that only look at the outside of a container, or at the parts they need.
const TESTS_OF_LAZY: &[&str] = &[
    "all",
    "any",
    "boolean",
    "callable",
    "change",
    "changed",
    "contains",
    "directory",
    "escaped",
    "exists",
    "failed",
    "failure",
    "false",
    "falsy",
    "file",
    "finished",
    "is_dir",
    "is_file",
    "is_link",
    "iterable",
    "link",
    "link_exists",
    "mapping",
    "none",
    "number",
    "reachable",
    "sameas",
    "sequence",
    "skip",
    "skipped",
    "started",
    "string",
    "succeeded",
    "success",
    "successful",
    "timedout",
    "true",
    "truthy",
    "unreachable",
];
const LOOKUPS_OF_MARKERS: [&str; 2] = ["env", "first_found"];
const LOOKUPS_OF_LAZY: [&str; 1] = ["subelements"];

/// How far a plugin's arguments are searched for markers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everything in them.
    Whole,
    /// The items of lists; the keys of dicts, which are never markers.
    Items,
    /// The values of dicts.
    Entries,
    /// Only themselves.
    Outside,
}

impl Reach {
    fn find(self, value: &Value) -> Option<std::sync::Arc<ftl_core::Undefined>> {
        let marker = |value: &Value| match value {
            Value::Undefined(marker) => Some(marker.clone()),
            _ => None,
        };
        match (self, value) {
            (Reach::Whole, value) => find_marker(value),
            (Reach::Items, Value::List(list)) => list.items().iter().find_map(marker),
            (Reach::Items, Value::Tuple(items)) => items.iter().find_map(marker),
            (Reach::Entries, Value::Dict(dict)) => dict.entries().values().find_map(marker),
            _ => marker(value),
        }
    }
}

/// The name without the prefix of ansible-core's own plugins.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// The name that messages show.
fn full(name: &str) -> String {
    let short = short(name);
    if short.contains('.') { short.to_string() } else { format!("ansible.builtin.{short}") }
}

/// Renders the arguments; gives the marker that decides the call, if there is one.
fn prepare(
    evaluation: &Evaluation<'_>,
    value: Option<&mut Value>,
    arguments: &mut Arguments,
    takes_markers: bool,
    reach: Reach,
) -> Result<Option<Value>, Failure> {
    let mut all: Vec<&mut Value> = value.into_iter().chain(arguments.values_mut()).collect();
    if !takes_markers && let Some(found) = all.iter().find(|v| v.is_undefined()) {
        return Ok(Some((**found).clone()));
    }
    for value in &mut all {
        let rendered = evaluation.renderer().deep(std::mem::take(*value))?;
        **value = rendered;
    }
    if takes_markers {
        return Ok(None);
    }
    Ok(all.iter().find_map(|v| reach.find(v)).map(Value::Undefined))
}

/// A plugin's failure as a marker.
fn plugin_failure(evaluation: &Evaluation<'_>, kind: &str, name: &str, failure: Failure) -> Result<Value, Failure> {
    match failure.kind() {
        FailureKind::Undefined(_) | FailureKind::Limit => from_failure(failure, evaluation.origin(), "template"),
        _ => Ok(crate::evaluate::error_marker(plugin_error(kind, name, failure), evaluation.origin())),
    }
}

fn plugin_error(kind: &str, name: &str, failure: Failure) -> Diagnostic {
    Diagnostic::error(format!("The {kind} plugin '{name}' failed.")).caused_by(failure.diagnostic())
}

/// A filter, test or lookup in Python. Its arguments are whole values: the first marker among them is the answer.
fn foreign(
    evaluation: &Evaluation<'_>,
    kind: &str,
    name: &str,
    mut value: Option<Value>,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    // Lookups say themselves whether they take markers.
    let markers = kind == "lookup";
    if let Some(marker) = prepare(evaluation, value.as_mut(), &mut arguments, markers, Reach::Whole)? {
        return Ok(marker);
    }
    let Some(plugins) = &evaluation.shared().plugins else { return Ok(Value::None) };
    let mut positional = vec![];
    for term in arguments.rest() {
        let term = evaluation.renderer().deep(term)?;
        if let Some(marker) = find_marker(&term).filter(|_| !markers) {
            return Err(Failure::undefined(marker));
        }
        positional.push(term);
    }
    let named = arguments.rest_named().into_iter().map(|(key, value)| (Value::str(key), value)).collect();
    let variables = match kind {
        "lookup" => variables(evaluation),
        _ => Value::dict(Map::new()),
    };
    let answer = plugins.call(kind, name, value.as_ref(), &Value::list(positional), &Value::dict(named), &variables);
    answer.map_err(|message| Failure::finished(Diagnostic::error(message)))
}

/// What a lookup may read: all variables that can be rendered.
fn variables(evaluation: &Evaluation<'_>) -> Value {
    let names = evaluation.names().into_iter().filter(|n| !matches!(&**n, "vars" | "hostvars" | "omit" | "groups"));
    let entries = names.filter_map(|name| {
        let value = evaluation.render(&evaluation.raw(&name)?).ok()?;
        find_marker(&value).is_none().then(|| (Value::str(name), value))
    });
    Value::dict(entries.collect())
}

/// `value | name(arguments)`.
pub(crate) fn filter_value(
    evaluation: &Evaluation<'_>,
    name: &str,
    mut value: Value,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    let Some((name, function)) = evaluation.shared().filter(name) else {
        if evaluation.shared().has_foreign("filter", name) {
            return foreign(evaluation, "filter", name, Some(value), arguments);
        }
        return Err(Failure::value_error(format!("No filter named '{name}' found.")));
    };
    let short = short(name);
    let markers = FILTERS_OF_MARKERS.contains(&short);
    let reach = match short {
        name if FILTERS_OF_LAZY.contains(&name) => Reach::Outside,
        name if FILTERS_OF_ITEMS.contains(&name) => Reach::Items,
        "dict2items" | "items" => Reach::Entries,
        _ => Reach::Whole,
    };
    if let Some(marker) = prepare(evaluation, Some(&mut value), &mut arguments, markers, reach)? {
        return Ok(marker);
    }
    match function(evaluation, value, arguments) {
        // Ansible makes lists of what filters hand on.
        Ok(Value::Object(object)) if object.type_name() == "range" => {
            evaluation.check_items(object.len().unwrap_or(usize::MAX))?;
            Ok(Value::list(object.iterate().unwrap_or_default()))
        }
        Ok(value) => Ok(value),
        Err(failure) => plugin_failure(evaluation, "filter", &full(name), failure),
    }
}

/// `value is name(arguments)`: a bool, or the marker that stands for the answer.
pub(crate) fn test_value(
    evaluation: &Evaluation<'_>,
    name: &str,
    mut value: Value,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    let Some(function) = evaluation.shared().test(name) else {
        if evaluation.shared().has_foreign("test", name) {
            return foreign(evaluation, "test", name, Some(value), arguments);
        }
        return Err(Failure::value_error(format!("No test named '{name}' found.")));
    };
    let short = short(name);
    let markers = TESTS_OF_MARKERS.contains(&short);
    let reach = if TESTS_OF_LAZY.contains(&short) { Reach::Outside } else { Reach::Whole };
    if !(markers && value.is_undefined())
        && let Some(marker) = prepare(evaluation, Some(&mut value), &mut arguments, markers, reach)?
    {
        return Ok(marker);
    }
    match function(evaluation, value, arguments) {
        Ok(holds) => Ok(Value::Bool(holds)),
        Err(failure) => plugin_failure(evaluation, "test", &full(name), failure),
    }
}

/// A filter that a function calls by name.
pub(crate) fn filter(
    evaluation: &Evaluation<'_>,
    name: &str,
    value: Value,
    arguments: Arguments,
) -> Result<Value, Failure> {
    match evaluation.shared().has("filter", name) {
        true => filter_value(evaluation, name, value, arguments),
        false => Err(Failure::value_error(format!("No filter named '{name}'."))),
    }
}

/// A test that a function calls by name.
pub(crate) fn test(
    evaluation: &Evaluation<'_>,
    name: &str,
    value: Value,
    arguments: Arguments,
) -> Result<bool, Failure> {
    if !evaluation.shared().has("test", name) {
        return Err(Failure::value_error(format!("No test named '{name}'.")));
    }
    match test_value(evaluation, name, value, arguments)? {
        Value::Undefined(marker) => Err(Failure::undefined(marker)),
        value => Ok(value.is_true()),
    }
}

/// The results of a lookup, as a list.
pub(crate) fn lookup(
    evaluation: &Evaluation<'_>,
    name: &str,
    mut terms: Vec<Value>,
    mut options: Arguments,
) -> Result<Vec<Value>, Failure> {
    let Some(function) = evaluation.shared().lookup(name) else {
        if evaluation.shared().has_foreign("lookup", name) {
            evaluation.impure();
            let answer = foreign(evaluation, "lookup", name, None, Arguments::new(terms, options.rest_named()))?;
            if let Value::Undefined(marker) = answer {
                return Err(Failure::undefined(marker));
            }
            return Ok(answer.as_items().map(|items| (*items).clone()).unwrap_or_else(|| vec![answer]));
        }
        let message = format!("The lookup plugin '{name}' was not found.");
        return Err(Failure::finished(Diagnostic::error(message)));
    };
    evaluation.impure();
    let takes_markers = LOOKUPS_OF_MARKERS.contains(&short(name));
    let takes_lazy = takes_markers || short(name) == "list" || LOOKUPS_OF_LAZY.contains(&short(name));
    for term in &mut terms {
        if let Value::Undefined(marker) = term
            && !takes_markers
        {
            return Err(Failure::undefined(marker.clone()));
        }
        *term = evaluation.renderer().deep(std::mem::take(term))?;
        if !takes_lazy && let Some(marker) = find_marker(term) {
            return Err(Failure::undefined(marker));
        }
    }
    if let Some(Value::Undefined(marker)) = prepare(evaluation, None, &mut options, takes_markers, Reach::Whole)? {
        return Err(Failure::undefined(marker));
    }
    function(evaluation, terms, options)
}

/// `lookup(name, terms…, options…)` and `query(…)`.
pub(crate) fn lookup_call(machine: &Machine<'_>, mut arguments: Arguments, query: bool) -> Result<Value, Failure> {
    let evaluation = &machine.evaluation;
    let mut positional = arguments.rest().into_iter();
    let name = match positional.next() {
        Some(Value::Str(name)) => name,
        Some(Value::Undefined(marker)) => return Err(Failure::undefined(marker)),
        _ => return Err(Failure::type_error("_lookup() missing 1 required positional argument: 'plugin_name'")),
    };
    let terms: Vec<Value> = positional.collect();
    let wants_list = query || arguments.take_named("wantlist").is_some_and(|w| w.is_true());
    let errors = arguments.take_named("errors");
    let errors = errors.as_ref().and_then(Value::as_str).unwrap_or("strict");
    let known = evaluation.shared().has("lookup", &name);
    match lookup(evaluation, &name, terms, arguments) {
        Ok(results) if wants_list => Ok(Value::list(results)),
        Ok(results) => Ok(joined(results)),
        Err(failure) if failure.marker().is_some() || failure.is_final() || !known => Err(failure),
        Err(failure) => {
            match errors {
                "warn" => {
                    let text = format!("An error occurred while running the lookup plugin '{}'.", name.as_str());
                    evaluation.warn(Diagnostic::warning(text).caused_by(failure.diagnostic()));
                }
                "ignore" => {}
                // Python's error has these words already.
                _ if evaluation.shared().lookup(&name).is_none() => return Err(failure),
                _ => return Err(Failure::finished(plugin_error("lookup", &name, failure))),
            }
            Ok(if wants_list { Value::list(Vec::new()) } else { Value::None })
        }
    }
}

/// What `lookup` makes of a list: its only item, the joined texts, or the list.
fn joined(mut results: Vec<Value>) -> Value {
    if results.len() == 1 {
        return results.pop().unwrap_or_default();
    }
    if !results.is_empty() && results.iter().all(|r| matches!(r, Value::Str(_))) {
        return Value::str(results.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
    }
    Value::list(results)
}

/// Is the text an expression that was wrapped into delimiters as a whole?
pub(crate) fn is_all_template(text: &str) -> bool {
    looks_like_template(text)
        && (text.starts_with("#jinja2:")
            || ["{{", "{%", "{#"].iter().any(|s| text.starts_with(s))
                && ["}}", "%}", "#}"].iter().any(|e| text.ends_with(e)))
}
