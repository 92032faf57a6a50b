//! Renders values for one host and task.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use ftl_core::source::{Diagnostic, Origin, Removal, Severity};
use ftl_core::value::{Dict, List};
use ftl_core::{Map, Str, Undefined, Value};
use rustc_hash::FxHashMap;

use crate::call::{Arguments, Failure};
use crate::evaluate::{self, Machine};
use crate::replacing::Replacing;
use crate::syntax::{Syntax, SyntaxError, Template, parse_expression, parse_template};
use crate::{Evaluation, FailureKind, FileOptions, Placeholders, Scope, Shared, UntrustedTemplates, dispatch};

/// Renders templates with the variables of one scope. Cheap to make; nothing is copied.
pub struct Renderer {
    scope: Arc<dyn Scope>,
    shared: Arc<Shared>,
    syntax: Arc<Syntax>,
    deadline: Option<Instant>,
    /// Where missing values get a placeholder instead of an error.
    replacing: Option<Arc<Replacing>>,
    /// Counts the uses of impure functions: a value is remembered only when the count stood still.
    impure: AtomicU64,
    session: Mutex<Session>,
}

/// What a renderer has learnt about the templates in its variables, by the address of their text.
#[derive(Default)]
struct Session {
    /// The text is kept too, so that its address stays its own.
    rendered: FxHashMap<usize, (Str, Value)>,
    /// Templates being rendered: meeting one again is a loop.
    active: Vec<usize>,
}

impl Renderer {
    pub fn new(scope: Arc<dyn Scope>, shared: Arc<Shared>) -> Renderer {
        let has = |name: &str| shared.jinja_extensions.iter().any(|e| e.trim().ends_with(name));
        let syntax = if shared.jinja_extensions.is_empty() {
            default_syntax()
        } else {
            Arc::new(Syntax { with_do: has("do"), with_loop_controls: has("loopcontrols"), ..Syntax::default() })
        };
        let session = Mutex::default();
        Renderer { scope, shared, syntax, deadline: None, replacing: None, impure: AtomicU64::new(0), session }
    }

    /// The same renderer that gives up at `deadline` (`timeout:` covers templating).
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Renderer {
        self.deadline = Some(deadline);
        self
    }

    /// A renderer that sees further variables (rendered or raw) on top of its own.
    #[must_use]
    pub fn with_variables(&self, variables: Map) -> Renderer {
        let scope = Layered { top: variables, below: self.scope.clone() };
        let replacing = self.replacing.clone();
        Renderer { deadline: self.deadline, replacing, ..Renderer::new(Arc::new(scope), self.shared.clone()) }
    }

    /// Renders or evaluates with placeholders for what is missing; the warnings say what they stand for.
    pub fn with_placeholders<T>(
        &self,
        which: Placeholders,
        render: impl FnOnce(&Renderer) -> Result<T, Diagnostic>,
    ) -> (Result<T, Diagnostic>, Vec<Diagnostic>) {
        let replacing = Replacing::new(which);
        let renderer = Renderer::new(self.scope.clone(), self.shared.clone());
        let renderer = Renderer { deadline: self.deadline, replacing: Some(replacing.clone()), ..renderer };
        (render(&renderer), replacing.warnings())
    }

    /// What becomes of a marker that is used: its placeholder, or the failure.
    pub(crate) fn used(&self, marker: &Arc<Undefined>) -> Result<Value, Failure> {
        let placeholder = self.replacing.as_ref().and_then(|replacing| replacing.placeholder(marker));
        placeholder.ok_or_else(|| Failure::undefined(marker.clone()))
    }

    /// Renders every trusted template inside `value`. An omitted value is `Value::Omit`; inside containers it is dropped.
    /// Strings that no template touched keep their marks; text made by a template has none.
    pub fn render(&self, value: &Value) -> Result<Value, Diagnostic> {
        self.check_trust(value)?;
        if !value.has_template() {
            return Ok(value.clone());
        }
        if let Value::Str(text) = value {
            return self.render_str(text);
        }
        evaluate::finalize(self, value.clone(), true).map_err(|failure| evaluate::complete(failure, None, "template"))
    }

    /// Renders one string; text that is not a trusted template comes back as it is.
    pub fn render_str(&self, text: &Str) -> Result<Value, Diagnostic> {
        if !text.is_template() {
            return Ok(Value::Str(text.clone()));
        }
        let result = self.render_nested(text).and_then(|value| evaluate::finalize(self, value, true));
        result.map_err(|failure| evaluate::complete(failure, text.origin(), "template"))
    }

