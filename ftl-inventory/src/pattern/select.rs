//! The hosts a pattern means.

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_template::python_regex::{Flags, Regex};
use rustc_hash::FxHashSet;

use super::glob::Glob;
use super::limit::Limit;
use super::split::{Subscript, ordered, split_host_pattern, split_subscript};
use crate::inventory::{GroupId, Inventory, LOCALHOST};
use crate::settings::{InventorySettings, OnMismatch};

/// Evaluates patterns over one version of an inventory.
pub struct Selection<'a> {
    inventory: &'a Inventory,
    settings: &'a InventorySettings,
    pub warnings: Vec<Diagnostic>,
}

impl<'a> Selection<'a> {
    pub fn new(inventory: &'a Inventory, settings: &'a InventorySettings) -> Selection<'a> {
        Selection { inventory, settings, warnings: vec![] }
    }

    /// The hosts of a play's `hosts:` (one pattern or several), in order, within the limit.
    pub fn hosts<S: AsRef<str>>(&mut self, patterns: &[S], limit: Option<&Limit>) -> Result<Vec<HostId>, Diagnostic> {
        if patterns.is_empty() {
            return Ok(vec![]);
        }
        let patterns: Vec<String> = patterns.iter().flat_map(|pattern| split_host_pattern(pattern.as_ref())).collect();
        let mut hosts = self.evaluate(&patterns)?;
        if let Some(limit) = limit.filter(|limit| !limit.patterns.is_empty()) {
            let allowed: FxHashSet<HostId> = self.evaluate(&limit.patterns)?.into_iter().collect();
            hosts.retain(|host| allowed.contains(host));
        }
        Ok(hosts)
    }

    fn evaluate(&mut self, patterns: &[String]) -> Result<Vec<HostId>, Diagnostic> {
        let mut hosts: Vec<HostId> = vec![];
        let mut chosen = FxHashSet::default();
        for pattern in ordered(patterns) {
            if let Some(host) = self.inventory.find_explicit(pattern) {
                if chosen.insert(host) {
                    hosts.push(host);
                }
                continue;
            }
            match (pattern.strip_prefix('!'), pattern.strip_prefix('&')) {
                (Some(excluded), _) => {
                    let excluded: FxHashSet<HostId> = self.match_one(excluded)?.into_iter().collect();
                    hosts.retain(|host| !excluded.contains(host));
                }
                (_, Some(wanted)) => {
                    let wanted: FxHashSet<HostId> = self.match_one(wanted)?.into_iter().collect();
                    hosts.retain(|host| wanted.contains(host));
                }
                _ => hosts.extend(self.match_one(pattern)?.into_iter().filter(|host| chosen.insert(*host))),
            }
        }
        Ok(hosts)
    }

    fn match_one(&mut self, pattern: &str) -> Result<Vec<HostId>, Diagnostic> {
        if pattern.is_empty() {
            return Err(Diagnostic::error("Invalid host list pattern: a modifier without a pattern"));
        }
        let (expression, subscript) = split_subscript(pattern);
        if let Some((_, true)) = subscript {
            self.warnings
                .push(Diagnostic::warning("Use [x:y] inclusive subscripts instead of [x-y] which has been removed"));
        }
        let hosts = self.enumerate(expression)?;
        match subscript {
            Some((subscript, _)) if !hosts.is_empty() => apply_subscript(&hosts, subscript)
                .ok_or_else(|| Diagnostic::error(format!("No hosts matched the subscripted pattern '{pattern}'"))),
            _ => Ok(hosts),
        }
    }

    /// All hosts of the matching groups, then the matching hosts.
    fn enumerate(&mut self, expression: &str) -> Result<Vec<HostId>, Diagnostic> {
        let matcher = Matcher::new(expression)?;
        let groups = self.matching_groups(&matcher)?;
        let mut hosts: Vec<HostId> = vec![];
        for group in &groups {
            hosts.extend(self.inventory.hosts_of(*group).iter());
        }
        if groups.is_empty() || expression.starts_with('~') || expression.contains(['.', '?', '*', '[']) {
            self.add_matching_hosts(&matcher, &mut hosts)?;
        }
        if hosts.is_empty() && LOCALHOST.contains(&expression) {
            hosts.extend(self.inventory.find_host(expression));
        }
        if hosts.is_empty() && groups.is_empty() && expression != "all" {
            self.mismatch(expression)?;
        }
        Ok(hosts)
    }

    fn matching_groups(&self, matcher: &Matcher<'_>) -> Result<Vec<GroupId>, Diagnostic> {
        if let Matcher::Name(name) = matcher {
            return Ok(self.inventory.find_group(name).into_iter().collect());
        }
        let mut found = vec![];
        for id in self.inventory.groups() {
            if matcher.matches(&self.inventory.group(id).name)? {
                found.push(id);
            }
        }
        Ok(found)
    }

    fn add_matching_hosts(&self, matcher: &Matcher<'_>, hosts: &mut Vec<HostId>) -> Result<(), Diagnostic> {
        if let Matcher::Name(name) = matcher {
            hosts.extend(self.inventory.find_explicit(name));
            return Ok(());
        }
        for id in self.inventory.hosts() {
            if matcher.matches(self.inventory.host_name(id))? {
                hosts.push(id);
            }
        }
        Ok(())
    }

    fn mismatch(&mut self, expression: &str) -> Result<(), Diagnostic> {
        let message = format!("Could not match supplied host pattern, ignoring: {expression}");
        match self.settings.pattern_mismatch {
            OnMismatch::Ignore => {}
            OnMismatch::Error => return Err(Diagnostic::error(message)),
            OnMismatch::Warning if self.warnings.iter().any(|known| known.message == message) => {}
            OnMismatch::Warning => self.warnings.push(Diagnostic::warning(message)),
        }
        Ok(())
    }
}

