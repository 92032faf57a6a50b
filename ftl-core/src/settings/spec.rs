//! What is known of one setting.

/// A setting as the tables have it.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Ansible's constant, or `plugin.option`.
    pub name: &'static str,
    /// Environment variables, separated by spaces; the last one that is set wins.
    env: &'static str,
    /// `section.key`, separated by spaces; the last one that is set wins.
    ini: &'static str,
    pub kind: Kind,
    /// As text; the items of a list are separated by spaces, `{HOME}` is `ANSIBLE_HOME`.
    pub default: Option<&'static str>,
    choices: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text that is taken as it is.
    Any,
    Bool,
    Float,
    Int,
    /// The same under Ansible's other name for it.
    Integer,
    /// Separated by commas.
    List,
    /// A dict no text can give.
    Pairs,
    Path,
    /// Paths separated by commas.
    PathList,
    /// Paths separated by colons.
    PathSpec,
    Text,
}

impl Kind {
    /// Ansible's name of the kind, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Any => "raw",
            Kind::Bool => "boolean",
            Kind::Float => "float",
            Kind::Int => "int",
            Kind::Integer => "integer",
            Kind::List => "list",
            Kind::Pairs => "dict",
            Kind::Path => "path",
            Kind::PathList => "pathlist",
            Kind::PathSpec => "pathspec",
            Kind::Text => "string",
        }
    }
}

/// A row of a table.
pub(super) const fn setting(
    name: &'static str,
    env: &'static str,
    ini: &'static str,
    kind: Kind,
    default: Option<&'static str>,
) -> SettingSpec {
    SettingSpec { name, env, ini, kind, default, choices: "" }
}

impl SettingSpec {
    pub(super) const fn one_of(self, choices: &'static str) -> SettingSpec {
        SettingSpec { choices, ..self }
    }

    pub fn env(&self) -> impl Iterator<Item = &'static str> {
        self.env.split_whitespace()
    }

    /// Section and key.
    pub fn ini(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.ini.split_whitespace().filter_map(|place| place.split_once('.'))
    }

    /// The values that are allowed; empty when all are.
    pub fn choices(&self) -> impl Iterator<Item = &'static str> {
        self.choices.split_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PLUGIN_OPTIONS, SETTINGS};

    #[test]
    fn tables_are_sorted_and_complete() {
        for table in [SETTINGS, PLUGIN_OPTIONS] {
            let unsorted = table.windows(2).find(|pair| pair[0].name >= pair[1].name);
            assert!(unsorted.is_none(), "out of order: {unsorted:?}");
            for row in table {
                let written = row.ini.split_whitespace().count();
                assert_eq!(row.ini().count(), written, "{}: an ini place without a section", row.name);
                let known = row.choices().count() == 0 || row.default.is_none_or(|d| row.choices().any(|c| c == d));
                assert!(known, "{}: the default is not among the choices", row.name);
            }
        }
        // What the documentation of ansible-core 2.19 lists; of its private entries there is one.
        assert_eq!(SETTINGS.len(), COUNT_OF_2_19 + 1);
    }

    const COUNT_OF_2_19: usize = 205;
}
