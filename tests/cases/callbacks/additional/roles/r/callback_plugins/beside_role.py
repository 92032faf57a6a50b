"""Needs no enabling; what it cannot do is a warning."""
from __future__ import annotations

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "beside_role"

    def __init__(self):
        super().__init__()
        self.seen = []

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.seen.append(task.get_name())
        if len(self.seen) == 3:
            self._display.warning("enough is enough")
            self.disabled = True

    def v2_runner_on_ok(self, result):
        raise RuntimeError("cannot work with " + result.task.get_name())
