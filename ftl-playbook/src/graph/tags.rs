//! Which tasks `--tags` and `--skip-tags` select.

use ftl_core::value::{Value, to_text};

/// Does a task with these (inherited and own, rendered) tags run? Lists among the tags count as their items. `only` empty
/// means `all`.
pub fn selected(tags: &[Value], only: &[String], skip: &[String]) -> bool {
    is_selected(&flat_tags(tags), only, skip)
}

/// The same for tags that are text already.
pub fn is_selected(tags: &[String], only: &[String], skip: &[String]) -> bool {
    let untagged = tags.is_empty();
    let none = ["untagged".to_string()];
    let tags = if untagged { &none[..] } else { tags };
    let has = |name: &str| tags.iter().any(|t| t == name);
    let any_of = |names: &[String]| names.iter().any(|n| has(n));
    let names = |list: &[String], name: &str| list.iter().any(|n| n == name);
    let mut runs = only.is_empty()
        || has("always")
        || (names(only, "all") && !has("never"))
        || any_of(only)
        || (names(only, "tagged") && !untagged && !has("never"));
    if runs && !skip.is_empty() {
        if names(skip, "all") {
            runs = has("always") && !names(skip, "always");
        } else if any_of(skip) || (names(skip, "tagged") && !untagged) {
            runs = false;
        }
    }
    runs
}

/// Rendered tags as text, each once, in order.
pub fn flat_tags(tags: &[Value]) -> Vec<String> {
    let mut flat: Vec<String> = Vec::new();
    for tag in tags {
        let items = tag.as_items().map_or_else(|| vec![tag.clone()], |items| items.to_vec());
        for item in items {
            let text = to_text(&item);
            if !flat.contains(&text) {
                flat.push(text);
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &str, only: &str, skip: &str, expected: bool) {
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let values: Vec<Value> = words(tags).into_iter().map(Value::str).collect();
        assert_eq!(
            selected(&values, &words(only), &words(skip)),
            expected,
            "tags '{tags}' only '{only}' skip '{skip}'"
        );
    }

    #[test]
    fn selection() {
        check("", "all", "", true);
        check("", "a", "", false);
        check("a", "a", "", true);
        check("a b", "b", "", true);
        check("never", "all", "", false);
        check("never a", "a", "", true);
        check("never", "never", "", true);
        check("never", "tagged", "", false);
        check("a", "tagged", "", true);
        check("", "tagged", "", false);
        check("", "untagged", "", true);
        check("a", "untagged", "", false);
        check("always", "a", "", true);
        check("always", "all", "always", false);
        check("always", "all", "all", true);
        check("always", "all", "all always", false);
        check("a", "all", "a", false);
        check("a", "all", "tagged", false);
        check("", "all", "tagged", true);
        check("", "all", "untagged", false);
        check("a", "a", "all", false);
        check("always never", "all", "", true);
        check("a", "", "", true);
        check("a", "", "a", false);
    }

    #[test]
    fn lists_among_tags() {
        let nested = Value::list(vec!["a".into(), "b".into()]);
        assert!(selected(&[nested], &["b".into()], &[]));
    }
}
