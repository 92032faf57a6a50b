//! `filter`: shell patterns over the names of facts.

use ftl_sdk::Object;

use crate::glob::name_matches;

pub(crate) fn apply(facts: Object, patterns: &[String]) -> Object {
    if patterns.is_empty() {
        return facts;
    }
    facts.into_iter().filter(|(name, _)| patterns.iter().any(|pattern| matches(name, pattern))).collect()
}

fn matches(name: &str, pattern: &str) -> bool {
    if pattern.is_empty() || name_matches(name, pattern) {
        return true;
    }
    let prefixed = ["ansible_", "facter", "ohai"].iter().any(|prefix| pattern.starts_with(prefix));
    !prefixed && name_matches(name, &format!("ansible_{pattern}"))
}
