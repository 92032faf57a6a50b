import os, sys
def take(n):
    d = b""
    while len(d) < n:
        c = os.read(0, n - len(d))
        if not c:
            os._exit(0)
        d += c
    return d
v = sys.version_info
a = sys.argv
os.write(1, ("%s %d.%d.%d %s\n" % (a[1], v[0], v[1], v[2], a[4])).encode())
if v < (3, 8):
    os._exit(0)
import zlib
exec(compile(zlib.decompress(take(int(a[2]))), "<ftl-gate>", "exec"), {"__name__": "ftl_gate", "take": take, "config_size": int(a[3])})
