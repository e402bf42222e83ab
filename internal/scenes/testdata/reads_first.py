"""One thread reads requests and hands them to a pool of two, whose threads sleep. What was read waits inside the program.

reads_first.py ADDRESS PORT
"""
import os, queue, socket, sys, threading, time

waiting = queue.Queue()


def work():
    while True:
        c = waiting.get()  # keeps it
        os.write(1, b"handles %d\n" % threading.get_native_id())
        time.sleep(600)


for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    c, _ = s.accept()
    c.recv(4096)
    waiting.put(c)
