//! A playbook file: plays and `import_playbook`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_core::yaml::Node;
use ftl_template::Renderer;

use super::arguments::{builtin_name, key_text, python_class};
use super::inheritable::as_list;
use super::play::{PlayPlace, parse_play};
use crate::graph::{PlaySpec, Playbook};
use crate::include_file::normalize;
use crate::keyword::{Place, keyword, unknown_keyword};
use crate::options::{LoadError, ParseOptions, Problem};
use crate::role::is_qualified;

/// A playbook that was read, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub playbook: Playbook,
    pub warnings: Vec<Diagnostic>,
}

/// What an `import_playbook` hands to the plays it brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Imported {
    pub vars: Arc<Map>,
    pub when: Vec<Value>,
    pub tags: Vec<Value>,
}

/// Reads a playbook: a file, or `namespace.collection.playbook`.
pub fn load_playbook(file: &str, loader: &Loader, options: &ParseOptions) -> Result<Loaded, LoadError> {
    let mut search = ModuleSearch::clone(&options.configured);
    search.library.splice(0..0, options.module_path.iter().cloned());
    let mut reader = Reader {
        loader,
        options,
        plays: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        open: Vec::new(),
        search: Arc::new(search),
    };
    let (path, collection) = reader.place(file, &options.working_dir);
    reader.file(&path, collection, &Imported::default());
    let mut warnings = loader.take_warnings();
    for warning in reader.warnings {
        // A role that comes twice says everything twice.
        if !warnings.iter().any(|w| w.message == warning.message && w.origin == warning.origin) {
            warnings.push(warning);
        }
    }
    if reader.problems.is_empty() {
        Ok(Loaded { playbook: Playbook { file: file.to_string(), plays: reader.plays }, warnings })
    } else {
        Err(LoadError(reader.problems))
    }
}

struct Reader<'a> {
    loader: &'a Loader,
    options: &'a ParseOptions,
    plays: Vec<PlaySpec>,
    problems: Vec<Problem>,
    warnings: Vec<Diagnostic>,
    /// Files being read, for finding circles.
    open: Vec<PathBuf>,
    search: Arc<ModuleSearch>,
}

