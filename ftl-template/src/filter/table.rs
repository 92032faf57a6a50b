//! The filters, by name.

use super::protomatter;
use super::{
    choice, collection, combination, comment, encode, ip_calculation, ipaddr, math, password, path, random, regex,
    serialize, set_theory, structure, time, url, vault,
};
use super::{jinja_html, jinja_map, jinja_number, jinja_sequence, jinja_sort, jinja_text};
use crate::call::FilterFunction;
use crate::dispatch::short;

/// One line per member: name, function, one line of documentation. Kept sorted by name; a test checks it.
pub(crate) static TABLE: &[(&str, FilterFunction, &str)] = &[
    ("abs", jinja_number::abs, "absolute value"),
    ("ansible._protomatter.dump_object", protomatter::dump_object, "error of a marker as a dict"),
    ("ansible._protomatter.finalize", protomatter::finalize, "value as it leaves the template"),
    ("ansible._protomatter.origin", protomatter::origin, "where a value was written"),
    ("ansible._protomatter.tag_names", protomatter::tag_names, "what is known about a value"),
    ("attr", jinja_sequence::attr, "attribute of a value"),
    ("b64decode", encode::b64decode, "text from base64"),
    ("b64encode", encode::b64encode, "text as base64"),
    ("basename", path::basename, "last part of a path"),
    ("batch", jinja_sequence::batch, "list in rows of a length"),
    ("bool", choice::bool, "text as a bool"),
    ("capitalize", jinja_text::capitalize, "text with a capital at its beginning"),
    ("center", jinja_text::center, "text in the middle of a field"),
    ("checksum", encode::sha1, "SHA-1 digest of a text"),
    ("combinations", combination::combinations, "all selections from a list"),
    ("combine", structure::combine, "dicts merged, later ones first"),
    ("comment", comment::comment, "text as a comment block"),
    ("commonpath", path::commonpath, "longest path that all have in common"),
    ("count", jinja_sequence::length, "number of items"),
    ("d", jinja_sequence::default, "the value, or another when it is undefined"),
    ("default", jinja_sequence::default, "the value, or another when it is undefined"),
    ("dict2items", structure::dict2items, "list of key and value dicts"),
    ("dictsort", jinja_sort::dictsort, "pairs of a dict in order"),
    ("difference", set_theory::difference, "items only the first list has"),
    ("dirname", path::dirname, "path without its last part"),
    ("e", jinja_html::escape, "text escaped for HTML"),
    ("escape", jinja_html::escape, "text escaped for HTML"),
    ("expanduser", path::expanduser, "path with ~ expanded"),
    ("expandvars", path::expandvars, "path with environment variables expanded"),
    ("extract", structure::extract, "item of a container, or of one within"),
    ("fileglob", path::fileglob, "files that match a pattern"),
    ("filesizeformat", jinja_number::filesizeformat, "size with a unit"),
    ("first", jinja_sequence::first, "first item"),
    ("flatten", structure::flatten, "nested lists as one"),
    ("float", jinja_number::float, "value as a float"),
    ("forceescape", jinja_html::escape, "text escaped for HTML"),
    ("format", jinja_text::format, "printf-like format filled with values"),
    ("from_json", serialize::from_json, "value from JSON"),
    ("from_yaml", serialize::from_yaml, "value from YAML"),
    ("from_yaml_all", serialize::from_yaml_all, "values of all documents of YAML"),
    ("groupby", jinja_sort::groupby, "items grouped by an attribute"),
    ("hash", encode::hash, "digest of a text by the algorithm named"),
    ("human_readable", math::human_readable, "size with a unit"),
    ("human_to_bytes", math::human_to_bytes, "size as a number of bytes"),
    ("indent", jinja_text::indent, "text with its lines indented"),
    ("int", jinja_number::int, "value as an integer"),
    ("intersect", set_theory::intersect, "items both lists have"),
    ("items", jinja_sequence::items, "pairs of a dict"),
    ("items2dict", structure::items2dict, "dict from a list of key and value dicts"),
    ("join", jinja_sequence::join, "items as one text"),
    ("last", jinja_sequence::last, "last item"),
    ("length", jinja_sequence::length, "number of items"),
    ("list", jinja_sequence::list, "items as a list"),
    ("log", math::log, "logarithm"),
    ("lower", jinja_text::lower, "text in lower case"),
    ("mandatory", choice::mandatory, "the value, which must be defined"),
    ("map", jinja_map::map, "a filter or attribute of every item"),
    ("max", jinja_sort::max, "largest item"),
    ("md5", encode::md5, "MD5 digest of a text"),
    ("min", jinja_sort::min, "smallest item"),
    ("normpath", path::normpath, "path without superfluous parts"),
    ("password_hash", password::password_hash, "crypt hash of a password"),
    ("path_join", path::path_join, "parts joined to a path"),
    ("permutations", combination::permutations, "all orders of a list"),
    ("pow", math::pow, "power"),
    ("pprint", jinja_text::pprint, "value printed prettily"),
    ("product", combination::product, "tuples of every item with every other"),
    ("quote", encode::quote, "text quoted for the shell"),
    ("random", random::random, "random number or item"),
    ("realpath", path::realpath, "path with links resolved"),
    ("regex_escape", regex::escape, "text with special characters of patterns escaped"),
    ("regex_findall", regex::find_all, "all matches in a text"),
    ("regex_replace", regex::replace, "text with matches replaced"),
    ("regex_search", regex::search, "first match in a text, or its groups"),
    ("reject", jinja_map::reject, "items that fail a test"),
    ("rejectattr", jinja_map::rejectattr, "items with an attribute that fails a test"),
    ("rekey_on_member", structure::rekey_on_member, "dict keyed by a member of its values"),
    ("relpath", path::relpath, "path from a start directory"),
    ("replace", jinja_text::replace, "text with parts replaced"),
    ("reverse", jinja_text::reverse, "text or list backwards"),
    ("root", math::root, "root"),
    ("round", jinja_number::round, "number rounded"),
    ("safe", jinja_html::safe, "the text as it is"),
    ("select", jinja_map::select, "items that pass a test"),
    ("selectattr", jinja_map::selectattr, "items with an attribute that passes a test"),
    ("sha1", encode::sha1, "SHA-1 digest of a text"),
    ("shuffle", random::shuffle, "list in random order"),
    ("slice", jinja_sequence::slice, "list in a number of columns"),
    ("sort", jinja_sort::sort, "items in order"),
    ("split", encode::split, "parts of a text"),
    ("splitext", path::splitext, "path and file extension"),
    ("strftime", time::strftime, "time as the format says"),
    ("string", jinja_text::string, "value as text"),
    ("striptags", jinja_html::striptags, "text without HTML tags"),
    ("subelements", structure::subelements, "pairs of each element and the items of one of its lists"),
    ("sum", jinja_sequence::sum, "sum of the items"),
    ("symmetric_difference", set_theory::symmetric_difference, "items only one list has"),
    ("ternary", choice::ternary, "one value if true, another if false"),
    ("title", jinja_text::title, "text with capital words"),
    ("to_datetime", time::to_datetime, "date and time from a text"),
    ("to_json", serialize::to_json, "value as JSON"),
    ("to_nice_json", serialize::to_nice_json, "value as indented JSON"),
    ("to_nice_yaml", serialize::to_nice_yaml, "value as indented YAML"),
    ("to_uuid", encode::to_uuid, "UUID made of a text"),
    ("to_yaml", serialize::to_yaml, "value as YAML"),
    ("tojson", jinja_sequence::tojson, "value as JSON that is safe in HTML"),
    ("trim", jinja_text::trim, "text without white space at its ends"),
    ("truncate", jinja_text::truncate, "text cut to a length"),
    ("type_debug", encode::type_debug, "name of the Python type"),
    ("union", set_theory::union, "items of both lists"),
    ("unique", set_theory::unique, "list without repetitions"),
    ("unvault", vault::unvault, "text decrypted"),
    ("upper", jinja_text::upper, "text in upper case"),
    ("urldecode", url::urldecode, "text without percent escapes"),
    ("urlencode", jinja_html::urlencode, "text or dict as part of a URL"),
    ("urlize", jinja_html::urlize, "text with its URLs as links"),
    ("urlsplit", url::urlsplit, "parts of a URL"),
    ("vault", vault::vault, "text encrypted"),
    ("win_basename", path::win_basename, "last part of a Windows path"),
    ("win_dirname", path::win_dirname, "Windows path without its last part"),
    ("win_splitdrive", path::win_splitdrive, "drive and rest of a Windows path"),
    ("wordcount", jinja_text::wordcount, "number of words"),
    ("wordwrap", jinja_text::wordwrap, "text wrapped at a width"),
    ("xmlattr", jinja_html::xmlattr, "dict as XML attributes"),
    ("zip", combination::zip, "tuples of the items at the same places"),
    ("zip_longest", combination::zip_longest, "tuples of the items at the same places, short lists filled"),
];

