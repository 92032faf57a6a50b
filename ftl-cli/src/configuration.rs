//! `ansible.cfg`: where it is looked for, and the settings it and the environment give.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ftl_core::settings::{Ini, Settings, Sources};
use ftl_core::source::Diagnostic;

use crate::surroundings::Surroundings;

/// All settings, and what there is to say about the file they come from.
pub struct Configuration {
    pub settings: Settings,
    pub warnings: Vec<Diagnostic>,
}

/// The file that counts.
struct Found {
    path: Option<PathBuf>,
    warning: Option<Diagnostic>,
}

impl Configuration {
    /// The error is a whole text: it comes before anything that could show it better.
    pub fn read(surroundings: &Surroundings) -> Result<Configuration, String> {
        let found = find(surroundings);
        let ini = match &found.path {
            Some(path) => Some(read_ini(path)?),
            None => None,
        };
        let file = found.path.as_deref().zip(ini.as_ref());
        let settings = surroundings
            .with_paths(|paths| Settings::resolve(&Sources { paths: *paths, file }))
            .map_err(|error| [Some(error.message), error.hint].into_iter().flatten().collect::<Vec<_>>().join(" "))?;
        let mut warnings: Vec<Diagnostic> = found.warning.into_iter().collect();
        warnings.extend(settings.deprecated());
        warnings.extend(unsupported(&settings));
        Ok(Configuration { settings, warnings })
    }
}

/// Settings that would change a run, which FTL does not do: that must not pass in silence.
fn unsupported(settings: &Settings) -> Vec<Diagnostic> {
    let given = |name: &str, usual: &str| settings.is_given(name) && settings.text(name).is_some_and(|t| t != usual);
    let settings = [
        ("DEFAULT_LOG_FILTER", settings.list("DEFAULT_LOG_FILTER").iter().any(|name| !name.is_empty())),
        ("PLAYBOOK_VARS_ROOT", given("PLAYBOOK_VARS_ROOT", "top")),
        ("PLUGIN_FILTERS_CFG", settings.path("PLUGIN_FILTERS_CFG").is_some()),
        ("SSH_AGENT", given("SSH_AGENT", "none")),
    ];
    let names = settings.iter().filter(|(_, unsupported)| *unsupported);
    names
        .map(|(name, _)| Diagnostic::warning(format!("The setting {name} is not supported yet: it has no effect.")))
        .collect()
}

fn find(surroundings: &Surroundings) -> Found {
    let mut places = Vec::new();
    let given = surroundings.env.get("ANSIBLE_CONFIG").map(|path| {
        let path = PathBuf::from(surroundings.path(path));
        if path.is_dir() { path.join("ansible.cfg") } else { path }
    });
    places.extend(given.clone());
    let here = surroundings.working_dir.join("ansible.cfg");
    // Anybody could have put a file here, and what it says would be done with our rights.
    let public =
        std::fs::metadata(&surroundings.working_dir).is_ok_and(|directory| directory.permissions().mode() & 0o002 != 0);
    if !public {
        places.push(here.clone());
    }
    places.push(surroundings.home.join(".ansible.cfg"));
    places.push(PathBuf::from("/etc/ansible/ansible.cfg"));
    let path = places.into_iter().find(|path| path.exists() && is_readable(path));
    let ignored = public && here.exists() && (given.is_none() || given != path);
    let warning = ignored.then(|| {
        Diagnostic::warning(format!(
            "Ansible is being run in a world writable directory ({}), ignoring it as an ansible.cfg source. For more \
             information see https://docs.ansible.com/ansible/devel/reference_appendices/config.html\
             #cfg-in-world-writable-dir",
            surroundings.working_dir.display()
        ))
    });
    Found { path, warning }
}

fn is_readable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::READ_OK).is_ok()
}

fn read_ini(path: &Path) -> Result<Ini, String> {
    let name = path.display();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("cfg" | "ini") => {}
        Some("yml" | "yaml") => return Err("YAML configuration type has not been implemented yet".into()),
        other => {
            let extension = other.map(|text| format!(".{text}")).unwrap_or_default();
            return Err(format!("Unsupported configuration file extension for {name}: {extension}"));
        }
    }
    let bytes = std::fs::read(path).map_err(|error| format!("Error reading config file ({name}): {error}"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("Error reading config file({name}) because the config file was not utf8 encoded"))?;
    Ini::parse(&text).map_err(|error| format!("Error reading config file ({name}): {error}"))
}
