//! The tests, by name.

use super::protomatter;
use super::{collection, file, jinja, pattern, result, uri, version};
use crate::call::TestFunction;
use crate::dispatch::short;

/// One line per member: name, function, one line of documentation. Kept sorted by name; a test checks it.
pub(crate) static TABLE: &[(&str, TestFunction, &str)] = &[
    ("!=", jinja::not_equal, "value unlike another"),
    ("<", jinja::less, "value below another"),
    ("<=", jinja::less_equal, "value not above another"),
    ("==", jinja::equal_to, "value equal to another"),
    (">", jinja::greater, "value above another"),
    (">=", jinja::greater_equal, "value not below another"),
    ("abs", file::absolute, "absolute path"),
    ("all", collection::all, "list of true items only"),
    ("ansible._protomatter.tagged_with", protomatter::tagged_with, "value of which this is known"),
    ("any", collection::any, "list with a true item"),
    ("boolean", jinja::boolean, "true or false"),
    ("callable", jinja::callable, "function or macro"),
    ("change", result::changed, "the task changed something"),
    ("changed", result::changed, "the task changed something"),
    ("contains", collection::contains, "list with this item"),
    ("defined", jinja::defined, "value that exists"),
    ("directory", file::directory, "path of a directory"),
    ("divisibleby", jinja::divisible, "number divisible by another"),
    ("eq", jinja::equal_to, "value equal to another"),
    ("equalto", jinja::equal_to, "value equal to another"),
    ("escaped", jinja::escaped, "text marked as HTML"),
    ("even", jinja::even, "even number"),
    ("exists", file::exists, "path of something, links followed"),
    ("failed", result::failed, "the task failed"),
    ("failure", result::failed, "the task failed"),
    ("false", jinja::is_false, "false"),
    ("falsy", collection::falsy, "what Python takes for false"),
    ("file", file::file, "path of a file"),
    ("filter", jinja::filter, "name of a filter"),
    ("finished", result::finished, "the background task has ended"),
    ("float", jinja::float, "float"),
    ("ge", jinja::greater_equal, "value not below another"),
    ("greaterthan", jinja::greater, "value above another"),
    ("gt", jinja::greater, "value above another"),
    ("in", jinja::is_in, "item of a container"),
    ("integer", jinja::integer, "integer"),
    ("is_abs", file::absolute, "absolute path"),
    ("is_dir", file::directory, "path of a directory"),
    ("is_file", file::file, "path of a file"),
    ("is_link", file::link, "path of a symbolic link"),
    ("is_mount", file::mount, "path of a mount point"),
    ("is_same_file", file::same_file, "two paths of one file"),
    ("isnan", collection::nan, "float that is no number"),
    ("issubset", collection::subset, "list whose items are all in another"),
    ("issuperset", collection::superset, "list that has all items of another"),
    ("iterable", jinja::iterable, "value with items"),
    ("le", jinja::less_equal, "value not above another"),
    ("lessthan", jinja::less, "value below another"),
    ("link", file::link, "path of a symbolic link"),
    ("link_exists", file::link_exists, "path of something, links not followed"),
    ("lower", jinja::lower, "text in lower case"),
    ("lt", jinja::less, "value below another"),
    ("mapping", jinja::mapping, "dict"),
    ("match", pattern::matches, "text that begins with a match"),
    ("mount", file::mount, "path of a mount point"),
    ("nan", collection::nan, "float that is no number"),
    ("ne", jinja::not_equal, "value unlike another"),
    ("none", jinja::none, "none"),
    ("number", jinja::number, "number"),
    ("odd", jinja::odd, "odd number"),
    ("reachable", result::reachable, "the host could be reached"),
    ("regex", pattern::regex, "text with a match"),
    ("same_file", file::same_file, "two paths of one file"),
    ("sameas", jinja::same_as, "the very same value"),
    ("search", pattern::search, "text with a match"),
    ("sequence", jinja::sequence, "value with a length and items"),
    ("skip", result::skipped, "the task was skipped"),
    ("skipped", result::skipped, "the task was skipped"),
    ("started", result::started, "the background task has begun"),
    ("string", jinja::string, "text"),
    ("subset", collection::subset, "list whose items are all in another"),
    ("succeeded", result::succeeded, "the task did not fail"),
    ("success", result::succeeded, "the task did not fail"),
    ("successful", result::succeeded, "the task did not fail"),
    ("superset", collection::superset, "list that has all items of another"),
    ("test", jinja::test, "name of a test"),
    ("timedout", result::timedout, "the task timed out"),
    ("true", jinja::is_true, "true"),
    ("truthy", collection::truthy, "what Python takes for true"),
    ("undefined", jinja::undefined, "value that does not exist"),
    ("unreachable", result::unreachable, "the host could not be reached"),
    ("upper", jinja::upper, "text in upper case"),
    ("uri", uri::uri, "text in the form of a URI"),
    ("url", uri::url, "text in the form of a URL"),
    ("urn", uri::urn, "text in the form of a URN"),
    ("vault_encrypted", file::vault_encrypted, "text that came out of a vault"),
    ("vaulted_file", file::vaulted_file, "path of an encrypted file"),
    ("version", version::version, "version number in a relation to another"),
    ("version_compare", version::version, "version number in a relation to another"),
];

/// The function of this name. A prefix `ansible.builtin.` or `ansible.legacy.` is understood.
pub(crate) fn find(name: &str) -> Option<TestFunction> {
    let short = short(name);
    TABLE.binary_search_by(|entry| entry.0.cmp(short)).ok().map(|at| TABLE[at].1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted_by_name() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
