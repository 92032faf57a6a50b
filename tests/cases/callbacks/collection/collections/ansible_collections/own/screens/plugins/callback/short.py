"""The default screen, in fewer words."""
from __future__ import annotations

from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = """
    name: short
    type: stdout
    short_description: fewer words
    extends_documentation_fragment:
      - default_callback
      - result_format_callback
"""


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "own.screens.short"

    def v2_playbook_on_play_start(self, play):
        self._play = play
        self._display.display("~ " + play.get_name())

    def _print_task_banner(self, task):
        self._last_task_banner = task._uuid
        self._display.display("- " + task.get_name())
