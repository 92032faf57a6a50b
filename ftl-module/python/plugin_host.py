"""Runs plugins written in Python (filters, tests, lookups, actions) for FTL, with the ansible-core installed here.

One process for a run; one JSON object a line in, one a line out. What plugins print goes to stderr.
"""
import json
import os
import sys

requests = sys.stdin.buffer
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
null = os.open(os.devnull, os.O_RDONLY)
requests = os.fdopen(os.dup(0), "rb")
os.dup2(null, 0)


class State:
    loader = None
    ready = False


def start(message):
    from ansible import context
    from ansible.module_utils.common.collections import ImmutableDict
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader

    context.CLIARGS = ImmutableDict(verbosity=message.get("verbosity", 0), connection="ssh", become=None, become_method=None,
                                    become_user=None, check=False, diff=False, forks=5)
    init_plugin_loader([])
    State.loader = DataLoader()
    State.loader.set_basedir(message["base_dir"])
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    AnsibleCollectionConfig.playbook_paths = [message["base_dir"]]
    add_directories(message)
    State.ready = True
    return True


def add_directories(message):
    from ansible.plugins.loader import get_all_plugin_loaders
    for directory in message.get("directories", []):
        for _name, kind in get_all_plugin_loaders():
            if kind.subdir:
                path = os.path.join(directory, kind.subdir)
                if os.path.isdir(path):
                    kind.add_directory(path)
    return True


def templar(variables):
    from ansible.template import Templar
    return Templar(loader=State.loader, variables=variables)


def find(message):
    from ansible.plugins.loader import filter_loader, lookup_loader, test_loader
    loaders = {"filter": filter_loader, "test": test_loader, "lookup": lookup_loader}
    return loaders[message["kind"]].get(message["name"])


def has(message):
    try:
        return find(message) is not None
    except KeyError:
        return False
    except Exception:
        return True  # There is one, and calling it says what is wrong with it.


def overrides(message):
    """Is what Ansible takes for this name not its own?"""
    import ansible
    try:
        found = find(message)
    except KeyError:
        return False
    except Exception:
        return True  # There is one, and calling it says what is wrong with it.
    own = os.path.join(os.path.dirname(ansible.__file__), "")
    return found is not None and not str(found._original_path).startswith(own)


CALLS = {
    "filter": "{{ ftl_value | %s(*ftl_positional, **ftl_named) }}",
    "test": "{{ ftl_value is %s(*ftl_positional, **ftl_named) }}",
}


MARKER = "__ftl_marker__"


def with_markers(value):
    """What FTL sent, with its markers of undefined values as ansible-core's."""
    from ansible._internal._templating._jinja_common import UndefinedMarker
    if isinstance(value, dict):
        if set(value) == {MARKER}:
            return UndefinedMarker(hint=value[MARKER])
        return {k: with_markers(v) for k, v in value.items()}
    return [with_markers(v) for v in value] if isinstance(value, list) else value