/// Filters of collections, which count where their collection is installed. Sorted as well.
static OF_COLLECTIONS: &[(&str, FilterFunction, &str)] = &[
    ("ansible.utils.cidr_merge", ip_calculation::cidr_merge, "networks merged where they touch"),
    ("ansible.utils.ip4_hex", ip_calculation::ip4_hex, "address in hexadecimal digits"),
    ("ansible.utils.ipaddr", ipaddr::ipaddr, "address or network if it is one, or what a query asks of it"),
    ("ansible.utils.ipmath", ip_calculation::ipmath, "address some places further on"),
    ("ansible.utils.ipsubnet", ip_calculation::ipsubnet, "subnets of a network"),
    ("ansible.utils.ipv4", ipaddr::ipv4, "as ipaddr, of version 4 only"),
    ("ansible.utils.ipv6", ipaddr::ipv6, "as ipaddr, of version 6 only"),
    ("ansible.utils.ipwrap", ipaddr::ipwrap, "addresses of version 6 in brackets"),
    ("ansible.utils.network_in_network", ip_calculation::network_in_network, "is a network within another"),
    (
        "ansible.utils.network_in_usable",
        ip_calculation::network_in_usable,
        "is a network within the host addresses of another",
    ),
    ("ansible.utils.next_nth_usable", ip_calculation::next_nth_usable, "host address some places further on"),
    ("ansible.utils.nthhost", ip_calculation::nthhost, "address of a network by its number"),
    ("ansible.utils.previous_nth_usable", ip_calculation::previous_nth_usable, "host address some places before"),
    ("ansible.utils.reduce_on_network", ip_calculation::reduce_on_network, "the addresses that are within a network"),
    ("community.general.dict", collection::dict, "dict from pairs"),
    ("community.general.dict_kv", collection::dict_kv, "dict of one entry"),
    ("community.general.json_query", collection::json_query, "result of a JMESPath expression"),
];

