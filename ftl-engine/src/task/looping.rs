//! `loop:` and `with_*`: the items, and the variables each of them brings.

use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr, to_text, type_name};
use ftl_playbook::graph::Looping;
use ftl_template::Renderer;

use super::TaskFailure;
use super::keywords::{defined, render_bool};

/// `loop_control`, rendered.
pub(super) struct Control {
    pub loop_var: String,
    pub index_var: Option<String>,
    pub label: Option<Value>,
    pub pause: f64,
    pub extended: bool,
    pub allitems: bool,
    pub break_when: Vec<Value>,
}

impl Control {
    pub(super) fn render(looping: &Looping, renderer: &Renderer) -> Result<Control, TaskFailure> {
        let written = match &looping.control {
            Some(Value::Dict(d)) => d.entries(),
            _ => Arc::default(),
        };
        let text = |key: &str| -> Result<Option<String>, TaskFailure> {
            match written.get(key) {
                Some(raw) => {
                    let value = renderer.render(raw).and_then(defined)?;
                    Ok((!value.is_none() && !value.is_omit()).then(|| to_text(&value)))
                }
                None => Ok(None),
            }
        };
        let flag = |key: &str, default: bool| render_bool(renderer, key, &written.get(key).cloned(), default);
        let break_when = match written.get("break_when") {
            None | Some(Value::None) => vec![],
            Some(Value::List(l)) => (*l.items()).clone(),
            Some(other) => vec![other.clone()],
        };
        Ok(Control {
            loop_var: text("loop_var")?.unwrap_or_else(|| "item".into()),
            index_var: text("index_var")?,
            label: written.get("label").cloned(),
            pause: match text("pause")? {
                Some(t) => t.trim().parse().map_err(|_| {
                    TaskFailure::message(format!(
                        "The value {} could not be converted to 'float'.",
                        repr(&Value::str(t))
                    ))
                })?,
                None => 0.0,
            },
            extended: flag("extended", false)?,
            allitems: flag("extended_allitems", true)?,
            break_when,
        })
    }

    /// The variables that item `index` brings.
    pub(super) fn variables(&self, items: &[Value], index: usize) -> Map {
        let mut map = Map::new();
        map.insert("ansible_loop_var", self.loop_var.as_str());
        map.insert(self.loop_var.as_str(), items[index].clone());
        if let Some(name) = &self.index_var {
            map.insert("ansible_index_var", name.as_str());
            map.insert(name.as_str(), index);
        }
        if self.extended {
            map.insert("ansible_loop", self.extended_info(items, index));
        }
        map
    }

    fn extended_info(&self, items: &[Value], index: usize) -> Value {
        let n = items.len();
        let mut info = Map::new();
        info.insert("index", index + 1);
        info.insert("index0", index);
        info.insert("first", index == 0);
        info.insert("last", index + 1 == n);
        info.insert("length", n);
        info.insert("revindex", n - index);
        info.insert("revindex0", n - index - 1);
        if self.allitems {
            info.insert("allitems", Value::list(items.to_vec()));
        }
        if let Some(next) = items.get(index + 1) {
            info.insert("nextitem", next.clone());
        }
        if index > 0 {
            info.insert("previtem", items[index - 1].clone());
        }
        Value::dict(info)
    }
}

/// The items, rendered. An undefined variable is kept apart: a false `when` must still be able to skip the task.
pub(super) fn items(looping: &Looping, renderer: &Renderer, action: &str) -> Result<Vec<Value>, TaskFailure> {
    match &looping.lookup {
        None => {
            let value = renderer.render(&looping.items).and_then(defined)?;
            match &value {
                Value::List(l) => Ok((*l.items()).clone()),
                Value::Tuple(t) => Ok(t.to_vec()),
                other => Err(TaskFailure::Error(
                    Diagnostic::error(format!(
                        "The `loop` value must resolve to a 'list', not '{}'.",
                        type_name(other)
                    ))
                    .at(looping.items_origin())
                    .hint("Provide a list of items/templates, or a template resolving to a list."),
                )),
            }
        }
        Some(lookup) => {
            // This lookup passes over undefined terms, and the action says where it searches.
            let first_found = lookup.rsplit('.').next() == Some("first_found");
            let terms = match &looping.items {
                Value::Str(_) if !first_found => renderer.render(&looping.items).and_then(defined)?,
                other => other.clone(),
            };
            let terms = match &terms {
                Value::List(l) => (*l.items()).clone(),
                Value::Tuple(t) => t.to_vec(),
                _ => vec![terms],
            };
            let mut options = Map::new();
            options.insert("wantlist", true);
            if first_found {
                options.insert("_task_action", action);
                return Ok(renderer.lookup(lookup, terms, options)?);
            }
            let rendered = terms.iter().map(|t| renderer.render(t)).collect::<Result<Vec<_>, _>>()?;
            Ok(renderer.lookup(lookup, rendered, options)?)
        }
    }
}
