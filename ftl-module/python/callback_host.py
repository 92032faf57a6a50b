"""Runs callback plugins written in Python for FTL, with the ansible-core installed here.

One process for a run. Its standard input is a socket: one JSON object a line in, and for each a line out when all plugins
have seen it. Standard output and error are those of FTL itself: plugins write there through ansible-core's own Display.
"""
import json
import os
import queue
import signal
import socket
import sys
import threading

# How long a plugin may go on when FTL has gone.
PATIENCE = 5

channel = socket.socket(fileno=os.dup(0))
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
requests = queue.Queue(1)


class State:
    busy = False
    tqm = None
    loader = None
    playbook = None
    play = None
    play_number = 0
    variables = None
    hosts = {}
    groups = {}
    tasks = {}


def interrupted(*_):
    """Ctrl-C reaches the whole process group; FTL ends the run, and only a plugin that is at work needs to hear of it."""
    if State.busy:
        raise KeyboardInterrupt


def read_requests():
    with channel.makefile("rb") as lines:
        for line in lines:
            requests.put(line)
    requests.put(None)
    threading.Event().wait(PATIENCE)
    os._exit(1)


def command_line(message):
    """What plugins find in `context.CLIARGS`."""
    from ansible import context
    try:
        if message["adhoc"]:
            from ansible.cli.adhoc import AdHocCLI as Program
        else:
            from ansible.cli.playbook import PlaybookCLI as Program
        null_out = open(os.devnull, "w")
        kept, sys.stderr = sys.stderr, null_out
        try:
            Program(message["arguments"]).parse()
        finally:
            sys.stderr = kept
    except (Exception, SystemExit):
        # Options that only FTL has.
        from ansible.module_utils.common.collections import ImmutableDict
        context.CLIARGS = ImmutableDict(message["options"])


def start(message):
    command_line(message)
    import ansible.constants as C
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import add_all_plugin_dirs, init_plugin_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.display import Display
    from ansible.executor.task_queue_manager import TaskQueueManager
    from ansible.executor.stats import AggregateStats
    from ansible.vars.manager import VariableManager

    Display().verbosity = message["verbosity"]
    init_plugin_loader([])
    for directory in message["directories"]:
        add_all_plugin_dirs(directory)
    AnsibleCollectionConfig.playbook_paths = message["near"]
    C.CALLBACKS_ENABLED = [name for name in C.CALLBACKS_ENABLED or [] if name not in message["native"]]
    if message["tree"]:
        C.CALLBACKS_ENABLED.append("tree")
        C.TREE_DIR = message["tree"]
    State.loader = DataLoader()
    State.loader.set_basedir(message["near"][0])
    State.variables = VariableManager(loader=State.loader)
    State.variables._extra_vars = message["extra_vars"]
    State.stats = AggregateStats

    # The queue manager's own way to load plugins and to call them, without its workers.
    tqm = TaskQueueManager.__new__(TaskQueueManager)
    tqm._stats = AggregateStats()
    tqm._callback_plugins = []
    tqm._callback_lock = threading.Lock()
    tqm._stdout_callback_name = message["stdout"]
    tqm._run_additional_callbacks = message["additional"]
    tqm._run_tree = bool(message["tree"])
    tqm.load_callbacks()
    if message["native_stdout"]:
        del tqm._callback_plugins[0]
    State.tqm = tqm
    wanted = set()
    for plugin in tqm._callback_plugins:
        wanted |= plugin._implemented_callback_methods
    return {"methods": sorted(wanted), "plugins": len(tqm._callback_plugins),
            "implicit": any(plugin.wants_implicit_tasks for plugin in tqm._callback_plugins)}


def send(method, *args, **kwargs):
    State.tqm.send_callback(method, *args, **kwargs)


def group_of(name):
    from ansible.inventory.group import Group
    if name not in State.groups:
        State.groups[name] = Group(name)
    return State.groups[name]


def host_of(name):
    from ansible.inventory.host import Host
    if name not in State.hosts:
        State.hosts[name] = Host(name)
    return State.hosts[name]


def load_hosts(members):
    for name, known in members.items():
        host = host_of(name)
        host.vars = dict(known["vars"])
        host.address = known["vars"].get("ansible_host", name)
        groups = known["groups"] + ([] if known["implicit"] else ["all"])
        host.groups = [group_of(group) for group in groups]
        host.implicit = known["implicit"]


def origin_of(place):
    from ansible._internal._datatag._tags import Origin
    if not place or not place.get("file", "").startswith("/"):
        return None
    return Origin(path=place["file"], line_num=place["line"] or None, col_num=(place["line"] and place["column"]) or None)


def set_known(thing, values):
    for name, value in values.items():
        if name in type(thing).fattributes:
            setattr(thing, name, value)


