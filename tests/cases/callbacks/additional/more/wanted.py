"""Writes a line per result to a file, and the number of lines to the screen."""
from __future__ import annotations

import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: wanted
    type: notification
    short_description: a log of results
    options:
      file:
        description: where to
        default: results.log
        env: [{name: WANTED_FILE}]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "wanted"
    CALLBACK_NEEDS_ENABLED = True

    def note(self, word, result):
        with open(self.get_option("file"), "a") as file:
            file.write(f"{word} {result._host.get_name()} {result._task.get_name()} {result._result.get('stdout', '')}\n")

    def v2_runner_on_ok(self, result):
        self.note("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.note("failed", result)

    def v2_playbook_on_stats(self, stats):
        with open(self.get_option("file")) as file:
            self._display.display(file.read(), color="blue")
