//! The values of all settings, from environment, `ansible.cfg` and defaults, in that order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ini::Ini;
use super::kind::{convert, is_true, trusted, unquote};
use super::path::PathRules;
use super::spec::{Kind, SettingSpec};
use super::{PLUGIN_OPTIONS, SETTINGS};
use crate::value::{Map, Value, repr, repr_str, to_text};

/// Where values come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub paths: PathRules<'a>,
    /// The configuration file that was found, and what is in it.
    pub file: Option<(&'a Path, &'a Ini)>,
}

/// Every setting with its value.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, Given>,
    pub config_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Given {
    value: Value,
    is_default: bool,
}

/// A value that cannot be. `hint` lists what could.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingError {
    pub message: String,
    pub hint: Option<String>,
}

impl Settings {
    pub fn resolve(sources: &Sources<'_>) -> Result<Settings, SettingError> {
        let mut values = BTreeMap::new();
        let home = SETTINGS.iter().find(|spec| spec.name == "ANSIBLE_HOME").map(|spec| resolve_one(spec, "", sources));
        let home = to_text(&home.transpose()?.map_or(Value::None, |given| given.value));
        for spec in SETTINGS.iter().chain(PLUGIN_OPTIONS) {
            values.insert(spec.name, resolve_one(spec, &home, sources)?);
        }
        Ok(Settings { values, config_file: sources.file.map(|(path, _)| path.to_path_buf()) })
    }

    pub fn value(&self, name: &str) -> &Value {
        debug_assert!(self.values.contains_key(name), "no setting {name}");
        self.values.get(name).map_or(&Value::None, |given| &given.value)
    }

    /// Does environment or file give this setting?
    pub fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|given| !given.is_default)
    }

    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            Value::Bool(flag) => *flag,
            Value::Str(text) => is_true(text.as_str()),
            _ => false,
        }
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.value(name).as_int()
    }

    /// The text of a setting; `None` when it has no value.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::None => None,
            value => Some(to_text(value)),
        }
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        match self.value(name).as_items() {
            Some(items) => items.iter().map(to_text).collect(),
            None => vec![],
        }
    }

    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.list(name).into_iter().map(PathBuf::from).collect()
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// All general settings by name (`lookup('config')`).
    pub fn all(&self) -> BTreeMap<String, Value> {
        self.values.iter().map(|(name, given)| (name.to_string(), given.value.clone())).collect()
    }
}

fn resolve_one(spec: &SettingSpec, home: &str, sources: &Sources<'_>) -> Result<Given, SettingError> {
    let environment = spec.env().filter_map(|name| Some((name, sources.paths.env.get(name)?))).last();
    if let Some((name, text)) = environment {
        let origin = format!("env: {name}");
        match convert(spec.kind, text, None, &sources.paths) {
            // An empty variable is as good as none where the empty text means nothing.
            Err(_) if text.is_empty() => return default(spec, home, sources),
            Err(error) => return Err(invalid(spec, &origin, &error)),
            Ok(value) => return allowed(spec, value),
        }
    }
    let written = sources
        .file
        .and_then(|(file, ini)| Some((file, spec.ini().filter_map(|(section, key)| ini.get(section, key)).last()?)));
    if let Some((file, text)) = written {
        let value = convert(spec.kind, text, file.parent(), &sources.paths)
            .map_err(|error| invalid(spec, &file.to_string_lossy(), &error))?;
        let value = match (spec.kind, value.as_str()) {
            (Kind::Any | Kind::Text, Some(text)) => trusted(unquote(text)),
            _ => value,
        };
        return allowed(spec, value);
    }
    default(spec, home, sources)
}

fn default(spec: &SettingSpec, home: &str, sources: &Sources<'_>) -> Result<Given, SettingError> {
    let Some(text) = spec.default else { return Ok(Given { value: Value::None, is_default: true }) };
    let text = text.replace("{HOME}", home);
    let value = match spec.kind {
        Kind::List => Value::list(text.split_whitespace().map(trusted).collect()),
        Kind::PathList => Value::list(text.split_whitespace().map(trusted).collect()),
        Kind::Pairs => {
            let mut map = Map::new();
            for (key, value) in text.split_whitespace().filter_map(|pair| pair.split_once('=')) {
                map.insert(key, value);
            }
            Value::dict(map)
        }
        kind => convert(kind, &text, None, &sources.paths).map_err(|error| invalid(spec, "default", &error))?,
    };
    Ok(Given { value, is_default: true })
}

