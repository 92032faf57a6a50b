//! Where and as whom a task runs: connection variables, keywords and settings, in Ansible's order.

use std::sync::Arc;

use ftl_core::call::{
    BECOME_PASSWORD, Become, CONNECTION_PASSWORD, ConnectionOptions, Discovery, Interpreter, KEY_PASSPHRASE, ModuleRef,
    Secret, Target,
};
use ftl_core::mask::Masks;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Value, to_text};
use ftl_template::{Renderer, Scope};

use super::TaskFailure;
use super::keywords::{defined, render_bool};
use crate::step::Step;
use crate::vars::TaskScope;

/// The target of a task, with what else its variables say about running modules there.
#[derive(Clone, Debug)]
pub(crate) struct Resolution {
    pub target: Target,
    pub async_dir: String,
}

/// Reads connection options for the host that `scope` shows.
struct Options<'a> {
    masks: &'a Masks,
    scope: &'a TaskScope,
    renderer: &'a Renderer,
}

impl<'a> Options<'a> {
    fn new(step: &'a Step, scope: &'a TaskScope, renderer: &'a Renderer) -> Options<'a> {
        Options { masks: step.run.loader.secrets.masks(), scope, renderer }
    }

    /// The value of the last of `names` that is set: Ansible lets later aliases win.
    fn get(&self, names: &[&str]) -> Result<Option<Value>, TaskFailure> {
        for name in names.iter().rev() {
            if let Some(value) = self.given(name)?.filter(|value| !value.is_omit()) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// The value of one variable that is not null, perhaps `omit`.
    fn given(&self, name: &str) -> Result<Option<Value>, TaskFailure> {
        let Some(raw) = self.scope.given(name) else { return Ok(None) };
        let value = self.renderer.render(&raw).and_then(defined).map_err(|cause| {
            TaskFailure::Error(Diagnostic::error(format!("Error processing variable '{name}'.")).caused_by(cause))
        })?;
        Ok(Some(value).filter(|value| !value.is_none()))
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, TaskFailure> {
        Ok(self.get(names)?.map(|v| to_text(&v)))
    }

    fn secret(&self, names: &[&str]) -> Result<Option<Secret>, TaskFailure> {
        let text = self.text(names)?;
        text.iter().for_each(|text| self.masks.add(text));
        Ok(text.map(Secret::new))
    }

    fn keyword(&self, value: &Option<Value>) -> Result<Option<String>, TaskFailure> {
        match value {
            Some(raw) => {
                let value = self.renderer.render(raw).and_then(defined)?;
                Ok((!value.is_none() && !value.is_omit()).then(|| to_text(&value)))
            }
            None => Ok(None),
        }
    }
}

/// Resolves the target for the host that `scope` shows, named `host`.
pub(crate) fn resolve_target(step: &Step, scope: &Arc<TaskScope>, host: &str) -> Result<Resolution, TaskFailure> {
    let renderer = step.renderer(scope);
    let options = Options::new(step, scope, &renderer);
    let settings = &step.run.settings;
    let words = &step.task.keywords;
    let base = &settings.connection;

    let kind = match options.text(&["ansible_connection"])? {
        Some(kind) => kind,
        None => options.keyword(&words.connection)?.unwrap_or_else(|| base.kind.clone()),
    };
    let kind = match kind.strip_prefix("ansible.builtin.").unwrap_or(&kind) {
        "smart" => "ssh".to_string(),
        other => other.to_string(),
    };
    let become_as = resolve_become(step, &options)?;
    let connection = match kind.as_str() {
        "local" => local(step, &options)?,
        "ssh" | "paramiko" | "paramiko_ssh" => ssh(step, &options, host)?,
        other => {
            return Err(TaskFailure::message(format!(
                "the connection plugin '{other}' was not found or is not supported yet"
            )));
        }
    };
    let interpreter = python(step, &options)?;
    let target = Target { host: host.into(), connection: Arc::new(connection), become_as, interpreter };
    let async_dir = options.text(&["ansible_async_dir"])?.unwrap_or_else(|| settings.async_dir.clone());
    Ok(Resolution { target, async_dir })
}

fn python(step: &Step, options: &Options<'_>) -> Result<Interpreter, TaskFailure> {
    let text = match options.given("ansible_python_interpreter")? {
        Some(value) if value.is_omit() => "auto".to_owned(),
        Some(value) => to_text(&value),
        None => step.run.settings.interpreter.clone(),
    };
    let text = text.trim();
    if !matches!(text, "" | "auto" | "auto_legacy" | "auto_silent" | "auto_legacy_silent") {
        return Ok(Interpreter::Path(text.to_owned()));
    }
    // A discovery is made once for a host; asking for it again gives what was found.
    if let Some(known) = discovered(options.scope) {
        return Ok(known);
    }
    let mut discovery = Discovery::new(text);
    if let Some(names) = options.get(&["ansible_interpreter_python_fallback"])? {
        discovery.candidates = match names.as_items() {
            Some(names) => names.iter().map(to_text).collect(),
            None => to_text(&names).split(',').map(|name| name.trim().to_owned()).collect(),
        };
    }
    Ok(Interpreter::Discover(Arc::new(discovery)))
}

fn discovered(scope: &TaskScope) -> Option<Interpreter> {
    let facts = scope.get("ansible_facts")?;
    let path = facts.get("discovered_interpreter_python")?;
    Some(Interpreter::Path(path.as_str()?.to_string()))
}

/// `ansible_python_module_rlimit_nofile`, else the setting.
pub(crate) fn rlimit_nofile(step: &Step, scope: &Arc<TaskScope>) -> Result<u64, TaskFailure> {
    let renderer = step.renderer(scope);
    let options = Options::new(step, scope, &renderer);
    let name = "ansible_python_module_rlimit_nofile";
    match options.given(name)? {
        None => Ok(step.run.settings.module_options.rlimit_nofile),
        Some(value) if value.is_omit() => Ok(0),
        Some(value) => to_text(&value).trim().parse().map_err(|_| {
            TaskFailure::message(format!("The variable '{name}' is not a number of files: {}", to_text(&value)))
        }),
    }
}

/// `ansible_perl_interpreter`, when the first line of a module names `perl`.
pub(crate) fn other_interpreter(
    step: &Step,
    scope: &Arc<TaskScope>,
    module: &ModuleRef,
) -> Result<Option<String>, TaskFailure> {
    let Some(name) = &module.interpreter else { return Ok(None) };
    let renderer = step.renderer(scope);
    let options = Options::new(step, scope, &renderer);
    let path = options.text(&[&format!("ansible_{name}_interpreter")])?;
    Ok(path.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()))
}

fn resolve_become(step: &Step, options: &Options<'_>) -> Result<Option<Become>, TaskFailure> {
    let settings = &step.run.settings;
    let words = &step.task.keywords;
    let wanted = match options.get(&["ansible_become"])? {
        Some(value) => value.to_bool_loose().unwrap_or(false),
        None => render_bool(options.renderer, "become", &words.r#become, settings.become_default)?,
    };
    if !wanted {
        return Ok(None);
    }
    let choose =
        |names: &[&str], keyword: &Option<Value>, default: Option<String>| -> Result<Option<String>, TaskFailure> {
            match options.text(names)? {
                Some(value) => Ok(Some(value)),
                None => Ok(options.keyword(keyword)?.or(default)),
            }
        };
    let method = choose(&["ansible_become_method"], &words.become_method, Some(settings.become_method.clone()))?
        .unwrap_or_else(|| "sudo".into());
    let method = method.strip_prefix("ansible.builtin.").unwrap_or(&method).to_string();
    let user = choose(&["ansible_become_user", "ansible_sudo_user"], &words.become_user, settings.become_user.clone())?
        .unwrap_or_else(|| "root".into());
    let exe = choose(&["ansible_become_exe", "ansible_sudo_exe"], &words.become_exe, settings.become_exe.clone())?;
    let flags =
        choose(&["ansible_become_flags", "ansible_sudo_flags"], &words.become_flags, settings.become_flags.clone())?;
    let password = options.secret(BECOME_PASSWORD)?.or_else(|| settings.become_password.clone());
    Ok(Some(Become { method, user, password, exe, flags }))
}

fn local(step: &Step, options: &Options<'_>) -> Result<ConnectionOptions, TaskFailure> {
    Ok(ConnectionOptions {
        kind: "local".into(),
        address: "localhost".into(),
        timeout: step.run.settings.connection.timeout,
        shell_executable: options.text(&["ansible_shell_executable"])?,
        remote_tmp: options.text(&["ansible_remote_tmp"])?.or_else(|| step.run.settings.connection.remote_tmp.clone()),
        local_cwd: Some(step.play.base_dir.clone()),
        ..ConnectionOptions::default()
    })
}

fn ssh(step: &Step, options: &Options<'_>, host: &str) -> Result<ConnectionOptions, TaskFailure> {
    let base = &step.run.settings.connection;
    let words = &step.task.keywords;
    let port = match options.text(&["ansible_port", "ansible_ssh_port"])? {
        Some(port) => Some(port),
        None => options.keyword(&words.port)?,
    };
    let port = match port {
        Some(text) => Some(text.trim().parse().map_err(|_| {
            TaskFailure::message(format!("The port '{text}' of host '{host}' is not a number between 1 and 65535."))
        })?),
        None => base.port,
    };
    let user = match options.text(&["ansible_user", "ansible_ssh_user"])? {
        Some(user) => Some(user),
        None => options.keyword(&words.remote_user)?.or_else(|| base.user.clone()),
    };
    let text = |names: &[&str], default: &Option<String>| -> Result<Option<String>, TaskFailure> {
        Ok(options.text(names)?.or_else(|| default.clone()))
    };
    let number = |names: &[&str], default: u32| -> Result<u32, TaskFailure> {
        Ok(options.text(names)?.and_then(|t| t.trim().parse().ok()).unwrap_or(default))
    };
    let checking = options.get(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?;
    Ok(ConnectionOptions {
        kind: "ssh".into(),
        address: options.text(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| host.to_string()),
        port,
        user,
        password: options.secret(CONNECTION_PASSWORD)?.or_else(|| base.password.clone()),
        private_key_file: text(&["ansible_private_key_file", "ansible_ssh_private_key_file"], &base.private_key_file)?,
        private_key_passphrase: options.secret(KEY_PASSPHRASE)?.or_else(|| base.private_key_passphrase.clone()),
        ssh_executable: text(&["ansible_ssh_executable"], &base.ssh_executable)?,
        ssh_args: text(&["ansible_ssh_args"], &base.ssh_args)?,
        ssh_common_args: text(&["ansible_ssh_common_args"], &base.ssh_common_args)?,
        ssh_extra_args: text(&["ansible_ssh_extra_args"], &base.ssh_extra_args)?,
        timeout: number(&["ansible_timeout", "ansible_ssh_timeout"], base.timeout)?,
        retries: number(&["ansible_ssh_retries"], base.retries)?,
        host_key_checking: checking.and_then(|v| v.to_bool_loose()).unwrap_or(base.host_key_checking),
        shell_executable: text(&["ansible_shell_executable"], &base.shell_executable)?,
        remote_tmp: text(&["ansible_remote_tmp"], &base.remote_tmp)?,
        local_cwd: None,
    })
}
