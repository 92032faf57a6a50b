"""Runs plugins written in Python (filters, tests, lookups, actions) for FTL, with the ansible-core installed here.

One process for a run; one JSON object a line in, one a line out. What plugins print goes to stderr.
Actions may take long: each runs in a forked child, beside the others. All else is answered in turn.
"""
import json
import os
import select
import signal
import sys
import time

# Who runs us decides when to end.
signal.signal(signal.SIGINT, signal.SIG_IGN)
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
null = os.open(os.devnull, os.O_RDONLY)
requests = os.dup(0)
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


class HostVars(dict):
    """Variables of some hosts; to ask for another one is an error, not "there is no such host"."""

    def __init__(self, known, every):
        super().__init__(known)
        self.every = set(every)

    def __missing__(self, host):
        self.check(host)
        raise KeyError(host)

    def check(self, host):
        if host in self.every and not dict.__contains__(self, host):
            from ansible.errors import AnsibleError
            raise AnsibleError("FTL does not support yet that an action plugin reads hostvars of other hosts (%s)" % host)

    def get(self, host, default=None):
        self.check(host)
        return super().get(host, default)

    def __contains__(self, host):
        return super().__contains__(host) or host in self.every


def action(message):
    from ansible.playbook.play import Play
    from ansible.playbook.play_context import PlayContext
    from ansible.plugins import loader as plugins
    from ansible.template import Templar

    variables = message["variables"]
    keywords = message["keywords"]
    hosts = message.get("hosts") or {}
    variables["hostvars"] = HostVars(hosts, (variables.get("groups") or {}).get("all") or [])
    reach = message.get("reach") or {}
    # A delegated task reads how its host is reached there, and nowhere else.
    delegate = keywords.get("delegate_to")
    context_variables = dict(variables, ansible_delegated_vars={delegate: dict(reach)}) if delegate else dict(variables, **reach)
    reach = dict(hosts.get(message["host"], {}) if delegate else variables, **reach)
    play = Play.load(dict(name="FTL", hosts=message["host"], gather_facts="no",
                          tasks=[{"name": message["title"], "action": message["name"]}]),
                     loader=State.loader)
    task = play.get_tasks()[0][0]
    task.args = message["args"]
    for key, value in keywords.items():
        setattr(task, key, value)
    host_templar = Templar(loader=State.loader, variables=variables)
    play_context = PlayContext(play=play).set_task_and_variable_override(task=task, variables=context_variables, templar=host_templar)
    play_context.check_mode, play_context.diff = bool(keywords.get("check_mode")), bool(keywords.get("diff"))
    play_context.remote_addr = reach.get("ansible_host", message["host"])
    play_context.become = bool(keywords.get("become"))
    connection = plugins.connection_loader.get(message["connection"], play_context, os.devnull)
    if keywords.get("become"):
        become = plugins.become_loader.get(keywords.get("become_method") or "sudo")
        connection.set_become_plugin(become)
        play_context.set_become_plugin(become)
        become.set_options(task_keys=keywords, var_options=options_of("become", become._load_name, reach))
    connection.set_options(task_keys=keywords, var_options=options_of("connection", connection._load_name, reach))
    shell = getattr(connection, "_shell", None)
    if shell is not None:
        shell.set_options(task_keys=keywords, var_options=options_of("shell", shell._load_name, reach))
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


def answer_to(message):
    try:
        answer = {"ok": plain(VERBS[message["verb"]](message))}
    except Exception as error:
        answer = {"error": words(error)}
        contribution = getattr(error, "result_contribution", None)
        if isinstance(contribution, dict):
            answer["result"] = plain(contribution)
    answer["id"] = message["id"]
    return json.dumps(answer).encode() + b"\n"


class Child:
    """A forked action: its answer comes through a pipe."""

    def __init__(self, message):
        self.id, self.held, self.doomed = message["id"], b"", None
        self.pipe, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setpgid(0, 0)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.close(self.pipe)
                text = answer_to(message)
                while text:
                    text = text[os.write(theirs, text):]
                sys.stderr.flush()
            finally:
                os._exit(0)
        os.close(theirs)

    def read(self):
        """True when there is no more to come."""
        chunk = os.read(self.pipe, 1 << 16)
        self.held += chunk
        return not chunk or chunk.endswith(b"\n")

    def end(self, how):
        try:
            os.killpg(self.pid, how)
        except OSError:
            pass

    def cancel(self):
        if self.doomed is None:
            self.doomed = time.monotonic() + 2
            self.end(signal.SIGTERM)

    def bury(self):
        """Its answer, when it is gone or has said all."""
        os.close(self.pipe)
        # It may linger for what it started; that is not waited for.
        gone.append(self.pid)
        if self.held.endswith(b"\n"):
            return self.held
        return json.dumps({"id": self.id, "error": "the action plugin ended without a result"}).encode() + b"\n"


children, gone = {}, []


def reap():
    for pid in list(gone):
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
        except OSError:
            pass
        gone.remove(pid)


def serve():
    held = b""
    while True:
        doomed = [c.doomed for c in children.values() if c.doomed is not None]
        wait = max(0, min(doomed) - time.monotonic()) if doomed else None
        ready = select.select([requests] + list(children), [], [], wait)[0]
        for child in list(children.values()):
            if child.pipe in ready and child.read():
                del children[child.pipe]
                answers.write(child.bury())
                answers.flush()
            elif child.doomed is not None and child.doomed <= time.monotonic():
                child.end(signal.SIGKILL)
                child.doomed += 1
        reap()
        if requests not in ready:
            continue
        chunk = os.read(requests, 1 << 16)
        if not chunk:
            return
        *lines, held = (held + chunk).split(b"\n") if b"\n" in chunk else (held + chunk,)
        for line in lines:
            message = json.loads(line)
            if message["verb"] == "action":
                child = Child(message)
                children[child.pipe] = child
            elif message["verb"] == "cancel":
                for child in children.values():
                    if child.id == message["of"]:
                        child.cancel()
            else:
                answers.write(answer_to(message))
                answers.flush()


serve()
# The run is over: so is what plugins started.
for child in children.values():
    child.end(signal.SIGTERM)
if children:
    time.sleep(1)
for child in children.values():
    child.end(signal.SIGKILL)
