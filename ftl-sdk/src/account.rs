//! Users and groups: from the machine's files, and through `getent` where other sources are configured.

use std::process::{Command, Stdio};

use crate::text::text_of;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
}

pub fn user_named(name: &str) -> Option<User> {
    find("passwd", name, |fields| fields[0] == name).as_deref().and_then(user)
}

pub fn user_of(uid: u32) -> Option<User> {
    let key = uid.to_string();
    find("passwd", &key, |fields| fields.get(2) == Some(&key.as_str())).as_deref().and_then(user)
}

pub fn group_named(name: &str) -> Option<Group> {
    find("group", name, |fields| fields[0] == name).as_deref().and_then(group)
}

pub fn group_of(gid: u32) -> Option<Group> {
    let key = gid.to_string();
    find("group", &key, |fields| fields.get(2) == Some(&key.as_str())).as_deref().and_then(group)
}

fn user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, gecos, home, shell] = fields[..] else { return None };
    Some(User {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        gecos: gecos.to_owned(),
        home: home.to_owned(),
        shell: shell.to_owned(),
    })
}

fn group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    Some(Group { name: fields.next()?.to_owned(), gid: fields.nth(1)?.parse().ok()? })
}

fn find(database: &str, key: &str, wanted: impl Fn(&[&str]) -> bool) -> Option<String> {
    let text = std::fs::read(format!("/etc/{database}")).map(text_of).unwrap_or_default();
    let matches = |line: &&str| wanted(&line.split(':').collect::<Vec<_>>());
    match text.lines().find(matches) {
        Some(line) => Some(line.to_owned()),
        None if has_other_sources(database) => ask(database, key),
        None => None,
    }
}

/// Does `nsswitch.conf` name sources besides the file (LDAP, sssd, systemd's dynamic users)?
fn has_other_sources(database: &str) -> bool {
    let text = std::fs::read("/etc/nsswitch.conf").map(text_of).unwrap_or_default();
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(database)?.trim_start().strip_prefix(':'));
    line.is_some_and(|sources| {
        let words = sources.split('#').next().unwrap_or_default().split_whitespace();
        words
            .filter(|word| !word.starts_with('[') && !word.ends_with(']'))
            .any(|word| !matches!(word, "files" | "compat"))
    })
}

fn ask(database: &str, key: &str) -> Option<String> {
    if key.is_empty() || key.starts_with('-') {
        return None;
    }
    let found =
        Command::new("getent").args([database, key]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let line = text_of(found.stdout).lines().next().map(str::to_owned);
    line.filter(|line| found.status.success() && line.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known() {
        let root = user_of(0).unwrap();
        assert_eq!((root.name.as_str(), root.uid), ("root", 0));
        assert_eq!(user_named("root"), Some(root));
        assert_eq!(group_of(0).map(|group| group.name), Some("root".into()));
        assert_eq!(group_named("root").map(|group| group.gid), Some(0));
        assert_eq!(user_named("no:such"), None);
    }
}
