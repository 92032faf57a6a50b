//! `meta/argument_specs.yml`: what arguments a role takes, checked by a task of its own before the role's tasks.

use std::path::Path;
use std::sync::Arc;

use ftl_core::call::ModuleRef;
use ftl_core::id::TaskId;
use ftl_core::value::{Map, Value};

use super::RoleUse;
use super::locate::RolePlace;
use super::meta::RoleMeta;
use crate::graph::build::{Builder, Frame};
use crate::graph::inherit::inherit;
use crate::graph::{Action, ArgumentSpec, Keywords, TaskKind, TaskSpec};
use crate::options::Problem;

impl Builder<'_> {
    /// The specification for the entry point that is used, when the role has one.
    pub(crate) fn argument_spec(
        &mut self,
        role: &RolePlace,
        meta: &RoleMeta,
        wish: &RoleUse,
    ) -> Result<Option<Arc<ArgumentSpec>>, Problem> {
        let own_file = [".yml", ".yaml", ".json"]
            .iter()
            .any(|e| role.path.join("meta").join(format!("argument_specs{e}")).exists());
        let specs = if own_file {
            let node = self.role_node(role, "meta", Some("argument_specs"))?.map(|(node, _)| node);
            node.and_then(|n| n.get("argument_specs").cloned())
        } else {
            meta.argument_specs.clone()
        };
        let entry = wish.from.tasks.clone().unwrap_or_else(|| "main".into());
        let spec = specs.and_then(|s| s.get(&entry).map(|n| n.to_value())).filter(Value::is_true);
        Ok(spec.map(|spec| {
            let options = spec.get("options").unwrap_or_else(|| Value::dict(Map::new()));
            let short_description = spec.get("short_description").map(|d| ftl_core::value::to_text(&d));
            Arc::new(ArgumentSpec { entry, options, short_description })
        }))
    }

    /// The task that checks the arguments.
    pub(crate) fn validation_task(
        &mut self,
        spec: &ArgumentSpec,
        role: &RolePlace,
        wish: &RoleUse,
        frame: &Frame,
    ) -> TaskId {
        let mut name = format!("Validating arguments against arg spec '{}'", spec.entry);
        if let Some(description) = &spec.short_description {
            name.push_str(&format!(" - {description}"));
        }
        let mut about = Map::new();
        about.insert("type", "role");
        about.insert("name", role.name.as_str());
        about.insert("argument_spec_name", spec.entry.as_str());
        about.insert("path", role.path.to_string_lossy().into_owned());
        let mut args = Map::new();
        args.insert("argument_spec", spec.options.clone());
        args.insert("provided_arguments", Value::dict(Map::clone(&wish.params)));
        args.insert("validate_args_context", about);
        let action = "ansible.builtin.validate_argument_spec";
        let own = Keywords { tags: vec!["always".into()], ..Keywords::default() };
        let module: Option<ModuleRef> = self.options.modules.find(action, &frame.keywords.module_search).ok();
        let kind = TaskKind::Action(Action { name: Arc::from(action), module });
        let made = TaskSpec {
            name: Some(Value::str(name)),
            args: Arc::new(args),
            keywords: inherit(&frame.keywords, own),
            ..made_task(action, kind, frame, &role.path)
        };
        self.add_task(made)
    }
}

/// A task that nobody wrote.
pub(crate) fn made_task(action: &str, kind: TaskKind, frame: &Frame, dir: &Path) -> TaskSpec {
    TaskSpec {
        kind,
        role: frame.role,
        implicit: true,
        ..TaskSpec::blank(TaskId(0), frame.block, action, frame.keywords.clone(), dir.to_path_buf())
    }
}
