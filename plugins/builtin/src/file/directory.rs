//! `state: directory`.

use std::io::ErrorKind;

use ftl_sdk::{Answer, Args, Failure, Host, Object, Outcome};

use super::state::{State, below, initial_diff};
use super::timestamps::Times;
use crate::attributes::Wanted;
use crate::{paths, problem};

pub(crate) fn ensure_directory(args: &Args, host: &Host) -> Answer {
    let mut path = args.needed("path").to_owned();
    let mut before = State::of(&host.at(&path));
    let mut wanted = Wanted::of(args, &path, host);
    let times = Times::of(args, State::Directory, host)?;
    if args.flag("follow") && before == State::Link {
        path = host.shown(&paths::real(&host.at(&path)));
        wanted.path = path.clone();
        before = State::of(&host.at(&path));
    }
    let mut diff = initial_diff(host, &path, State::Directory, before);
    let changed = match before {
        State::Absent if host.check() => true,
        State::Absent => create(host, &path, &wanted, &times, &mut diff)?,
        State::Directory => {
            let mut changed = wanted.apply(host, false, Some(&mut diff))?;
            changed |= times.apply(host, &wanted.path, Some(&mut diff))?;
            if args.flag("recurse") {
                changed |=
                    Walk { host, wanted: &wanted, times: &times, follow: args.flag("follow") }.apply(&path, 0)?;
            }
            changed
        }
        other => {
            return Err(Failure::new(format!("{path} already exists as a {}", other.name())).with("path", path));
        }
    };
    Ok(Outcome::new().with("path", path).with("changed", changed).with("diff", diff))
}

/// Makes the directory and those above it, all with the attributes asked for.
fn create(host: &Host, path: &str, wanted: &Wanted, times: &Times, diff: &mut Object) -> Result<bool, Failure> {
    let mut current = String::new();
    let mut changed = false;
    for name in path.trim_matches('/').split('/') {
        current = format!("{current}/{name}");
        if !path.starts_with('/') {
            current = current.trim_start_matches('/').to_owned();
        }
        let here = host.at(&current);
        if here.exists() {
            continue;
        }
        let made = (|| {
            match std::fs::create_dir(&here) {
                Ok(()) => changed = true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && here.is_dir() => {}
                Err(error) => return Err(Failure::crash(problem::about_bytes(&error, current.as_ref()))),
            }
            changed = wanted.at(current.as_str()).apply(host, changed, Some(diff))?;
            changed |= times.apply(host, &wanted.path, Some(diff))?;
            Ok(())
        })();
        made.map_err(|failure: Failure| match failure.is_crash() {
            true => Failure::new(format!("There was an issue creating {current} as requested: {}", failure.message()))
                .with("path", path),
            false => failure,
        })?;
    }
    Ok(changed)
}

/// All that is below a directory.
struct Walk<'a> {
    host: &'a Host,
    wanted: &'a Wanted,
    times: &'a Times,
    follow: bool,
}

impl Walk<'_> {
    /// `depth`: how many links led here.
    fn apply(&self, root: &str, depth: usize) -> Result<bool, Failure> {
        // Links may lead in circles: Python ends there where paths are too long, or by its recursion limit.
        if depth > 950 {
            return Err(Failure::new(format!(
                "Could not recursively set attributes on {root}. Original error was: 'maximum recursion depth exceeded'"
            )));
        }
        let mut names = Vec::new();
        let descend = below(self.host, root, |name, is_dir| names.push((name.to_owned(), is_dir)));
        // Directories come first.
        names.sort_by_key(|(_, is_dir)| !is_dir);
        let mut changed = false;
        for (name, _) in &names {
            changed |= self.one(&paths::join(root, name), root, depth)?;
        }
        for name in descend {
            changed |= self.apply(&paths::join(root, &name), depth)?;
        }
        Ok(changed)
    }

    fn one(&self, path: &str, root: &str, depth: usize) -> Result<bool, Failure> {
        let mut changed = self.attributes(path)?;
        let file = self.host.at(path);
        if self.follow && file.is_symlink() {
            let target = std::fs::read_link(&file).map_err(|error| problem::crash(&error, &file))?;
            let target = paths::join(root, &self.host.shown(&target));
            let real = self.host.at(&target);
            if real.exists() {
                if real.is_dir() {
                    changed |= self.apply(&target, depth + 1)?;
                }
                changed |= self.attributes(&target)?;
            }
        }
        Ok(changed)
    }

    fn attributes(&self, path: &str) -> Result<bool, Failure> {
        let changed = self.wanted.at(path).apply(self.host, false, None)?;
        Ok(self.times.apply(self.host, path, None)? || changed)
    }
}