enum Matcher<'a> {
    /// Only this name: no need to look at all others.
    Name(&'a str),
    Glob(Glob),
    Regex {
        regex: std::sync::Arc<Regex>,
        pattern: &'a str,
    },
}

impl<'a> Matcher<'a> {
    fn new(expression: &'a str) -> Result<Matcher<'a>, Diagnostic> {
        if let Some(pattern) = expression.strip_prefix('~') {
            let regex = Regex::new(pattern, Flags::default()).map_err(|_| invalid(expression))?;
            return Ok(Matcher::Regex { regex, pattern: expression });
        }
        match expression.contains(['*', '?', '[']) {
            true => Ok(Matcher::Glob(Glob::new(expression))),
            false => Ok(Matcher::Name(expression)),
        }
    }

    fn matches(&self, name: &str) -> Result<bool, Diagnostic> {
        match self {
            Matcher::Name(own) => Ok(*own == name),
            Matcher::Glob(glob) => Ok(glob.matches(name)),
            Matcher::Regex { regex, pattern } => {
                regex.match_start(name).map(|found| found.is_some()).map_err(|_| invalid(pattern))
            }
        }
    }
}

fn invalid(pattern: &str) -> Diagnostic {
    Diagnostic::error(format!("Invalid host list pattern: {pattern}"))
}

/// Python's indexing; `None` when there is no such host.
fn apply_subscript(hosts: &[HostId], subscript: Subscript) -> Option<Vec<HostId>> {
    let one = |index: i64| {
        let index = if index < 0 { index + hosts.len() as i64 } else { index };
        hosts.get(usize::try_from(index).ok()?).map(|host| vec![*host])
    };
    match subscript {
        Subscript::One(index) => one(index),
        // `[1:0]` is taken for `[1]`.
        Subscript::Slice(start, Some(0)) => one(start as i64),
        Subscript::Slice(start, end) => {
            let end = end.map_or(hosts.len(), |end| hosts.len().min(end.saturating_add(1)));
            Some(hosts.get(start..end).unwrap_or_default().to_vec())
        }
    }
}
