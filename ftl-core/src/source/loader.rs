//! Reads the operator's files: decrypted, parsed once, with everything there is to say about them.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use super::{Diagnostic, Origin};
use crate::value::Value;
use crate::vault::{VaultSecrets, is_encrypted};
use crate::yaml::{self, DuplicateKeys, LoadOptions, Loaded, Node};

/// Where files are looked up and what opens them. Clones share the files already parsed.
#[derive(Clone)]
pub struct Loader {
    /// What relative paths are relative to; absolute.
    pub base_dir: PathBuf,
    pub secrets: Arc<VaultSecrets>,
    pub duplicate_keys: DuplicateKeys,
    /// `YAML_FILENAME_EXTENSIONS`, with their dots.
    pub extensions: Vec<String>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    nodes: Mutex<HashMap<PathBuf, Parsed<Node>>>,
    values: Mutex<HashMap<PathBuf, Parsed<Value>>>,
    warnings: Mutex<Vec<Diagnostic>>,
}

/// A parsed file, and how the file looked then.
struct Parsed<T> {
    stamp: Stamp,
    root: T,
}

#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp { modified: metadata.modified().ok(), size: metadata.len() }
    }
}

/// The bytes of a file, and whether the file was a vault.
#[derive(Clone, Debug)]
pub struct FileContent {
    pub bytes: Vec<u8>,
    pub was_encrypted: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Loader {
    pub fn new(base_dir: impl Into<PathBuf>, secrets: Arc<VaultSecrets>) -> Loader {
        Loader {
            base_dir: base_dir.into(),
            secrets,
            duplicate_keys: DuplicateKeys::default(),
            extensions: [".yml", ".yaml", ".json"].map(String::from).to_vec(),
            shared: Arc::default(),
        }
    }

    /// The same loader (cache, secrets and warnings included) with another base directory.
    #[must_use]
    pub fn rebased(&self, base_dir: impl Into<PathBuf>) -> Loader {
        Loader { base_dir: base_dir.into(), ..self.clone() }
    }

    /// The path as messages and origins show it: absolute, without `.` and `..`, links kept.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        normalized(&self.base_dir.join(path))
    }

