//! The thinnest path from a playbook to a recap (to be replaced by the real command line).
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ftl_core::call::{ModuleOptions, ModuleSearch};
use ftl_core::port::EventSink;
use ftl_core::source::Loader;
use ftl_core::value::{Map, Str, Value};
use ftl_engine::*;
use ftl_inventory::{HostVariables, InventorySettings};
use ftl_playbook::ParseOptions;

pub fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut inv, mut extra, mut books, mut verbosity) = (vec![], Map::new(), vec![], 0u8);
    let mut settings = EngineSettings::default();
    while let Some(a) = args.next() {
        match a.as_str() {
            "-i" => inv.push(args.next().unwrap()),
            "-e" => {
                let kv = args.next().unwrap();
                let (k, v) = kv.split_once('=').unwrap();
                extra.insert(k, Value::Str(Str::trusted(v, None)));
            }
            "-C" | "--check" => settings.check = true,
            "-D" | "--diff" => settings.diff = true,
            "-c" => settings.connection.kind = args.next().unwrap(),
            "-t" => settings.tags = args.next().unwrap().split(',').map(Into::into).collect(),
            "-f" => settings.forks = args.next().unwrap().parse().unwrap(),
            a if a.starts_with("-v") => verbosity = a.len() as u8 - 1,
            _ => books.push(a),
        }
    }
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let cwd = std::env::current_dir().unwrap();
    let home = PathBuf::from(env.get("HOME").cloned().unwrap_or("/root".into()));
    let python = "/work/tools/venv/bin/python3".to_string();
    settings.verbosity = verbosity;
    settings.controller_python = python.clone();
    settings.extra_vars = Arc::new(extra);
    settings.ansible_version = version_value("2.19.14");
    settings.inventory_sources = inv.clone();
    settings.module_options = Arc::new(ModuleOptions {
        syslog_facility: "LOG_USER".into(),
        selinux_special_fs: vec!["fuse".into(), "nfs".into(), "vboxsf".into(), "ramfs".into(), "9p".into(), "vfat".into()],
        shell_executable: "/bin/sh".into(),
        remote_tmp: "~/.ansible/tmp".into(),
        native: "off".into(),
        ..Default::default()
    });
    let loader = Loader::new(&cwd, Default::default());
    let inv_settings = InventorySettings { base_dir: cwd.clone(), controller_python: python, ..Default::default() };
    let loaded = ftl_inventory::load(&inv, &inv_settings, &loader);
    let out = ftl_output::OutputSettings {
        verbosity,
        read_file: Arc::new(|p| std::fs::read_to_string(p).ok()),
        check: settings.check,
        ..Default::default()
    };
    let display = ftl_output::open(out).unwrap();
    for w in &loaded.warnings {
        display.message(w);
    }
    if let Some(e) = loaded.error {
        display.message(&e);
        return ExitCode::from(1);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _guard = runtime.enter();
    let connector =
        ftl_connection::connector(ftl_connection::ConnectorSettings::new(&home, "root", env.clone()));
    let module_settings = ftl_module::Settings {
        ansible_core: Some("/work/tools/venv/lib/python3.11/site-packages".into()),
        cache_dir: home.join(".cache/ftl"),
        home: Some(home),
        ..Default::default()
    };
    let modules: Arc<dyn ftl_core::port::ModuleRuntime> =
        Arc::new(ftl_module::Runtime::new(module_settings, connector, None));
    let shared = Arc::new(ftl_template::Shared {
        environment: env,
        working_dir: cwd.clone(),
        base_dir: cwd.clone(),
        ..Default::default()
    });
    let parse = ParseOptions {
        modules: modules.clone(),
        lookup_exists: Arc::new(|_| true),
        templates: shared.clone(),
        extra_vars: settings.extra_vars.clone(),
        roles_path: vec![],
        collections_paths: vec![],
        module_path: vec![],
        configured: ModuleSearch::default(),
        working_dir: cwd.clone(),
        private_role_vars: None,
        unknown_keywords_fail: true,
        listing: false,
    };
    let mut playbooks = vec![];
    for book in &books {
        match ftl_playbook::load_playbook(book, &loader, &parse) {
            Ok(loaded) => {
                for w in &loaded.warnings {
                    display.message(w);
                }
                playbooks.push(loaded.playbook);
            }
            Err(error) => {
                for d in error.diagnostics() {
                    display.message(&d);
                }
                return ExitCode::from(error.kind().exit_code());
            }
        }
    }
    let dirs: Vec<PathBuf> = playbooks.iter().flat_map(|p| p.plays.iter().map(|p| p.base_dir.clone())).take(1).collect();
    let vars = HostVariables::new(loader.clone(), &loaded.vars_directories, &dirs, &inv_settings);
    let sink: Arc<dyn EventSink> = display.clone();
    let run = Arc::new(Run {
        settings,
        runtime: modules.clone(),
        sink,
        template: shared,
        loader: Arc::new(loader),
        cancel: Cancel::default(),
        inventory_settings: inv_settings,
        parse,
        reload_inventory: None,
        prompt: None,
    });
    let plan = Plan {
        playbooks,
        inventory: loaded.inventory,
        layers: Arc::new(move |i, h| Ok(vars.layers_for(i, h)?.into_iter().map(|(_, m)| m).collect())),
        limit: None,
    };
    let finish = runtime.block_on(async {
        let finish = run_playbooks(run, plan).await;
        modules.close().await;
        finish
    });
    if let Some(e) = &finish.error {
        display.message(e);
    }
    display.finish();
    ExitCode::from(finish.exit_code)
}
