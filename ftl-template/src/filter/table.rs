//! The filters, by name.

use super::{choice, collection, combination, comment, encode, math, password, path, random, regex, serialize, set_theory, structure, time, url, vault};
use crate::call::FilterFunction;

/// One line per member: name, function, one line of documentation. Kept sorted by name; a test checks it.
pub(crate) static TABLE: &[(&str, FilterFunction, &str)] = &[
    ("b64decode", encode::b64decode, "text from base64"),
    ("b64encode", encode::b64encode, "text as base64"),
    ("basename", path::basename, "last part of a path"),
    ("bool", choice::bool, "text as a bool"),
    ("checksum", encode::sha1, "SHA-1 digest of a text"),
    ("combinations", combination::combinations, "all selections from a list"),
    ("combine", structure::combine, "dicts merged, later ones first"),
    ("comment", comment::comment, "text as a comment block"),
    ("commonpath", path::commonpath, "longest path that all have in common"),
    ("community.general.dict", collection::dict, "dict from pairs"),
    ("community.general.dict_kv", collection::dict_kv, "dict of one entry"),
    ("community.general.json_query", collection::json_query, "result of a JMESPath expression"),
    ("dict2items", structure::dict2items, "list of key and value dicts"),
    ("difference", set_theory::difference, "items only the first list has"),
    ("dirname", path::dirname, "path without its last part"),
    ("expanduser", path::expanduser, "path with ~ expanded"),
    ("expandvars", path::expandvars, "path with environment variables expanded"),
    ("extract", structure::extract, "item of a container, or of one within"),
    ("fileglob", path::fileglob, "files that match a pattern"),
    ("flatten", structure::flatten, "nested lists as one"),
    ("from_json", serialize::from_json, "value from JSON"),
    ("from_yaml", serialize::from_yaml, "value from YAML"),
    ("from_yaml_all", serialize::from_yaml_all, "values of all documents of YAML"),
    ("hash", encode::hash, "digest of a text by the algorithm named"),
    ("human_readable", math::human_readable, "size with a unit"),
    ("human_to_bytes", math::human_to_bytes, "size as a number of bytes"),
    ("intersect", set_theory::intersect, "items both lists have"),
    ("items2dict", structure::items2dict, "dict from a list of key and value dicts"),
    ("json_query", collection::json_query, "result of a JMESPath expression"),
    ("log", math::log, "logarithm"),
    ("mandatory", choice::mandatory, "the value, which must be defined"),
    ("md5", encode::md5, "MD5 digest of a text"),
    ("normpath", path::normpath, "path without superfluous parts"),
    ("password_hash", password::password_hash, "crypt hash of a password"),
    ("path_join", path::path_join, "parts joined to a path"),
    ("permutations", combination::permutations, "all orders of a list"),
    ("pow", math::pow, "power"),
    ("product", combination::product, "tuples of every item with every other"),
    ("quote", encode::quote, "text quoted for the shell"),
    ("random", random::random, "random number or item"),
    ("realpath", path::realpath, "path with links resolved"),
    ("regex_escape", regex::escape, "text with special characters of patterns escaped"),
    ("regex_findall", regex::find_all, "all matches in a text"),
    ("regex_replace", regex::replace, "text with matches replaced"),
    ("regex_search", regex::search, "first match in a text, or its groups"),
    ("rekey_on_member", structure::rekey_on_member, "dict keyed by a member of its values"),
    ("relpath", path::relpath, "path from a start directory"),
    ("root", math::root, "root"),
    ("sha1", encode::sha1, "SHA-1 digest of a text"),
    ("shuffle", random::shuffle, "list in random order"),
    ("split", encode::split, "parts of a text"),
    ("splitext", path::splitext, "path and file extension"),
    ("strftime", time::strftime, "time as the format says"),
    ("subelements", structure::subelements, "pairs of each element and the items of one of its lists"),
    ("symmetric_difference", set_theory::symmetric_difference, "items only one list has"),
    ("ternary", choice::ternary, "one value if true, another if false"),
    ("to_datetime", time::to_datetime, "date and time from a text"),
    ("to_json", serialize::to_json, "value as JSON"),
    ("to_nice_json", serialize::to_nice_json, "value as indented JSON"),
    ("to_nice_yaml", serialize::to_nice_yaml, "value as indented YAML"),
    ("to_uuid", encode::to_uuid, "UUID made of a text"),
    ("to_yaml", serialize::to_yaml, "value as YAML"),
    ("type_debug", encode::type_debug, "name of the Python type"),
    ("union", set_theory::union, "items of both lists"),
    ("unique", set_theory::unique, "list without repetitions"),
    ("unvault", vault::unvault, "text decrypted"),
    ("urldecode", url::urldecode, "text without percent escapes"),
    ("urlsplit", url::urlsplit, "parts of a URL"),
    ("vault", vault::vault, "text encrypted"),
    ("win_basename", path::win_basename, "last part of a Windows path"),
    ("win_dirname", path::win_dirname, "Windows path without its last part"),
    ("win_splitdrive", path::win_splitdrive, "drive and rest of a Windows path"),
    ("zip", combination::zip, "tuples of the items at the same places"),
    ("zip_longest", combination::zip_longest, "tuples of the items at the same places, short lists filled"),
];

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
