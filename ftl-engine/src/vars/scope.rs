//! Variables as one host and task see them: layers below, magic variables and loop variables on top.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ftl_core::id::{HostId, RoleId};
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_playbook::graph::{Keywords, RoleSpec, TaskGraph, TaskSpec};
use ftl_template::Scope;

use super::layer::{Layer, Layers};
use super::{HostVarsObject, VarsFiles, World};
use crate::run::Run;

/// What a play gives to all its tasks. Replaced, never changed, when a role is added to the play.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlayVars {
    pub name: String,
    pub vars: Arc<Map>,
    /// `vars_files` as the play sees them; hosts may see others.
    pub vars_files: Vec<Arc<Map>>,
    pub host_files: Arc<VarsFiles>,
    /// Defaults and vars of roles the whole play sees.
    pub role_defaults: Vec<Arc<Map>>,
    pub role_vars: Vec<Arc<Map>>,
    /// Magic variables that stay the same for the play.
    pub magic: Arc<Map>,
    pub batch: Vec<HostId>,
    pub hosts_all: Vec<HostId>,
    pub base_dir: PathBuf,
    /// This is no play: what `hostvars` shows of hosts.
    pub(crate) outside: bool,
    pub(crate) without_play: OnceLock<Arc<PlayVars>>,
}

impl PlayVars {
    /// What is left in `hostvars`: no variables of the play and its roles, and nothing about it.
    pub(crate) fn without_play(&self) -> &Arc<PlayVars> {
        self.without_play.get_or_init(|| {
            let mut magic = (*self.magic).clone();
            for name in MAGIC_OF_PLAY {
                magic.remove(name);
            }
            let base_dir = self.base_dir.clone();
            Arc::new(PlayVars { magic: Arc::new(magic), base_dir, outside: true, ..PlayVars::default() })
        })
    }
}

/// Variables a role gives its own tasks, with those of its parents and dependencies below.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleVars {
    /// The roles whose tasks included this one, the nearest first.
    pub parents: Vec<Arc<RoleSpec>>,
    pub defaults: Vec<Arc<Map>>,
    pub vars: Vec<Arc<Map>>,
    pub params: Vec<Arc<Map>>,
}

impl RoleVars {
    pub(crate) fn of(graph: &TaskGraph, id: RoleId) -> RoleVars {
        let mut out = RoleVars::default();
        let mut chain: Vec<&Arc<RoleSpec>> = vec![];
        let mut parent = graph.role(id).parent;
        while let Some(p) = parent {
            let role = graph.role(p);
            chain.push(role);
            parent = role.parent;
        }
        let role = graph.role(id);
        if role.from_include {
            out.parents = chain.iter().map(|r| (*r).clone()).collect();
        }
        chain.reverse();
        let mut dependencies = vec![];
        gather_dependencies(graph, id, &mut dependencies);
        for dep in &dependencies {
            out.defaults.push(graph.role(*dep).defaults.clone());
        }
        out.defaults.extend(chain.iter().map(|r| r.defaults.clone()));
        out.defaults.push(role.defaults.clone());
        // What a role entry says with `vars:` reaches the roles it depends on, just below its own variables.
        out.vars.extend(chain.iter().flat_map(|r| [r.entry_vars.clone(), r.vars.clone()]));
        for dep in &dependencies {
            out.vars.push(graph.role(*dep).vars.clone());
        }
        out.vars.push(role.vars.clone());
        out.params.extend(chain.iter().map(|r| r.params.clone()));
        out.params.push(role.params.clone());
        for maps in [&mut out.defaults, &mut out.vars, &mut out.params] {
            maps.retain(|m| !m.is_empty());
        }
        out
    }
}

fn gather_dependencies(graph: &TaskGraph, id: RoleId, into: &mut Vec<RoleId>) {
    for dep in &graph.role(id).dependencies {
        gather_dependencies(graph, *dep, into);
        into.push(*dep);
    }
}