    /// As [`render_str`](Renderer::render_str), but the items of a container stay as they are.
    pub fn render_container(&self, text: &Str) -> Result<Value, Diagnostic> {
        self.render_nested(text).map_err(|failure| evaluate::complete(failure, text.origin(), "template"))
    }

    /// As [`render`](Renderer::render), but what cannot be made is a marker instead of an error: for values that templates
    /// look into further, such as an entry of `hostvars`.
    pub fn render_or_marker(&self, value: &Value) -> Value {
        match self.deep(value.clone()) {
            Ok(value) => value,
            Err(failure) => evaluate::error_marker(evaluate::complete(failure, None, "template"), None),
        }
    }

    /// A bare expression, without braces.
    pub fn evaluate(&self, expression: &Str) -> Result<Value, Diagnostic> {
        self.evaluate_with(expression, false)
    }

    fn evaluate_with(&self, expression: &Str, is_conditional: bool) -> Result<Value, Diagnostic> {
        let origin = expression.origin();
        if !expression.is_trusted() {
            return Err(untrusted(expression));
        }
        let template = parse_expression(&expression.shared(), &self.syntax, &self.foreign()).map_err(|error| {
            let mut message = "Syntax error in expression.".to_string();
            if evaluate::looks_like_template(expression) {
                message += " Template delimiters are not supported in expressions.";
            }
            Diagnostic::error(message).at(origin.cloned()).caused_by(Diagnostic::error(error.message))
        })?;
        let mut machine = Machine::new(self, expression, self.syntax.clone());
        machine.kind = "expression";
        machine.is_conditional = is_conditional;
        machine.render_constants.set(is_conditional);
        let result = self.run(&mut machine, &template, expression, None);
        result
            .and_then(|value| evaluate::finalize(self, value, true))
            .map_err(|failure| evaluate::complete(failure, origin, "expression"))
    }

    /// `when`, `changed_when`, `until`, `that`: a bare expression that must give a bool.
    pub fn condition(&self, condition: &Value) -> Result<bool, Diagnostic> {
        let origin = match condition {
            Value::Str(text) => text.origin().cloned(),
            _ => None,
        };
        let result = match self.condition_value(condition) {
            Ok(result) => result,
            Err(error) if error.is_undefined => {
                let outer = Diagnostic::error("Error while evaluating conditional.").at(origin);
                return Err(outer.caused_by(error));
            }
            Err(error) => return Err(error),
        };
        if let Value::Bool(holds) = result {
            return Ok(holds);
        }
        if result.is_omit() {
            return Err(Diagnostic::error("A template was resolved to an Omit scalar.").at(origin));
        }
        let result_origin = match &result {
            Value::Str(text) => text.origin().cloned().or_else(|| origin.clone()),
            Value::None => None,
            _ => origin.clone(),
        };
        let place = result_origin.map_or("<unknown>".to_string(), |o| o.to_string());
        let holds = result.is_true();
        let message = format!(
            "Conditional result ({}) was derived from value of type '{}' at '{place}'. Conditionals must have a boolean \
             result.",
            if holds { "True" } else { "False" },
            ftl_core::value::type_name(&result),
        );
        self.broken(Diagnostic::error(message).at(origin), holds)
    }

    /// An error, or a deprecation where broken conditionals are allowed.
    fn broken(&self, error: Diagnostic, otherwise: bool) -> Result<bool, Diagnostic> {
        if !self.shared.allow_broken_conditionals {
            return Err(error);
        }
        let mut warning = Diagnostic::deprecation(error.message).at(error.origin).removed(Removal::core("2.23"));
        warning.hint = Some(
            "Broken conditionals are currently allowed because the `ALLOW_BROKEN_CONDITIONALS` configuration option is \
             enabled."
                .into(),
        );
        (self.shared.warn)(warning);
        Ok(otherwise)
    }

