//! Retry files: the hosts that failed, to be given to `--limit @file`, told just before the recap.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ftl_core::event::Event;
use ftl_core::port::EventSink;
use ftl_core::source::Diagnostic;
use ftl_output::Display;

/// Passes events on, and writes the retry file when a run ends with failures.
pub struct RetryFileSink {
    display: Arc<Display>,
    /// `retry_files_save_path`.
    directory: Option<PathBuf>,
    working_dir: PathBuf,
    playbook: Mutex<Option<String>>,
}

impl RetryFileSink {
    pub fn new(display: Arc<Display>, directory: Option<PathBuf>, working_dir: PathBuf) -> RetryFileSink {
        RetryFileSink { display, directory, working_dir, playbook: Mutex::default() }
    }

    fn write(&self, hosts: &[&str]) {
        let playbook = self.playbook.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let playbook = self.working_dir.join(playbook.unwrap_or_default());
        let directory = self.directory.clone().or_else(|| playbook.parent().map(Path::to_path_buf)).unwrap_or_default();
        let name = playbook.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let path = directory.join(format!("{name}.retry"));
        let text: String = hosts.iter().map(|host| format!("{host}\n")).collect();
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, text));
        match written {
            Ok(()) => self.display.line(&format!("\tto retry, use: --limit @{}\n", path.display())),
            Err(error) => self
                .display
                .message(&Diagnostic::warning(format!("Could not create retry file '{}'.\n\t{error}", path.display()))),
        }
    }
}

impl EventSink for RetryFileSink {
    fn emit(&self, event: Event) {
        match &event {
            Event::PlaybookStarted { file } => {
                *self.playbook.lock().unwrap_or_else(|e| e.into_inner()) = Some(file.clone());
            }
            Event::RunFinished { stats, .. } => {
                let failed = stats.iter().filter(|(_, stats)| stats.failed > 0 || stats.unreachable > 0);
                let hosts: Vec<&str> = failed.map(|(host, _)| host.as_ref()).collect();
                if !hosts.is_empty() {
                    self.write(&hosts);
                }
            }
            _ => {}
        }
        self.display.emit(event);
    }
}
