//! All files a module needs besides the core pack: itself, and module_utils of collections, roles and playbooks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ftl_core::call::ModuleRef;

use super::args::replace;
use super::core::AnsibleCore;
use super::imports::{Import, scan};
use super::package::{Files, package_files};
use super::style::REPLACER;
use crate::collection::Collections;
use crate::execute::ModuleFile;

/// The files of an overlay pack.
pub struct Closure {
    pub files: Files,
    /// Some of them take the place of files in the core pack.
    pub replaces: bool,
}

/// A found piece of module_utils.
struct Util {
    name: Vec<String>,
    package: bool,
    source: Vec<u8>,
    /// It is in the core pack as it is.
    shared: bool,
    redirected: bool,
}

struct Finder<'a> {
    core: &'a AnsibleCore,
    collections: &'a Collections,
    overrides: &'a [PathBuf],
    module: &'a str,
}

impl Closure {
    /// `own`: the module itself is in the core pack.
    pub(crate) fn of(
        core: &AnsibleCore,
        collections: &Collections,
        module: &ModuleRef,
        file: &ModuleFile,
        own: bool,
    ) -> Result<Closure, String> {
        let finder = Finder { core, collections, overrides: &module.module_utils, module: &module.python_name };
        let text = match super::style::contains(&file.text, REPLACER) {
            true => replace(&file.text, REPLACER, b"from ansible.module_utils.basic import *"),
            false => file.text.clone(),
        };
        let (mut files, replaces) = finder.collect(&text)?;
        if !own {
            add_module(&mut files, &module.python_name, text);
        }
        if !files.is_empty() {
            let top: BTreeSet<_> = files.keys().filter_map(|name| name.split('/').next().map(str::to_owned)).collect();
            for (name, text) in package_files(&core.version) {
                if name.split('/').next().is_some_and(|first| top.contains(first)) || name == "sitecustomize.py" {
                    files.entry(name).or_insert(text);
                }
            }
        }
        Ok(Closure { files, replaces })
    }
}

fn add_module(files: &mut Files, python_name: &str, text: Vec<u8>) {
    let parts: Vec<&str> = python_name.split('.').collect();
    for depth in 1..parts.len() {
        let package = format!("{}/__init__.py", parts[..depth].join("/"));
        // `ansible` itself is an open package, see `package_files`.
        if package != "ansible/__init__.py" {
            files.entry(package).or_default();
        }
    }
    files.insert(format!("{}.py", parts.join("/")), text);
}

