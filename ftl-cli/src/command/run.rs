//! What running a playbook and running a single module have in common.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ftl_core::call::{BECOME_PASSWORD, CONNECTION_PASSWORD, KEY_PASSPHRASE};
use ftl_core::mask::Masks;
use ftl_core::port::{EventSink, ModuleRuntime};
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_engine::{Cancel, InventoryLayers, Plan, Run, run_playbooks};
use ftl_inventory::{HostVariables, Inventory, InventorySettings, Limit, Loaded, Selection};
use ftl_module::ansible::core::AnsibleCore;
use ftl_playbook::ParseOptions;
use ftl_playbook::graph::Playbook;
use ftl_template::{HostsMatching, Shared};
use tokio::runtime::Runtime as Tokio;

use crate::exit::{self, Failure};
use crate::extra_vars::extra_vars;
use crate::passwords::Passwords;
use crate::program::{Context, Kind};
use crate::retry_file::RetryFileSink;
use crate::terminal::{Terminal, is_interactive};
use crate::{callbacks, signals, vault_identity};

/// Everything that is known before a playbook is read.
pub struct Prepared {
    pub tokio: Tokio,
    pub loader: Loader,
    pub modules: Arc<dyn ModuleRuntime>,
    pub core: Option<AnsibleCore>,
    pub inventory: Inventory,
    pub inventory_settings: InventorySettings,
    pub vars_directories: Vec<PathBuf>,
    pub extra_vars: Arc<Map>,
    pub shared: Arc<Shared>,
    pub parse: ParseOptions,
    sources: Vec<String>,
}

impl Prepared {
    /// `near` are the directories of the playbooks. The order of what is read and said is Ansible's.
    pub fn new(context: &Context<'_>, near: &[PathBuf], listing: bool) -> Result<Prepared, Failure> {
        let parts = context.parts();
        let warn = |diagnostic: Diagnostic| context.display.message(&diagnostic);
        let secrets = vault_identity::secrets(context.arguments, context.settings, context.surroundings, &warn)?
            .masked_by(context.display.masks().clone());
        let loader = parts.loader(secrets);
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::general(format!("The runtime could not be started: {error}")))?;
        let guard = tokio.enter();
        let found = parts.modules(near);
        drop(guard);
        let (modules, core) = (found.runtime.clone(), found.core.clone());
        let mut notes = vec![];
        let mut inventory_settings = parts.inventory_settings(&parts.controller_python(core.as_ref()), &mut notes);
        let mut sources = parts.inventory_sources();
        if context.kind == Kind::Eval && !context.arguments.flag("inventory") {
            sources.clear();
            inventory_settings.unparsed_warning = false;
        }
        let loaded = ftl_inventory::load(&sources, &inventory_settings, &loader);
        notes.into_iter().chain(loaded.warnings).for_each(warn);
        if let Some(error) = loaded.error {
            return Err(error.into());
        }
        if !loader.secrets.is_empty() {
            let inventory = &loaded.inventory;
            let hosts = inventory.hosts().map(|host| &**inventory.host_name(host));
            let groups = inventory.groups().map(|group| &*inventory.group(group).name);
            context.display.masks().never(hosts.chain(groups));
        }
        let extra = context.surroundings.with_paths(|rules| {
            extra_vars(context.arguments.texts("extra_vars"), &loader, rules, parts.hash_behaviour())
        })?;
        loader.take_warnings().into_iter().for_each(warn);
        let extra = Arc::new(extra);
        let base_dir = near.first().cloned().unwrap_or_else(|| context.surroundings.working_dir.clone());
        let matching = hosts_matching(&loaded.inventory, &inventory_settings);
        let shared = parts.shared(&found, &loader, &base_dir, &context.display, Some(matching));
        let parse = parts.parse_options(&modules, &shared, &extra, near, listing);
        let prepared = Prepared {
            tokio,
            loader,
            modules,
            core,
            inventory: loaded.inventory,
            inventory_settings,
            vars_directories: loaded.vars_directories,
            extra_vars: extra,
            shared,
            parse,
            sources,
        };
        if context.arguments.flag("flush_cache") {
            prepared.flush_cache(context)?;
        }
        Ok(prepared)
    }

    /// `--limit`.
    pub fn limit(&self, context: &Context<'_>) -> Result<Option<Limit>, Failure> {
        let text = context.arguments.text("subset").filter(|text| !text.is_empty());
        Ok(text.map(|text| Limit::parse(text, &context.surroundings.working_dir)).transpose()?)
    }

    /// The hosts of a pattern, for lists.
    pub fn hosts(&self, context: &Context<'_>, patterns: &[String], limit: Option<&Limit>) -> Vec<String> {
        let mut selection = Selection::new(&self.inventory, &self.inventory_settings);
        let hosts = selection.hosts(patterns, limit).unwrap_or_default();
        selection.warnings.iter().for_each(|warning| context.display.message(warning));
        hosts.iter().map(|host| self.inventory.host_name(*host).to_string()).collect()
    }

    fn flush_cache(&self, context: &Context<'_>) -> Result<(), Failure> {
        let engine = context.parts().engine(self.core.as_ref(), Arc::default(), &Passwords::default())?;
        let Some((directory, _)) = engine.fact_cache else { return Ok(()) };
        for host in self.inventory.hosts() {
            // What is not there is flushed already.
            let _ = std::fs::remove_file(directory.join(&**self.inventory.host_name(host)));
        }
        let _ = std::fs::remove_file(directory.join("localhost"));
        Ok(())
    }

    /// Runs playbooks to their end; answers the exit code.
    pub fn run(
        self,
        context: &Context<'_>,
        near: &[PathBuf],
        playbooks: Vec<Playbook>,
        passwords: &Passwords,
        limit: Option<Limit>,
    ) -> Result<u8, Failure> {
        let parts = context.parts();
        let mut settings = parts.engine(self.core.as_ref(), self.extra_vars.clone(), passwords)?;
        let options = &settings.connection;
        let given = [&options.password, &options.private_key_passphrase, &settings.become_password];
        given.into_iter().flatten().for_each(|password| context.display.masks().add(password.reveal()));
        hide_passwords(&self.extra_vars, context.display.masks());
        let cancel = Cancel::default();
        let callbacks = callbacks::begin(context, self.core.as_ref(), near, &playbooks, &self.extra_vars, &cancel)?;
        settings.detailed_events = callbacks.is_some();
        let display = context.display.clone();
        let sink: Arc<dyn EventSink> = match context.settings.flag("RETRY_FILES_ENABLED") {
            true => Arc::new(RetryFileSink::new(
                display.clone(),
                context.settings.path("RETRY_FILES_SAVE_PATH"),
                context.surroundings.working_dir.clone(),
            )),
            false => display.clone(),
        };
        let run = Arc::new(Run {
            settings,
            runtime: self.modules.clone(),
            sink,
            template: self.shared,
            loader: Arc::new(self.loader.clone()),
            cancel: cancel.clone(),
            inventory_settings: self.inventory_settings.clone(),
            parse: self.parse,
            reload_inventory: Some(reload(self.sources, self.inventory_settings.clone(), self.loader.clone())),
            prompt: is_interactive().then(|| Arc::new(Terminal { display: display.clone() }) as _),
            cleanups: Default::default(),
        });
        let plan = Plan {
            playbooks,
            inventory: self.inventory,
            layers: layers(self.loader, self.vars_directories, self.inventory_settings),
            limit,
        };
        let modules = self.modules;
        let (finish, interruption) = self.tokio.block_on(async {
            let interruption = signals::watch(&cancel);
            let finish = run_playbooks(run, plan).await;
            modules.close().await;
            (finish, interruption)
        });
        if let Some(error) = &finish.error {
            display.message(error);
        }
        if let Some(callbacks) = &callbacks {
            callbacks.close();
        }
        let ended = callbacks.and_then(|callbacks| callbacks.ended());
        let code = match interruption.exit_code() {
            // A plugin has ended the run, and has said why.
            None if ended.is_some() => ended.unwrap_or(exit::GENERAL),
            Some(code) => {
                display.error_text("User interrupted execution");
                code
            }
            None if cancel.is_cancelled() => exit::INTERRUPTED,
            None => finish.exit_code,
        };
        // Threads that still wait for something must not keep the process.
        self.tokio.shutdown_background();
        Ok(code)
    }
}

