//! Where ansible-core is installed: found by looking at files, so that it costs no interpreter start.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::package::{private_directory, write_atomically};
use crate::settings::Settings;

/// An installed ansible-core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsibleCore {
    /// The directory that holds `ansible/`.
    pub site_packages: PathBuf,
    pub version: String,
}

impl AnsibleCore {
    /// The first installation of: the setting, the one whose programs are in `PATH`, the usual places of Python.
    pub fn find(settings: &Settings) -> Option<AnsibleCore> {
        if let Some(path) = &settings.ansible_core {
            return AnsibleCore::at(path);
        }
        let by_program = settings.search_path.iter().flat_map(|directory| program_places(directory));
        let by_python = settings.search_path.iter().filter_map(|directory| directory.parent()).flat_map(library_places);
        let by_home = settings.home.iter().flat_map(|home| {
            let mut places = library_places(&home.join(".local"));
            for venv in ["ansible-core", "ansible"] {
                places.extend(library_places(&home.join(".local/share/pipx/venvs").join(venv)));
            }
            places
        });
        let by_system = ["/usr", "/usr/local"].into_iter().flat_map(|prefix| library_places(Path::new(prefix)));
        let by_pyenv = settings.home.iter().flat_map(|home| {
            let versions = std::fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
            versions.flat_map(|version| library_places(&version.path()))
        });
        let places = by_program.chain(by_python).chain(by_home).chain(by_system).chain(by_pyenv);
        places.into_iter().find_map(|place| AnsibleCore::at(&place)).or_else(|| AnsibleCore::ask(settings))
    }

    /// The last resort, for unusual installations: Python itself says where it finds ansible. The answer is kept.
    fn ask(settings: &Settings) -> Option<AnsibleCore> {
        let python =
            settings.search_path.iter().map(|directory| directory.join("python3")).find(|path| path.is_file())?;
        let changed = std::fs::metadata(&python).and_then(|m| m.modified()).ok()?.duration_since(UNIX_EPOCH).ok()?;
        let key = format!("{} {}", python.display(), changed.as_nanos());
        let kept = settings.cache_dir.join("ansible-core");
        let text = std::fs::read_to_string(&kept).unwrap_or_default();
        let place = match text.split_once('\n').filter(|(known, _)| *known == key) {
            Some((_, place)) => place.to_owned(),
            None => {
                let script = "import importlib.util as u\ns = u.find_spec('ansible')\nprint(list(s.submodule_search_locations)[0] if s else '')";
                let output = std::process::Command::new(&python).args(["-c", script]).output().ok()?;
                let place = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                // Not being able to keep it only means to ask again.
                let _ = private_directory(&settings.cache_dir)
                    .and_then(|()| write_atomically(&kept, format!("{key}\n{place}").as_bytes()));
                place
            }
        };
        AnsibleCore::at(Path::new(&place).parent()?)
    }

    /// The installation at a site-packages directory, if there is one.
    pub fn at(site_packages: &Path) -> Option<AnsibleCore> {
        let release = std::fs::read_to_string(site_packages.join("ansible/release.py")).ok()?;
        let version = read_version(&release)?;
        site_packages
            .join("ansible/module_utils/basic.py")
            .exists()
            .then(|| AnsibleCore { site_packages: site_packages.to_path_buf(), version })
    }

    pub fn modules(&self) -> PathBuf {
        self.site_packages.join("ansible/modules")
    }

    pub fn module_utils(&self) -> PathBuf {
        self.site_packages.join("ansible/module_utils")
    }

    pub fn runtime_metadata(&self) -> PathBuf {
        self.site_packages.join("ansible/config/ansible_builtin_runtime.yml")
    }
}

fn read_version(release: &str) -> Option<String> {
    let line = release.lines().find(|line| line.starts_with("__version__"))?;
    let text = line.split_once('=')?.1.trim().trim_matches(['\'', '"']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The environment an `ansible` program in this directory belongs to: its first line names its Python.
fn program_places(directory: &Path) -> Vec<PathBuf> {
    let Ok(text) = std::fs::read(directory.join("ansible-playbook")) else { return Vec::new() };
    let line = String::from_utf8_lossy(text.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    let Some(python) = line.strip_prefix("#!").and_then(|rest| rest.split_whitespace().next()) else {
        return Vec::new();
    };
    let prefix = Path::new(python).parent().and_then(Path::parent);
    prefix.map(library_places).unwrap_or_default()
}

/// `lib/python3*/site-packages` and Debian's `dist-packages` below a prefix, newest Python first.
fn library_places(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for library in ["lib", "lib64"] {
        let Ok(entries) = std::fs::read_dir(prefix.join(library)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(minor) = name.to_str().and_then(|n| n.strip_prefix("python3")) else { continue };
            let minor = minor.trim_start_matches('.').parse::<u32>().unwrap_or(0);
            found.push((minor, entry.path()));
        }
    }
    found.sort();
    let packages = |path: PathBuf| [path.join("site-packages"), path.join("dist-packages")];
    found.into_iter().rev().flat_map(|(_, path)| packages(path)).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_without_python() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(read_version(text).as_deref(), expected, "{text}");
        check("from __future__ import annotations\n\n__version__ = '2.19.14'\n__author__ = 'x'", Some("2.19.14"));
        check("__version__ = \"2.20.0b1\"", Some("2.20.0b1"));
        check("__author__ = 'x'", None);
    }
}
