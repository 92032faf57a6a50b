//! Settings that ansible-core 2.19 still takes and warns of.

use super::Settings;
use crate::source::Diagnostic;

const UNUSED: &str = "This option is no longer used in the Ansible Core code base.";
const MOVED: &str = "This option was moved to the plugin itself";
const FROM_PLUGIN: &str = "Use the option from the plugin itself";
const NOTHING: &str = "There is no alternative at the moment. A different mechanism would have to be implemented in the \
                       current code base";

/// Setting, reason, what to use instead, and the version that will not know it.
const DEPRECATED: [(&str, &str, &str, &str); 11] = [
    ("ANSIBLE_CONNECTION_PATH", "This setting has no effect.", "none", "2.22"),
    (
        "DEFAULT_ALLOW_UNSAFE_LOOKUPS",
        UNUSED,
        "Lookup plugins are responsible for tagging strings containing templates to allow evaluation as a template",
        "2.23",
    ),
    (
        "DEFAULT_JINJA2_EXTENSIONS",
        "Jinja2 extensions have been deprecated",
        "Ansible-supported Jinja plugins (tests, filters, lookups)",
        "2.23",
    ),
    ("DEFAULT_JINJA2_NATIVE", UNUSED, "Jinja2 native mode is now the default and only option", "2.23"),
    ("DEFAULT_LIBVIRT_LXC_NOSECLABEL", MOVED, FROM_PLUGIN, "2.22"),
    (
        "DEFAULT_MANAGED_STR",
        "The `ansible_managed` variable can be set just like any other variable, or a different variable can be used.",
        "Set the `ansible_managed` variable, or use any custom variable in templates",
        "2.23",
    ),
    ("DEFAULT_NULL_REPRESENTATION", UNUSED, NOTHING, "2.23"),
    ("DEFAULT_UNDEFINED_VAR_BEHAVIOR", UNUSED, NOTHING, "2.23"),
    ("PARAMIKO_HOST_KEY_AUTO_ADD", MOVED, FROM_PLUGIN, "2.20"),
    ("PARAMIKO_LOOK_FOR_KEYS", MOVED, FROM_PLUGIN, "2.20"),
    (
        "STRING_TYPE_FILTERS",
        "This option has no effect.",
        "None; native types returned from filters are always preserved",
        "2.23",
    ),
];

impl Settings {
    /// What to say about deprecated settings that environment or file give.
    pub fn deprecated(&self) -> Vec<Diagnostic> {
        let given = DEPRECATED.iter().filter(|(name, ..)| self.is_given(name));
        given
            .map(|(name, reason, instead, version)| {
                Diagnostic::deprecation(format!(
                    "{name} option. Reason: {reason}\nAlternatives: {instead}. This feature will be removed from \
                     ansible-core version {version}."
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SETTINGS;
    use super::*;

    #[test]
    fn deprecated_settings_exist_and_are_sorted() {
        assert!(DEPRECATED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, ..) in DEPRECATED {
            assert!(SETTINGS.iter().any(|spec| spec.name == name), "{name}");
        }
    }
}