fn hosts_matching(inventory: &Inventory, settings: &InventorySettings) -> HostsMatching {
    let (inventory, settings) = (inventory.clone(), settings.clone());
    Box::new(move |pattern| {
        let hosts = Selection::new(&inventory, &settings).hosts(&[pattern], None).unwrap_or_default();
        hosts.iter().map(|host| inventory.host_name(*host).to_string()).collect()
    })
}

/// The inventory variables of hosts; the vars files beside a playbook are looked up when one of its plays begins.
fn layers(loader: Loader, directories: Vec<PathBuf>, settings: InventorySettings) -> InventoryLayers {
    let by_play: Mutex<HashMap<PathBuf, Arc<HostVariables>>> = Mutex::default();
    Arc::new(move |play_dir, inventory, host| {
        let variables = {
            let mut by_play = by_play.lock().unwrap_or_else(|e| e.into_inner());
            let new = || {
                let near = [play_dir.to_path_buf()];
                Arc::new(HostVariables::new(loader.clone(), &directories, &near, &settings))
            };
            by_play.entry(play_dir.to_path_buf()).or_insert_with(new).clone()
        };
        let layers = variables.layers_for(inventory, host)?;
        layers.iter().for_each(|(_, vars)| hide_passwords(vars, loader.secrets.masks()));
        Ok(layers.into_iter().map(|(_, vars)| vars).collect())
    })
}

/// Passwords that are written out; those that are templates get hidden when they are used.
fn hide_passwords(vars: &Map, masks: &Masks) {
    for name in [CONNECTION_PASSWORD, BECOME_PASSWORD, KEY_PASSPHRASE].into_iter().flatten() {
        if let Some(Value::Str(password)) = vars.get(*name) {
            masks.add(password);
        }
    }
}

fn reload(sources: Vec<String>, settings: InventorySettings, loader: Loader) -> ftl_engine::ReloadInventory {
    Arc::new(move || {
        let Loaded { inventory, warnings, error, .. } = ftl_inventory::load(&sources, &settings, &loader);
        match error {
            Some(error) => Err(error),
            None => Ok((inventory, warnings)),
        }
    })
}
