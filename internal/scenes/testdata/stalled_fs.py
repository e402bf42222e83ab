"""A file system in user space with one file, whose contents it never delivers.

stalled_fs.py DIRECTORY FLAGS
The protocol is that of include/uapi/linux/fuse.h.
"""
import ctypes, os, struct, sys

where, flags = sys.argv[1], int(sys.argv[2])  # 1: readers wait for pages in uninterruptible sleep (FUSE_ASYNC_READ), 0: for the answer
fd = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd
if ctypes.CDLL(None).mount(b"stalled", where.encode(), b"fuse", 0, options) != 0:
    sys.exit("mount failed")
os.write(1, b"mounted\n")

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 36, 42
ENOSYS = 38


def attributes(node):
    mode, size = (0o40755, 0) if node == 1 else (0o100644, 4096)
    return struct.pack("<6Q10I", node, size, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


answers = {
    INIT: lambda node: struct.pack("<IIIIHHIIHHI", 7, 31, 4096, flags, 8, 6, 4096, 1, 1, 0, 0).ljust(64, b"\0"),
    LOOKUP: lambda node: struct.pack("<4Q2I", 2, 0, 60, 60, 0, 0) + attributes(2),
    GETATTR: lambda node: struct.pack("<Q2I", 60, 0, 0) + attributes(node),
    OPEN: lambda node: struct.pack("<Q2I", 1, 0, 0),
    FLUSH: lambda node: b"", RELEASE: lambda node: b"",
}
while True:
    request = os.read(fd, 1 << 17)
    _, code, unique, node = struct.unpack("<IIQQ", request[:24])
    if code in (READ, FORGET, INTERRUPT, BATCH_FORGET):
        continue  # READ: that is the point. The others want no answer.
    error, body = (0, answers[code](node)) if code in answers else (-ENOSYS, b"")
    os.write(fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)
