//! `tempfile`: a new file or directory with a name nobody has.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Object, Outcome, Value, repr_text};

use crate::paths;
use crate::problem;
use crate::replace::{fresh, fresh_file, random_name};

pub(crate) const MODULE: Module = Module {
    check_mode: false,
    covers,
    ..Module::new(
        "tempfile",
        &[
            Argument::text("state").or_text("file").choices(&["file", "directory"]),
            Argument::path("path"),
            Argument::text("prefix").or_text("ansible."),
            Argument::text("suffix").or_text(""),
        ],
        run,
    )
};

/// New files get a label; and how a directory is named that is relative or goes back depends on Python's version.
fn covers(given: &Object, selinux: bool) -> bool {
    let path = given.get("path").and_then(Value::as_str);
    let odd = |path: &str| ["//", "/./", "/../"].iter().any(|part| format!("{path}/").contains(part));
    !selinux && path.is_none_or(|path| path.starts_with(['/', '~', '$']) && !odd(path.trim_end_matches('/')))
}

fn run(args: &mut Args, host: &Host) -> Answer {
    for name in ["prefix", "suffix"] {
        let part = args.needed(name);
        if part.contains('/') {
            return Err(Failure::new(format!("{name} must be a valid file name component, got {}", repr_text(part))));
        }
    }
    let place = args.text("path").filter(|path| !path.is_empty()).map_or_else(|| directory(host), str::to_owned);
    let (prefix, suffix) = (args.needed("prefix"), args.needed("suffix"));
    let made = match args.needed("state") {
        "file" => fresh_file(&host.at(&place), prefix, suffix).map(|(_, path)| path),
        _ => fresh(&host.at(&place), prefix, suffix, |path| std::fs::DirBuilder::new().mode(0o700).create(path))
            .map(|((), path)| path),
    };
    match made {
        Ok(path) => Ok(Outcome::changed(true).with("path", host.shown(&path))),
        Err(error) => Err(failure(&error, &place, prefix, suffix)),
    }
}

fn failure(error: &io::Error, place: &str, prefix: &str, suffix: &str) -> Failure {
    Failure::new(problem::about(error, &paths::join(place, &format!("{prefix}{}{suffix}", random_name()))))
}

/// Where temporary files go when nothing is said: the first place that can be written to.
pub(crate) fn directory(host: &Host) -> String {
    let named = ["TMPDIR", "TEMP", "TMP"].iter().filter_map(|name| host.variable(name)).filter(|path| !path.is_empty());
    let usual = ["/tmp", "/var/tmp", "/usr/tmp"].map(str::to_owned);
    let usable = |path: &String| {
        let path = host.at(path);
        path.is_dir() && rustix::fs::access(&path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
    };
    named.chain(usual).find(usable).unwrap_or_else(|| host.shown(host.cwd()))
}

/// The directory for a module's own temporary files, made where it is missing.
pub(crate) fn private_directory(host: &Host) -> std::path::PathBuf {
    let wanted = host.expand(host.temporary());
    let path = host.at(&wanted);
    let usable = |path: &Path| {
        path.is_dir() && rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
    };
    let made = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).is_ok();
    if !wanted.is_empty() && (usable(&path) || (made() && usable(&path))) { path } else { host.at(&directory(host)) }
}