/// The view of one host (if any) and one task (if any). Cheap to make: maps are shared.
pub(crate) struct TaskScope {
    run: Arc<Run>,
    play: Arc<PlayVars>,
    world: World,
    host: Option<HostId>,
    layers: Layers,
    /// Magic variables of the task and its role.
    task_magic: Map,
    /// The keywords of the task, if this is the view of one.
    words: Option<Arc<Keywords>>,
    /// Loop variables and results of the task so far, the latest last.
    locals: Vec<Arc<Map>>,
    magic: OnceLock<Arc<Map>>,
    problem: Option<Diagnostic>,
}

/// A task, the variables of its role, and that role.
type TaskView<'a> = (&'a TaskSpec, Option<&'a RoleVars>, Option<&'a RoleSpec>);

impl TaskScope {
    pub(crate) fn new(
        run: &Arc<Run>,
        play: &Arc<PlayVars>,
        world: &World,
        host: Option<HostId>,
        task: Option<TaskView<'_>>,
    ) -> TaskScope {
        match host.and_then(|host| play.host_files.of_host(run, play, world, host)) {
            Some(found) => {
                let scope = TaskScope::build(run, play, world, host, task, &found.maps, true);
                TaskScope { problem: found.problem, ..scope }
            }
            None => TaskScope::build(run, play, world, host, task, &play.vars_files, true),
        }
    }

    /// The view that names of `vars_files` are rendered with: what is above them in precedence is not in it, but `-e`.
    pub(super) fn below_vars_files(
        run: &Arc<Run>,
        play: &Arc<PlayVars>,
        world: &World,
        host: Option<HostId>,
        found: &[Arc<Map>],
    ) -> TaskScope {
        TaskScope::build(run, play, world, host, None, found, false)
    }

    /// `above`: with what stands above `vars_files`, too.
    fn build(
        run: &Arc<Run>,
        play: &Arc<PlayVars>,
        world: &World,
        host: Option<HostId>,
        task: Option<TaskView<'_>>,
        vars_files: &[Arc<Map>],
        above: bool,
    ) -> TaskScope {
        let mut layers = Layers::default();
        let role_vars = task.and_then(|(_, vars, _)| vars);
        layers.push_all(Layer::PlayRoleDefaults, &play.role_defaults);
        if let Some(role) = role_vars {
            layers.push_all(Layer::RoleDefaults, &role.defaults);
        }
        if let Some(host) = host {
            let vars = world.host(host);
            layers.push_all(Layer::Inventory, &*world.inventory_vars(host));
            if run.settings.inject_facts {
                layers.push(Layer::Facts, vars.facts.injected());
            }
        }
        layers.push(Layer::PlayVars, &play.vars);
        layers.push_all(Layer::VarsFiles, vars_files);
        if above {
            layers.push_all(Layer::PlayRoleVars, &play.role_vars);
        }
        if let Some(role) = role_vars {
            layers.push_all(Layer::RoleVars, &role.vars);
        }
        if let Some((task, ..)) = task {
            layers.push_all(Layer::TaskVars, &task.keywords.vars);
        }
        if let Some(host) = host.filter(|_| above) {
            let vars = world.host(host);
            layers.push(Layer::IncludeVars, &vars.include_vars);
            layers.push(Layer::SetFacts, &vars.set_facts);
        }
        if let Some(role) = role_vars {
            layers.push_all(Layer::RoleParams, &role.params);
        }
        if let Some((task, ..)) = task {
            layers.push_all(Layer::IncludeParams, &task.keywords.include_params);
        }
        layers.push(Layer::ExtraVars, &run.settings.extra_vars);
        let mut task_magic = Map::new();
        if let Some((task, _, role)) = task {
            task_magic.insert("environment", Value::list(task.keywords.environment.clone()));
            if let Some(role) = role {
                let parents = role_vars.map(|r| r.parents.as_slice()).unwrap_or_default();
                let short = role.name.rsplit('.').next().unwrap_or(&role.name);
                let collection = role.collection.as_ref();
                task_magic.insert("role_name", if collection.is_some() { short } else { &role.name });
                task_magic.insert("role_path", role.path.to_string_lossy().into_owned());
                task_magic.insert("role_uuid", format!("{:08x}-role-{}", role.identity as u32, role.id.0));
                if !parents.is_empty() {
                    let list = |f: &dyn Fn(&RoleSpec) -> Value| parents.iter().map(|r| f(r)).collect::<Value>();
                    task_magic.insert("ansible_parent_role_names", list(&|r| Value::str(&*r.name)));
                    task_magic.insert("ansible_parent_role_paths", list(&|r| Value::str(r.path.to_string_lossy())));
                }
                task_magic.insert("ansible_role_name", &*role.name);
                task_magic.insert("ansible_collection_name", collection.map_or(Value::None, |c| Value::str(&**c)));
            }
        }
        TaskScope {
            run: run.clone(),
            play: play.clone(),
            world: world.clone(),
            host,
            layers,
            task_magic,
            words: task.map(|(task, ..)| task.keywords.clone()),
            locals: vec![],
            magic: OnceLock::new(),
            problem: None,
        }
    }

