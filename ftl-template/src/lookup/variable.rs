//! Lookups of variables, settings, environment and inventory.

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{repr, repr_str, to_text, type_name};
use ftl_core::{Str, Value};

use super::options::{bool_option, only_text, term_text, text_option};
use crate::filter::argument::failure;
use crate::filter::structure::python_class;
use crate::python_regex::{Flags, Regex};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Vec<Value>, Failure>;

pub(super) fn vars(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let default = args.take_named("default").filter(|v| !v.is_none());
    let mut out = vec![];
    for term in &terms {
        let Value::Str(name) = term else {
            let kind = repr_str(type_name(term));
            return Err(Failure::type_error(format!("Variable name must be 'str' not {kind}.")));
        };
        let value = match (evaluation.get(name.as_str())?, &default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.clone(),
            (None, None) => Value::undefined(format!("No variable named {} was found.", repr_str(name.as_str()))),
        };
        out.push(value);
    }
    Ok(out)
}

pub(super) fn varnames(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let names = evaluation.names();
    let mut out = vec![];
    for term in &terms {
        let Value::Str(pattern) = term else {
            return Err(failure(format!(
                "Invalid setting identifier, \"{}\" is not a string, it is a {}",
                to_text(term),
                python_class(term)
            )));
        };
        let unusable = |error: crate::python_regex::RegexError| {
            failure(format!("Unable to use \"{}\" as a search parameter: {error}", pattern.as_str()))
        };
        let regex = Regex::new(pattern.as_str(), Flags::default()).map_err(unusable)?;
        for name in &names {
            if regex.search(name).map_err(unusable)?.is_some() {
                out.push(Value::str(name.clone()));
            }
        }
    }
    Ok(out)
}

pub(super) fn env(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    // A marker as the default stays one: `default=undef()` makes a missing variable an error.
    let default = args.take_named("default").unwrap_or_else(|| Value::str(""));
    let mut out = vec![];
    for term in &terms {
        let text = only_text(term, "split")?;
        let Some(name) = crate::filter::encode::split_whitespace(&text, usize::MAX).first().copied() else {
            return Err(Failure::lookup_error("list index out of range"));
        };
        out.push(match (evaluation.shared().environment.get(name), &default) {
            (Some(value), _) => {
                let origin = Origin::file(format!("<environment variable {}>", repr_str(name)));
                Value::Str(Str::with_origin(value.as_str(), Some(origin)))
            }
            // `undef()` without words of its own.
            (None, Value::Undefined(marker)) if marker.message == crate::evaluate::NOT_OVERRIDDEN => {
                Value::undefined(format!("The environment variable {} is not set.", repr_str(name)))
            }
            (None, default) => default.clone(),
        });
    }
    Ok(out)
}

pub(super) fn config(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let missing = text_option(&mut args, "on_missing")?.unwrap_or_else(|| "error".into());
    let kind = text_option(&mut args, "plugin_type")?;
    let plugin = text_option(&mut args, "plugin_name")?;
    let show_origin = bool_option(&mut args, "show_origin", false)?;
    if kind.is_some() != plugin.is_some() {
        return Err(failure("Both plugin_type and plugin_name are required, cannot use one without the other."));
    }
    if let (Some(kind), Some(plugin)) = (kind, plugin) {
        return Err(Failure::unsupported(format!("looking up settings of the {kind} plugin '{plugin}'")));
    }
    let mut out = vec![];
    for term in &terms {
        let Value::Str(name) = term else {
            return Err(failure(format!(
                "Invalid setting identifier, {} is not a <class 'str'>, its a {}.",
                repr(term),
                python_class(term)
            )));
        };
        match evaluation.shared().config.get(name.as_str()) {
            Some(_) if show_origin => {
                return Err(Failure::unsupported("the option 'show_origin' of the lookup 'config'"));
            }
            Some(value) => out.push(value.clone()),
            None => {
                let problem = format!("No config definition exists for {}.", repr_str(name.as_str()));
                match missing.as_str() {
                    "error" => return Err(failure(problem)),
                    "skip" => {}
                    "warn" => {
                        let warning = Diagnostic::warning(format!("Skipping {}.", name.as_str()));
                        evaluation.warn(warning.caused_by(Diagnostic::error(problem)));
                    }
                    other => {
                        return Err(failure(format!(
                            "Invalid option for error handling, missing must be error, warn or skip, got: {other}."
                        )));
                    }
                }
            }
        }
    }
    Ok(out)
}

pub(super) fn inventory_hostnames(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let patterns = terms.iter().map(term_text).collect::<Result<Vec<_>, _>>()?;
    let Some(hosts_of) = &evaluation.shared().hosts_matching else {
        return Err(Failure::unsupported("the lookup 'inventory_hostnames' without an inventory"));
    };
    Ok(hosts_of(&patterns.join(",")).into_iter().map(Value::str).collect())
}
