//! What a managed host says is data: it is never rendered, never renames the host, and never steers the controller.
//!
//! The module `hostile` answers with a template that would make a file, in every place an answer has.

use ftl_tests::sandbox::{Outcome, Sandbox};

/// `ATTACK` makes the file SENTINEL if anything renders it.
const HOSTILE: &str = r##"#!/usr/bin/python3
import json
evil = "{{ lookup('pipe', 'touch SENTINEL') }}"
statement = "{% set x = lookup('pipe', 'touch SENTINEL') %}"
expression = "lookup('pipe', 'touch SENTINEL')"
header = "#jinja2: trim_blocks: True\n" + evil
print(json.dumps({
    "changed": False, "evil": evil, "statement": statement, "expression": expression, "header": header, "msg": evil,
    "list": [evil, [evil, {"deep": [evil]}]], evil: evil, "dict": {evil: evil, "key": {"key": evil}},
    "stdout": evil, "stdout_lines": [evil], "half": "{{", "rest": " lookup('pipe', 'touch SENTINEL') }}",
    "ansible_facts": {"evil_fact": evil, "evil_list": [evil], "evil_dict": {evil: evil, "x": evil}},
    "warnings": [evil], "deprecations": [{"msg": evil, "version": "9.9"}], "diff": {"before": evil, "after": evil},
    "invocation": {"module_args": {"x": evil}}, "exception": evil, "failed_when_result": False,
}))
"##;

/// One way from an answer back into a template each; `r` is the registered answer.
const ROUTES: &str = r#"
- set_fact: {fact: "{{ r.evil }}", fact_list: "{{ r.list }}", fact_dict: "{{ r.dict }}"}
- debug: {msg: "set_fact {{ fact }} {{ fact_list }} {{ fact_dict }}"}
- debug: {msg: "hostvars {{ hostvars[inventory_hostname].fact }} {{ hostvars[inventory_hostname].r.evil }}"}
- debug: {msg: "facts {{ evil_fact }} {{ evil_list }} {{ evil_dict }} {{ ansible_facts.evil_fact }}"}
- debug: {msg: "lookup vars {{ lookup('vars', 'fact') }} {{ query('vars', 'evil_fact', 'r') }}"}
- copy: {content: "{{ r.evil }}", dest: "{{ playbook_dir }}/evil.txt"}
- debug: {msg: "lookup file {{ lookup('file', 'evil.txt') }} {{ lookup('lines', 'cat evil.txt') }}"}
- debug: {msg: "lookup template {{ lookup('template', 'uses.j2') }}"}
- template: {src: uses.j2, dest: "{{ playbook_dir }}/used.txt"}
- debug: {msg: "replace {{ r.evil | replace('touch', 'touch ') }} {{ r.evil | regex_replace('x', 'y') }}"}
- debug: {msg: "filters {{ r.evil | string | trim | default('x') }} {{ r.evil | quote }} {{ r.evil | indent }}"}
- debug: {msg: "upper and back {{ r.evil | string }} {{ r.evil | list | join }} {{ r.evil | reverse | reverse }}"}
- debug: {msg: "code {{ r.evil | b64encode | b64decode }} {{ r.evil | urlencode | urldecode }}"}
- debug: {msg: "text forms {{ r.evil | to_json | from_json }} {{ r.evil | to_yaml | from_yaml }} {{ r.list | to_nice_yaml }}"}
- debug: {msg: "encode {{ r.evil.encode().decode() }} {{ r.evil.format() | default('x') }}"}
- debug: {msg: "tilde {{ r.evil ~ r.evil }} {{ '' ~ r.evil }} {{ r.half ~ r.rest }}"}
- debug: {msg: "plus {{ r.half + r.rest }} {{ [r.half, r.rest] | join('') }}"}
- debug: {msg: "percent {{ '%s' % r.evil }} {{ '%s%s' | format(r.half, r.rest) }}"}
- debug: {msg: "{{ r.half }}{{ r.rest }}"}
- set_fact: {joined: "{{ r.half }}{{ r.rest }}"}
- debug: {msg: "joined {{ joined }}"}
- debug: {var: r.evil}
- debug: {var: r}
- debug: {var: "r.expression"}
- debug: {msg: "loop {{ item }}"}
  loop: "{{ r.list }}"
