//! Which displays a run has: ours, and callback plugins in Python, which are found where ansible-core finds them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ftl_core::source::{Diagnostic, Severity};
use ftl_core::value::{Map, Value};
use ftl_engine::Cancel;
use ftl_module::ansible::core::AnsibleCore;
use ftl_module::{CallbackError, CallbackHost, CallbackRequest};
use ftl_output::Callbacks;
use ftl_playbook::graph::Playbook;

use crate::exit::Failure;
use crate::parts::Parts;
use crate::program::{Context, Kind};

/// How long a plugin may take for one event; `FTL_CALLBACK_TIMEOUT` says otherwise.
const DEADLINE: Duration = Duration::from_secs(300);

/// What options and settings ask for.
pub struct Wanted {
    /// `stdout_callback`.
    pub stdout: String,
    /// Others too: `callbacks_enabled`, and plugins that need no enabling.
    pub additional: bool,
    /// `ansible --tree`.
    pub tree: Option<String>,
}

impl Wanted {
    pub fn new(kind: Kind, parts: &Parts<'_>) -> Wanted {
        let configured = parts.settings.text("DEFAULT_STDOUT_CALLBACK").unwrap_or_else(|| "default".into());
        let is_adhoc = matches!(kind, Kind::Adhoc | Kind::Ftl);
        let additional = kind == Kind::Play || (is_adhoc && parts.settings.flag("DEFAULT_LOAD_CALLBACK_PLUGINS"));
        let stdout = match kind {
            Kind::Play => configured,
            _ if !is_adhoc => "default".into(),
            _ if parts.arguments.flag("one_line") => "oneline".into(),
            _ if additional && configured != "default" => configured,
            _ => "minimal".into(),
        };
        let tree = parts.arguments.text("tree").filter(|_| is_adhoc).map(|path| parts.surroundings.path(path));
        Wanted { stdout, additional, tree }
    }
}

/// What is found beside playbooks and roles and in the configured paths.
struct Found {
    /// `callback_plugins` may be in these.
    directories: Vec<PathBuf>,
    names: Vec<String>,
    collections: Vec<PathBuf>,
}

impl Found {
    fn new(parts: &Parts<'_>, near: &[PathBuf], playbooks: &[Playbook]) -> Found {
        let mut directories = near.to_vec();
        // Roles of later playbooks are read after the plugins.
        for play in playbooks.first().iter().flat_map(|playbook| &playbook.plays) {
            directories.extend(play.graph.roles.iter().map(|role| role.path.clone()));
        }
        let beside = directories.iter().map(|directory| directory.join("callback_plugins"));
        let mut names = vec![];
        for directory in beside.chain(parts.settings.paths("DEFAULT_CALLBACK_PLUGIN_PATH")) {
            names.extend(plugin_names(&directory));
        }
        Found { directories, names, collections: parts.collections_paths(near) }
    }

    /// A file of the user's that goes before what is built in.
    fn overrides(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name.strip_prefix("ansible.legacy.").unwrap_or(name))
    }

    /// Is the plugin in an installed collection?
    fn in_collection(&self, namespace: &str, collection: &str, name: &str) -> bool {
        let below = format!("{namespace}/{collection}/plugins/callback/{name}.py");
        self.collections.iter().any(|path| path.join("ansible_collections").join(&below).is_file())
    }

    /// Can FTL show this `stdout_callback` itself?
    fn native_stdout(&self, name: &str) -> bool {
        if self.overrides(name) {
            return false;
        }
        match name.rsplit('.').next() {
            // Stand-ins, for those who have not the plugin itself.
            Some("yaml") => !self.in_collection("community", "general", "yaml"),
            Some("debug") => !self.in_collection("ansible", "posix", "debug"),
            _ => ftl_output::has_screen(name),
        }
    }

    fn native_extra(&self, name: &str) -> bool {
        !self.overrides(name) && (ftl_output::has_extra(name) || ftl_output::has_screen(name))
    }
}

fn plugin_names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return vec![] };
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "py"));
    let names = files.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    names.filter(|name| name != "__init__").collect()
}

