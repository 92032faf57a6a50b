//! The `jsonfile` fact cache: data only, one file per host. Trust is never stored.

use ftl_core::value::{Value, from_json, to_json};

use crate::run::Run;
use crate::vars::World;

pub(crate) fn load(run: &Run, world: &mut World) {
    let Some((dir, seconds)) = &run.settings.fact_cache else { return };
    let inventory = world.inventory.clone();
    for host in inventory.hosts().chain(inventory.find_host("localhost")) {
        let path = dir.join(&**world.inventory.host_name(host));
        let fresh = |m: std::fs::Metadata| {
            let age = m.modified().ok().and_then(|t| t.elapsed().ok());
            *seconds == 0 || age.is_some_and(|a| a.as_secs() < *seconds)
        };
        if !path.metadata().is_ok_and(fresh) {
            continue;
        }
        let json = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice::<serde_json::Value>(&b).ok());
        if let Some(Value::Dict(facts)) = json.as_ref().map(from_json) {
            world.add_facts(host, &facts.entries());
        }
    }
}

pub(crate) fn save(run: &Run, world: &World) {
    let Some((dir, _)) = &run.settings.fact_cache else { return };
    if let Err(error) = std::fs::create_dir_all(dir) {
        run.sink.emit(ftl_core::event::Event::Message(ftl_core::source::Diagnostic::warning(format!(
            "error in 'jsonfile' cache, configured path ({}) does not have necessary permissions (rwx), disabling plugin: {error}",
            dir.display()
        ))));
        return;
    }
    let implicit = world.inventory.find_host("localhost");
    for host in world.inventory.hosts().chain(implicit) {
        let facts = world.host(host).facts.raw();
        if facts.is_empty() {
            continue;
        }
        let name = world.inventory.host_name(host);
        let temporary = dir.join(format!(".{name}.{}.tmp", std::process::id()));
        let text = to_json(&Value::Dict(ftl_core::Dict::shared(facts.clone())));
        let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, dir.join(&**name)));
        if written.is_err() {
            // The cache only saves time: without it facts are gathered again.
            let _ = std::fs::remove_file(&temporary);
        }
    }
}
