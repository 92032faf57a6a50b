//! `state: absent`.

use ftl_sdk::{Answer, Args, Failure, Host, Outcome};

use super::state::{State, initial_diff};
use crate::problem;

pub(crate) fn ensure_absent(args: &Args, host: &Host) -> Answer {
    let path = args.needed("path");
    let file = host.at(path);
    let before = State::of(&file);
    let outcome = Outcome::new().with("path", path);
    if before == State::Absent {
        return Ok(outcome.with("changed", false).with("state", "absent"));
    }
    let diff = initial_diff(host, path, State::Absent, before);
    if !host.check() {
        if before == State::Directory {
            std::fs::remove_dir_all(&file)
                .map_err(|error| Failure::new(format!("rmtree failed: {}", problem::about(&error, path))))?;
        } else if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let cause = problem::about_bytes(&error, path.as_ref());
            return Err(Failure::new("Unlinking failed.").with("path", path).because(cause));
        }
    }
    Ok(outcome.with("changed", true).with("diff", diff).with("state", "absent"))
}
