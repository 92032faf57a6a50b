//! `--limit`, and the check before a run that there is a host at all.

use std::path::Path;

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;

use super::select::Selection;
use super::split::split_host_pattern;
use crate::inventory::{GroupId, Inventory, LOCALHOST};
use crate::settings::InventorySettings;

/// The patterns of `--limit`, files already read.
#[derive(Clone, Debug, Default)]
pub struct Limit {
    pub patterns: Vec<String>,
}

impl Limit {
    /// `@file` members are replaced by the lines of the file (relative to `base_dir`).
    pub fn parse(text: &str, base_dir: &Path) -> Result<Limit, Diagnostic> {
        let mut patterns = vec![];
        for pattern in split_host_pattern(text) {
            match pattern.strip_prefix('@') {
                Some(file) => patterns.extend(read_lines(file, base_dir)?),
                None => patterns.push(pattern),
            }
        }
        Ok(Limit { patterns })
    }
}

fn read_lines(file: &str, base_dir: &Path) -> Result<Vec<String>, Diagnostic> {
    let path = base_dir.join(file);
    // Ansible shows the name as Python shows bytes.
    let shown = ftl_core::value::repr(&ftl_core::Value::Bytes(file.as_bytes().into()));
    if !path.exists() {
        return Err(Diagnostic::error(format!("Unable to find limit file {shown}")));
    }
    if !path.is_file() {
        return Err(Diagnostic::error(format!("Limit starting with \"@\" must be a file, not a directory: {shown}")));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Diagnostic::error(format!("Unable to read limit file {shown}: {error}")))?;
    Ok(text.split('\n').map(|line| line.trim().to_string()).collect())
}

/// What the commands do before they start: warn of an empty inventory, stop when pattern and limit leave no host.
pub fn check_targets(
    inventory: &Inventory,
    pattern: &str,
    limit: Option<&Limit>,
    settings: &InventorySettings,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Vec<HostId>, Diagnostic> {
    let no_hosts = inventory.hosts_of(GroupId::ALL).is_empty();
    if no_hosts && settings.localhost_warning && !LOCALHOST.contains(&pattern) {
        warnings.push(Diagnostic::warning(
            "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not \
             match 'all'",
        ));
    }
    let mut selection = Selection::new(inventory, settings);
    let hosts = selection.hosts(&[pattern], limit);
    warnings.append(&mut selection.warnings);
    let mut hosts = hosts?;
    if hosts.is_empty() && LOCALHOST.contains(&pattern) {
        hosts.extend(inventory.find_host(pattern));
    }
    if hosts.is_empty() && !no_hosts {
        return Err(Diagnostic::error(
            "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
        ));
    }
    Ok(hosts)
}
