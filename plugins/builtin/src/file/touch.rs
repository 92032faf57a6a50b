//! `state: touch` and `state: file`.

use std::fs::File;

use ftl_sdk::{Answer, Args, Failure, Host, Outcome};

use super::state::{State, initial_diff};
use super::timestamps::Times;
use crate::attributes::Wanted;
use crate::{paths, problem};

pub(crate) fn touch(args: &Args, host: &Host) -> Answer {
    let path = args.needed("path");
    let file = host.at(path);
    let before = State::of(&file);
    let times = Times::of(args, State::Touch, host)?;
    let mut outcome = Outcome::new().with("dest", path);
    if before == State::Absent {
        if host.check() {
            outcome.set("changed", true);
            return Ok(outcome);
        }
        File::options().write(true).create(true).truncate(true).open(&file).map_err(|error| {
            Failure::new("Error, could not touch target.")
                .with("path", path)
                .because(problem::about_bytes(&error, path.as_ref()))
        })?;
    }
    let mut diff = initial_diff(host, path, State::Touch, before);
    let wanted = Wanted::of(args, path, host);
    let applied = wanted
        .apply(host, before == State::Absent, Some(&mut diff))
        .and_then(|changed| Ok(times.apply(host, &wanted.path, Some(&mut diff))? || changed));
    match applied {
        Ok(changed) => {
            outcome.set("changed", changed);
            outcome.set("diff", diff);
            Ok(outcome)
        }
        Err(failure) => {
            // A file that was made for nothing goes again.
            let useless = before == State::Absent && !failure.is_crash();
            Err(if useless { failure.leaving_nothing_at(file) } else { failure })
        }
    }
}

pub(crate) fn ensure_file(args: &Args, host: &Host) -> Answer {
    let mut path = args.needed("path").to_owned();
    let mut before = State::of(&host.at(&path));
    let mut wanted = Wanted::of(args, &path, host);
    let times = Times::of(args, State::File, host)?;
    if before == State::Link && args.flag("follow") {
        path = host.shown(&paths::real(&host.at(&path)));
        before = State::of(&host.at(&path));
        wanted.path = path.clone();
    }
    if !matches!(before, State::File | State::Hard) {
        let message = format!("file ({path}) is {}, cannot continue", before.name());
        return Err(Failure::new(message).with("path", path).with("state", before.name()));
    }
    let mut diff = initial_diff(host, &path, State::File, before);
    let changed = wanted.apply(host, false, Some(&mut diff))?;
    let changed = times.apply(host, &wanted.path, Some(&mut diff))? || changed;
    Ok(Outcome::new().with("path", path).with("changed", changed).with("diff", diff))
}
