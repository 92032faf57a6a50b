"""Runs modules of an installed ansible-core, one fork per line of stdin; answers one line of JSON each."""

import json
import os
import runpy
import sys
import tempfile
import time

import ansible.module_utils.basic  # what every module needs, loaded once


def run(order):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.environ.clear()
            os.environ.update(order["environment"])
            time.tzset()
            tempfile.tempdir = None  # ask the environment again
            os.chdir(order["cwd"])
            os.umask(order["umask"])
            with tempfile.TemporaryFile() as arguments:
                arguments.write(json.dumps({"ANSIBLE_MODULE_ARGS": order["args"]}).encode())
                arguments.seek(0)
                os.dup2(arguments.fileno(), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdin = open(0, closefd=False)
            sys.argv = ["module"]
            runpy.run_module("ansible.modules." + order["module"], run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except BaseException as problem:
            sys.stderr.write("CRASH %s" % problem)
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.waitpid(child, 0)
    out.seek(0)
    err.seek(0)
    text = lambda data: data.read().decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    return {"stdout": text(out), "stderr": text(err)}


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
