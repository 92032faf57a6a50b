"""More than an exception ends the run."""
from __future__ import annotations

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "strict"

    def v2_runner_on_ok(self, result):
        self._display.display("ok " + result.task.name)
        if result.task.name == "second":
            raise SystemExit(42)

    def v2_playbook_on_stats(self, stats):
        self._display.display("never said")
