//! The event sink of a run: one lock, one screen, the display that was chosen and the extra ones.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ftl_core::event::Event;
use ftl_core::mask::Masks;
use ftl_core::port::EventSink;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;

use crate::human::is_debug;
use crate::screen::Screen;
use crate::settings::OutputSettings;
use crate::table;

/// A display: a fold over events that writes to the screen.
pub(crate) trait View: Send {
    fn show(&mut self, event: &Event, screen: &mut Screen);

    /// The run is over, however it ended.
    fn finish(&mut self, _screen: &mut Screen) {}
}

/// Shows a run. Everything it says goes through one lock, in the order in which it was said.
pub struct Display {
    state: Arc<Mutex<State>>,
    masks: Arc<Masks>,
}

struct State {
    screen: Screen,
    /// What the views are made from, until the run begins.
    settings: Option<OutputSettings>,
    views: Vec<Box<dyn View>>,
    /// Callback plugins in Python: they see every event, after the views.
    callbacks: Option<Callbacks>,
    /// What the default display is made from, should the `stdout_callback` be lost.
    spare: Option<Arc<OutputSettings>>,
    /// The screens that were not chosen; at `-vv`, a run begins with saying so.
    others: Vec<&'static str>,
    finished: bool,
}

/// Callback plugins that run elsewhere.
pub struct Callbacks {
    /// Shows them an event (`true`: with its secrets), and waits for them; the answer is why they are lost.
    pub show: Box<dyn FnMut(&Event, bool) -> Option<Diagnostic> + Send>,
    /// One of them is the `stdout_callback`.
    pub screen: bool,
    /// Displays of ours that they stand for.
    pub instead_of: Vec<String>,
}

/// Makes the screen; what fills it is decided by [`Display::begin`].
pub fn open(mut settings: OutputSettings) -> Arc<Display> {
    let masks = settings.masks.clone();
    let mut screen = Screen::new(&mut settings);
    for note in std::mem::take(&mut settings.notes) {
        screen.message(&note);
    }
    screen.flush();
    let ticking = screen.live.is_enabled();
    let state = State {
        screen,
        settings: Some(settings),
        views: vec![],
        callbacks: None,
        spare: None,
        others: vec![],
        finished: false,
    };
    let state = Arc::new(Mutex::new(state));
    if ticking {
        tick(&state);
    }
    Arc::new(Display { state, masks })
}

impl State {
    fn add_extras(&mut self, settings: &Arc<OutputSettings>) {
        for name in &settings.enabled {
            match table::extra(name, settings) {
                Ok(Some(view)) => self.views.push(view),
                Ok(None) => {}
                Err(note) => self.screen.message(&note),
            }
        }
    }
}

/// Redraws the live line until the run, or its display, is gone.
fn tick(state: &Arc<Mutex<State>>) {
    let state = Arc::downgrade(state);
    // No thread, no ticking: the line then moves with events only.
    let _ = std::thread::Builder::new().name("live line".into()).spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let Some(state) = state.upgrade() else { return };
            let mut state = lock(&state);
            if state.finished {
                return;
            }
            state.screen.flush();
        }
    });
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(|e| e.into_inner())
}

impl Display {
    /// Makes the displays the settings ask for, before the first event; the error names one that FTL does not have.
    pub fn begin(&self, callbacks: Option<Callbacks>) -> Result<(), Diagnostic> {
        let mut state = lock(&self.state);
        let Some(mut settings) = state.settings.take() else { return Ok(()) };
        let replaced = callbacks.as_ref().map_or(&[][..], |callbacks| &callbacks.instead_of[..]);
        settings.enabled.retain(|name| !replaced.contains(name));
        if callbacks.as_ref().is_none_or(|callbacks| !callbacks.screen) {
            for note in table::resolve(&mut settings) {
                state.screen.message(&note);
            }
            let settings = Arc::new(settings);
            state.views.push(table::view(&settings)?);
            // The process of the plugins says so itself.
            state.others = if callbacks.is_none() { table::others(&settings) } else { vec![] };
            state.add_extras(&settings);
        } else {
            settings.display = "default".into();
            let settings = Arc::new(settings);
            state.add_extras(&settings);
            state.spare = Some(settings);
        }
        state.callbacks = callbacks;
        state.screen.flush();
        Ok(())
    }

