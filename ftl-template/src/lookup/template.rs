//! The lookup `template`, and the variables every template file sees.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{DateTime, to_text};
use ftl_core::{Map, Str, Value};

use super::options::{bool_option, file_term, text_option};
use super::search::{find_file_or_warn, read_text, search_path};
use crate::filter::argument::{failure, mapping};
use crate::filter::path::{join, parent};
use crate::filter::time::{format_datetime, local_zone};
use crate::format::braces::{self, Fields, Part};
use crate::{Arguments, Evaluation, Failure, FileOptions, Shared};

pub(super) fn template(
    evaluation: &Evaluation<'_>,
    terms: Vec<Value>,
    mut args: Arguments,
) -> Result<Vec<Value>, Failure> {
    evaluation.impure();
    let mut options = FileOptions::default();
    let mut text = |name: &str, default: &mut String| {
        text_option(&mut args, name).map(|given| given.into_iter().for_each(|text| *default = text))
    };
    text("variable_start_string", &mut options.variable_start)?;
    text("variable_end_string", &mut options.variable_end)?;
    text("comment_start_string", &mut options.comment_start)?;
    text("comment_end_string", &mut options.comment_end)?;
    options.trim_blocks = bool_option(&mut args, "trim_blocks", true)?;
    // Results are native values now; these options no longer mean anything.
    let _ = (args.take_named("convert_data"), args.take_named("jinja2_native"));
    let extra = match args.take_named("template_vars").filter(|v| !v.is_none()) {
        None => Map::new(),
        Some(given) => match mapping(&given) {
            Some(map) => (*map).clone(),
            None => return Err(failure("Invalid type for configuration option template_vars: not a dictionary")),
        },
    };
    let mut out = vec![];
    for term in &terms {
        let name = file_term(term)?;
        let Some(path) = find_file_or_warn(evaluation, "templates", &name)? else {
            return Err(failure(format!("the template file {name} could not be found for the lookup")));
        };
        let content = read_text(evaluation, &path)?;
        let content = Str::trusted(content, Some(Origin::new(path.as_str(), 1, 1)));
        options.search_path = vec![PathBuf::from(parent(&path))];
        if evaluation.raw("ansible_search_path").is_some() {
            for directory in search_path(evaluation)? {
                options.search_path.push(PathBuf::from(join(&[directory.as_str(), "templates"])));
                options.search_path.push(PathBuf::from(directory));
            }
        }
        let managed = evaluation.raw("ansible_managed").is_none();
        let mut variables = template_variables(evaluation.shared(), &name, Path::new(&path), None, managed)?;
        variables.extend(extra.clone());
        // A template that is one expression keeps the type of its value.
        let rendered = evaluation.renderer().with_variables(variables).render_file_inner(&content, &options)?;
        out.push(rendered.untrusted());
    }
    Ok(out)
}

/// `template_path`, `template_host`, … for a template file; with `managed`, `ansible_managed` as configured too.
pub fn template_variables(
    shared: &Shared,
    name: &str,
    path: &Path,
    destination: Option<&str>,
    managed: bool,
) -> Result<Map, Diagnostic> {
    let data = std::fs::metadata(path).map_err(|e| Diagnostic::error(format!("{}: {e}", path.display())))?;
    let zone = local_zone(shared);
    let local = |timestamp: jiff::Timestamp| {
        let offset = zone.to_offset_info(timestamp).offset();
        DateTime { civil: offset.to_datetime(timestamp), offset: None }
    };
    let micros = data.mtime_nsec() / 1000 * 1000;
    let modified = local(jiff::Timestamp::new(data.mtime(), micros as i32).unwrap_or_default());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let owner = user_name(data.uid()).map_or(Value::Int(data.uid() as i64), Value::str);
    let mut out: Map = [
        ("template_host", Value::str(host.trim_end())),
        ("template_path", Value::str(name)),
        ("template_mtime", Value::DateTime(modified)),
        ("template_uid", owner),
        ("template_run_date", Value::DateTime(local(jiff::Timestamp::now()))),
        ("template_destpath", destination.map_or(Value::None, Value::str)),
        ("template_fullpath", Value::str(path.to_string_lossy().into_owned())),
    ]
    .into_iter()
    .collect();
    if managed {
        let format = shared.config.get("DEFAULT_MANAGED_STR").map_or_else(|| "Ansible managed".into(), to_text);
        let names = [("host", "template_host"), ("uid", "template_uid"), ("file", "template_path")];
        let named = names.map(|(name, variable)| (Arc::from(name), Value::str(format!("{{{{ {variable} }}}}"))));
        let access = |_: &Value, _: Part<'_>| Err(Failure::value_error("ansible_managed takes plain names only"));
        let fields = Fields { positional: &[], named: &named, mapping: None, access: &access };
        let text = braces::format(&format, &fields).map_err(Failure::diagnostic)?;
        out.insert("ansible_managed", Value::Str(Str::trusted(format_datetime(&text, &modified), None)));
    }
    Ok(out)
}

fn user_name(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    let line = accounts.lines().find(|line| line.split(':').nth(2) == Some(uid.as_str()))?;
    line.split(':').next().map(String::from)
}
