//! The options programs share, in tables by topic.

use super::spec::Action::{Append, Count, Flag, Help, Number, Text, Version};
use super::spec::{OptionSpec, option as o};

const CONNECTION: &str = "Connection Options";
const ESCALATION: &str = "Privilege Escalation Options";

pub(super) const BASE: &[OptionSpec] = &[
    o("-h --help", "help", Help, "show this help and exit"),
    o("--version", "version", Version, "show versions and the places that are searched, and exit"),
    o(
        "-v --verbose",
        "verbosity",
        Count,
        "say more; up to -vvvvvv, -vvvv shows connections. May be given several times",
    ),
];

pub(super) const CONNECT: &[OptionSpec] = &[
    o("--private-key --key-file", "private_key_file", Text, "log in with this key").under(CONNECTION),
    o("-u --user", "remote_user", Text, "log in as this user").under(CONNECTION),
    o("-c --connection", "connection", Text, "kind of connection (default=ssh)").under(CONNECTION),
    o("-T --timeout", "timeout", Number, "seconds a connection may take").under(CONNECTION),
    o("--ssh-common-args", "ssh_common_args", Text, "arguments for ssh, sftp and scp").under(CONNECTION),
    o("--sftp-extra-args", "sftp_extra_args", Text, "accepted; FTL does not use sftp").under(CONNECTION),
    o("--scp-extra-args", "scp_extra_args", Text, "accepted; FTL does not use scp").under(CONNECTION),
    o("--ssh-extra-args", "ssh_extra_args", Text, "arguments for ssh alone").under(CONNECTION),
    o("-k --ask-pass", "ask_pass", Flag, "ask for the connection password").excludes(1),
    o(
        "--connection-password-file --conn-pass-file",
        "connection_password_file",
        Text,
        "file with the connection password",
    )
    .excludes(1),
];

pub(super) const META: &[OptionSpec] =
    &[o("--force-handlers", "force_handlers", Flag, "run notified handlers even when a task fails")];

pub(super) const RUN_AS: &[OptionSpec] = &[
    o("-b --become", "become", Flag, "become another user (asks for no password)").under(ESCALATION),
    o("--become-method", "become_method", Text, "how to become another user (default=sudo)").under(ESCALATION),
    o("--become-user", "become_user", Text, "the user to become (default=root)").under(ESCALATION),
    o("-K --ask-become-pass", "become_ask_pass", Flag, "ask for the password for becoming another user").excludes(2),
    o("--become-password-file --become-pass-file", "become_password_file", Text, "file with that password").excludes(2),
];

pub(super) const SUBSET: &[OptionSpec] = &[
    o("-t --tags", "tags", Append, "only tasks with one of these tags. May be given several times"),
    o("--skip-tags", "skip_tags", Append, "only tasks with none of these tags. May be given several times"),
];

pub(super) const CHECK: &[OptionSpec] = &[
    o("-C --check", "check", Flag, "change nothing; tell what would change"),
    o("-D --diff", "diff", Flag, "show the differences in changed files"),
];

pub(super) const SOURCES: &[OptionSpec] = &[
    o(
        "-i --inventory --inventory-file",
        "inventory",
        Append,
        "inventory file, directory or host list (a,b,). May be given several times",
    ),
    o("--list-hosts", "listhosts", Flag, "list the hosts that match; run nothing"),
    o("-l --limit", "subset", Text, "only hosts that match this pattern too"),
    o("--flush-cache", "flush_cache", Flag, "forget cached facts of all hosts"),
];

pub(super) const RUN_TASK: &[OptionSpec] = &[o(
    "-e --extra-vars",
    "extra_vars",
    Append,
    "variables as key=value, YAML, JSON or @file. May be given several times",
)];

pub(super) const VAULT: &[OptionSpec] = &[
    o("--vault-id", "vault_ids", Append, "vault identity: label@source. May be given several times"),
    o("-J --ask-vault-password --ask-vault-pass", "ask_vault_pass", Flag, "ask for the vault password").excludes(3),
    o("--vault-password-file --vault-pass-file", "vault_password_files", Append, "file with the vault password")
        .excludes(3),
];

pub(super) const FORKS: &[OptionSpec] =
    &[o("-f --forks", "forks", Number, "how many hosts are worked on at once (default=5)")];

pub(super) const MODULES: &[OptionSpec] = &[o(
    "-M --module-path",
    "module_path",
    Append,
    "directories with modules, separated by colons. May be given several times",
)];

