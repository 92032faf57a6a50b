//! The settings of this crate, as the command line program resolved them.

use std::path::PathBuf;

/// Plain values: this crate reads no environment.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A directory that holds `ansible/` (a site-packages); looked for when not given.
    pub ansible_core: Option<PathBuf>,
    /// `PATH`, to find an installed ansible-core by its programs.
    pub search_path: Vec<PathBuf>,
    pub home: Option<PathBuf>,
    /// Private to the user; packs and parsed metadata are kept here.
    pub cache_dir: PathBuf,
    /// `collections_path`.
    pub collections_paths: Vec<PathBuf>,
    /// `library` (`ANSIBLE_LIBRARY`) and `module_utils` (`ANSIBLE_MODULE_UTILS`).
    pub library: Vec<PathBuf>,
    pub module_utils: Vec<PathBuf>,
    /// `MODULE_STRICT_UTF8_RESPONSE` is off: what is not UTF-8 is replaced instead of refused.
    pub lenient_utf8: bool,
    /// How much a module may print (64 MiB when 0).
    pub output_limit: usize,
}

impl Settings {
    pub fn output_limit(&self) -> usize {
        if self.output_limit == 0 { 64 << 20 } else { self.output_limit }
    }
}
