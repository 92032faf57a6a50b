"""Writes every callback of a run, and every message outside of one, as a line of JSON: the scripts of tests/cases."""
import inspect
import json
import os

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: records events
description: records events
"""


def diagnostic(event, severity, note=None):
    out = {"severity": severity, "message": note or event.msg, "hint": event.help_text}
    context_text = event.formatted_source_context
    if context_text:
        out["origin"] = context_text.split("\n")[0].removeprefix("Origin: ")
        if out["origin"].startswith("<"):
            out["source"] = context_text.partition("\n\n")[2]
    if event.chain and event.chain.follow:
        out["cause"] = diagnostic(event.chain.event, severity)
    return out


def deprecation(summary):
    from ansible._internal import _display_utils as d
    text = d.get_deprecation_message_with_plugin_info(
        msg=summary.event.msg, version=summary.version, date=summary.date, deprecator=summary.deprecator)
    return diagnostic(summary.event, "deprecation", text)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"

    def __init__(self):
        super().__init__()
        self.file = open(os.environ["RECORD_TO"], "w")
        self.tasks = {}
        self.titles = {}
        self.pid = os.getpid()
        display = self._display
        for name, severity in (("_warning", "warning"), ("_deprecated", "deprecation"), ("_error", "error")):
            self.watch(display, name, severity)
        verbose = display._verbose_display

        def on_verbose(msg, host=None, caplevel=2):
            if os.getpid() == self.pid:
                self.write(event="verbose", level=caplevel + 1, host=host, text=msg)
            return verbose(msg, host=host, caplevel=caplevel)
        display._verbose_display = on_verbose

    def watch(self, display, name, severity):
        original = getattr(display, name)

        def on_message(summary, *args, **kwargs):
            callers = {frame.function for frame in inspect.stack()}
            if os.getpid() == self.pid and not callers & {"_handle_warnings", "_handle_exception"} \
                    and not (name == "_warning" and "_deprecated" in callers):
                made = deprecation(summary) if severity == "deprecation" else diagnostic(summary.event, severity)
                self.write(event="message", message=made)
            return original(summary, *args, **kwargs)
        setattr(display, name, on_message)

    def write(self, **what):
        self.file.write(json.dumps(what, default=str) + "\n")
        self.file.flush()

    def task(self, task, handler=None):
        known = self.tasks.setdefault(task._uuid, {"id": len(self.tasks)})
        if handler is not None:
            known["handler"] = handler
            known["args"] = ", ".join("%s=%s" % a for a in task.args.items())
        path = task.get_path() or ""
        if handler is not None or "title" not in known:
            known.update(title=task.get_name().strip())
        name = task.name
        known.update(name=name, action=task.action, path=path, check=bool(task.check_mode),
                     diff=bool(context.CLIARGS.get("diff") or task.diff))
        return dict(known)

    def result(self, event, result, **more):
        data = result.result
        task = result.task
        delegated = None
        if task.delegate_to and task.delegate_to != result.host.get_name():
            address = data.get("_ansible_delegated_vars", {}).get("ansible_host", task.delegate_to)
            delegated = [task.delegate_to, address if address != task.delegate_to else None]
        messages = [diagnostic(w.event, "warning") for w in result.warnings]
        messages += [deprecation(w) for w in result.deprecations]
        label = None
        if event.startswith("item"):
            label = str(data.get("_ansible_item_label", data.get("item")))
        info = self.task(task)
        info["name"] = str(result.task_fields.get("name", "")) or ""
        self.write(event=event, task=info, host=result.host.get_name(), delegated=delegated, result=data,
                   looped=bool(task.loop is not None), label=label, messages=messages,
                   error=diagnostic(result.exception.event, "error") if result.exception else None, **more)

    def v2_playbook_on_start(self, playbook):
        self.write(event="playbook", file=playbook._file_name)

    def v2_playbook_on_play_start(self, play):
        self.write(event="play", name=play.get_name().strip(), check=bool(play.check_mode),
                   free=play.strategy in ("free", "host_pinned"))

    def v2_playbook_on_no_hosts_matched(self):
        self.write(event="no_hosts_matched")

    def v2_playbook_on_no_hosts_remaining(self):
        self.write(event="no_hosts_remaining")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.write(event="task", task=self.task(task, False))

    def v2_playbook_on_handler_task_start(self, task):
        self.write(event="task", task=self.task(task, True))

    def v2_runner_on_start(self, host, task):
        self.write(event="host_start", host=host.get_name(), task=self.task(task))

    def v2_runner_on_ok(self, result):
        self.result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result("failed", result, ignored=bool(ignore_errors))

    def v2_runner_on_skipped(self, result):
        self.result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self.result("unreachable", result, ignored=bool(result.task.ignore_unreachable))

    def v2_runner_item_on_ok(self, result):
        self.result("item_ok", result)

    def v2_runner_item_on_failed(self, result):
        self.result("item_failed", result)

    def v2_runner_item_on_skipped(self, result):
        self.result("item_skipped", result)

    def v2_runner_retry(self, result):
        self.result("retry", result, left=result.result["retries"] - result.result["attempts"])

    def v2_runner_on_async_poll(self, result):
        self.write(event="async_poll", host=result.host.get_name(), job=result.result.get("ansible_job_id"),
                   started=result.result.get("started"), finished=result.result.get("finished"))

    def v2_runner_on_async_ok(self, result):
        self.write(event="async_ok", host=result.host.get_name(), job=result.result.get("ansible_job_id"))

    def v2_runner_on_async_failed(self, result):
        job = result.result.get("ansible_job_id") or result.result.get("async_result", {}).get("ansible_job_id")
        self.write(event="async_failed", host=result.host.get_name(), job=job)

    def v2_playbook_on_include(self, included_file):
        label = included_file._vars.get("_ansible_item_label", included_file._vars.get("item"))
        if included_file._vars.get("_ansible_no_log"):
            label = "(censored due to no_log)"
        self.write(event="include", file=included_file._filename, hosts=[h.name for h in included_file._hosts],
                   label=str(label) if label else None)

    def v2_playbook_on_notify(self, handler, host):
        self.write(event="notify", handler=handler.get_name(), host=str(host))

    def v2_playbook_on_stats(self, stats):
        hosts = {h: stats.summarize(h) for h in sorted(stats.processed)}
        self.write(event="stats", hosts=hosts, custom=stats.custom or None)
