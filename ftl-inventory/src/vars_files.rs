//! `group_vars/` and `host_vars/` of one directory: which files are there for a name, and what they say together.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use ftl_core::Map;
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::type_name;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::combine::combine_vars;
use crate::inventory::{no_vars, read, write};
use crate::settings::HashBehaviour;

/// Which of the two directories.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum VarsKind {
    Group,
    Host,
}

impl VarsKind {
    fn folder(self) -> &'static str {
        match self {
            VarsKind::Group => "group_vars",
            VarsKind::Host => "host_vars",
        }
    }
}

/// The vars files beside an inventory source or a playbook. What was read stays as it was for the whole run.
pub(crate) struct VarsDirectory {
    groups: Folder,
    hosts: Folder,
    /// Is it in another list too? See [`VarsDirectory::same_place`].
    base: PathBuf,
}

struct Folder {
    path: PathBuf,
    /// The entries of the folder, so that a host without file costs no system call.
    names: RwLock<Option<Names>>,
    read: RwLock<FxHashMap<Box<str>, Arc<Map>>>,
}

struct Names {
    modified: Option<SystemTime>,
    stems: FxHashSet<Box<str>>,
}

impl VarsDirectory {
    pub(crate) fn new(base: &Path) -> VarsDirectory {
        let base = std::fs::canonicalize(base).unwrap_or_else(|_| base.to_path_buf());
        let folder = |kind: VarsKind| Folder {
            path: base.join(kind.folder()),
            names: RwLock::default(),
            read: RwLock::default(),
        };
        VarsDirectory { groups: folder(VarsKind::Group), hosts: folder(VarsKind::Host), base }
    }

    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// The variables for a group or host of this name; an empty map when there is no file.
    pub(crate) fn vars(
        &self,
        kind: VarsKind,
        name: &str,
        loader: &Loader,
        behaviour: HashBehaviour,
    ) -> Result<Arc<Map>, Diagnostic> {
        let folder = match kind {
            VarsKind::Group => &self.groups,
            VarsKind::Host => &self.hosts,
        };
        // Names like /path/to/chroot are no file names.
        if name.starts_with('/') || !folder.may_have(name, loader) {
            return Ok(no_vars());
        }
        if let Some(known) = read(&folder.read).get(name) {
            return Ok(known.clone());
        }
        let vars = folder.load(name, loader, behaviour)?;
        write(&folder.read).insert(name.into(), vars.clone());
        Ok(vars)
    }
}

impl Folder {
    fn may_have(&self, name: &str, loader: &Loader) -> bool {
        if name.contains('/') {
            return true;
        }
        if let Some(names) = &*read(&self.names) {
            if names.stems.contains(name) {
                return true;
            }
            // A task may have written new files for hosts it adds.
            if names.modified == modified(&self.path) {
                return false;
            }
        }
        let names = Names::of(&self.path, loader);
        let found = names.stems.contains(name);
        *write(&self.names) = Some(names);
        found
    }

    fn load(&self, name: &str, loader: &Loader, behaviour: HashBehaviour) -> Result<Arc<Map>, Diagnostic> {
        let mut combined: Option<Arc<Map>> = None;
        for file in loader.find_vars_files(&self.path, name)? {
            let value = loader.load_value(&file)?;
            if !value.is_true() {
                continue;
            }
            let Some(vars) = value.as_map() else {
                let cause = Diagnostic::error(format!(
                    "failed to combine variables, expected dicts but got a 'dict' and a '{}'.",
                    python_class(&value)
                ));
                let file = ftl_core::value::repr_str(&file.to_string_lossy());
                return Err(Diagnostic::error(format!("Could not process {file}: {}", cause.message)));
            };
            combined = Some(match combined {
                None => vars,
                Some(mut under) => {
                    combine_vars(Arc::make_mut(&mut under), &vars, behaviour);
                    under
                }
            });
        }
        Ok(combined.unwrap_or_else(no_vars))
    }
}

/// The class Ansible's message names.
fn python_class(value: &ftl_core::Value) -> String {
    match type_name(value) {
        "str" => "_AnsibleTaggedStr".into(),
        "int" => "_AnsibleTaggedInt".into(),
        "float" => "_AnsibleTaggedFloat".into(),
        "list" => "_AnsibleTaggedList".into(),
        other => other.into(),
    }
}

impl Names {
    fn of(path: &Path, loader: &Loader) -> Names {
        // The time is taken first: a file written meanwhile makes the next look read again.
        let modified = modified(path);
        let mut stems = FxHashSet::default();
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            for extension in &loader.extensions {
                if let Some(stem) = name.strip_suffix(extension.as_str()) {
                    stems.insert(stem.into());
                }
            }
            stems.insert(name.into());
        }
        Names { modified, stems }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
