//! One play.

use std::path::Path;
use std::sync::Arc;

use ftl_core::id::{BlockId, TaskId};
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_core::yaml::{Node, NodeKind};

use super::arguments::{key_text, python_class};
use super::inheritable::{as_list, complete_collections};
use super::playbook::Imported;
use crate::graph::build::{Builder, Frame, Malformed, NewBlock, PlaySetting};
use crate::graph::inherit::inherit;
use crate::graph::{Entry, Keywords, Meta, PlaySpec, TaskGraph, TaskKind, TaskSpec, VarsPrompt};
use crate::keyword::{Place, keyword};
use crate::options::{ParseOptions, Problem};
use crate::role::{RoleUse, made_task};

/// No block: the place of lists that stand at the top of a play.
const NO_BLOCK: BlockId = BlockId(u32::MAX);

/// A play, and what was wrong with it.
pub(crate) struct ParsedPlay {
    pub play: PlaySpec,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Diagnostic>,
}

/// Where a play stands.
pub(crate) struct PlayPlace<'a> {
    pub file: &'a Path,
    pub base_dir: &'a Path,
    pub collection: Option<Arc<str>>,
    pub imported: &'a Imported,
    /// Plugin directories of the playbooks so far.
    pub search: Arc<ftl_core::call::ModuleSearch>,
}

pub(crate) fn parse_play(node: &Node, place: &PlayPlace, loader: &Loader, options: &ParseOptions) -> ParsedPlay {
    let mut graph = TaskGraph::default();
    let setting = PlaySetting {
        base_dir: place.base_dir.to_path_buf(),
        playbook_dir: place.base_dir.to_path_buf(),
        vars: Arc::default(),
        vars_files: Vec::new(),
        loaded_vars_files: None,
        collection: place.collection.clone(),
        keywords: Arc::default(),
    };
    let mut builder = Builder {
        options,
        loader,
        graph: &mut graph,
        play: setting,
        problems: Vec::new(),
        warnings: Vec::new(),
        roles: Vec::new(),
        imported_handlers: Vec::new(),
        open_files: Vec::new(),
        search: place.search.clone(),
    };
    let mut play = builder.play_keywords(node, place);
    builder.play_body(node, &mut play, place);
    let (problems, warnings) = (builder.problems, builder.warnings);
    play.graph = graph;
    ParsedPlay { play, problems, warnings }
}

