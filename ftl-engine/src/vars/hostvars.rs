//! `hostvars`: every host's variables, rendered with that host's own view when they are asked for.

use std::any::Any;
use std::sync::Arc;

use ftl_core::Undefined;
use ftl_core::value::{Map, Object, Value, repr};
use ftl_template::{Renderer, Scope};

use super::{PlayVars, TaskScope, World};
use crate::run::Run;

/// The mapping from host name to that host's variables.
#[derive(Clone)]
pub(crate) struct HostVarsObject {
    run: Arc<Run>,
    play: Arc<PlayVars>,
    world: World,
}

/// One entry of `hostvars`.
struct HostEntry {
    run: Arc<Run>,
    host: Arc<str>,
    scope: Arc<TaskScope>,
}

impl HostVarsObject {
    pub(crate) fn new(run: &Arc<Run>, play: &Arc<PlayVars>, world: &World) -> HostVarsObject {
        HostVarsObject { run: run.clone(), play: play.without_play().clone(), world: world.clone() }
    }

    /// One entry, for a view made by the caller (`ansible_delegated_vars`).
    pub(crate) fn entry(run: &Arc<Run>, scope: Arc<TaskScope>, name: &str) -> Value {
        Value::Object(Arc::new(HostEntry { run: run.clone(), host: name.into(), scope }))
    }

    fn names(&self) -> Vec<Value> {
        let inventory = &self.world.inventory;
        inventory.hosts().map(|id| Value::str(inventory.host_name(id).clone())).collect()
    }
}

impl Object for HostVarsObject {
    fn type_name(&self) -> &str {
        "HostVars"
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        let Some(host) = key.as_str().and_then(|name| self.world.inventory.find_host(name)) else {
            // There is an entry for every key; that of an unknown host is a missing value.
            return Some(Value::Undefined(Arc::new(Undefined::new(format!("hostvars[{}]", repr(key))))));
        };
        let scope = Arc::new(TaskScope::new(&self.run, &self.play, &self.world, Some(host), None));
        let host = self.world.inventory.host_name(host).clone();
        Some(Value::Object(Arc::new(HostEntry { run: self.run.clone(), host, scope })))
    }

    fn has_item(&self, key: &Value) -> bool {
        key.as_str().is_some_and(|name| self.world.inventory.find_host(name).is_some())
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.names())
    }

    fn is_mapping(&self) -> bool {
        true
    }

    fn to_data(&self) -> Option<Value> {
        let mut map = Map::new();
        for name in self.names() {
            let vars = match self.get_item(&name)? {
                Value::Object(o) => o.to_data()?,
                other => other,
            };
            map.insert(name, vars);
        }
        Some(Value::dict(map))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl HostEntry {
    fn rendered(&self, name: &str) -> Option<Value> {
        let raw = self.scope.get(name)?;
        let renderer = Renderer::new(self.scope.clone(), self.run.template.clone());
        Some(renderer.render_or_marker(&raw))
    }
}

impl Object for HostEntry {
    fn type_name(&self) -> &str {
        "HostVarsVars"
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        self.rendered(key.as_str()?)
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.scope.names().into_iter().filter(|n| &**n != "vars" && &**n != "hostvars").map(Value::str).collect())
    }

    fn is_mapping(&self) -> bool {
        true
    }

    fn to_data(&self) -> Option<Value> {
        let names = self.scope.names().into_iter().filter(|n| !matches!(&**n, "vars" | "hostvars" | "omit"));
        let entries = names.filter_map(|n| self.rendered(&n).map(|v| (Value::str(n), v)));
        Some(Value::dict(entries.collect()))
    }

    fn repr(&self) -> String {
        format!("<HostVarsVars {}>", self.host)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
