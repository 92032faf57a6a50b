//! The one place that writes: colours, masks and cleans text, and keeps stdout, stderr, the log and the live line apart.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use ftl_core::mask::Masks;
use ftl_core::source::{Diagnostic, Severity, render};

use crate::banner::banner;
use crate::colour::{Painter, Tone};
use crate::log::{Level, Log};
use crate::progress::LiveLine;
use crate::settings::{FileReader, OutputSettings, Writer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Where a line goes besides its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    Everywhere,
    ScreenOnly,
    LogOnly,
}

pub(crate) struct Screen {
    out: Sink,
    err: Sink,
    pub(crate) painter: Painter,
    pub(crate) verbosity: u8,
    width: usize,
    masks: Arc<Masks>,
    /// Secrets are what was asked for: the screen shows them, files never do.
    pub(crate) reveals: bool,
    log: Option<Log>,
    pub(crate) live: LiveLine,
    seen: [HashSet<String>; 3],
    read_file: FileReader,
    deprecation_warnings: bool,
    verbose_stream: Stream,
}

impl Screen {
    pub(crate) fn new(settings: &mut OutputSettings) -> Screen {
        let (out, err) = match settings.writers.take() {
            Some(writers) => writers,
            None => (writer(std::io::stdout().as_fd()), writer(std::io::stderr().as_fd())),
        };
        let terminal = settings.stdout_tty && settings.term.as_deref().is_some_and(|t| !t.is_empty() && t != "dumb");
        // One column less: a full line may wrap, and would not be cleared then.
        let line_width = settings.columns.map_or(78, |columns| (columns as usize).saturating_sub(1));
        let mut screen = Screen {
            out: Sink::new(out, settings.stdout_tty),
            err: Sink::new(err, settings.stderr_tty),
            painter: Painter::new(settings.coloured(), &settings.colours),
            verbosity: settings.verbosity,
            width: settings.width(),
            masks: settings.masks.clone(),
            reveals: false,
            log: None,
            live: LiveLine::new(settings.progress.filter(|_| terminal), line_width, settings.masks.clone()),
            seen: Default::default(),
            read_file: settings.read_file.clone(),
            deprecation_warnings: settings.deprecation_warnings,
            verbose_stream: if settings.verbose_to_stderr { Stream::Err } else { Stream::Out },
        };
        if let Some(log) = &settings.log {
            match Log::open(log, settings.verbosity, settings.time_zone.clone()) {
                Ok(log) => screen.log = Some(log),
                Err(problem) => screen.message(&problem),
            }
        }
        screen
    }

    /// A line of output in the colour of its meaning.
    pub(crate) fn line(&mut self, text: &str, tone: Tone) {
        self.show(text, Some(tone), Stream::Out, Reach::Everywhere, Level::Info);
    }

    pub(crate) fn line_to(&mut self, text: &str, tone: Tone, stream: Stream) {
        self.show(text, Some(tone), stream, Reach::Everywhere, Level::Info);
    }

    /// A line that is not logged.
    pub(crate) fn screen_line(&mut self, text: &str, tone: Option<Tone>) {
        self.show(text, tone, Stream::Out, Reach::ScreenOnly, Level::Info);
    }

    pub(crate) fn plain(&mut self, text: &str) {
        self.show(text, None, Stream::Out, Reach::Everywhere, Level::Info);
    }

    /// Text that brings its colours along, and the same without them for the log.
    pub(crate) fn painted(&mut self, painted: &str, plain: &str) {
        let mut line = self.shown(painted.replace("\r\n", "\n"));
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.live.clear(&mut self.out);
        self.out.write(&line);
        self.show(plain, None, Stream::Out, Reach::LogOnly, Level::Info);
    }

    pub(crate) fn banner(&mut self, text: &str) {
        let line = banner(text, self.width);
        self.plain(&line);
    }

    /// `-v` text: shown, and logged, from its level on.
    pub(crate) fn verbose(&mut self, level: u8, host: Option<&str>, text: &str) {
        let text = match host {
            Some(host) => format!("<{host}> {text}"),
            None => text.to_string(),
        };
        if self.verbosity >= level {
            let stream = self.verbose_stream;
            self.line_to(&text, Tone::Verbose, stream);
        } else if self.log.as_ref().is_some_and(|log| log.verbosity >= level) {
            self.show(&text, None, Stream::Out, Reach::LogOnly, Level::Info);
        }
    }

    /// A warning, deprecation or error outside a task's result: on stderr, once.
    pub(crate) fn message(&mut self, diagnostic: &Diagnostic) {
        self.message_to(diagnostic, Stream::Err);
    }

