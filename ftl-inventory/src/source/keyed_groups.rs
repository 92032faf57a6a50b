//! `keyed_groups` of constructed inventories: groups named after values of variables.

use ftl_core::Value;
use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{repr, to_text};
use ftl_template::Renderer;

use super::constructed::{Construction, evaluate};
use super::yaml::class_name;
use crate::draft::{Draft, sanitized};

/// One entry of the list, for one host.
pub(super) fn add_to_keyed_groups(
    construction: &Construction<'_>,
    keyed: &Value,
    host: HostId,
    renderer: &Renderer,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    if !keyed.is_true() || keyed.as_map().is_none() {
        let shown = to_text(keyed);
        return Err(Diagnostic::error(format!("Invalid keyed group entry, it must be a dictionary: {shown} ")));
    }
    let expression = keyed.get("key").unwrap_or_default();
    let name = draft.data.hosts[host.index()].name.clone();
    let key = match evaluate(renderer, &expression) {
        Ok(key) => key,
        Err(error) if construction.strict => {
            return Err(Diagnostic::error(format!(
                "Could not generate group for host {name} from {} entry: {}",
                to_text(&expression),
                error.one_line()
            )));
        }
        Err(_) => return Ok(()),
    };
    let naming = Naming::of(keyed)?;
    if !key.is_true() && !naming.takes_default(&key) {
        // An empty list or dict is a fine way to say "no group".
        if construction.strict && !matches!(key, Value::List(_) | Value::Dict(_)) {
            return Err(Diagnostic::error(format!(
                "No key or key resulted empty for {} in host {name}, invalid entry",
                to_text(&expression)
            )));
        }
        return Ok(());
    }
    let raw_parent = keyed.get("parent_group").unwrap_or_default();
    let parent = match renderer.render(&raw_parent) {
        Ok(parent) => Some(parent).filter(|parent| parent.is_true() && !parent.is_omit()),
        Err(error) if construction.strict => {
            return Err(Diagnostic::error(format!(
                "Could not generate parent group {} for group {}: {}",
                repr(&raw_parent),
                repr(&key),
                error.one_line()
            )));
        }
        Err(_) => return Ok(()),
    };
    for bare in naming.bare_names(&key)? {
        let prefix = &naming.prefix;
        let separator = if prefix.is_empty() && !construction.leading_separator { "" } else { &naming.separator };
        let group = draft.add_group(&sanitized(&format!("{prefix}{separator}{bare}")))?;
        draft.add_to_group(group, host);
        if let Some(parent) = &parent {
            let parent = draft.add_group(&sanitized(&to_text(parent)))?;
            draft.data.add_child_group(parent, group)?;
        }
    }
    Ok(())
}

/// How the names of an entry are put together.
struct Naming {
    prefix: String,
    separator: String,
    default: Option<String>,
    /// `trailing_separator: false`
    drop_separator: bool,
}

impl Naming {
    fn of(keyed: &Value) -> Result<Naming, Diagnostic> {
        let text = |name: &str, default: &str| keyed.get(name).map_or(default.to_string(), |value| to_text(&value));
        let default = keyed.get("default_value").filter(|value| !value.is_none());
        let trailing = keyed.get("trailing_separator").filter(|value| !value.is_none());
        if default.is_some() && trailing.is_some() {
            return Err(Diagnostic::error(
                "parameters are mutually exclusive for keyed groups: default_value|trailing_separator",
            ));
        }
        Ok(Naming {
            prefix: text("prefix", ""),
            separator: text("separator", "_"),
            default: default.map(|value| to_text(&value)),
            drop_separator: matches!(trailing, Some(Value::Bool(false))),
        })
    }

    fn takes_default(&self, value: &Value) -> bool {
        self.default.is_some() && is_blank(value)
    }

    /// The value's name, or the default's.
    fn named(&self, value: &Value) -> String {
        match &self.default {
            Some(default) if is_blank(value) => default.clone(),
            _ => to_text(value),
        }
    }

    fn bare_names(&self, key: &Value) -> Result<Vec<String>, Diagnostic> {
        match key {
            key if self.takes_default(key) => Ok(vec![self.named(key)]),
            Value::Str(text) => Ok(vec![text.to_string()]),
            Value::List(items) => Ok(items.items().iter().map(|item| self.named(item)).collect()),
            Value::Dict(entries) => Ok(entries
                .entries()
                .iter()
                .map(|(name, value)| match is_blank(value) && self.default.is_none() && self.drop_separator {
                    true => to_text(name),
                    false => format!("{}{}{}", to_text(name), self.separator, self.named(value)),
                })
                .collect()),
            other => Err(Diagnostic::error(format!(
                "Invalid group name format, expected a string or a list of them or dictionary, got: {}",
                class_name(other)
            ))),
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_none() || value.as_str() == Some("")
}
