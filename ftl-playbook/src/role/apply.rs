//! Puts a role into the graph: dependencies first, then its tasks, then the mark of its end.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::id::{BlockId, RoleId, TaskId};
use ftl_core::source::Diagnostic;
use ftl_core::value::Value;

use super::argument_spec::made_task;
use super::locate::RolePlace;
use super::meta::RoleMeta;
use super::{AppliedRole, RoleUse};
use crate::graph::build::{Builder, Frame, Malformed, NewBlock};
use crate::graph::inherit::{inherit, inherit_below};
use crate::graph::{Entry, IncludedFrom, Keywords, Meta, RoleSpec, TaskKind};
use crate::options::Problem;

impl Builder<'_> {
    /// Applies a role where `frame` is.
    pub(crate) fn apply_role(&mut self, wish: RoleUse, frame: &Frame) -> Result<AppliedRole, Problem> {
        let place = self.locate_role(&wish)?;
        let open = place.path.join(format!("tasks:{}", wish.from.tasks.as_deref().unwrap_or("main")));
        if self.open_files.contains(&open) {
            return Err(Problem::general(
                Diagnostic::error(
                    "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies \
                     on parent roles",
                )
                .at(wish.origin.clone()),
            ));
        }
        self.open_files.push(open);
        let applied = self.apply_found(wish, place, frame);
        self.open_files.pop();
        applied
    }

    fn apply_found(&mut self, wish: RoleUse, place: RolePlace, frame: &Frame) -> Result<AppliedRole, Problem> {
        if place.collection.is_none() {
            self.add_plugin_dirs(&place.path);
        }
        let vars = self.role_vars(&place, "vars", wish.from.vars.as_deref())?;
        let defaults = self.role_vars(&place, "defaults", wish.from.defaults.as_deref())?;
        let meta = self.role_meta(&place)?;
        let spec = if wish.validate { self.argument_spec(&place, &meta, &wish)? } else { None };
        for vars in [&vars, &defaults] {
            self.warn_of_reserved(vars);
        }
        let id = RoleId(self.graph.roles.len() as u32);
        let parent = wish.parent.or(frame.role);
        self.graph.roles.push(Arc::new(RoleSpec {
            id,
            name: Arc::from(match &place.collection {
                Some(collection) => format!("{collection}.{}", place.name),
                None => place.name.clone(),
            }),
            collection: place.collection.as_deref().map(Arc::from),
            path: place.path.clone(),
            defaults,
            vars,
            params: wish.params.clone(),
            entry_vars: wish.entry_vars.clone(),
            parent,
            dependencies: Vec::new(),
            allow_duplicates: wish.allow_duplicates.unwrap_or(meta.allow_duplicates),
            identity: identity(&wish, &place),
            public: wish.public.unwrap_or(match self.options.private_role_vars {
                Some(private) => !private,
                None => !wish.dynamic,
            }),
            from_include: wish.from_include,
            module_search: self.search.clone(),
            argument_spec: spec,
        }));
        let outer = self.role_frame(&wish, id, frame);
        let mut applied = AppliedRole { id, blocks: Vec::new(), handlers: Vec::new() };
        self.apply_dependencies(&meta, &place, &wish, &outer, &mut applied);
        self.roles.push(id);
        let inner = self.with_role_collections(&place, &meta, outer);
        self.add_role_tasks(&wish, &place, &inner, frame, &mut applied)?;
        self.add_role_handlers(&wish, &place, &inner, &mut applied)?;
        Ok(applied)
    }

    /// What the role's tasks inherit, the role's own collections aside.
    fn role_frame(&self, wish: &RoleUse, id: RoleId, frame: &Frame) -> Frame {
        let keywords = if frame.from_import {
            inherit_below(&frame.keywords, wish.own.clone())
        } else {
            inherit(&frame.keywords, wish.own.clone())
        };
        let dir = self.graph.role(id).path.clone();
        let from = match wish.from_include {
            true => Some(Arc::new(IncludedFrom { dir, outer: frame.from.clone() })),
            false => frame.from.clone(),
        };
        Frame { keywords, role: Some(id), from, in_block: false, ..frame.clone() }
    }

    fn apply_dependencies(
        &mut self,
        meta: &RoleMeta,
        place: &RolePlace,
        wish: &RoleUse,
        frame: &Frame,
        applied: &mut AppliedRole,
    ) {
        let Some(list) = &meta.dependencies else { return };
        let wishes = self.dependencies(list, place, applied.id, frame);
        let mut ids = Vec::new();
        for dependency in wishes {
            let dependency = RoleUse { dynamic: wish.dynamic, ..dependency };
            let result = self.apply_role(dependency, frame);
            if let Some(dependency) = self.keep(result) {
                ids.push(dependency.id);
                applied.blocks.extend(dependency.blocks);
                applied.handlers.extend(dependency.handlers);
            }
        }
        Arc::make_mut(&mut self.graph.roles[applied.id.index()]).dependencies = ids;
    }

    /// Roles do not inherit `collections`: theirs are their own collection and those of their `meta`.
    fn with_role_collections(&mut self, place: &RolePlace, meta: &RoleMeta, frame: Frame) -> Frame {
        let own = place.collection.clone().or_else(|| self.play.collection.as_deref().map(str::to_string));
        let mut names: Vec<String> = own.into_iter().collect();
        for name in &meta.collections {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if !names.is_empty() && !names.iter().any(|n| n == "ansible.builtin" || n == "ansible.legacy") {
            names.push(if place.collection.is_some() { "ansible.builtin" } else { "ansible.legacy" }.into());
        }
        let mut keywords = Keywords::clone(&frame.keywords);
        keywords.module_search =
            Arc::new(ModuleSearch { collections: names.clone(), ..ModuleSearch::clone(&self.search) });
        keywords.collections = Arc::new(names);
        if let Some(id) = frame.role {
            Arc::make_mut(&mut self.graph.roles[id.index()]).module_search = keywords.module_search.clone();
        }
        Frame { keywords: Arc::new(keywords), ..frame }
    }

    fn add_role_tasks(
        &mut self,
        wish: &RoleUse,
        place: &RolePlace,
        inner: &Frame,
        outer: &Frame,
        applied: &mut AppliedRole,
    ) -> Result<(), Problem> {
        let tasks = self.role_node(place, "tasks", wish.from.tasks.as_deref())?;
        let spec = self.graph.role(applied.id).argument_spec.clone();
        let parent = self.graph.blocks.get(outer.block.index()).map(|b| b.id);
        let dir = tasks.as_ref().and_then(|(_, path)| path.parent()).unwrap_or(&place.path).to_path_buf();
        let inner = Frame { file_dir: Arc::from(dir), handlers: false, ..inner.clone() };
        if tasks.is_some() || spec.is_some() {
            let block = self.add_block(NewBlock::implicit(parent), &inner);
            let mut entries = Vec::new();
            if let Some(spec) = spec {
                entries.push(Entry::Task(self.validation_task(&spec, place, wish, &block)));
            }
            if let Some((list, _)) = &tasks {
                let message =
                    format!("The tasks/main.yml file for role '{}' must contain a list of tasks.", place.name);
                let what = Malformed { message: &message, origin: &list.origin, must_be_list: false };
                entries.extend(self.entries(list, &block, what));
            }
            self.fill(block.block, |b| b.body = entries);
            applied.blocks.push(block.block);
        }
        applied.blocks.push(self.role_end(applied.id, parent, &inner));
        Ok(())
    }

    /// Tasks to come see that the role is complete for the host.
    fn role_end(&mut self, id: RoleId, parent: Option<BlockId>, frame: &Frame) -> BlockId {
        let silent = Frame { keywords: self.play.keywords.clone(), ..frame.clone() };
        let block = self.add_block(NewBlock::implicit(parent), &silent);
        let keywords = Keywords { tags: vec!["always".into()], run_once: None, ..Keywords::clone(&block.keywords) };
        let mut task = made_task("meta", TaskKind::Meta(Meta::RoleComplete), &block, &frame.file_dir);
        task.args = Arc::new([("_raw_params", Value::str("role_complete"))].into_iter().collect());
        task.keywords = Arc::new(keywords);
        let task = self.add_task(task);
        self.fill(block.block, |b| {
            b.body = vec![Entry::Task(task)];
            b.ends_role = Some(id);
        });
        block.block
    }

    fn add_role_handlers(
        &mut self,
        wish: &RoleUse,
        place: &RolePlace,
        inner: &Frame,
        applied: &mut AppliedRole,
    ) -> Result<(), Problem> {
        let Some((list, path)) = self.role_node(place, "handlers", wish.from.handlers.as_deref())? else {
            return Ok(());
        };
        let message = format!("The handlers/main.yml file for role '{}' must contain a list of tasks.", place.name);
        let what = Malformed { message: &message, origin: &list.origin, must_be_list: false };
        let dir: PathBuf = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let inner = Frame { handlers: true, file_dir: Arc::from(dir), ..inner.clone() };
        applied.handlers.extend(self.handler_list(&list, &inner, what));
        Ok(())
    }

    /// The handlers of a list, in order.
    pub(crate) fn handler_list(&mut self, list: &ftl_core::yaml::Node, frame: &Frame, what: Malformed) -> Vec<TaskId> {
        let block = self.add_block(NewBlock::implicit(None), &Frame { handlers: true, ..frame.clone() });
        let entries = self.entries(list, &block, what);
        let handlers = entries
            .iter()
            .filter_map(|e| match e {
                Entry::Task(id) => Some(*id),
                Entry::Block(_) => None,
            })
            .collect();
        self.fill(block.block, |b| b.body = entries);
        handlers
    }
}

/// Equal for applications that run once per host.
fn identity(wish: &RoleUse, place: &RolePlace) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    (&place.name, &place.collection, real(&place.path)).hash(&mut hasher);
    (&wish.from, wish.from_include).hash(&mut hasher);
    for map in [&wish.params, &wish.entry_vars] {
        let mut entries: Vec<String> = map.iter().map(|(k, v)| format!("{k:?}={}", ftl_core::value::repr(v))).collect();
        entries.sort_unstable();
        entries.hash(&mut hasher);
    }
    for list in [&wish.own.when, &wish.own.tags] {
        list.iter().map(ftl_core::value::repr).collect::<Vec<_>>().hash(&mut hasher);
    }
    hasher.finish()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
