"""The far end of FTL: one process per host and user that relays between the controller and one forked child per request."""
import errno, fcntl, gc, hashlib, io, json, os, select, shutil, signal, stat, struct, sys, tempfile, time, traceback, zipfile

PROTOCOL = 1
HEADER = struct.Struct(">IBBI")
(HELLO, PACK, RUN, DATA, STDOUT, STDERR, EXIT, CANCEL, CREDIT, PING, PONG, BYE, ERR) = range(1, 14)
MORE, END = 1, 2
FRAME = 65536  # the largest payload
WINDOW = 1 << 20  # bytes in flight per stream and direction
RING = 65536  # how much of a module's stderr is kept
GRACE = 2.0  # seconds between TERM and KILL
LEASE = 30.0  # seconds without any frame after which the controller counts as gone


class Guard(object):
    """A process that outlives the gate by seconds: it ends what the gate started and removes its directory, however the
    gate died. It learns of its duties through a pipe and starts at the end of it."""

    def __init__(self):
        reader, self.pipe = os.pipe()
        if os.fork():
            os.close(reader)
            return
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.dup2(reader, 3)
            os.closerange(4, 64)
            self.watch()
        finally:
            os._exit(0)

    def tell(self, word, what):
        try:
            os.write(self.pipe, ("%s%s\n" % (word, what)).encode())
        except OSError:
            pass

    def watch(self):
        groups, paths, rest = set(), [], b""
        while True:
            data = os.read(3, 65536)
            if not data:
                break
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                if line[:1] == b"+":
                    groups.add(int(line[1:]))
                elif line[:1] == b"-":
                    groups.discard(int(line[1:]))
                else:
                    paths.append(line[1:])
        groups = [g for g in groups if send(g, signal.SIGTERM)]
        until = time.monotonic() + GRACE
        while groups and time.monotonic() < until:
            time.sleep(0.02)
            groups = [g for g in groups if send(g, 0)]
        for group in groups:
            send(group, signal.SIGKILL)
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)


def send(group, number):
    """Signals a process group; says whether there is one."""
    try:
        os.killpg(group, number)
        return True
    except OSError as e:
        return e.errno == errno.EPERM


class Work(object):
    """One request: the child that does it and its three pipes."""

    def __init__(self, stream, spec):
        self.stream, self.spec = stream, spec
        self.streaming = spec.get("streaming", False)
        self.pid = self.stdin = self.stdout = self.stderr = self.rc = None
        self.pending, self.taken, self.ended = bytearray(), 0, False  # towards stdin
        self.credit, self.out = WINDOW, bytearray()
        self.errors = bytearray()
        self.deadline = self.kill_at = self.quiet_at = self.close_at = None
        self.timed_out = self.cancelled = False