def role_of(known):
    from ansible.playbook.role import Role
    role = Role(play=State.play)
    role._role_name = known["name"]
    role._role_path = known["path"]
    role._role_collection = known["collection"]
    return role


def task_of(message):
    """The task object of a `TaskInfo`; made once, with the first event that tells of it."""
    from ansible.playbook.block import Block
    from ansible.playbook.handler import Handler
    from ansible.playbook.role_include import IncludeRole
    from ansible.playbook.task import Task
    from ansible.playbook.task_include import TaskInclude
    key = (State.play_number, message["id"])
    known = message.get("detail") or {}
    task = State.tasks.get(key)
    if task is None:
        includes = {"ansible.builtin.include_role": IncludeRole, "ansible.builtin.include_tasks": TaskInclude}
        kind = Handler if message["handler"] else includes.get(known.get("resolved_action"), Task)
        parent = Block(play=State.play)
        if known.get("block"):
            parent.name = known["block"]
        role = role_of(known["role"]) if known.get("role") else None
        parent._role = role
        task = kind(block=parent, role=role)
        set_known(task, known)
        task.action = message["action"]
        task._resolved_action = known.get("resolved_action")
        task.implicit = message["implicit"]
        task.check_mode, task.diff = message["check"], message["diff"]
        task._uuid = "%s-%s-%s" % (os.getpid(), State.play_number, message["id"])
        task._origin = origin_of(message["origin"])
        if kind is IncludeRole:
            task._role_name = task.args.get("name") or task.args.get("role")
        State.tasks[key] = task
    # Its title may need what only later hosts know.
    if message["name"]:
        task.name = message["name"]
    return task


def summary(kind, diagnostic):
    return kind(event=event_of(diagnostic))


def deprecation(entry):
    """What a module deprecates, as the module says it."""
    from ansible.module_utils._internal import _messages
    if not isinstance(entry, dict):
        entry = {"msg": str(entry)}
    owner = entry.get("collection_name") or "ansible.builtin"
    return _messages.DeprecationSummary(
        event=_messages.Event(msg=str(entry.get("msg"))), date=entry.get("date"), version=entry.get("version"),
        deprecator=_messages.PluginInfo(resolved_name=owner, type=None))


def event_of(diagnostic):
    from ansible._internal._errors._error_utils import SourceContext
    from ansible.module_utils._internal import _messages
    origin = origin_of(diagnostic.get("origin"))
    chain = None
    if diagnostic.get("cause"):
        chain = _messages.EventChain(msg_reason="<<< caused by >>>",
                                     traceback_reason="The above exception was the direct cause of the following exception:",
                                     event=event_of(diagnostic["cause"]))
    return _messages.Event(msg=diagnostic["message"], help_text=diagnostic.get("hint"), chain=chain,
                           formatted_source_context=str(SourceContext.from_origin(origin)) if origin else None)


def result_of(message):
    from ansible.executor.task_result import _RawTaskResult
    from ansible.module_utils._internal import _messages
    task = task_of(message["task"])
    data = message["result"]
    data.pop("exception", None)
    if "results" not in data:
        data.setdefault("_ansible_no_log", False)
    fields = dict(message.get("detail") or {}, name=task.name, action=task.action)
    known = task.dump_attrs()
    known.update(fields)
    own = task.copy(exclude_parent=True, exclude_tasks=True)
    own._parent = task._parent
    own.from_attrs(known)
    own._origin = task._origin
    own.implicit = task.implicit
    if message.get("delegated"):
        name, address = message["delegated"]
        own.delegate_to = name
        data["_ansible_delegated_vars"] = {"ansible_host": address or name}
    if message.get("error"):
        data["exception"] = summary(_messages.ErrorSummary, message["error"])
    if data.pop("warnings", None) or message["warnings"]:
        data["warnings"] = [summary(_messages.WarningSummary, diagnostic) for diagnostic in message["warnings"]]
    if data.get("deprecations"):
        data["deprecations"] = [deprecation(entry) for entry in data["deprecations"]]
    return _RawTaskResult(host_of(message["host"]), own, data, known)


def playbook_started(message):
    from ansible.playbook import Playbook
    playbook = Playbook(State.loader)
    playbook._file_name = message["file"]
    playbook._basedir = os.path.dirname(os.path.abspath(message["file"]))
    State.playbook = playbook
    send("v2_playbook_on_start", playbook)


