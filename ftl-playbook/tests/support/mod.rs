//! A module runtime that only knows names, and options for a directory of playbooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::*;
use ftl_core::port::{BoxFuture, ModuleRuntime};
use ftl_core::result::HostError;
use ftl_core::value::{Map, Str, Value};
use ftl_playbook::ParseOptions;

const BUILTIN: &str = "add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron debug \
    dnf expect fail fetch file find gather_facts get_url getent git group group_by hostname include_vars iptables \
    lineinfile meta package package_facts pause ping pip raw reboot replace rpm_key script service service_facts set_fact \
    set_stats setup shell slurp stat subversion systemd systemd_service sysvinit tempfile template unarchive uri user \
    validate_argument_spec wait_for wait_for_connection yum yum_repository deb822_repository known_hosts debconf";

const LOOKUPS: &str = "config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames items lines \
    list nested password pipe random_choice sequence subelements template together unvault url varnames vars flattened";

/// Finds modules in `library` directories and collections, and the builtin ones by name.
pub struct Names {
    collections: Vec<PathBuf>,
    /// Every qualified name is a module: for listings of repositories whose collections are not here.
    lenient: bool,
}

fn found(fqcn: String, path: Option<PathBuf>) -> ModuleRef {
    ModuleRef {
        python_name: fqcn.as_str().into(),
        fqcn: fqcn.as_str().into(),
        asked: fqcn.as_str().into(),
        path: path.map(Arc::new),
        ..ModuleRef::default()
    }
}

impl ModuleRuntime for Names {
    fn find(&self, name: &str, search: &ModuleSearch) -> Result<ModuleRef, String> {
        let in_collection = |collection: &str, name: &str| {
            let (namespace, short) = collection.split_once('.')?;
            self.collections.iter().find_map(|root| {
                let dir = root.join("ansible_collections").join(namespace).join(short);
                let path = dir.join(format!("plugins/modules/{name}.py"));
                path.is_file().then(|| found(format!("{collection}.{name}"), Some(path)))
            })
        };
        let short =
            name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
        if !short.contains('.') {
            for collection in &search.collections {
                if let Some(module) = in_collection(collection, short) {
                    return Ok(module);
                }
            }
            if !name.starts_with("ansible.builtin.") {
                let place = search.library.iter().map(|dir| dir.join(format!("{short}.py"))).find(|p| p.is_file());
                if let Some(path) = place {
                    return Ok(found(format!("ansible.legacy.{short}"), Some(path)));
                }
            }
            if self.lenient || BUILTIN.split_whitespace().any(|b| b == short) {
                return Ok(found(format!("ansible.builtin.{short}"), None));
            }
        } else if let Some((collection, short)) = short.rsplit_once('.') {
            if let Some(module) = in_collection(collection, short) {
                return Ok(module);
            }
            if self.lenient {
                return Ok(found(name.to_string(), None));
            }
        }
        Err(format!("couldn't resolve module/action '{name}'."))
    }
    fn group_members(&self, group: &str) -> Option<Vec<String>> {
        (group == "ansible.builtin.files").then(|| vec!["ansible.builtin.copy".into(), "ansible.builtin.file".into()])
    }
    fn plugin_traits(&self, _: &str, _: &[String]) -> Result<PluginTraits, String> {
        unreachable!("nothing runs")
    }
    fn run_plugin<'a>(&'a self, _: PluginCall) -> BoxFuture<'a, Result<ModuleAnswer, String>> {
        unreachable!("nothing runs")
    }
    fn run<'a>(&'a self, _: &'a Target, _: ModuleCall) -> BoxFuture<'a, Result<ModuleAnswer, HostError>> {
        unreachable!("nothing runs")
    }
    fn exec<'a>(&'a self, _: &'a Target, _: ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        unreachable!("nothing runs")
    }
    fn file<'a>(&'a self, _: &'a Target, _: FileRequest) -> BoxFuture<'a, Result<Value, HostError>> {
        unreachable!("nothing runs")
    }
    fn put<'a>(&'a self, _: &'a Target, _: Source, _: &'a str, _: u32) -> BoxFuture<'a, Result<(), HostError>> {
        unreachable!("nothing runs")
    }
    fn get<'a>(&'a self, _: &'a Target, _: &'a str, _: &'a Path) -> BoxFuture<'a, Result<String, HostError>> {
        unreachable!("nothing runs")
    }
    fn reset<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<(), HostError>> {
        unreachable!("nothing runs")
    }
    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        unreachable!("nothing runs")
    }
}

pub fn options(dir: &Path, extra: &[(&str, &str)], lenient: bool) -> ParseOptions {
    // Roles of a case may stand where its ansible.cfg says.
    let roles_path = ["site_roles", "/nonexistent/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"];
    let roles_path = roles_path.iter().map(|r| dir.join(r)).filter(|r| !r.ends_with("site_roles") || r.is_dir());
    let extra = extra.iter().map(|(k, v)| (Value::str(*k), Value::Str(Str::trusted(*v, None))));
    ParseOptions {
        modules: Arc::new(Names { collections: vec![dir.join("collections")], lenient }),
        lookup_exists: Arc::new(|name| LOOKUPS.split_whitespace().any(|l| l == name)),
        templates: Arc::default(),
        extra_vars: Arc::new(extra.collect::<Map>()),
        roles_path: roles_path.collect(),
        collections_paths: vec![dir.join("collections")],
        module_path: Vec::new(),
        configured: ModuleSearch::default(),
        working_dir: dir.to_path_buf(),
        private_role_vars: None,
        unknown_keywords_fail: true,
        listing: true,
    }
}