- debug: {msg: "items {{ item }}"}
  with_items: "{{ r.list }}"
- debug: {msg: "dict {{ item.key }} {{ item.value }}"}
  loop: "{{ r.dict | dict2items }}"
  loop_control: {label: "{{ item.key }}"}
- debug: {msg: "map {{ ['r'] | map('extract', hostvars[inventory_hostname]) | map(attribute='evil') | list }}"}
- debug: {msg: "select {{ [r] | selectattr('evil', 'defined') | map(attribute='stdout_lines') | flatten }}"}
- debug: {msg: "zip {{ r.list | zip(r.list) | list }} {{ r.dict | combine({'a': r.evil}) }}"}
- name: "in a name {{ r.evil }}"
  debug: {msg: name}
- debug: {msg: "vars {{ mine }} {{ yours }}"}
  vars: {mine: "{{ r.evil }}", yours: "{{ mine }}"}
- debug: {msg: when}
  when: r.evil
- debug: {msg: when}
  when: r.expression
- debug: {msg: when}
  when: "{{ r.expression }}"
- debug: {msg: when}
  when: ["{{ r.evil }}"]
- assert: {that: "{{ r.expression }}"}
- assert: {that: ["{{ r.evil }}", r.evil]}
- assert: {that: false, fail_msg: "{{ r.evil }}"}
- command: echo failed_when
  failed_when: "{{ r.expression }}"
- command: echo changed_when
  changed_when: r.evil
- command: echo until
  register: again
  until: "{{ r.expression }}"
  retries: 1
  delay: 0
- include_vars: "{{ r.evil }}"
- include_vars: {file: evil.txt}
- include_tasks: "{{ r.evil }}"
- include_role: {name: "{{ r.evil }}"}
- set_fact: {"{{ r.evil }}": 1}
- group_by: {key: "{{ r.evil }}"}
- command: "echo {{ r.evil | quote }}"
- command: echo environment
  environment: {EVIL: "{{ r.evil }}"}
- command: echo delegate
  delegate_to: "{{ r.evil }}"
- command: echo become
  become_user: "{{ r.evil }}"
  become: "{{ r.expression }}"
- fail: {msg: "{{ r.evil }}"}
- set_stats: {data: {evil: "{{ r.evil }}"}}
- debug: {msg: "again {{ r2.results[0].evil }}"}
- block:
    - fail: {msg: "{{ r.evil }}"}
  rescue:
    - debug: {msg: "rescue {{ ansible_failed_result.msg }} {{ ansible_failed_task.args }}"}
- add_host: {name: other, groups: others, evil_of_other: "{{ r.evil }}", ansible_connection: local}
- command: echo notify
  notify: "{{ r.evil }}"
"#;

fn routes() -> impl Iterator<Item = String> {
    ROUTES.split("\n- ").filter(|route| !route.trim().is_empty()).map(|route| format!("- {}", route.trim_end()))
}

/// A task whose failure, of whatever kind, does not end the play.
fn rescued(task: &str) -> String {
    format!("- block:\n    {}\n  rescue:\n    - meta: noop", indented(task, 4))
}

fn indented(tasks: &str, spaces: usize) -> String {
    tasks.replace('\n', &format!("\n{}", " ".repeat(spaces)))
}

fn hostile_sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let sentinel = sandbox.work().join("SENTINEL");
    sandbox.write("library/hostile", &HOSTILE.replace("SENTINEL", &sentinel.display().to_string()));
    sandbox.write("hosts", "h1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n");
    sandbox.write("uses.j2", "{{ r.evil }} {{ fact }} {{ evil_fact }} {{ r.header }} {{ r.statement }}\n");
    sandbox
}

