//! From a module's name to its file: names, search paths, collections and redirects, in ansible-core's order.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ftl_core::call::{ModuleRef, ModuleSearch};
use ftl_core::value::repr_str;
use serde_json::Value as Json;

use crate::ansible::core::AnsibleCore;
use crate::ansible::style;
use crate::collection::{Collection, Collections};
use crate::settings::Settings;

/// Looks modules up by name.
pub struct Locator {
    core: Option<AnsibleCore>,
    library: Vec<PathBuf>,
    module_utils: Vec<PathBuf>,
    pub collections: Arc<Collections>,
    natives: Vec<&'static str>,
    /// What was found: every task of a playbook asks.
    found: Mutex<HashMap<ModuleSearch, HashMap<String, ModuleRef>>>,
}

/// Files that are not modules, whatever their place.
const IGNORED: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini"];
/// How far redirects are followed before they count as a circle.
const MAX_REDIRECTS: usize = 20;

/// What one step of a search ended with.
enum Step {
    Found(ModuleRef),
    Redirect(String),
    Nothing,
}

impl Locator {
    pub fn new(settings: &Settings, core: Option<AnsibleCore>, natives: Vec<&'static str>) -> Locator {
        let mut roots = settings.collections_paths.clone();
        roots.extend(core.iter().map(|core| core.site_packages.clone()));
        let metadata = core.as_ref().map(AnsibleCore::runtime_metadata);
        let collections = Collections::new(roots, metadata, settings.cache_dir.clone());
        Locator {
            core,
            library: settings.library.clone(),
            module_utils: settings.module_utils.clone(),
            collections: Arc::new(collections),
            natives,
            found: Mutex::default(),
        }
    }

    pub fn core(&self) -> Option<&AnsibleCore> {
        self.core.as_ref()
    }

    /// The module a name means; the error is what Ansible says.
    pub fn find(&self, name: &str, search: &ModuleSearch) -> Result<ModuleRef, String> {
        let known = |found: &HashMap<ModuleSearch, HashMap<String, ModuleRef>>| found.get(search)?.get(name).cloned();
        if let Some(module) = known(&self.found.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(module);
        }
        let module = self.look_for(name, search)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.entry(search.clone()).or_default().insert(name.to_owned(), module.clone());
        Ok(module)
    }

    fn look_for(&self, name: &str, search: &ModuleSearch) -> Result<ModuleRef, String> {
        let mut notes = Vec::new();
        let mut wanted = name.to_owned();
        let mut seen = vec![wanted.clone()];
        let mut found = loop {
            match self.step(&wanted, search, seen.len() == 1, &mut notes)? {
                Step::Found(module) => break module,
                Step::Redirect(target) if seen.contains(&target) || seen.len() > MAX_REDIRECTS => {
                    return Err(format!("plugin redirect loop resolving {name} (path: {seen:?})"));
                }
                Step::Redirect(target) => {
                    seen.push(target.clone());
                    wanted = target;
                }
                Step::Nothing if seen.len() > 1 => {
                    return Err(format!("The module {name} was redirected to {wanted}, which could not be loaded."));
                }
                Step::Nothing
                    if self.core.is_none()
                        && name.rsplit_once('.').is_none_or(|(ns, _)| ns.starts_with("ansible.")) =>
                {
                    return Err(format!(
                        "couldn't resolve module/action '{name}': no installed ansible-core was found, and FTL has no module of \
                         that name."
                    ));
                }
                Step::Nothing => {
                    return Err(format!(
                        "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or \
                         incorrect module path."
                    ));
                }
            }
        };
        found.asked = name.into();
        found.notes = Arc::new(notes);
        let utils = search.module_utils.iter().chain(&self.module_utils);
        found.module_utils = Arc::new(utils.filter(|directory| directory.is_dir()).cloned().collect());
        // Those of ansible-core are all written in Python.
        let own = |path: &Path| self.core.as_ref().is_some_and(|core| path.starts_with(core.modules()));
        found.interpreter = found.path.as_deref().filter(|path| !own(path)).and_then(|path| interpreter(path));
        Ok(found)
    }

