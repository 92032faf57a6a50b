//! The displays by name: one line each.

use std::sync::Arc;

use ftl_core::source::Diagnostic;

use crate::display::View;
use crate::extra::{Junit, ProfileTasks, Timer};
use crate::human::{Default, Minimal, Oneline};
use crate::settings::{OutputSettings, ResultFormat};

type Make = fn(Arc<OutputSettings>) -> Box<dyn View>;

/// Name, maker: what `stdout_callback` can say.
const SCREENS: [(&str, Make); 3] = [
    ("default", |settings| Box::new(Default::new(settings))),
    ("minimal", |settings| Box::new(Minimal::new(settings))),
    ("oneline", |settings| Box::new(Oneline::new(settings))),
];

/// What `callbacks_enabled` can say.
const EXTRAS: [(&str, Make); 3] = [
    ("junit", |settings| Box::new(Junit::new(settings))),
    ("profile_tasks", |settings| Box::new(ProfileTasks::new(settings))),
    ("timer", |_| Box::new(Timer::new())),
];

/// Collections whose displays are built in, or replaced by a setting.
const PREFIXES: [&str; 4] = ["ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."];

fn short(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Is there a display of ours for this `stdout_callback`, and does it do exactly what Ansible's does?
pub fn has_screen(name: &str) -> bool {
    SCREENS.iter().any(|(known, _)| *known == short(name))
}

/// Is there a display of ours for this entry of `callbacks_enabled`?
pub fn has_extra(name: &str) -> bool {
    EXTRAS.iter().any(|(known, _)| *known == short(name.trim()))
}

/// Replaces displays that are settings of the default one; the answer is what to tell the user.
pub(crate) fn resolve(settings: &mut OutputSettings) -> Vec<Diagnostic> {
    let name = short(&settings.display).to_string();
    let mut notes = vec![];
    match name.as_str() {
        "yaml" | "debug" => {
            notes.push(Diagnostic::warning(format!(
                "The callback plugin '{}' is shown as 'default' with `result_format=yaml`.",
                settings.display
            )));
            settings.result_format = ResultFormat::Yaml;
            settings.display = "default".into();
        }
        "oneline" => notes.push(Oneline::note()),
        _ => {}
    }
    notes
}

pub(crate) fn view(settings: &Arc<OutputSettings>) -> Result<Box<dyn View>, Diagnostic> {
    let name = short(&settings.display);
    match SCREENS.iter().find(|(known, _)| *known == name) {
        Some((_, make)) => Ok(make(settings.clone())),
        None => Err(Diagnostic::error(format!("Could not load '{}' callback plugin.", settings.display))),
    }
}

/// The screens that are not the chosen one.
pub(crate) fn others(settings: &OutputSettings) -> Vec<&'static str> {
    let chosen = short(&settings.display);
    SCREENS.iter().map(|(name, _)| *name).filter(|name| *name != chosen).collect()
}

/// An extra display; none for names of screens, which are skipped as Ansible does. The error is a warning to print.
pub(crate) fn extra(name: &str, settings: &Arc<OutputSettings>) -> Result<Option<Box<dyn View>>, Diagnostic> {
    let bare = short(name.trim());
    if SCREENS.iter().any(|(known, _)| *known == bare) {
        return Ok(None);
    }
    match EXTRAS.iter().find(|(known, _)| *known == bare) {
        Some((_, make)) => Ok(Some(make(settings.clone()))),
        None => Err(Diagnostic::warning(format!("Skipping callback plugin '{name}', unable to load"))),
    }
}