    /// Why tasks cannot run with this view: what is wrong with `vars_files` of the host.
    pub(crate) fn problem(&self) -> Option<&Diagnostic> {
        self.problem.as_ref()
    }

    /// The same view with `more` on top of everything.
    #[must_use]
    pub(crate) fn with(&self, more: Arc<Map>) -> TaskScope {
        let mut locals = self.locals.clone();
        locals.push(more);
        TaskScope {
            run: self.run.clone(),
            play: self.play.clone(),
            world: self.world.clone(),
            host: self.host,
            layers: self.layers.clone(),
            task_magic: self.task_magic.clone(),
            words: self.words.clone(),
            locals,
            magic: OnceLock::new(),
            problem: self.problem.clone(),
        }
    }

    fn layered(&self, name: &str) -> Option<Value> {
        match self.run.settings.hash_merge {
            true => merged(&self.layers, name),
            false => self.layers.iter().find_map(|map| map.get(name)).cloned(),
        }
    }

    /// A variable that somebody set: what [`Scope::get`] gives, without what stands in for unset connection variables.
    pub(crate) fn given(&self, name: &str) -> Option<Value> {
        self.locals.iter().rev().find_map(|local| local.get(name).cloned()).or_else(|| self.layered(name))
    }

    /// Connection variables that nobody set show what is used instead.
    fn connection_default(&self, name: &str) -> Option<Value> {
        let words = self.words.as_ref()?;
        let base = &self.run.settings.connection;
        let text = |keyword: &Option<Value>, default: Option<&str>| keyword.clone().or_else(|| default.map(Value::str));
        match name {
            "ansible_host" | "ansible_ssh_host" => Some(Value::str(self.world.inventory.host_name(self.host?).clone())),
            "ansible_connection" => text(&words.connection, Some(&base.kind)),
            "ansible_user" | "ansible_ssh_user" => text(&words.remote_user, base.user.as_deref()),
            "ansible_password" | "ansible_ssh_pass" => base.password.as_ref().map(|word| Value::str(word.reveal())),
            "ansible_private_key_file" | "ansible_ssh_private_key_file" => {
                base.private_key_file.as_deref().map(Value::str)
            }
            "ansible_timeout" | "ansible_ssh_timeout" => Some(Value::Int(base.timeout as i64)),
            "ansible_shell_executable" => Some(Value::str("/bin/sh")),
            _ => None,
        }
    }

    /// Names only the engine gives, computed when asked for.
    fn magic(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.task_magic.get(name) {
            return Some(value.clone());
        }
        if self.play.outside && OF_PLAY.contains(&name) {
            return None;
        }
        match name {
            "omit" => Some(Value::Omit),
            "inventory_hostname" => Some(Value::str(self.world.inventory.host_name(self.host?).clone())),
            "inventory_hostname_short" => Some(Value::str(self.world.inventory.host(self.host?).short_name())),
            "group_names" => Some(self.world.inventory.group_names(self.host?)),
            "groups" => Some(self.world.inventory.groups_value()),
            "hostvars" => Some(Value::Object(Arc::new(HostVarsObject::new(&self.run, &self.play, &self.world)))),
            "ansible_facts" => self.host.map(|h| self.world.host(h).facts.namespaced()),
            "ansible_play_hosts_all" => Some(self.hosts(&self.play.hosts_all, false)),
            "ansible_play_hosts" => Some(self.hosts(&self.play.hosts_all, true)),
            "ansible_play_batch" | "play_hosts" | "ansible_current_hosts" => Some(self.hosts(&self.play.batch, true)),
            "ansible_failed_hosts" => {
                let failed = self.play.batch.iter().filter(|h| self.world.removed.contains(h));
                Some(failed.map(|h| Value::str(self.world.inventory.host_name(*h).clone())).collect())
            }
            "vars" => Some(self.all()),
            _ => self.play.magic.get(name).cloned(),
        }
    }

