//! What tasks include while a play runs inherits as Ansible has it, and what a task inherits in general.

mod support;

use std::path::Path;

use ftl_core::source::Loader;
use ftl_core::value::{Map, Value, repr, to_text};
use ftl_playbook::graph::*;
use ftl_playbook::load_playbook;

/// A play from files that are written to a fresh directory.
struct Stage {
    dir: tempfile::TempDir,
    loader: Loader,
    options: ftl_playbook::ParseOptions,
}

impl Stage {
    fn new(files: &[(&str, &str)]) -> Stage {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let loader = Loader::new(dir.path(), Default::default());
        let options = support::options(dir.path(), &[], false);
        Stage { dir, loader, options }
    }

    fn play(&self) -> PlaySpec {
        let loaded = load_playbook("site.yml", &self.loader, &self.options).unwrap_or_else(|e| panic!("{e}"));
        loaded.playbook.plays.into_iter().next().unwrap()
    }

    fn path(&self, name: &str) -> String {
        Path::new(self.dir.path()).join(name).to_string_lossy().into_owned()
    }
}

fn named(graph: &TaskGraph, name: &str) -> TaskSpec {
    let found = graph.tasks.iter().rev().find(|t| t.name.as_ref().is_some_and(|n| to_text(n) == name));
    TaskSpec::clone(found.unwrap_or_else(|| panic!("no task {name}")))
}

/// Everything inherited, as one line.
fn inherited(task: &TaskSpec) -> String {
    let k = &task.keywords;
    let list = |values: &[Value]| values.iter().map(to_text).collect::<Vec<_>>().join(",");
    let maps = |maps: &[std::sync::Arc<Map>]| {
        maps.iter().map(|m| repr(&Value::dict(Map::clone(m)))).collect::<Vec<_>>().join("")
    };
    format!(
        "when[{}] tags[{}] become[{}] env[{}] vars[{}] params[{}] notify[{}]",
        list(&k.when),
        list(&k.tags),
        k.r#become.as_ref().map(to_text).unwrap_or_default(),
        list(&k.environment),
        maps(&k.vars),
        maps(&k.include_params),
        list(&task.notify),
    )
}

const SITE: &str = "
- hosts: all
  become: true
  tags: play
  environment: {A: 1}
  tasks:
    - block:
        - name: static
          debug:
          when: own
        - name: include
          include_tasks: sub/inc.yml
          when: inc
          tags: inc
          vars: {v: 1}
        - name: apply
          include_tasks:
            file: sub/inc.yml
            apply: {tags: applied, become: false, when: cond, vars: {w: 2}}
        - name: role
          include_role: {name: r}
          vars: {v: 3}
          tags: inc
        - import_tasks: imp.yml
          when: imp
          vars: {i: 1}
      when: block
      tags: blk
      vars: {b: 0}
      notify: h
  handlers:
    - name: h
      debug:
    - name: hi
      include_tasks: sub/inc.yml
";
const FILES: &[(&str, &str)] = &[
    ("site.yml", SITE),
    ("sub/inc.yml", "- name: included\n  debug:\n  when: deep\n- name: more\n  include_tasks: next.yml\n"),
    ("sub/next.yml", "- name: next\n  debug:\n"),
    ("imp.yml", "- name: imported\n  debug:\n"),
    ("roles/r/meta/main.yml", "dependencies: [{role: d, when: dep}]\n"),
    ("roles/r/tasks/main.yml", "- name: in role\n  debug:\n- name: role inc\n  include_tasks: other.yml\n"),
    ("roles/r/tasks/other.yml", "- name: other\n  debug:\n"),
    ("roles/r/tasks/from.yml", "- name: from\n  debug:\n"),
    ("roles/r/handlers/main.yml", "- name: rh\n  debug:\n  listen: topic\n"),
    ("roles/d/tasks/main.yml", "- name: in dep\n  debug:\n"),
    ("roles/d/defaults/main.yml", "x: 1\n"),
];

#[test]
fn static_inheritance() {
    let play = Stage::new(FILES).play();
    let check = |name: &str, expected: &str| assert_eq!(inherited(&named(&play.graph, name)), expected, "{name}");
    check("static", "when[block,own] tags[play,blk] become[True] env[{'A': 1}] vars[{'b': 0}] params[] notify[h]");
    check(
        "imported",
        "when[block,imp] tags[play,blk] become[True] env[{'A': 1}] vars[{'b': 0}{'i': 1}] params[] notify[h]",
    );
    check(
        "include",
        "when[block,inc] tags[play,blk,inc] become[True] env[{'A': 1}] vars[{'b': 0}{'v': 1}] params[{'v': 1}] notify[h]",
    );
    check("h", "when[] tags[play] become[True] env[{'A': 1}] vars[] params[] notify[]");
}

