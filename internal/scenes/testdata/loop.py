"""loop.py HOW ADDRESS PORT: an event loop that is held up for ten minutes once somebody says "stop"."""
import asyncio, socket, sys, time


def asks():
    b = socket.create_connection((sys.argv[2], 9000))
    b.sendall(b"question")
    print("asks", b.fileno(), flush=True)
    b.recv(4096)


hold_up = {"sleeps": lambda: time.sleep(600), "asks": asks}[sys.argv[1]]


async def serve(reader, writer):
    if await reader.read(4) == b"stop":
        hold_up()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, sys.argv[2], int(sys.argv[3]))
    await server.serve_forever()


asyncio.run(main())
