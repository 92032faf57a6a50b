//! The check of arguments against a module's table: order and texts are those of Ansible's argument specs.

use serde_json::Value;

use crate::Object;
use crate::argument::{Argument, Default, Kind};
use crate::convert::convert;
use crate::host::Host;
use crate::module::Module;
use crate::python::{str_of, type_name};

/// Completes and converts `given`; the message of the first mistake, in Ansible's order, otherwise. What was completed
/// until then is kept: Ansible shows it in `invocation`.
pub(crate) fn check(module: &Module, given: Object, host: &Host) -> (Object, Result<(), String>) {
    let mut checked = Check { module, host, args: given, mistakes: Vec::new() };
    let unsupported = checked.run();
    let result = match checked.mistakes.into_iter().next() {
        Some(message) => Err(message),
        None => match unsupported {
            Some(names) => Err(unsupported_text(module, host, &names)),
            None => Ok(()),
        },
    };
    (checked.args, result)
}

struct Check<'a> {
    module: &'a Module,
    host: &'a Host,
    args: Object,
    mistakes: Vec<String>,
}

impl Check<'_> {
    /// Answers the names of arguments that do not exist.
    fn run(&mut self) -> Option<String> {
        self.fallback();
        self.use_aliases();
        let unsupported = self.unsupported();
        self.mutually_exclusive();
        self.defaults(false);
        self.required();
        for argument in self.module.all_arguments() {
            self.kind(argument);
        }
        for argument in self.module.all_arguments() {
            self.choices(argument);
        }
        self.one_of();
        self.defaults(true);
        unsupported
    }

    fn fallback(&mut self) {
        if self.module.file_arguments
            && !self.args.contains_key("unsafe_writes")
            && let Some(value) = self.host.variable("ANSIBLE_UNSAFE_WRITES")
        {
            self.args.insert("unsafe_writes".into(), Value::from(value));
        }
    }

    fn use_aliases(&mut self) {
        for argument in self.module.all_arguments() {
            for alias in argument.aliases {
                let Some(value) = self.args.get(*alias).cloned() else { continue };
                if self.args.contains_key(argument.name) {
                    self.host.warn(format!("Both option {} and its alias {alias} are set.", argument.name));
                }
                self.args.insert(argument.name.into(), value);
            }
        }
    }

    fn unsupported(&self) -> Option<String> {
        let known = |name: &str| self.module.all_arguments().any(|argument| argument.answers_to(name));
        let mut unknown: Vec<&str> = self.args.keys().map(String::as_str).filter(|name| !known(name)).collect();
        unknown.sort_unstable();
        (!unknown.is_empty()).then(|| unknown.join(", "))
    }

    fn has(&self, name: &str) -> bool {
        self.args.contains_key(name)
    }

    fn count(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.has(name)).count()
    }

    fn mutually_exclusive(&mut self) {
        let groups = self.module.rules.mutually_exclusive.iter().filter(|group| self.count(group) > 1);
        let groups: Vec<String> = groups.map(|group| group.join("|")).collect();
        if !groups.is_empty() {
            self.mistakes.push(format!("parameters are mutually exclusive: {}", groups.join(", ")));
        }
    }

    fn defaults(&mut self, all: bool) {
        for argument in self.module.all_arguments() {
            if (all || argument.default != Default::None) && !self.has(argument.name) {
                self.args.insert(argument.name.into(), default_value(argument));
            }
        }
    }

    fn required(&mut self) {
        let missing = self.module.all_arguments().filter(|argument| argument.required && !self.has(argument.name));
        let mut missing: Vec<&str> = missing.map(|argument| argument.name).collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            self.mistakes.push(format!("missing required arguments: {}", missing.join(", ")));
        }
    }

    fn kind(&mut self, argument: &Argument) {
        let Some(value) = self.args.get(argument.name).cloned() else { return };
        if value.is_null() && !argument.required && argument.default == Default::None {
            return;
        }
        let given = type_name(&value);
        match convert(value, argument.kind, self.host) {
            Ok(value) => {
                let value = match argument.elements {
                    Some(kind) => self.elements(argument, kind, value),
                    None => value,
                };
                self.args.insert(argument.name.into(), value);
            }
            Err(reason) => self.mistakes.push(format!(
                "argument '{}' is of type {given} and we were unable to convert to {}: {reason}",
                argument.name,
                argument.kind.name()
            )),
        }
    }

    fn elements(&mut self, argument: &Argument, kind: Kind, value: Value) -> Value {
        let Value::Array(items) = value else { return value };
        let mut converted = Vec::with_capacity(items.len());
        for item in items {
            let given = type_name(&item);
            match convert(item, kind, self.host) {
                Ok(item) => converted.push(item),
                Err(reason) => self.mistakes.push(format!(
                    "Elements value for option '{}' is of type {given} and we were unable to convert to {}: {reason}",
                    argument.name,
                    kind.name()
                )),
            }
        }
        Value::Array(converted)
    }

    fn choices(&mut self, argument: &Argument) {
        let Some(value) = self.args.get(argument.name) else { return };
        if argument.choices.is_empty() {
            return;
        }
        let allowed = |value: &Value| value.as_str().is_some_and(|text| argument.choices.contains(&text));
        if !allowed(value) {
            let choices = argument.choices.join(", ");
            self.mistakes.push(format!("value of {} must be one of: {choices}, got: {}", argument.name, str_of(value)));
        }
    }

    fn one_of(&mut self) {
        if let Some(group) = self.module.rules.required_one_of.iter().find(|group| self.count(group) == 0) {
            self.mistakes.push(format!("one of the following is required: {}", group.join(", ")));
        }
    }
}

fn default_value(argument: &Argument) -> Value {
    match argument.default {
        Default::None => Value::Null,
        Default::Bool(flag) => Value::Bool(flag),
        Default::Int(number) => Value::from(number),
        Default::Text(text) => Value::from(text),
        Default::Words(words) => words.iter().copied().map(Value::from).collect(),
    }
}

fn unsupported_text(module: &Module, host: &Host, names: &str) -> String {
    let mut known: Vec<&str> = module.all_arguments().map(|argument| argument.name).collect();
    let mut aliases: Vec<&str> = module.all_arguments().flat_map(|argument| argument.aliases.iter().copied()).collect();
    known.sort_unstable();
    aliases.sort_unstable();
    let mut supported = known.join(", ");
    if !aliases.is_empty() {
        supported.push_str(&format!(" ({})", aliases.join(", ")));
    }
    let name = host.module_name();
    format!("Unsupported parameters for ({name}) module: {names}. Supported parameters include: {supported}.")
}