#[test]
fn included_tasks_get_variables_but_not_keywords_of_the_include() {
    let stage = Stage::new(FILES);
    let play = stage.play();
    let mut graph = play.graph.clone();
    let item: Map = [("item", Value::str("x"))].into_iter().collect();
    let graft = |graph: &mut TaskGraph, name: &str, what: &str| {
        let include = named(graph, name);
        let (block, _) = graft_tasks(graph, &play, &include, what, &item, &stage.loader, &stage.options)
            .unwrap_or_else(|e| panic!("{e}"));
        block
    };
    graft(&mut graph, "include", "sub/inc.yml");
    assert_eq!(
        inherited(&named(&graph, "included")),
        "when[block,deep] tags[play,blk] become[True] env[{'A': 1}] vars[{'b': 0}{'v': 1, 'item': 'x'}] \
         params[{'v': 1, 'item': 'x'}] notify[h]"
    );
    // Relative to the file it stands in.
    let more = named(&graph, "more");
    let path = included_file(&graph, &play, &more, "next.yml", &stage.options);
    assert_eq!(path.to_string_lossy(), stage.path("sub/next.yml"));
    graft(&mut graph, "more", "next.yml");
    assert_eq!(named(&graph, "next").file_dir.to_string_lossy(), stage.path("sub"));

    graft(&mut graph, "apply", "sub/inc.yml");
    assert_eq!(
        inherited(&named(&graph, "included")),
        "when[block,cond,deep] tags[play,blk,applied] become[False] env[{'A': 1}] vars[{'b': 0}{'item': 'x'}{'w': 2}] \
         params[{'item': 'x'}] notify[h]"
    );
    let block = graft(&mut graph, "hi", "sub/inc.yml");
    assert_eq!(graph.block(block).body.len(), 2);
    assert!(named(&graph, "included").is_handler);
}

#[test]
fn included_roles() {
    let stage = Stage::new(FILES);
    let play = stage.play();
    let mut graph = play.graph.clone();
    let include = named(&graph, "role");
    let none = Map::new();
    let graft = |graph: &mut TaskGraph, args: &Map| {
        graft_role(graph, &play, &include, "r", args, &none, &stage.loader, &stage.options)
    };
    let grafted = graft(&mut graph, &none).unwrap_or_else(|e| panic!("{e}"));
    let role = graph.role(grafted.role).clone();
    assert_eq!((&*role.name, role.public, role.allow_duplicates, role.from_include), ("r", false, true, true));
    assert_eq!(role.dependencies.len(), 1);
    assert_eq!(graph.role(role.dependencies[0]).parent, Some(role.id));
    assert_eq!(
        inherited(&named(&graph, "in role")),
        "when[block] tags[play,blk] become[True] env[{'A': 1}] vars[{'b': 0}{'v': 3}] params[{'v': 3}] notify[h]"
    );
    assert_eq!(
        inherited(&named(&graph, "in dep")),
        "when[block,dep] tags[play,blk] become[True] env[{'A': 1}] vars[{'b': 0}{'v': 3}] params[{'v': 3}] notify[h]"
    );
    // Dependency, its end, the role, its end.
    let ends = |e: &Entry| matches!(e, Entry::Block(id) if graph.block(*id).ends_role.is_some());
    assert_eq!(graph.block(grafted.block).body.iter().map(ends).collect::<Vec<_>>(), [false, true, false, true]);
    let handler = graph.task(grafted.handlers[0]);
    assert_eq!(handler.listen.iter().map(to_text).collect::<Vec<_>>(), ["topic", "r : topic"]);
    assert_eq!(handler.role, Some(grafted.role));
    let inner = named(&graph, "role inc");
    let path = included_file(&graph, &play, &inner, "other.yml", &stage.options);
    assert_eq!(path.to_string_lossy(), stage.path("roles/r/tasks/other.yml"));

    let args = [("tasks_from", Value::str("from")), ("public", Value::str("yes"))].into_iter().collect();
    let grafted = graft(&mut graph, &args).unwrap_or_else(|e| panic!("{e}"));
    assert!(graph.role(grafted.role).public);
    assert_eq!(named(&graph, "from").role, Some(grafted.role));
    let args = [("tasks_from", Value::str("nope"))].into_iter().collect();
    let error = graft(&mut graph, &args).map(|_| ()).expect_err("there is no such file");
    assert_eq!(error.to_string(), "Could not find specified file in role: tasks/nope");
}

#[test]
fn all_mistakes_are_told() {
    let stage = Stage::new(&[(
        "site.yml",
        "- hosts: all\n  foo: 1\n  tasks:\n    - debug:\n      register: a-b\n    - nosuch:\n    - name: none\n- hots: all\n",
    )]);
    let error =
        load_playbook("site.yml", &stage.loader, &stage.options).map(|_| ()).expect_err("it is full of mistakes");
    let said: Vec<String> =
        error.diagnostics().iter().map(|d| d.message.lines().next().unwrap_or("").to_string()).collect();
    assert_eq!(
        said,
        [
            "'foo' is not a valid attribute for a Play",
            "Invalid 'register' specified.",
            "couldn't resolve module/action 'nosuch'. This often indicates a misspelling, missing collection, or incorrect module path.",
            "no module/action detected in task.",
            "'hots' is not a valid attribute for a Play",
            "The field 'hosts' is required but was not set.",
        ]
    );
    assert_eq!(error.diagnostics()[4].hint.as_deref(), Some("Did you mean 'hosts'?"));
}