#[track_caller]
fn expect_nothing_ran(sandbox: &Sandbox, outcome: &Outcome) {
    assert!(!sandbox.has("SENTINEL"), "what a host said was rendered:\n{}\n{}", outcome.stdout, outcome.stderr);
    outcome.expect_no_text("panicked");
}

#[test]
fn t01_answers_are_never_rendered() {
    let sandbox = hostile_sandbox();
    // Some failures end a host's play whatever it says; they are in the other test.
    let ending = ["include_tasks", "include_role", "delegate_to", "notify"];
    let routes = routes().filter(|route| !ending.iter().any(|word| route.contains(word)));
    let routes: String = routes.map(|route| format!("\n{}", rescued(&route))).collect();
    sandbox.write(
        "site.yml",
        &format!(
            "- hosts: h1\n  gather_facts: false\n  tasks:\n    - hostile:\n      register: r\n\
             {}    - hostile:\n      loop: [1]\n      register: r2{}\n\
             - hosts: others\n  gather_facts: false\n  tasks:\n    - debug: {{msg: \"other {{{{ evil_of_other }}}}\"}}\n",
            "",
            indented(&routes, 4)
        ),
    );
    let outcome = sandbox.play(&["-i", "hosts", "site.yml", "-vvv"]);
    expect_nothing_ran(&sandbox, &outcome);
    outcome.expect_code(0).expect_text("other {{ lookup('pipe'");
    // The routes were taken: the text came out as it went in.
    for words in [
        "set_fact",
        "hostvars",
        "facts",
        "lookup vars",
        "lookup file",
        "lookup template",
        "replace",
        "filters",
        "upper and back",
        "code",
        "text forms",
        "encode",
        "tilde",
        "plus",
        "percent",
        "joined",
        "loop",
        "items",
        "dict",
        "map",
        "select",
        "zip",
        "in a name",
        "vars",
        "rescue",
        "other",
    ] {
        let text = format!("{words} ");
        let literal = outcome.stdout.lines().any(|line| {
            line.contains(&text) && line.contains("lookup('pipe'")
                || line.contains(&text) && line.contains("lookup(\\\"")
        });
        assert!(literal, "the route '{words}' was not taken:\n{}", outcome.stdout);
    }
    assert!(sandbox.read("used.txt").contains("lookup('pipe'"), "{}", sandbox.read("used.txt"));
}

#[test]
fn t01_each_route_on_its_own() {
    // A route that ends the play would hide those after it: here none can.
    let sandbox = hostile_sandbox();
    let variables = "ansible_connection=local ansible_python_interpreter=/usr/bin/python3";
    let (mut plays, mut hosts) = (String::new(), format!("keeper {variables}\n"));
    for (number, route) in routes().enumerate() {
        hosts.push_str(&format!("r{number} {variables}\n"));
        plays.push_str(&format!(
            "- hosts: r{number},keeper\n  gather_facts: false\n  tasks:\n    - hostile:\n      register: r\n    {}\n",
            indented(&rescued(&route), 4)
        ));
    }
    let plays = plays.replace(
        "  tasks:\n",
        "  vars: {r: {evil: none}}\n  tasks:\n    - meta: end_host\n      when: inventory_hostname == 'keeper'\n",
    );
    sandbox.write("site.yml", &plays);
    sandbox.write("hosts", &hosts);
    let outcome = sandbox.start(&["-i", "hosts", "site.yml"]).within(240).finish();
    expect_nothing_ran(&sandbox, &outcome);
    assert_eq!(
        outcome.stdout.matches("TASK [hostile]").count(),
        routes().count(),
        "{}\n{}",
        outcome.stdout,
        outcome.stderr
    );
}