pub(super) const FTL_MODULES: &[OptionSpec] = &[o(
    "-M --module-path --module-dir",
    "module_path",
    Append,
    "directories with modules, separated by colons. May be given several times",
)];

pub(super) const BASE_DIR: &[OptionSpec] =
    &[o("--playbook-dir", "basedir", Text, "directory that stands for that of a playbook")];

pub(super) const LIST_PLAYBOOK: &[OptionSpec] = &[
    o("--syntax-check", "syntax", Flag, "check the playbook; run nothing"),
    o("--list-tasks", "listtasks", Flag, "list the tasks; run nothing"),
    o("--list-tags", "listtags", Flag, "list the tags; run nothing"),
    o("--step", "step", Flag, "not supported yet"),
    o("--start-at-task", "start_at_task", Text, "begin with the task of this name"),
];

pub(super) const ASYNC: &[OptionSpec] = &[
    o("-P --poll", "poll_interval", Number, "seconds between questions with -B (default=15)"),
    o("-B --background", "seconds", Number, "run in the background, for that many seconds"),
];

pub(super) const OUTPUT: &[OptionSpec] = &[
    o("-o --one-line", "one_line", Flag, "one line per result"),
    o("-t --tree", "tree", Text, "write results to files in this directory"),
];

pub(super) const TASK_TIMEOUT: &[OptionSpec] =
    &[o("--task-timeout", "task_timeout", Number, "seconds the task may take")];

pub(super) const ADHOC_MODULE: &[OptionSpec] = &[
    o("-a --args", "module_args", Text, "arguments of the module: key=value … or JSON"),
    o("-m --module-name", "module_name", Text, "the module (default=command)"),
];

pub(super) const INVENTORY_SOURCE: &[OptionSpec] = &[SOURCES[0], SOURCES[2], SOURCES[3]];

const ACTIONS: &str = "Actions";

pub(super) const INVENTORY_LISTING: &[OptionSpec] = &[
    o("--list", "list", Flag, "all hosts and groups").under(ACTIONS),
    o("--host", "host", Text, "the variables of one host").under(ACTIONS),
    o("--graph", "graph", Flag, "the tree of groups").under(ACTIONS),
    o("-y --yaml", "yaml", Flag, "YAML instead of JSON"),
    o("--toml", "toml", Flag, "not supported yet"),
    o("--vars", "show_vars", Flag, "with --graph: variables too"),
    o("--export", "export", Flag, "with --list: variables where they are written"),
    o("--output", "output_file", Text, "with --list: write to this file"),
];

pub(super) const FTL_FORKS: &[OptionSpec] =
    &[o("--forks", "forks", Number, "how many hosts are worked on at once (also -f NUMBER)")];

pub(super) const FTL_MODULE: &[OptionSpec] = &[
    o("-f --ftl-module", "ftl_module", Text, "run this native FTL module, in this process where possible"),
    o("-m --module --module-name", "module_name", Text, "the module (default=command)"),
    o("-a --args", "module_args", Text, "arguments of the module: key=value …, JSON or @file"),
    o("-r --requirements", "requirements", Text, "accepted; gates need no Python packages"),
    o("--debug", "debug", Flag, "as -vvv"),
];

pub(super) const GATE: &[OptionSpec] = &[
    o("-f --ftl-module", "ftl_module", Append, "accepted; native modules are part of FTL"),
    o("-m --module", "module", Append, "a module that must be found. May be given several times"),
    o("-M --module-dir", "module_path", Append, "a directory with modules. May be given several times"),
    o("-r --requirements", "requirements", Text, "accepted; gates need no Python packages"),
    o("-I --interpreter", "interpreter", Text, "accepted; gates run with any Python from 3.8 on"),
    o("-d --debug", "debug", Flag, "say more"),
];

pub(super) const LOCAL_INVENTORY: &[OptionSpec] = &[
    o("-w --write", "write", Text, "write the inventory to this file"),
    o("--force", "force", Flag, "replace the file when there is one"),
    o("--ini", "ini", Flag, "INI instead of YAML"),
];

pub(super) const EVAL_OPTIONS: &[OptionSpec] = &[
    o("-i --inventory", "inventory", Append, "inventory for the variables of a host. May be given several times"),
    o("-l --limit", "subset", Text, "the host whose variables are seen"),
    o(
        "-e --extra-vars",
        "extra_vars",
        Append,
        "variables as key=value, YAML, JSON or @file. May be given several times",
    ),
    o("--vars", "vars", Append, "a JSON or YAML file with variables. May be given several times"),
    o("--json", "json", Flag, "one JSON object a line: template, value and type, or error"),
];