    fn condition_value(&self, condition: &Value) -> Result<Value, Diagnostic> {
        let condition = match self.stripped(condition)? {
            Value::Str(text) => text,
            value @ Value::Bool(_) => return Ok(value),
            other if self.shared.allow_broken_conditionals => return self.render(&other),
            _ => return Err(Diagnostic::error("Conditional expressions must be strings.")),
        };
        if !dispatch::is_all_template(&condition) {
            return self.evaluate_with(&condition, true);
        }
        let result = if condition.is_trusted() { self.render_str(&condition)? } else { Value::Str(condition.clone()) };
        match self.stripped(&result)? {
            Value::Str(text) => self.evaluate_with(&text, true),
            value => {
                let message = "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.";
                let warning = Diagnostic::deprecation(message).at(condition.origin().cloned());
                (self.shared.warn)(warning.removed(Removal::core("2.23")));
                Ok(value)
            }
        }
    }

    /// Without white space around it; an empty condition is an error.
    fn stripped(&self, condition: &Value) -> Result<Value, Diagnostic> {
        let value = match condition {
            Value::Str(text) if text.trim().len() != text.len() => Value::Str(text.part(text.trim())),
            other => other.clone(),
        };
        let is_empty = match &value {
            Value::None => true,
            Value::Str(text) => text.is_empty(),
            _ => false,
        };
        if is_empty {
            let error = Diagnostic::error("Empty conditional expressions are not allowed.");
            return self.broken(error, true).map(Value::Bool);
        }
        Ok(value)
    }

    /// A template file's text, as the `template` action writes it.
    pub fn render_file(&self, text: &Str, options: &FileOptions) -> Result<String, Diagnostic> {
        let result = self.render_file_inner(text, options).and_then(|value| evaluate::finalize(self, value, true));
        match result {
            Ok(Value::None) => Ok(String::new()),
            Ok(Value::Omit) => {
                Err(Diagnostic::error("A template was resolved to an Omit scalar.").at(text.origin().cloned()))
            }
            Ok(value) => Ok(evaluate::as_text(&value)),
            Err(failure) => Err(evaluate::complete(failure, text.origin(), "template")),
        }
    }

    /// The value of a template file; a failure is a marker in it.
    pub(crate) fn render_file_inner(&self, text: &Str, options: &FileOptions) -> Result<Value, Failure> {
        let mut syntax = options.syntax(&self.syntax);
        let start = match crate::file_options::apply_header(text, &mut syntax) {
            Ok(start) => start,
            Err(message) => {
                let cause = Diagnostic::error(message);
                let error = Diagnostic::error("Syntax error in template.").at(text.origin().cloned()).caused_by(cause);
                return Ok(evaluate::error_marker(error, text.origin()));
            }
        };
        let starts = [&syntax.variable_start, &syntax.block_start, &syntax.comment_start];
        if !text.is_trusted() || (start == 0 && !starts.iter().any(|s| text.contains(s.as_str()))) {
            return Ok(Value::Str(text.clone()));
        }
        let syntax = Arc::new(syntax);
        let body = if start == 0 { text.clone() } else { text.part(&text.as_str()[start..]) };
        let mut machine = Machine::new(self, text, syntax.clone());
        machine.search_path = options.search_path.clone();
        match parse_template(&body.shared(), &syntax, &self.foreign()) {
            Ok(template) => self.run(&mut machine, &template, &body, Some(&options.newline_sequence)),
            Err(error) => Ok(syntax_marker(&error, text)),
        }
    }

    /// A lookup called from outside a template (`with_X`): its results as a list.
    pub fn lookup(&self, name: &str, terms: Vec<Value>, options: Map) -> Result<Vec<Value>, Diagnostic> {
        let evaluation = Evaluation::new(self, None);
        let named = options.text_iter().map(|(key, value)| (Arc::from(key), value.clone())).collect();
        let known = self.shared.has("lookup", name);
        let results = dispatch::lookup(&evaluation, name, terms, Arguments::new(Vec::new(), named));
        let results = results.and_then(|results| {
            let finished = results.into_iter().map(|value| evaluate::finalize(self, value, true));
            finished.collect::<Result<Vec<_>, _>>()
        });
        results.map_err(|failure| match failure.kind() {
            FailureKind::Undefined(_) | FailureKind::Finished | FailureKind::Limit => {
                evaluate::complete(failure, None, "template")
            }
            _ if !known => failure.diagnostic(),
            _ => Diagnostic::error(format!("The lookup plugin '{name}' failed.")).caused_by(failure.diagnostic()),
        })
    }

