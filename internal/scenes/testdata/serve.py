"""A server that does one wrong thing.

serve.py WHAT ADDRESS PORT [BACKLOG]

An address with a slash is the path of a unix socket.
"""
import array, os, resource, select, signal, socket, subprocess, sys, threading, time

what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
backlog = int(sys.argv[4]) if len(sys.argv) > 4 else 100
kept = []


def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\n")  # whole lines, also from several threads


def listener(host=address, number=port, queue=backlog, reuse_port=False):
    if "/" in host:
        s = socket.socket(socket.AF_UNIX)
        s.bind(host)
        s.listen(queue)
        return s
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((host, number))
    s.listen(queue)
    return s


def connections(s):
    while True:
        yield s.accept()[0]


def read_to_end(c):
    while c.recv(65536):
        pass


def leak_read(s):
    """Reads to the end and keeps the socket."""
    for c in connections(s):
        read_to_end(c)
        kept.append(c)


def leak_unread(s):
    """Keeps the socket without looking at it."""
    for c in connections(s):
        kept.append(c)


def leak_limit(pause):
    """Keeps sockets until there are no descriptors left, and then cannot accept, which it tries again and again."""
    def serve(s):
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        while True:
            try:
                kept.append(s.accept()[0])
            except OSError:
                if pause:
                    time.sleep(pause)
    return serve


def never_accepts(_):
    time.sleep(600)


def sleeps(s):
    """One thread, and it sleeps in its handler."""
    for c in connections(s):
        c.recv(4096)
        say("handles", threading.get_native_id(), c.fileno())
        time.sleep(600)


def asks(s):
    """One thread, and it waits in its handler for the answer of a back-end that listens on port + 1."""
    for c in connections(s):
        c.recv(4096)
        b = socket.create_connection((address, port + 1))
        b.sendall(b"question")
        say("handles", threading.get_native_id(), b.fileno())
        b.recv(4096)


def pool_of_two(work):
    """Two worker threads serve what the main thread accepts."""
    from concurrent.futures import ThreadPoolExecutor

    def serve(s):
        pool = ThreadPoolExecutor(2)
        for c in connections(s):
            pool.submit(work, c)
    return serve


lock = threading.Lock()


def locked(c):
    c.recv(4096)
    say("handles", threading.get_native_id(), c.fileno())
    with lock:
        c.close()


turn = threading.Lock()


def takes_turns(c):
    """One thread after the other, and the first does not come to an end."""
    c.recv(4096)
    with turn:
        say("handles", threading.get_native_id(), c.fileno())
        time.sleep(600)


def asks_itself(c):
    c.recv(4096)
    b = socket.create_connection((address, port))
    b.sendall(b"question")
    say("handles", threading.get_native_id(), b.fileno())
    b.recv(4096)


def sleeps_in_pool(c):
    c.recv(4096)
    say("handles", threading.get_native_id(), c.fileno())
    time.sleep(600)


def writes_in_pool(c):
    c.recv(4096)
    say("handles", threading.get_native_id(), c.fileno())
    c.sendall(b"x" * 20_000_000)
    c.close()


def threads_sleep(s):
    """A thread for each connection, which sleeps in its handler."""
    for c in connections(s):
        threading.Thread(target=sleeps_in_pool, args=(c,), daemon=True).start()


def hands_down(s):
    """Starts a program that inherits three connections, and closes its own descriptors."""
    three = [s.accept()[0] for _ in range(3)]
    for c in three:
        c.set_inheritable(True)
    subprocess.Popen(["sleep", "600"], close_fds=False)
    for c in three:
        c.close()
    signal.pause()


def forks_away(s):
    """The same, and the parent ends."""
    for c in connections(s):
        c.set_inheritable(True)
        subprocess.Popen(["sleep", "600"], close_fds=False, start_new_session=True)
        os._exit(0)


def activates(s):
    """Gives the listener to a program that it starts when somebody comes, as systemd does; that one accepts as a program in C does, and is at something else before it reads."""
    number = os.dup(os.dup(s.detach()))
    select.select([number], [], [])
    os.closerange(3, number)
    if os.fork() == 0:
        os.dup2(number, 3)
        program = "import socket, time; s = socket.socket(fileno=3); c = s.accept()[0]; c.set_inheritable(True); time.sleep(600)"
        os.execv(sys.executable, [sys.executable, "-c", program])
    os.wait()


def shares(s):
    """Accepts before it forks three workers: four processes hold one socket, and none looks at it."""
    c = s.accept()[0]
    for _ in range(3):
        if os.fork() == 0:
            signal.pause()
    kept.append(c)
    signal.pause()


def in_flight(s):
    """Passes the connection into a unix socket that nobody reads."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for c in connections(s):
        socket.send_fds(a, [b"x"], [c.fileno()])
        c.close()


def keepalive(s):
    """Never looks, and keepalive finds out that the peers are gone."""
    for c in connections(s):
        c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        kept.append(c)


def late_answer(s):
    """Reads to the end, waits until it is told, and then answers 200 bytes."""
    for c in connections(s):
        read_to_end(c)
        kept.append(c)
        say("ready")
        if len(kept) == 1:
            signal.signal(signal.SIGUSR1, lambda *_: [k.sendall(b"x" * 200) for k in kept])


def flood(s):
    """A thread for each connection, which sends 20 MB."""
    def send(c):
        c.recv(4096)
        say("sends", threading.get_native_id(), c.fileno())
        c.sendall(b"x" * 20_000_000)
        c.close()
    for c in connections(s):
        threading.Thread(target=send, args=(c,), daemon=True).start()


def healthy(s):
    """Reads to the end, answers and closes, each in a thread."""
    def answer(c):
        read_to_end(c)
        time.sleep(0.05)
        c.close()
    for c in connections(s):
        threading.Thread(target=answer, args=(c,), daemon=True).start()


def slow(s):
    """One thread that takes 0.3 s for each: slow, but it gets on."""
    for c in connections(s):
        c.recv(4096)
        time.sleep(0.3)
        c.close()


def drips(s):
    """The peer has shut down its side; it gets a byte every 0.1 s."""
    c = s.accept()[0]
    read_to_end(c)
    while True:
        c.sendall(b".")
        time.sleep(0.1)


servers = {
    "leak_read": leak_read, "leak_unread": leak_unread, "leak_limit": leak_limit(0.2), "leak_limit_spins": leak_limit(0), "never_accepts": never_accepts, "sleeps": sleeps, "asks": asks,
    "locked": pool_of_two(locked), "takes_turns": pool_of_two(takes_turns), "asks_itself": pool_of_two(asks_itself), "pool_sleeps": pool_of_two(sleeps_in_pool),
    "pool_writes": pool_of_two(writes_in_pool), "threads_sleep": threads_sleep,
    "hands_down": hands_down, "forks_away": forks_away, "activates": activates, "shares": shares, "in_flight": in_flight, "keepalive": keepalive,
    "late_answer": late_answer, "flood": flood, "healthy": healthy, "slow": slow, "drips": drips,
}
lock.acquire()
servers[what](listener())
