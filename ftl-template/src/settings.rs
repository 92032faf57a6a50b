//! What all templates of a run share: files, environment, settings, budgets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::{Map, Value};

use crate::call::{FilterFunction, LookupFunction, TestFunction};
use crate::{filter, jinja_test, lookup};

/// Where variables come from: one host and task. Values are raw: rendering happens here.
pub trait Scope: Send + Sync {
    fn get(&self, name: &str) -> Option<Value>;
    fn names(&self) -> Vec<Arc<str>>;
}

/// Variables in a plain dict.
impl Scope for Map {
    fn get(&self, name: &str) -> Option<Value> {
        Map::get(self, name).cloned()
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.text_iter().map(|(name, _)| Arc::from(name)).collect()
    }
}

/// Files of the controller; vault-encrypted ones come decrypted.
pub trait Files: Send + Sync {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic>;

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Files as they are on disk.
pub struct PlainFiles;

impl Files for PlainFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        std::fs::read(path).map_err(|e| Diagnostic::error(format!("Unable to retrieve file contents.: {e}")))
    }
}

/// Filters, tests and lookups that are written in Python.
pub trait PythonPlugins: Send + Sync {
    /// `kind` is `filter`, `test` or `lookup`.
    fn has(&self, kind: &str, name: &str) -> bool;

    /// Does a plugin beside the playbook or in a configured directory take the place of FTL's own?
    fn overrides(&self, kind: &str, name: &str) -> bool;

    fn call(
        &self,
        kind: &str,
        name: &str,
        value: Option<&Value>,
        positional: &Value,
        named: &Value,
        variables: &Value,
    ) -> Result<Value, String>;
}

/// Names of the hosts a pattern selects.
pub type HostsMatching = Box<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// The collections whose plugins FTL has itself in part, or that redirect to such plugins.
pub const COLLECTIONS: [&str; 3] = ["ansible.netcommon", "ansible.utils", "community.general"];

/// Settings and ports that every template of a run sees.
pub struct Shared {
    pub files: Arc<dyn Files>,
    pub plugins: Option<Arc<dyn PythonPlugins>>,
    /// Those of [`COLLECTIONS`] that are installed: FTL's own filters and lookups of the others do not exist.
    pub collections: Vec<&'static str>,
    /// The controller's environment (`lookup('env', …)`).
    pub environment: BTreeMap<String, String>,
    pub working_dir: PathBuf,
    /// The playbook's directory, where `{% include %}` and relative lookups start.
    pub base_dir: PathBuf,
    /// `jinja2_extensions`: `jinja2.ext.do`, `jinja2.ext.loopcontrols`.
    pub jinja_extensions: Vec<String>,
    pub allow_broken_conditionals: bool,
    pub allow_embedded_templates: bool,
    pub untrusted_templates: UntrustedTemplates,
    /// `lookup('config', NAME)`: the settings by their names, as rendered values.
    pub config: BTreeMap<String, Value>,
    /// The inventory's hosts for a host pattern (`lookup('inventory_hostnames')`).
    pub hosts_matching: Option<HostsMatching>,
    pub budget: Budget,
    pub warn: Box<dyn Fn(Diagnostic) + Send + Sync>,
}

/// What to say of text that looks like a template and is not trusted; it is never rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UntrustedTemplates {
    #[default]
    Ignore,
    Warn,
    Fail,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            files: Arc::new(PlainFiles),
            plugins: None,
            collections: Vec::new(),
            environment: BTreeMap::new(),
            working_dir: PathBuf::from("/"),
            base_dir: PathBuf::from("/"),
            jinja_extensions: Vec::new(),
            allow_broken_conditionals: false,
            allow_embedded_templates: true,
            untrusted_templates: UntrustedTemplates::default(),
            config: BTreeMap::new(),
            hosts_matching: None,
            budget: Budget::default(),
            warn: Box::new(|_| {}),
        }
    }
}

/// How much one template may use before it ends in an error.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of one text, and of the whole output.
    pub text: usize,
    /// Items of one list.
    pub items: usize,
    /// Bits of one integer.
    pub integer_bits: u64,
    /// Templates within templates, macro calls within macro calls.
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { text: 256 << 20, items: 10_000_000, integer_bits: 1 << 22, depth: 120 }
    }
}

impl Shared {
    /// Is there a filter, test or lookup (`kind`) of this name, FTL's own or in Python?
    pub fn has(&self, kind: &str, name: &str) -> bool {
        let own = match kind {
            "filter" => self.filter(name).is_some(),
            "test" => self.test(name).is_some(),
            _ => self.lookup(name).is_some(),
        };
        own || self.has_foreign(kind, name)
    }

    fn is_overridden(&self, kind: &str, name: &str) -> bool {
        self.plugins.as_ref().is_some_and(|plugins| plugins.overrides(kind, name))
    }

    /// Is there a plugin in Python for a name that is not FTL's own?
    pub(crate) fn has_foreign(&self, kind: &str, name: &str) -> bool {
        self.plugins.as_ref().is_some_and(|plugins| plugins.has(kind, name))
    }

    /// FTL's own filter, unless a local one takes its place, and the name that messages show.
    pub(crate) fn filter<'n>(&self, name: &'n str) -> Option<(&'n str, FilterFunction)> {
        let core = filter::find(name).map(|function| (name, function));
        let own = core.or_else(|| filter::find_of_collection(name, &self.collections));
        own.filter(|_| !self.is_overridden("filter", name))
    }

    /// FTL's own test, unless a local one takes its place.
    pub(crate) fn test(&self, name: &str) -> Option<TestFunction> {
        jinja_test::find(name).filter(|_| !self.is_overridden("test", name))
    }

    /// FTL's own lookup, unless a local one takes its place.
    pub(crate) fn lookup(&self, name: &str) -> Option<LookupFunction> {
        let own = lookup::find(name).or_else(|| lookup::find_of_collection(name, &self.collections));
        own.filter(|_| !self.is_overridden("lookup", name))
    }
}
