"""A server with an event loop that starts a program for each request, and answers with what that prints.

scripts.py WHAT ADDRESS PORT
"""
import asyncio, sys


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    program = await asyncio.create_subprocess_exec("sh", "-c", "sleep 600; true", stdout=asyncio.subprocess.PIPE)
    writer.write(await program.stdout.read())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, sys.argv[2], int(sys.argv[3]))
    await server.serve_forever()

asyncio.run(main())
