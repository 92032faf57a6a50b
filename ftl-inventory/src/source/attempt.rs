//! The kinds of source, and what each is given to try.

use std::path::{Path, PathBuf};

use ftl_core::source::{Diagnostic, Loader};

use super::{constructed, generator, host_list, ini, plugin, script, yaml};
use crate::draft::Draft;
use crate::settings::InventorySettings;

/// One source, offered to one kind.
pub(super) struct Attempt<'a> {
    /// As it is shown in messages: an absolute path, or a host list.
    pub(super) source: &'a str,
    pub(super) path: PathBuf,
    pub(super) settings: &'a InventorySettings,
    pub(super) loader: &'a Loader,
    /// The sources read so far.
    pub(super) processed: &'a [String],
}

/// A kind of source.
pub(super) struct Kind {
    /// Ansible's name of the inventory plugin.
    pub(super) name: &'static str,
    /// Does this look like one?
    pub(super) wants: fn(&Attempt<'_>) -> bool,
    pub(super) read: fn(&Attempt<'_>, &mut Draft<'_>) -> Result<(), Diagnostic>,
}

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "advanced_host_list", wants: host_list::wants, read: host_list::read_advanced },
    Kind { name: "auto", wants: plugin::wants_auto, read: plugin::read_auto },
    Kind { name: "constructed", wants: plugin::wants, read: constructed::read },
    Kind { name: "generator", wants: plugin::wants, read: generator::read },
    Kind { name: "host_list", wants: host_list::wants, read: host_list::read },
    Kind { name: "ini", wants: ini::wants, read: ini::read },
    Kind { name: "script", wants: script::wants, read: script::read },
    Kind { name: "toml", wants: wants_toml, read: read_toml },
    Kind { name: "yaml", wants: yaml::wants, read: yaml::read },
];

impl<'a> Attempt<'a> {
    pub(super) fn new(
        source: &'a str,
        settings: &'a InventorySettings,
        loader: &'a Loader,
        processed: &'a [String],
    ) -> Attempt<'a> {
        Attempt { source, path: settings.base_dir.join(source), settings, loader, processed }
    }

    pub(super) fn is_readable(&self) -> bool {
        rustix::fs::access(&self.path, rustix::fs::Access::READ_OK).is_ok()
    }

    pub(super) fn is_executable(&self) -> bool {
        rustix::fs::access(&self.path, rustix::fs::Access::EXEC_OK).is_ok()
    }

    /// The extension with its dot, or nothing, as Python's `splitext` sees it.
    pub(super) fn extension(&self) -> String {
        Path::new(self.source).extension().map(|ext| format!(".{}", ext.to_string_lossy())).unwrap_or_default()
    }
}

fn wants_toml(attempt: &Attempt<'_>) -> bool {
    attempt.is_readable() && attempt.extension() == ".toml"
}

fn read_toml(_: &Attempt<'_>, _: &mut Draft<'_>) -> Result<(), Diagnostic> {
    Err(Diagnostic::error("TOML inventories are not supported yet by FTL."))
}
