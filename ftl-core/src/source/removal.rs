//! When a deprecated feature goes, and from what.

/// Ansible's details of a deprecation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// A collection, or a plugin of one by its full name.
    pub owner: Option<String>,
    /// `module`, `lookup`, …; collections have none.
    pub kind: Option<String>,
    pub version: Option<String>,
    pub date: Option<String>,
}

impl Removal {
    /// From ansible-core itself.
    pub fn core(version: &str) -> Removal {
        Removal { owner: Some("ansible.builtin".into()), version: Some(version.into()), ..Removal::default() }
    }

    /// The collection that the owner is of.
    pub fn collection(&self) -> Option<String> {
        Some(self.owner.as_deref()?.split('.').take(2).collect::<Vec<_>>().join("."))
    }

    /// The sentence that ends the message on a screen.
    pub fn sentence(&self) -> String {
        let owner = self.owner.as_deref();
        let (collection, plugin) = match (&self.kind, owner) {
            (None, owner) => (owner, None),
            (Some(kind), owner) => {
                let kind = if kind == "module" { kind.clone() } else { format!("{kind} plugin") };
                let owner = owner.unwrap_or_default();
                match owner.splitn(3, '.').collect::<Vec<_>>()[..] {
                    ["ansible", "builtin"] => (Some(owner), Some(format!("the {kind} API"))),
                    [namespace, name, plugin] => {
                        let plugin = plugin.rsplit('.').next().unwrap_or(plugin);
                        (Some(&owner[..namespace.len() + 1 + name.len()]), Some(format!("{kind} '{plugin}'")))
                    }
                    _ => (None, Some(format!("{kind} '{}'", owner.rsplit('.').next().unwrap_or(owner)))),
                }
            }
        };
        let mut words = vec!["This feature will be removed".to_string()];
        match (&plugin, collection) {
            (Some(plugin), Some(_)) => words.push(format!("from {plugin} in")),
            (Some(plugin), None) => words.push(format!("from {plugin}")),
            (None, Some(_)) => words.push("from".into()),
            (None, None) => {}
        }
        match collection {
            Some("ansible.builtin") => words.push("ansible-core".into()),
            Some(name) => words.push(format!("collection '{name}'")),
            None => {}
        }
        words.push(match (collection, &self.date, &self.version) {
            (None, ..) => "in the future".into(),
            (_, Some(date), _) => format!("in a release after {date}"),
            (_, None, Some(version)) => format!("version {version}"),
            (_, None, None) => "in a future release".into(),
        });
        words.join(" ") + "."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let check = |owner: &str, kind: &str, version: &str, date: &str, expected: &str| {
            let some = |text: &str| Some(text.to_string()).filter(|t| !t.is_empty());
            let removal = Removal { owner: some(owner), kind: some(kind), version: some(version), date: some(date) };
            assert_eq!(removal.sentence(), format!("This feature will be removed {expected}."));
        };
        check("ansible.builtin", "", "2.23", "", "from ansible-core version 2.23");
        check("a.b", "", "", "2034-01-02", "from collection 'a.b' in a release after 2034-01-02");
        check("a.b.m", "module", "", "", "from module 'm' in collection 'a.b' in a future release");
        check(
            "ansible.builtin.first_found",
            "lookup",
            "2.23",
            "",
            "from lookup plugin 'first_found' in ansible-core version 2.23",
        );
        check("ansible.builtin", "filter", "3", "", "from the filter plugin API in ansible-core version 3");
        check("", "", "9", "", "in the future");
        check("mine", "action", "9", "", "from action plugin 'mine' in the future");
    }
}