class Gate(object):
    def __init__(self, config):
        self.config = config
        self.read_fd, self.write_fd = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (0, 1)]
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(null)
        self.umask = os.umask(0o077)
        self.guard = Guard()
        for fd in (self.read_fd, self.write_fd):
            os.set_blocking(fd, False)
        self.wake, wake = os.pipe()
        for fd in (self.wake, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        self.poll = select.poll()
        self.calls = {}
        self.inbox, self.outbox, self.parts = bytearray(), bytearray(), {}
        self.works, self.by_pid, self.dying = {}, {}, {}
        self.heard, self.running = time.monotonic(), True
        self.session = self.preloaded = None
        self.packs = {}
        self.full, self.trouble = set(), None  # places where a pack did not fit; why one is not here
        self.cwd = config.get("cwd")
        for digest in config.get("packs") or {}:
            self.has_pack(digest)
        self.watch(self.read_fd, select.POLLIN, self.on_input)
        self.watch(self.wake, select.POLLIN, lambda events: os.read(self.wake, 4096))

    # -- directories -----------------------------------------------------------------------------------------------

    def remote_tmp(self):
        return os.path.expanduser(os.path.expandvars(self.config.get("remote_tmp") or "~/.ansible/tmp"))

    def session_dir(self):
        """The one private directory of this gate's life; made when first needed, removed by the guard."""
        if self.session is None:
            places = [self.remote_tmp()] + list(self.config.get("system_tmpdirs") or ["/var/tmp", "/tmp"])
            trouble = None
            for place in places + [os.environ.get("TMPDIR"), "/dev/shm"]:
                if not place or place in self.full:
                    continue
                try:
                    os.makedirs(place, 0o700, exist_ok=True)
                    self.session = tempfile.mkdtemp(prefix="ansible-tmp-ftl-", dir=place)
                    break
                except OSError as e:
                    trouble = trouble or e
            else:
                raise trouble or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.guard.tell("t", self.session)
        return self.session

    def store(self):
        """Where packs stay between sessions: ours alone, or not used at all."""
        path = os.path.join(self.remote_tmp(), "ftl-packs-%d" % os.geteuid())
        try:
            os.makedirs(path, 0o700, exist_ok=True)
            return path if is_private(path) else None
        except OSError:
            return None

    def has_pack(self, digest):
        """Is a pack here: known already, unpacked by the controller on this machine, or in the store?"""
        if digest in self.packs:
            return True
        local = (self.config.get("packs") or {}).get(digest)
        if local and is_private(local):  # other users keep their own: compiled files are written into it
            self.packs[digest] = local
            return True
        store = os.path.join(self.remote_tmp(), "ftl-packs-%d" % os.geteuid())
        path = os.path.join(store, digest)
        if is_private(store) and is_private(path):
            self.packs[digest] = path
            os.utime(path)
            return True
        return False

    def add_pack(self, digest, base, data):
        if digest in self.packs:
            return
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError("pack %s arrived damaged" % digest)
        places = [self.store()]
        while True:
            place = places.pop() if places else self.session_dir()
            if place is None:
                continue
            path, temporary = os.path.join(place, digest), None
            if is_private(path):
                break
            try:
                temporary = tempfile.mkdtemp(prefix="new-", dir=place)
                unpack(data, temporary, self.packs.get(base))
                os.rename(temporary, path)
                break
            except OSError as e:
                self.trouble = e
                if temporary:
                    shutil.rmtree(temporary, ignore_errors=True)
                if is_private(path):  # another gate was faster
                    break
                if place == self.session:  # no room there: the session moves on; the guard removes what it leaves
                    self.full.add(os.path.dirname(place))
                    self.session = None
        self.packs[digest] = path
        sweep(os.path.dirname(path))

    def preload(self, digest):
        """Imports what every module needs, once, so that children start with it."""
        if self.preloaded == digest:
            return
        if self.preloaded is not None:
            raise ValueError("this gate already serves another ansible-core")
        sys.path[:] = [self.packs[digest]] + [p for p in sys.path if p not in ("", ".")]
        preload_modules()
        self.preloaded = digest
        gc.collect()
        gc.freeze()

    # -- the loop --------------------------------------------------------------------------------------------------

    def watch(self, fd, events, call):
        self.calls[fd] = call
        self.poll.register(fd, events)

    def forget(self, fd):
        if fd is not None and self.calls.pop(fd, None):
            self.poll.unregister(fd)

    def serve(self):
        while self.running:
            now = time.monotonic()
            try:
                ready = self.poll.poll(max(0, self.next_time() - now) * 1000 + 1)
            except InterruptedError:
                continue
            for fd, events in ready:
                call = self.calls.get(fd)
                if call:
                    call(events)
            self.reap()
            self.tick(time.monotonic())
            self.flush()

    def next_time(self):
        times = [self.heard + LEASE]
        for work in self.works.values():
            times += [t for t in (work.deadline, work.kill_at, work.quiet_at) if t is not None]
        times += self.dying.values()
        return min(times)

    def tick(self, now):
        if now >= self.heard + LEASE:
            self.stop()
        for group in [g for g, at in self.dying.items() if now >= at]:
            del self.dying[group]
            send(group, signal.SIGKILL)
            self.guard.tell("-", group)
        for work in list(self.works.values()):
            if work.deadline is not None and now >= work.deadline:
                work.timed_out = True
                self.end_group(work, now)
            if work.kill_at is not None and now >= work.kill_at:
                work.kill_at = None
                send(work.pid, signal.SIGKILL)
            if work.quiet_at is not None and now >= min(work.quiet_at, work.close_at):
                self.finish(work)

    def end_group(self, work, now):
        work.deadline = None
        if work.pid and work.rc is None and work.kill_at is None:
            send(work.pid, signal.SIGTERM)
            work.kill_at = now + GRACE

    def stop(self):
        self.running = False

    def on_input(self, events):
        while True:
            try:
                data = os.read(self.read_fd, 4 * FRAME)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                return self.stop()
            self.heard = time.monotonic()
            self.inbox += data
            self.take_frames()
            if len(data) < 4 * FRAME:
                return

    def take_frames(self):
        box, at = self.inbox, 0
        while len(box) - at >= HEADER.size:
            size, kind, flags, stream = HEADER.unpack_from(box, at)
            if size > FRAME:
                return self.stop()
            if len(box) - at - HEADER.size < size:
                break
            payload = bytes(box[at + HEADER.size:at + HEADER.size + size])
            at += HEADER.size + size
            self.on_frame(kind, flags, stream, payload)
        del box[:at]

    def on_frame(self, kind, flags, stream, payload):
        if kind in (RUN, PACK):
            self.parts.setdefault(stream, bytearray()).extend(payload)
            if not flags & MORE:
                self.start(kind, stream, self.parts.pop(stream))
        elif kind == DATA:
            work = self.works.get(stream)
            if work and work.stdin is not None:
                work.pending += payload
                work.ended = work.ended or bool(flags & END)
                self.feed(work)
        elif kind == CREDIT:
            work = self.works.get(stream)
            if work:
                work.credit += struct.unpack(">I", payload)[0]
                self.listen(work)
        elif kind == CANCEL:
            work = self.works.get(stream)
            if work:
                work.cancelled = True
                self.end_group(work, time.monotonic())
        elif kind == PING:
            self.put(PONG, 0, stream, payload)
        elif kind == BYE:
            self.stop()

    def put(self, kind, flags, stream, payload=b""):
        self.outbox += HEADER.pack(len(payload), kind, flags, stream)
        self.outbox += payload

    def flush(self, events=0):
        while self.outbox:
            try:
                del self.outbox[:os.write(self.write_fd, self.outbox)]
            except BlockingIOError:
                if self.write_fd not in self.calls:
                    self.watch(self.write_fd, select.POLLOUT, self.flush)
                return
            except OSError:
                return self.stop()
        self.forget(self.write_fd)

    # -- one request -----------------------------------------------------------------------------------------------

    def start(self, kind, stream, message):
        size, = struct.unpack_from(">I", message)
        spec, body = json.loads(bytes(message[4:4 + size])), bytes(message[4 + size:])
        try:
            if kind == PACK:
                return self.add_pack(spec["digest"], spec.get("base"), body)
            work = Work(stream, spec)
            if spec.get("core"):
                missing = [d for d in (spec["core"], spec.get("pack")) if d and not self.has_pack(d)]
                if missing:
                    text = "packs are missing" + (": %s" % self.trouble if self.trouble else "")
                    return self.put(ERR, 0, stream, json.dumps({"message": text, "missing": missing}).encode())
                self.preload(spec["core"])
                spec["path"] = self.packs[spec.get("pack") or spec["core"]]
            if spec["kind"] in NEEDS_DIRECTORY:
                spec["session"] = self.session_dir()
            self.fork(work, body)
        except Exception as e:
            text = "%s: %s" % (type(e).__name__, e) if not isinstance(e, OSError) else str(e)
            self.put(ERR, 0, stream, json.dumps({"message": text, "trace": traceback.format_exc()[-4000:]}).encode())

    def fork(self, work, body):
        pipes = [os.pipe() for _ in range(3 if work.streaming else 2)]
        try:
            pid = os.fork()
        except OSError:
            for pair in pipes:
                os.close(pair[0])
                os.close(pair[1])
            raise
        if pid == 0:
            become_child(self, work.spec, body, pipes)
        (work.stdout, out), (work.stderr, err) = pipes[:2]
        os.close(out)
        os.close(err)
        if work.streaming:
            taken, work.stdin = pipes[2]
            os.close(taken)
            os.set_blocking(work.stdin, False)
        work.pid = pid
        self.guard.tell("+", pid)
        self.works[work.stream] = self.by_pid[pid] = work
        if work.spec.get("timeout"):
            work.deadline = time.monotonic() + work.spec["timeout"]
        for fd in (work.stdout, work.stderr):
            os.set_blocking(fd, False)
        self.listen(work)

    def listen(self, work):
        """Reads from a child only what the controller gave credit for, so that memory stays bounded."""
        room = work.credit > 0
        for fd, call in ((work.stdout, self.on_stdout), (work.stderr, self.on_stderr)):
            wanted = fd is not None and (room or (fd == work.stderr and not work.streaming))
            if wanted and fd not in self.calls:
                self.watch(fd, select.POLLIN, lambda events, call=call: call(work))
            elif not wanted:
                self.forget(fd)

    def on_stdout(self, work):
        data = self.read(work, "stdout", min(FRAME, work.credit))
        if data:
            work.credit -= len(data)
            work.out += data
            if work.streaming or len(work.out) >= FRAME // 2:
                self.send_output(work)
            if work.credit <= 0:
                self.listen(work)
        return data

    def on_stderr(self, work):
        data = self.read(work, "stderr", min(FRAME, work.credit) if work.streaming else FRAME)
        if data and work.streaming:
            work.credit -= len(data)
            self.put(STDERR, 0, work.stream, data)
        elif data:
            work.errors += data
            del work.errors[:-RING]
        return data

    def read(self, work, name, size):
        fd = getattr(work, name)
        try:
            data = os.read(fd, size) if size > 0 else None
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if data:
            if work.quiet_at is not None:
                work.quiet_at = time.monotonic() + 0.1
        elif data is not None:
            self.shut(work, name)
            if work.rc is not None and work.stdout is None and work.stderr is None:
                self.finish(work)
        return data

    def send_output(self, work):
        for at in range(0, len(work.out), FRAME):
            self.put(STDOUT, 0, work.stream, bytes(work.out[at:at + FRAME]))
        del work.out[:]

    def feed(self, work, events=0):
        try:
            while work.pending and work.stdin is not None:
                n = os.write(work.stdin, work.pending[:FRAME])
                del work.pending[:n]
                work.taken += n
        except BlockingIOError:
            if work.stdin not in self.calls:
                self.watch(work.stdin, select.POLLOUT, lambda events: self.feed(work))
        except OSError:
            self.shut(work, "stdin")
        else:
            self.forget(work.stdin)
            if work.ended:
                self.shut(work, "stdin")
        if work.taken >= WINDOW // 4 or (work.taken and not work.pending):
            self.put(CREDIT, 0, work.stream, struct.pack(">I", work.taken))
            work.taken = 0

    def shut(self, work, name):
        fd = getattr(work, name)
        if fd is not None:
            self.forget(fd)
            os.close(fd)
            setattr(work, name, None)

    def reap(self):
        while self.by_pid:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            work = self.by_pid.pop(pid, None)
            if work is None:
                continue
            work.rc = -(status & 127) if status & 127 else status >> 8
            now = time.monotonic()
            if work.timed_out or work.cancelled:
                self.dying[pid] = max(now, work.kill_at or now)
            else:
                self.guard.tell("-", pid)
            work.deadline = work.kill_at = None
            # A daemon the module left behind may keep the pipes: what is there is read, its end is not waited for.
            work.quiet_at, work.close_at = now + 0.1, now + 1.0
            for read in (self.on_stdout, self.on_stderr):
                while work.stream in self.works and getattr(work, read.__name__[3:]) is not None and read(work):
                    pass
            if work.stdout is None and work.stderr is None:
                self.finish(work)

    def finish(self, work):
        if self.works.get(work.stream) is not work:
            return
        if work.credit <= 0 and work.stdout is not None and not (work.cancelled or work.timed_out):
            work.quiet_at = work.close_at = time.monotonic() + 0.1  # the controller is slow: nothing may be lost
            if self.readable(work.stdout):
                return
        del self.works[work.stream]
        for name in ("stdin", "stdout", "stderr"):
            self.shut(work, name)
        self.send_output(work)
        for at in range(0, len(work.errors), FRAME):
            self.put(STDERR, 0, work.stream, bytes(work.errors[at:at + FRAME]))
        end = {"rc": work.rc, "timed_out": work.timed_out}
        self.put(EXIT, 0, work.stream, json.dumps(end).encode())

    @staticmethod
    def readable(fd):
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return any(events & select.POLLIN for _, events in poll.poll(0))

    def hello(self):
        return {"protocol": PROTOCOL, "uid": os.geteuid(), "pid": os.getpid()}


def main(config):
    try:
        os.setsid()
    except OSError:
        pass
    if config.get("cwd"):
        try:
            os.chdir(config["cwd"])
        except OSError:
            pass
    gate = Gate(config)
    gate.put(HELLO, 0, 0, json.dumps(gate.hello()).encode())
    gate.flush()
    try:
        try:
            if config.get("preload") in gate.packs:
                gate.preload(config["preload"])
        except Exception:
            pass  # the first request says what is wrong
        gate.serve()
    finally:
        os._exit(0)  # the guard does the rest


main(json.loads(take(config_size).decode()))  # noqa: F821 (given by the bootstrap)
