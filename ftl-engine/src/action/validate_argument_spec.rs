//! `validate_argument_spec`: do variables fit what a role says of its arguments?

use ftl_core::value::{Map, Value, repr};

use super::{ActionContext, ActionFuture};
use crate::argument_spec::{class_name, class_of, validate};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut result = Map::new();
        let about = context.args.get("validate_args_context").cloned().unwrap_or_else(|| Value::dict(Map::new()));
        result.insert("validate_args_context", about);
        let spec = match context.args.get("argument_spec") {
            Some(Value::Dict(d)) => d.entries(),
            Some(other) => {
                return Err(TaskFailure::message(format!(
                    "Incorrect type for argument_spec, expected dict and got {}",
                    class_of(other)
                )));
            }
            None => {
                let shown = repr(&Value::dict(context.args.clone()));
                return Err(TaskFailure::message(format!("\"argument_spec\" arg is required in args: {shown}")));
            }
        };
        if let Some((_, odd)) = spec.iter().find(|(_, option)| option.as_map().is_none()) {
            return Err(TaskFailure::message(format!("'{}' object has no attribute 'get'", class_name(odd))));
        }
        let mut given = Map::new();
        for (name, _) in spec.text_iter() {
            if let Some(raw) = context.scope_value(name) {
                given.insert(name, context.renderer.render(&raw).and_then(crate::task::defined)?);
            }
        }
        match context.args.get("provided_arguments") {
            None => {}
            Some(Value::Dict(provided)) => given.extend(provided.entries().iter().map(|(k, v)| (k.clone(), v.clone()))),
            Some(other) => {
                return Err(TaskFailure::message(format!(
                    "Incorrect type for provided_arguments, expected dict and got {}",
                    class_of(other)
                )));
            }
        }
        let errors = validate(&spec, &Map::new(), &given).errors;
        if errors.is_empty() {
            result.insert("changed", false);
            result.insert("msg", "The arg spec validation passed");
            return Ok(result);
        }
        result.insert("failed", true);
        result.insert("msg", format!("Validation of arguments failed:\n{}", errors.join("\n")));
        result.insert("argument_spec_data", Value::Dict(ftl_core::Dict::shared(spec)));
        result.insert("argument_errors", errors.iter().map(|e| Value::str(e.as_str())).collect::<Value>());
        Ok(result)
    })
}
