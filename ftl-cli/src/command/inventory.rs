//! `ftl-inventory`: shows an inventory.

use std::path::PathBuf;

use ftl_core::source::Diagnostic;
use ftl_inventory::listing::Listing;
use ftl_inventory::{HostVariables, Limit, Selection};

use super::run::Prepared;
use crate::exit::{self, Failure};
use crate::program::Context;

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let arguments = context.arguments;
    match ["list", "host", "graph"].iter().filter(|option| arguments.flag(option)).count() {
        0 => {
            return Err(Failure::option(
                "No action selected, at least one of --host, --graph or --list needs to be specified.",
            ));
        }
        1 => {}
        _ => {
            return Err(Failure::option(
                "Conflicting options used, only one of --host, --graph or --list can be used at the same time.",
            ));
        }
    }
    if arguments.flag("toml") {
        return Err(Failure::not_supported("The option --toml"));
    }
    let base_dir = arguments.text("basedir").map(|path| PathBuf::from(context.surroundings.path(path)));
    let base_dir = base_dir.or_else(|| context.settings.path("PLAYBOOK_DIR"));
    let near: Vec<PathBuf> = base_dir.iter().cloned().collect();
    let prepared = Prepared::new(context, &near, true)?;
    let limit = match arguments.flag("host") {
        true => None,
        false => prepared.limit(context)?,
    };
    let directories = base_dir.clone().unwrap_or_else(|| context.surroundings.working_dir.clone());
    let variables = HostVariables::new(
        prepared.loader.clone(),
        &prepared.vars_directories,
        &[directories],
        &prepared.inventory_settings,
    )
    .for_listing();
    let listing = Listing {
        inventory: &prepared.inventory,
        variables: &variables,
        settings: &prepared.inventory_settings,
        limit: limit.as_ref(),
        export: context.parts().flag("export", "INVENTORY_EXPORT"),
        playbook_dir_given: base_dir.is_some(),
        extra_vars: &prepared.extra_vars,
    };
    tell_mismatches(context, &prepared, limit.as_ref());
    let text = show(context, &listing);
    prepared.loader.take_warnings().iter().for_each(|warning| context.display.message(warning));
    match arguments.text("output_file") {
        Some(path) => std::fs::write(context.surroundings.working_dir.join(path), text?).map_err(|error| {
            let cause = Diagnostic::error(exit::os_error(&error, path));
            Diagnostic::error(format!("Unable to write to destination file '{path}'.")).caused_by(cause)
        })?,
        None => context.print(&format!("{}\n", text?))?,
    }
    Ok(exit::OK)
}

/// Patterns that match nothing: listings leave them out without a word.
fn tell_mismatches(context: &Context<'_>, prepared: &Prepared, limit: Option<&Limit>) {
    let pattern = match context.arguments.text("host") {
        Some(host) => host,
        None if limit.is_some() && !context.arguments.flag("graph") => "all",
        None => return,
    };
    let mut selection = Selection::new(&prepared.inventory, &prepared.inventory_settings);
    // What is an error is one for the listing too.
    let _ = selection.hosts(&[pattern], limit);
    selection.warnings.iter().for_each(|warning| context.display.message(warning));
}

fn show(context: &Context<'_>, listing: &Listing<'_>) -> Result<String, Failure> {
    let arguments = context.arguments;
    let yaml = arguments.flag("yaml");
    Ok(match arguments.text("host") {
        // Several hosts or none: a wrong option.
        Some(host) => if yaml { listing.host_yaml(host) } else { listing.host_json(host) }
            .map_err(|error| Failure { code: exit::OPTION, diagnostics: vec![error] })?,
        None if arguments.flag("graph") => {
            let group = arguments.positionals.first().map_or("all", String::as_str);
            listing
                .graph(group, arguments.flag("show_vars"))
                .map_err(|error| Failure { code: exit::OPTION, diagnostics: vec![error] })?
        }
        None if yaml => listing.list_yaml()?,
        None => listing.list_json()?,
    })
}
