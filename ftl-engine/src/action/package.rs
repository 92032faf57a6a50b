//! `package` and `dnf`: the module of the host's package manager.

use std::sync::Arc;

use ftl_core::value::{Map, Value, to_text};

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

/// What `dnf` can be told to use.
const BACKENDS: [&str; 5] = ["yum", "yum4", "dnf", "dnf4", "dnf5"];

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let manager = match context.args.get("use") {
            Some(chosen) if chosen.as_str() != Some("auto") => chosen.is_true().then(|| to_text(chosen)),
            _ => detect(context).await?,
        };
        let Some(manager) = manager.filter(|manager| manager != "auto") else {
            return Err(TaskFailure::plain(
                "Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.",
            ));
        };
        let mut args = context.args.clone();
        args.remove("use");
        let name = match MANAGERS.contains(&manager.as_str()) {
            true => format!("ansible.legacy.{manager}"),
            false => manager.clone(),
        };
        let module = context.find_module(&name).map_err(|_| no_action(&manager))?;
        let args = context.with_defaults(&module.fqcn, args)?;
        context.run_module(module, args).await
    })
}

fn no_action(manager: &str) -> TaskFailure {
    TaskFailure::plain(format!("Could not find a matching action for the \"{manager}\" package manager."))
}

/// What the operator's variable says, else what the host says of itself.
async fn detect(context: &ActionContext<'_>) -> Result<Option<String>, TaskFailure> {
    if let Some(raw) = context.scope_value("ansible_package_use") {
        let chosen = context.renderer.render(&raw)?;
        if chosen.is_true() {
            return Ok(Some(to_text(&chosen)));
        }
    }
    let manager = match context.known_fact("pkg_mgr").filter(|known| !known.is_empty()) {
        Some(known) => known,
        None => gathered(context, "package")
            .await?
            .ok_or_else(|| TaskFailure::plain("Could not detect a package manager. Try using the \"use\" option."))?,
    };
    let short = manager.rsplit('.').next().unwrap_or(&manager);
    if manager != "auto" && !MANAGERS.contains(&short) {
        return Err(no_action(&manager));
    }
    Ok(Some(manager))
}

/// The package manager that the host finds.
async fn gathered(context: &ActionContext<'_>, action: &str) -> Result<Option<String>, TaskFailure> {
    let mut args = Map::new();
    args.insert("gather_subset", "!all");
    args.insert("filter", "ansible_pkg_mgr");
    let setup = context.find_module("ansible.legacy.setup")?;
    let answer = context.run_foreground(setup, args).await?;
    if answer.get("failed").is_some_and(|v| v.is_true()) {
        let msg = answer.get("msg").map(to_text).unwrap_or_default();
        return Err(TaskFailure::plain(format!(
            "Failed to fetch ansible_pkg_mgr to determine the {action} action backend: {msg}"
        )));
    }
    let facts = answer.get("ansible_facts").cloned().unwrap_or_default();
    Ok(facts.get("ansible_pkg_mgr").map(|manager| to_text(&manager)))
}

/// `dnf`: version 4 or 5, as the host has it.
pub(super) fn run_dnf<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        if context.args.contains_key("use") && context.args.contains_key("use_backend") {
            return Err(TaskFailure::plain("parameters are mutually exclusive: ('use', 'use_backend')"));
        }
        let chosen = context.args.get("use").or_else(|| context.args.get("use_backend"));
        let mut backend = chosen.map_or("auto".to_string(), to_text);
        if matches!(backend.as_str(), "yum" | "auto") {
            backend = context.known_fact("pkg_mgr").unwrap_or(backend);
        }
        let mut result = Map::new();
        if !BACKENDS.contains(&backend.as_str()) {
            backend = gathered(context, "dnf").await?.unwrap_or_else(|| "auto".into());
            let keywords = context.keywords;
            if (context.step.task.keywords.delegate_to.is_none() || keywords.delegate_facts) && backend != "auto" {
                let facts: Map = [("pkg_mgr", Value::str(backend.as_str()))].into_iter().collect();
                result.insert("ansible_facts", Value::dict(facts));
            }
        }
        let name = match backend.as_str() {
            "yum4" | "dnf4" => "dnf",
            other => other,
        };
        if !BACKENDS.contains(&name) {
            result.insert("failed", true);
            result.insert(
                "msg",
                Value::Tuple(Arc::from([
                    Value::str(
                        "Could not detect which major revision of dnf is in use, which is required to determine module \
                         backend.",
                    ),
                    Value::str(
                        "You should manually specify use_backend to tell the module whether to use the dnf4 or dnf5 \
                         backend})",
                    ),
                ])),
            );
            return Ok(result);
        }
        if name == "yum" {
            result.insert("failed", true);
            result.insert("msg", "Could not find a dnf module backend for ansible.legacy.yum.");
            return Ok(result);
        }
        let mut args = context.args.clone();
        args.remove("use");
        args.remove("use_backend");
        let module = context.find_module(&format!("ansible.legacy.{name}"))?;
        result.extend(context.run_module(module, args).await?);
        Ok(result)
    })
}
