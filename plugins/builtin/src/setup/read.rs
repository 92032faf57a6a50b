//! Small files of `/proc`, `/sys` and `/etc`, and the output of small programs.

use std::path::Path;

use ftl_sdk::{Host, Value, text_of};

use crate::process::{self, Program};

/// The content without blanks around it; `None` when there is nothing to read.
pub(crate) fn content(path: impl AsRef<Path>) -> Option<String> {
    let text = text_of(std::fs::read(path).ok()?);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The content as a fact.
pub(crate) fn value(path: impl AsRef<Path>) -> Value {
    content(path).map_or(Value::Null, Value::from)
}

pub(crate) fn lines(path: impl AsRef<Path>) -> Vec<String> {
    content(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}

/// The names in a directory, as the system lists them.
pub(crate) fn names(path: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// What a program printed; `None` when there is none or it failed.
pub(crate) fn output(words: &[&str], host: &Host) -> Option<String> {
    let (rc, out) = outcome(words, host)?;
    (rc == 0).then_some(out)
}

/// How a program ended and what it printed; `None` when there is none.
pub(crate) fn outcome(words: &[&str], host: &Host) -> Option<(i32, String)> {
    let program = process::exists(words.first()?, host)?;
    let mut line = vec![host.shown(&program)];
    line.extend(words[1..].iter().map(|word| (*word).to_owned()));
    let finished =
        process::run(Program { words: &line, directory: host.cwd(), input: None, locale: Some("C.UTF-8") }, host)
            .ok()?;
    Some((finished.rc, text_of(finished.stdout)))
}

/// Is there a program of that name where programs usually are?
pub(crate) fn is_installed(name: &str) -> bool {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/puppetlabs/bin"]
        .iter()
        .any(|directory| Path::new(directory).join(name).exists())
}