    fn step(&self, name: &str, search: &ModuleSearch, first: bool, notes: &mut Vec<String>) -> Result<Step, String> {
        if name.contains('.') {
            return self.qualified(name, search, notes);
        }
        // The keyword applies to the name as written, not to what it redirects to.
        let collections: &[String] = if first { &search.collections } else { &[] };
        for collection in collections {
            match self.qualified(&format!("{collection}.{name}"), search, notes)? {
                Step::Nothing => {}
                step => return Ok(step),
            }
        }
        if collections.is_empty() || collections.iter().all(|c| c != "ansible.legacy") {
            return self.legacy(name, search, notes);
        }
        Ok(Step::Nothing)
    }

    fn qualified(&self, name: &str, search: &ModuleSearch, notes: &mut Vec<String>) -> Result<Step, String> {
        let mut parts = name.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(resource)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(Step::Nothing);
        };
        match (namespace, collection) {
            ("ansible", "legacy") => self.legacy(resource, search, notes),
            ("ansible", "builtin") => self.builtin(resource, notes),
            _ => {
                let Some(found) = self.collections.get(&format!("{namespace}.{collection}")) else {
                    return Ok(Step::Nothing);
                };
                if let Some(step) = route(&found, resource, notes)? {
                    return Ok(step);
                }
                let plugin = action_plugin(&found.directory.join("plugins/action"), resource);
                let module = in_collection(&found, resource);
                Ok(match plugin {
                    Some(plugin) => Step::Found(with_plugin(&format!("{}.{resource}", found.name), module, plugin)),
                    None => module.map_or(Step::Nothing, Step::Found),
                })
            }
        }
    }

    /// The search before there were collections: library directories, then ansible-core.
    fn legacy(&self, name: &str, search: &ModuleSearch, notes: &mut Vec<String>) -> Result<Step, String> {
        if let Some(plugin) = search.action_plugins.iter().find_map(|directory| action_plugin(directory, name)) {
            return Ok(Step::Found(with_plugin(&format!("ansible.legacy.{name}"), None, plugin)));
        }
        let found = search.library.iter().chain(&self.library).find_map(|directory| in_library(directory, name, 2));
        if let Some(path) = found {
            return Ok(Step::Found(ModuleRef {
                fqcn: format!("ansible.legacy.{name}").into(),
                asked: Arc::default(),
                python_name: python_name(&path, name).into(),
                path: Some(Arc::new(path)),
                ..ModuleRef::default()
            }));
        }
        if name.contains('.') {
            return Ok(Step::Nothing);
        }
        self.builtin(name, notes)
    }

    /// ansible-core's own modules. None of them is redirected, so the long routing table is read for others only.
    fn builtin(&self, name: &str, notes: &mut Vec<String>) -> Result<Step, String> {
        let native = self.natives.contains(&name);
        let path = self.core.as_ref().and_then(|core| module_file(&core.modules(), name));
        if native || path.is_some() {
            return Ok(Step::Found(ModuleRef {
                fqcn: format!("ansible.builtin.{name}").into(),
                asked: Arc::default(),
                python_name: format!("ansible.modules.{name}").into(),
                path: path.map(Arc::new),
                native,
                ..ModuleRef::default()
            }));
        }
        match self.collections.get("ansible.builtin") {
            Some(builtin) => Ok(route(&builtin, name, notes)?.unwrap_or(Step::Nothing)),
            None => Ok(Step::Nothing),
        }
    }

    /// The members of an action group as FQCNs, those of the groups it extends included.
    pub fn group_members(&self, group: &str) -> Option<Vec<String>> {
        let full = if group.matches('.').count() >= 2 { group.to_owned() } else { format!("ansible.builtin.{group}") };
        let mut members = Vec::new();
        let mut groups = vec![full];
        let mut at = 0;
        let mut known = false;
        while at < groups.len() {
            let group = groups[at].clone();
            at += 1;
            let mut parts = group.splitn(3, '.');
            let (Some(namespace), Some(short), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let collection = format!("{namespace}.{short}");
            let Some(found) = self.collections.get(&collection) else { continue };
            let Some(Json::Array(entries)) = found.action_group(name) else { continue };
            known = true;
            let qualify = |name: &str| match name.matches('.').count() >= 2 {
                true => name.to_owned(),
                false => format!("{collection}.{name}"),
            };
            for entry in entries {
                if let Some(action) = entry.as_str() {
                    members.push(qualify(action));
                } else if let Some(extended) = entry.pointer("/metadata/extend_group") {
                    let names =
                        extended.as_array().into_iter().flatten().chain(Some(extended)).filter_map(Json::as_str);
                    let more: Vec<String> = names.map(qualify).filter(|name| !groups.contains(name)).collect();
                    groups.extend(more);
                }
            }
        }
        known.then_some(members)
    }
}

