//! `known_hosts` files: plain, hashed and wildcard names, authorities and revoked keys; bad lines are skipped.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt as _;
use sha1::Sha1;

use super::parser::pattern_list;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marker {
    Plain,
    Authority,
    Revoked,
}

/// One line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) marker: Marker,
    names: Names,
    pub(crate) key_type: String,
    /// The public key as it goes over the wire.
    pub(crate) key: Vec<u8>,
    pub(crate) file: Arc<PathBuf>,
    pub(crate) line: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Names {
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
    Patterns(Vec<String>),
}

impl Entry {
    /// Is this line about the host, written as `name` or `[name]:port` in lower case?
    pub(crate) fn is_about(&self, name: &str) -> bool {
        match &self.names {
            Names::Patterns(patterns) => pattern_list(patterns.iter().map(String::as_str), name),
            Names::Hashed { salt, hash } => digest(salt, name).is_some_and(|digest| &digest == hash),
        }
    }
}

fn digest(salt: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

/// The entries of a text; lines that make no sense are left out.
pub(crate) fn parse(text: &str, file: &Path) -> Vec<Entry> {
    let file = Arc::new(file.to_path_buf());
    let entry = |(index, line): (usize, &str)| parse_line(line, &file, index + 1);
    text.lines().enumerate().filter_map(entry).collect()
}

fn parse_line(line: &str, file: &Arc<PathBuf>, number: usize) -> Option<Entry> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().filter(|word| !word.starts_with('#'))?;
    let (marker, names) = match first {
        "@cert-authority" => (Marker::Authority, words.next()?),
        "@revoked" => (Marker::Revoked, words.next()?),
        other if other.starts_with('@') => return None,
        names => (Marker::Plain, names),
    };
    let key_type = words.next()?.to_string();
    let key = STANDARD.decode(words.next()?).ok()?;
    // The key repeats its type: a line where the two differ was damaged.
    let length = key.get(..4).map(|bytes| bytes.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)))?;
    if key.get(4..4 + length)? != key_type.as_bytes() {
        return None;
    }
    let names = match names.strip_prefix("|1|") {
        Some(hashed) => {
            let (salt, hash) = hashed.split_once('|')?;
            Names::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? }
        }
        None if names.starts_with('|') => return None,
        None => Names::Patterns(names.split(',').map(|name| name.to_ascii_lowercase()).collect()),
    };
    Some(Entry { marker, names, key_type, key, file: file.clone(), line: number })
}

type Stamp = (Option<SystemTime>, u64);
type Parsed = HashMap<PathBuf, (Stamp, Arc<Vec<Entry>>)>;

/// The files, read again only after they changed.
#[derive(Default)]
pub(crate) struct KnownHosts {
    parsed: Mutex<Parsed>,
    /// One writer at a time: forty hosts may become known at once.
    writing: Mutex<()>,
}

impl KnownHosts {
    pub(crate) fn entries(&self, file: &Path) -> Arc<Vec<Entry>> {
        let Ok(facts) = std::fs::metadata(file) else { return Arc::default() };
        let stamp = (facts.modified().ok(), facts.len());
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, entries)) = parsed.get(file)
            && *known == stamp
            && facts.is_file()
        {
            return entries.clone();
        }
        let bytes = if facts.is_file() { std::fs::read(file).unwrap_or_default() } else { Vec::new() };
        let entries = Arc::new(parse(&String::from_utf8_lossy(&bytes), file));
        parsed.insert(file.to_path_buf(), (stamp, entries.clone()));
        entries
    }

    /// Appends a line, unless the same is there already.
    pub(crate) fn add(&self, file: &Path, name: &str, key_type: &str, key: &[u8], hashed: bool) -> std::io::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |entry: &Entry| entry.marker == Marker::Plain && entry.key == key && entry.is_about(name);
        if self.entries(file).iter().any(known) {
            return Ok(());
        }
        if let Some(directory) = file.parent().filter(|directory| !directory.exists()) {
            std::fs::DirBuilder::new().mode(0o700).create(directory)?;
        }
        let written = if hashed { hashed_name(name) } else { name.to_string() };
        let existing = std::fs::read(file).unwrap_or_default();
        // A last line without its end must not swallow the new one.
        let gap = if existing.last().is_some_and(|byte| *byte != b'\n') { "\n" } else { "" };
        let line = format!("{gap}{written} {key_type} {}\n", STANDARD.encode(key));
        let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        file.write_all(line.as_bytes())
    }
}

fn hashed_name(name: &str) -> String {
    let salt: [u8; 20] = rand::rng().random();
    let hash = digest(&salt, name).unwrap_or_default();
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn about(line: &str, name: &str) -> Option<Marker> {
        let entries = parse(line, Path::new("/f"));
        entries.iter().find(|entry| entry.is_about(name)).map(|entry| entry.marker)
    }

    #[test]
    fn reads_lines() {
        let check = |names: &str, name: &str, expected: Option<Marker>| {
            assert_eq!(about(&format!("{names} {KEY} a comment"), name), expected, "{names} {name}");
        };
        check("a.example,10.0.0.1", "10.0.0.1", Some(Marker::Plain));
        check("a.example,10.0.0.1", "b.example", None);
        check("A.Example", "a.example", Some(Marker::Plain));
        check("*.example,!b.example", "a.example", Some(Marker::Plain));
        check("*.example,!b.example", "b.example", None);
        check("[a]:2222", "[a]:2222", Some(Marker::Plain));
        check("[a]:2222", "a", None);
        check("@cert-authority *", "x", Some(Marker::Authority));
        check("@revoked\t*", "x", Some(Marker::Revoked));
        check("@unknown *", "x", None);
        check("# a", "a", None);
        check("|2|x|y", "a", None);
        check(&hashed_name("[a]:2222"), "[a]:2222", Some(Marker::Plain));
        check(&hashed_name("[a]:2222"), "[a]:2223", None);
        // As written by ssh-keygen -H.
        let line = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
        check(line, "192.168.1.61", Some(Marker::Plain));
    }

    #[test]
    fn skips_bad_lines() {
        let text = format!("junk\na ssh-ed25519 !!!\na ssh-rsa {}\n\n   \na {KEY}\n", &KEY[12..]);
        let entries = parse(&text, Path::new("/f"));
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn adds_once() {
        let file = std::env::temp_dir().join(format!("ftl-known-{}", std::process::id()));
        std::fs::write(&file, "# no end").unwrap();
        let key = parse(&format!("a {KEY}"), &file).remove(0).key;
        let known = KnownHosts::default();
        for hashed in [true, true, false] {
            known.add(&file, "a", "ssh-ed25519", &key, hashed).unwrap();
        }
        known.add(&file, "b", "ssh-ed25519", &key, false).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
        assert_eq!(known.entries(&file).iter().filter(|entry| entry.is_about("a")).count(), 1);
        std::fs::remove_file(&file).unwrap();
    }
}
