//! `-e`: variables as `key=value`, YAML, JSON or `@file`.

use std::path::Path;

use ftl_core::settings::PathRules;
use ftl_core::source::Loader;
use ftl_core::value::{Map, Str, Value};
use ftl_core::yaml::{self, LoadOptions};
use ftl_inventory::{HashBehaviour, combine_vars};

use crate::exit::Failure;

/// All `-e` values in one map; later ones win, or are merged.
pub fn extra_vars(
    texts: &[String],
    loader: &Loader,
    rules: &PathRules<'_>,
    behaviour: HashBehaviour,
) -> Result<Map, Failure> {
    let mut vars = Map::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let shown = match text.strip_prefix('@') {
            Some(file) => format!("@{}", rules.resolve(file, None).display()),
            None => text.clone(),
        };
        let value = read(&shown, loader)?;
        let Some(more) = value.as_map() else {
            return Err(Failure::option(format!(
                "Invalid extra vars data supplied. '{shown}' could not be made into a dictionary"
            )));
        };
        combine_vars(&mut vars, &more, behaviour);
    }
    Ok(vars)
}

fn read(text: &str, loader: &Loader) -> Result<Value, Failure> {
    if let Some(file) = text.strip_prefix('@') {
        let exists = Path::new(file).exists();
        return loader.load_value(file.as_ref()).map_err(|error| match exists {
            true => Failure::unreadable(error),
            false => error.into(),
        });
    }
    match text.chars().next() {
        Some('/' | '.') => Err(Failure::option(format!("Please prepend extra_vars filename '{text}' with '@'"))),
        Some('[' | '{') => inline(text, loader),
        _ => {
            let written = Str::trusted(text, None);
            Ok(Value::dict(ftl_playbook::parse_key_values(&written, false).map_err(Failure::unreadable)?))
        }
    }
}

fn inline(text: &str, loader: &Loader) -> Result<Value, Failure> {
    let options =
        LoadOptions { duplicate_keys: loader.duplicate_keys, ..LoadOptions::new("<CLI option '-e'>", &loader.secrets) };
    let loaded = yaml::load_value(text, &options).map_err(Failure::unreadable)?;
    Ok(loaded.root)
}
