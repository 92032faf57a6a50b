//! The lookups, by name.

use super::{command, file, list, password, sequence, table_file, template, url, variable};
use crate::call::LookupFunction;
use crate::dispatch::short;

/// One line per member: name, function, one line of documentation. Kept sorted by name; a test checks it.
pub(crate) static TABLE: &[(&str, LookupFunction, &str)] = &[
    ("config", variable::config, "settings"),
    ("csvfile", table_file::csvfile, "cell of a CSV file"),
    ("dict", list::dict, "key and value of each entry"),
    ("env", variable::env, "environment variables of the controller"),
    ("file", file::file, "content of files"),
    ("fileglob", file::fileglob, "files that match patterns"),
    ("first_found", file::first_found, "the first file that exists"),
    ("indexed_items", list::indexed_items, "the terms with their numbers"),
    ("ini", table_file::ini, "value in an INI file"),
    ("inventory_hostnames", variable::inventory_hostnames, "hosts that match a pattern"),
    ("items", list::items, "the terms, lists among them opened"),
    ("lines", command::lines, "lines of output of commands"),
    ("list", list::list, "the terms as they are"),
    ("nested", list::nested, "every item with every other"),
    ("password", password::password, "password kept in a file"),
    ("pipe", command::pipe, "output of commands"),
    ("random_choice", list::random_choice, "one of the terms"),
    ("sequence", sequence::sequence, "a sequence of numbers as text"),
    ("subelements", list::subelements, "each element with the items of one of its lists"),
    ("template", template::template, "rendered template files"),
    ("together", list::together, "the items at the same places"),
    ("unvault", file::unvault, "content of files, decrypted"),
    ("url", url::url, "content of URLs"),
    ("varnames", variable::varnames, "names of variables that match patterns"),
    ("vars", variable::vars, "values of variables"),
];

/// The function of this name. A prefix `ansible.builtin.` or `ansible.legacy.` is understood.
pub(crate) fn find(name: &str) -> Option<LookupFunction> {
    let short = short(name);
    TABLE.binary_search_by(|entry| entry.0.cmp(short)).ok().map(|at| TABLE[at].1)
}

/// The lookup of an installed collection, by its full name or the short one that ansible-core redirects.
pub(crate) fn find_of_collection(name: &str, installed: &[&str]) -> Option<LookupFunction> {
    let of_general = matches!(short(name), "flattened" | "community.general.flattened");
    (of_general && installed.contains(&"community.general")).then_some(list::flattened)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted_by_name() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
