//! Packs: zip files of Python code, named by their digest, sent to a host once.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;

use super::core::AnsibleCore;
use super::style::Style;

/// The pack all modules of one ansible-core share: its module_utils and modules.
#[derive(Clone, Debug)]
pub struct CorePack {
    pub digest: Arc<str>,
    pub zip: PathBuf,
    /// The same, unpacked: local gates use it directly.
    pub directory: PathBuf,
}

/// Extra files of one module: itself (when it is not part of ansible-core) and the module_utils the core pack lacks.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub digest: Arc<str>,
    pub bytes: Arc<[u8]>,
    /// Files of the core pack are replaced, so nothing preloaded may be used.
    pub replaces: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("cannot pack the modules: {0}")]
    Io(#[from] std::io::Error),
    #[error("cannot pack the modules: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// Names in a pack and their contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Builds the core pack, or takes it from the cache when the installation did not change.
pub fn build_pack(core: &AnsibleCore, cache_dir: &Path) -> Result<CorePack, PackError> {
    let packs = cache_dir.join("packs");
    let key = packs.join(format!("core-{}", hex(&Sha256::digest(fingerprint(core)), 16)));
    if let Ok(digest) = std::fs::read_to_string(&key) {
        let pack = core_pack(&packs, &digest);
        if pack.zip.exists() && pack.directory.join("ansible").exists() {
            return Ok(pack);
        }
    }
    private_directory(&packs)?;
    let files = core_files(core)?;
    let bytes = zip_files(&files)?;
    let digest = hex(&Sha256::digest(&bytes), 64);
    let pack = core_pack(&packs, &digest);
    write_atomically(&pack.zip, &bytes)?;
    if !pack.directory.join("ansible").exists() {
        unpack(&files, &pack.directory)?;
    }
    write_atomically(&key, digest.as_bytes())?;
    Ok(pack)
}

fn core_pack(packs: &Path, digest: &str) -> CorePack {
    CorePack { digest: digest.into(), zip: packs.join(format!("{digest}.zip")), directory: packs.join(digest) }
}

/// What changes when the installation does: its place, its version, and the times of the directories pip writes to.
fn fingerprint(core: &AnsibleCore) -> String {
    let mut text = format!("1 {} {}", core.site_packages.display(), core.version);
    let files = ["ansible/release.py", "ansible/modules", "ansible/module_utils", "ansible/module_utils/basic.py"];
    for file in files {
        let modified = std::fs::metadata(core.site_packages.join(file)).and_then(|m| m.modified());
        let since = modified.ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        text.push_str(&format!(" {}", since.as_nanos()));
    }
    text
}

/// All of module_utils and all Python modules, with the package files that make overlays possible.
fn core_files(core: &AnsibleCore) -> Result<Files, PackError> {
    let mut files = package_files(&core.version);
    for part in ["ansible/module_utils", "ansible/modules"] {
        let top = core.site_packages.join(part);
        for entry in WalkDir::new(&top).sort_by_file_name() {
            let entry = entry.map_err(std::io::Error::from)?;
            let path = entry.path();
            if !entry.file_type().is_file() || path.extension().is_none_or(|e| e != "py") {
                continue;
            }
            let Ok(relative) = path.strip_prefix(&core.site_packages) else { continue };
            let name = relative.to_string_lossy().into_owned();
            let text = std::fs::read(path)?;
            let wanted =
                part.ends_with("module_utils") || name.ends_with("__init__.py") || Style::of(&text) == Style::Python;
            if wanted {
                files.entry(name).or_insert(text);
            }
        }
    }
    Ok(files)
}

/// The packages above modules and module_utils: open ones, so that several packs can add to them.
pub fn package_files(version: &str) -> Files {
    let open = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n";
    let top = format!("{open}__version__ = '{version}'\n__author__ = 'Ansible, Inc.'\n");
    // A module that starts another interpreter with this pack in PYTHONPATH must not find an installed ansible there.
    let site = "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\n";
    [("ansible/__init__.py", top.as_str()), ("ansible/module_utils/__init__.py", open), ("sitecustomize.py", site)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .collect()
}

/// A pack of these files; the same files always give the same bytes.
pub fn overlay(files: &Files, replaces: bool) -> Result<Overlay, PackError> {
    let bytes = zip_files(files)?;
    Ok(Overlay { digest: hex(&Sha256::digest(&bytes), 64).into(), bytes: bytes.into(), replaces })
}

fn zip_files(files: &Files) -> Result<Vec<u8>, PackError> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed date: clocks before 1980 and rebuilt packs make no difference.
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(0o644);
    for (name, text) in files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(text)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn unpack(files: &Files, directory: &Path) -> Result<(), PackError> {
    let temporary = temporary_name(directory);
    for (name, text) in files {
        let path = temporary.join(name);
        if let Some(parent) = path.parent() {
            private_directory(parent)?;
        }
        std::fs::write(path, text)?;
    }
    if let Err(error) = std::fs::rename(&temporary, directory) {
        let _ = std::fs::remove_dir_all(&temporary);
        // Another run was faster: its files are the same.
        if !directory.join("ansible").exists() {
            return Err(error.into());
        }
    }
    Ok(())
}

pub(crate) fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn temporary_name(path: &Path) -> PathBuf {
    let nanos = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    path.with_extension(format!("new-{}-{nanos}", std::process::id()))
}

pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = temporary_name(path);
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).take(digits).filter_map(|d| char::from_digit(d.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_pack() {
        let files: Files = [("a/b.py".to_owned(), b"x = 1\n".to_vec())].into_iter().collect();
        let (one, two) = (overlay(&files, false).unwrap(), overlay(&files, true).unwrap());
        assert_eq!(one.digest, two.digest);
        assert_eq!(one.digest.len(), 64);
        assert_eq!(one.bytes, two.bytes);
    }
}
