//! Going over all sources: directories file by file, each file by the kinds of source that want it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Loader, Origin};
use ftl_template::python_regex::{Flags, Regex};

use super::attempt::{Attempt, KINDS, Kind};
use crate::draft::Draft;
use crate::inventory::Inventory;
use crate::settings::InventorySettings;

/// What became of the sources.
pub struct Loaded {
    pub inventory: Inventory,
    /// The directories whose `group_vars` and `host_vars` belong to the inventory, in order of precedence.
    pub vars_directories: Vec<PathBuf>,
    pub warnings: Vec<Diagnostic>,
    /// Why the run must end here.
    pub error: Option<Diagnostic>,
}

/// Reads all sources (paths, or host lists like `a,b,`) into one inventory; later ones add to earlier ones.
pub fn load(sources: &[String], settings: &InventorySettings, loader: &Loader) -> Loaded {
    let mut loaded = Loaded {
        inventory: Inventory::empty(&settings.controller_python),
        vars_directories: vars_directories(sources, &settings.base_dir),
        warnings: vec![],
        error: None,
    };
    let result = Reading::new(settings, loader, &mut loaded).and_then(|mut reading| reading.read_all(sources));
    loaded.error = result.err();
    drop_repeated(&mut loaded.warnings);
    loaded
}

struct Reading<'a> {
    settings: &'a InventorySettings,
    loader: &'a Loader,
    loaded: &'a mut Loaded,
    kinds: Vec<&'static Kind>,
    ignored: Vec<Arc<Regex>>,
    processed: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(
        settings: &'a InventorySettings,
        loader: &'a Loader,
        loaded: &'a mut Loaded,
    ) -> Result<Reading<'a>, Diagnostic> {
        let mut kinds = vec![];
        for name in &settings.enabled {
            match KINDS.iter().find(|kind| kind.name == name.strip_prefix("ansible.builtin.").unwrap_or(name)) {
                Some(kind) => kinds.push(kind),
                None => loaded
                    .warnings
                    .push(Diagnostic::warning(format!("Failed to load inventory plugin, skipping {name}"))),
            }
        }
        let mut ignored = vec![];
        for pattern in &settings.ignore_patterns {
            ignored.push(
                Regex::new(pattern, Flags::default())
                    .map_err(|_| Diagnostic::error(format!("Invalid inventory ignore pattern: {pattern}")))?,
            );
        }
        Ok(Reading { settings, loader, loaded, kinds, ignored, processed: vec![] })
    }

    fn read_all(&mut self, sources: &[String]) -> Result<(), Diagnostic> {
        let mut parsed = false;
        let mut given = false;
        for source in sources.iter().filter(|source| !source.is_empty()) {
            let source = match source.contains(',') {
                true => source.clone(),
                false => normal_path(&self.settings.base_dir.join(source)),
            };
            // The default source may be missing: then no source was given.
            given |= source != DEFAULT_SOURCE || Path::new(DEFAULT_SOURCE).exists();
            parsed |= self.read_source(&source)?;
        }
        if parsed {
            self.draft(None, |draft| draft.reconcile());
            return Ok(());
        }
        if self.settings.unparsed_is_failed {
            return Err(Diagnostic::error("No inventory was parsed, please check your configuration and options."));
        }
        if self.settings.unparsed_warning {
            self.warn("No inventory was parsed, only implicit localhost is available");
        }
        if given && self.settings.nothing_parsed_is_error {
            return Err(Diagnostic::error("No inventory source could be parsed.")
                .hint("Ansible goes on with localhost alone here; set FTL_COMPAT=strict for the same."));
        }
        Ok(())
    }

    fn read_source(&mut self, source: &str) -> Result<bool, Diagnostic> {
        let path = self.settings.base_dir.join(source);
        let mut failures = vec![];
        let parsed = match path.is_dir() {
            true => self.read_directory(&path)?,
            false => self.read_single(source, &mut failures)?,
        };
        if parsed || source == DEFAULT_SOURCE && !path.exists() {
            return Ok(parsed);
        }
        self.loaded.warnings.append(&mut failures);
        if self.settings.any_unparsed_is_failed {
            return Err(Diagnostic::error(format!("Completely failed to parse inventory source {source}")));
        }
        self.warn(format!("Unable to parse {source} as an inventory source"));
        Ok(false)
    }

    fn read_directory(&mut self, directory: &Path) -> Result<bool, Diagnostic> {
        let entries = std::fs::read_dir(directory)
            .map_err(|error| Diagnostic::error(format!("{}: {error}", directory.display())))?;
        let mut names: Vec<String> =
            entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
        names.sort_unstable();
        names.retain(|name| !self.is_ignored(name));
        let mut parsed = false;
        for name in names {
            parsed |= self.read_source(&directory.join(name).to_string_lossy())?;
        }
        Ok(parsed)
    }

    fn is_ignored(&self, name: &str) -> bool {
        name.starts_with('.')
            || matches!(name, "host_vars" | "group_vars" | "vars_plugins")
            || self.settings.ignore_extensions.iter().any(|end| name.ends_with(end.as_str()))
            || self.ignored.iter().any(|pattern| matches!(pattern.search(name), Ok(Some(_))))
    }

    /// Tries the kinds of source on one that is no directory; `true` when one could read it.
    fn read_single(&mut self, source: &str, failures: &mut Vec<Diagnostic>) -> Result<bool, Diagnostic> {
        let kinds = self.kinds.clone();
        if kinds.is_empty() {
            return Err(Diagnostic::error(
                "No inventory plugins available to generate inventory, make sure you have at least one enabled.",
            ));
        }
        let (loader, processed) = (self.loader, self.processed.clone());
        for kind in kinds {
            let attempt = Attempt::new(source, self.settings, loader, &processed);
            if !(kind.wants)(&attempt) {
                continue;
            }
            match self.draft(Some(source), |draft| (kind.read)(&attempt, draft)) {
                Ok(()) => {
                    self.processed.push(source.to_string());
                    return Ok(true);
                }
                Err(error) => failures.push(failure(kind.name, source, error)),
            }
        }
        Ok(false)
    }

    fn draft<T>(&mut self, source: Option<&str>, write: impl FnOnce(&mut Draft<'_>) -> T) -> T {
        let Loaded { inventory, warnings, .. } = &mut *self.loaded;
        write(&mut Draft::new(inventory.edit(), self.settings, warnings, source))
    }

    fn warn(&mut self, message: impl Into<String>) {
        self.loaded.warnings.push(Diagnostic::warning(message));
    }
}

