//! Puts into a running play's graph what a task includes. Only appends: ids stay valid.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::id::{BlockId, RoleId, TaskId};
use ftl_core::source::{Diagnostic, Loader, Origin};
use ftl_core::value::{Map, Value};
use ftl_core::yaml::{Node, NodeKind};

use super::build::{Builder, Frame, Malformed, NewBlock, PlaySetting};
use super::inherit::layer;
use super::{Entry, IncludedFrom, Keywords, PlaySpec, TaskGraph, TaskKind, TaskSpec};
use crate::include_file::{IncludeSearch, search_include_file};
use crate::keyword::{Place, keyword};
use crate::options::{LoadError, ParseOptions, Problem};
use crate::parse::{directory_of, key_text};
use crate::role::{FromFiles, RoleUse};

/// A role that was included.
#[derive(Clone, Debug)]
pub struct Grafted {
    pub role: RoleId,
    /// Holds the blocks of the role and of its dependencies.
    pub block: BlockId,
    /// To be added to the play's handlers.
    pub handlers: Vec<TaskId>,
    pub warnings: Vec<Diagnostic>,
}

/// The file that `include_tasks: what` means here; it need not exist.
pub fn included_file(
    graph: &TaskGraph,
    play: &PlaySpec,
    include: &TaskSpec,
    what: &str,
    options: &ParseOptions,
) -> PathBuf {
    search_include_file(
        what,
        &IncludeSearch {
            role_path: include.role.map(|id| graph.role(id).path.as_path()),
            handler: include.is_handler,
            import: false,
            from: graph.block(include.block).included_from.as_ref(),
            base_dir: &play.base_dir,
            working_dir: &options.working_dir,
        },
    )
}

/// Adds the tasks of an included file. `what` is the rendered file name, `vars` are loop variables of the include (its own
/// `vars` are known from the task). Gives a block that holds them; for a handler, they are handlers.
pub fn graft_tasks(
    graph: &mut TaskGraph,
    play: &PlaySpec,
    include: &TaskSpec,
    what: &str,
    vars: &Map,
    loader: &Loader,
    options: &ParseOptions,
) -> Result<(BlockId, Vec<Diagnostic>), LoadError> {
    let path = included_file(graph, play, include, what, options);
    let apply = match &include.kind {
        TaskKind::Include(include) => include.apply.clone(),
        _ => None,
    };
    let mut builder = builder(graph, play, include, loader, options);
    let frame = builder.include_frame(include, vars, apply.as_ref());
    let from = Some(Arc::new(IncludedFrom { dir: directory_of(what), outer: frame.from.clone() }));
    let frame = Frame { from, file_dir: Arc::from(path.parent().unwrap_or(Path::new("/"))), ..frame };
    let added = builder.included_tasks(&path, include, &frame);
    let block = builder.keep(added).unwrap_or(include.block);
    finish(builder).map(|warnings| (block, warnings)).map_err(|LoadError(mut problems)| {
        problems.iter_mut().for_each(name_missing_file);
        LoadError(problems)
    })
}

/// Ansible says first which file it missed, be it the included one or one that is imported there.
fn name_missing_file(problem: &mut Problem) {
    let known = problem.diagnostic.message.strip_prefix("Unable to retrieve file contents.\n");
    if let Some(end) = known.and_then(|missing| missing.find(" on the Ansible Controller").map(|end| &missing[..end])) {
        let reason = Diagnostic::error(format!("{end} on the Ansible Controller."));
        problem.diagnostic = Diagnostic::error(reason.caused_by(problem.diagnostic.clone()).one_line());
    }
}

/// Adds an included role. `args` are the rendered arguments of the task, the role's name aside.
#[expect(clippy::too_many_arguments, reason = "what a running play knows, and where to put it")]
pub fn graft_role(
    graph: &mut TaskGraph,
    play: &PlaySpec,
    include: &TaskSpec,
    name: &str,
    args: &Map,
    vars: &Map,
    loader: &Loader,
    options: &ParseOptions,
) -> Result<Grafted, LoadError> {
    let apply = args.get("apply").filter(|a| a.is_true()).cloned();
    let mut builder = builder(graph, play, include, loader, options);
    let frame = builder.include_frame(include, vars, apply.as_ref());
    let outer = builder.add_block(NewBlock::implicit(Some(include.block)), &frame);
    let flag = |name: &str| args.get(name).filter(|v| !v.is_none()).and_then(Value::to_bool_loose);
    let mut from = FromFiles::default();
    for (key, slot) in from.slots() {
        *slot = args.get(key).filter(|v| !v.is_none() && !v.is_omit()).map(ftl_core::value::to_text);
    }
    // The name says best where a role was asked for; one that was rendered no longer knows it.
    let written = include.args.get("name").or_else(|| include.args.get("role")).and_then(|name| match name {
        Value::Str(name) => name.origin().cloned(),
        _ => None,
    });
    let wish = RoleUse {
        name: name.to_string(),
        origin: written.or_else(|| include.origin.clone()),
        from,
        from_include: true,
        dynamic: true,
        public: flag("public"),
        validate: flag("rolespec_validate").unwrap_or(true),
        allow_duplicates: Some(flag("allow_duplicates").unwrap_or(true)),
        entry_vars: Arc::new(own_vars(builder.graph, include, vars)),
        collections: include.keywords.collections.to_vec(),
        ..RoleUse::default()
    };
    let result = builder.apply_role(wish, &Frame { from_import: true, ..outer.clone() });
    let applied = builder.keep(result);
    if let Some(applied) = &applied {
        let entries = applied.blocks.iter().map(|b| Entry::Block(*b)).collect();
        builder.fill(outer.block, |b| b.body = entries);
    }
    let more_handlers = std::mem::take(&mut builder.imported_handlers);
    let warnings = finish(builder)?;
    let Some(applied) = applied else { return Err(LoadError(Vec::new())) };
    let mut handlers = applied.handlers;
    handlers.extend(more_handlers);
    Ok(Grafted { role: applied.id, block: outer.block, handlers, warnings })
}

