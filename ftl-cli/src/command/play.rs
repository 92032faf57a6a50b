//! `ftl-play`: runs playbooks, or lists what they would do.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use ftl_inventory::pattern::check_targets;
use ftl_playbook::graph::{ListRequest, Playbook, list_playbook, syntax_checked};

use super::run::Prepared;
use crate::exit::{self, Failure};
use crate::passwords::Passwords;
use crate::program::Context;

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let arguments = context.arguments;
    if arguments.flag("step") {
        return Err(Failure::not_supported("The option --step"));
    }
    let near = directories(context)?;
    let listing = ["listhosts", "listtasks", "listtags", "syntax"].iter().any(|option| arguments.flag(option));
    let passwords = match listing {
        true => Passwords::default(),
        false => Passwords::ask(arguments, context.settings, context.surroundings)?,
    };
    let prepared = Prepared::new(context, &near, listing)?;
    let limit = prepared.limit(context)?;
    let mut warnings = vec![];
    let checked =
        check_targets(&prepared.inventory, "all", limit.as_ref(), &prepared.inventory_settings, &mut warnings);
    warnings.iter().for_each(|warning| context.display.message(warning));
    checked?;
    let playbooks = load(context, &prepared)?;
    match listing {
        true => list(context, &prepared, &playbooks, limit.as_ref()),
        false => prepared.run(context, &near, playbooks, &passwords, limit),
    }
}

/// The directories of the playbooks; those of collections have none here.
fn directories(context: &Context<'_>) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = Vec::new();
    for name in &context.arguments.positionals {
        let path = context.surroundings.working_dir.join(name);
        if name.is_empty() || !path.exists() {
            if is_qualified(name) {
                continue;
            }
            return Err(Failure::general(format!("the playbook: {name} could not be found")));
        }
        let kind = std::fs::metadata(&path).map(|file| file.file_type());
        if !kind.is_ok_and(|kind| kind.is_file() || kind.is_fifo()) {
            return Err(Failure::general(format!("the playbook: {name} does not appear to be a file")));
        }
        let directory = PathBuf::from(context.surroundings.path(name)).parent().map(Path::to_path_buf);
        found.extend(directory.filter(|directory| !found.contains(directory)));
    }
    Ok(found)
}

/// `namespace.collection.playbook`.
fn is_qualified(name: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    name.split('.').count() >= 3 && name.split('.').all(is_word)
}

fn load(context: &Context<'_>, prepared: &Prepared) -> Result<Vec<Playbook>, Failure> {
    let mut playbooks = Vec::new();
    for name in &context.arguments.positionals {
        let loaded = ftl_playbook::load_playbook(name, &prepared.loader, &prepared.parse);
        let warnings = match &loaded {
            Ok(loaded) => loaded.warnings.clone(),
            Err(_) => prepared.loader.take_warnings(),
        };
        warnings.iter().for_each(|warning| context.display.message(warning));
        playbooks.push(loaded?.playbook);
    }
    Ok(playbooks)
}

fn list(
    context: &Context<'_>,
    prepared: &Prepared,
    playbooks: &[Playbook],
    limit: Option<&ftl_inventory::Limit>,
) -> Result<u8, Failure> {
    let arguments = context.arguments;
    let parts = context.parts();
    let mut only = parts.tags();
    let skip = parts.skip_tags();
    if arguments.flag("listtags") && parts.has_no_tags() {
        only = vec!["never".into(), "all".into()];
    }
    let find_hosts = |patterns: &[String]| prepared.hosts(context, patterns, limit);
    let request = ListRequest {
        tasks: arguments.flag("listtasks"),
        tags: arguments.flag("listtags"),
        hosts: arguments.flag("listhosts"),
        only: &only,
        skip: &skip,
        find_hosts: &find_hosts,
    };
    for playbook in playbooks {
        let text = match arguments.flag("syntax") {
            true => syntax_checked(&playbook.file),
            false => list_playbook(playbook, &request, &prepared.loader, &prepared.parse)?,
        };
        context.print(&context.display.masks().apply(text))?;
    }
    Ok(exit::OK)
}