const DEFAULT_SOURCE: &str = "/etc/ansible/hosts";

fn failure(kind: &str, source: &str, error: Diagnostic) -> Diagnostic {
    let origin = error.origin.clone().unwrap_or_else(|| {
        let source = ftl_core::value::repr_str(source);
        Origin::file(format!("<inventory plugin '{kind}' with source {source}>"))
    });
    Diagnostic::warning(format!("Failed to parse inventory with '{kind}' plugin.")).caused_by(error.at(Some(origin)))
}

/// An absolute path without `.` and `..`, by its text alone.
pub(crate) fn normal_path(path: &Path) -> String {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal.to_string_lossy().into_owned()
}

pub(super) fn vars_directories(sources: &[String], base_dir: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = vec![];
    for source in sources.iter().filter(|source| !source.is_empty()) {
        let path = base_dir.join(source);
        if source.contains(',') && !path.exists() {
            continue;
        }
        let directory = if path.is_dir() { path } else { path.parent().map(Path::to_path_buf).unwrap_or(path) };
        let directory = std::fs::canonicalize(&directory).unwrap_or(directory);
        // A later source wins: its directory is laid over again, but only the last time counts.
        directories.retain(|known| *known != directory);
        directories.push(directory);
    }
    directories
}

/// Says each thing once, as Ansible's display does.
fn drop_repeated(warnings: &mut Vec<Diagnostic>) {
    let mut seen = rustc_hash::FxHashSet::default();
    warnings.retain(|warning| {
        let place = warning.origin.as_ref().map(ToString::to_string);
        let cause = warning.cause.as_ref().and_then(|cause| cause.origin.as_ref()).map(ToString::to_string);
        seen.insert((warning.one_line(), place, cause))
    });
}
