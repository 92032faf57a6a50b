//! Owner, group and mode of files: changed where they differ, as all of Ansible's file modules do it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ftl_sdk::{Args, Failure, Host, Object, Value, account, json};
use rustix::fs::{AtFlags, CWD, Gid, Uid, chownat};

use crate::mode::{self, Current};
use crate::{paths, problem};

/// What a file shall be like.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// As results name it.
    pub path: String,
    pub mode: Option<Value>,
    pub owner: Option<String>,
    pub group: Option<String>,
}

impl Wanted {
    /// Of the arguments `mode`, `owner`, `group` for `path`; a link is followed where `follow` says so.
    pub(crate) fn of(args: &Args, path: &str, host: &Host) -> Wanted {
        let mut path = host.expand(path);
        let file = host.at(&path);
        if args.flag("follow") && file.is_symlink() {
            path = host.shown(&paths::real(&file));
        }
        Wanted {
            path,
            mode: args.value("mode").cloned(),
            owner: args.text("owner").map(str::to_owned),
            group: args.text("group").map(str::to_owned),
        }
    }

    pub(crate) fn at(&self, path: impl Into<String>) -> Wanted {
        Wanted { path: path.into(), ..self.clone() }
    }

    /// Makes the file so; is anything changed (or was it before)? What changes is noted in `diff`.
    pub(crate) fn apply(&self, host: &Host, changed: bool, mut diff: Option<&mut Object>) -> Result<bool, Failure> {
        let mut note = |key: &str, before: Value, after: Value| {
            if let Some(diff) = diff.as_deref_mut() {
                side(diff, "before").insert(key.to_owned(), before);
                side(diff, "after").insert(key.to_owned(), after);
            }
        };
        let file = host.at(&self.path);
        let mut changed = changed;
        if let Some(owner) = &self.owner {
            changed = self.set_owner(host, &file, owner, changed, &mut note)?;
        }
        if let Some(group) = &self.group {
            changed = self.set_group(host, &file, group, changed, &mut note)?;
        }
        if let Some(mode) = &self.mode {
            changed = self.set_mode(host, &file, mode, changed, &mut note)?;
        }
        Ok(changed)
    }

    /// Owner and group only.
    pub(crate) fn apply_owner(&self, host: &Host, changed: bool) -> Result<bool, Failure> {
        Wanted { mode: None, ..self.clone() }.apply(host, changed, None)
    }

    fn set_owner(
        &self,
        host: &Host,
        file: &Path,
        owner: &str,
        changed: bool,
        note: &mut impl FnMut(&str, Value, Value),
    ) -> Result<bool, Failure> {
        if host.check() && !file.exists() {
            return Ok(true);
        }
        let found = std::fs::symlink_metadata(file).map_err(|error| problem::crash(&error, Path::new(&self.path)))?;
        let uid = match number(owner).or_else(|| account::user_named(owner).map(|user| i64::from(user.uid))) {
            Some(uid) => uid,
            None => return Err(self.failure(format!("chown failed: failed to look up user {owner}"))),
        };
        if i64::from(found.uid()) == uid {
            return Ok(changed);
        }
        note("owner", found.uid().into(), uid.into());
        if host.check() {
            return Ok(true);
        }
        let uid = u32::try_from(uid).map_err(|_| self.failure("chown failed".into()))?;
        chownat(CWD, file, Some(Uid::from_raw(uid)), None, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| {
            self.failure("chown failed".into()).because(problem::about_bytes(&error.into(), Path::new(&self.path)))
        })?;
        Ok(true)
    }

    fn set_group(
        &self,
        host: &Host,
        file: &Path,
        group: &str,
        changed: bool,
        note: &mut impl FnMut(&str, Value, Value),
    ) -> Result<bool, Failure> {
        if host.check() && !file.exists() {
            return Ok(true);
        }
        let found = std::fs::symlink_metadata(file).map_err(|error| problem::crash(&error, Path::new(&self.path)))?;
        let gid = match number(group).or_else(|| account::group_named(group).map(|group| i64::from(group.gid))) {
            Some(gid) => gid,
            None => return Err(self.failure(format!("chgrp failed: failed to look up group {group}"))),
        };
        if i64::from(found.gid()) == gid {
            return Ok(changed);
        }
        note("group", found.gid().into(), gid.into());
        if host.check() {
            return Ok(true);
        }
        let gid = u32::try_from(gid).map_err(|_| self.failure("chgrp failed".into()))?;
        chownat(CWD, file, None, Some(Gid::from_raw(gid)), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|_| self.failure("chgrp failed".into()))?;
        Ok(true)
    }

    fn set_mode(
        &self,
        host: &Host,
        file: &Path,
        wanted: &Value,
        changed: bool,
        note: &mut impl FnMut(&str, Value, Value),
    ) -> Result<bool, Failure> {
        if host.check() && !file.exists() {
            return Ok(true);
        }
        let found = std::fs::symlink_metadata(file).map_err(|error| problem::crash(&error, Path::new(&self.path)))?;
        let current = Current { mode: found.mode(), is_dir: found.is_dir(), umask: host.umask() };
        let mode = mode::wanted(wanted, current)
            .map_err(|bad| self.failure(bad.message.into()).with("details", bad.details))?;
        let before = found.mode() & 0o7777;
        if before == mode {
            return Ok(changed);
        }
        note("mode", format!("0{before:03o}").into(), format!("0{mode:03o}").into());
        if host.check() {
            return Ok(true);
        }
        // Links have no mode of their own here, and what they point to is not asked for.
        if found.is_symlink() {
            return Ok(changed);
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode & 0o7777))
            .map_err(|error| problem::crash(&error, Path::new(&self.path)))?;
        let after = std::fs::symlink_metadata(file).map_err(|error| problem::crash(&error, Path::new(&self.path)))?;
        Ok(changed || after.mode() & 0o7777 != before)
    }

    fn failure(&self, message: String) -> Failure {
        Failure::new(message).with("path", self.path.clone())
    }
}

/// `before` or `after` of a diff.
pub(crate) fn side<'a>(diff: &'a mut Object, name: &str) -> &'a mut Object {
    let side = diff.entry(name).or_insert_with(|| json!({}));
    if !side.is_object() {
        *side = json!({});
    }
    match side {
        Value::Object(map) => map,
        _ => unreachable!("it was just made an object"),
    }
}

/// Python's `int(text)`.
pub(crate) fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// What the attributes of a module that are covered here can be: no labels where there are labels, no `chattr`, no
/// numbers that are none of a mode or an account.
pub(crate) fn are_covered(given: &Object, selinux: bool) -> bool {
    let set = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    let account = |name: &str| match given.get(name) {
        Some(Value::String(text)) => number(text).is_none_or(|number| (0..i64::from(u32::MAX)).contains(&number)),
        Some(Value::Number(number)) => number.as_u64().is_some_and(|number| number < u64::from(u32::MAX)),
        _ => true,
    };
    let mode = is_mode(given.get("mode"));
    !selinux && mode && account("owner") && account("group") && !set("attributes") && !set("attr")
}

/// Is it text, or a number that can be a mode?
pub(crate) fn is_mode(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::String(_)) => true,
        Some(value) => value.as_u64().is_some_and(|mode| mode <= 0o7777),
    }
}

/// Has the command line that validates one `%s`, and no other `%` than `%%`? Python formats it with one value.
pub(crate) fn is_validation(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => {
            let rest = text.replace("%%", "");
            let escaped = text.contains("%%s");
            !escaped && (!text.contains("%s") || (rest.matches('%').count() == 1 && rest.contains("%s")))
        }
        Some(_) => false,
    }
}