impl Reader<'_> {
    /// The file a playbook's name means, and the collection it belongs to.
    fn place(&self, name: &str, dir: &Path) -> (PathBuf, Option<Arc<str>>) {
        if is_qualified(name) || is_qualified(name.trim_end_matches(".yml").trim_end_matches(".yaml")) {
            if let Some((path, collection)) = self.collection_playbook(name, dir) {
                return (path, Some(Arc::from(collection)));
            }
        }
        let path = normalize(&dir.join(name));
        let collection = self.collection_of(&path);
        (path, collection.map(Arc::from))
    }

    fn collection_playbook(&self, name: &str, dir: &Path) -> Option<(PathBuf, String)> {
        let mut parts = name.split('.');
        let (namespace, collection) = (parts.next()?, parts.next()?);
        let inside: Vec<&str> = parts.collect();
        let inside = match inside.last() {
            Some(&("yml" | "yaml")) => {
                format!("{}.{}", inside[..inside.len() - 1].join("/"), inside[inside.len() - 1])
            }
            _ => inside.join("/"),
        };
        self.collection_roots(dir).into_iter().find_map(|root| {
            let playbooks = root.join(namespace).join(collection).join("playbooks");
            let found =
                ["", ".yml", ".yaml"].iter().map(|e| playbooks.join(format!("{inside}{e}"))).find(|p| p.is_file());
            found.map(|path| (path, format!("{namespace}.{collection}")))
        })
    }

    fn collection_roots(&self, dir: &Path) -> Vec<PathBuf> {
        let beside = dir.join("collections");
        let roots = std::iter::once(&beside).chain(&self.options.collections_paths);
        roots
            .map(|r| if r.ends_with("ansible_collections") { r.clone() } else { r.join("ansible_collections") })
            .collect()
    }

    /// The installed collection a file lies in.
    fn collection_of(&self, path: &Path) -> Option<String> {
        self.collection_roots(Path::new("/nonexistent")).iter().find_map(|root| {
            let mut parts = path.strip_prefix(root).ok()?.components();
            let (namespace, name) = (parts.next()?, parts.next()?);
            parts.next()?;
            Some(format!("{}.{}", namespace.as_os_str().to_string_lossy(), name.as_os_str().to_string_lossy()))
        })
    }

    fn file(&mut self, path: &Path, collection: Option<Arc<str>>, imported: &Imported) {
        if self.open.iter().any(|open| open == path) {
            self.problems
                .push(Problem::general(Diagnostic::error(format!("the playbook '{}' imports itself", path.display()))));
            return;
        }
        let base_dir = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let node = match self.loader.load_node(path) {
            Ok(node) => node,
            Err(diagnostic) => {
                self.problems.push(crate::graph::build::file_problem(diagnostic));
                return;
            }
        };
        let shown = path.display();
        let problem = match node.as_seq() {
            None if node.is_none() => Diagnostic::error(format!("Empty playbook, nothing to do: {shown}")),
            None => {
                let class = python_class(&node);
                Diagnostic::error(format!("A playbook must be a list of plays, got a {class} instead: {shown}"))
                    .at(Some(node.origin.clone()))
            }
            Some([]) => Diagnostic::error(format!("A playbook must contain at least one play: {shown}")),
            Some(entries) => {
                self.add_plugin_dirs(&base_dir, collection.as_deref());
                self.open.push(path.to_path_buf());
                for entry in entries {
                    self.entry(entry, path, &base_dir, collection.clone(), imported);
                }
                self.open.pop();
                return;
            }
        };
        self.problems.push(Problem::parse(problem));
    }

    fn add_plugin_dirs(&mut self, base_dir: &Path, collection: Option<&str>) {
        if collection.is_some() {
            return;
        }
        let mut search = ModuleSearch::clone(&self.search);
        let at = self.options.module_path.len();
        for (name, list, at) in [
            ("library", &mut search.library, at),
            ("module_utils", &mut search.module_utils, 0),
            ("action_plugins", &mut search.action_plugins, 0),
        ] {
            let dir = base_dir.join(name);
            if dir.is_dir() && !list.contains(&dir) {
                list.insert(at.min(list.len()), dir);
            }
        }
        self.search = Arc::new(search);
    }

    fn entry(&mut self, entry: &Node, file: &Path, base_dir: &Path, collection: Option<Arc<str>>, imported: &Imported) {
        let Some(keys) = entry.as_map() else {
            let message = "playbook entries must be either valid plays or 'import_playbook' statements";
            let diagnostic = Diagnostic::error(message).at(Some(entry.origin.clone()));
            self.problems.push(Problem::parse(diagnostic));
            return;
        };
        let is_import = |k: &Node| k.as_str().and_then(builtin_name) == Some("import_playbook");
        if keys.iter().any(|(k, _)| is_import(k)) {
            self.import(entry, base_dir, imported);
            return;
        }
        let place = PlayPlace { file, base_dir, collection, imported, search: self.search.clone() };
        let parsed = parse_play(entry, &place, self.loader, self.options);
        self.problems.extend(parsed.problems);
        self.warnings.extend(parsed.warnings);
        self.plays.push(parsed.play);
    }

    fn import(&mut self, entry: &Node, base_dir: &Path, outer: &Imported) {
        let mut own = Imported::default();
        let mut target = None;
        for (key, value) in entry.as_map().unwrap_or_default() {
            let word = key_text(key);
            let word = if builtin_name(&word) == Some("import_playbook") { "import_playbook" } else { &*word };
            if keyword(word, Place::PlaybookInclude).is_none() {
                let origin = Some(key.origin.clone());
                self.problems.push(Problem::parse(unknown_keyword(word, Place::PlaybookInclude, origin)));
                continue;
            }
            match word {
                "import_playbook" if target.is_some() => {
                    self.problems
                        .push(Problem::general(Diagnostic::error("Found conflicting import_playbook actions")));
                }
                "import_playbook" => target = Some(value.to_value()),
                "vars" => own.vars = value.to_value().as_map().unwrap_or_default(),
                "when" => own.when = as_list(value),
                "tags" => own.tags = tag_list(value),
                _ => {}
            }
        }
        let mut known = Map::clone(&own.vars);
        known.extend(self.options.extra_vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        let renderer = Renderer::new(Arc::new(known), self.options.templates.clone());
        let target = target.unwrap_or_default();
        let at = match &target {
            Value::Str(text) => text.origin().cloned(),
            _ => Some(entry.origin.clone()),
        };
        let name = match renderer.render(&target) {
            Ok(name) if name.is_true() => ftl_core::value::to_text(&name),
            Ok(_) => {
                let message = "The field 'import_playbook' is required but was not set.";
                self.problems.push(Problem::parse(Diagnostic::error(message).at(Some(entry.origin.clone()))));
                return;
            }
            Err(cause) => {
                let message = "Error processing keyword 'import_playbook'.";
                let diagnostic = Diagnostic::error(message).at(at).caused_by(cause);
                self.problems.push(Problem::parse(diagnostic));
                return;
            }
        };
        let (path, collection) = self.place(&name, base_dir);
        self.file(&path, collection, &own.below(outer));
    }
}

impl Imported {
    /// This import inside another: the outer one's variables win, its conditions come first.
    fn below(self, outer: &Imported) -> Imported {
        let mut vars = Map::clone(&self.vars);
        // A `tags` among the variables is a tag.
        let tags = vars.remove("tags");
        vars.extend(outer.vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        let mut all_tags = self.tags;
        if let Some(Value::Str(text)) = tags {
            all_tags.extend(text.as_str().split(',').map(Value::str));
        }
        all_tags.extend(outer.tags.iter().cloned());
        let when = outer.when.iter().chain(&self.when).cloned().collect();
        Imported { vars: Arc::new(vars), when, tags: all_tags }
    }
}

fn tag_list(value: &Node) -> Vec<Value> {
    match value.as_value() {
        Some(Value::Str(text)) => text.as_str().split(',').map(|t| Value::Str(text.part(t.trim()))).collect(),
        _ => as_list(value),
    }
}
