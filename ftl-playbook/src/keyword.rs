//! The keywords of plays, roles, blocks, tasks and handlers: one table, one line per keyword.

use ftl_core::source::{Diagnostic, Origin};

/// A place where keywords stand; the names are those of Ansible's messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Play,
    Role,
    Block,
    Task,
    Handler,
    /// `import_playbook`.
    PlaybookInclude,
    /// `import_role` and `include_role`.
    RoleInclude,
    /// `meta/main.yml` of a role.
    RoleMetadata,
    LoopControl,
}

impl Place {
    /// As Ansible's messages call it.
    pub fn title(self) -> &'static str {
        match self {
            Place::Play => "Play",
            Place::Role => "RoleInclude",
            Place::Block => "Block",
            Place::Task => "Task",
            Place::Handler => "Handler",
            Place::PlaybookInclude => "PlaybookInclude",
            Place::RoleInclude => "IncludeRole",
            Place::RoleMetadata => "RoleMetadata",
            Place::LoopControl => "LoopControl",
        }
    }

    /// The letter that stands for the place in the table.
    fn letter(self) -> char {
        match self {
            Place::Play => 'P',
            Place::Role => 'R',
            Place::Block => 'B',
            Place::Task => 'T',
            Place::Handler => 'H',
            Place::PlaybookInclude => 'J',
            Place::RoleInclude => 'I',
            Place::RoleMetadata => 'M',
            Place::LoopControl => 'L',
        }
    }
}

/// How a keyword reaches the tasks below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inheritance {
    /// Not at all.
    Own,
    /// The innermost wins.
    Nearest,
    /// All count.
    Together,
}

/// One keyword.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    pub name: &'static str,
    /// Letters of the places: `P`lay, `R`ole, `B`lock, `T`ask, `H`andler, `I`nclude role, role `M`etadata, import playbook
    /// (`J`), `L`oop control.
    places: &'static str,
    pub inheritance: Inheritance,
    /// A list or a dict is a mistake that is found at once.
    pub scalar: bool,
    pub doc: &'static str,
}

impl Keyword {
    pub fn allowed_in(&self, place: Place) -> bool {
        self.places.contains(place.letter())
    }
}

const fn own(name: &'static str, places: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, places, inheritance: Inheritance::Own, scalar: false, doc }
}
const fn text(name: &'static str, places: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, places, inheritance: Inheritance::Own, scalar: true, doc }
}
const fn nearest(name: &'static str, places: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, places, inheritance: Inheritance::Nearest, scalar: false, doc }
}
const fn nearest_text(name: &'static str, places: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, places, inheritance: Inheritance::Nearest, scalar: true, doc }
}
const fn together(name: &'static str, places: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, places, inheritance: Inheritance::Together, scalar: false, doc }
}

/// Places of the keywords that everything has.
const ALL: &str = "PRBTHIMJ";

pub const KEYWORDS: &[Keyword] = &[
    text("action", "THI", "the action and its arguments, as text"),
    own("allow_duplicates", "M", "the role may run more than once for a host"),
    own("always", "B", "tasks that run whatever happened in the block"),
    nearest("any_errors_fatal", ALL, "a failure on one host ends the play for all"),
    own("args", "THI", "arguments of the action, as a dict"),
    own("argument_specs", "M", "what arguments the role takes"),
    own("async", "THI", "seconds the task may run in the background"),
    own("async_val", "THI", "the same as `async`"),
    nearest("become", ALL, "become another user"),
    nearest_text("become_exe", ALL, "the program that becomes another user"),
    nearest_text("become_flags", ALL, "flags of that program"),
    nearest_text("become_method", ALL, "how to become another user"),
    nearest_text("become_user", ALL, "the user to become"),
    own("block", "B", "the tasks of the block"),
    own("break_when", "L", "conditions that end the loop"),
    own("changed_when", "THI", "conditions under which the task counts as changed"),
    nearest("check_mode", ALL, "only say what would change"),
    nearest("collections", "PRBTHIM", "collections in which short names are looked up"),
    nearest_text("connection", ALL, "how hosts are reached"),
    nearest_text("debugger", ALL, "when the task debugger starts"),
    own("delay", "THI", "seconds between retries"),
    nearest("delegate_facts", "RBTHI", "facts belong to the host delegated to"),
    nearest_text("delegate_to", "RBTHI", "the host that does the work"),
    own("dependencies", "M", "roles that run before"),
    nearest("diff", ALL, "show what changed"),
    together("environment", ALL, "environment variables of the task"),
    own("extended", "L", "give `ansible_loop`"),
    own("extended_allitems", "L", "`ansible_loop` holds all items"),
    text("fact_path", "P", "where local facts are"),
    own("failed_when", "THI", "conditions under which the task counts as failed"),
    own("force_handlers", "P", "handlers run on failed hosts too"),
    own("galaxy_info", "M", "what Galaxy shows of the role"),
    own("gather_facts", "P", "gather facts before the tasks"),
    own("gather_subset", "P", "which facts are gathered"),
    own("gather_timeout", "P", "seconds for gathering facts"),
    own("handlers", "P", "tasks that run when notified"),
    own("hosts", "P", "the hosts of the play"),
    nearest("ignore_errors", ALL, "go on after a failure"),
    nearest("ignore_unreachable", ALL, "go on after losing a host"),
    text("import_playbook", "J", "the playbook that stands here"),
    text("index_var", "L", "the variable that holds the index"),
    text("label", "L", "what is shown for an item"),
    own("listen", "H", "topics the handler listens to"),
    own("loop", "THI", "items the task runs for"),
    own("loop_control", "THI", "how the loop goes"),
    text("loop_var", "L", "the variable that holds the item"),
    text("loop_with", "THI", "the lookup that makes the items"),
    own("max_fail_percentage", "P", "how many hosts may fail"),
    together("module_defaults", ALL, "arguments modules have when the task gives none"),
    text("name", ALL, "what is shown"),
    nearest("no_log", ALL, "show nothing of arguments and results"),
    nearest("notify", "BTHI", "handlers to run after a change"),
    text("order", "P", "the order of hosts"),
    own("pause", "L", "seconds between items"),
    own("poll", "THI", "seconds between questions to a background job"),
    nearest("port", ALL, "the port of the connection"),
    own("post_tasks", "P", "tasks after the others"),
    own("pre_tasks", "P", "tasks before the roles"),
    own("public", "I", "variables of the role are seen by the play"),
    text("register", "THI", "the variable that holds the result"),
    nearest_text("remote_user", ALL, "the user of the connection"),
    own("rescue", "B", "tasks that run after a failure in the block"),
    own("retries", "THI", "how often a task is tried again"),
    text("role", "R", "the role"),
    own("roles", "P", "the roles of the play"),
    own("rolespec_validate", "I", "check the role's arguments"),
    nearest("run_once", ALL, "run for one host only"),
    own("serial", "P", "how many hosts at a time"),
    text("strategy", "P", "how hosts go through the tasks"),
    together("tags", "PRBTHIJ", "marks by which tasks are selected"),
    own("tasks", "P", "the tasks of the play"),
    nearest("throttle", ALL, "how many hosts run the task at a time"),
    nearest("timeout", ALL, "seconds the task may take"),
    own("until", "THI", "conditions that end the retries"),
    own("vars", ALL, "variables"),
    own("vars_files", "P", "files of variables"),
    own("vars_prompt", "P", "variables that are asked for"),
    together("when", "RBTHIJ", "conditions under which it runs"),
];

