//! Collections on disk and what their `meta/runtime.yml` says: redirects, tombstones, deprecations, action groups.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::UNIX_EPOCH;

use ftl_core::value::to_json;
use ftl_core::yaml::{LoadOptions, load_value};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::ansible::package::{hex, private_directory, write_atomically};

/// All collections below the collection paths; looked at when first named.
pub struct Collections {
    roots: Vec<PathBuf>,
    cache_dir: PathBuf,
    known: Mutex<HashMap<String, Option<Arc<Collection>>>>,
}

/// One collection.
pub struct Collection {
    pub name: String,
    pub directory: PathBuf,
    metadata_file: PathBuf,
    cache_dir: PathBuf,
    metadata: OnceLock<Json>,
}

impl Collections {
    /// `builtin_metadata`: the file that plays the part of `meta/runtime.yml` for ansible-core's own modules.
    pub fn new(roots: Vec<PathBuf>, builtin_metadata: Option<PathBuf>, cache_dir: PathBuf) -> Collections {
        let mut known = HashMap::new();
        if let Some(file) = builtin_metadata {
            let builtin = Collection::new("ansible.builtin", PathBuf::new(), file, &cache_dir);
            known.insert(builtin.name.clone(), Some(Arc::new(builtin)));
        }
        Collections { roots, cache_dir, known: Mutex::new(known) }
    }

    /// The collection `namespace.name`, from the first path that has it.
    pub fn get(&self, name: &str) -> Option<Arc<Collection>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return found.clone();
        }
        let found = self.look_for(name).map(Arc::new);
        known.insert(name.to_owned(), found.clone());
        found
    }

    fn look_for(&self, name: &str) -> Option<Collection> {
        let (namespace, short) = name.split_once('.')?;
        let below = |root: &PathBuf| match root.ends_with("ansible_collections") {
            true => root.join(namespace).join(short),
            false => root.join("ansible_collections").join(namespace).join(short),
        };
        let directory = self.roots.iter().map(below).find(|directory| directory.is_dir())?;
        let metadata = directory.join("meta/runtime.yml");
        Some(Collection::new(name, directory, metadata, &self.cache_dir))
    }
}

impl Collection {
    fn new(name: &str, directory: PathBuf, metadata_file: PathBuf, cache_dir: &Path) -> Collection {
        let cache_dir = cache_dir.join("routing");
        Collection { name: name.to_owned(), directory, metadata_file, cache_dir, metadata: OnceLock::new() }
    }

    /// The routing entry of a plugin: `kind` is `modules`, `module_utils`, `action`, `filter`, `test` or `lookup`.
    pub fn routing(&self, kind: &str, name: &str) -> Option<&Json> {
        self.metadata().get("plugin_routing")?.get(kind)?.get(name).filter(|entry| !entry.is_null())
    }

    pub fn action_group(&self, name: &str) -> Option<&Json> {
        self.metadata().get("action_groups")?.get(name)
    }

    fn metadata(&self) -> &Json {
        self.metadata.get_or_init(|| self.read_metadata().unwrap_or(Json::Null))
    }

    /// Parsing ansible-core's own file takes longer than all else at start-up: the result is kept as JSON.
    fn read_metadata(&self) -> Option<Json> {
        let stat = std::fs::metadata(&self.metadata_file).ok()?;
        let modified = stat.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let identity = format!("2 {} {} {modified}", self.metadata_file.display(), stat.len());
        let cached = self.cache_dir.join(format!("{}.json", hex(&Sha256::digest(identity), 32)));
        if let Ok(text) = std::fs::read(&cached)
            && let Ok(json) = serde_json::from_slice(&text)
        {
            return Some(json);
        }
        let text = std::fs::read_to_string(&self.metadata_file).ok()?;
        let file = self.metadata_file.display().to_string();
        let secrets = Arc::default();
        let options = LoadOptions { trusted: false, json_first: false, ..LoadOptions::new(&file, &secrets) };
        let value = load_value(&text, &options).ok()?.root;
        let json: Json = serde_json::from_str(&to_json(&value)).ok()?;
        let routing = |kind: &str| json["plugin_routing"][kind].clone();
        let kept = serde_json::json!({
            "plugin_routing": {
                "modules": routing("modules"), "module_utils": routing("module_utils"), "action": routing("action"),
                "filter": routing("filter"), "test": routing("test"), "lookup": routing("lookup"),
            },
            "action_groups": json["action_groups"],
        });
        // Without a cache all still works.
        let _ =
            private_directory(&self.cache_dir).and_then(|()| write_atomically(&cached, kept.to_string().as_bytes()));
        Some(kept)
    }
}
