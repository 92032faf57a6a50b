//! Values with behaviour: what templates can call or ask for attributes.

use std::any::Any;
use std::sync::{Arc, Mutex};

use ftl_core::value::{repr, type_name};
use ftl_core::{Map, Object, Value};

use super::macros::{MacroObject, Module, Super};
use super::{Machine, attribute, global, loops, marker};
use crate::call::{Arguments, Failure};
use crate::format::braces::{Fields, Part};
use crate::method;

/// The value of `x if false` without an `else`: Jinja's own lenient undefined value.
pub(crate) struct Lenient;

impl Object for Lenient {
    fn type_name(&self) -> &str {
        "Undefined"
    }
    fn iterate(&self) -> Option<Vec<Value>> {
        Some(Vec::new())
    }
    fn is_true(&self) -> bool {
        false
    }
    fn repr(&self) -> String {
        "Undefined".into()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A method that has not been called yet: `s.upper`.
pub(crate) struct Method {
    receiver: Value,
    name: Box<str>,
}

impl Method {
    pub(crate) fn bind(receiver: Value, name: &str) -> Arc<dyn Object> {
        Arc::new(Method { receiver, name: name.into() })
    }
}

impl Object for Method {
    fn type_name(&self) -> &str {
        // Methods that Ansible's containers of variables define themselves.
        let own = match &self.receiver {
            Value::Dict(dict) if dict.is_loaded() => {
                matches!(&*self.name, "get" | "items" | "values" | "pop" | "popitem" | "setdefault")
            }
            Value::List(list) if list.is_loaded() => matches!(&*self.name, "index" | "pop" | "remove" | "sort"),
            _ => false,
        };
        if own { "method" } else { "builtin_function_or_method" }
    }
    fn is_true(&self) -> bool {
        true
    }
    fn repr(&self) -> String {
        format!("<built-in method {} of {} object>", self.name, type_name(&self.receiver))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `range(…)`: numbers on demand.
pub(crate) struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

impl Range {
    pub(crate) fn count(&self) -> u64 {
        let (low, high) = if self.step > 0 { (self.start, self.stop) } else { (self.stop, self.start) };
        if low >= high {
            return 0;
        }
        ((high as i128 - low as i128 + self.step.unsigned_abs() as i128 - 1) / self.step.unsigned_abs() as i128) as u64
    }

    fn at(&self, index: u64) -> i64 {
        (self.start as i128 + index as i128 * self.step as i128) as i64
    }

    pub(crate) fn contains(&self, item: &Value) -> bool {
        let Some(number) = item.as_int() else {
            return false;
        };
        let offset = number as i128 - self.start as i128;
        offset % self.step as i128 == 0 && (0..self.count() as i128).contains(&(offset / self.step as i128))
    }

    pub(crate) fn get(&self, index: i64) -> Option<i64> {
        let count = self.count();
        let index = if index < 0 { count.checked_sub(index.unsigned_abs())? } else { index as u64 };
        (index < count).then(|| self.at(index))
    }
}

/// More numbers than this are not made into a list.
const MAX_RANGE: u64 = 10_000_000;

impl Object for Range {
    fn type_name(&self) -> &str {
        "range"
    }
    fn get_item(&self, key: &Value) -> Option<Value> {
        self.get(key.as_int()?).map(Value::Int)
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "start" => Some(Value::Int(self.start)),
            "stop" => Some(Value::Int(self.stop)),
            "step" => Some(Value::Int(self.step)),
            _ => None,
        }
    }
    fn iterate(&self) -> Option<Vec<Value>> {
        let count = self.count();
        (count <= MAX_RANGE).then(|| (0..count).map(|at| Value::Int(self.at(at))).collect())
    }
    fn len(&self) -> Option<usize> {
        usize::try_from(self.count()).ok()
    }
    fn repr(&self) -> String {
        match self.step {
            1 => format!("range({}, {})", self.start, self.stop),
            step => format!("range({}, {}, {step})", self.start, self.stop),
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `namespace(…)`: names that may be set from inner scopes.
pub(crate) struct Namespace(pub Mutex<Map>);

impl Object for Namespace {
    fn type_name(&self) -> &str {
        "Namespace"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).get(name).cloned()
    }
    fn is_true(&self) -> bool {
        true
    }
    fn repr(&self) -> String {
        let map = self.0.lock().unwrap_or_else(|e| e.into_inner()).clone();
        format!("<Namespace {}>", repr(&Value::dict(map)))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `cycler(…)`: one item after the other, again and again.
pub(crate) struct Cycler {
    items: Vec<Value>,
    at: Mutex<usize>,
}

impl Cycler {
    pub(crate) fn new(items: Vec<Value>) -> Cycler {
        Cycler { items, at: Mutex::new(0) }
    }
}

impl Object for Cycler {
    fn type_name(&self) -> &str {
        "Cycler"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        let at = *self.at.lock().unwrap_or_else(|e| e.into_inner());
        match name {
            "current" => self.items.get(at).cloned(),
            _ => None,
        }
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `joiner(…)`: nothing at first, the separator from then on.
pub(crate) struct Joiner {
    pub separator: Value,
    pub used: Mutex<bool>,
}

impl Object for Joiner {
    fn type_name(&self) -> &str {
        "Joiner"
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A method of an object of ours, such as `loop.cycle`.
pub(crate) struct ObjectMethod {
    pub object: Arc<dyn Object>,
    pub name: &'static str,
}

impl Object for ObjectMethod {
    fn type_name(&self) -> &str {
        "method"
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Attributes that are data, or methods of our objects.
pub(super) fn attribute(object: &Value, name: &str) -> Option<Value> {
    let Value::Object(o) = object else {
        return method::data_attribute(object, name);
    };
    let any = o.as_any();
    let bound = |name| Some(Value::Object(Arc::new(ObjectMethod { object: o.clone(), name })));
    if any.is::<Cycler>() {
        match name {
            "next" => return bound("next"),
            "reset" => return bound("reset"),
            _ => {}
        }
    } else if any.is::<loops::Loop>() {
        match name {
            "cycle" => return bound("cycle"),
            "changed" => return bound("changed"),
            _ => {}
        }
    } else if o.is_mapping() {
        match name {
            "get" => return bound("get"),
            "keys" => return bound("keys"),
            "values" => return bound("values"),
            "items" => return bound("items"),
            _ => {}
        }
    }
    o.get_attr(name)
}

/// Calls a function or method. What it raises becomes a marker, as does a marker among its arguments.
pub(crate) fn call(machine: &Machine<'_>, function: &Value, arguments: Arguments) -> Result<Value, Failure> {
    let result = match function {
        Value::Undefined(_) => return Ok(function.clone()),
        Value::Object(object) => {
            let any = object.as_any();
            if let Some(method) = any.downcast_ref::<Method>() {
                return call_method(machine, &method.receiver, &method.name, arguments);
            }
            if let Some(m) = any.downcast_ref::<MacroObject>() {
                m.call(machine, arguments)
            } else if let Some(g) = any.downcast_ref::<global::Function>() {
                g.call(machine, arguments)
            } else {
                match first_marker(&arguments) {
                    Some(found) => return Ok(found),
                    None => call_object(machine, object, function, arguments),
                }
            }
        }
        _ => Err(not_callable(function)),
    };
    caught(machine, result)
}

fn caught(machine: &Machine<'_>, result: Result<Value, Failure>) -> Result<Value, Failure> {
    match result {
        Err(failure) => marker::from_failure(failure, machine.evaluation.origin(), machine.kind),
        ok => ok,
    }
}

fn first_marker(arguments: &Arguments) -> Option<Value> {
    arguments.values().find(|v| v.is_undefined()).cloned()
}

fn not_callable(function: &Value) -> Failure {
    Failure::type_error(format!("'{}' object is not callable", type_name(function)))
}

fn call_object(
    machine: &Machine<'_>,
    object: &Arc<dyn Object>,
    function: &Value,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    let any = object.as_any();
    if let Some(bound) = any.downcast_ref::<ObjectMethod>() {
        return call_object_method(machine, bound, arguments);
    }
    if let Some(joiner) = any.downcast_ref::<Joiner>() {
        arguments.finish("Joiner.__call__")?;
        let mut used = joiner.used.lock().unwrap_or_else(|e| e.into_inner());
        let first = !std::mem::replace(&mut *used, true);
        return Ok(if first { Value::str("") } else { joiner.separator.clone() });
    }
    if let Some(l) = any.downcast_ref::<loops::Loop>() {
        let items = arguments.require("__call__", "iterable", 0)?;
        return l.recurse(machine, &items);
    }
    if let Some(s) = any.downcast_ref::<Super>() {
        return s.call(machine);
    }
    Err(not_callable(function))
}

fn call_object_method(machine: &Machine<'_>, bound: &ObjectMethod, mut arguments: Arguments) -> Result<Value, Failure> {
    let any = bound.object.as_any();
    if let Some(cycler) = any.downcast_ref::<Cycler>() {
        let mut at = cycler.at.lock().unwrap_or_else(|e| e.into_inner());
        if bound.name == "reset" {
            *at = 0;
            return Ok(Value::None);
        }
        let item = cycler.items.get(*at).cloned().unwrap_or_default();
        *at = (*at + 1) % cycler.items.len().max(1);
        return Ok(item);
    }
    if let Some(l) = any.downcast_ref::<loops::Loop>() {
        return l.call(bound.name, arguments);
    }
    // Mappings of the engine, such as hostvars.
    match bound.name {
        "get" => {
            let key = arguments.require("get", "key", 0)?;
            let default = arguments.take("default", 1).unwrap_or_default();
            match bound.object.get_item(&key) {
                Some(value) => machine.access(value),
                None => Ok(default),
            }
        }
        name => {
            let keys = bound.object.iterate().unwrap_or_default();
            if name == "keys" {
                return Ok(Value::list(keys));
            }
            let mut items = Vec::with_capacity(keys.len());
            for key in keys {
                let value = machine.access(bound.object.get_item(&key).unwrap_or_default())?;
                items.push(if name == "values" { value } else { Value::Tuple([key, value].into()) });
            }
            Ok(Value::list(items))
        }
    }
}

/// Calls a method of one of Python's types.
pub(crate) fn call_method(
    machine: &Machine<'_>,
    receiver: &Value,
    name: &str,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    if let Some(found) = first_marker(&arguments) {
        return Ok(found);
    }
    for argument in arguments.values_mut() {
        *argument = machine.deep(argument.clone())?;
    }
    caught(machine, method_result(machine, receiver, name, arguments))
}

fn method_result(
    machine: &Machine<'_>,
    receiver: &Value,
    name: &str,
    mut arguments: Arguments,
) -> Result<Value, Failure> {
    match (receiver, name) {
        (Value::Dict(dict), "get") => {
            let key = arguments.require("get", "key", 0)?;
            let default = arguments.take("default", 1).unwrap_or_default();
            arguments.finish("dict.get")?;
            super::operator::check_hashable(&key)?;
            match dict.get_value(&key) {
                Some(value) => attribute::dict_element(machine, dict, &key, value),
                None => Ok(default),
            }
        }
        (Value::Str(text), "format" | "format_map") => {
            let positional = arguments.rest();
            let named = arguments.rest_named();
            let mapping = (name == "format_map").then(|| positional.first().cloned().unwrap_or_default());
            let access = |value: &Value, part: Part<'_>| match part {
                Part::Attribute(name) => attribute::get_attribute(machine, value, name),
                Part::Item(key) => attribute::get_item(machine, value, key),
            };
            let fields = Fields { positional: &positional, named: &named, mapping: mapping.as_ref(), access: &access };
            let text = crate::format::braces::format(text, &fields)?;
            machine.evaluation.check_text(text.len())?;
            Ok(Value::str(text))
        }
        _ => {
            refuse_cycle(receiver, name, &arguments)?;
            let settled = settle(machine, receiver, name)?;
            let result = method::call(&settled, name, arguments)?;
            if matches!(name, "items" | "values") {
                marker::trip(&result)?;
            }
            Ok(result)
        }
    }
}

/// The receiver with its items rendered: in place when this template may change it.
fn settle(machine: &Machine<'_>, receiver: &Value, name: &str) -> Result<Value, Failure> {
    let needs_items = !matches!(name, "keys" | "append" | "extend" | "insert" | "update" | "clear" | "setdefault");
    match receiver {
        Value::List(list) if machine.exact && !list.is_loaded() => {
            if needs_items {
                let items = list.items();
                for (at, item) in items.iter().enumerate() {
                    attribute::list_element(machine, list, at, item)?;
                }
            }
            Ok(receiver.clone())
        }
        Value::Dict(dict) if machine.exact && !dict.is_loaded() => {
            if needs_items || name == "setdefault" {
                for (key, value) in dict.entries().iter() {
                    attribute::dict_element(machine, dict, key, value.clone())?;
                }
            }
            Ok(receiver.clone())
        }
        // Ansible's lists of variables hold wrappers until their items are taken; counting finds nothing in them.
        Value::List(list) if name == "count" && list.is_loaded() => Ok(Value::list(Vec::new())),
        Value::List(_) | Value::Dict(_) if !needs_items => Ok(receiver.clone()),
        _ => machine.deep(receiver.clone()),
    }
}

/// The text of an imported template when it is put out.
pub(crate) fn module_text(value: &Value) -> Option<Value> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<Module>().map(|module| module.text.clone()),
        _ => None,
    }
}

/// A container that holds itself could never be put out.
fn refuse_cycle(receiver: &Value, name: &str, arguments: &Arguments) -> Result<(), Failure> {
    if !matches!(name, "append" | "extend" | "insert" | "update" | "setdefault") {
        return Ok(());
    }
    if arguments.values().any(|argument| holds(argument, receiver)) {
        let message = "a list or dict cannot be put into itself";
        return Err(Failure::new(crate::FailureKind::Limit, message));
    }
    Ok(())
}

fn holds(value: &Value, cell: &Value) -> bool {
    crate::stack::grow(|| match value {
        Value::List(list) => {
            matches!(cell, Value::List(other) if other.same_cell(list))
                || (!list.is_loaded() && list.items().iter().any(|item| holds(item, cell)))
        }
        Value::Tuple(items) => items.iter().any(|item| holds(item, cell)),
        Value::Dict(dict) => {
            matches!(cell, Value::Dict(other) if other.same_cell(dict))
                || (!dict.is_loaded() && dict.entries().values().any(|item| holds(item, cell)))
        }
        _ => false,
    })
}
