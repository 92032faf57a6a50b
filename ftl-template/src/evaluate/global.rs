//! Functions that every template has: `range`, `lookup`, `now` and the like.

use std::any::Any;
use std::sync::{Arc, Mutex};

use ftl_core::value::{DateTime, type_name};
use ftl_core::{Map, Object, Value};

use super::callable::{Cycler, Joiner, Namespace, Range};
use super::{Machine, marker};
use crate::call::{Arguments, Failure};
use crate::{dispatch, format, method};

type GlobalFunction = fn(&Machine<'_>, Arguments) -> Result<Value, Failure>;

/// Name, Python's type name, whether markers among the arguments are its own business, function.
static TABLE: &[(&str, &str, bool, GlobalFunction)] = &[
    ("cycler", "type", false, |_, mut a| {
        let items = a.rest();
        if items.is_empty() {
            return Err(Failure::type_error("at least one item has to be provided"));
        }
        a.finish("Cycler.__init__")?;
        Ok(Value::Object(Arc::new(Cycler::new(items))))
    }),
    ("dict", "type", false, |_, a| dict(a)),
    ("joiner", "type", false, |_, mut a| {
        let separator = a.take("sep", 0).unwrap_or_else(|| Value::str(", "));
        a.finish("Joiner.__init__")?;
        Ok(Value::Object(Arc::new(Joiner { separator, used: Mutex::new(false) })))
    }),
    ("lipsum", "function", false, lipsum),
    ("lookup", "function", true, |m, a| dispatch::lookup_call(m, a, false)),
    ("namespace", "type", false, |_, a| {
        let Some(map) = dict(a)?.as_map() else { return Ok(Value::None) };
        Ok(Value::Object(Arc::new(Namespace(Mutex::new((*map).clone())))))
    }),
    ("now", "function", false, now),
    ("q", "function", true, |m, a| dispatch::lookup_call(m, a, true)),
    ("query", "function", true, |m, a| dispatch::lookup_call(m, a, true)),
    ("range", "type", false, |_, a| range(a)),
    ("undef", "function", true, undef),
];

/// The global of this name.
pub(crate) fn find(name: &str) -> Option<Value> {
    if name == "omit" {
        return Some(Value::Omit);
    }
    let at = TABLE.binary_search_by(|entry| entry.0.cmp(name)).ok()?;
    Some(Value::Object(Arc::new(Function(at))))
}

/// Is it `lookup` or one of its short names?
pub(crate) fn is_lookup(value: &Value) -> bool {
    matches!(value, Value::Object(o) if o.as_any().downcast_ref::<Function>()
        .is_some_and(|f| matches!(TABLE[f.0].0, "lookup" | "query" | "q")))
}

pub(crate) struct Function(usize);

impl Function {
    pub(crate) fn call(&self, machine: &Machine<'_>, mut arguments: Arguments) -> Result<Value, Failure> {
        let (_, _, takes_markers, function) = TABLE[self.0];
        if !takes_markers {
            if let Some(found) = arguments.values().find(|v| v.is_undefined()) {
                return Ok(found.clone());
            }
            for argument in arguments.values_mut() {
                *argument = machine.deep(argument.clone())?;
            }
        }
        function(machine, arguments)
    }
}

impl Object for Function {
    fn type_name(&self) -> &str {
        TABLE[self.0].1
    }
    fn is_true(&self) -> bool {
        true
    }
    fn repr(&self) -> String {
        match TABLE[self.0].1 {
            "type" => {
                let name = match TABLE[self.0].0 {
                    "cycler" => "jinja2.utils.Cycler",
                    "joiner" => "jinja2.utils.Joiner",
                    "namespace" => "jinja2.utils.Namespace",
                    name => name,
                };
                format!("<class '{name}'>")
            }
            _ => format!("<function {}>", TABLE[self.0].0),
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn dict(mut arguments: Arguments) -> Result<Value, Failure> {
    let mut map = Map::new();
    match arguments.take("", 0) {
        None => {}
        Some(Value::Dict(dict)) => map.extend(dict.entries().iter().map(|(k, v)| (k.clone(), v.clone()))),
        Some(other) => map.extend(method::pairs(&other)?),
    }
    map.extend(arguments.rest_map());
    arguments.finish("dict")?;
    Ok(Value::dict(map))
}

fn range(mut arguments: Arguments) -> Result<Value, Failure> {
    let bounds = arguments.rest();
    arguments.finish("range")?;
    let mut numbers = Vec::with_capacity(3);
    for bound in &bounds {
        numbers.push(bound.as_int().ok_or_else(|| {
            Failure::type_error(format!("'{}' object cannot be interpreted as an integer", type_name(bound)))
        })?);
    }
    let (start, stop, step) = match numbers[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] => (start, stop, step),
        [] => return Err(Failure::type_error("range expected at least 1 argument, got 0")),
        _ => {
            return Err(Failure::type_error(format!("range expected at most 3 arguments, got {}", numbers.len())));
        }
    };
    if step == 0 {
        return Err(Failure::value_error("range() arg 3 must not be zero"));
    }
    Ok(Value::Object(Arc::new(Range { start, stop, step })))
}

fn now(machine: &Machine<'_>, mut arguments: Arguments) -> Result<Value, Failure> {
    machine.evaluation.impure();
    let utc = arguments.take_bool("utc", 0, false);
    let format = arguments.take("fmt", 1);
    arguments.finish("_now")?;
    let zone = if utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let civil = zone.to_datetime(jiff::Timestamp::now());
    // Python's clock counts microseconds.
    let civil = civil.with().subsec_nanosecond(civil.subsec_nanosecond() / 1000 * 1000).build().unwrap_or(civil);
    let when = DateTime { civil, offset: None };
    match format {
        Some(Value::Str(format)) if !format.is_empty() => Ok(Value::str(format::strftime(&when, &format)?)),
        _ => Ok(Value::DateTime(when)),
    }
}

/// What `undef()` says when it is given nothing to say.
pub(crate) const NOT_OVERRIDDEN: &str = "Mandatory variable has not been overridden";

fn undef(machine: &Machine<'_>, mut arguments: Arguments) -> Result<Value, Failure> {
    let hint = arguments.take("hint", 0).unwrap_or_default();
    arguments.finish("_undef")?;
    let message = match &hint {
        Value::None => "",
        Value::Str(hint) => hint.as_str(),
        Value::Undefined(marker) => return Err(Failure::undefined(marker.clone())),
        other => {
            let found = type_name(other);
            return Err(Failure::type_error(format!(
                "The 'hint' argument must be of type 'str' or 'NoneType', not '{found}'."
            )));
        }
    };
    let message = if message.is_empty() { NOT_OVERRIDDEN } else { message };
    Ok(marker::undefined(message, machine.evaluation.origin()))
}

const WORDS: [&str; 24] = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "eiusmod",
    "tempor",
    "incididunt",
    "labore",
    "magna",
    "aliqua",
    "enim",
    "minim",
    "veniam",
    "quis",
    "nostrud",
    "ullamco",
    "laboris",
    "nisi",
    "commodo",
];

/// Filler text: paragraphs of random words.
fn lipsum(machine: &Machine<'_>, mut arguments: Arguments) -> Result<Value, Failure> {
    use rand::RngExt;
    machine.evaluation.impure();
    let number = |value: Option<Value>, default: i64| value.and_then(|v| v.as_int()).unwrap_or(default);
    let paragraphs = number(arguments.take("n", 0), 5).clamp(0, 10_000);
    let html = arguments.take_bool("html", 1, true);
    let low = number(arguments.take("min", 2), 20).clamp(1, 10_000);
    let high = number(arguments.take("max", 3), 100).clamp(low + 1, 20_000);
    arguments.finish("generate_lorem_ipsum")?;
    let mut random = rand::rng();
    let mut texts = Vec::new();
    for _ in 0..paragraphs {
        let count = random.random_range(low..high);
        let mut words: Vec<&str> = (0..count).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect();
        let first = method::capitalize(words.first().copied().unwrap_or_default());
        words.remove(0);
        let text = format!("{first} {}.", words.join(" "));
        texts.push(if html { format!("<p>{text}</p>") } else { text });
    }
    Ok(Value::str(texts.join(if html { "\n" } else { "\n\n" })))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted_by_name() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
