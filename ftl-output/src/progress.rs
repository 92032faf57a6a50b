//! The live line: on a terminal, one line below the output says what is going on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::event::Event;
use ftl_core::mask::Masks;

use unicode_width::UnicodeWidthChar;

use crate::screen::Sink;

const CLEAR: &str = "\r\x1b[K";

/// What is running now. Drawn after each event and every tick; cleared before anything is printed.
pub(crate) struct LiveLine {
    /// How long a task runs before it is shown: what is quick shall not flicker. `None`: never.
    patience: Option<Duration>,
    width: usize,
    drawn: bool,
    hidden: bool,
    started: Instant,
    task: String,
    task_started: Instant,
    hosts: usize,
    done: usize,
    running: HashSet<Arc<str>>,
    masks: Arc<Masks>,
}

impl LiveLine {
    pub(crate) fn new(patience: Option<Duration>, width: usize, masks: Arc<Masks>) -> LiveLine {
        let now = Instant::now();
        LiveLine {
            patience,
            width,
            drawn: false,
            hidden: false,
            started: now,
            task: String::new(),
            task_started: now,
            hosts: 0,
            done: 0,
            running: HashSet::new(),
            masks,
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.patience.is_some()
    }

    pub(crate) fn note(&mut self, event: &Event) {
        if self.patience.is_none() {
            return;
        }
        match event {
            Event::PlayStarted { hosts, .. } => {
                self.hosts = *hosts;
                self.task.clear();
                self.running.clear();
            }
            Event::TaskStarted(task) => {
                self.task = task.title.clone();
                self.task_started = Instant::now();
                self.done = 0;
                self.running.clear();
            }
            Event::HostStarted { host, .. } => {
                self.running.insert(host.clone());
            }
            Event::HostFinished(result) => {
                self.running.remove(&result.host);
                self.done += 1;
            }
            Event::RunFinished { .. } => {
                self.task.clear();
                self.running.clear();
            }
            _ => {}
        }
    }

    /// While someone is asked something, the line stays away.
    pub(crate) fn hide(&mut self, hidden: bool, out: &mut Sink) {
        self.hidden = hidden;
        if hidden {
            self.clear(out);
        } else {
            self.draw(out);
        }
    }

    pub(crate) fn clear(&mut self, out: &mut Sink) {
        if self.drawn {
            out.write(CLEAR);
            self.drawn = false;
        }
    }

    pub(crate) fn draw(&mut self, out: &mut Sink) {
        let due = self.patience.is_some_and(|patience| self.task_started.elapsed() >= patience);
        if !due || self.hidden || self.task.is_empty() || self.running.is_empty() {
            return;
        }
        out.write(CLEAR);
        out.write(&self.text());
        self.drawn = true;
    }

    fn text(&self) -> String {
        let mut running: Vec<&str> = self.running.iter().map(|h| &**h).collect();
        running.sort_unstable();
        let text = format!(
            "[{}] {} | {}/{} hosts done, {} running for {}: {}",
            clock(self.started),
            self.task,
            self.done,
            self.hosts.max(self.done + running.len()),
            running.len(),
            clock(self.task_started),
            running.join(", ")
        );
        let mut left = self.width;
        let fits = |c: &char| {
            let width = c.width().unwrap_or(0);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        };
        self.masks.apply(text).chars().filter(|c| !c.is_control()).take_while(fits).collect()
    }
}

fn clock(since: Instant) -> String {
    let seconds = since.elapsed().as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
