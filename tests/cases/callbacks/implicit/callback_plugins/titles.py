"""Tasks that ansible-core makes itself are shown to those who ask for them."""
from __future__ import annotations

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "titles"

    def __init__(self):
        super().__init__()
        self.wants_implicit_tasks = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._display.display(f"{task.get_name()} {task.implicit} {task.args.get('_raw_params')}")

    def v2_playbook_on_stats(self, stats):
        self._display.display("done")
