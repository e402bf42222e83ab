"""pool.py WHAT: clients of the web server on port 8000, which closes idle connections."""
import os, sys, threading, time
import requests

url = "http://127.0.0.1:8000/"


def bounded():
    """Eight connections at once, kept in the pool of one session and not used again."""
    session, together = requests.Session(), threading.Barrier(8)
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=8)
    session.mount("http://", adapter)

    def fetch():
        answer = session.get(url, stream=True)
        together.wait()  # until then each holds its connection
        answer.content
    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("ready", flush=True)
    time.sleep(600)


def reused():
    """One session that asks again every 4 s: each time its connection has been closed, and is replaced."""
    session = requests.Session()
    while True:
        session.get(url)
        time.sleep(4)


def workers():
    """Twelve processes with a session each, which ask one after the other."""
    for i in range(12):
        if os.fork() == 0:
            time.sleep(0.6 * i)
            session = requests.Session()
            session.get(url)
            time.sleep(600)
    time.sleep(600)


def threads():
    """Twelve threads with a session each, which ask one after the other."""
    def keep(i):
        time.sleep(0.4 * i)
        session = requests.Session()
        session.get(url)
        time.sleep(600)
    for i in range(12):
        threading.Thread(target=keep, args=(i,)).start()


def growing():
    """A session for each request, and each is kept."""
    kept = []
    while True:
        kept.append(requests.Session())
        kept[-1].get(url)
        time.sleep(0.3)


{"bounded": bounded, "workers": workers, "threads": threads, "reused": reused, "growing": growing}[sys.argv[1]]()
