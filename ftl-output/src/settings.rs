//! What displays are told: plain values that the command line gathers from options, configuration and the terminal.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ftl_core::mask::Masks;
use ftl_core::source::Diagnostic;

use crate::colour::Tone;

/// Gives the text of a source file, for excerpts in messages.
pub type FileReader = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A stream of the process, or what stands for it.
pub type Writer = Box<dyn Write + Send + Sync>;

/// Everything a display may depend on. The defaults are those of Ansible when its output goes into a pipe.
pub struct OutputSettings {
    /// `stdout_callback` (`-o` and ad-hoc runs say `oneline` and `minimal`).
    pub display: String,
    /// `callbacks_enabled`.
    pub enabled: Vec<String>,
    pub verbosity: u8,
    pub colouring: Colouring,
    pub colours: ColourNames,
    /// The terminal's columns when stdout is one.
    pub columns: Option<u16>,
    pub stdout_tty: bool,
    pub stderr_tty: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// Show a live line below the output (only ever on a terminal) once a task has been running for so long.
    pub progress: Option<Duration>,
    /// `--check`, for the `DRY RUN` banners.
    pub check: bool,
    /// At `-vvvv`: positional arguments, and options that are set, as shown.
    pub positional_arguments: Vec<String>,
    pub option_arguments: Vec<(String, String)>,
    pub display_skipped_hosts: bool,
    pub display_ok_hosts: bool,
    pub display_failed_stderr: bool,
    pub show_per_host_start: bool,
    pub show_custom_stats: bool,
    pub check_mode_markers: bool,
    pub show_task_path_on_failure: bool,
    pub display_args_to_stdout: bool,
    pub result_format: ResultFormat,
    /// `callback_format_pretty`; `None` when not set.
    pub pretty_results: Option<bool>,
    pub diff_context: usize,
    pub deprecation_warnings: bool,
    pub verbose_to_stderr: bool,
    pub log: Option<LogSettings>,
    /// For the times in the log and in `profile_tasks`.
    pub time_zone: jiff::tz::TimeZone,
    /// `JUNIT_*` and `PROFILE_TASKS_*`: settings of the extra displays, by name of the environment variable.
    pub extra: std::collections::BTreeMap<String, String>,
    pub read_file: FileReader,
    /// What is never shown, and never logged.
    pub masks: Arc<Masks>,
    /// Messages from before there was a display: they are printed first.
    pub notes: Vec<Diagnostic>,
    /// Where output goes instead of the process's stdout and stderr: for tests.
    pub writers: Option<(Writer, Writer)>,
}

impl Default for OutputSettings {
    fn default() -> OutputSettings {
        OutputSettings {
            display: "default".into(),
            enabled: vec![],
            verbosity: 0,
            colouring: Colouring::Auto,
            colours: ColourNames::default(),
            columns: None,
            stdout_tty: false,
            stderr_tty: false,
            term: None,
            progress: None,
            check: false,
            positional_arguments: vec![],
            option_arguments: vec![],
            display_skipped_hosts: true,
            display_ok_hosts: true,
            display_failed_stderr: false,
            show_per_host_start: false,
            show_custom_stats: false,
            check_mode_markers: false,
            show_task_path_on_failure: false,
            display_args_to_stdout: false,
            result_format: ResultFormat::Json,
            pretty_results: None,
            diff_context: 3,
            deprecation_warnings: true,
            verbose_to_stderr: false,
            log: None,
            time_zone: jiff::tz::TimeZone::UTC,
            extra: Default::default(),
            read_file: Arc::new(|_| None),
            masks: Arc::default(),
            notes: vec![],
            writers: None,
        }
    }
}

impl OutputSettings {
    /// Ansible's rule: `force_color` beats all, then `nocolor`, then whether stdout is a terminal that knows colours.
    pub(crate) fn coloured(&self) -> bool {
        match self.colouring {
            Colouring::Always => true,
            Colouring::Never => false,
            Colouring::Auto => self.stdout_tty && self.term.as_deref().is_some_and(|t| !t.is_empty() && t != "dumb"),
        }
    }

    /// Ansible's width: the terminal's less one, at least 79.
    pub(crate) fn width(&self) -> usize {
        match self.columns {
            Some(columns) if self.stdout_tty => (columns as usize).saturating_sub(1).max(79),
            _ => 79,
        }
    }
}

/// `force_color` and `nocolor` (`NO_COLOR`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Colouring {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ResultFormat {
    #[default]
    Json,
    Yaml,
}

impl std::str::FromStr for ResultFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<ResultFormat, String> {
        match text {
            "json" => Ok(ResultFormat::Json),
            "yaml" => Ok(ResultFormat::Yaml),
            other => Err(format!("Unsupported result_format {other:?}.")),
        }
    }
}

/// `log_path` and what belongs to it.
#[derive(Clone, Debug)]
pub struct LogSettings {
    pub path: PathBuf,
    /// `log_verbosity`; `None` follows the verbosity of the screen.
    pub verbosity: Option<u8>,
    pub user: String,
}

/// The `COLOR_*` settings by tone.
#[derive(Clone, Debug)]
pub struct ColourNames([String; Tone::COUNT]);

impl Default for ColourNames {
    fn default() -> ColourNames {
        ColourNames(std::array::from_fn(|i| Tone::TABLE[i].2.to_string()))
    }
}

impl ColourNames {
    /// Sets `COLOR_OK` and its like; says whether the setting exists here.
    pub fn set(&mut self, setting: &str, colour: &str) -> bool {
        match Tone::TABLE.iter().position(|row| row.1 == setting) {
            Some(i) => {
                self.0[i] = colour.to_string();
                true
            }
            None => false,
        }
    }

    pub(crate) fn get(&self, tone: Tone) -> &str {
        &self.0[tone as usize]
    }
}
