"""A server whose handlers wait for something that is no connection.

waits.py WHAT ADDRESS PORT [FILE]
"""
import fcntl, mmap, os, queue, select, signal, socket, subprocess, sys, threading, time

what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
file = sys.argv[4] if len(sys.argv) > 4 else None


def listener(reuse_port=False):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port))
    s.listen(100)
    return s


def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


def one_thread(handle):
    """Serves one connection after the other."""
    def serve():
        s = listener()
        while True:
            c, _ = s.accept()
            c.recv(4096)
            handle()
            c.close()
    return serve


def child():
    subprocess.run(["sleep", "600"], capture_output=True)  # waits for its output


def full_pipe():
    os.write(os.pipe()[1], b"x" * 1_000_000)


def silent_neighbour():
    """As the libraries of databases do it: a question to a unix socket, then poll."""
    ours, theirs = socket.socketpair()
    ours.send(b"question")
    p = select.poll()
    p.register(ours, select.POLLIN)
    p.poll()


def name_server():
    """Is asked again every few seconds, and says nothing."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    while True:
        try:
            socket.getaddrinfo("www.example.org", 80)
        except OSError:
            pass


def in_parts():
    """0.7 s in poll, on a pipe: slow, but it gets on."""
    r, _ = os.pipe()
    p = select.poll()
    p.register(r, select.POLLIN)
    p.poll(700)


def stalled_page():
    """A page of a file whose file system does not answer."""
    with open(file, "rb") as f:
        mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[0]


def file_lock():
    """Three processes that all wait for a lock the parent has."""
    with open(file, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        s = listener()
        for _ in range(3):
            if os.fork() == 0:
                with open(file, "w") as wanted:
                    while True:
                        c, _ = s.accept()
                        c.recv(4096)
                        fcntl.flock(wanted, fcntl.LOCK_EX)
        s.close()
        signal.pause()


def shared_port():
    """Four processes with a listener each on the same port, of which the second sleeps in its handler or may be stopped; it says which it is."""
    for i in range(4):
        if os.fork() == 0:
            s = listener(True)
            say("listens", i)
            while True:
                c, _ = s.accept()
                while c.recv(4096):
                    if i == 1 and file == "sleeps":
                        time.sleep(600)
                c.close()
    signal.pause()


def thread_each():
    """A thread for each connection, all in a lock."""
    lock = threading.Lock()
    lock.acquire()

    def handle(c):
        c.recv(4096)
        say("handles", threading.get_native_id())
        with lock:
            c.close()
    s = listener()
    while True:
        threading.Thread(target=handle, args=(s.accept()[0],), daemon=True).start()


def two_slow():
    """Two threads that wait 0.8 s in a lock for each connection: slow, but they get on."""
    waiting = queue.Queue()

    def work():
        lock = threading.Lock()
        lock.acquire()
        while True:
            c = waiting.get()
            c.recv(4096)
            lock.acquire(timeout=0.8)
            c.close()
    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    s = listener()
    while True:
        waiting.put(s.accept()[0])


servers = {
    "child": one_thread(child), "full_pipe": one_thread(full_pipe), "silent_neighbour": one_thread(silent_neighbour), "in_parts": one_thread(in_parts),
    "name_server": one_thread(name_server),
    "stalled_page": one_thread(stalled_page), "file_lock": file_lock, "shared_port": shared_port, "thread_each": thread_each, "two_slow": two_slow,
}
servers[what]()
