//! The filters, by name.

use crate::call::FilterFunction;

/// One line per member: name, function, one line of documentation. Kept sorted by name; a test checks it.
pub(crate) static TABLE: &[(&str, FilterFunction, &str)] = &[];

/// The function of this name. A prefix `ansible.builtin.` or `ansible.legacy.` is understood.
pub fn find(name: &str) -> Option<FilterFunction> {
    let short = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    TABLE.binary_search_by(|entry| entry.0.cmp(short)).ok().map(|at| TABLE[at].1)
}

/// Names and documentation, sorted.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|entry| (entry.0, entry.2))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted_by_name() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