impl Finder<'_> {
    /// Follows imports until nothing new turns up.
    fn collect(&self, module: &[u8]) -> Result<(Files, bool), String> {
        let mut files = Files::new();
        let mut replaces = false;
        let mut done: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut queue = scan(&String::from_utf8_lossy(module), self.module, false);
        if !self.overrides.is_empty() {
            // Every module uses these, so a replacement of theirs counts as well.
            for name in ["basic", "_internal._ansiballz._loader", "common.json"] {
                let name = format!("ansible.module_utils.{name}").split('.').map(str::to_owned).collect();
                queue.push(Import { name, ambiguous: false, optional: true });
            }
        }
        while let Some(import) = queue.pop() {
            if !done.insert(import.name.clone()) {
                continue;
            }
            let Some(util) = self.find(&import)? else {
                if import.optional {
                    continue;
                }
                return Err(format!(
                    "Could not find imported module support code for {}. Looked for ({})",
                    self.module,
                    candidates_shown(&import)
                ));
            };
            if util.name != import.name && !done.insert(util.name.clone()) {
                continue;
            }
            // What the core pack has is complete there, unless a playbook replaces parts of it.
            if util.shared && self.overrides.is_empty() {
                continue;
            }
            let fqn = util.name.join(".");
            queue.extend(scan(&String::from_utf8_lossy(&util.source), &fqn, util.package));
            for depth in 1..util.name.len() {
                let parent = util.name[..depth].to_vec();
                if util.name[0] == "ansible_collections" || depth > 2 {
                    // Below a redirect the packages on the way may not exist.
                    queue.push(Import { name: parent, ambiguous: false, optional: import.optional || util.redirected });
                }
            }
            if util.shared {
                continue;
            }
            let path = util.name.join("/");
            let name = if util.package { format!("{path}/__init__.py") } else { format!("{path}.py") };
            let core = self.core.site_packages.join(&path);
            replaces |= util.name[0] == "ansible" && (core.with_extension("py").is_file() || core.is_dir());
            files.insert(name, util.source);
        }
        Ok((files, replaces))
    }

    fn find(&self, import: &Import) -> Result<Option<Util>, String> {
        let mut name = import.name.clone();
        let collection = name[0] == "ansible_collections";
        if !collection && name.get(2).is_some_and(|part| part == "six") {
            name.truncate(3);
        }
        let root = if collection { 5 } else { 2 };
        // An attribute cannot be one directly below module_utils.
        let mut names = vec![name.clone()];
        if import.ambiguous && name.len() > root + 1 && name.len() == import.name.len() {
            names.push(name[..name.len() - 1].to_vec());
        }
        for name in names {
            let found = if collection { self.in_collection(&name)? } else { self.in_core(&name)? };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn in_core(&self, name: &[String]) -> Result<Option<Util>, String> {
        let below: PathBuf = name.iter().skip(2).collect();
        if name.len() <= 2 {
            return Ok(Some(Util {
                name: name.to_vec(),
                package: true,
                source: Vec::new(),
                shared: true,
                redirected: false,
            }));
        }
        for (directory, shared) in
            self.overrides.iter().map(|path| (path.clone(), false)).chain([(self.core.module_utils(), true)])
        {
            if let Some((source, package)) = read_module(&directory.join(&below)) {
                return Ok(Some(Util { name: name.to_vec(), package, source, shared, redirected: false }));
            }
        }
        self.redirect("ansible.builtin", name, 2)
    }

    fn in_collection(&self, name: &[String]) -> Result<Option<Util>, String> {
        let util =
            |source, package, redirected| Util { name: name.to_vec(), package, source, shared: false, redirected };
        if name.len() < 6 {
            return Ok(Some(util(Vec::new(), true, false)));
        }
        let collection = format!("{}.{}", name[1], name[2]);
        if let Some(redirected) = self.redirect(&collection, name, 5)? {
            return Ok(Some(redirected));
        }
        let Some(found) = self.collections.get(&collection) else { return Ok(None) };
        let path = found.directory.join(name[3..].iter().collect::<PathBuf>());
        // A directory is a package there, with or without an `__init__.py`.
        let found = read_module(&path).or_else(|| path.is_dir().then(|| (Vec::new(), true)));
        Ok(found.map(|(source, package)| util(source, package, false)))
    }

    /// A module_util that moved: a small file in its place imports the new one.
    fn redirect(&self, collection: &str, name: &[String], root: usize) -> Result<Option<Util>, String> {
        let Some(found) = self.collections.get(collection) else { return Ok(None) };
        let full = name.join(".");
        let Some(entry) = found.routing("module_utils", &name[root..].join(".")) else { return Ok(None) };
        if let Some(notice) = entry.get("tombstone").filter(|n| n.is_object()) {
            let text = notice["warning_text"].as_str().map(|text| format!(" ({text})")).unwrap_or_else(|| ".".into());
            return Err(format!("module_util {full} has been removed{text}"));
        }
        let Some(target) = entry["redirect"].as_str() else { return Ok(None) };
        let target = match target.starts_with("ansible_collections") {
            true => target.to_owned(),
            false => {
                let mut parts = target.splitn(3, '.');
                let (Some(namespace), Some(short), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
                    return Err(format!("invalid redirect for {full}: {target}"));
                };
                format!("ansible_collections.{namespace}.{short}.plugins.module_utils.{rest}")
            }
        };
        let source = format!("import sys\nimport {target} as moved\n\nsys.modules['{full}'] = moved\n").into_bytes();
        Ok(Some(Util { name: name.to_vec(), package: true, source, shared: false, redirected: true }))
    }
}

fn candidates_shown(import: &Import) -> String {
    let full = import.name.join(".");
    let names = match import.ambiguous && import.name.len() > 3 {
        true => vec![full, import.name[..import.name.len() - 1].join(".")],
        false => vec![full],
    };
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// `path/__init__.py` or `path.py`.
fn read_module(path: &Path) -> Option<(Vec<u8>, bool)> {
    if let Ok(source) = std::fs::read(path.join("__init__.py")) {
        return Some((source, true));
    }
    let mut file = path.as_os_str().to_owned();
    file.push(".py");
    std::fs::read(PathBuf::from(file)).ok().map(|source| (source, false))
}
