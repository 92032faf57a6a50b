//! The hands that put plays, blocks and tasks into a graph: where things stand while they are read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::id::{BlockId, RoleId, TaskId};
use ftl_core::source::{Diagnostic, Loader, Origin};
use ftl_core::value::Map;
use ftl_core::yaml::Node;

use super::inherit::inherit;
use super::{BlockSpec, Entry, IncludedFrom, Keywords, RoleSpec, TaskGraph, TaskSpec};
use crate::options::{ParseOptions, Problem};

/// Reads files and fills a graph. Mistakes are gathered, not returned one by one.
pub(crate) struct Builder<'a> {
    pub options: &'a ParseOptions,
    pub loader: &'a Loader,
    pub graph: &'a mut TaskGraph,
    pub play: PlaySetting,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Diagnostic>,
    /// Roles applied so far, dependencies included.
    pub roles: Vec<RoleId>,
    /// Handlers of roles that tasks import or include.
    pub imported_handlers: Vec<TaskId>,
    /// Files being read right now, for finding circles.
    pub open_files: Vec<PathBuf>,
    pub search: Arc<ModuleSearch>,
}

/// What is the same for all tasks of a play.
#[derive(Clone)]
pub(crate) struct PlaySetting {
    /// Where relative files are looked for (the directory of the file the play stands in).
    pub base_dir: PathBuf,
    /// The directory of the playbook named on the command line.
    pub playbook_dir: PathBuf,
    pub vars: Arc<Map>,
    pub vars_files: Vec<ftl_core::Value>,
    /// Variables of `vars_files`, once they were needed.
    pub loaded_vars_files: Option<Vec<Arc<Map>>>,
    /// The collection of the playbook.
    pub collection: Option<Arc<str>>,
    pub keywords: Arc<Keywords>,
}

/// Where a list of tasks stands.
#[derive(Clone)]
pub(crate) struct Frame {
    pub block: BlockId,
    pub role: Option<RoleId>,
    pub handlers: bool,
    /// Inside a written block (handlers may not stand in blocks within blocks).
    pub in_block: bool,
    /// Inside a role that a task imports or includes: keywords of the task are nearer than those of the role.
    pub from_import: bool,
    /// What the tasks inherit.
    pub keywords: Arc<Keywords>,
    pub from: Option<Arc<IncludedFrom>>,
    pub file_dir: Arc<Path>,
}