fn invalid(spec: &SettingSpec, origin: &str, error: &str) -> SettingError {
    let message = format!("Config {} from {} has an invalid value: {error}", repr_str(spec.name), repr_str(origin));
    SettingError { message, hint: None }
}

fn allowed(spec: &SettingSpec, value: Value) -> Result<Given, SettingError> {
    let known = |value: &Value| value.as_str().is_some_and(|text| spec.choices().any(|choice| choice == text));
    let fine = match value.as_items() {
        _ if spec.choices().next().is_none() => true,
        Some(items) => items.iter().all(known),
        None => known(&value),
    };
    if fine {
        return Ok(Given { value, is_default: false });
    }
    let choices: Vec<&str> = spec.choices().collect();
    Err(SettingError {
        message: format!("Invalid value {} for config {}.", repr(&value), repr_str(spec.name)),
        hint: Some(format!("Valid values are: {}", choices.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(env: &[(&str, &str)], ini: &str) -> Result<Settings, SettingError> {
        let env: BTreeMap<String, String> = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let ini = Ini::parse(ini).unwrap();
        let home = |_: &str| Some("/h".to_string());
        let paths = PathRules { env: &env, working_dir: Path::new("/w"), home_of: &home };
        Settings::resolve(&Sources { paths, file: Some((Path::new("/etc/a/ansible.cfg"), &ini)) })
    }

    #[test]
    fn environment_beats_file_beats_default() {
        let check = |env: &[(&str, &str)], ini: &str, name: &str, expected: &str| {
            assert_eq!(repr(resolve(env, ini).unwrap().value(name)), expected, "{name} {env:?} {ini:?}");
        };
        check(&[], "", "DEFAULT_FORKS", "5");
        check(&[], "[defaults]\nforks=7", "DEFAULT_FORKS", "7");
        check(&[("ANSIBLE_FORKS", "9")], "[defaults]\nforks=7", "DEFAULT_FORKS", "9");
        check(&[("ANSIBLE_FORKS", "")], "[defaults]\nforks=7", "DEFAULT_FORKS", "5");
        check(&[], "", "DEFAULT_HOST_LIST", "['/etc/ansible/hosts']");
        check(&[], "[defaults]\ninventory=hosts,x/", "DEFAULT_HOST_LIST", "['/etc/a/hosts', '/etc/a/x']");
        check(&[("ANSIBLE_INVENTORY", "hosts")], "", "DEFAULT_HOST_LIST", "['/w/hosts']");
        check(&[], "", "DEFAULT_ROLES_PATH", "['/h/.ansible/roles', '/usr/share/ansible/roles', '/etc/ansible/roles']");
        check(
            &[("ANSIBLE_HOME", "/x")],
            "",
            "COLLECTIONS_PATHS",
            "['/x/collections', '/usr/share/ansible/collections']",
        );
        check(&[("NO_COLOR", "1")], "", "ANSIBLE_NOCOLOR", "True");
        check(&[], "[ssh_connection]\nssh_args=\"-o A=b\"", "ssh.ssh_args", "'-o A=b'");
        check(
            &[],
            "[defaults]\nhost_key_checking=no\n[ssh_connection]\nhost_key_checking=yes",
            "ssh.host_key_checking",
            "True",
        );
        check(&[], "[defaults]\nunknown=1\n[nothing]\n", "DEFAULT_FORKS", "5");
    }

    #[test]
    fn bad_values_are_told_in_ansibles_words() {
        let check = |env: &[(&str, &str)], ini: &str, expected: &str| {
            let error = resolve(env, ini).unwrap_err();
            let shown = [Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>().join(" ");
            assert_eq!(shown, expected);
        };
        check(
            &[("ANSIBLE_FORKS", "abc")],
            "",
            "Config 'DEFAULT_FORKS' from 'env: ANSIBLE_FORKS' has an invalid value: Invalid value provided for 'integer': 'abc'",
        );
        check(
            &[],
            "[defaults]\nforks = x",
            "Config 'DEFAULT_FORKS' from '/etc/a/ansible.cfg' has an invalid value: Invalid value provided for 'integer': 'x'",
        );
        check(
            &[("ANSIBLE_GATHERING", "abc")],
            "",
            "Invalid value 'abc' for config 'DEFAULT_GATHERING'. Valid values are: implicit, explicit, smart",
        );
    }
}
