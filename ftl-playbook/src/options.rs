//! What loading playbooks needs to know besides the files: plain settings, handed in.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::port::ModuleRuntime;
use ftl_core::source::Diagnostic;
use ftl_core::value::Map;
use ftl_template::Shared;

/// Settings and ports of loading; the same for a whole run.
#[derive(Clone)]
pub struct ParseOptions {
    /// Resolves action names.
    pub modules: Arc<dyn ModuleRuntime>,
    /// Does a lookup of this name exist? (`with_<name>`)
    pub lookup_exists: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// For templates in names of static imports and roles.
    pub templates: Arc<Shared>,
    pub extra_vars: Arc<Map>,
    /// `roles_path`, in order.
    pub roles_path: Vec<PathBuf>,
    /// Directories that hold an `ansible_collections` directory (or are one), in order.
    pub collections_paths: Vec<PathBuf>,
    /// `-M`: looked at before all other module directories.
    pub module_path: Vec<PathBuf>,
    /// Module directories of the settings: looked at after those beside playbooks and in roles.
    pub configured: ModuleSearch,
    /// Where relative playbook names start.
    pub working_dir: PathBuf,
    /// `private_role_vars`, when it is set.
    pub private_role_vars: Option<bool>,
    /// `invalid_task_attribute_failed`: a key that means nothing is an error; else a warning.
    pub unknown_keywords_fail: bool,
    /// Only names are wanted (`--list-tasks`, `--syntax-check`): what cannot run is no mistake.
    pub listing: bool,
}

/// Which exit code a mistake has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// The text is wrong: exit code 4.
    Parse,
    /// Something is missing: exit code 1.
    General,
}

impl ProblemKind {
    pub fn exit_code(self) -> u8 {
        match self {
            ProblemKind::Parse => 4,
            ProblemKind::General => 1,
        }
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    pub diagnostic: Diagnostic,
}

impl Problem {
    pub fn parse(diagnostic: Diagnostic) -> Problem {
        Problem { kind: ProblemKind::Parse, diagnostic }
    }

    pub fn general(diagnostic: Diagnostic) -> Problem {
        Problem { kind: ProblemKind::General, diagnostic }
    }
}

/// All mistakes of a load, in the order of the text; never empty. The first decides the exit code.
#[derive(Clone, Debug)]
pub struct LoadError(pub Vec<Problem>);

impl LoadError {
    pub fn kind(&self) -> ProblemKind {
        self.0.first().map_or(ProblemKind::General, |p| p.kind)
    }

    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.0.iter().map(|p| p.diagnostic.clone()).collect()
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|p| p.diagnostic.one_line()).collect();
        f.write_str(&lines.join("\n"))
    }
}
impl std::error::Error for LoadError {}