/// What the routing table says about a module: an error for a tombstone, a note for a deprecation, or another name.
fn route(collection: &Collection, name: &str, notes: &mut Vec<String>) -> Result<Option<Step>, String> {
    let Some(entry) = collection.routing("modules", name) else { return Ok(None) };
    let full = format!("{}.{name}", collection.name);
    if let Some(action) = entry["action_plugin"].as_str() {
        return Err(format!("The action plugin {action} that {full} is routed to is not supported yet."));
    }
    if let Some(notice) = entry.get("deprecation").filter(|n| n.is_object()) {
        let text = notice["warning_text"].as_str().unwrap_or_default();
        notes.push(removal(&format!("{full} has been deprecated. {text}"), notice, &collection.name, false));
    }
    if let Some(notice) = entry.get("tombstone").filter(|n| n.is_object()) {
        let text = notice["warning_text"].as_str().unwrap_or_default();
        let message = format!("The {} module has been removed. {text}", repr_str(&full));
        return Err(removal(&message, notice, &collection.name, true));
    }
    Ok(entry["redirect"].as_str().map(|target| Step::Redirect(target.to_owned())))
}

/// The file of an action plugin.
fn action_plugin(directory: &Path, name: &str) -> Option<PathBuf> {
    let file = directory.join(format!("{}.py", name.replace('.', "/")));
    file.is_file().then_some(file)
}

/// The module beside an action plugin is often an empty shell: running it alone would report work that nobody did.
fn with_plugin(fqcn: &str, module: Option<ModuleRef>, plugin: PathBuf) -> ModuleRef {
    ModuleRef {
        fqcn: fqcn.into(),
        asked: Arc::default(),
        python_name: module.as_ref().map_or_else(|| fqcn.into(), |m| m.python_name.clone()),
        path: module.as_ref().and_then(|m| m.path.clone()),
        action_plugin: Some(Arc::new(plugin)),
        notes: module.map(|m| m.notes).unwrap_or_default(),
        ..ModuleRef::default()
    }
}

/// Ansible's sentence about when something goes.
fn removal(message: &str, notice: &Json, collection: &str, removed: bool) -> String {
    let mut message = message.trim().to_owned();
    if !message.ends_with(['.', '!', '?']) {
        message.push('.');
    }
    let text =
        |key: &str| notice[key].as_str().map(str::to_owned).or_else(|| notice[key].as_f64().map(|n| n.to_string()));
    let verb = if removed { "was removed" } else { "will be removed" };
    let place = match collection {
        "ansible.builtin" => "ansible-core".to_owned(),
        name => format!("collection {}", repr_str(name)),
    };
    let when = match (text("removal_date"), text("removal_version")) {
        (Some(date), _) => format!(" in a release after {date}"),
        (None, Some(version)) => format!(" version {version}"),
        _ if removed => String::new(),
        _ => " in a future release".to_owned(),
    };
    format!("{message} This feature {verb} from {place}{when}.")
}

