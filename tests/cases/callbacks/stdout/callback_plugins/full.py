"""A screen that says what it sees of every object it is given."""
from __future__ import annotations

import json
import os

from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: full
    type: stdout
    short_description: says everything
    options:
      greeting:
        description: the first word
        default: hello
        env: [{name: FULL_GREETING}]
        ini: [{section: callback_full, key: greeting}]
"""

LEFT_OUT = ("invocation", "start", "end", "delta", "ansible_job_id", "results_file", "uid", "gid", "owner", "group", "size", "md5sum", "exception", "src", "state")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "full"

    def say(self, *words):
        self._display.display(" ".join(str(word) for word in words))

    def task(self, task):
        assert isinstance(task, Task)
        known = dict(name=task.name, get=task.get_name(), action=task.action, resolved=task.resolved_action, kind=type(task).__name__,
                     path=(task.get_path() or "").replace(os.getcwd(), "."), role=task._role and task._role.get_name(), tags=task.tags,
                     check=task.check_mode, no_log=task.no_log, loop=task.loop, register=task.register, delegate=task.delegate_to,
                     ignore=task.ignore_errors, implicit=task.implicit, async_val=task.async_val, when=task.when)
        return json.dumps({k: v for k, v in known.items() if v}, sort_keys=True, default=str)

    def result(self, word, result, **named):
        assert result._result is result.result and result._host is result.host and result._task is result.task
        shown = {k: v for k, v in result.result.items() if k not in LEFT_OUT and k != "_ansible_no_log"}
        states = [s for s in ("changed", "failed", "skipped", "unreachable") if getattr(result, "is_" + s)()]
        self.say(word, self.host_label(result), states, result.task_name, named)
        self.say("   result", json.dumps({k: v for k, v in shown.items() if k not in ("results", "_ansible_delegated_vars")}, sort_keys=True))
        self.say("   task", self.task(result.task))
        args = {k: v for k, v in result._task_fields["args"].items() if not k.startswith("_ansible")}
        if not result.task.no_log:
            args.pop("_uses_shell", None)
            self.say("   args", json.dumps(args, sort_keys=True), "exception" if result.exception else "")

    def set_play_context(self, play_context):
        self.say("context", play_context.check_mode, play_context.diff)

    def v2_playbook_on_start(self, playbook):
        self.say(self.get_option("greeting"), playbook._file_name, os.path.basename(playbook._basedir))

    def v2_playbook_on_play_start(self, play):
        assert isinstance(play, Play)
        self.say("PLAY", play.get_name(), play.hosts, play.strategy, play.vars, [r.get_name() for r in play.roles], play.get_variable_manager().extra_vars)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.say("TASK", is_conditional, self.task(task))

    def v2_playbook_on_handler_task_start(self, task):
        self.say("HANDLER", self.task(task))

    def v2_runner_on_start(self, host, task):
        known = {k: v for k, v in host.vars.items() if not k.startswith("inventory_")}
        self.say("start", host.get_name(), known, [g.name for g in host.groups], task.get_name())

    def v2_runner_on_ok(self, result):
        self.result("OK", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result("FAILED", result, ignore_errors=ignore_errors)
        self._handle_exception(result.result)

    def v2_runner_on_skipped(self, result):
        self.result("SKIPPED", result)

    def v2_runner_on_unreachable(self, result):
        self.result("UNREACHABLE", result)

    def v2_runner_item_on_ok(self, result):
        self.result("item OK", result, label=self._get_item_label(result.result))

    def v2_runner_item_on_failed(self, result):
        self.result("item FAILED", result)

    def v2_runner_item_on_skipped(self, result):
        self.result("item SKIPPED", result)

    def v2_runner_on_async_ok(self, result):
        self.result("async ok", result)

    def v2_on_file_diff(self, result):
        self.say("DIFF", self._get_diff(result.result["diff"]))

    def v2_playbook_on_include(self, included_file):
        hosts = [host.name for host in included_file._hosts]
        self.say("INCLUDE", os.path.basename(included_file._filename), included_file._args, hosts, included_file._is_role, included_file._task.get_name())

    def v2_playbook_on_notify(self, handler, host):
        self.say("NOTIFY", handler.get_name(), host.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self.say("none matched")

    def v2_playbook_on_stats(self, stats):
        for host in sorted(stats.processed):
            self.say(host, stats.summarize(host))
        self.say(stats.custom, stats.changed, stats.failures, stats.dark)
        raise ValueError("the end is not handled")