/// A builder that goes on where the play was read.
fn builder<'a>(
    graph: &'a mut TaskGraph,
    play: &PlaySpec,
    include: &TaskSpec,
    loader: &'a Loader,
    options: &'a ParseOptions,
) -> Builder<'a> {
    let mut search = ModuleSearch::clone(&include.keywords.module_search);
    search.collections.clear();
    // Roles that were read later have added their directories.
    for role in &graph.roles {
        let known = &role.module_search;
        for (list, more) in [
            (&mut search.library, &known.library),
            (&mut search.module_utils, &known.module_utils),
            (&mut search.action_plugins, &known.action_plugins),
        ] {
            for dir in more {
                if !list.contains(dir) {
                    list.push(dir.clone());
                }
            }
        }
    }
    Builder {
        options,
        loader,
        graph,
        play: PlaySetting {
            base_dir: play.base_dir.clone(),
            playbook_dir: play.base_dir.clone(),
            vars: play.vars.clone(),
            vars_files: play.vars_files.clone(),
            loaded_vars_files: None,
            collection: play.collection.clone(),
            keywords: play.keywords.clone(),
        },
        problems: Vec::new(),
        warnings: Vec::new(),
        roles: play.roles.clone(),
        imported_handlers: Vec::new(),
        open_files: Vec::new(),
        search: Arc::new(search),
    }
}

fn finish(builder: Builder) -> Result<Vec<Diagnostic>, LoadError> {
    let mut warnings = builder.loader.take_warnings();
    warnings.extend(builder.warnings);
    if builder.problems.is_empty() { Ok(warnings) } else { Err(LoadError(builder.problems)) }
}

/// The `vars` of the include itself, and its loop variables.
fn own_vars(graph: &TaskGraph, include: &TaskSpec, vars: &Map) -> Map {
    let outside = graph.block(include.block).keywords.vars.len();
    let mut all = Map::new();
    for own in include.keywords.vars.iter().skip(outside) {
        all.extend(own.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    all.extend(vars.iter().map(|(k, v)| (k.clone(), v.clone())));
    all
}

impl Builder<'_> {
    /// Where included tasks stand: in the block of the include, whose own keywords they do not get, only its variables and
    /// what it applies.
    fn include_frame(&mut self, include: &TaskSpec, vars: &Map, apply: Option<&Value>) -> Frame {
        let block = self.graph.block(include.block).clone();
        let own = layer(&Arc::new(own_vars(self.graph, include, vars)));
        let keywords = Keywords { vars: own.clone(), include_params: own, ..Keywords::default() };
        let frame = Frame {
            block: include.block,
            role: include.role,
            handlers: include.is_handler,
            in_block: false,
            from_import: false,
            keywords: super::inherit::inherit(&block.keywords, keywords),
            from: block.included_from.clone(),
            file_dir: Arc::from(include.file_dir.as_path()),
        };
        let Some(apply) = apply else { return frame };
        let origin = include.origin.clone().unwrap_or_else(|| Origin::file("<apply>"));
        let applied = self.applied(&node_of(apply, &origin));
        Frame { keywords: super::inherit::inherit(&frame.keywords, applied), ..frame }
    }

    fn applied(&mut self, apply: &Node) -> Keywords {
        let mut own = Keywords::default();
        for (key, value) in apply.as_map().unwrap_or_default() {
            let word = key_text(key);
            match keyword(&word, Place::Block) {
                None => self.unknown(&word, Place::Block, &key.origin),
                Some(known) => {
                    if !self.inheritable(&mut own, known, value, apply) && &*word == "vars" {
                        own.vars = layer(&self.vars(value, "Block"));
                    }
                }
            }
        }
        own
    }

    fn included_tasks(&mut self, path: &Path, include: &TaskSpec, frame: &Frame) -> Result<BlockId, Problem> {
        let list = self.read(path)?;
        if !list.is_none() && list.as_seq().is_none() {
            return Err(Problem::general(Diagnostic::error("included task files must contain a list of tasks")));
        }
        let origin = include.origin.clone().unwrap_or_else(|| list.origin.clone());
        let what = Malformed {
            message: "A malformed block was encountered while loading a block.",
            origin: &origin,
            must_be_list: false,
        };
        let mut new = NewBlock::implicit(Some(include.block));
        new.origin = Some(origin.clone());
        Ok(self.add_list(&list, frame, new, what))
    }
}

/// A value as a document, for what reads keywords.
fn node_of(value: &Value, origin: &Origin) -> Node {
    let own = match value {
        Value::Str(text) => text.origin().cloned().unwrap_or_else(|| origin.clone()),
        _ => origin.clone(),
    };
    let kind = match value {
        Value::Dict(dict) => NodeKind::Map(Arc::new(
            dict.entries().iter().map(|(k, v)| (node_of(k, origin), node_of(v, origin))).collect(),
        )),
        Value::List(list) => NodeKind::Seq(Arc::new(list.items().iter().map(|v| node_of(v, origin)).collect())),
        other => NodeKind::Scalar(other.clone()),
    };
    Node { kind, origin: own }
}
