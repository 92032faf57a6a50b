//! `--version`.

use std::path::PathBuf;

use ftl_core::value::repr;
use ftl_module::ansible::core::AnsibleCore;

use crate::parts::Parts;
use crate::wiring::COMPATIBLE_VERSION;

/// Ansible's lines, as far as there is something to say, and which ansible-core this is like.
pub fn text(name: &str, parts: &Parts<'_>) -> String {
    let core = AnsibleCore::find(&parts.module_settings(&[]));
    let settings = parts.settings;
    let list = |paths: Vec<PathBuf>| {
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>().join(":")
    };
    let config = settings.config_file.as_ref().map_or("None".to_string(), |path| path.display().to_string());
    let location = core.as_ref().map_or("None".to_string(), |c| c.site_packages.join("ansible").display().to_string());
    let executable = std::env::current_exe().map_or(parts.surroundings.executable.clone(), |p| p.display().to_string());
    [
        format!("{name} [FTL {}]", env!("CARGO_PKG_VERSION")),
        format!("  config file = {config}"),
        format!("  configured module search path = {}", repr(settings.value("DEFAULT_MODULE_PATH"))),
        format!("  ansible python module location = {location}"),
        format!("  ansible collection location = {}", list(settings.paths("COLLECTIONS_PATHS"))),
        format!("  executable location = {executable}"),
        format!("  compatible with ansible-core {COMPATIBLE_VERSION}"),
    ]
    .join("\n")
}
