//! What the display is told.

use std::sync::Arc;
use std::time::Duration;

use ftl_core::mask::Masks;
use ftl_core::value::{Value, repr};
use ftl_output::{ColourNames, Colouring, LogSettings, OutputSettings, ResultFormat};

use crate::args::{Action, Program};
use crate::exit::Failure;
use crate::parts::Parts;

impl Parts<'_> {
    /// What templates and callers see as the display's settings.
    pub fn output(&self, program: &Program, display: &str) -> Result<OutputSettings, Failure> {
        let settings = self.settings;
        let surroundings = self.surroundings;
        let mut colours = ColourNames::default();
        for spec in ftl_core::settings::SETTINGS.iter().filter(|spec| spec.name.starts_with("COLOR_")) {
            if let Some(colour) = settings.text(spec.name) {
                colours.set(spec.name, &colour);
            }
        }
        let colouring = match (settings.flag("ANSIBLE_FORCE_COLOR"), settings.flag("ANSIBLE_NOCOLOR")) {
            (true, _) => Colouring::Always,
            (false, true) => Colouring::Never,
            (false, false) => Colouring::Auto,
        };
        let enabled: Vec<String> =
            settings.list("CALLBACKS_ENABLED").into_iter().filter(|name| !name.is_empty()).collect();
        let log = settings.path("DEFAULT_LOG_PATH").map(|path| LogSettings {
            path,
            verbosity: settings.number("LOG_VERBOSITY").map(|level| level.clamp(0, 255) as u8),
            user: surroundings.user.clone(),
        });
        let needs_times = log.is_some() || !enabled.is_empty();
        let extra = surroundings
            .env
            .iter()
            .filter(|(name, _)| name.starts_with("JUNIT_") || name.starts_with("PROFILE_TASKS_"))
            .map(|(name, value)| (name.clone(), value.clone()));
        Ok(OutputSettings {
            display: display.to_string(),
            enabled,
            verbosity: self.verbosity(),
            colouring,
            colours,
            columns: surroundings.columns,
            stdout_tty: surroundings.stdout_tty,
            stderr_tty: surroundings.stderr_tty,
            term: surroundings.env.get("TERM").cloned(),
            progress: surroundings
                .variable("FTL_PROGRESS")
                .is_none_or(|value| value != "0")
                .then_some(Duration::from_millis(500)),
            check: self.arguments.flag("check"),
            positional_arguments: self.arguments.positionals.clone(),
            option_arguments: self.shown_options(program),
            display_skipped_hosts: settings.flag("default.display_skipped_hosts"),
            display_ok_hosts: settings.flag("default.display_ok_hosts"),
            display_failed_stderr: settings.flag("default.display_failed_stderr"),
            show_per_host_start: settings.flag("default.show_per_host_start"),
            show_custom_stats: settings.flag("default.show_custom_stats"),
            check_mode_markers: settings.flag("default.check_mode_markers"),
            show_task_path_on_failure: settings.flag("default.show_task_path_on_failure"),
            display_args_to_stdout: settings.flag("DISPLAY_ARGS_TO_STDOUT"),
            result_format: settings
                .text("default.result_format")
                .unwrap_or_default()
                .parse::<ResultFormat>()
                .map_err(Failure::general)?,
            pretty_results: settings
                .is_given("default.pretty_results")
                .then(|| settings.flag("default.pretty_results")),
            diff_context: settings.number("DIFF_CONTEXT").unwrap_or(3).max(0) as usize,
            deprecation_warnings: settings.flag("DEPRECATION_WARNINGS"),
            verbose_to_stderr: settings.flag("VERBOSE_TO_STDERR"),
            log,
            time_zone: if needs_times { jiff::tz::TimeZone::system() } else { jiff::tz::TimeZone::UTC },
            extra: extra.collect(),
            read_file: Arc::new(|path| std::fs::read_to_string(path).ok()),
            masks: Arc::new(if self.is_strict() { Masks::off() } else { Masks::default() }),
            notes: vec![],
            writers: None,
        })
    }

    /// The options that have a value, for `-vvvv`.
    fn shown_options(&self, program: &Program) -> Vec<(String, String)> {
        let tuple = |texts: &[String]| {
            let items: Vec<Value> = texts.iter().map(|text| Value::str(text.as_str())).collect();
            repr(&Value::Tuple(items.into()))
        };
        let mut shown: Vec<(String, String)> = Vec::new();
        for option in program.options() {
            let texts = self.arguments.texts(option.name);
            let value = match (option.name, option.action) {
                ("verbosity", _) => self.verbosity().to_string(),
                ("forks", _) => self.number("forks", "DEFAULT_FORKS").to_string(),
                ("connection", _) => self.text("connection", "DEFAULT_TRANSPORT").unwrap_or_default(),
                ("become_method", _) => self.text("become_method", "DEFAULT_BECOME_METHOD").unwrap_or_default(),
                ("tags", Action::Append) if texts.is_empty() => "('all',)".into(),
                ("inventory", _) => tuple(&self.inventory_sources()),
                (_, Action::Append) if !texts.is_empty() => tuple(texts),
                (_, Action::Flag) if !texts.is_empty() => "True".into(),
                (_, Action::Text | Action::Number) if !texts.is_empty() => texts.join(","),
                _ => continue,
            };
            if !shown.iter().any(|(name, _)| name == option.name) {
                shown.push((option.name.to_string(), value));
            }
        }
        shown
    }
}