/// The function of this name. A prefix `ansible.builtin.` or `ansible.legacy.` is understood.
pub(crate) fn find(name: &str) -> Option<FilterFunction> {
    let short = short(name);
    TABLE.binary_search_by(|entry| entry.0.cmp(short)).ok().map(|at| TABLE[at].1)
}

/// The filter of a collection, by its full name or as ansible-core and `ansible.netcommon` redirect it, and that full name.
pub(crate) fn find_of_collection(name: &str, installed: &[&str]) -> Option<(&'static str, FilterFunction)> {
    let of = |full: &str| OF_COLLECTIONS.binary_search_by(|entry| entry.0.cmp(full)).ok();
    let short = short(name);
    let netcommon = short.strip_prefix("ansible.netcommon.").or((!short.contains('.')).then_some(short));
    let at = match (short, netcommon) {
        ("json_query", _) => of("community.general.json_query"),
        (_, Some(redirected)) if installed.contains(&"ansible.netcommon") => of(&format!("ansible.utils.{redirected}")),
        _ => of(short),
    };
    let (name, function, _) = OF_COLLECTIONS[at?];
    installed.iter().any(|c| name.strip_prefix(c).is_some_and(|rest| rest.starts_with('.'))).then_some((name, function))
}
#[cfg(test)]
mod tests {
    #[test]
    fn sorted_by_name() {
        for table in [super::TABLE, super::OF_COLLECTIONS] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