    /// A filter called from outside a template, without a text that would have to be trusted.
    pub fn filter(&self, name: &str, value: Value, arguments: Arguments) -> Result<Value, Diagnostic> {
        let evaluation = Evaluation::new(self, None);
        let result = dispatch::filter(&evaluation, name, value, arguments);
        let result = result.and_then(|value| evaluate::finalize(self, value, true));
        result.map_err(|failure| evaluate::complete(failure, None, "template"))
    }

    pub fn scope(&self) -> &dyn Scope {
        &*self.scope
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Is there a filter or test that is not one of ansible-core's?
    pub(crate) fn foreign(&self) -> impl Fn(&str, &str) -> bool + '_ {
        |kind, name| self.shared.has(kind, name)
    }

    pub(crate) fn syntax(&self) -> &Arc<Syntax> {
        &self.syntax
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The value of a trusted template; a failure is a marker, which only counts when it is used.
    pub(crate) fn render_nested(&self, text: &Str) -> Result<Value, Failure> {
        if let Some(opened) = text.open() {
            return Ok(opened);
        }
        let address = text.as_str().as_ptr() as usize;
        {
            let mut session = self.session();
            if let Some((_, value)) = session.rendered.get(&address) {
                return Ok(value.clone());
            }
            if session.active.contains(&address) {
                let failure = Failure::new(
                    FailureKind::Recursion,
                    "maximum recursion depth exceeded while calling a Python object",
                );
                return evaluate::from_failure(failure, text.origin(), "template");
            }
            session.active.push(address);
        }
        let before = self.impure.load(Ordering::Relaxed);
        let result = self.render_anew(text);
        self.session().active.pop();
        let value = result?;
        if self.impure.load(Ordering::Relaxed) == before
            && let Some(frozen) = frozen(&value)
        {
            self.session().rendered.insert(address, (text.clone(), frozen.clone()));
            return Ok(frozen);
        }
        Ok(value)
    }

    fn render_anew(&self, text: &Str) -> Result<Value, Failure> {
        if crate::file_options::has_header(text) {
            let options = FileOptions { escape_backslashes: true, ..FileOptions::default() };
            return self.render_file_inner(text, &options);
        }
        match parse_template(&text.shared(), &self.syntax, &self.foreign()) {
            Ok(template) => {
                let mut machine = Machine::new(self, text, self.syntax.clone());
                self.run(&mut machine, &template, text, Some("\n"))
            }
            Err(error) => Ok(syntax_marker(&error, text)),
        }
    }

    /// Runs a template; `newline` is what line feeds at its end become, nothing for expressions.
    fn run(
        &self,
        machine: &mut Machine<'_>,
        template: &Template,
        text: &Str,
        newline: Option<&str>,
    ) -> Result<Value, Failure> {
        self.check_deadline()?;
        let result = crate::stack::deeper(self.shared.budget.depth, || machine.run(template));
        let value = match result {
            Err(failure) => evaluate::from_failure(failure, text.origin(), machine.kind)?,
            Ok(value) => value,
        };
        Ok(match newline {
            Some(newline) => with_newlines(text, value, newline),
            None => value,
        })
    }

    /// The value with everything inside it rendered; what fails becomes a marker inside.
    pub(crate) fn deep(&self, value: Value) -> Result<Value, Failure> {
        if let Err(error) = self.check_trust(&value) {
            return Ok(evaluate::error_marker(error, None));
        }
        if !value.has_template() {
            return Ok(value);
        }
        crate::stack::grow(|| match &value {
            Value::Str(text) => self.deep_again(self.render_nested(text)?),
            Value::List(list) => {
                let items = list.items().iter().map(|item| self.deep(item.clone())).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::list(items))
            }
            Value::Tuple(items) => {
                let items = items.iter().map(|item| self.deep(item.clone())).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Tuple(items.into()))
            }
            Value::Dict(dict) => {
                let entries = dict.entries();
                let entries = entries.iter().map(|(key, item)| {
                    let item = if item.has_template() { self.deep(item.clone())? } else { item.clone() };
                    Ok((key.clone(), item))
                });
                Ok(Value::dict(entries.collect::<Result<_, Failure>>()?))
            }
            _ => Ok(value.clone()),
        })
    }

    /// What a template gave may hold further containers of the variables; a text is final.
    fn deep_again(&self, value: Value) -> Result<Value, Failure> {
        match value {
            Value::Str(_) => Ok(value),
            other => self.deep(other),
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Result<Option<Value>, Failure> {
        self.scope.get(name).map(|raw| self.deep(raw)).transpose()
    }

    /// Says what the settings want said of templates that are not trusted.
    pub(crate) fn check_trust(&self, value: &Value) -> Result<(), Diagnostic> {
        if self.shared.untrusted_templates == UntrustedTemplates::Ignore {
            return Ok(());
        }
        crate::stack::grow(|| match value {
            Value::Str(text) if !text.is_trusted() && evaluate::looks_like_template(text) => {
                let error = untrusted(text);
                if self.shared.untrusted_templates == UntrustedTemplates::Fail {
                    return Err(error);
                }
                (self.shared.warn)(Diagnostic { severity: Severity::Warning, ..error });
                Ok(())
            }
            Value::List(list) => list.items().iter().try_for_each(|item| self.check_trust(item)),
            Value::Tuple(items) => items.iter().try_for_each(|item| self.check_trust(item)),
            Value::Dict(dict) => dict.entries().values().try_for_each(|item| self.check_trust(item)),
            _ => Ok(()),
        })
    }

    pub(crate) fn mark_impure(&self) {
        self.impure.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn check_deadline(&self) -> Result<(), Failure> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Failure::new(FailureKind::Limit, "Timed out while rendering a template."))
            }
            _ => Ok(()),
        }
    }
}

