//! `vars_files` of a play: read when the play begins, and, where names are templates, once more for each host.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ftl_core::event::Event;
use ftl_core::id::HostId;
use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Value, repr_str, to_text, type_name};
use ftl_template::Renderer;

use super::world::HostVars;
use super::{PlayVars, TaskScope, World};
use crate::run::Run;

/// The files of one host, lowest precedence first, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub maps: Vec<Arc<Map>>,
    pub problem: Option<Diagnostic>,
}

/// What a play says in `vars_files`, with what was found for hosts.
#[derive(Debug, Default)]
pub(crate) struct VarsFiles {
    entries: Vec<Value>,
    base_dir: PathBuf,
    /// Names are templates, so that hosts (their facts above all) may see different files.
    templated: bool,
    /// Valid as long as what the host knows stays the same.
    known: Mutex<HashMap<HostId, (Arc<HostVars>, Found)>>,
}

impl VarsFiles {
    pub(crate) fn new(entries: &[Value], base_dir: &Path) -> VarsFiles {
        let is_template = |value: &Value| matches!(value, Value::Str(name) if name.as_str().contains('{'));
        let templated = entries.iter().any(|entry| match entry {
            Value::List(candidates) => candidates.items().iter().any(is_template),
            other => is_template(other),
        });
        VarsFiles { entries: entries.to_vec(), base_dir: base_dir.to_path_buf(), templated, known: Mutex::default() }
    }

    /// As the play sees them, without a host.
    pub(crate) fn of_play(
        &self,
        run: &Arc<Run>,
        play: &Arc<PlayVars>,
        world: &World,
    ) -> Result<Vec<Arc<Map>>, Diagnostic> {
        self.find(run, play, world, None).map(|(maps, _)| maps)
    }

    /// As a host sees them; `None`: as the play does.
    pub(super) fn of_host(&self, run: &Arc<Run>, play: &Arc<PlayVars>, world: &World, host: HostId) -> Option<Found> {
        if !self.templated {
            return None;
        }
        let vars = world.host(host);
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, found)) = lock().get(&host)
            && Arc::ptr_eq(seen, vars)
        {
            return Some(found.clone());
        }
        let found = match self.find(run, play, world, Some(host)) {
            Ok((maps, problem)) => Found { maps, problem },
            Err(problem) => Found { maps: vec![], problem: Some(problem) },
        };
        lock().insert(host, (vars.clone(), found.clone()));
        Some(found)
    }

    /// Later names may use variables of earlier files. Next to the files: what is undefined though the host's facts are known.
    fn find(
        &self,
        run: &Arc<Run>,
        play: &Arc<PlayVars>,
        world: &World,
        host: Option<HostId>,
    ) -> Result<(Vec<Arc<Map>>, Option<Diagnostic>), Diagnostic> {
        let mut maps: Vec<Arc<Map>> = vec![];
        for entry in &self.entries {
            let candidates = match entry {
                Value::List(list) => (*list.items()).clone(),
                other => vec![other.clone()],
            };
            let scope = TaskScope::below_vars_files(run, play, world, host, &maps);
            let renderer = Renderer::new(Arc::new(scope), run.template.clone());
            match self.first(run, &renderer, &candidates) {
                Ok(Some(map)) => maps.push(map),
                Ok(None) => {
                    let names = candidates.iter().map(to_text).collect::<Vec<_>>().join(", ");
                    let text = format!("No file of `vars_files` was found for {names}: the play goes on without.");
                    run.sink.emit(Event::Message(Diagnostic::warning(text).at(candidates.first().and_then(origin_of))));
                }
                Err(error) if !error.is_undefined => return Err(error),
                Err(error) if host.is_some_and(|host| world.host(host).facts.are_gathered()) => {
                    let name = to_text(entry);
                    let text = format!(
                        "an undefined variable was found when attempting to template the vars_files item '{name}'"
                    );
                    return Ok((maps, Some(Diagnostic::error(text).at(origin_of(entry)).caused_by(error))));
                }
                Err(error) => {
                    let text = "skipping vars_files item due to an undefined variable";
                    run.sink.emit(Event::Message(Diagnostic::warning(text).at(error.origin)));
                }
            }
        }
        Ok((maps, None))
    }

    /// The first of the files that exists.
    fn first(&self, run: &Run, renderer: &Renderer, candidates: &[Value]) -> Result<Option<Arc<Map>>, Diagnostic> {
        for candidate in candidates {
            let name = match renderer.render(candidate).and_then(crate::task::defined)? {
                Value::Str(name) => name.as_str().to_string(),
                value => {
                    let text = format!("Invalid `vars_files` value of type '{}'.", type_name(&value));
                    let error = Diagnostic::error(text)
                        .hint("A `vars_files` value should either be a string or list of strings.");
                    return Err(error.at(origin_of(candidate)));
                }
            };
            let tried = [self.base_dir.join("vars").join(&name), self.base_dir.join(&name)];
            if let Some(path) = tried.iter().find(|path| path.is_file()) {
                let value = run.loader.load_value(path).map_err(|error| invalid(path, error))?;
                return as_vars(value, path).map(Some);
            }
        }
        Ok(None)
    }
}

/// Wrong text is told as such; what else goes wrong with a file is told with its name.
fn invalid(path: &Path, error: Diagnostic) -> Diagnostic {
    if error.message.starts_with("YAML parsing failed") {
        return error;
    }
    Diagnostic::error(format!("Invalid vars_files file {}.", repr_str(&path.to_string_lossy()))).caused_by(error)
}

fn as_vars(value: Value, path: &Path) -> Result<Arc<Map>, Diagnostic> {
    match value {
        Value::Dict(d) => Ok(d.entries()),
        Value::None => Ok(Arc::default()),
        Value::List(items) => {
            let mut all = Map::new();
            for item in items.items().iter() {
                if let Value::Dict(d) = item {
                    all.extend(d.entries().iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            Ok(Arc::new(all))
        }
        _ => Err(Diagnostic::error(format!(
            "Invalid variable file contents: {} must hold a dictionary of variables.",
            path.display()
        ))),
    }
}

fn origin_of(value: &Value) -> Option<Origin> {
    match value {
        Value::Str(s) => s.origin().cloned(),
        _ => None,
    }
}
