//! Facts of one host: as modules sent them, as `ansible_facts`, and as top-level variables.

use std::sync::Arc;

use ftl_core::value::{Map, Value};

/// Immutable; a change makes a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    raw: Arc<Map>,
    namespaced: Value,
    injected: Arc<Map>,
}

impl Facts {
    pub(crate) fn new(raw: Map) -> Facts {
        let mut names = Map::with_capacity(raw.len());
        for (key, value) in &raw {
            match key.as_str() {
                // Facts of modules that name them without the prefix keep their names.
                Some("ansible_local") | None => names.insert(key.clone(), value.clone()),
                Some(text) => names.insert(text.strip_prefix("ansible_").unwrap_or(text), value.clone()),
            };
        }
        let injected = raw.iter().filter(|(k, _)| k.as_str().is_some_and(is_safe)).map(|(k, v)| (k.clone(), v.clone()));
        Facts { injected: Arc::new(injected.collect()), namespaced: Value::dict(names), raw: Arc::new(raw) }
    }

    /// Has `setup` told something of this host?
    pub(crate) fn are_gathered(&self) -> bool {
        self.raw.contains_key("module_setup")
    }

    /// These facts with `more` on top.
    #[must_use]
    pub(crate) fn with(&self, more: &Map) -> Facts {
        let mut raw = (*self.raw).clone();
        raw.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
        Facts::new(raw)
    }

    pub(crate) fn raw(&self) -> &Arc<Map> {
        &self.raw
    }

    /// The value of `ansible_facts`.
    pub(crate) fn namespaced(&self) -> Value {
        if self.namespaced.is_none() { Value::dict(Map::new()) } else { self.namespaced.clone() }
    }

    /// What is seen as top-level variables.
    pub(crate) fn injected(&self) -> &Arc<Map> {
        &self.injected
    }

    /// The names among these facts that no host may set at the top level.
    pub(crate) fn refused(facts: &Map) -> impl Iterator<Item = &str> {
        facts.iter().filter_map(|(key, _)| key.as_str()).filter(|name| !is_safe(name))
    }
}

/// May a host set a top-level variable of this name through facts? Connection, become and interpreter settings, and the
/// names the engine itself gives, are not the host's to choose (T3, T4 in COMPATIBILITY.md).
fn is_safe(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "ansible_ssh_",
        "ansible_local_",
        "ansible_become_",
        "ansible_paramiko_",
        "ansible_winrm_",
        "ansible_psrp_",
        "ansible_docker_",
        "ansible_async_",
        "ansible_system_tmpdirs",
    ];
    // Container bridges and host keys are plain facts although they look like connection settings.
    let exempt = name.ends_with("_bridge") || name.ends_with("_gwbridge") || name.starts_with("ansible_ssh_host_key_");
    if PREFIXES.iter().any(|p| name.starts_with(p)) && !exempt {
        return false;
    }
    if name.starts_with("ansible_") && name.ends_with("_interpreter") && !name.contains("discovered_interpreter") {
        return false;
    }
    !FORBIDDEN.contains(&name)
}

/// Sorted.
const FORBIDDEN: [&str; 81] = [
    "ansible_accelerate_port",
    "ansible_become",
    "ansible_check_mode",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_connection",
    "ansible_delegated_vars",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_executable",
    "ansible_facts",
    "ansible_forks",
    "ansible_host",
    "ansible_host_key_checking",
    "ansible_index_var",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_loop",
    "ansible_loop_var",
    "ansible_module_compression",
    "ansible_no_log",
    "ansible_no_target_syslog",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_password",
    "ansible_pipelining",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_playbook_python",
    "ansible_port",
    "ansible_private_key_file",
    "ansible_remote_tmp",
    "ansible_remote_user",
    "ansible_role_name",
    "ansible_rsync_path",
    "ansible_run_tags",
    "ansible_scp_executable",
    "ansible_scp_extra_args",
    "ansible_scp_if_ssh",
    "ansible_search_path",
    "ansible_sftp_batch_mode",
    "ansible_sftp_executable",
    "ansible_sftp_extra_args",
    "ansible_shell_executable",
    "ansible_shell_type",
    "ansible_skip_tags",
    "ansible_su",
    "ansible_sudo",
    "ansible_timeout",
    "ansible_user",
    "ansible_verbosity",
    "ansible_version",
    "cycler",
    "dict",
    "finalize",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "item",
    "joiner",
    "lipsum",
    "lookup",
    "namespace",
    "now",
    "omit",
    "play_hosts",
    "playbook_dir",
    "q",
    "query",
    "range",
    "role_name",
    "role_names",
    "role_path",
    "undef",
    "vars",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_may_not_choose_how_they_are_reached() {
        for (name, safe) in [
            ("ansible_distribution", true),
            ("ansible_host", false),
            ("ansible_ssh_common_args", false),
            ("ansible_ssh_host_key_rsa_public", true),
            ("ansible_python_interpreter", false),
            ("discovered_interpreter_python", true),
            ("inventory_hostname", false),
            ("lookup", false),
            ("dict", false),
            ("ansible_docker_gwbridge", true),
            ("my_fact", true),
        ] {
            assert_eq!(is_safe(name), safe, "{name}");
        }
        assert!(FORBIDDEN.is_sorted());
    }

    #[test]
    fn names_lose_their_prefix_in_ansible_facts() {
        let facts = Facts::new([("ansible_os", Value::str("x")), ("plain", Value::Int(1))].into_iter().collect());
        assert_eq!(facts.namespaced().get("os"), Some(Value::str("x")));
        assert_eq!(facts.namespaced().get("plain"), Some(Value::Int(1)));
        assert_eq!(facts.injected().get("ansible_os"), Some(&Value::str("x")));
    }
}