/// Begins the display of a run, with the process of callback plugins if the run has any.
pub fn begin(
    context: &Context<'_>,
    core: Option<&AnsibleCore>,
    near: &[PathBuf],
    playbooks: &[Playbook],
    extra_vars: &Arc<Map>,
    cancel: &Cancel,
) -> Result<Option<Arc<CallbackHost>>, Failure> {
    let parts = context.parts();
    let wanted = Wanted::new(context.kind, &parts);
    let found = Found::new(&parts, near, playbooks);
    let enabled: Vec<String> = match wanted.additional {
        true => parts.settings.list("CALLBACKS_ENABLED").into_iter().filter(|name| !name.is_empty()).collect(),
        false => vec![],
    };
    let (native, foreign): (Vec<String>, Vec<String>) = enabled.into_iter().partition(|name| found.native_extra(name));
    let native_stdout = found.native_stdout(&wanted.stdout);
    let more = wanted.additional && !(foreign.is_empty() && found.names.is_empty());
    if native_stdout && !more && wanted.tree.is_none() {
        context.display.begin(None)?;
        return Ok(None);
    }
    let Some(core) = core else {
        let why = format!("Callback plugins in Python need ansible-core, which was not found: '{}'", wanted.stdout);
        return match native_stdout && wanted.tree.is_none() {
            false => Err(Failure::general(why)),
            true => {
                context.display.begin(None)?;
                Ok(None)
            }
        };
    };
    let request = CallbackRequest {
        stdout: wanted.stdout.clone(),
        native_stdout,
        native,
        additional: wanted.additional,
        tree: wanted.tree,
        directories: found.directories,
        near: if near.is_empty() { vec![context.surroundings.working_dir.clone()] } else { near.to_vec() },
        adhoc: context.kind != Kind::Play,
        arguments: command_line(context),
        options: options(&parts),
        extra_vars: (**extra_vars).clone(),
    };
    let deadline = context.surroundings.variable("FTL_CALLBACK_TIMEOUT").and_then(|text| text.parse().ok());
    let masks = context.display.masks().clone();
    let started = CallbackHost::start(
        &parts.plugin_host_settings(core, near),
        &context.surroundings.working_dir,
        parts.settings.config_file.as_deref(),
        &request,
        deadline.filter(|seconds| *seconds > 0).map_or(DEADLINE, Duration::from_secs),
        Box::new(move |text| masks.apply(text)),
    );
    let host = match started {
        Ok(host) => Arc::new(host),
        Err(CallbackError::Problem(text)) => return Err(Failure::general(text)),
        Err(CallbackError::Ended(code)) => return Err(Failure { code, diagnostics: vec![] }),
    };
    let show = {
        let (host, cancel) = (host.clone(), cancel.clone());
        move |event: &_, reveal| {
            let lost = host.tell(event, reveal).err();
            if host.ended().is_some() {
                cancel.cancel();
            }
            let severity = if native_stdout { Severity::Warning } else { Severity::Error };
            let rest = if native_stdout { "" } else { " The default display shows the rest." };
            lost.map(|problem| Diagnostic { severity, ..Diagnostic::error(problem + rest) })
        }
    };
    context.display.begin(Some(Callbacks { show: Box::new(show), screen: !native_stdout, instead_of: foreign }))?;
    Ok(Some(host))
}

/// The command line as `ansible-playbook` or `ansible` would have it; `ftl` has options of its own.
fn command_line(context: &Context<'_>) -> Vec<String> {
    let program = match context.kind {
        Kind::Play => "ansible-playbook",
        Kind::Adhoc => "ansible",
        _ => return vec![],
    };
    std::iter::once(program.to_string()).chain(context.surroundings.words.iter().cloned()).collect()
}

/// What plugins find in `CLIARGS` where the command line is none of Ansible's.
fn options(parts: &Parts<'_>) -> Map {
    let texts = |texts: &[String]| texts.iter().map(|text| Value::str(text.as_str())).collect::<Value>();
    let mut map = Map::new();
    map.insert("verbosity", i64::from(parts.verbosity()));
    map.insert("check", parts.arguments.flag("check"));
    map.insert("diff", parts.flag("diff", "DIFF_ALWAYS"));
    map.insert("forks", parts.number("forks", "DEFAULT_FORKS"));
    map.insert("connection", parts.text("connection", "DEFAULT_TRANSPORT").unwrap_or_default());
    map.insert("become", parts.flag("become", "DEFAULT_BECOME"));
    map.insert("become_method", parts.text("become_method", "DEFAULT_BECOME_METHOD").unwrap_or_default());
    map.insert("become_user", parts.text("become_user", "DEFAULT_BECOME_USER").map_or(Value::None, Value::str));
    map.insert("inventory", texts(&parts.inventory_sources()));
    map.insert("tags", texts(&parts.tags()));
    map.insert("skip_tags", texts(&parts.skip_tags()));
    map.insert("subset", parts.arguments.text("subset").map_or(Value::None, Value::str));
    map.insert("args", texts(&parts.arguments.positionals));
    map
}
