//! The programs and their command lines.

use super::options::*;
use super::spec::{Positional, Program};

pub const PLAYBOOK: Program = Program {
    options: &[BASE, CONNECT, META, RUN_AS, SUBSET, CHECK, SOURCES, RUN_TASK, VAULT, FORKS, MODULES, LIST_PLAYBOOK],
    positional: Positional::Several("playbook", "playbook files"),
    description: "Runs playbooks: the tasks they define, on the hosts they name.",
    epilog: "",
};

pub const ADHOC: Program = Program {
    options: &[
        BASE,
        RUN_AS,
        SOURCES,
        ASYNC,
        OUTPUT,
        CONNECT,
        CHECK,
        RUN_TASK,
        VAULT,
        FORKS,
        MODULES,
        BASE_DIR,
        TASK_TIMEOUT,
        ADHOC_MODULE,
    ],
    positional: Positional::One("pattern", "hosts to run on"),
    description: "Runs one module on a set of hosts.",
    epilog: "Actions that only make sense in a playbook (includes, for example) are refused.",
};

pub const FTL: Program = Program {
    options: &[
        BASE,
        FTL_MODULE,
        RUN_AS,
        SOURCES,
        ASYNC,
        OUTPUT,
        CONNECT,
        CHECK,
        RUN_TASK,
        VAULT,
        FTL_FORKS,
        FTL_MODULES,
        BASE_DIR,
        TASK_TIMEOUT,
    ],
    positional: Positional::Maybe("pattern", "hosts to run on (all when only an inventory is given)"),
    description: "Runs one module on a set of hosts. `ftl eval 'EXPRESSION'…` evaluates templates.",
    epilog: "",
};

pub const INVENTORY: Program = Program {
    options: &[BASE, INVENTORY_SOURCE, VAULT, BASE_DIR, RUN_TASK, INVENTORY_LISTING],
    positional: Positional::Maybe("group", "with --graph: the group to begin with"),
    description: "Shows an inventory.",
    epilog: "",
};

pub const GATE_BUILDER: Program = Program {
    options: &[BASE, GATE],
    positional: Positional::None,
    description: "Builds the pack of Python files that gates need, and keeps it by its content.",
    epilog: "",
};

pub const LOCALHOST: Program = Program {
    options: &[BASE, LOCAL_INVENTORY],
    positional: Positional::None,
    description: "Prints an inventory with localhost and its Python.",
    epilog: "",
};

pub const EVAL: Program = Program {
    options: &[BASE, EVAL_OPTIONS, VAULT],
    positional: Positional::Several("template", "templates, or expressions without braces"),
    description: "Evaluates templates as a task would.",
    epilog: "",
};
