//! Tasks and handlers.

use std::path::Path;
use std::sync::Arc;

use ftl_core::id::TaskId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_core::yaml::Node;

use super::arguments::{WrittenAction, builtin_name, key_text, written_action};
use super::inheritable::{as_list, complete_collections, variable_name};
use crate::graph::build::{Builder, Frame};
use crate::graph::inherit::{inherit, layer};
use crate::graph::{Entry, Keywords, Looping, TaskKind, TaskSpec};
use crate::keyword::{Place, keyword};
use crate::options::Problem;

/// What a task's keywords say, before it is known what the task is.
#[derive(Default)]
pub(crate) struct TaskKeys {
    pub name: Option<Value>,
    pub looping: Option<Looping>,
    pub register: Option<Value>,
    pub until: Vec<Value>,
    pub retries: Option<Value>,
    pub delay: Option<Value>,
    pub changed_when: Vec<Value>,
    pub failed_when: Vec<Value>,
    pub listen: Vec<Value>,
    pub async_seconds: Option<Value>,
    pub poll: Option<Value>,
    pub vars: Arc<Map>,
    /// The inheritable ones, `vars` included.
    pub own: Keywords,
}

impl Builder<'_> {
    /// One item of a list of tasks: a block, a task, or what a static import brings.
    pub(crate) fn entry(&mut self, item: &Node, frame: &Frame) -> Result<Vec<Entry>, Problem> {
        if ["block", "rescue", "always"].iter().any(|key| item.get(key).is_some()) {
            return self.block(item, frame);
        }
        let action = written_action(item)?;
        self.warnings.extend(action.notes.iter().cloned());
        match builtin_name(&action.name) {
            Some("include_tasks" | "import_tasks") => self.include_tasks(item, action, frame),
            Some("include_role" | "import_role") => self.include_role(item, action, frame),
            _ => {
                let frame = self.task_frame(item, frame);
                let kind = self.kind(item, &action, &frame)?;
                let keys = self.task_keys(item, &action, &frame);
                Ok(vec![Entry::Task(self.finish_task(item, action, keys, kind, &frame))])
            }
        }
    }

    /// Where a task looks for modules: its own `collections` count.
    pub(crate) fn task_frame(&self, task: &Node, frame: &Frame) -> Frame {
        let Some(written) = task.get("collections").filter(|c| !c.is_none()) else { return self.with_search(frame) };
        let mut names: Vec<String> = as_list(written).iter().filter_map(|v| v.as_str().map(str::to_string)).collect();
        complete_collections(&mut names, self.play.collection.as_deref());
        let keywords = Keywords { collections: Arc::new(names), ..Keywords::clone(&frame.keywords) };
        self.with_search(&Frame { keywords: Arc::new(keywords), ..frame.clone() })
    }

    /// Reads the keywords of a task; mistakes are reported and the rest goes on.
    pub(crate) fn task_keys(&mut self, task: &Node, action: &WrittenAction, frame: &Frame) -> TaskKeys {
        let place = if frame.handlers { Place::Handler } else { Place::Task };
        let mut keys = TaskKeys::default();
        for (key, value) in task.as_map().unwrap_or_default() {
            let name = key_text(key);
            let is_action = !action.by_keyword && *name == *action.name;
            if is_action || matches!(&*name, "action" | "local_action" | "args" | "shell") {
                continue;
            }
            if let Some(lookup) = name.strip_prefix("with_") {
                if self.lookup_known(lookup, frame) {
                    let looping = with_lookup(task, &name, lookup, value, &keys.looping);
                    if let Some(looping) = self.keep(looping) {
                        keys.looping = Some(looping);
                    }
                } else {
                    self.unknown(&name, place, &key.origin);
                }
                continue;
            }
            match keyword(&name, place) {
                Some(known) => {
                    if !self.inheritable(&mut keys.own, known, value, task) {
                        self.check_scalar(known, value, task);
                        self.task_key(&mut keys, &name, value, place);
                    }
                }
                None => self.unknown(&name, place, &key.origin),
            }
        }
        if action.local {
            keys.own.delegate_to = Some(Value::str("localhost"));
        }
        if let (Some(control), Some(looping)) = (task.get("loop_control"), &mut keys.looping) {
            looping.control = Some(control.to_value());
        }
        keys.own.vars = layer(&keys.vars);
        keys
    }

    /// Lookups FTL has, and Python ones: those fail when they are used, not here.
    fn lookup_known(&self, name: &str, frame: &Frame) -> bool {
        let exists = &self.options.lookup_exists;
        if exists(name) || builtin_name(name).is_some_and(|short| exists(short)) {
            return true;
        }
        let file = |dir: &Path, name: &str| dir.join(format!("{name}.py")).is_file();
        match name.rsplit_once('.') {
            Some((collection, short)) => {
                self.collection_dir(collection).is_some_and(|dir| file(&dir.join("plugins/lookup"), short))
            }
            None => {
                let roles = self.graph.roles.iter().map(|r| r.path.join("lookup_plugins"));
                let collections = frame.keywords.collections.iter().filter_map(|c| self.collection_dir(c));
                std::iter::once(self.play.base_dir.join("lookup_plugins"))
                    .chain(roles)
                    .chain(collections.map(|dir| dir.join("plugins/lookup")))
                    .any(|dir| file(&dir, name))
            }
        }
    }

    fn task_key(&mut self, keys: &mut TaskKeys, name: &str, value: &Node, place: Place) {
        let given = || Some(value.to_value()).filter(|v| !v.is_none());
        match name {
            "name" => keys.name = given(),
            "vars" => keys.vars = self.vars(value, place.title()),
            "register" => {
                keys.register = given();
                if let Some(register) = &keys.register {
                    if let Err(cause) = variable_name(register, &value.origin) {
                        let message = Diagnostic::error("Invalid 'register' specified.");
                        self.report(Problem::parse(message.at(Some(value.origin.clone())).caused_by(cause)));
                    }
                }
            }
            // After `with_x`, `loop` gives that lookup other items.
            "loop" => {
                if let Some(items) = given() {
                    let lookup = keys.looping.take().and_then(|l| l.lookup);
                    keys.looping = Some(Looping { lookup, items, control: None });
                }
            }
            "loop_control" => self.check_loop_control(value),
            "until" => keys.until = as_list(value),
            "retries" => keys.retries = given(),
            "delay" => keys.delay = given(),
            "changed_when" => keys.changed_when = as_list(value),
            "failed_when" => keys.failed_when = as_list(value),
            "listen" => keys.listen = self.list_of_texts("listen", value),
            "async" | "async_val" => keys.async_seconds = given(),
            "poll" => keys.poll = given(),
            _ => {}
        }
    }

    fn check_loop_control(&mut self, control: &Node) {
        let Some(entries) = control.as_map() else {
            self.report(Problem::parse(
                Diagnostic::error(
                    "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it \
                     can contain variables)",
                )
                .at(Some(control.origin.clone())),
            ));
            return;
        };
        for (key, value) in entries {
            let name = key_text(key);
            match keyword(&name, Place::LoopControl) {
                Some(known) => self.check_scalar(known, value, control),
                None => self.unknown(&name, Place::LoopControl, &key.origin),
            }
        }
    }

    /// Puts a task into the graph.
    pub(crate) fn finish_task(
        &mut self,
        task: &Node,
        action: WrittenAction,
        keys: TaskKeys,
        kind: TaskKind,
        frame: &Frame,
    ) -> TaskId {
        let keywords = inherit(&frame.keywords, keys.own);
        let notify = match &keywords.notify {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().to_vec(),
            Some(one) => vec![one.clone()],
        };
        let listen = self.listen_topics(keys.listen, frame);
        let unresolved = matches!(kind, TaskKind::Unresolved);
        self.add_task(TaskSpec {
            id: TaskId(0),
            origin: Some(task.origin.clone()),
            block: frame.block,
            name: keys.name,
            written_action: action.name.shared(),
            action_template: unresolved.then(|| Value::Str(action.name.clone())),
            kind,
            args: Arc::new(action.args),
            args_template: action.args_template,
            args_origin: Some(action.origin),
            looping: keys.looping,
            register: keys.register,
            until: keys.until,
            retries: keys.retries,
            delay: keys.delay,
            changed_when: keys.changed_when,
            failed_when: keys.failed_when,
            notify,
            listen,
            is_handler: frame.handlers,
            async_seconds: keys.async_seconds,
            poll: keys.poll,
            role: frame.role,
            keywords,
            implicit: false,
            file_dir: frame.file_dir.to_path_buf(),
        })
    }

    /// In a role, `role : topic` is heard as well as `topic`.
    fn listen_topics(&self, mut listen: Vec<Value>, frame: &Frame) -> Vec<Value> {
        if let Some(role) = self.role(frame) {
            for topic in listen.clone() {
                let Some(topic) = topic.as_str() else { continue };
                listen.push(Value::str(format!("{} : {topic}", role.name)));
                if let Some(short) = role.collection.as_ref().and(role.name.rsplit('.').next()) {
                    listen.push(Value::str(format!("{short} : {topic}")));
                }
            }
        }
        listen
    }
}

fn with_lookup(
    task: &Node,
    key: &str,
    lookup: &str,
    value: &Node,
    before: &Option<Looping>,
) -> Result<Looping, Problem> {
    if before.is_some() {
        let message = format!("duplicate loop in task: {lookup}");
        return Err(Problem::general(Diagnostic::error(message).at(Some(task.origin.clone()))));
    }
    if value.is_none() {
        return Err(Problem::general(
            Diagnostic::error(format!("you must specify a value when using {key}")).at(Some(task.origin.clone())),
        ));
    }
    Ok(Looping { lookup: Some(lookup.to_string()), items: value.to_value(), control: None })
}
