"""What a forked child does: one function for each kind of request. Shares one namespace with gate.py, which follows."""
import errno, hashlib, io, json, os, random, select, shutil, signal, stat, subprocess, sys, tempfile, threading, time, zipfile

OUTPUT_LIMIT = 64 << 20
PROFILES = "ansible.module_utils._internal._json._profiles._module_legacy_"
# A running interpreter has read these already: a task that sets them gets a fresh one.
STARTUP_ONLY = ("PYTHON", "LD_", "DYLD_", "LC_", "LANG", "GLIBC_TUNABLES", "MALLOC_")
NEEDS_DIRECTORY = ("program", "tempdir")


def preload_modules():
    """Not the modules themselves: those run as `__main__` and must be fresh."""
    import importlib

    importlib.import_module("ansible.module_utils.basic")
    for name in ("ansible.module_utils._internal._ansiballz._loader", PROFILES + "c2m", PROFILES + "m2c", "runpy", "syslog",
                 "inspect", "linecache", "difflib"):
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # other releases of ansible-core name them differently
    try:
        warm_up()
    except Exception:
        pass


def warm_up():
    """Goes once through what every module does, so that children find it done: a third of a small module's time."""
    from ansible.module_utils import basic

    options = {"no_log": True, "check_mode": False, "debug": False, "diff": False, "verbosity": 0, "version": "2.19",
               "module_name": "ping", "syslog_facility": "LOG_USER", "selinux_special_fs": [], "socket": None,
               "shell_executable": "/bin/sh", "keep_remote_files": False, "tmpdir": None, "remote_tmp": "~/.ansible/tmp",
               "ignore_unknown_opts": False, "target_log_info": None, "tracebacks_for": []}
    arguments = dict(("_ansible_" + name, value) for name, value in options.items())
    before = basic._ANSIBLE_ARGS, getattr(basic, "_ANSIBLE_PROFILE", None)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments, data="pong")}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        spec = {"data": {"type": "str", "default": "pong"}}
        basic.AnsibleModule(argument_spec=spec, supports_check_mode=True).exit_json(ping="pong")
    except SystemExit:
        pass
    finally:
        sys.stdout = out
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = before


def become_child(gate, spec, body, pipes):
    """Never returns: from here on this is the child."""
    rc = 254
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(pipes[2][0] if len(pipes) > 2 else null, 0)
        os.dup2(pipes[0][1], 1)
        os.dup2(pipes[1][1], 2)
        os.closerange(3, max([null] + [fd for pair in pipes for fd in pair] + list(gate.calls) + [gate.guard.pipe]) + 8)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.umask(gate.umask)
        enter(spec.get("cwd") or gate.cwd)
        set_environment(spec.get("env") or {})
        rc = KINDS[spec["kind"]](spec, body)
    except SystemExit as e:
        rc = exit_code(e)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        rc = 1
    leave(rc)


def exit_code(ended):
    if ended.code is None or isinstance(ended.code, int):
        return (ended.code or 0) & 255
    sys.stderr.write("%s\n" % (ended.code,))
    return 1


def leave(rc):
    """Ends like an interpreter does (modules remove their temporary files in atexit), without the gate's own clean-up."""
    import atexit

    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
    except BaseException:
        pass
    os._exit(rc or 0)


def enter(cwd):
    for place in (cwd, ".", os.path.expanduser("~"), "/"):
        try:
            if place:
                os.chdir(place)
                os.getcwd()
                return
        except OSError:
            pass


def set_environment(changes):
    os.environ.update(changes)
    if "TZ" in changes:
        time.tzset()


def no_core_file():
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, ValueError, OSError):
        pass


def limit_files(wanted):
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted) if hard >= 0 else wanted, hard))
    except (ImportError, ValueError, OSError):
        pass


# -- modules ---------------------------------------------------------------------------------------------------------


def run_python(spec, body):
    """A new-style Python module, in this very interpreter when it can be."""
    no_core_file()
    if spec.get("rlimit_nofile"):
        limit_files(spec["rlimit_nofile"])
    if spec.get("cold") or any(name.startswith(STARTUP_ONLY) for name in spec.get("env") or ()):
        run_cold(spec, body)
    if spec.get("pack"):
        add_overlay(spec["path"], spec.get("replaces"))
    run_module(spec["path"], spec["name"], body)