    /// Errors may go elsewhere: those of tasks are a part of the output.
    pub(crate) fn message_to(&mut self, diagnostic: &Diagnostic, errors: Stream) {
        let (label, tone, stream, level) = match diagnostic.severity {
            Severity::Error => ("ERROR", Tone::Error, errors, Level::Error),
            Severity::Warning => ("WARNING", Tone::Warn, Stream::Err, Level::Warning),
            Severity::Deprecation => ("DEPRECATION WARNING", Tone::Deprecate, Stream::Err, Level::Info),
        };
        if diagnostic.severity == Severity::Deprecation {
            if !self.deprecation_warnings {
                return;
            }
            self.message(&Diagnostic::warning(
                "Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.",
            ));
        }
        let text = format!("[{label}]: {}", self.diagnostic_text(diagnostic));
        if self.seen[diagnostic.severity as usize].insert(text.clone()) {
            self.show(&text, Some(tone), stream, Reach::Everywhere, level);
        }
    }

    /// More than a line ends in an empty one.
    fn diagnostic_text(&self, diagnostic: &Diagnostic) -> String {
        render(diagnostic, &*self.read_file) + "\n"
    }

    fn show(&mut self, text: &str, tone: Option<Tone>, stream: Stream, reach: Reach, level: Level) {
        let text = text.replace("\r\n", "\n");
        if reach != Reach::LogOnly {
            let text = self.shown(text.clone());
            self.live.clear(&mut self.out);
            if stream == Stream::Err {
                self.out.flush();
            }
            let sink = if stream == Stream::Out { &mut self.out } else { &mut self.err };
            let body = text.strip_suffix('\n').unwrap_or(&text);
            let safe = if sink.terminal { without_controls(body) } else { body.to_string() };
            match tone {
                Some(tone) if self.painter.is_coloured() => sink.write(&self.painter.paint(&safe, tone)),
                _ => sink.write(&safe),
            }
            sink.write("\n");
            if stream == Stream::Err {
                self.err.flush();
            }
        }
        if reach != Reach::ScreenOnly
            && let Some(log) = &mut self.log
        {
            let error = log.write(&self.masks.apply(text), level);
            if let Some(error) = error {
                self.message(&Diagnostic::warning(format!("The log file could not be written: {error}")));
            }
        }
    }

    /// Text for the screen.
    fn shown(&self, text: String) -> String {
        if self.reveals { text } else { self.masks.apply(text) }
    }

    /// Text for files that other programs read.
    pub(crate) fn masked(&self, text: String) -> String {
        self.masks.apply(text)
    }

    /// The part of a text that may be shown raw: on a terminal, control characters could act on it.
    pub(crate) fn safe(&self, text: &str) -> String {
        if self.out.terminal { without_controls(text) } else { text.to_string() }
    }

    /// Everything an event had to say goes out at once, and the live line comes back below it.
    pub(crate) fn flush(&mut self) {
        self.live.draw(&mut self.out);
        self.out.flush();
        self.err.flush();
    }

    /// Lets another process write: everything said so far is out, and the live line away.
    pub(crate) fn give_way(&mut self) {
        self.live.clear(&mut self.out);
        self.out.flush();
        self.err.flush();
    }

    pub(crate) fn hide_progress(&mut self, hidden: bool) {
        self.live.hide(hidden, &mut self.out);
        self.out.flush();
    }

    /// The first error of writing to stdout other than "nobody reads it".
    pub(crate) fn lost(&self) -> Option<String> {
        self.out.lost.clone()
    }
}

/// Control characters, but for line ends and tabs, can do things to a terminal that nobody asked for.
fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn writer(fd: std::os::fd::BorrowedFd<'_>) -> Writer {
    match fd.try_clone_to_owned() {
        Ok(fd) => Box::new(File::from(fd)),
        Err(_) => Box::new(std::io::sink()),
    }
}

/// A stream that gathers what one event says. Errors are remembered and never end a run.
pub(crate) struct Sink {
    writer: Writer,
    held: Vec<u8>,
    terminal: bool,
    closed: bool,
    lost: Option<String>,
}

impl Sink {
    fn new(writer: Writer, terminal: bool) -> Sink {
        Sink { writer, held: vec![], terminal, closed: false, lost: None }
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.held.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn flush(&mut self) {
        let mut rest = &self.held[..];
        while !rest.is_empty() && !self.closed {
            match self.writer.write(rest) {
                Ok(0) => self.closed = true,
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Someone made the stream non-blocking; what we say must not be lost for it.
                Err(e) if e.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(2)),
                Err(e) if e.kind() == ErrorKind::BrokenPipe => self.closed = true,
                Err(e) => {
                    self.lost.get_or_insert(e.to_string());
                    break;
                }
            }
        }
        self.held.clear();
        let _ = self.writer.flush();
    }
}
