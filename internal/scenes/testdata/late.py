"""Servers that are slow because the database they ask is. Their clients do not wait for the answers.

late.py WHAT SECONDS ADDRESS PORT
"""
import asyncio, os, socket, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

what, seconds, address, port = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
own = threading.local()


def database():
    """Starts it in a process of its own and returns its address."""
    s = socket.create_server((address, 0))
    if os.fork() > 0:
        return s.getsockname()

    def serve(c):
        while c.recv(100):
            time.sleep(seconds)
            c.sendall(b"answer")
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],)).start()


def ask():
    if not hasattr(own, "connection"):
        own.connection = socket.create_connection(where)
    own.connection.sendall(b"question")
    own.connection.recv(100)


def handle(c):
    c.recv(4096)
    ask()
    try:
        c.sendall(answer)
    except OSError:
        pass
    c.close()


def forgets():
    """Takes one connection, and waits for something else ever since, again and again."""
    s = socket.create_server((address, port), backlog=100)
    c = s.accept()[0]
    c.recv(4096)
    while True:
        time.sleep(seconds)


def one_thread():
    s = socket.create_server((address, port), backlog=100)
    while True:
        handle(s.accept()[0])


def pool():
    s, two = socket.create_server((address, port), backlog=100), ThreadPoolExecutor(2)
    while True:
        two.submit(handle, s.accept()[0])


def loop():
    async def serve(reader, writer):
        await reader.read(4096)
        ask()  # which holds up the loop
        writer.write(answer)
        writer.close()

    async def run():
        async with await asyncio.start_server(serve, address, port) as server:
            await server.serve_forever()
    asyncio.run(run())


where = database()
{"forgets": forgets, "one_thread": one_thread, "pool": pool, "loop": loop}[what]()