impl Builder<'_> {
    /// Everything but tasks, handlers and roles.
    fn play_keywords(&mut self, node: &Node, place: &PlayPlace) -> PlaySpec {
        let mut play = empty_play(node, place);
        let mut own = Keywords::default();
        let mut vars = Arc::<Map>::default();
        for (key, value) in node.as_map().unwrap_or_default() {
            let word = key_text(key);
            let word = if &*word == "user" { "remote_user" } else { &*word };
            let Some(known) = keyword(word, Place::Play) else {
                self.unknown(word, Place::Play, &key.origin);
                continue;
            };
            if self.inheritable(&mut own, known, value, node) {
                continue;
            }
            self.check_scalar(known, value, node);
            if word == "vars" {
                vars = self.vars(value, "Play");
            } else {
                self.play_key(&mut play, word, value);
            }
        }
        if node.get("user").is_some() && node.get("remote_user").is_some() {
            self.report(Problem::parse(
                Diagnostic::error(
                    "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be \
                     removed",
                )
                .at(Some(node.origin.clone())),
            ));
        }
        self.check_hosts(node);
        own.tags.extend(place.imported.tags.iter().cloned());
        if own.collections.is_empty() {
            let mut names = Vec::new();
            complete_collections(&mut names, place.collection.as_deref());
            own.collections = Arc::new(names);
        }
        self.play.vars = merged(&place.imported.vars, &vars);
        play.vars = merged(&vars, &place.imported.vars);
        self.play.vars_files = play.vars_files.clone();
        play.keywords = Arc::new(own);
        self.play.keywords = play.keywords.clone();
        play
    }

    fn play_key(&mut self, play: &mut PlaySpec, word: &str, value: &Node) {
        let given = || Some(value.to_value()).filter(|v| !v.is_none());
        match word {
            "name" => play.name = given(),
            "hosts" => play.hosts = value.to_value(),
            "gather_facts" => play.gather_facts = given(),
            "gather_subset" => play.gather_subset = given(),
            "gather_timeout" => play.gather_timeout = given(),
            "fact_path" => play.fact_path = given(),
            "vars_files" => play.vars_files = as_list(value),
            "vars_prompt" => play.vars_prompt = self.vars_prompt(value),
            "serial" => play.serial = given(),
            "strategy" => play.strategy = given(),
            "order" => play.order = given(),
            "max_fail_percentage" => play.max_fail_percentage = given(),
            "force_handlers" => play.force_handlers = given(),
            _ => {}
        }
    }

    fn check_hosts(&mut self, node: &Node) {
        let problem = |message: &str| Problem::parse(Diagnostic::error(message));
        let Some(hosts) = node.get("hosts") else {
            let missing = Diagnostic::error("The field 'hosts' is required but was not set.");
            self.report(Problem::parse(missing.at(Some(node.origin.clone()))));
            return;
        };
        let empty = "Hosts list cannot be empty. Please check your playbook";
        match &hosts.kind {
            NodeKind::Scalar(Value::Str(text)) if text.as_str().is_empty() => self.report(problem(empty)),
            NodeKind::Scalar(Value::Str(_)) => {}
            NodeKind::Scalar(value) if !value.is_true() => self.report(problem(empty)),
            NodeKind::Seq(items) if items.is_empty() => self.report(problem(empty)),
            NodeKind::Seq(items) => {
                for item in items.iter() {
                    match item.as_value() {
                        Some(Value::None) => self
                            .report(problem("Hosts list cannot contain values of 'None'. Please check your playbook")),
                        Some(Value::Str(_)) => {}
                        _ => self.report(problem(&format!(
                            "Hosts list contains an invalid host value: '{}'",
                            ftl_core::value::to_text(&item.to_value())
                        ))),
                    }
                }
            }
            _ => self.report(problem("Hosts list must be a sequence or string. Please check your playbook.")),
        }
    }

    fn vars_prompt(&mut self, value: &Node) -> Vec<VarsPrompt> {
        let items: Vec<&Node> = match &value.kind {
            NodeKind::Seq(items) => items.iter().collect(),
            NodeKind::Scalar(Value::None) => Vec::new(),
            _ => vec![value],
        };
        let mut prompts = Vec::new();
        for item in items {
            let prompt = vars_prompt(item, value);
            prompts.extend(self.keep(prompt));
        }
        prompts
    }

    fn play_body(&mut self, node: &Node, play: &mut PlaySpec, place: &PlayPlace) {
        let conditions = Keywords { when: place.imported.when.clone(), ..Keywords::default() };
        let top = Frame {
            block: NO_BLOCK,
            role: None,
            handlers: false,
            in_block: false,
            from_import: false,
            keywords: self.play.keywords.clone(),
            from: None,
            file_dir: Arc::from(place.file.parent().unwrap_or(place.base_dir)),
        };
        let tasks = Frame { keywords: inherit(&top.keywords, conditions), ..top.clone() };
        let (role_blocks, role_handlers) = self.play_roles(node, &tasks);
        let own_handlers = match node.get("handlers") {
            Some(list) => {
                let frame = self.with_search(&Frame { handlers: true, ..top.clone() });
                let message = "A malformed block was encountered while loading handlers.";
                self.handler_list(list, &frame, Malformed { message, origin: &node.origin, must_be_list: false })
            }
            None => Vec::new(),
        };
        // The order in which Ansible reads them; mistakes and imported roles come in that order too.
        let pre_tasks = self.section(node, "pre_tasks", &tasks);
        let post_tasks = self.section(node, "post_tasks", &tasks);
        let middle = self.section(node, "tasks", &tasks);
        play.body.extend(pre_tasks);
        play.body.push(self.flush(&top));
        play.body.extend(role_blocks);
        play.body.extend(middle);
        play.body.push(self.flush(&top));
        play.body.extend(post_tasks);
        play.body.push(self.flush(&top));
        play.handlers = role_handlers;
        play.handlers.extend(own_handlers);
        play.handlers.extend(self.imported_handlers.iter().copied());
        play.roles = self.roles.clone();
        // What the engine runs for the play itself finds all modules the play's roles brought.
        let whole = self.with_search(&top);
        play.keywords = whole.keywords;
        play.import_conditions = place.imported.when.clone();
    }

    fn section(&mut self, node: &Node, name: &str, frame: &Frame) -> Option<BlockId> {
        let list = node.get(name).filter(|list| !list.is_none())?;
        let message = format!("A malformed block was encountered while loading {name}.");
        let what = Malformed { message: &message, origin: &node.origin, must_be_list: false };
        let frame = self.with_search(frame);
        Some(self.add_list(list, &frame, NewBlock::implicit(None), what))
    }

    fn play_roles(&mut self, node: &Node, frame: &Frame) -> (Vec<BlockId>, Vec<TaskId>) {
        let (mut blocks, mut handlers) = (Vec::new(), Vec::new());
        let Some(list) = node.get("roles").filter(|l| !l.is_none()) else { return (blocks, handlers) };
        let Some(items) = list.as_seq() else {
            self.report(Problem::parse(
                Diagnostic::error("A malformed role declaration was encountered.")
                    .at(Some(node.origin.clone()))
                    .caused_by(Diagnostic::error(format!(
                        "ds ({}) should be a list but was a {}",
                        ftl_core::value::to_text(&list.to_value()),
                        python_class(list)
                    ))),
            ));
            return (blocks, handlers);
        };
        // All places are known before the first role is read, as mistakes in names come first.
        let mut wishes = Vec::new();
        for item in items {
            let wish = self.role_entry(item, frame);
            wishes.extend(self.keep(wish));
        }
        let collections = frame.keywords.collections.to_vec();
        for wish in wishes {
            let result = self.apply_role(RoleUse { collections: collections.clone(), ..wish }, frame);
            if let Some(applied) = self.keep(result) {
                blocks.extend(applied.blocks);
                handlers.extend(applied.handlers);
            }
        }
        (blocks, handlers)
    }

    /// An implicit `meta: flush_handlers`.
    fn flush(&mut self, frame: &Frame) -> BlockId {
        let block = self.add_block(NewBlock::implicit(None), frame);
        let own = Keywords { tags: vec!["always".into()], ..Keywords::default() };
        let task = TaskSpec {
            args: Arc::new([("_raw_params", Value::str("flush_handlers"))].into_iter().collect()),
            keywords: inherit(&block.keywords, own),
            ..made_task("meta", TaskKind::Meta(Meta::FlushHandlers), &block, &frame.file_dir)
        };
        let task = self.add_task(task);
        self.fill(block.block, |b| b.body = vec![Entry::Task(task)]);
        block.block
    }
}

