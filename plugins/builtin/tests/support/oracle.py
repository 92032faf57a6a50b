"""Runs modules of an installed ansible-core, one fork per line of stdin; answers one line of JSON each."""

import json
import os
import re
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
    # Bytes that are no UTF-8 come as lone surrogates; here they are told as `ftl_sdk::text_of` keeps them.
    text = lambda data: data.read().decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    escaped = lambda byte: json.dumps(chr(0x10dc00 + int(byte[1], 16)))[1:-1]
    return {"stdout": re.sub(r"\\udc([89a-f][0-9a-f])", escaped, text(out)), "stderr": text(err)}


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