    fn hosts(&self, ids: &[HostId], left_only: bool) -> Value {
        let gone = |id: &HostId| left_only && self.world.removed.contains(id);
        ids.iter().filter(|id| !gone(id)).map(|id| Value::str(self.world.inventory.host_name(*id).clone())).collect()
    }

    /// Everything as one dict (the `vars` variable), unrendered.
    fn all(&self) -> Value {
        let map = self.magic.get_or_init(|| {
            let mut all = Map::new();
            for name in self.names() {
                if &*name != "vars"
                    && &*name != "hostvars"
                    && let Some(value) = self.get(&name)
                {
                    all.insert(&*name, value);
                }
            }
            Arc::new(all)
        });
        Value::Dict(ftl_core::Dict::loaded((**map).clone()))
    }
}

/// What the engine says about a play: what it is made of, and what goes on in it.
const MAGIC_OF_PLAY: [&str; 5] = [
    "ansible_play_name",
    "ansible_play_role_names",
    "role_names",
    "ansible_dependent_role_names",
    "ansible_role_names",
];
const OF_PLAY: [&str; 7] = [
    "ansible_current_hosts",
    "ansible_failed_hosts",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "omit",
    "play_hosts",
];

const MAGIC_NAMES: [&str; 13] = [
    "ansible_facts",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "group_names",
    "groups",
    "hostvars",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "ansible_current_hosts",
    "vars",
];

impl Scope for TaskScope {
    fn get(&self, name: &str) -> Option<Value> {
        for local in self.locals.iter().rev() {
            if let Some(value) = local.get(name) {
                return Some(value.clone());
            }
        }
        if let Some(value) = self.magic(name) {
            return Some(value);
        }
        self.layered(name).or_else(|| self.connection_default(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut out = vec![];
        let mut add = |name: &str| {
            if seen.insert(name.to_string()) {
                out.push(Arc::from(name));
            }
        };
        for map in self.layers.lowest_first().chain(&self.locals) {
            map.text_iter().for_each(|(name, _)| add(name));
        }
        self.play.magic.text_iter().for_each(|(name, _)| add(name));
        self.task_magic.text_iter().for_each(|(name, _)| add(name));
        for name in MAGIC_NAMES {
            if self.play.outside && OF_PLAY.contains(&name) {
                continue;
            }
            if self.host.is_some()
                || !matches!(name, "inventory_hostname" | "inventory_hostname_short" | "group_names" | "ansible_facts")
            {
                add(name);
            }
        }
        out
    }
}

/// `hash_behaviour = merge`: dicts of all layers, the higher ones on top.
fn merged(layers: &Layers, name: &str) -> Option<Value> {
    let mut result: Option<Value> = None;
    for map in layers.lowest_first() {
        if let Some(value) = map.get(name) {
            result = Some(match result {
                Some(below) => combine(&below, value),
                None => value.clone(),
            });
        }
    }
    result
}

/// Dicts are merged recursively, all else is replaced.
pub(crate) fn combine(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Dict(b), Value::Dict(a)) => {
            let mut map = (*b.entries()).clone();
            for (key, value) in a.entries().iter() {
                let value = match map.get_value(key) {
                    Some(old) => combine(old, value),
                    None => value.clone(),
                };
                map.insert(key.clone(), value);
            }
            Value::Dict(ftl_core::Dict::loaded(map))
        }
        _ => above.clone(),
    }
}
