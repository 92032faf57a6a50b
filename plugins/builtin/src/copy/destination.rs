//! Where a copy goes: directories that are missing are made, names inside of directories are found.

use std::path::Path;

use ftl_sdk::{Args, Failure, Host, Outcome};

use crate::attributes::Wanted;
use crate::{paths, problem};

/// The file to write; or the answer, in check mode, when its directory is missing.
pub(crate) enum Destination {
    File { path: String, made_directory: bool },
    Answer(Outcome),
}

pub(crate) fn find(args: &Args, host: &Host, src: &str) -> Result<Destination, Failure> {
    let mut path = args.needed("dest").to_owned();
    // There is always a directory to name.
    if !path.contains('/') {
        path = format!("./{path}");
    }
    let original = args.text("_original_basename").filter(|name| !name.is_empty());
    let mut made_directory = false;
    if path.ends_with('/') {
        if let Some(name) = original {
            path = paths::join(&path, name);
        }
        let directory = paths::directory(&path).to_owned();
        if !host.at(&directory).exists() {
            if host.check() {
                let message = format!("dest directory {directory} would be created");
                return Ok(Destination::Answer(
                    Outcome::new().with("msg", message).with("changed", true).with("src", src),
                ));
            }
            make_directories(args, host, &directory)?;
            made_directory = true;
        }
    }
    if host.at(&path).is_dir() {
        path = paths::join(&path, original.unwrap_or(paths::base_name(src)));
    }
    Ok(Destination::File { path, made_directory })
}

/// Makes the directory and those above it; the new ones get `directory_mode` and the owner.
fn make_directories(args: &Args, host: &Host, directory: &str) -> Result<(), Failure> {
    let mut new = Vec::new();
    let mut existing = directory;
    loop {
        let parent = paths::directory(existing);
        new.push(existing);
        if parent.is_empty() || host.at(parent).exists() {
            break;
        }
        existing = parent;
    }
    new.reverse();
    for path in &new {
        std::fs::create_dir(host.at(path))
            .map_err(|error| Failure::crash(problem::about_bytes(&error, Path::new(path))))?;
    }
    let wanted = Wanted { mode: args.value("directory_mode").cloned(), ..Wanted::of(args, directory, host) };
    for path in new {
        wanted.at(path).apply(host, true, None)?;
    }
    Ok(())
}

/// Why nothing can be written there.
pub(crate) fn refuse_unwritable(host: &Host, path: &str, unsafe_writes: bool) -> Result<(), Failure> {
    let directory = paths::directory(path);
    let place = host.at(directory);
    if !host.at(path).exists()
        && let Err(error) = std::fs::metadata(&place)
    {
        let what = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "is not accessible",
            _ => "does not exist",
        };
        return Err(Failure::new(format!("Destination directory {directory} {what}")));
    }
    if !unsafe_writes && rustix::fs::access(&place, rustix::fs::Access::WRITE_OK).is_err() {
        return Err(Failure::new(format!("Destination {directory} not writable")));
    }
    Ok(())
}
