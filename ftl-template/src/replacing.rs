//! Placeholders for what a template cannot give: task names and `debug: var=` show them instead of an error.

use std::sync::{Arc, Mutex};

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::{Undefined, Value};

/// Which markers get a placeholder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placeholders {
    /// Those of missing values; other errors stay errors.
    Missing,
    All,
}

/// The markers that were replaced, in order.
pub(crate) struct Replacing {
    which: Placeholders,
    replaced: Mutex<Vec<(Option<Origin>, String)>>,
}

impl Replacing {
    pub(crate) fn new(which: Placeholders) -> Arc<Replacing> {
        Arc::new(Replacing { which, replaced: Mutex::default() })
    }

    /// The text that stands for a marker, unless this one stays an error.
    pub(crate) fn placeholder(&self, marker: &Undefined) -> Option<Value> {
        if self.which == Placeholders::Missing && marker.error.is_some() {
            return None;
        }
        let words = marker.error.as_ref().map_or_else(|| marker.message.clone(), |error| error.one_line());
        let mut replaced = self.replaced.lock().unwrap_or_else(|e| e.into_inner());
        let text = format!("<< error {} - {words} >>", replaced.len() + 1);
        replaced.push((marker.origin.clone(), words));
        Some(Value::str(text))
    }

    /// One warning for each template that lacks something.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let replaced = std::mem::take(&mut *self.replaced.lock().unwrap_or_else(|e| e.into_inner()));
        let mut number = 0;
        let warning = |group: &[(Option<Origin>, String)]| {
            let mut text =
                format!("Encountered {} template error{}.", group.len(), if group.len() > 1 { "s" } else { "" });
            for (_, words) in group {
                number += 1;
                text += &format!("\nerror {number} - {words}");
            }
            Diagnostic::warning(text).at(group[0].0.clone())
        };
        replaced.chunk_by(|a, b| a.0 == b.0).map(warning).collect()
    }
}
