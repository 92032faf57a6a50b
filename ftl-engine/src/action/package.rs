//! `package` and `dnf`: the module of the host's package manager.

use ftl_core::value::{Map, to_text};

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

/// Facts choose among these only (T8).
const MANAGERS: [&str; 25] = [
    "apk",
    "apt",
    "atomic_container",
    "dnf",
    "dnf5",
    "homebrew",
    "installp",
    "macports",
    "opkg",
    "pacman",
    "pkg5",
    "pkgin",
    "pkgng",
    "pkgutil",
    "portage",
    "portinstall",
    "slackpkg",
    "snap",
    "sorcery",
    "svr4pkg",
    "swupd",
    "urpmi",
    "xbps",
    "yum",
    "zypper",
];

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let manager = match context.text("use").filter(|u| u != "auto") {
            Some(chosen) => chosen,
            None => detect(context, "ansible_package_use").await?,
        };
        let mut args = context.args.clone();
        args.remove("use");
        let short = manager.rsplit('.').next().unwrap_or(&manager).to_string();
        let builtin = matches!(short.as_str(), "apt" | "dnf" | "dnf5" | "yum") && !manager.contains('.');
        let name = if builtin { format!("ansible.legacy.{short}") } else { manager.clone() };
        let module = context.find_module(&name).map_err(|_| {
            TaskFailure::plain(format!("Could not find a matching action for the \"{manager}\" package manager."))
        })?;
        let args = context.with_defaults(&module.fqcn, args)?;
        context.run_module(module, args).await
    })
}

async fn detect(context: &ActionContext<'_>, variable: &str) -> Result<String, TaskFailure> {
    if let Some(raw) = context.scope_value(variable) {
        let chosen = to_text(&context.renderer.render(&raw)?);
        if !chosen.is_empty() && chosen != "auto" {
            return Ok(chosen);
        }
    }
    let manager = match context.known_fact("pkg_mgr") {
        Some(known) => known,
        None => gathered(context).await?,
    };
    let short = manager.rsplit('.').next().unwrap_or(&manager);
    if !MANAGERS.contains(&short) {
        return Err(TaskFailure::plain(format!(
            "Could not find a matching action for the \"{manager}\" package manager."
        )));
    }
    Ok(manager)
}

async fn gathered(context: &ActionContext<'_>) -> Result<String, TaskFailure> {
    let mut args = Map::new();
    args.insert("gather_subset", "!all");
    args.insert("filter", "ansible_pkg_mgr");
    let setup = context.find_module("ansible.legacy.setup")?;
    let answer = context.run_foreground(setup, args).await?;
    if answer.get("failed").is_some_and(|v| v.is_true()) {
        let msg = answer.get("msg").map(to_text).unwrap_or_default();
        return Err(TaskFailure::plain(format!(
            "Failed to fetch ansible_pkg_mgr to determine the package action backend: {msg}"
        )));
    }
    let facts = answer.get("ansible_facts").cloned().unwrap_or_default();
    match facts.get("ansible_pkg_mgr") {
        Some(manager) => Ok(to_text(&manager)),
        None => Err(TaskFailure::plain("Could not detect a package manager. Try using the \"use\" option.")),
    }
}

/// `dnf`: version 4 or 5, as the host has it.
pub(super) fn run_dnf<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let both = context.args.contains_key("use") && context.args.contains_key("use_backend");
        if both {
            return Err(TaskFailure::plain("parameters are mutually exclusive: ('use', 'use_backend')"));
        }
        let chosen = context.text("use").or_else(|| context.text("use_backend")).unwrap_or_else(|| "auto".into());
        let manager = match chosen.as_str() {
            "auto" => match context.known_fact("pkg_mgr") {
                Some(known) => known,
                None => gathered(context).await?,
            },
            other => other.to_string(),
        };
        let backend = match manager.as_str() {
            "dnf5" => "dnf5",
            "yum" | "yum4" | "dnf" | "dnf4" => "dnf",
            _ => {
                return Err(TaskFailure::plain(
                    "Could not detect which major revision of dnf is in use, which is required to determine module backend.",
                ));
            }
        };
        let mut args = context.args.clone();
        args.remove("use");
        args.remove("use_backend");
        if backend == "dnf5" {
            args.remove("lock_timeout");
        }
        let module = context.find_module(&format!("ansible.legacy.{backend}"))?;
        context.run_module(module, args).await
    })
}