fn in_collection(collection: &Collection, resource: &str) -> Option<ModuleRef> {
    let (below, name) = resource.rsplit_once('.').map_or(("", resource), |(below, name)| (below, name));
    let directory = collection.directory.join("plugins/modules").join(below.replace('.', "/"));
    let path = module_file(&directory, name)?;
    Some(ModuleRef {
        fqcn: format!("{}.{resource}", collection.name).into(),
        asked: Arc::default(),
        python_name: format!("ansible_collections.{}.plugins.modules.{resource}", collection.name).into(),
        path: Some(Arc::new(path)),
        ..ModuleRef::default()
    })
}

/// The name of the program in a module's first line, when it is not `python`.
fn interpreter(path: &Path) -> Option<Arc<str>> {
    let mut line = Vec::new();
    std::fs::File::open(path).ok()?.take(1024).read_to_end(&mut line).ok()?;
    let words = style::shebang(&line)?;
    let name = words[0].rsplit('/').next().filter(|name| *name != "python")?;
    Some(name.into())
}

/// `name.py`, or the first file `name.*` (or `name` itself) that can be a module.
fn module_file(directory: &Path, name: &str) -> Option<PathBuf> {
    let python = directory.join(format!("{name}.py"));
    if python.is_file() {
        return Some(python);
    }
    if name.is_empty() || name.contains('/') {
        return None;
    }
    let prefix = format!("{name}.");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|file| file == name || file.starts_with(&prefix)))
        .map(|entry| entry.path())
        .filter(|path| is_module_file(path))
        .collect();
    files.sort();
    files.into_iter().next()
}

fn is_module_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    path.is_file() && name != "__init__.py" && !IGNORED.iter().any(|end| name.ends_with(end))
}

/// A file whose name without its extension is the module's, in a library directory or below.
fn in_library(directory: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    if !directory.is_dir() {
        return None;
    }
    let matches = |path: &Path| path.file_stem().and_then(|s| s.to_str()) == Some(name) || path.ends_with(name);
    let mut below = Vec::new();
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            below.push(path);
        } else if matches(&path) && is_module_file(&path) {
            found.push(path);
        }
    }
    found.sort();
    below.sort();
    // Modules in Python are meant when a directory has two of a name.
    let python = found.iter().position(|path| path.extension().is_some_and(|e| e == "py"));
    let first = if found.is_empty() { None } else { Some(found.swap_remove(python.unwrap_or(0))) };
    first.or_else(|| (depth > 0).then(|| below.iter().find_map(|path| in_library(path, name, depth - 1))).flatten())
}