    /// A warning, deprecation or error that belongs to no event: printed like all others, and once.
    pub fn message(&self, diagnostic: &Diagnostic) {
        let mut state = lock(&self.state);
        state.screen.message(diagnostic);
        state.screen.flush();
    }

    /// `[ERROR]: text` on stderr: how programs say why they end.
    pub fn error_text(&self, text: &str) {
        self.message(&Diagnostic::error(text));
    }

    /// `-v` text outside of events.
    pub fn verbose(&self, level: u8, text: &str) {
        let mut state = lock(&self.state);
        state.screen.verbose(level, None, text);
        state.screen.flush();
    }

    /// A line as it is, on stdout.
    pub fn line(&self, text: &str) {
        let mut state = lock(&self.state);
        state.screen.plain(text);
        state.screen.flush();
    }

    /// Secrets go here; from then on they are masked.
    pub fn masks(&self) -> &Arc<Masks> {
        &self.masks
    }

    /// Keeps the live line away (`true`) while someone is asked something on the terminal.
    pub fn hide_progress(&self, hidden: bool) {
        lock(&self.state).screen.hide_progress(hidden);
    }

    /// Ends the output: summaries are written, the live line is gone. The text is why output was lost, if it was.
    pub fn finish(&self) -> Option<String> {
        let mut state = lock(&self.state);
        let State { screen, views, finished, .. } = &mut *state;
        if !*finished {
            *finished = true;
            screen.hide_progress(true);
            for view in views.iter_mut() {
                view.finish(screen);
            }
            screen.flush();
        }
        screen.lost()
    }
}

/// What `debug` shows is what its author wants to see, secrets included.
fn is_asked_for(event: &Event) -> bool {
    match event {
        Event::ItemFinished(result) | Event::HostFinished(result) => {
            is_debug(result) && matches!(result.status, Status::Ok | Status::Changed)
        }
        _ => false,
    }
}

impl EventSink for Display {
    fn emit(&self, event: Event) {
        let mut state = lock(&self.state);
        let State { screen, views, callbacks, spare, others, .. } = &mut *state;
        let hidden = matches!(&event, Event::TaskStarted(task) if task.implicit);
        if !hidden {
            screen.live.note(&event);
        }
        if let Event::PlaybookStarted { .. } | Event::PlayStarted { .. } = &event {
            for name in others.drain(..) {
                let text = format!("Skipping callback '{name}', as we already have a stdout callback.");
                screen.verbose(2, None, &text);
            }
        }
        match &event {
            Event::Message(diagnostic) => screen.message(diagnostic),
            Event::Verbose { level, host, text } => screen.verbose(*level, host.as_deref(), text),
            Event::Meta { text } => screen.verbose(2, None, &format!("META: {}", text.trim_start_matches("META: "))),
            _ => {
                screen.reveals = is_asked_for(&event);
                if !hidden {
                    views.iter_mut().for_each(|view| view.show(&event, screen));
                }
                if let Some(callbacks) = callbacks {
                    // They write to the same terminal.
                    screen.give_way();
                    if let Some(lost) = (callbacks.show)(&event, screen.reveals) {
                        screen.message(&lost);
                        if let Some(Ok(view)) = spare.take().map(|settings| table::view(&settings)) {
                            views.insert(0, view);
                        }
                    }
                }
                screen.reveals = false;
            }
        }
        if self.masks.take_overflow() {
            screen.message(&Diagnostic::warning("There are too many secrets: some of them may be shown."));
        }
        screen.flush();
    }
}
