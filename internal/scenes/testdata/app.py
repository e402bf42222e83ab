"""A WSGI application: /  answers, /sleep sleeps, /ask waits for an answer of port 9000."""
import os, socket, threading, time


def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\n")  # whole lines, also from several threads


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/sleep":
        say("handles", os.getpid(), threading.get_native_id())
        time.sleep(600)
    if path == "/ask":
        b = socket.create_connection(("127.0.0.1", 9000))
        b.sendall(b"question")
        say("handles", os.getpid(), threading.get_native_id(), b.fileno())
        b.recv(4096)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]


application = app
