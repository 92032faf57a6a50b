//! `service`: the module of the host's service manager.

use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};

/// Facts choose among these only: what a host says must not choose any code there is (T8).
const MANAGERS: [&str; 4] = ["openwrt_init", "service", "systemd", "sysvinit"];

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut manager = context.only_text("use", "lower")?.unwrap_or("auto").to_lowercase();
        let chosen = manager != "auto";
        if !chosen {
            manager = match context.known_fact("service_mgr") {
                Some(known) => known,
                None => {
                    let mut args = Map::new();
                    args.insert("gather_subset", "!all");
                    args.insert("filter", "ansible_service_mgr");
                    let setup = context.find_module("ansible.legacy.setup")?;
                    let answer = context.run_foreground(setup, args).await?;
                    let facts = answer.get("ansible_facts").cloned().unwrap_or_default();
                    facts.get("ansible_service_mgr").map(|v| to_text(&v)).unwrap_or_else(|| "auto".into())
                }
            };
            if !MANAGERS.contains(&manager.as_str()) {
                manager = "service".into();
            }
        }
        let mut args = context.args.clone();
        args.remove("use");
        if manager == "systemd" {
            for unused in ["pattern", "runlevel", "sleep", "arguments", "args"] {
                if args.remove(unused).is_some() {
                    context.step.warn(format!("Ignoring \"{unused}\" as it is not used in \"systemd\""));
                }
            }
        }
        let name = if MANAGERS.contains(&manager.as_str()) { format!("ansible.legacy.{manager}") } else { manager };
        let module = match context.find_module(&name) {
            Ok(module) => module,
            Err(_) => context.find_module("ansible.legacy.service")?,
        };
        let args = context.with_defaults(&module.fqcn, args)?;
        context.run_module(module, args).await
    })
}

impl ActionContext<'_> {
    /// A fact of the host the task runs on, when it is known.
    pub(super) fn known_fact(&self, name: &str) -> Option<String> {
        let facts = ftl_template::Scope::get(&**self.connection_scope, "ansible_facts")?;
        facts.get(name).filter(|v| !v.is_none()).map(|v: Value| to_text(&v))
    }

    /// `module_defaults` of a module that an action chose, below the arguments.
    pub(super) fn with_defaults(&self, module: &str, args: Map) -> Result<Map, crate::task::TaskFailure> {
        let raw = crate::task::module_defaults(&self.step.run, &self.step.task, self.renderer, module)?;
        let mut out = Map::new();
        for (key, value) in &raw {
            if args.get_value(key).is_none() {
                out.insert(key.clone(), self.renderer.render(value)?);
            }
        }
        out.extend(args);
        Ok(out)
    }
}