def without_markers(value):
    from ansible._internal._templating._jinja_common import Marker
    if isinstance(value, Marker):
        return {MARKER: value._undefined_message}
    if isinstance(value, dict):
        return {k: without_markers(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_markers(v) for v in value]
    return plain(value)


def lookup(message):
    from ansible._internal._templating._jinja_plugins import _DirectCall, _invoke_lookup
    from ansible.template import trust_as_template

    @_DirectCall.mark
    def ftl_invoke():
        named = {k: with_markers(v) for k, v in message["named"].items()}
        found = _invoke_lookup(plugin_name=message["name"], lookup_terms=with_markers(message["positional"]),
                               lookup_kwargs=dict(named, wantlist=True))
        return json.dumps(without_markers(found))

    engine = templar(dict(message.get("variables") or {}))._engine
    return json.loads(engine.evaluate_expression(trust_as_template("ftl_invoke()"), local_variables={"ftl_invoke": ftl_invoke}))


def call(message):
    from ansible.template import trust_as_template
    kind, name = message["kind"], message["name"]
    if kind == "lookup":
        return lookup(message)
    variables = dict(message.get("variables") or {})
    variables.update(ftl_value=message.get("value"), ftl_positional=message["positional"], ftl_named=message["named"])
    return templar(variables).template(trust_as_template(CALLS[kind] % name))


def action_class(name, collections):
    from ansible.plugins.loader import action_loader
    return action_loader.get(name, collection_list=collections or None, class_only=True)


def describe(message):
    found = action_class(message["name"], message.get("collections"))
    if found is None:
        return None
    return {"raw_params": bool(getattr(found, "supports_raw_params", False)),
            "once": bool(getattr(found, "BYPASS_HOST_LOOP", False))}


def action(message):
    from ansible.playbook.play import Play
    from ansible.playbook.play_context import PlayContext
    from ansible.plugins import loader as plugins
    from ansible.template import Templar

    variables = message["variables"]
    keywords = message["keywords"]
    play = Play.load(dict(name="FTL", hosts=message["host"], gather_facts="no",
                          tasks=[{"name": message["title"], "action": message["name"]}]),
                     loader=State.loader)
    task = play.get_tasks()[0][0]
    task.args = message["args"]
    for key, value in keywords.items():
        setattr(task, key, value)
    play_context = PlayContext(play=play)
    play_context.check_mode, play_context.diff = bool(keywords.get("check_mode")), bool(keywords.get("diff"))
    play_context.remote_addr = variables.get("ansible_host", message["host"])
    play_context.become = bool(keywords.get("become"))
    host_templar = Templar(loader=State.loader, variables=variables)
    connection = plugins.connection_loader.get(message["connection"], play_context, os.devnull)
    if keywords.get("become"):
        become = plugins.become_loader.get(keywords.get("become_method") or "sudo")
        connection.set_become_plugin(become)
        become.set_options(task_keys=keywords, var_options=options_of("become", become._load_name, variables))
    connection.set_options(task_keys=keywords, var_options=options_of("connection", connection._load_name, variables))
    shell = getattr(connection, "_shell", None)
    if shell is not None:
        shell.set_options(task_keys=keywords, var_options=options_of("shell", shell._load_name, variables))
    handler = plugins.action_loader.get(message["name"], task=task, connection=connection, play_context=play_context,
                                        loader=State.loader, templar=host_templar,
                                        shared_loader_obj=plugins.get_plugin_loader_namespace(),
                                        collection_list=message.get("collections") or None)
    import pickle
    from ansible.executor.task_executor import TaskExecutor
    from ansible.module_utils._internal._event_utils import format_event_brief_message
    from ansible._internal._task import TaskContext
    from ansible._internal._display_utils import DeferredWarningContext
    try:
        with TaskContext(task), DeferredWarningContext(variables=variables) as context:
            result = handler.run(task_vars=variables)
            TaskExecutor._apply_task_result_compat(result, context)
    finally:
        handler.cleanup()
        connection.close()
    try:
        pickle.dumps(result)
    except Exception as error:
        return {"failed": True, "msg": f"Task result omitted due to queue send failure: {error}"}
    result["warnings"] = [format_event_brief_message(w.event) for w in context.get_warnings()]
    result["deprecations"] = [described(d) for d in context.get_deprecation_warnings()]
    return {key: value for key, value in result.items() if value or key not in ("warnings", "deprecations")}


def described(deprecation):
    about = deprecation.deprecator
    return {"msg": deprecation.event.msg, "help_text": deprecation.event.help_text, "version": deprecation.version,
            "date": deprecation.date and str(deprecation.date),
            "deprecator": about and {"resolved_name": about.resolved_name, "type": about.type and about.type.value}}


def options_of(kind, name, variables):
    from ansible import constants as C
    return {var: variables[var] for var in C.config.get_plugin_vars(kind, name) if var in variables}


def plain(value):
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if hasattr(value, "items"):
        return {(k if isinstance(k, (int, float, bool)) or k is None else str(k)): plain(v) for k, v in value.items()}
    if hasattr(value, "__iter__"):
        return [plain(v) for v in value]
    return str(value)


def words(error):
    parts, seen = [], error
    while seen is not None and len(parts) < 8:
        text = getattr(seen, "_original_message", None) or getattr(seen, "message", None) or str(seen)
        text = str(text)
        if not any(text in p for p in parts):
            parts.append(text)
        seen = seen.__cause__
    return ": ".join(p.rstrip(".") if i + 1 < len(parts) else p for i, p in enumerate(parts))


VERBS = {"start": start, "directories": add_directories, "has": has, "overrides": overrides, "call": call, "describe": describe, "action": action}

for line in requests:
    try:
        message = json.loads(line)
        answer = {"ok": plain(VERBS[message["verb"]](message))}
    except Exception as error:
        answer = {"error": words(error)}
        contribution = getattr(error, "result_contribution", None)
        if isinstance(contribution, dict):
            answer["result"] = plain(contribution)
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
