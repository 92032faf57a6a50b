//! Where one host stands in a play, and where it goes after success or failure.

use std::sync::Arc;

use ftl_core::id::{BlockId, TaskId};
use ftl_playbook::graph::{Entry, Section, TaskGraph};

/// A host's place: the innermost block last. Looking ahead ([`Cursor::peek`]) never changes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    /// The blocks of the play's body, and which of them comes next.
    top: Arc<Vec<BlockId>>,
    next_top: usize,
    frames: Vec<Frame>,
    handlers: Option<HandlerRun>,
    failed: bool,
    complete: bool,
}

/// One open block. Entries are its own, as included tasks are put among them.
#[derive(Clone, Debug)]
struct Frame {
    entries: [Arc<Vec<Entry>>; 3],
    position: [usize; 3],
    section: Section,
    failed: [bool; 3],
    rescued: bool,
}

#[derive(Clone, Debug)]
struct HandlerRun {
    list: Arc<Vec<TaskId>>,
    position: usize,
}

/// What a cursor must know about its host to decide whether a task is for it.
pub(crate) trait Filter {
    /// Tags select the task, and its role is not already complete for this host.
    fn wanted(&self, task: TaskId) -> bool;
    /// The handler was notified for this host.
    fn notified(&self, handler: TaskId) -> bool;
}

impl Frame {
    fn open(graph: &TaskGraph, block: BlockId) -> Frame {
        let block = graph.block(block);
        let entries = |e: &Vec<Entry>| Arc::new(e.clone());
        Frame {
            entries: [entries(&block.body), entries(&block.rescue), entries(&block.always)],
            position: [0; 3],
            section: Section::Body,
            failed: [false; 3],
            rescued: false,
        }
    }

    fn next_entry(&mut self) -> Option<Entry> {
        let s = self.section as usize;
        let entry = self.entries[s].get(self.position[s]).copied();
        if entry.is_some() {
            self.position[s] += 1;
        }
        entry
    }

    fn any_failed(&self) -> bool {
        self.failed.iter().any(|f| *f)
    }

    /// A task or an inner block failed here. Gives whether this block goes on (with `rescue` or `always`).
    fn fail(&mut self) -> bool {
        let s = self.section;
        self.failed[s as usize] = true;
        let has = |section: Section| !self.entries[section as usize].is_empty();
        self.section = match s {
            Section::Body if has(Section::Rescue) => Section::Rescue,
            Section::Body | Section::Rescue if has(Section::Always) => Section::Always,
            _ => return false,
        };
        true
    }
}

impl Cursor {
    pub(crate) fn new(top: Arc<Vec<BlockId>>) -> Cursor {
        Cursor { top, ..Cursor::default() }
    }

    /// Failed for good: no `rescue` saved it.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn in_handlers(&self) -> bool {
        self.handlers.is_some()
    }

    /// The place after the next task, and that task; `None` when nothing is left.
    pub(crate) fn peek(&self, graph: &TaskGraph, filter: &dyn Filter) -> (Cursor, Option<TaskId>) {
        let mut ahead = self.clone();
        let task = ahead.advance(graph, filter);
        (ahead, task)
    }

    /// Moves to the next task that is for this host.
    pub(crate) fn advance(&mut self, graph: &TaskGraph, filter: &dyn Filter) -> Option<TaskId> {
        while !self.complete {
            if let Some(run) = &mut self.handlers {
                while let Some(&handler) = run.list.get(run.position) {
                    run.position += 1;
                    if filter.notified(handler) {
                        return Some(handler);
                    }
                }
                self.handlers = None;
            }
            let Some(frame) = self.frames.last_mut() else {
                match self.top.get(self.next_top) {
                    Some(&block) => {
                        self.next_top += 1;
                        self.frames.push(Frame::open(graph, block));
                    }
                    None => self.complete = true,
                }
                continue;
            };
            match frame.next_entry() {
                Some(Entry::Task(task)) if filter.wanted(task) => return Some(task),
                Some(Entry::Task(_)) => {}
                Some(Entry::Block(block)) => self.frames.push(Frame::open(graph, block)),
                None => self.end_section(),
            }
        }
        None
    }

    fn end_section(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        match frame.section {
            Section::Body => frame.section = Section::Always,
            Section::Rescue => {
                // The failure is forgiven only by a rescue that ran to its end.
                frame.failed = [false; 3];
                frame.rescued = true;
                frame.section = Section::Always;
            }
            Section::Always => {
                let failed = frame.any_failed();
                self.frames.pop();
                if failed {
                    self.unwind();
                }
            }
        }
    }

    /// Unwinds to the nearest `rescue` or `always`, else the host has failed.
    pub(crate) fn fail(&mut self) {
        self.handlers = None;
        self.unwind();
    }

    fn unwind(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if frame.fail() {
                return;
            }
            self.frames.pop();
        }
        self.failed = true;
        self.complete = true;
    }

    /// Ends the play for this host, without failure.
    pub(crate) fn end(&mut self) {
        self.handlers = None;
        self.frames.clear();
        self.complete = true;
    }

    /// Would a failure now be rescued by a block the host is in?
    pub(crate) fn is_rescuing(&self) -> bool {
        self.frames.iter().any(|f| f.section == Section::Body && !f.entries[Section::Rescue as usize].is_empty())
    }

    /// Forgets failures (`meta: clear_host_errors`).
    pub(crate) fn clear_errors(&mut self) {
        self.failed = false;
        for frame in &mut self.frames {
            frame.failed = [false; 3];
        }
    }

    /// Puts included blocks before what comes next.
    pub(crate) fn insert(&mut self, blocks: &[BlockId]) {
        let Some(frame) = self.frames.last_mut() else {
            if !self.complete && !blocks.is_empty() {
                let top = Arc::make_mut(&mut self.top);
                top.splice(self.next_top..self.next_top, blocks.iter().copied());
            }
            return;
        };
        if frame.section == Section::Body && frame.any_failed() {
            return;
        }
        let s = frame.section as usize;
        let at = frame.position[s];
        Arc::make_mut(&mut frame.entries[s]).splice(at..at, blocks.iter().map(|b| Entry::Block(*b)));
    }

    /// Puts included handlers next.
    pub(crate) fn insert_handlers(&mut self, handlers: &[TaskId]) {
        if let Some(run) = &mut self.handlers {
            let at = run.position;
            Arc::make_mut(&mut run.list).splice(at..at, handlers.iter().copied());
        }
    }

    /// Runs notified handlers of `list` before going on.
    pub(crate) fn flush(&mut self, list: Arc<Vec<TaskId>>) {
        if !self.complete {
            self.handlers = Some(HandlerRun { list, position: 0 });
        }
    }
}