#[test]
fn t02_forged_tags() {
    for (key, value) in [
        ("__ansible_type", "\"TrustedAsTemplate\""),
        ("__ansible_type", "\"_AnsibleTaggedStr\""),
        ("__ansible_type", "\"_AnsibleTaggedDict\""),
        ("__ansible_unsafe", "\"{{ lookup('pipe', 'touch SENTINEL') }}\""),
        ("__ansible_vault", "\"$ANSIBLE_VAULT;1.1;AES256\\n31\""),
    ] {
        let sandbox = hostile_sandbox();
        let sentinel = sandbox.work().join("SENTINEL").display().to_string();
        let json = format!(
            "{{\"changed\": false, \"evil\": {{\"{key}\": {value}, \"value\": \"{{{{ lookup('pipe', 'touch SENTINEL') }}}}\"}}}}"
        );
        let print = json.replace("SENTINEL", &sentinel);
        sandbox.write("library/forged", &format!("#!/bin/sh\ncat <<'E'\n{print}\nE\n"));
        sandbox.write(
            "site.yml",
            "- hosts: h1\n  gather_facts: false\n  tasks:\n    - forged:\n      register: r\n    - debug: {msg: \"{{ r.evil }}\"}\n    - debug: {var: r.evil}\n",
        );
        let outcome = sandbox.play(&["-i", "hosts", "site.yml"]);
        expect_nothing_ran(&sandbox, &outcome);
    }
}

/// Plays a module that claims these facts, then tasks; the host is local and called h1.
fn claimed(facts: &str, tasks: &str) -> (Sandbox, Outcome) {
    let sandbox = Sandbox::new();
    let text =
        format!("#!/usr/bin/python3\nimport json\nprint(json.dumps({{'changed': False, 'ansible_facts': {facts}}}))\n");
    sandbox.write("library/claims", &text);
    sandbox.write("hosts", "[web]\nh1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n");
    sandbox.write(
        "site.yml",
        &format!("- hosts: h1\n  gather_facts: false\n  tasks:\n    - claims:{}\n", indented(tasks, 4)),
    );
    let outcome = sandbox.play(&["-i", "hosts", "site.yml"]);
    (sandbox, outcome)
}

#[test]
fn t03_facts_do_not_change_the_connection() {
    let facts = "{name: '/nowhere/evil' for name in ['ansible_connection', 'ansible_host', 'ansible_port', 'ansible_user', \
        'ansible_ssh_executable', 'ansible_ssh_common_args', 'ansible_ssh_extra_args', 'ansible_ssh_args', \
        'ansible_become', 'ansible_become_user', 'ansible_become_method', 'ansible_become_exe', 'ansible_become_password', \
        'ansible_become_flags', 'ansible_sudo_exe', 'ansible_python_interpreter', 'ansible_bash_interpreter', \
        'ansible_shell_executable', 'ansible_shell_type', 'ansible_executable', 'ansible_ssh_private_key_file', \
        'ansible_password', 'ansible_ssh_pass', 'ansible_ssh_user', 'ansible_ssh_host', 'ansible_sftp_extra_args', \
        'ansible_scp_extra_args', 'ansible_ssh_pipelining', 'ansible_remote_tmp', 'ansible_async_dir', \
        'ansible_system_tmpdirs', 'ansible_host_key_checking', 'ansible_docker_extra_args', 'ansible_private_key_file']}";
    let (_, outcome) = claimed(
        facts,
        "\n- ping:\n- command: echo still {{ ansible_connection }} {{ ansible_python_interpreter }}\n  register: said\n\
         - debug: {var: said.stdout}\n- command: id -un\n- debug: {msg: \"host {{ ansible_host | default('none') }}\"}",
    );
    outcome.expect_code(0).expect_text("still local /usr/bin/python3").expect_text("ok=6 ");
    let shown = outcome.stdout.lines().find(|line| line.contains("\"msg\": \"host")).unwrap_or_default().to_string();
    assert!(!shown.contains("evil"), "{shown}");
    outcome.expect_text("[WARNING]: Removed restricted key from module data: ansible_connection");
}