fn vars_prompt(item: &Node, whole: &Node) -> Result<VarsPrompt, Problem> {
    const KEYS: [&str; 9] =
        ["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];
    let at = |message: String| Problem::parse(Diagnostic::error(message).at(Some(whole.origin.clone())));
    let Some(name) = item.get("name").map(|n| ftl_core::value::to_text(&n.to_value())) else {
        return Err(at("Invalid vars_prompt data structure, missing 'name' key".into()));
    };
    for (key, _) in item.as_map().unwrap_or_default() {
        let key = key_text(key);
        if !KEYS.contains(&&*key) {
            return Err(at(format!("Invalid vars_prompt data structure, found unsupported key '{}'", &*key)));
        }
    }
    let value = |key: &str| item.get(key).map(Node::to_value).filter(|v| !v.is_none());
    let flag = |key: &str, default: bool| value(key).and_then(|v| v.to_bool_loose()).unwrap_or(default);
    let text = |key: &str| value(key).map(|v| ftl_core::value::to_text(&v));
    Ok(VarsPrompt {
        name,
        prompt: value("prompt"),
        default: value("default"),
        private: flag("private", true),
        confirm: flag("confirm", false),
        encrypt: text("encrypt"),
        salt: text("salt"),
        salt_size: value("salt_size").and_then(|v| v.as_int().or_else(|| v.as_str()?.trim().parse().ok())),
        unsafe_text: flag("unsafe", false),
    })
}

fn empty_play(node: &Node, place: &PlayPlace) -> PlaySpec {
    PlaySpec {
        origin: Some(node.origin.clone()),
        name: None,
        hosts: Value::None,
        gather_facts: None,
        gather_subset: None,
        gather_timeout: None,
        fact_path: None,
        vars: Arc::default(),
        vars_prompt: Vec::new(),
        vars_files: Vec::new(),
        serial: None,
        strategy: None,
        order: None,
        max_fail_percentage: None,
        force_handlers: None,
        keywords: Arc::default(),
        import_conditions: Vec::new(),
        file: place.file.to_path_buf(),
        base_dir: place.base_dir.to_path_buf(),
        collection: place.collection.clone(),
        graph: TaskGraph::default(),
        body: Vec::new(),
        handlers: Vec::new(),
        roles: Vec::new(),
    }
}

/// `over` on top of `under`.
fn merged(under: &Arc<Map>, over: &Arc<Map>) -> Arc<Map> {
    if over.is_empty() {
        return under.clone();
    }
    if under.is_empty() {
        return over.clone();
    }
    let mut out = Map::clone(under);
    out.extend(over.iter().map(|(k, v)| (k.clone(), v.clone())));
    Arc::new(out)
}
