//! Options that ansible-core 2.19 still takes and warns of.

use ftl_core::source::Diagnostic;

use crate::args::Arguments;

/// Flags, and what to use instead.
const DEPRECATED: [(&[&str], &str); 2] = [
    (&["--inventory-file"], "-i or --inventory"),
    (&["-o", "--one-line"], "callback configuration to enable the oneline callback"),
];

/// What to say about the options that were used, in their order.
pub fn deprecated_options(arguments: &Arguments) -> Vec<Diagnostic> {
    let warning = |flag: &String| {
        let (_, instead) = DEPRECATED.iter().find(|(flags, _)| flags.contains(&flag.as_str()))?;
        let text = format!(
            "The '{flag}' argument is deprecated. This feature will be removed from ansible-core version 2.23."
        );
        Some(Diagnostic::deprecation(text).hint(format!("Use {instead} instead.")))
    };
    arguments.flags_used.iter().filter_map(warning).collect()
}
