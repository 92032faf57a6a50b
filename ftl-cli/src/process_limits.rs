//! What the process may use, and what others may see of it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// As many files as the system allows, and no memory image in which secrets could be read. Failures change nothing.
pub fn set() {
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum });
    let core = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: core.maximum });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