    /// The bytes of a file; those of a vault decrypted, and each line of them a secret from now on.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        let content = self.open(path)?;
        if let Some(text) = std::str::from_utf8(&content.bytes).ok().filter(|_| content.was_encrypted) {
            self.secrets.masks().add(text);
        }
        Ok(content.bytes)
    }

    /// The same for callers that know what of it is secret: nothing is masked yet.
    pub fn open(&self, path: &Path) -> Result<FileContent, Diagnostic> {
        let path = self.resolve(path);
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        if !is_encrypted(&bytes) {
            return Ok(FileContent { bytes, was_encrypted: false });
        }
        let origin = Some(Origin::file(path.to_string_lossy()));
        let bytes = self.secrets.decrypt(&bytes).map_err(|error| error.at(origin))?;
        Ok(FileContent { bytes, was_encrypted: true })
    }

    /// The text of a file that must be UTF-8.
    pub fn read_text(&self, path: &Path) -> Result<String, Diagnostic> {
        String::from_utf8(self.read(path)?).map_err(|_| {
            let path = self.resolve(path);
            Diagnostic::error(format!("File {} could not be decoded as 'utf-8'.", quoted(&path)))
                .at(Some(Origin::file(path.to_string_lossy())))
                .hint("This file must be UTF-8 encoded.")
        })
    }

    /// The document in a YAML or JSON file, with places.
    pub fn load_node(&self, path: &Path) -> Result<Node, Diagnostic> {
        // Tasks in a vault are done for all to see.
        self.load(path, &self.shared.nodes, yaml::load, |_| ())
    }

    /// The document in a YAML or JSON file. Later loads of the same file give the same value.
    pub fn load_value(&self, path: &Path) -> Result<Value, Diagnostic> {
        self.load(path, &self.shared.values, yaml::load_value, |value| self.secrets.masks().add_values(value))
    }

    /// What was noticed while loading since the last call.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut lock(&self.shared.warnings))
    }

    fn load<T: Clone>(
        &self,
        path: &Path,
        cache: &Mutex<HashMap<PathBuf, Parsed<T>>>,
        parse: fn(&str, &LoadOptions) -> Result<Loaded<T>, Diagnostic>,
        hide: impl Fn(&T),
    ) -> Result<T, Diagnostic> {
        let path = self.resolve(path);
        let stamp = Stamp::of(&std::fs::metadata(&path).map_err(|error| unreadable(&path, &error))?);
        if let Some(parsed) = lock(cache).get(&path).filter(|parsed| parsed.stamp == stamp) {
            return Ok(parsed.root.clone());
        }
        let content = self.open(&path)?;
        let name = path.to_string_lossy();
        let text = String::from_utf8(content.bytes).map_err(|error| self.undecodable(&path, error.as_bytes()))?;
        let options = LoadOptions {
            duplicate_keys: self.duplicate_keys,
            text_known: !content.was_encrypted,
            ..LoadOptions::new(&name, &self.secrets)
        };
        let loaded = parse(&text, &options)?;
        if content.was_encrypted {
            hide(&loaded.root);
        }
        lock(&self.shared.warnings).extend(loaded.warnings);
        lock(cache).insert(path, Parsed { stamp, root: loaded.root.clone() });
        Ok(loaded.root)
    }

    /// Ansible warns that it escapes what is no UTF-8, and then fails on the escapes.
    fn undecodable(&self, path: &Path, bytes: &[u8]) -> Diagnostic {
        let warning =
            format!("File {} could not be decoded as 'utf-8'. Invalid content has been escaped.", quoted(path));
        let warning = format!("{warning} This feature will be removed from ansible-core version 2.23.");
        lock(&self.shared.warnings).push(Diagnostic::deprecation(warning).hint("This file must be UTF-8 encoded."));
        let (mut start, mut invalid) = (0, Vec::new());
        for chunk in bytes.utf8_chunks() {
            if !invalid.is_empty() && !chunk.valid().is_empty() {
                break;
            }
            start += chunk.valid().chars().count();
            invalid.extend_from_slice(chunk.invalid());
        }
        let what = match invalid.as_slice() {
            [only] => format!("character '\\udc{only:02x}' in position {start}"),
            all => format!("characters in position {start}-{}", start + all.len().saturating_sub(1)),
        };
        Diagnostic::error(format!("YAML parsing failed: 'utf-8' codec can't encode {what}: surrogates not allowed"))
            .at(Some(Origin::file(path.to_string_lossy())))
    }

    /// The vars files `name` stands for in a directory: `name` itself, or with the first extension that exists, or, for
    /// a directory, every vars file below it, sorted, hidden and backup files left out.
    pub fn find_vars_files(&self, dir: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostic> {
        let base = self.resolve(dir);
        for extension in std::iter::once("").chain(self.extensions.iter().map(String::as_str)) {
            let path = base.join(format!("{name}{extension}"));
            if path.is_dir() {
                let mut found = Vec::new();
                self.vars_files_below(&path, &mut found)?;
                return Ok(found);
            }
            if path.exists() {
                return Ok(vec![path]);
            }
        }
        Ok(Vec::new())
    }

    fn vars_files_below(&self, dir: &Path, found: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .and_then(|entries| entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect())
            .map_err(|error: Error| unreadable(dir, &error))?;
        names.sort();
        for name in names.iter().filter(|name| !name.starts_with('.') && !name.ends_with('~')) {
            let path = dir.join(name);
            let extension = name.rfind('.').map(|dot| &name[dot..]);
            if path.is_dir() {
                // A directory with an extension is no vars directory.
                if extension.is_none() {
                    self.vars_files_below(&path, found)?;
                }
            } else if path.is_file() && extension.is_none_or(|e| self.extensions.iter().any(|known| known == e)) {
                found.push(path);
            }
        }
        Ok(())
    }
}

/// `os.path.normpath`: `.` and `..` are taken out of the text, whatever links there are.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn quoted(path: &Path) -> String {
    crate::value::repr_str(&path.to_string_lossy())
}

/// Ansible's words for a file that cannot be read, with Python's for the reason.
fn unreadable(path: &Path, error: &Error) -> Diagnostic {
    let name = path.to_string_lossy();
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    let number = error.raw_os_error().unwrap_or_default();
    let cause = Diagnostic::error(format!("[Errno {number}] {reason}: {}", quoted(path)));
    let message = match error.kind() {
        ErrorKind::NotFound => not_found_message("Unable to retrieve file contents.\n", &name, &[]),
        _ => format!("An error occurred while trying to read the file {}.", quoted(path)),
    };
    Diagnostic::error(message).caused_by(cause)
}

/// `AnsibleFileNotFound`: what was sought, and where.
pub fn not_found_message(before: &str, name: &str, searched: &[PathBuf]) -> String {
    let mut message = format!("{before}Could not find or access '{name}'");
    if !searched.is_empty() {
        let paths: Vec<String> = searched.iter().map(|p| p.to_string_lossy().into_owned()).collect();
        message.push_str(&format!("\nSearched in:\n\t{}", paths.join("\n\t")));
    }
    message.push_str(
        " on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, \
         see the remote_src option",
    );
    message
}