impl Builder<'_> {
    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>, origin: Option<Origin>) {
        self.warnings.push(Diagnostic::warning(message).at(origin));
    }

    /// Keeps the value of a success, or the problem of a failure.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.report(problem);
                None
            }
        }
    }

    /// The document of a YAML file; `none` for an empty one.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Node, Problem> {
        self.loader.load_node(path).map_err(file_problem)
    }

    /// A block for a list of tasks; its entries are set with [`Builder::fill`].
    pub(crate) fn add_block(&mut self, block: NewBlock, frame: &Frame) -> Frame {
        let id = BlockId(self.graph.blocks.len() as u32);
        let keywords = inherit(&frame.keywords, block.own);
        self.graph.blocks.push(Arc::new(BlockSpec {
            id,
            parent: block.parent,
            name: block.name,
            origin: block.origin,
            implicit: block.implicit,
            body: Vec::new(),
            rescue: Vec::new(),
            always: Vec::new(),
            role: frame.role,
            ends_role: None,
            included_from: frame.from.clone(),
            keywords: keywords.clone(),
        }));
        Frame { block: id, keywords, ..frame.clone() }
    }

    pub(crate) fn fill(&mut self, block: BlockId, change: impl FnOnce(&mut BlockSpec)) {
        change(Arc::make_mut(&mut self.graph.blocks[block.index()]));
    }

    pub(crate) fn add_task(&mut self, task: TaskSpec) -> TaskId {
        let id = TaskId(self.graph.tasks.len() as u32);
        self.graph.tasks.push(Arc::new(TaskSpec { id, ..task }));
        id
    }

    pub(crate) fn role(&self, frame: &Frame) -> Option<&Arc<RoleSpec>> {
        frame.role.map(|id| self.graph.role(id))
    }

    /// The tasks of a list under an implicit block of their own.
    pub(crate) fn add_list(&mut self, tasks: &Node, frame: &Frame, new: NewBlock, what: Malformed) -> BlockId {
        let inner = self.add_block(new, frame);
        let entries = self.entries(tasks, &inner, what);
        self.fill(inner.block, |b| b.body = entries);
        inner.block
    }

    /// Entries for the tasks and blocks of a list.
    pub(crate) fn entries(&mut self, tasks: &Node, frame: &Frame, what: Malformed) -> Vec<Entry> {
        let mut entries = Vec::new();
        if tasks.is_none() && !what.must_be_list {
            return entries;
        }
        let Some(items) = tasks.as_seq() else {
            self.report(what.not_a_list(tasks));
            return entries;
        };
        for item in items {
            if item.is_none() && !what.must_be_list {
                continue;
            }
            if item.as_map().is_none() {
                self.report(what.not_a_task(tasks, item));
                continue;
            }
            let added = self.entry(item, frame);
            if let Some(added) = self.keep(added) {
                entries.extend(added);
            }
        }
        entries
    }

    /// The module directories known so far, for the next tasks.
    pub(crate) fn with_search(&self, frame: &Frame) -> Frame {
        let current = &frame.keywords.module_search;
        if current.library == self.search.library
            && current.action_plugins == self.search.action_plugins
            && current.collections == *frame.keywords.collections
        {
            return frame.clone();
        }
        let mut keywords = Keywords::clone(&frame.keywords);
        keywords.module_search =
            Arc::new(ModuleSearch { collections: keywords.collections.to_vec(), ..ModuleSearch::clone(&self.search) });
        Frame { keywords: Arc::new(keywords), ..frame.clone() }
    }

    /// Plugin directories beside a playbook or in a role, from now on.
    pub(crate) fn add_plugin_dirs(&mut self, root: &Path) {
        let mut search = ModuleSearch::clone(&self.search);
        let mut changed = false;
        for (name, list) in [
            ("library", &mut search.library),
            ("module_utils", &mut search.module_utils),
            ("action_plugins", &mut search.action_plugins),
        ] {
            let dir = root.join(name);
            if dir.is_dir() && !list.contains(&dir) {
                list.push(dir);
                changed = true;
            }
        }
        if changed {
            self.search = Arc::new(search);
        }
    }
}

/// A file whose text is wrong is a mistake of another kind than one that cannot be read.
pub(crate) fn file_problem(diagnostic: Diagnostic) -> Problem {
    if diagnostic.message.starts_with("YAML parsing failed") {
        Problem::parse(diagnostic)
    } else {
        Problem::general(diagnostic)
    }
}

/// A block about to be added.
#[derive(Default)]
pub(crate) struct NewBlock {
    pub parent: Option<BlockId>,
    pub name: Option<ftl_core::Value>,
    pub origin: Option<Origin>,
    pub implicit: bool,
    pub own: Keywords,
}

impl NewBlock {
    pub(crate) fn implicit(parent: Option<BlockId>) -> NewBlock {
        NewBlock { parent, implicit: true, ..NewBlock::default() }
    }
}

/// How to complain about a list of tasks that is none.
#[derive(Clone, Copy)]
pub(crate) struct Malformed<'a> {
    /// `A malformed block was encountered while loading tasks.`
    pub message: &'a str,
    pub origin: &'a Origin,
    /// Nothing instead of a list is a mistake too.
    pub must_be_list: bool,
}

impl Malformed<'_> {
    fn not_a_list(&self, node: &Node) -> Problem {
        let shown = ftl_core::value::to_text(&node.to_value());
        let class = crate::parse::python_class(node);
        let cause = if self.must_be_list {
            format!("The ds ({shown}) should be a list but was a {class}")
        } else {
            format!("{shown} should be a list or None but is {class}")
        };
        self.problem(cause)
    }

    fn not_a_task(&self, list: &Node, item: &Node) -> Problem {
        let shown = ftl_core::value::repr(&list.to_value());
        let diagnostic = Diagnostic::error("A malformed block was encountered while loading a block.")
            .at(Some(item.origin.clone()))
            .caused_by(Diagnostic::error(format!("The ds ({shown}) should be a dict but was a <class 'list'>")));
        Problem::parse(diagnostic)
    }

    fn problem(&self, cause: String) -> Problem {
        let diagnostic =
            Diagnostic::error(self.message).at(Some(self.origin.clone())).caused_by(Diagnostic::error(cause));
        Problem::parse(diagnostic)
    }
}
