//! Finds the imports of a Python file by reading its lines: strings, comments and brackets are respected, nothing else.

/// One import that may name module_utils.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The dotted name; the last part of a `from` import may be an attribute.
    pub name: Vec<String>,
    /// `from a import b`: is `b` a module or something in one?
    pub ambiguous: bool,
    /// Not at the top level of the file (or in `try`, `if`): it may be missing.
    pub optional: bool,
}

/// The imports of `source`, which is the module `fqn` (`package`: its `__init__`), that lie below `ansible.module_utils` or
/// in a collection.
pub fn scan(source: &str, fqn: &str, package: bool) -> Vec<Import> {
    let mut found = Vec::new();
    for statement in statements(source) {
        let text = statement.text.trim();
        if let Some(names) = text.strip_prefix("import ") {
            for name in names.split(',') {
                let name = name.split_whitespace().next().unwrap_or_default();
                push(&mut found, name, None, statement.indented);
            }
        } else if let Some(rest) = text.strip_prefix("from")
            && rest.starts_with([' ', '.'])
            && let Some((module, names)) = split_import(rest)
            && let Some(module) = absolute(module.trim(), fqn, package)
        {
            let names = names.trim().trim_start_matches('(').trim_end_matches(')');
            for name in names.split(',').filter_map(|name| name.split_whitespace().next()) {
                push(&mut found, &module, Some(name), statement.indented);
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `MODULE import NAMES`, also when no blank stands between a dot and `import`.
fn split_import(rest: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(at) = rest[from..].find("import").map(|at| at + from) {
        let before = rest[..at].chars().next_back();
        let after = rest[at + 6..].chars().next();
        let separate = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '.' | '(' | '*'));
        if separate(before) && separate(after) {
            return Some((&rest[..at], &rest[at + 6..]));
        }
        from = at + 6;
    }
    None
}

fn push(found: &mut Vec<Import>, module: &str, name: Option<&str>, optional: bool) {
    let core = module == "ansible.module_utils" || module.starts_with("ansible.module_utils.");
    let collection = module.starts_with("ansible_collections.")
        && (name.is_none() || module.ends_with(".plugins.module_utils") || module.contains(".plugins.module_utils."));
    if !core && !collection || (name.is_none() && module == "ansible.module_utils") {
        return;
    }
    let mut parts: Vec<String> = module.split('.').map(str::to_owned).collect();
    parts.extend(name.map(str::to_owned));
    found.push(Import { name: parts, ambiguous: true, optional });
}

/// Resolves leading dots against the place of the file.
fn absolute(module: &str, fqn: &str, package: bool) -> Option<String> {
    let dots = module.len() - module.trim_start_matches('.').len();
    let rest = module[dots..].trim();
    if dots == 0 {
        return (!rest.is_empty()).then(|| rest.to_owned());
    }
    let parts: Vec<&str> = fqn.split('.').collect();
    let up = if package { dots - 1 } else { dots };
    let base = parts.get(..parts.len().checked_sub(up)?)?.join(".");
    match (base.is_empty(), rest.is_empty()) {
        (true, _) => None,
        (false, true) => Some(base),
        (false, false) => Some(format!("{base}.{rest}")),
    }
}

struct Statement {
    text: String,
    indented: bool,
}

/// Logical lines that begin with `import` or `from`: continued lines and brackets joined, comments dropped, strings emptied.
fn statements(source: &str) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut brackets = 0usize;
    let mut chars = source.chars().peekable();
    let mut finish = |text: &mut String| {
        // `if x: import y` hides an import behind a colon, `a; import b` behind a semicolon.
        for (index, part) in text.split(';').enumerate() {
            let (indented, line) = match part.split_once(": ") {
                Some((_, tail)) if is_import(tail.trim_start()) => (true, tail),
                _ => (index == 0 && part.starts_with([' ', '\t']), part),
            };
            if is_import(line.trim_start()) {
                out.push(Statement { text: line.to_owned(), indented });
            }
        }
        text.clear();
    };
    while let Some(c) = chars.next() {
        match c {
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' => {
                let mut same = 1;
                while same < 3 && chars.next_if_eq(&c).is_some() {
                    same += 1;
                }
                match same {
                    2 => {}
                    3 => skip_string(&mut chars, c, 3),
                    _ => skip_string(&mut chars, c, 1),
                }
                text.push_str("''");
            }
            '\\' if chars.next_if_eq(&'\n').is_some() => text.push(' '),
            '\n' | '\r' if brackets > 0 => text.push(' '),
            '\n' | '\r' => finish(&mut text),
            _ => {
                match c {
                    '(' | '[' | '{' => brackets += 1,
                    ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                text.push(c);
            }
        }
    }
    finish(&mut text);
    out
}

fn is_import(text: &str) -> bool {
    text.starts_with("import ") || text.starts_with("from ") || text.starts_with("from.")
}

/// Skips to the end of a string whose `quotes` quote characters were read.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char, quotes: usize) {
    let mut run = 0;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
                run = 0;
            }
            c if c == quote => {
                run += 1;
                if run == quotes {
                    return;
                }
            }
            // An unfinished string ends with its line.
            '\n' if quotes == 1 => return,
            _ => run = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str, fqn: &str, package: bool) -> Vec<String> {
        let show = |import: &Import| format!("{}{}", import.name.join("."), if import.optional { "?" } else { "" });
        scan(source, fqn, package).iter().map(show).collect()
    }

    #[test]
    fn absolute_imports() {
        let check = |source: &str, expected: &[&str]| {
            assert_eq!(names(source, "ansible.legacy.m", false), expected, "{source}")
        };
        check(
            "from ansible.module_utils.basic import AnsibleModule, env_fallback as e",
            &["ansible.module_utils.basic.AnsibleModule", "ansible.module_utils.basic.env_fallback"],
        );
        check(
            "from ansible.module_utils import a\nimport os, ansible.module_utils.b.c as d",
            &["ansible.module_utils.a", "ansible.module_utils.b.c"],
        );
        check(
            "from ansible.module_utils.x import (\n    a,  # comment, import\n    b,\n)\n",
            &["ansible.module_utils.x.a", "ansible.module_utils.x.b"],
        );
        check("from ansible.module_utils.x \\\n  import a", &["ansible.module_utils.x.a"]);
        check(
            "try:\n    from ansible.module_utils.x import a\nexcept ImportError:\n    pass",
            &["ansible.module_utils.x.a?"],
        );
        check("if x: import ansible.module_utils.q", &["ansible.module_utils.q?"]);
        check("x = 1; import ansible.module_utils.q", &["ansible.module_utils.q"]);
        check("from ansible.module_utils.basic import *", &["ansible.module_utils.basic.*"]);
        check(
            "from ansible_collections.a.b.plugins.module_utils.c import d",
            &["ansible_collections.a.b.plugins.module_utils.c.d"],
        );
    }

    #[test]
    fn what_is_no_import_of_ours_is_left_out() {
        let check = |source: &str| assert_eq!(names(source, "ansible.legacy.m", false), [""; 0], "{source}");
        check("'''\nfrom ansible.module_utils.x import a\n'''\n");
        check("x = \"\"\"doc \\\"\"\" more\nimport ansible.module_utils.x\n\"\"\"\n");
        check("# from ansible.module_utils.x import a\n");
        check("from ansible_collections.a.b.plugins.lookup.c import d\nimport os\nfrom ansible.errors import x\n");
        check("f('''a''', 'import ansible.module_utils.x')\nimport ansible.module_utils_other");
    }

    #[test]
    fn relative_imports() {
        let check = |source: &str, fqn: &str, package: bool, expected: &[&str]| {
            assert_eq!(names(source, fqn, package), expected, "{source}");
        };
        let module = "ansible_collections.a.b.plugins.modules.m";
        check("from ..module_utils.c import d", module, false, &["ansible_collections.a.b.plugins.module_utils.c.d"]);
        check("from ..module_utils import c", module, false, &["ansible_collections.a.b.plugins.module_utils.c"]);
        check("from .x import c", module, false, &[]);
        let utils = "ansible_collections.a.b.plugins.module_utils.p";
        check("from .q import r", utils, true, &["ansible_collections.a.b.plugins.module_utils.p.q.r"]);
        check("from .q import r", utils, false, &["ansible_collections.a.b.plugins.module_utils.q.r"]);
        check("from . import r", utils, true, &["ansible_collections.a.b.plugins.module_utils.p.r"]);
        check("from .import r", utils, false, &["ansible_collections.a.b.plugins.module_utils.r"]);
        check("from ......... import r", utils, false, &[]);
    }
}
