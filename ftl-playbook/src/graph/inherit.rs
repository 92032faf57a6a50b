//! How keywords come down from plays, roles and blocks to tasks.

use std::sync::Arc;

use ftl_core::value::{Map, Value};

use super::Keywords;

/// Applies a macro to every keyword of which the innermost wins.
macro_rules! nearest_keywords {
    ($do:ident) => {
        $do!(
            connection,
            port,
            remote_user,
            r#become,
            become_method,
            become_user,
            become_exe,
            become_flags,
            no_log,
            run_once,
            ignore_errors,
            ignore_unreachable,
            check_mode,
            diff,
            any_errors_fatal,
            throttle,
            timeout,
            delegate_to,
            delegate_facts,
            debugger,
            notify
        )
    };
}

impl Keywords {
    /// The field of a keyword of which the innermost wins.
    pub(crate) fn nearest_mut(&mut self, name: &str) -> Option<&mut Option<Value>> {
        macro_rules! find {
            ($($field:ident),*) => {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    // `stringify!` keeps the mark of a raw identifier.
                    "become" => Some(&mut self.r#become),
                    _ => None,
                }
            };
        }
        nearest_keywords!(find)
    }

    /// These keywords with the outer ones in the place of those that are omitted.
    pub fn without_omitted(self: &Arc<Keywords>, is_omitted: &dyn Fn(&Value) -> bool) -> Arc<Keywords> {
        let Some(outer) = &self.outer else { return self.clone() };
        let outer = outer.without_omitted(is_omitted);
        let mut out = Keywords { outer: None, ..Keywords::clone(self) };
        macro_rules! replace {
            ($($field:ident),*) => {
                $(if out.$field.as_ref().is_some_and(|value| value.has_template() && is_omitted(value)) {
                    out.$field = outer.$field.clone();
                })*
            };
        }
        nearest_keywords!(replace);
        Arc::new(out)
    }

    fn is_silent(&self) -> bool {
        macro_rules! none {
            ($($field:ident),*) => { true $(&& self.$field.is_none())* };
        }
        nearest_keywords!(none)
            && self.environment.is_empty()
            && self.module_defaults.is_empty()
            && self.when.is_empty()
            && self.tags.is_empty()
            && self.vars.is_empty()
            && self.include_params.is_empty()
            && self.collections.is_empty()
    }
}

/// The keywords of something written inside `parent`: its own ones over the inherited ones.
pub(crate) fn inherit(parent: &Arc<Keywords>, own: Keywords) -> Arc<Keywords> {
    if own.is_silent() {
        return parent.clone();
    }
    let mut out = Keywords::clone(parent);
    add_lists(&mut out, &own);
    macro_rules! take {
        ($($field:ident),*) => {
            $(if let Some(value) = own.$field {
                if out.$field.is_some() && value.has_template() {
                    out.outer = Some(parent.clone());
                }
                out.$field = Some(value);
            })*
        };
    }
    nearest_keywords!(take);
    if !own.collections.is_empty() {
        out.collections = own.collections;
    }
    Arc::new(out)
}

/// As [`inherit`], but what `parent` already says wins: so it is with the keywords of a role that a task imports, for the
/// task is nearer to what it brings in than the role is.
pub(crate) fn inherit_below(parent: &Arc<Keywords>, own: Keywords) -> Arc<Keywords> {
    if own.is_silent() {
        return parent.clone();
    }
    let mut out = Keywords::clone(parent);
    add_lists(&mut out, &own);
    macro_rules! fill {
        ($($field:ident),*) => { $(if out.$field.is_none() { out.$field = own.$field; })* };
    }
    nearest_keywords!(fill);
    if !own.collections.is_empty() {
        out.collections = own.collections;
    }
    Arc::new(out)
}

fn add_lists(out: &mut Keywords, own: &Keywords) {
    extend(&mut out.environment, &own.environment);
    extend(&mut out.module_defaults, &own.module_defaults);
    extend(&mut out.when, &own.when);
    extend(&mut out.tags, &own.tags);
    out.vars.extend(own.vars.iter().cloned());
    out.include_params.extend(own.include_params.iter().cloned());
}

/// Appends; `none` and what is said twice in a row count once.
fn extend(list: &mut Vec<Value>, more: &[Value]) {
    for value in more {
        if !value.is_none() && list.last() != Some(value) {
            list.push(value.clone());
        }
    }
}

/// Variables of something, as a layer; nothing for no variables.
pub(crate) fn layer(vars: &Arc<Map>) -> Vec<Arc<Map>> {
    if vars.is_empty() { Vec::new() } else { vec![vars.clone()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[Value]) -> Vec<&str> {
        list.iter().filter_map(Value::as_str).collect()
    }

    #[test]
    fn lists_add_up_and_scalars_do_not() {
        let play = Arc::new(Keywords {
            r#become: Some(Value::Bool(true)),
            tags: vec!["a".into()],
            when: vec!["one".into()],
            ..Keywords::default()
        });
        let block = inherit(
            &play,
            Keywords {
                r#become: Some(Value::Bool(false)),
                tags: vec!["a".into(), "b".into()],
                when: vec!["two".into()],
                ..Keywords::default()
            },
        );
        assert_eq!(words(&block.tags), ["a", "b"]);
        assert_eq!(words(&block.when), ["one", "two"]);
        assert_eq!(block.r#become, Some(Value::Bool(false)));
        assert!(Arc::ptr_eq(&block, &inherit(&block, Keywords::default())), "nothing is copied for nothing");
        let below = inherit_below(&play, Keywords { r#become: Some(Value::Bool(false)), ..Keywords::default() });
        assert_eq!(below.r#become, Some(Value::Bool(true)));
    }

    #[test]
    fn omitted_keywords_give_way_to_outer_ones() {
        let template = |text: &str| Some(Value::Str(ftl_core::Str::trusted(text, None)));
        let play =
            Arc::new(Keywords { r#become: Some(Value::Bool(true)), port: Some(Value::Int(1)), ..Keywords::default() });
        let block = inherit(&play, Keywords { r#become: template("{{ omit }}"), ..Keywords::default() });
        let task = inherit(
            &block,
            Keywords { port: template("{{ omit }}"), diff: template("{{ omit }}"), ..Keywords::default() },
        );
        let settled = task.without_omitted(&|value| value.as_str() == Some("{{ omit }}"));
        assert_eq!((&settled.r#become, &settled.port), (&play.r#become, &play.port));
        assert_eq!(settled.diff, None);
        let kept = task.without_omitted(&|_| false);
        assert_eq!((&kept.r#become, &kept.port), (&block.r#become, &task.port));
        let alone = inherit(&play, Keywords { diff: template("{{ x }}"), ..Keywords::default() });
        assert!(alone.outer.is_none(), "nothing is kept for templates that replace nothing");
    }

    #[test]
    fn every_nearest_keyword_has_a_field() {
        let mut keywords = Keywords::default();
        for k in crate::keyword::KEYWORDS.iter().filter(|k| k.inheritance == crate::keyword::Inheritance::Nearest) {
            if k.name != "collections" {
                assert!(keywords.nearest_mut(k.name).is_some(), "{}", k.name);
            }
        }
    }
}