/// A file in a collection keeps its name there, wherever it was found.
fn python_name(path: &Path, name: &str) -> String {
    let text = path.with_extension("").to_string_lossy().into_owned();
    let place = text.rfind("/ansible_collections/").map(|at| &text[at + 1..]);
    match place.filter(|p| {
        !p.contains('.') && p.split('/').nth(3) == Some("plugins") && p.split('/').nth(4) == Some("modules")
    }) {
        Some(place) => place.replace('/', "."),
        None => format!("ansible.legacy.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with a library, a collection and an ansible-core without modules.
    fn locator(directory: &Path) -> Locator {
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("library/mine.py", "");
        write("library/deep/er/other.sh", "");
        write("library/README.md", "");
        write("c/ansible_collections/a/b/plugins/modules/one.py", "");
        write("c/ansible_collections/a/b/plugins/modules/acts.py", "");
        write("c/ansible_collections/a/b/plugins/action/acts.py", "");
        write("c/ansible_collections/a/b/plugins/modules/sub/two.py", "");
        write(
            "c/ansible_collections/a/b/meta/runtime.yml",
            "action_groups:\n  g:\n  - one\n  - metadata: {extend_group: [a.b.h]}\n  h: [x.y.z]\n\
             plugin_routing:\n  modules:\n    old: {redirect: a.b.one}\n    gone: {tombstone: {removal_version: 2.0.0, warning_text: Use one.}}\n\
             \x20   stale: {redirect: a.b.one, deprecation: {removal_date: '2030-01-01', warning_text: Soon.}}\n\
             \x20   lost: {redirect: q.r.s}\n    loop: {redirect: a.b.loop2}\n    loop2: {redirect: a.b.loop}\n",
        );
        let settings = Settings {
            collections_paths: vec![directory.join("c")],
            cache_dir: directory.join("cache"),
            ..Settings::default()
        };
        write("s/ansible/release.py", "__version__ = '2.19.14'\n");
        write("s/ansible/module_utils/basic.py", "");
        Locator::new(&settings, AnsibleCore::at(&directory.join("s")), vec!["ping"])
    }

    fn found(locator: &Locator, name: &str, search: &ModuleSearch) -> String {
        match locator.find(name, search) {
            Ok(module) => format!("{} {}{}", module.fqcn, module.python_name, module.notes.join("|")),
            Err(error) => error,
        }
    }

    #[test]
    fn names_lead_to_modules() {
        let directory = tempfile::tempdir().unwrap();
        let locator = locator(directory.path());
        let search = ModuleSearch { library: vec![directory.path().join("library")], ..ModuleSearch::default() };
        let check = |name: &str, expected: &str| assert_eq!(found(&locator, name, &search), expected, "{name}");
        check("mine", "ansible.legacy.mine ansible.legacy.mine");
        check("ansible.legacy.mine", "ansible.legacy.mine ansible.legacy.mine");
        check("other", "ansible.legacy.other ansible.legacy.other");
        check("ping", "ansible.builtin.ping ansible.modules.ping");
        check("ansible.legacy.ping", "ansible.builtin.ping ansible.modules.ping");
        check("a.b.one", "a.b.one ansible_collections.a.b.plugins.modules.one");
        check("a.b.sub.two", "a.b.sub.two ansible_collections.a.b.plugins.modules.sub.two");
        check("a.b.old", "a.b.one ansible_collections.a.b.plugins.modules.one");
        check(
            "a.b.gone",
            "The 'a.b.gone' module has been removed. Use one. This feature was removed from collection 'a.b' version 2.0.0.",
        );
        check("a.b.lost", "The module a.b.lost was redirected to q.r.s, which could not be loaded.");
        check(
            "a.b.stale",
            "a.b.one ansible_collections.a.b.plugins.modules.onea.b.stale has been deprecated. Soon. This feature will be \
             removed from collection 'a.b' in a release after 2030-01-01.",
        );
        let acts = locator.find("a.b.acts", &search).expect("an action plugin");
        assert!(acts.action_plugin.is_some_and(|p| p.ends_with("plugins/action/acts.py")));
        assert!(found(&locator, "a.b.loop", &search).contains("redirect loop"));
        for name in ["README", "one", "a.b.nothing", "x.y.z", "ansible.builtin.mine"] {
            check(
                name,
                &format!(
                    "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or \
                     incorrect module path."
                ),
            );
        }
    }

    #[test]
    fn without_ansible_core_there_are_native_modules() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { cache_dir: directory.path().to_path_buf(), ..Settings::default() };
        let locator = Locator::new(&settings, None, vec!["ping"]);
        let search = ModuleSearch::default();
        assert_eq!(found(&locator, "ping", &search), "ansible.builtin.ping ansible.modules.ping");
        let expected = "couldn't resolve module/action 'apt': no installed ansible-core was found, and FTL has no module of that name.";
        assert_eq!(found(&locator, "apt", &search), expected);
    }

    #[test]
    fn the_collections_keyword_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let locator = locator(directory.path());
        let search = ModuleSearch { collections: vec!["a.b".into()], ..ModuleSearch::default() };
        let check = |name: &str, expected: &str| assert_eq!(found(&locator, name, &search), expected, "{name}");
        check("one", "a.b.one ansible_collections.a.b.plugins.modules.one");
        check("old", "a.b.one ansible_collections.a.b.plugins.modules.one");
        check("ping", "ansible.builtin.ping ansible.modules.ping");
    }

    #[test]
    fn groups_have_members() {
        let directory = tempfile::tempdir().unwrap();
        let locator = locator(directory.path());
        assert_eq!(locator.group_members("a.b.g"), Some(vec!["a.b.one".into(), "x.y.z".into()]));
        assert_eq!(locator.group_members("a.b.nope"), None);
        assert_eq!(locator.group_members("aws"), None);
    }
}