def run_module(path, name, body):
    # Like importlib.invalidate_caches(), which imports much to forget what nobody remembered.
    for finder in list(sys.path_importer_cache.values()):
        if hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
    sys.argv = [""]
    try:
        from ansible.module_utils._internal._ansiballz import _loader
    except ImportError:  # before ansible-core 2.19
        import runpy
        from ansible.module_utils import basic

        basic._ANSIBLE_ARGS = body
        runpy.run_module(name, dict(_module_fqn=name, _modlib_path=path), "__main__", True)
        return 1
    _loader.run_module(json_params=body, profile="legacy", module_fqn=name, modlib_path=path, extensions={})


def run_cold(spec, body):
    """The same in a new interpreter; the arguments travel in an unnamed file."""
    file = tempfile.TemporaryFile()
    file.write(json.dumps([spec["path"], spec["name"]]).encode() + b"\n" + body)
    file.flush()
    os.lseek(file.fileno(), 0, 0)
    os.set_inheritable(file.fileno(), True)
    program = (
        "import io,json,os,sys\nf=io.open(int(sys.argv[1]),'rb')\npath,name=json.loads(f.readline())\nbody=f.read()\nf.close()\n"
        "sys.path[:]=[path]+[p for p in sys.path if p not in ('','.')]\nsys.argv=['']\n"
        "from ansible.module_utils._internal._ansiballz import _loader\n"
        "_loader.run_module(json_params=body,profile='legacy',module_fqn=name,modlib_path=path,extensions={})\n"
    )
    os.execv(sys.executable, [sys.executable, "-c", program, str(file.fileno())])


def add_overlay(path, replaces):
    """Puts a pack of extra files before the preloaded ones; if it replaces any, nothing preloaded is kept."""
    sys.path.insert(0, path)
    loaded = [name for name in sys.modules if name == "ansible" or name.startswith("ansible.")]
    for name in loaded:
        if replaces:
            del sys.modules[name]
        else:
            package, place = sys.modules[name], os.path.join(path, *name.split("."))
            if hasattr(package, "__path__") and os.path.isdir(place):
                package.__path__ = [place] + list(package.__path__)
    # Deprecations name the module by its path below the package.
    base = sys.modules.get("ansible.module_utils._internal")
    if hasattr(base, "_deprecator") and os.path.isdir(os.path.join(path, "ansible")):
        import pathlib

        base._deprecator._ANSIBLE_MODULE_BASE_PATH = pathlib.Path(path, "ansible")


def write_file(path, data, mode):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with io.open(fd, "wb") as file:
        file.write(data)
    return path


def run_program(spec, body):
    """A module that is a file of its own: a binary or a script, with its arguments in a second file."""
    no_core_file()
    directory = tempfile.mkdtemp(prefix="task-", dir=spec["session"])
    try:
        command = place_program(spec, body, directory)
        mine = os.getpid()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        # The gate's signals reach the whole group; this process only waits and cleans up.
        signal.signal(signal.SIGTERM, lambda *_: None)
        rc = child.wait()
        return rc if rc >= 0 else die_like(-rc, directory, mine)
    except OSError as e:
        name = spec["command"][0] if spec.get("command") else spec["name"]
        sys.stderr.write("/bin/sh: 1: %s: %s\n" % (name, "not found" if e.errno == errno.ENOENT else e.strerror))
        return 127 if e.errno == errno.ENOENT else 126
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def place_program(spec, body, directory):
    split = spec.get("program_size", len(body))
    program = write_file(os.path.join(directory, spec["name"]), body[:split], 0o700)
    command = list(spec.get("command") or []) + [program]
    if spec.get("arguments"):
        command.append(write_file(os.path.join(directory, "args"), body[split:], 0o600))
    return command


def die_like(number, directory, mine):
    """Dies of the same signal, so that the gate reports it."""
    shutil.rmtree(directory, ignore_errors=True)
    signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(mine, number)
    return 128 + number


# -- background jobs -------------------------------------------------------------------------------------------------


def run_background(spec, body):
    """Starts the module under a watcher that outlives the gate; files and answers are those of Ansible's async_wrapper."""
    directory = os.path.expanduser(spec["async_dir"])
    job = "%s.%d" % (spec["job"], os.getpid())
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
    except OSError as e:
        print(json.dumps({"failed": True, "msg": "could not create directory: %s - %s" % (directory, e)}))
        return 1
    path = os.path.join(directory, job)
    ready, notify = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.umask(0o022)
        if os.fork() == 0:
            try:
                null = os.open(os.devnull, os.O_RDWR)
                for fd in (0, 1, 2):
                    os.dup2(null, fd)
                watch_job(spec, body, job, path, notify)
            finally:
                os._exit(0)
        os._exit(0)
    os.close(notify)
    select.select([ready], [], [], 2.5)
    print(json.dumps({"failed": False, "started": True, "finished": False, "ansible_job_id": job, "results_file": path,
                      "_ansible_suppress_tmpdir_delete": False}))
    return 0