/// All tasks below `entries`, in the order they are written: body, rescue, always.
pub(crate) fn tasks_of(graph: &TaskGraph, block: BlockId, into: &mut Vec<TaskId>) {
    let block = graph.block(block);
    for entry in block.body.iter().chain(&block.rescue).chain(&block.always) {
        match entry {
            Entry::Task(task) => into.push(*task),
            Entry::Block(inner) => tasks_of(graph, *inner, into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftl_playbook::graph::{BlockSpec, Keywords};

    struct All;
    impl Filter for All {
        fn wanted(&self, _: TaskId) -> bool {
            true
        }
        fn notified(&self, handler: TaskId) -> bool {
            handler.0 >= 100
        }
    }

    /// A block from a small notation: numbers are tasks, `[a|b|c]` is a block with body, rescue and always.
    fn parse(text: &str) -> (TaskGraph, Arc<Vec<BlockId>>) {
        fn block(chars: &mut std::iter::Peekable<std::str::Chars>, graph: &mut TaskGraph) -> BlockId {
            let mut parts: [Vec<Entry>; 3] = Default::default();
            let mut section = 0;
            while let Some(c) = chars.next() {
                match c {
                    '[' => {
                        let inner = block(chars, graph);
                        parts[section].push(Entry::Block(inner));
                    }
                    '|' => section += 1,
                    ']' => break,
                    c if c.is_ascii_digit() => parts[section].push(Entry::Task(TaskId(c as u32 - '0' as u32))),
                    _ => {}
                }
            }
            let id = BlockId(graph.blocks.len() as u32);
            let [body, rescue, always] = parts;
            graph.blocks.push(Arc::new(BlockSpec {
                id,
                parent: None,
                name: None,
                origin: None,
                implicit: false,
                body,
                rescue,
                always,
                role: None,
                ends_role: None,
                included_from: None,
                keywords: Arc::new(Keywords::default()),
            }));
            id
        }
        let mut graph = TaskGraph::default();
        let id = block(&mut text.chars().peekable(), &mut graph);
        (graph, Arc::new(vec![id]))
    }

    /// Walks `text` with the tasks in `failing` failing; gives the trace, then `ok` or `failed`.
    fn walk(text: &str, failing: &[u32]) -> String {
        let (graph, top) = parse(text);
        let mut cursor = Cursor::new(top);
        let mut trace = vec![];
        while let Some(task) = cursor.advance(&graph, &All) {
            trace.push(task.0.to_string());
            if failing.contains(&task.0) {
                cursor.fail();
            }
        }
        trace.push(if cursor.is_failed() { "failed" } else { "ok" }.into());
        trace.join(" ")
    }

    #[test]
    fn blocks_rescue_and_always() {
        for (text, failing, expected) in [
            ("1 2 3", &[][..], "1 2 3 ok"),
            ("1 2 3", &[2], "1 2 failed"),
            ("1[2 3|4|5]6", &[], "1 2 3 5 6 ok"),
            ("1[2 3|4|5]6", &[2], "1 2 4 5 6 ok"),
            ("1[2 3|4|5]6", &[2, 4], "1 2 4 5 failed"),
            ("1[2||5]6", &[2], "1 2 5 failed"),
            ("1[[2||3]|4]6", &[2], "1 2 3 4 6 ok"),
            ("1[2|[3|4]5]6", &[2, 3], "1 2 3 4 5 6 ok"),
            ("1[2|3|4]6", &[2, 4], "1 2 3 4 failed"),
            ("[[1|2]3|4]5", &[1, 3], "1 2 3 4 5 ok"),
            ("[1|[2||3]|4]5", &[1, 2], "1 2 3 4 failed"),
        ] {
            assert_eq!(walk(text, failing), expected, "{text} failing {failing:?}");
        }
    }

    #[test]
    fn peeking_changes_nothing_and_handlers_run_first() {
        let (graph, top) = parse("1 2");
        let mut cursor = Cursor::new(top);
        assert_eq!(cursor.advance(&graph, &All), Some(TaskId(1)));
        assert_eq!(cursor.peek(&graph, &All).1, Some(TaskId(2)));
        cursor.flush(Arc::new(vec![TaskId(99), TaskId(100)]));
        assert_eq!(cursor.advance(&graph, &All), Some(TaskId(100)));
        assert_eq!(cursor.advance(&graph, &All), Some(TaskId(2)));
        assert_eq!(cursor.advance(&graph, &All), None);
    }
}
