//! What a result says when the Python of its host was discovered.

use ftl_core::call::{Discovery, ModuleAnswer};
use ftl_core::value::{Map, Value, repr, repr_str};
use ftl_gate::launch::FALLBACK;

use crate::pool::{Discovered, Found};

/// Adds the fact, and unless discovery is silent the warnings.
pub(crate) fn note(host: &str, discovery: &Discovery, found: Option<Discovered>, answer: &mut ModuleAnswer) {
    // A gate that did not start found nothing: the fallback, which is tried last, was not there either.
    let failed = answer.unanswered.then(|| Discovered { path: FALLBACK.into(), how: Found::Fallback });
    let Some(Discovered { path, how }) = found.or(failed) else { return };
    if discovery.mode.starts_with("auto_legacy") {
        answer.deprecations.insert(0, legacy(&discovery.mode));
    }
    if !discovery.is_silent() {
        answer.warnings.splice(0..0, warnings(host, discovery, &path, how));
    }
    answer.discovered_interpreter = Some(path);
}

fn warnings(host: &str, discovery: &Discovery, path: &str, how: Found) -> Vec<String> {
    let host = repr_str(host);
    let chosen = format!(
        "Host {host} is using the discovered Python interpreter at {}, but future installation of another Python interpreter \
         could cause a different interpreter to be discovered. See \
         https://docs.ansible.com/ansible-core/2.19/reference_appendices/interpreter_discovery.html for more information.",
        repr_str(path)
    );
    match how {
        Found::Candidate => vec![chosen],
        Found::Fallback => {
            let tried = Value::list(discovery.candidates.iter().map(|name| Value::str(name.as_str())).collect());
            vec![format!("No python interpreters found for host {host} (tried {}).", repr(&tried))]
        }
        Found::Unreadable => vec![
            format!(
                "Unhandled error in Python interpreter discovery for host {host}: unexpected output from Python interpreter \
                 discovery"
            ),
            chosen,
        ],
    }
}

fn legacy(mode: &str) -> Map {
    let mut deprecator = Map::new();
    deprecator.insert("resolved_name", "ansible.builtin");
    deprecator.insert("type", Value::None);
    let mut out = Map::new();
    out.insert("msg", format!("The '{mode}' option for 'INTERPRETER_PYTHON' now has the same effect as 'auto'."));
    out.insert("collection_name", "ansible.builtin");
    out.insert("version", "2.21");
    out.insert("deprecator", Value::dict(deprecator));
    out
}