def write_job(path, answer):
    with io.open(os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(json.dumps(answer))
    os.rename(path + ".tmp", path)


def watch_job(spec, body, job, path, notify):
    write_job(path, {"started": True, "finished": False, "ansible_job_id": job})
    os.write(notify, b"1")
    os.close(notify)
    out, err = tempfile.TemporaryFile(dir=os.path.dirname(path)), tempfile.TemporaryFile(dir=os.path.dirname(path))
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        run_job(dict(spec, session=os.path.dirname(path)), body)
    limit = spec["limit"]
    until = time.monotonic() + limit if limit else None
    pause = 0.02
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if until is not None and time.monotonic() >= until or os.fstat(out.fileno()).st_size > OUTPUT_LIMIT:
            send(pid, signal.SIGKILL)  # noqa: F821 (gate.py)
            return write_job(path, {"msg": "Timeout exceeded", "failed": True, "child_pid": pid})
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
    texts = []
    for file in (out, err):
        file.seek(0)
        texts.append(file.read(OUTPUT_LIMIT).decode("utf-8", "surrogateescape"))
    write_job(path, job_answer(spec, job, texts[0], texts[1]))


def run_job(spec, body):
    rc = 1
    try:
        rc = KINDS["python" if spec.get("core") else "program"](spec, body)
    except SystemExit as e:
        rc = exit_code(e)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    leave(rc)


def job_answer(spec, job, out, err):
    try:
        lines = out.splitlines()
        first = next((i for i, line in enumerate(lines) if line.strip().startswith("{")), None)
        if first is None:
            raise ValueError("No start of json char found")
        last = next((i for i in range(len(lines) - 1, first - 1, -1) if lines[i].strip().endswith("}")), None)
        if last is None:
            raise ValueError("No end of json char found")
        answer = json.loads("\n".join(lines[first:last + 1]))
        junk = lines[last + 1:]
        if junk:
            warnings = answer.get("warnings", [])
            warnings = warnings if isinstance(warnings, list) else [warnings]
            answer["warnings"] = warnings + ["Module invocation had junk after the JSON data: %s" % "\n".join(junk)]
        if err:
            answer["stderr"] = err
        return answer
    except Exception as e:
        return {"failed": True, "cmd": spec["name"], "data": out, "stderr": err, "msg": "%s: %s" % (type(e).__name__, e),
                "ansible_job_id": job}


# -- files and programs ----------------------------------------------------------------------------------------------


def run_spawn(spec, body):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and programs would inherit that
    os.execvp(spec["command"][0], spec["command"])


def answer(value):
    sys.stdout.write(json.dumps(value))
    return 0


def guarded(call):
    """An expected error of the system is an answer, not a crash."""
    def run(spec, body):
        try:
            return answer({"value": call(spec)})
        except (OSError, ValueError) as e:
            return answer({"error": str(e), "errno": getattr(e, "errno", None)})
    return run


def full(path):
    return os.path.expanduser(os.path.expandvars(path))


def do_stat(spec):
    path = full(spec["path"])
    try:
        st = os.stat(path) if spec.get("follow") else os.lstat(path)
    except OSError as e:
        if e.errno == errno.ENOENT:
            return {"exists": False}
        raise
    mode = st.st_mode
    out = {
        "exists": True, "path": path, "mode": "%04o" % stat.S_IMODE(mode), "isdir": stat.S_ISDIR(mode), "ischr": stat.S_ISCHR(mode),
        "isblk": stat.S_ISBLK(mode), "isreg": stat.S_ISREG(mode), "isfifo": stat.S_ISFIFO(mode), "islnk": stat.S_ISLNK(mode),
        "issock": stat.S_ISSOCK(mode), "uid": st.st_uid, "gid": st.st_gid, "size": st.st_size, "inode": st.st_ino,
        "dev": st.st_dev, "nlink": st.st_nlink, "atime": st.st_atime, "mtime": st.st_mtime, "ctime": st.st_ctime,
        "isuid": bool(mode & stat.S_ISUID), "isgid": bool(mode & stat.S_ISGID), "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK), "executable": os.access(path, os.X_OK),
    }
    for letter, shift in (("u", 6), ("g", 3), ("o", 0)):
        for name, bit in (("r", 4), ("w", 2), ("x", 1)):
            out[name + ("usr", "grp", "oth")["ugo".index(letter)]] = bool(mode >> shift & bit)
    if stat.S_ISLNK(mode):
        out["lnk_target"], out["lnk_source"] = os.readlink(path), os.path.realpath(path)
    try:
        import grp, pwd

        out["pw_name"] = pwd.getpwuid(st.st_uid).pw_name
        out["gr_name"] = grp.getgrgid(st.st_gid).gr_name
    except (KeyError, ImportError):
        pass
    if spec.get("checksum") and stat.S_ISREG(mode) and out["readable"]:
        with io.open(path, "rb") as file:
            out["checksum"] = copy_bytes(file.read, lambda data: None)
    return out


def do_remove(spec):
    path = full(spec["path"])
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def do_walk(spec):
    top, found = full(spec["path"]), []

    def fail(e):
        raise e

    for place, directories, files in os.walk(top, onerror=fail):
        for name in sorted(directories) + sorted(files):
            path = os.path.join(place, name)
            mode = os.lstat(path).st_mode
            kind = "link" if stat.S_ISLNK(mode) else "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
            found.append({"path": os.path.relpath(path, top), "kind": kind})
    return found


def copy_bytes(read, write):
    digest = hashlib.sha1()
    while True:
        data = read(1 << 16)
        if not data:
            return digest.hexdigest()
        digest.update(data)
        write(data)


def run_put(spec, body):
    """Stdin becomes a file: complete and with its mode, or not there at all."""
    path, temporary = full(spec["path"]), None
    try:
        fd, temporary = tempfile.mkstemp(prefix=".ftl-", dir=os.path.dirname(path) or ".")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        with io.open(fd, "wb", buffering=0) as file:
            size = [0]

            def write(data):
                size[0] += len(data)
                while data:
                    data = data[file.write(data):]

            checksum = copy_bytes(lambda n: os.read(0, n), write)
            if size[0] != spec["size"]:
                raise OSError(errno.EIO, "the transfer ended early", path)
            os.fchmod(file.fileno(), spec["mode"])
        os.rename(temporary, path)
        temporary = None
        return answer({"value": {"checksum": checksum}})
    except OSError as e:
        return answer({"error": str(e), "errno": e.errno})
    finally:
        if temporary:
            os.unlink(temporary)


def run_get(spec, body):
    """A file goes to stdout; its digest, or why it could not be read, to stderr."""
    try:
        def write(data):
            while data:
                data = data[os.write(1, data):]

        with io.open(full(spec["path"]), "rb", buffering=0) as file:
            out = {"value": {"checksum": copy_bytes(file.read, write)}}
    except OSError as e:
        out = {"error": str(e), "errno": e.errno}
    sys.stderr.write(json.dumps(out))
    return 0


KINDS = {
    "python": run_python, "program": run_program, "background": run_background, "spawn": run_spawn, "put": run_put, "get": run_get,
    "stat": guarded(do_stat), "remove": guarded(do_remove), "walk": guarded(do_walk),
    "tempdir": guarded(lambda spec: tempfile.mkdtemp(prefix="dir-", dir=spec["session"])),
    "expanduser": guarded(lambda spec: os.path.expanduser(spec["path"])),
    "chmod": guarded(lambda spec: os.chmod(full(spec["path"]), spec["mode"])),
}


# -- packs -----------------------------------------------------------------------------------------------------------


def is_private(path):
    """A directory of ours that nobody else can write."""
    try:
        st = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(st.st_mode) and st.st_uid == os.geteuid() and not st.st_mode & 0o022


def unpack(data, path, base):
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        for name in pack.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError("bad name in pack: %s" % name)
        pack.extractall(path)
    if base:
        link_rest(base, path)


def link_rest(base, path):
    """Fills an overlay up with links to the core pack: a module that starts another Python finds all in one place."""
    for name in os.listdir(base):
        below, mine = os.path.join(base, name), os.path.join(path, name)
        if not os.path.lexists(mine):
            os.symlink(below, mine)
        elif os.path.isdir(below) and os.path.isdir(mine) and not os.path.islink(mine):
            link_rest(below, mine)


def sweep(store):
    """Forgets packs no session asked for in a month, and what a killed gate left half-done."""
    for name in os.listdir(store):
        path = os.path.join(store, name)
        age = time.time() - os.lstat(path).st_mtime
        if os.path.basename(store).startswith("ftl-packs-") and (age > 30 * 86400 or name.startswith("new-") and age > 3600):
            shutil.rmtree(path, ignore_errors=True)
