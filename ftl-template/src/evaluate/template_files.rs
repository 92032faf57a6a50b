//! `include`, `import` and `extends`: templates that templates pull in.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::{Str, Value};

use super::Machine;
use super::macros::Module;
use super::scope::{Frame, Scope, Unit};
use crate::call::{Failure, FailureKind};
use crate::syntax::{Expression, Syntax, Template, parse_template};

impl Machine<'_> {
    /// Reads and parses the first template of `name` (a name or a list of names) that exists.
    pub(crate) fn load_template(&self, name: &Value) -> Result<(Arc<Template>, Arc<str>), Failure> {
        super::marker::touch(name)?;
        let names = match name {
            Value::Str(name) => vec![name.clone()],
            Value::List(_) | Value::Tuple(_) => {
                let names = self.solid(name.clone())?.as_items().unwrap_or_default();
                names.iter().filter_map(|n| if let Value::Str(s) = n { Some(s.clone()) } else { None }).collect()
            }
            other => {
                let found = ftl_core::value::type_name(other);
                return Err(Failure::type_error(format!("a template name must be str, not {found}")));
            }
        };
        for name in &names {
            if let Some(path) = self.find_file(name) {
                let bytes = self.evaluation.shared().files.read(&path).map_err(Failure::from)?;
                let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
                // Text of files that templates name is parsed as Jinja does it, without Ansible's care for backslashes.
                let syntax = Arc::new(Syntax { keep_backslashes: false, ..(*self.syntax).clone() });
                let template = parse_template(&text, &syntax, &self.evaluation.renderer().foreign())
                    .map_err(|error| Failure::new(FailureKind::Syntax, error.message.clone()))?;
                return Ok((template, name.shared()));
            }
        }
        match &names[..] {
            [name] => Err(self.not_found(name)),
            names => {
                let list = names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
                Err(Failure::lookup_error(format!("none of the templates given were found: {list}")))
            }
        }
    }

    fn search_path(&self) -> Vec<PathBuf> {
        if self.search_path.is_empty() {
            vec![self.evaluation.shared().base_dir.clone()]
        } else {
            self.search_path.clone()
        }
    }

    fn not_found(&self, name: &str) -> Failure {
        if leaves(name) {
            return Failure::lookup_error(name);
        }
        let folders = self.search_path();
        let shown = folders.iter().map(|f| format!("'{}'", f.display())).collect::<Vec<_>>().join(", ");
        Failure::lookup_error(format!("'{name}' not found in search path: {shown}"))
    }

    fn find_file(&self, name: &Str) -> Option<PathBuf> {
        // Jinja refuses to leave the search path.
        if leaves(name) {
            return None;
        }
        let files = &self.evaluation.shared().files;
        let relative = name.trim_start_matches('/');
        self.search_path().into_iter().map(|folder| folder.join(relative)).find(|path| files.is_file(path))
    }

    pub(crate) fn include(
        &self,
        frame: &Frame,
        template: &Expression,
        ignore_missing: bool,
        with_context: bool,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        let name = self.evaluate(frame, template)?;
        let (template, _) = match self.load_template(&name) {
            Err(failure) if ignore_missing && matches!(failure.kind(), FailureKind::Lookup) => return Ok(()),
            loaded => loaded?,
        };
        let root = if with_context { Scope::child(&frame.scope) } else { Scope::root() };
        let unit = Unit::new(with_context && frame.unit.with_variables, root);
        crate::stack::deeper(self.depth_limit(), || self.run_unit(&template, &Frame::new(unit), out))
    }

    pub(crate) fn import(&self, frame: &Frame, name: &Value, with_context: bool) -> Result<Arc<Module>, Failure> {
        let (template, name) = self.load_template(name)?;
        let outer = if with_context { Scope::child(&frame.scope) } else { Scope::root() };
        let root = Scope::child(&outer);
        self.keep(&root);
        let unit = Unit::new(with_context && frame.unit.with_variables, root.clone());
        let mut nodes = Vec::new();
        crate::stack::deeper(self.depth_limit(), || self.run_unit(&template, &Frame::new(unit), &mut nodes))?;
        let text = super::output::concat(self.renderer(), nodes)?;
        let exports = root.own().into_iter().filter(|(name, _)| !name.starts_with('_')).collect();
        Ok(Arc::new(Module { name, exports, text }))
    }
}

/// Does the name point out of its folder?
fn leaves(name: &str) -> bool {
    name.split('/').any(|part| part == "..")
}
