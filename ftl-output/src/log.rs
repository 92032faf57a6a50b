//! The log file (`log_path`): what the screen showed, one record per message, never coloured.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use ftl_core::source::Diagnostic;

use crate::settings::LogSettings;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    Info,
    Warning,
    Error,
}

pub(crate) struct Log {
    file: File,
    user: String,
    zone: jiff::tz::TimeZone,
    /// Verbose messages up to this level are logged, when more than the screen shows.
    pub(crate) verbosity: u8,
    failed: bool,
}

impl Log {
    /// The file is appended to; only its owner can read it when it is made here.
    pub(crate) fn open(settings: &LogSettings, verbosity: u8, zone: jiff::tz::TimeZone) -> Result<Log, Diagnostic> {
        let path = settings.path.display();
        if settings.path.is_dir() {
            return Err(Diagnostic::warning(format!("DEFAULT_LOG_PATH can not be a directory '{path}', aborting")));
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&settings.path).map_err(|_| {
            Diagnostic::warning(format!("log file at '{path}' is not writeable and we cannot create it, aborting"))
        })?;
        let verbosity = settings.verbosity.map_or(verbosity, |v| v.max(verbosity));
        Ok(Log { file, user: settings.user.clone(), zone, verbosity, failed: false })
    }

    /// The first error of writing: told once.
    pub(crate) fn write(&mut self, text: &str, level: Level) -> Option<std::io::Error> {
        let now = jiff::Timestamp::now().to_zoned_datetime(self.zone.clone());
        let level = match level {
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        };
        let record = format!(
            "{},{:03} p={} u={} n=ansible {level}| {}\n",
            now.strftime("%Y-%m-%d %H:%M:%S"),
            now.millisecond(),
            std::process::id(),
            self.user,
            text.trim_start_matches('\n')
        );
        // A full disk must not end a run: the screen still shows everything.
        self.file.write_all(record.as_bytes()).err().filter(|_| !std::mem::replace(&mut self.failed, true))
    }
}