/// The keyword of this name where it is allowed.
pub fn keyword(name: &str, place: Place) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name && k.allowed_in(place))
}

/// May a task (or handler) have this key beside its action?
pub fn is_task_keyword(name: &str) -> bool {
    matches!(name, "local_action" | "static")
        || KEYWORDS.iter().any(|k| k.name == name && (k.allowed_in(Place::Task) || k.allowed_in(Place::Handler)))
}

/// Ansible's message for a key that means nothing here, with the nearest keyword as a hint.
pub fn unknown_keyword(name: &str, place: Place, origin: Option<Origin>) -> Diagnostic {
    let mut message = format!("'{name}' is not a valid attribute for a {}", place.title());
    if matches!(place, Place::Task | Place::Handler | Place::RoleInclude) {
        message.push_str(SUPPRESS);
    }
    let diagnostic = Diagnostic::error(message).at(origin);
    match nearest_keyword(name, place) {
        Some(other) => diagnostic.hint(format!("Did you mean '{other}'?")),
        None => diagnostic,
    }
}

const SUPPRESS: &str =
    "\nThis error can be suppressed as a warning using the \"invalid_task_attribute_failed\" configuration";

/// The keyword that looks most like `name`, when one is near.
pub fn nearest_keyword(name: &str, place: Place) -> Option<&'static str> {
    nearest_of(name, KEYWORDS.iter().filter(|k| k.allowed_in(place)).map(|k| k.name))
}

/// The candidate with the fewest changed letters, when they are few.
pub fn nearest_of<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 4).clamp(1, 3);
    candidates
        .filter(|c| *c != name)
        .map(|c| (distance(name, c), c))
        .filter(|(d, _)| *d <= allowed)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// How many letters differ (inserted, left out, replaced, or two swapped).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// Names that variables should not have: keywords of plays, roles, blocks and tasks, and global functions of templates.
pub fn is_reserved_variable(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "cycler",
        "dict",
        "joiner",
        "lipsum",
        "local_action",
        "lookup",
        "namespace",
        "now",
        "omit",
        "q",
        "query",
        "range",
        "undef",
        "with_",
    ];
    const NOT: &[&str] = &["vars", "gather_subset"];
    if NOT.contains(&name) {
        return false;
    }
    // Roles count with the keywords all have; `role` itself is free.
    let places = [Place::Play, Place::Block, Place::Task];
    OTHERS.contains(&name) || KEYWORDS.iter().any(|k| k.name == name && places.iter().any(|p| k.allowed_in(*p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        for (name, place, expected) in [
            ("whenn", Place::Task, Some("when")),
            ("wehn", Place::Task, Some("when")),
            ("notfiy", Place::Handler, Some("notify")),
            ("tsaks", Place::Play, Some("tasks")),
            ("becom_user", Place::Block, Some("become_user")),
            ("zzz", Place::Task, None),
        ] {
            assert_eq!(nearest_keyword(name, place), expected, "{name}");
        }
    }

    #[test]
    fn places_decide() {
        for (name, place, expected) in [
            ("hosts", Place::Play, true),
            ("hosts", Place::Task, false),
            ("when", Place::Play, false),
            ("when", Place::Block, true),
            ("listen", Place::Handler, true),
            ("listen", Place::Task, false),
            ("delegate_to", Place::Play, false),
        ] {
            assert_eq!(keyword(name, place).is_some(), expected, "{name} {place:?}");
        }
    }

    #[test]
    fn reserved_names() {
        for (name, expected) in
            [("port", true), ("environment", true), ("vars", false), ("role", false), ("lookup", true)]
        {
            assert_eq!(is_reserved_variable(name), expected, "{name}");
        }
    }
}
