"""Only methods of the first kind."""
from __future__ import annotations

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    def runner_on_ok(self, host, res):
        self._display.display(f"old: ok {host} {sorted(k for k in res if k in ('stdout', 'msg'))}")

    def runner_on_failed(self, host, res, ignore_errors=False):
        self._display.display(f"old: failed {host} {res['msg']} {ignore_errors}")

    def playbook_on_task_start(self, name, is_conditional):
        self._display.display(f"old: task {name!r} {is_conditional}")

    def playbook_on_stats(self, stats):
        self._display.display(f"old: {stats.ok} {stats.failures}")