def play_started(message):
    from ansible.playbook.play import Play
    from ansible.playbook.play_context import PlayContext
    known = message.get("detail") or {}
    play = Play()
    play._loader, play._variable_manager = State.loader, State.variables
    State.play = play
    State.play_number += 1
    State.tasks.clear()
    roles = known.pop("roles", [])
    set_known(play, known)
    play.name, play.check_mode = message["name"], message["check"]
    play.roles = [role_of(role) for role in roles]
    State.loader.set_basedir(State.playbook._basedir)
    State.playbook._entries.append(play)
    load_hosts(known.get("members", {}))
    if message["hosts"]:
        context = PlayContext(play=play)
        for plugin in State.tqm._callback_plugins:
            plugin.set_play_context(context)
    send("v2_playbook_on_play_start", play)


def task_started(message):
    task = task_of(message["task"])
    if message["task"]["handler"]:
        send("v2_playbook_on_handler_task_start", task)
    else:
        send("v2_playbook_on_task_start", task, is_conditional=False)


def diff(message, result):
    if message["task"]["diff"] and "diff" in message["result"]:
        send("v2_on_file_diff", result)


def item_finished(message):
    result = result_of(message)
    if message["status"] == "ok":
        diff(message, result)
    send("v2_runner_item_on_" + message["status"], result)


def host_finished(message):
    result = result_of(message)
    method = "v2_runner_on_" + message["status"]
    if message["status"] == "ok":
        diff(message, result)
        send(method, result)
    elif message["status"] == "failed":
        send(method, result, ignore_errors=message["ignored"] or result.task.ignore_errors)
    else:
        send(method, result)


def included(message):
    from ansible.playbook.included_file import IncludedFile
    known = message.get("detail") or {}
    found = IncludedFile(message["file"], known.get("args", {}), known.get("vars", {}), task_of(message["task"]),
                         is_role=known.get("is_role", False))
    for host in message["hosts"]:
        found.add_host(host_of(host))
    send("v2_playbook_on_include", found)


def prompted(message):
    known = message["detail"]
    send("v2_playbook_on_vars_prompt", *(known[name] for name in (
        "varname", "private", "prompt", "encrypt", "confirm", "salt_size", "salt", "default", "unsafe")))


def finished(message):
    stats = State.stats()
    for host, counts in message["stats"].items():
        stats.processed[host] = 1
        for name, count in counts.items():
            if count:
                getattr(stats, name)[host] = count
    stats.custom = message["custom"] or {}
    State.tqm._stats = stats
    send("v2_playbook_on_stats", stats)


EVENTS = {
    "start": start,
    "playbook": playbook_started,
    "play": play_started,
    "no_hosts_matched": lambda _: send("v2_playbook_on_no_hosts_matched"),
    "no_hosts_remaining": lambda _: send("v2_playbook_on_no_hosts_remaining"),
    "task": task_started,
    "host_started": lambda message: send("v2_runner_on_start", host_of(message["host"]), task_of(message["task"])),
    "item": item_finished,
    "host": host_finished,
    "retry": lambda message: send("v2_runner_retry", result_of(message)),
    "async_poll": lambda message: send("v2_runner_on_async_poll", result_of(message)),
    "async_ok": lambda message: send("v2_runner_on_async_ok", result_of(message)),
    "async_failed": lambda message: send("v2_runner_on_async_failed", result_of(message)),
    "included": included,
    "notified": lambda message: send("v2_playbook_on_notify", task_of(message["task"]), host_of(message["host"])),
    "prompt": prompted,
    "finished": finished,
}


def handle(line):
    """The answer to a request. What plugins raise beyond what ansible-core turns into a warning ends the run, as it does there."""
    message = json.loads(line)
    State.busy = True
    try:
        return {"ok": EVENTS[message["event"]](message)}
    except KeyboardInterrupt:
        return {"ok": None}
    except SystemExit as ending:
        return {"end": ending.code if isinstance(ending.code, int) else int(ending.code is not None)}
    except Exception as error:
        return {"end": told(error)}
    except BaseException:
        import traceback
        traceback.print_exc()
        return {"end": 1}
    finally:
        State.busy = False
        flush()


def told(error):
    """Says an error as ansible-core's programs do; the answer is their exit code."""
    try:
        from ansible.errors import AnsibleError, ExitCode
        from ansible.utils.display import Display
    except ImportError:
        print("[ERROR]: Callback plugins in Python need ansible-core: %s" % error, file=sys.stderr)
        return 1
    if isinstance(error, AnsibleError):
        Display().error(error)
        return int(error._exit_code)
    unexpected = AnsibleError("Unexpected Exception, this is probably a bug.")
    unexpected.__cause__ = error
    Display().error(unexpected)
    return int(ExitCode.UNKNOWN_ERROR)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            pass


def main():
    signal.signal(signal.SIGINT, interrupted)
    threading.Thread(target=read_requests, daemon=True).start()
    while True:
        line = requests.get()
        if line is None:
            return
        channel.sendall(json.dumps(handle(line)).encode() + b"\n")


try:
    main()
except OSError:
    # FTL has gone.
    pass
