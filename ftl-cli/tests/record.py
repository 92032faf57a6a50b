#!/usr/bin/env python3
"""Records what ansible-core 2.19.14 answers: record.py VENV/bin < data/cases.json > data/answers.json

A case is [arguments, environment]; the answer adds the exit code, stdout and stderr. `{DIR}` stands for the directory.
"""
import json, os, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
answers = []
for argv, extra in json.load(sys.stdin):
    if "-m" in argv or "fails.yml" in argv or "site.yml" in argv:
        extra["ANSIBLE_FORKS"] = "1"  # One host at a time: the order of results is then always the same.
    with tempfile.TemporaryDirectory() as base:
        base = os.path.realpath(base)
        work = os.path.join(base, "work")
        shutil.copytree(os.path.join(here, "data/project"), work)
        os.mkdir(os.path.join(base, "home"))
        env = {"HOME": os.path.join(base, "home"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "80",
               "ANSIBLE_LOCALHOST_WARNING": "0", **extra}
        if env.pop("WORLD_WRITABLE", None):
            os.chmod(work, 0o777)
        program = os.path.join(sys.argv[1], argv[0])
        run = subprocess.run([program, *argv[1:]], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        # Help texts are not ours to keep.
        clean = lambda text: text.replace(base, "{DIR}").split("\n \n")[0]
        answers.append({"argv": argv, "env": extra, "rc": run.returncode, "stdout": clean(run.stdout), "stderr": clean(run.stderr)})
json.dump(answers, sys.stdout, indent=1, ensure_ascii=False)
print()