fn default_syntax() -> Arc<Syntax> {
    static SYNTAX: std::sync::OnceLock<Arc<Syntax>> = std::sync::OnceLock::new();
    SYNTAX.get_or_init(Arc::default).clone()
}

fn untrusted(text: &Str) -> Diagnostic {
    Diagnostic::error("Encountered untrusted template or expression.").at(text.origin().cloned()).hint(
        "Templates and expressions must be defined by trusted sources such as playbooks or roles, not untrusted sources such \
         as module results.",
    )
}

fn syntax_marker(error: &SyntaxError, text: &Str) -> Value {
    let cause = Diagnostic::error(error.message.clone());
    // In a file of its own the line is worth knowing.
    let origin = text.origin().map(|origin| match origin.line {
        0 => Origin::new(origin.file.clone(), error.line, 0),
        _ => origin.clone(),
    });
    evaluate::error_marker(Diagnostic::error("Syntax error in template.").at(origin).caused_by(cause), None)
}

/// Line feeds at the end of a template are those of its result.
fn with_newlines(text: &str, value: Value, newline: &str) -> Value {
    let Value::Str(result) = &value else {
        return value;
    };
    let count = |s: &str| s.len() - s.trim_end_matches('\n').len();
    let missing = count(text).saturating_sub(count(result));
    if missing == 0 {
        return value;
    }
    Value::str(format!("{}{}", result.as_str(), newline.repeat(missing)))
}

/// A value that may be remembered: containers become those of the variables, which nobody changes in place. Containers
/// with markers inside are not remembered.
fn frozen(value: &Value) -> Option<Value> {
    match value {
        Value::List(list) if list.is_loaded() => Some(value.clone()),
        Value::Dict(dict) if dict.is_loaded() => Some(value.clone()),
        Value::List(list) => {
            let items = list.items().iter().map(frozen_inside).collect::<Option<Vec<_>>>()?;
            Some(Value::List(List::loaded(items)))
        }
        Value::Tuple(items) => Some(Value::Tuple(items.iter().map(frozen_inside).collect::<Option<_>>()?)),
        Value::Dict(dict) => {
            let entries = dict.entries();
            let entries = entries.iter().map(|(key, value)| Some((key.clone(), frozen_inside(value)?)));
            Some(Value::Dict(Dict::loaded(entries.collect::<Option<_>>()?)))
        }
        Value::Object(_) => None,
        other => Some(other.clone()),
    }
}

fn frozen_inside(value: &Value) -> Option<Value> {
    if value.is_undefined() || value.is_omit() { None } else { crate::stack::grow(|| frozen(value)) }
}

/// Variables on top of a scope.
struct Layered {
    top: Map,
    below: Arc<dyn Scope>,
}

impl Scope for Layered {
    fn get(&self, name: &str) -> Option<Value> {
        self.top.get(name).cloned().or_else(|| self.below.get(name))
    }
    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        names.extend(self.top.text_iter().map(|(name, _)| Arc::from(name)));
        names
    }
}
