//! A play that no file holds: the one task of an ad-hoc run.

use std::path::Path;
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::source::Loader;
use ftl_core::yaml::Node;

use super::play::{PlayPlace, parse_play};
use super::playbook::{Imported, Loaded};
use crate::graph::Playbook;
use crate::options::{LoadError, ParseOptions};

/// Reads one play; `file` names it, and paths are relative to `base_dir`.
pub fn load_play(
    file: &str,
    play: &Node,
    base_dir: &Path,
    loader: &Loader,
    options: &ParseOptions,
) -> Result<Loaded, LoadError> {
    let mut search = ModuleSearch::clone(&options.configured);
    search.library.splice(0..0, options.module_path.iter().cloned());
    for (name, list) in [
        ("library", &mut search.library),
        ("module_utils", &mut search.module_utils),
        ("action_plugins", &mut search.action_plugins),
    ] {
        list.extend(Some(base_dir.join(name)).filter(|directory| directory.is_dir()));
    }
    let imported = Imported::default();
    let place = PlayPlace {
        file: &base_dir.join(file),
        base_dir,
        collection: None,
        imported: &imported,
        search: Arc::new(search),
    };
    let parsed = parse_play(play, &place, loader, options);
    let mut warnings = loader.take_warnings();
    warnings.extend(parsed.warnings);
    match parsed.problems.is_empty() {
        true => Ok(Loaded { playbook: Playbook { file: file.to_string(), plays: vec![parsed.play] }, warnings }),
        false => Err(LoadError(parsed.problems)),
    }
}