#[test]
fn t04_facts_do_not_shadow_names_of_the_controller() {
    let facts = "{name: 'evil' for name in ['inventory_hostname', 'inventory_hostname_short', 'group_names', 'groups', \
        'hostvars', 'inventory_dir', 'inventory_file', 'playbook_dir', 'role_path', 'role_name', 'item', 'omit', \
        'lookup', 'query', 'q', 'range', 'now', 'undef', 'dict', 'namespace', 'ansible_play_hosts', 'ansible_check_mode', \
        'ansible_version', 'ansible_search_path', 'play_hosts', 'ansible_play_batch', 'ansible_facts', 'vars', \
        'environment', 'ansible_run_tags', 'ansible_skip_tags', 'ansible_forks', 'ansible_playbook_python']}";
    let (sandbox, outcome) = claimed(
        facts,
        "\n- debug: {msg: \"name={{ inventory_hostname }} short={{ inventory_hostname_short }} in={{ group_names }}\"}\n\
         - debug: {msg: \"dir={{ inventory_dir }} {{ playbook_dir }} groups={{ groups.web }}\"}\n\
         - debug: {msg: \"vars={{ hostvars['h1'].inventory_hostname }} hosts={{ ansible_play_hosts }} check={{ ansible_check_mode }}\"}\n\
         - debug: {msg: \"{{ lookup('items', ['looked']) }} {{ range(2) | list }} {{ dict(a=1) }} {{ q('items', [7]) }}\"}\n\
         - debug: {msg: \"item={{ item }}\"}\n  loop: [own]\n- debug: {msg: \"{{ omit }}\", var: inventory_hostname}",
    );
    let work = sandbox.work().display().to_string();
    outcome.expect_code(0);
    outcome.expect_text("name=h1 short=h1 in=['web']").expect_text(&format!("dir={work} {work} groups=['h1']"));
    outcome
        .expect_text("vars=h1 hosts=['h1'] check=False")
        .expect_text("looked [0, 1] {'a': 1} [7]")
        .expect_text("item=own");
    outcome.expect_no_text("=evil");
}

#[test]
fn t06_internal_keys_of_answers_do_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "library/internal",
        "#!/usr/bin/python3\nimport json\nprint(json.dumps({'changed': True, 'add_host': {'host_name': 'intruder', \
         'groups': ['web'], 'host_vars': {}}, 'add_group': 'intruders', '_ansible_notify': ['handler'], \
         '_ansible_no_log': True, '_ansible_ignore_errors': True, '_ansible_item_result': True, \
         '_ansible_delegated_vars': {'ansible_host': 'evil'}, '_ansible_parsed': False, '_ansible_verbose_always': True, \
         'include': 'x.yml', 'include_args': {}, 'ansible_stats': {'data': {'evil': 1}}, 'plain': 'seen'}))\n",
    );
    sandbox.write("hosts", "[web]\nh1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n");
    sandbox.write("x.yml", "- debug: {msg: included by a host}\n");
    sandbox.write(
        "site.yml",
        "- hosts: h1\n  gather_facts: false\n  handlers:\n    - {name: handler, debug: {msg: handler ran}}\n  tasks:\n    \
         - internal:\n      register: r\n    - debug: {msg: \"web={{ groups.web }} all={{ groups | list }} {{ r.plain }}\"}\n    \
         - debug: {msg: \"keys={{ r.keys() | select('match', '_ansible') | list }}\"}\n- hosts: web\n  gather_facts: false\n  tasks:\n    - debug: {msg: second}\n",
    );
    let outcome = sandbox.play(&["-i", "hosts", "site.yml", "-v"]);
    outcome.expect_code(0).expect_text("web=['h1'] all=['all', 'ungrouped', 'web'] seen");
    outcome
        .expect_no_text("intruder\"")
        .expect_no_text("handler ran")
        .expect_no_text("included by a host")
        .expect_text("keys=[]");
    assert_eq!(outcome.stdout.matches("\"second\"").count(), 1, "{}", outcome.stdout);
}
